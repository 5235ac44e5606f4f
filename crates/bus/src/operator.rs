//! What operators see of nodes, and ask of them.

use hubbub_protocol::{NodeId, Position, RoomId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a node says of itself, with each renewal of its lease and when it begins to leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The version of its program.
    pub version: String,
    /// When it started.
    pub started: Timestamp,
    /// Connections after their greeting.
    pub connections: u64,
    /// Rooms it is subscribed to.
    pub rooms: u64,
    /// Whether it is leaving: it takes no new connections, and those it has move away.
    pub draining: bool,
}

/// What an operator asks of one node. Sent once, without an answer of its own: whoever asks looks at
/// what the node says of itself, or waits for its report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum NodeCommand {
    /// Become unready, and tell every client to move.
    Drain,
    /// Tell as many clients to move as the node has above its share.
    Rebalance,
    /// Report what the node knows of an event.
    Trace {
        /// The incarnation to report to.
        ask: NodeId,
        /// The event's room.
        room: RoomId,
        /// Its place.
        position: Position,
    },
}

/// What a node knows of an event. It remembers the latest of what passed through it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeTrace {
    /// When it had committed the event, if it took it from its sender.
    pub committed: Option<Timestamp>,
    /// When it was told that the event is stored, if it took it.
    pub told_stored: Option<Timestamp>,
    /// When it gave the event to its connections.
    pub delivered: Option<Timestamp>,
    /// Connections it gave the event to.
    pub connections: u64,
    /// Where the room stands on this node; `None` if nobody here hears it.
    pub head: Option<Position>,
    /// Connections that hear the room here now.
    pub members: u64,
}
