//! Giving away what this node has above its share, after others were added.
//!
//! Every node knows how many connections each has (they say so with their leases) and works out its
//! own surplus over the mean. It tells its oldest connections to move, at a paced rate; a client that
//! is sent back here by the load balancer is then the youngest. Some are: with `n` nodes and an even
//! spread one of `n`, which is why more are told than are too many. It goes on, round by round, until
//! the node is near the mean.

use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::BusError;
use hubbub_bus::presence::{LEASE_RENEWAL, NodeLease};
use hubbub_protocol::server::GoAwayReason;
use metrics::counter;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::drain::tell_to_move;
use crate::metric::Metric;
use crate::socket::Sockets;

/// Rounds of one rebalancing. What is left then stays.
const ROUNDS: usize = 10;
/// A node so close above the mean, in parts of it, is balanced.
const NEAR: f64 = 0.05;
/// By itself no node moves fewer than this: small numbers differ by chance.
const LEAST: u64 = 10;
/// Between two rounds: clients have arrived, and every node has said how many it has.
const SETTLE: Duration = Duration::from_secs(2 * LEASE_RENEWAL.as_secs());

/// When and how fast a node gives connections away.
#[derive(Debug, Clone, Copy)]
pub struct RebalanceOptions {
    /// By itself when it has so many percent more than the mean of all nodes; 0: never.
    pub above_percent: u32,
    /// Connections told to move each second, at least 1.
    pub per_second: u32,
}

/// How this node stands among those that are not leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Nodes that take clients, this one included.
    pub nodes: u64,
    /// Connections of all of them.
    pub total: u64,
    /// Connections of this one.
    pub connections: u64,
}

impl Share {
    /// How many this node has above the mean.
    #[must_use]
    pub const fn surplus(&self) -> u64 {
        self.connections.saturating_sub(self.total.div_ceil(self.nodes))
    }

    /// Whether this node has more than the mean by these parts of it.
    #[expect(clippy::cast_precision_loss, reason = "no node has so many connections")]
    fn is_above(&self, parts: f64) -> bool {
        self.surplus() as f64 > self.total as f64 / self.nodes as f64 * parts
    }

    /// How many to tell to move so that the surplus goes, if the load balancer spreads them evenly.
    const fn to_tell(self) -> u64 {
        if self.nodes < 2 {
            return 0;
        }
        let told = (self.surplus() * self.nodes).div_ceil(self.nodes - 1);
        if told < self.connections { told } else { self.connections }
    }
}

/// How this node stands.
///
/// # Errors
/// When the bus is away.
pub async fn share(sockets: &Sockets) -> Result<Share, BusError> {
    let nodes = sockets.app.bus.nodes().await?;
    let own = sockets.hub.connection_count() as u64;
    Ok(share_among(&nodes, |lease| lease.node == *sockets.app.bus.incarnation(), own))
}

fn share_among(nodes: &[NodeLease], is_own: impl Fn(&NodeLease) -> bool, own: u64) -> Share {
    let others = nodes.iter().filter(|lease| !is_own(lease));
    let others = others.filter_map(|lease| lease.status.as_ref());
    let (nodes, total) = others
        .filter(|status| !status.draining)
        .fold((1, own), |(nodes, total), status| (nodes + 1, total + status.connections));
    Share { nodes, total, connections: own }
}

/// Gives the surplus away, round by round, as an operator asks. Only one at a time: while one is
/// under way, another changes nothing.
pub async fn rebalance(sockets: &Arc<Sockets>, options: RebalanceOptions) {
    let Ok(_only) = sockets.rebalancing.try_lock() else { return };
    for _ in 0..ROUNDS {
        if sockets.leaving.is_cancelled() {
            return;
        }
        match share(sockets).await {
            Ok(share) if share.is_above(NEAR) => round(sockets, options, share).await,
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, "can't rebalance");
                return;
            }
        }
    }
}

/// One round: tells as many as is needed, and waits until they have moved.
async fn round(sockets: &Sockets, options: RebalanceOptions, share: Share) {
    let mut connections = sockets.hub.connections();
    connections.sort_unstable_by_key(|connection| connection.id);
    connections.truncate(usize::try_from(share.to_tell()).unwrap_or(usize::MAX));
    let told = connections.len();
    let window = Duration::from_secs_f64(told as f64 / f64::from(options.per_second));
    tracing::info!(told, ?share, window_ms = window.as_millis(), "rebalancing");
    counter!(Metric::Rebalanced.name()).increment(told as u64);
    tell_to_move(&connections, window, GoAwayReason::Rebalancing);
    drop(connections);
    sleep(window + SETTLE).await;
}

/// Rebalances by itself whenever this node is too far above the mean, for as long as it runs.
pub async fn watch(sockets: Arc<Sockets>, options: RebalanceOptions) {
    if options.above_percent == 0 {
        return;
    }
    let parts = f64::from(options.above_percent) / 100.0;
    let mut looks = interval(SETTLE);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // A node that has just started knows nothing of the others yet.
    looks.tick().await;
    loop {
        looks.tick().await;
        match share(&sockets).await {
            Ok(share) if share.surplus() >= LEAST && share.is_above(parts) => {
                rebalance(&sockets, options).await;
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "can't tell how many connections others have"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hubbub_bus::NodeStatus;
    use hubbub_protocol::{NodeId, Timestamp};

    use super::*;

    fn lease(name: &str, connections: u64, draining: bool) -> NodeLease {
        let status = NodeStatus {
            version: String::new(),
            started: Timestamp::now(),
            connections,
            rooms: 0,
            draining,
        };
        let node: NodeId = name.parse().unwrap();
        NodeLease { node, expires_in: Duration::from_secs(9), status: Some(status) }
    }

    fn of(own: u64, others: &[(u64, bool)]) -> Share {
        let mut nodes = vec![lease("me", 999, false)];
        nodes.extend(others.iter().map(|(count, draining)| lease("other", *count, *draining)));
        share_among(&nodes, |lease| lease.node.as_str() == "me", own)
    }

    #[test]
    fn a_nodes_share_is_the_mean_of_those_that_stay() {
        let share = of(900, &[(300, false), (0, false), (500, true)]);
        assert_eq!(share, Share { nodes: 3, total: 1200, connections: 900 });
        assert_eq!(share.surplus(), 500);
        // A third of those who are told come back.
        assert_eq!(share.to_tell(), 750);
        assert!(share.is_above(0.2) && !share.is_above(1.25));
    }

    #[test]
    fn a_node_that_is_alone_or_below_the_mean_keeps_what_it_has() {
        assert_eq!(of(900, &[]).to_tell(), 0);
        assert_eq!(of(900, &[(100, true)]).to_tell(), 0);
        assert_eq!(of(10, &[(900, false)]).surplus(), 0);
        assert!(!of(0, &[(0, false)]).is_above(0.0));
    }

    #[test]
    fn no_more_are_told_than_there_are() {
        assert_eq!(of(10, &[(0, false)]).to_tell(), 10);
    }
}
