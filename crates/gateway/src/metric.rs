//! The names of what a gateway counts and measures.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// A metric of the HTTP API, the hub or its sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Connections after their greeting.
    Connections,
    /// Rooms this node is subscribed to.
    Rooms,
    /// People whose presence channel this node is subscribed to.
    Watched,
    /// People whose presence was read for those who watch them.
    PresenceLooks,
    /// Rows of presence put into connections' lanes.
    PresenceRows,
    /// Changes of presence told to the nodes that watch, one for each person who changed.
    PresenceAnnounced,
    /// Frames of events put into connections' lanes.
    Deliveries,
    /// Event lanes that were full and emptied; their rooms are read again from the log.
    Overflows,
    /// Rooms for which something may have been missed.
    Gaps,
    /// Gaps of rooms that were read from the log.
    Fills,
    /// Resets told to a room's connections or to a single one.
    Resets,
    /// Sends that wait to be stored.
    AcksPending,
    /// Connections closed by this node, by `code`.
    Closed,
    /// Requests of the HTTP API, by `method`, `route` and class of `status`.
    Requests,
    /// How long they took, by `method` and `route`.
    RequestTime,
}

impl Metric {
    /// The name under which it is exported.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connections => "hubbub_connections",
            Self::Rooms => "hubbub_rooms",
            Self::Watched => "hubbub_watched_people",
            Self::PresenceLooks => "hubbub_presence_looks_total",
            Self::PresenceRows => "hubbub_presence_rows_total",
            Self::PresenceAnnounced => "hubbub_presence_announced_total",
            Self::Deliveries => "hubbub_deliveries_total",
            Self::Overflows => "hubbub_overflows_total",
            Self::Gaps => "hubbub_gaps_total",
            Self::Fills => "hubbub_fills_total",
            Self::Resets => "hubbub_resets_total",
            Self::AcksPending => "hubbub_acks_pending",
            Self::Closed => "hubbub_closed_total",
            Self::Requests => "hubbub_http_requests_total",
            Self::RequestTime => "hubbub_http_request_seconds",
        }
    }
}

/// Tells the installed recorder what each metric means.
pub fn describe() {
    use Metric::{
        AcksPending, Closed, Connections, Deliveries, Fills, Gaps, Overflows, PresenceAnnounced,
        PresenceLooks, PresenceRows, RequestTime, Requests, Resets, Rooms, Watched,
    };
    describe_gauge!(Connections.name(), "Connections after their greeting.");
    describe_gauge!(Rooms.name(), "Rooms this node is subscribed to.");
    describe_gauge!(Watched.name(), "People whose presence this node is subscribed to.");
    describe_counter!(PresenceLooks.name(), "Reads of somebody's presence for their watchers.");
    describe_counter!(PresenceRows.name(), "Rows of presence put into connections' lanes.");
    describe_counter!(PresenceAnnounced.name(), "Changes of presence told to nodes that watch.");
    describe_counter!(Deliveries.name(), "Frames of events put into connections' lanes.");
    describe_counter!(Overflows.name(), "Event lanes that were full and are read again.");
    describe_counter!(Gaps.name(), "Rooms for which something may have been missed.");
    describe_counter!(Fills.name(), "Gaps of rooms that were read from the log.");
    describe_counter!(Resets.name(), "Resets told to connections of a room, or to one.");
    describe_gauge!(AcksPending.name(), "Sends that wait to be stored.");
    describe_counter!(Closed.name(), "Connections closed by this node, by close code.");
    describe_counter!(Requests.name(), "HTTP requests, by method, route and class of status.");
    describe_histogram!(RequestTime.name(), "How long HTTP requests took, by method and route.");
}
