//! What has a seq. Every change that members must not miss is an event in its room's one log.
//!
//! - [`message`]: what a message is
//! - [`new`]: events before they have their place

mod message;
mod new;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::Role;
use crate::id::{Epoch, MessageId, Position, RoomId, Seq, UserId};
use crate::time::Timestamp;

pub use message::{Attachment, EditedBody, Mentions, Message, MessageBody, ReactionCount};
pub use new::{FrameTemplate, NewEvent, NewEventKind, time_in};

/// An edit in its place. It changes the message's text, unless the message is deleted: a deletion
/// beats every edit, whichever seq it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edited {
    /// The room it is in.
    pub room: RoomId,
    /// The epoch its seq belongs to.
    pub epoch: Epoch,
    /// Its place in the room.
    pub seq: Seq,
    /// The event's name.
    pub id: MessageId,
    /// Who edits: the message's author.
    pub sender: UserId,
    /// When the server took it.
    pub at: Timestamp,
    /// The message.
    pub message: MessageId,
    /// What it says now.
    pub body: EditedBody,
}

/// A deletion in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deleted {
    /// The room it is in.
    pub room: RoomId,
    /// The epoch its seq belongs to.
    pub epoch: Epoch,
    /// Its place in the room.
    pub seq: Seq,
    /// The event's name.
    pub id: MessageId,
    /// Who deletes: the message's author, or somebody who keeps order in the room.
    pub sender: UserId,
    /// When the server took it.
    pub at: Timestamp,
    /// The message.
    pub message: MessageId,
}

/// A reaction in its place. Of those by one person with one emoji, the one with the greatest seq
/// counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reaction {
    /// The room it is in.
    pub room: RoomId,
    /// The epoch its seq belongs to.
    pub epoch: Epoch,
    /// Its place in the room.
    pub seq: Seq,
    /// The event's name.
    pub id: MessageId,
    /// Who reacts.
    pub sender: UserId,
    /// When the server took it.
    pub at: Timestamp,
    /// The message.
    pub message: MessageId,
    /// One emoji.
    pub emoji: String,
    /// Whether it is put there or taken away.
    pub on: bool,
}

/// What happened to somebody's membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberChange {
    /// Came in, by code, by the directory or by opening a direct room.
    Joined,
    /// Went out of their own accord.
    Left,
    /// Was put out, and may come back.
    Removed,
    /// Was put out, and may not come back.
    Banned,
    /// May come back.
    Unbanned,
    /// Has another role: `role` says which.
    Role,
    /// May not write until `until`.
    Muted,
    /// May write again.
    Unmuted,
}

impl MemberChange {
    /// Whether the change ends the membership.
    #[must_use]
    pub const fn ends_membership(self) -> bool {
        matches!(self, Self::Left | Self::Removed | Self::Banned)
    }
}

/// A membership change in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// The room it is in.
    pub room: RoomId,
    /// The epoch its seq belongs to.
    pub epoch: Epoch,
    /// Its place in the room.
    pub seq: Seq,
    /// The event's name.
    pub id: MessageId,
    /// Who caused it.
    pub sender: UserId,
    /// When the server took it.
    pub at: Timestamp,
    /// Whose membership changed.
    pub user: UserId,
    /// How it changed.
    pub change: MemberChange,
    /// The new role, of a change of role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Until when, of a mute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What changed of a room. Absent fields did not change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomDetails {
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The new topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Where the new icon is; empty: it has none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// The new owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    /// The new pause between two messages of a member, in milliseconds; 0: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_mode_ms: Option<u64>,
    /// Who may post links now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<Role>,
    /// Who may call everybody now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mention_all: Option<Role>,
    /// Whether it is now read-only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Set in a room's last event: it is destroyed, and this is the end of its log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub destroyed: bool,
}

/// A change of a room's own details in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomChange {
    /// The room that changed.
    pub room: RoomId,
    /// The epoch its seq belongs to.
    pub epoch: Epoch,
    /// Its place in the room.
    pub seq: Seq,
    /// The event's name.
    pub id: MessageId,
    /// Who caused it.
    pub sender: UserId,
    /// When the server took it.
    pub at: Timestamp,
    /// What changed.
    #[serde(flatten)]
    pub details: RoomDetails,
}

/// One entry of a room's log, in the very form of the frame that clients receive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Somebody said something.
    Message(Message),
    /// Somebody changed what they had said.
    Edited(Edited),
    /// A message was deleted.
    Deleted(Deleted),
    /// Somebody reacted to a message, or took that back.
    Reaction(Reaction),
    /// Somebody came or went, or may do something else now.
    Member(Member),
    /// The room's details changed.
    Room(RoomChange),
}

macro_rules! header {
    ($self:ident, $field:ident) => {
        match $self {
            Self::Message(e) => e.$field,
            Self::Edited(e) => e.$field,
            Self::Deleted(e) => e.$field,
            Self::Reaction(e) => e.$field,
            Self::Member(e) => e.$field,
            Self::Room(e) => e.$field,
        }
    };
}

impl Event {
    /// The room whose log it is in.
    #[must_use]
    pub const fn room(&self) -> RoomId {
        header!(self, room)
    }

    /// Its place in the room.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        header!(self, seq)
    }

    /// The epoch its seq belongs to.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        header!(self, epoch)
    }

    /// Epoch and seq.
    #[must_use]
    pub const fn position(&self) -> Position {
        Position::new(self.epoch(), self.seq())
    }

    /// Its name, unique in the room.
    #[must_use]
    pub const fn id(&self) -> MessageId {
        header!(self, id)
    }

    /// Who caused it.
    #[must_use]
    pub const fn sender(&self) -> UserId {
        header!(self, sender)
    }

    /// When the server took it.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        header!(self, at)
    }

    /// The message that it changes: that of an edit, a deletion or a reaction.
    #[must_use]
    pub const fn target(&self) -> Option<MessageId> {
        match self {
            Self::Edited(e) => Some(e.message),
            Self::Deleted(e) => Some(e.message),
            Self::Reaction(e) => Some(e.message),
            Self::Message(_) | Self::Member(_) | Self::Room(_) => None,
        }
    }

    /// The event as committed but in no place yet: what a lost place is given back with.
    #[must_use]
    pub fn without_place(self) -> NewEvent {
        let (room, id, sender, at) = (self.room(), self.id(), self.sender(), self.at());
        let kind = match self {
            Self::Message(e) => NewEventKind::Message { body: e.body },
            Self::Edited(e) => NewEventKind::Edited { message: e.message, body: e.body },
            Self::Deleted(e) => NewEventKind::Deleted { message: e.message },
            Self::Reaction(e) => {
                NewEventKind::Reaction { message: e.message, emoji: e.emoji, on: e.on }
            }
            Self::Member(e) => {
                let Member { user, change, role, until, .. } = e;
                NewEventKind::Member { user, change, role, until }
            }
            Self::Room(e) => NewEventKind::Room { details: e.details },
        };
        NewEvent { room, id, sender, at, kind }
    }

    /// Reads an event from its frame.
    ///
    /// # Errors
    /// When the bytes are not the frame of an event.
    pub fn parse(frame: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(frame)
    }
}
