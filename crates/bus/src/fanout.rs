//! What arrives at a node, and how it asks for it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hubbub_protocol::{NodeId, Position, RoomId, SessionId, UserId};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::BusError;
use crate::operator::{NodeCommand, NodeTrace};
use crate::wal::StoredNotice;

/// Something every node must know at once. Not ordered with events and lossy: each is a hint that
/// makes live connections follow the store sooner; after a gap everything is read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Control {
    /// Close the connections of a session.
    SessionEnded {
        /// The session.
        session: SessionId,
    },
    /// A user's live connections now hear a room.
    MemberJoined {
        /// The room.
        room: RoomId,
        /// The user.
        user: UserId,
    },
    /// A user's live connections no longer hear a room.
    MemberGone {
        /// The room.
        room: RoomId,
        /// The user.
        user: UserId,
    },
    /// A member may do something else in a room than before.
    MemberChanged {
        /// The room.
        room: RoomId,
        /// The user.
        user: UserId,
    },
    /// What members may do in a room has changed, or the room is gone.
    RoomChanged {
        /// The room.
        room: RoomId,
    },
    /// An operator asks something of this node.
    Command {
        /// What.
        command: NodeCommand,
    },
    /// A node's answer to [`NodeCommand::Trace`].
    Traced {
        /// The node's incarnation.
        node: NodeId,
        /// What it knows.
        trace: NodeTrace,
    },
}

/// Where a node's deliveries go: the hub. Called from the bus's dispatch tasks, in order per room,
/// and must not block.
pub trait Receiver: Send + Sync + 'static {
    /// An event, with the frame that clients receive.
    fn event(&self, room: RoomId, position: Position, frame: Bytes);

    /// The room goes on in a new epoch, from this position.
    fn reset(&self, room: RoomId, position: Position);

    /// A volatile frame; of those with the same key, the newest counts.
    fn volatile(&self, room: RoomId, key: &str, frame: Bytes);

    /// A volatile frame for people rather than a room: for their connections on this node, whatever
    /// rooms those hear. Of those with the same key, the newest counts.
    fn for_users(&self, users: &[UserId], key: &str, frame: Bytes);

    /// A word to every node.
    fn control(&self, control: Control);

    /// Events this node committed are stored.
    fn stored(&self, notices: Vec<StoredNotice>);

    /// Subscriptions that are confirmed: what is published from here on arrives. Called again for
    /// rooms that had to be subscribed anew, in which case events in between may be missing.
    fn subscribed(&self, rooms: &[RoomId]);

    /// Something of these rooms may have been lost on the way to this node.
    fn gap(&self, rooms: &[RoomId]);

    /// Control words may have been lost on the way to this node.
    fn control_gap(&self);
}

/// Publishing to nodes, and hearing from them.
#[async_trait]
pub trait Fanout: Send + Sync {
    /// Starts the subscriber: from here on `receiver` is called, until `stop`. Called once.
    fn listen(&self, receiver: Arc<dyn Receiver>, stop: CancellationToken);

    /// Adds rooms to what this node wants to hear. [`Receiver::subscribed`] confirms.
    fn subscribe(&self, rooms: &[RoomId]);

    /// Takes rooms from what this node wants to hear.
    fn unsubscribe(&self, rooms: &[RoomId]);

    /// Publishes a frame that is not kept; of those with the same `key` (no `;` in it), receivers
    /// may keep only the newest.
    async fn publish_volatile(&self, room: RoomId, key: &str, frame: &str) -> Result<(), BusError>;

    /// Publishes a volatile frame to the nodes that hold connections of these people, as the
    /// presence map has them, and to this one, which knows its connections before the map does. No
    /// other node hears of it. Of those with the same `key` (no `;` in it), receivers may keep only
    /// the newest. A connection that another node has just greeted may miss it, so whatever is told
    /// this way must be in `ready` as well.
    async fn tell_users(&self, users: &[UserId], key: &str, frame: &str) -> Result<(), BusError>;

    /// Tells every node, this one included.
    async fn publish_control(&self, control: &Control) -> Result<(), BusError>;

    /// Tells one node, by its incarnation. Nobody hears it if that node is gone.
    async fn tell_node(&self, node: &NodeId, control: &Control) -> Result<(), BusError>;

    /// How long ago a probe published by this node last came back to it through its own
    /// subscription. `None` until the first one has.
    fn probe_age(&self) -> Option<Duration>;
}
