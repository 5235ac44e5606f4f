//! Frames a gateway sends.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::FrameError;
use crate::error::ErrorCode;
use crate::event::{Deleted, Edited, Member, Message, Reaction, RoomChange};
use crate::http::{NotifyLevel, User, UserStatus};
use crate::id::{ConnectionId, Epoch, MessageId, NodeId, RoomId, Seq, UserId};
use crate::limits::Limits;
use crate::time::Timestamp;

/// A room in `ready`: where it stands and how far this user has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadyRoom {
    /// The room.
    pub room: RoomId,
    /// Its current epoch.
    pub epoch: Epoch,
    /// Its last event.
    pub seq: Seq,
    /// The last event this user has read.
    pub read: Seq,
    /// The last event that reached one of this user's devices.
    pub delivered: Seq,
    /// Messages by others that are unread: after `read`, or from `unread_from` on; deleted ones do
    /// not count. Counted among what is stored, up to
    /// [`UNREAD_MAX`](crate::limits::UNREAD_MAX), which stands for that many or more.
    pub unread: u64,
    /// Those among them that mention this user.
    #[serde(default)]
    pub mentions: u64,
    /// From where on the room was marked unread, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_from: Option<Seq>,
    /// What of the room reaches this user when they are not looking.
    #[serde(default)]
    pub notify: NotifyLevel,
    /// The version of this user's mark.
    #[serde(default)]
    pub version: u64,
}

/// How far one member has come in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// The member.
    pub user: UserId,
    /// The last event that reached one of their devices.
    pub delivered: Seq,
    /// The last event they have read.
    pub read: Seq,
    /// The room's last event when they came in: it and what was before it they have not seen,
    /// though it is at or before `read`. Absent for those who were there from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Seq>,
    /// From where on they marked the room unread. Only ever told to themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_from: Option<Seq>,
    /// Grows with every change of one member's mark, so that late news is known as such.
    #[serde(default)]
    pub version: u64,
    /// What of the room reaches them when they are not looking. Only ever told to themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<NotifyLevel>,
    /// Messages by others that are unread, counted anew; see [`ReadyRoom::unread`]. Only ever told
    /// to themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<u64>,
    /// Those among them that mention them. Only ever told to themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentions: Option<u64>,
}

/// What somebody is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceState {
    /// Who.
    pub user: UserId,
    /// The best of their devices.
    pub status: UserStatus,
    /// What they say they are doing, up to
    /// [`STATUS_TEXT_GRAPHEMES`](crate::limits::STATUS_TEXT_GRAPHEMES).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_text: Option<String>,
    /// When they were last connected, if they are offline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
}

/// Where a room's log stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Head {
    /// The room.
    pub room: RoomId,
    /// Its current epoch.
    pub epoch: Epoch,
    /// Its last event.
    pub seq: Seq,
}

/// An answer to a frame that could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorFrame {
    /// The `id` of the frame that is answered, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The room it concerns, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// What went wrong, for a program.
    pub code: ErrorCode,
    /// What went wrong, for a person.
    pub message: String,
    /// Milliseconds after which the same frame may succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorFrame {
    /// An error with the code's own title as its message.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self { id: None, room: None, code, message: code.title().to_owned(), retry_after_ms: None }
    }
}

impl From<FrameError> for ErrorFrame {
    fn from(error: FrameError) -> Self {
        Self { id: error.id, message: error.message, ..Self::new(error.code) }
    }
}

/// Why a client is told to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoAwayReason {
    /// The node is shutting down.
    Draining,
    /// The node holds more than its share.
    Rebalancing,
}

/// A frame from gateway to client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The answer to `hello`: from here on, events come.
    Ready {
        /// Who you are.
        user: UserId,
        /// This connection.
        connection: ConnectionId,
        /// The node that holds it.
        node: NodeId,
        /// How often `heads` comes, and how often at least to be heard from.
        heartbeat_ms: u64,
        /// Milliseconds until the access token runs out.
        token_expires_in_ms: u64,
        /// The bounds to keep to.
        limits: Limits,
        /// The rooms this connection hears.
        rooms: Vec<ReadyRoom>,
        /// What waits in this user's inbox (`GET /me/inbox`).
        #[serde(default)]
        inbox: u64,
    },
    /// The connection hears `room`. Events up to `seq` preceded or follow this frame; none is lost.
    Subscribed {
        /// The room.
        room: RoomId,
        /// Its current epoch.
        epoch: Epoch,
        /// Its last event at this moment.
        seq: Seq,
    },
    /// The connection no longer hears `room`.
    Unsubscribed {
        /// The room.
        room: RoomId,
    },
    /// The message is stored.
    Ack {
        /// The message's id.
        id: MessageId,
        /// Its room.
        room: RoomId,
        /// The epoch of its seq.
        epoch: Epoch,
        /// Its place.
        seq: Seq,
        /// When the server took it.
        at: Timestamp,
    },
    /// A message.
    Message(Message),
    /// A message says something else now.
    Edited(Edited),
    /// A message is deleted.
    Deleted(Deleted),
    /// Somebody reacted to a message, or took that back.
    Reaction(Reaction),
    /// A membership change.
    Member(Member),
    /// A change of the room's details.
    Room(RoomChange),
    /// State sync: what changed after the client's position, each message in its latest state.
    Sync {
        /// The room.
        room: RoomId,
        /// Its current epoch.
        epoch: Epoch,
        /// The client's position after applying this.
        upto: Seq,
        /// What changed, ascending by seq.
        messages: Vec<Message>,
    },
    /// Reload the room: its position can't be continued.
    Reset {
        /// The room.
        room: RoomId,
        /// The epoch from here on.
        epoch: Epoch,
        /// The room's last event.
        seq: Seq,
    },
    /// How far members have come; of oneself, on any device, too. Volatile.
    Marks {
        /// The room.
        room: RoomId,
        /// Who, and how far.
        marks: Vec<Mark>,
    },
    /// Somebody started or stopped typing. Volatile; expires after six seconds.
    Typing {
        /// The room.
        room: RoomId,
        /// Who.
        user: UserId,
        /// Whether they type.
        on: bool,
    },
    /// What watched people are doing: all of them after `watch`, then those who changed, at most
    /// once a second. Volatile.
    Presence {
        /// Who, and what.
        users: Vec<PresenceState>,
    },
    /// A watched person, or oneself on another device, has another name, picture or status text.
    /// Volatile.
    User {
        /// The person as they are now.
        user: User,
    },
    /// What waits in this user's inbox has changed. Volatile.
    Inbox {
        /// How many entries.
        waiting: u64,
    },
    /// This user has blocked somebody, or taken that back, on whatever device. Volatile.
    Block {
        /// Who is meant.
        user: UserId,
        /// Whether they are blocked.
        blocked: bool,
    },
    /// With the heartbeat: where rooms that moved since the last one stand.
    Heads {
        /// The rooms.
        rooms: Vec<Head>,
    },
    /// The access token was replaced; the connection may stay.
    Refreshed {
        /// Milliseconds until the new token runs out.
        token_expires_in_ms: u64,
    },
    /// Open a new connection, then close this one.
    #[serde(rename = "goaway")]
    GoAway {
        /// Milliseconds after which to move.
        after_ms: u64,
        /// Why.
        reason: GoAwayReason,
    },
    /// Something could not be done.
    Error(ErrorFrame),
    /// The answer to `ping`.
    Pong,
}

impl ServerFrame {
    /// The frame's text.
    #[must_use]
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("a frame has string keys only, so it is always JSON")
    }
}
