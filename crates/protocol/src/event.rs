//! What has a seq. Every change that members must not miss is an event in its room's one log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{Epoch, MessageId, Position, RoomId, Seq, UserId};
use crate::time::Timestamp;

/// The content of a message, as its sender wrote it. Text, never HTML.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageBody {
    /// The text, within `limits.text_graphemes` and `limits.text_bytes`.
    pub text: String,
}

/// A message in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// The room it is in.
    pub room: RoomId,
    /// The epoch its seq belongs to.
    pub epoch: Epoch,
    /// Its place in the room.
    pub seq: Seq,
    /// Its name, given by the sender.
    pub id: MessageId,
    /// Who wrote it.
    pub sender: UserId,
    /// When the server took it.
    pub at: Timestamp,
    /// What it says.
    pub body: MessageBody,
}

/// What happened to somebody's membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberChange {
    /// Came in, by code, by the directory or by opening a direct room.
    Joined,
    /// Went out of their own accord.
    Left,
    /// Was put out.
    Removed,
}

impl MemberChange {
    /// Whether the user is a member afterwards.
    #[must_use]
    pub const fn is_member_after(self) -> bool {
        matches!(self, Self::Joined)
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
}

/// A change of a room's own details in its place. Absent fields did not change.
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
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// One entry of a room's log, in the very form of the frame that clients receive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Somebody said something.
    Message(Message),
    /// Somebody came or went.
    Member(Member),
    /// The room's details changed.
    Room(RoomChange),
}

macro_rules! header {
    ($self:ident, $field:ident) => {
        match $self {
            Self::Message(e) => e.$field,
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

    /// The event as committed but in no place yet: what a lost place is given back with.
    #[must_use]
    pub fn without_place(self) -> NewEvent {
        let (room, id, sender, at) = (self.room(), self.id(), self.sender(), self.at());
        let kind = match self {
            Self::Message(e) => NewEventKind::Message { body: e.body },
            Self::Member(e) => NewEventKind::Member { user: e.user, change: e.change },
            Self::Room(e) => NewEventKind::Room { name: e.name, description: e.description },
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

/// An event before commit: all but its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The room whose log it goes to.
    pub room: RoomId,
    /// Its name, kept over every retry.
    pub id: MessageId,
    /// Who causes it.
    pub sender: UserId,
    /// When the server took it.
    pub at: Timestamp,
    /// What it is.
    pub kind: NewEventKind,
}

/// What a [`NewEvent`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewEventKind {
    /// Somebody says something.
    Message {
        /// What.
        body: MessageBody,
    },
    /// Somebody comes or goes.
    Member {
        /// Who.
        user: UserId,
        /// How.
        change: MemberChange,
    },
    /// The room's details change.
    Room {
        /// The new name, if it changes.
        name: Option<String>,
        /// The new description, if it changes.
        description: Option<String>,
    },
}

/// The frame of an event with its epoch and seq left out.
///
/// Whoever gives the place (a script inside Redis, say) makes the frame by joining
/// `prefix · epoch · middle · seq · suffix`, without knowing JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameTemplate {
    /// Up to the epoch.
    pub prefix: String,
    /// From the seq on.
    pub suffix: String,
}

impl FrameTemplate {
    /// What stands between epoch and seq.
    pub const MIDDLE: &'static str = ",\"seq\":";

    /// The frame at `position`.
    #[must_use]
    pub fn at(&self, position: Position) -> String {
        format!("{}{}{}{}{}", self.prefix, position.epoch, Self::MIDDLE, position.seq, self.suffix)
    }
}

impl NewEvent {
    /// The event in its place.
    #[must_use]
    pub fn at(self, position: Position) -> Event {
        let Self { room, id, sender, at, kind } = self;
        let Position { epoch, seq } = position;
        match kind {
            NewEventKind::Message { body } => {
                Event::Message(Message { room, epoch, seq, id, sender, at, body })
            }
            NewEventKind::Member { user, change } => {
                Event::Member(Member { room, epoch, seq, id, sender, at, user, change })
            }
            NewEventKind::Room { name, description } => {
                Event::Room(RoomChange { room, epoch, seq, id, sender, at, name, description })
            }
        }
    }

    /// The event's frame, ready to be given a place.
    #[must_use]
    pub fn template(&self) -> FrameTemplate {
        let frame = serde_json::to_string(&self.clone().at(Position::default()))
            .expect("an event has string keys only, so it is always JSON");
        // The place is behind `type` and `room`, whose values hold neither quotes nor digits that
        // could be taken for it: the first match is the place.
        let place = "\"epoch\":0,\"seq\":0";
        let start = frame.find(place).expect("every event's frame starts with its place");
        FrameTemplate {
            prefix: format!("{}\"epoch\":", &frame[..start]),
            suffix: frame[start + place.len()..].to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> NewEvent {
        NewEvent {
            room: RoomId::new(),
            id: MessageId::new(),
            sender: UserId::new(),
            at: Timestamp::now(),
            kind: NewEventKind::Message { body: MessageBody { text: text.into() } },
        }
    }

    #[test]
    fn a_template_filled_in_is_the_frame_of_the_event() {
        let place = Position::new(Epoch(3), Seq(41));
        let new = message("\"epoch\":0,\"seq\":0 and \u{2028} <b>");
        let frame = new.template().at(place);
        assert_eq!(Event::parse(frame.as_bytes()).ok(), Some(new.clone().at(place)));
        assert_eq!(serde_json::to_string(&new.at(place)).ok(), Some(frame));
    }

    #[test]
    fn the_type_comes_first() {
        let frame = message("hi").template().at(Position::default());
        assert!(frame.starts_with("{\"type\":\"message\",\"room\":\""), "{frame}");
    }

    #[test]
    fn an_event_without_its_place_is_what_was_committed() {
        let new = message("hi");
        assert_eq!(new.clone().at(Position::new(Epoch(1), Seq(2))).without_place(), new);
    }
}
