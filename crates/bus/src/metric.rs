//! The names of what a node's bus counts. What they mean is described where they are exported.

/// The subscription was rebuilt.
pub const SUBSCRIBER_RECONNECTS: &str = "hubbub_bus_subscriber_reconnects_total";
/// Deliveries that the node was too slow for; made up for by reading the log.
pub const DELIVERIES_DROPPED: &str = "hubbub_bus_deliveries_dropped_total";
