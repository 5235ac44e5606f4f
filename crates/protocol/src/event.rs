//! What has a seq. Every change that members must not miss is an event in its room's one log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::Role;
use crate::id::{AttachmentId, Epoch, MessageId, Position, RoomId, Seq, UserId};
use crate::time::Timestamp;

/// A file in a message, as every reader is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    /// The id: `GET /attachments/{id}` serves it to members of the room.
    pub id: AttachmentId,
    /// The file's name, without any path.
    pub name: String,
    /// The media type found by looking at the bytes, never the one that was claimed.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// Pixels across, of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels down, of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// What to show until an image has come (<https://blurha.sh>).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blurhash: Option<String>,
    /// Whether `GET /attachments/{id}/thumbnail` has a smaller picture of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub thumbnail: bool,
}

/// Whom a message calls by name. Found in its text by the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mentions {
    /// Members whose `@name` is in the text, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserId>,
    /// Whether it calls everybody (`@all`), by somebody who may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

impl Mentions {
    /// Whether nobody is called.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.users.is_empty() && !self.all
    }

    /// Whether `user` is called.
    #[must_use]
    pub fn call(&self, user: UserId) -> bool {
        self.all || self.users.contains(&user)
    }
}

/// The content of a message. Text, never HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageBody {
    /// The text, within `limits.text_graphemes` and `limits.text_bytes`; may be empty where there
    /// are attachments, and is empty once the message is deleted.
    pub text: String,
    /// Its files, in the sender's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The message of the same room that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Whom it calls.
    #[serde(default, skip_serializing_if = "Mentions::is_empty")]
    pub mentions: Mentions,
}

impl MessageBody {
    /// A body of nothing but text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// What an edit puts in place of a message's text. All else of the body stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EditedBody {
    /// The new text, within the same bounds.
    pub text: String,
    /// Whom it calls now.
    #[serde(default, skip_serializing_if = "Mentions::is_empty")]
    pub mentions: Mentions,
}

/// One emoji under a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionCount {
    /// The emoji.
    pub emoji: String,
    /// How many people.
    pub count: u64,
    /// The first of them, by when they reacted; [`REACTION_USERS`](crate::limits::REACTION_USERS)
    /// at the most.
    pub users: Vec<UserId>,
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
    /// What it says. Empty once it is deleted.
    pub body: MessageBody,
    /// When it was last edited, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// When it was deleted, if it was. What is left is its place, its author and its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// What people think of it, in the order in which each emoji was first used.
    #[serde(default)]
    pub reactions: Vec<ReactionCount>,
}

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
    /// Somebody changes what they said.
    Edited {
        /// The message.
        message: MessageId,
        /// What it says now.
        body: EditedBody,
    },
    /// A message is deleted.
    Deleted {
        /// The message.
        message: MessageId,
    },
    /// Somebody reacts to a message, or takes that back.
    Reaction {
        /// The message.
        message: MessageId,
        /// One emoji.
        emoji: String,
        /// Whether it is put there or taken away.
        on: bool,
    },
    /// Somebody comes or goes, or may do something else from now on.
    Member {
        /// Who.
        user: UserId,
        /// How.
        change: MemberChange,
        /// The new role, of a change of role.
        role: Option<Role>,
        /// Until when, of a mute.
        until: Option<Timestamp>,
    },
    /// The room's details change.
    Room {
        /// What changes.
        details: RoomDetails,
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
            NewEventKind::Message { body } => Event::Message(Message {
                room,
                epoch,
                seq,
                id,
                sender,
                at,
                body,
                edited_at: None,
                deleted_at: None,
                reactions: Vec::new(),
            }),
            NewEventKind::Edited { message, body } => {
                Event::Edited(Edited { room, epoch, seq, id, sender, at, message, body })
            }
            NewEventKind::Deleted { message } => {
                Event::Deleted(Deleted { room, epoch, seq, id, sender, at, message })
            }
            NewEventKind::Reaction { message, emoji, on } => {
                Event::Reaction(Reaction { room, epoch, seq, id, sender, at, message, emoji, on })
            }
            NewEventKind::Member { user, change, role, until } => Event::Member(Member {
                room,
                epoch,
                seq,
                id,
                sender,
                at,
                user,
                change,
                role,
                until,
            }),
            NewEventKind::Room { details } => {
                Event::Room(RoomChange { room, epoch, seq, id, sender, at, details })
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

/// When the server took the event of a frame, read off without decoding all of it.
#[must_use]
pub fn time_in(frame: &[u8]) -> Option<Timestamp> {
    const FIELD: &[u8] = b"\"at\":\"";
    /// `2026-11-21T07:30:00.000Z`
    const LENGTH: usize = 24;
    // Before it stand the type, the place and ids, none of which could be taken for it.
    let start = frame.windows(FIELD.len()).position(|window| window == FIELD)? + FIELD.len();
    std::str::from_utf8(frame.get(start..start + LENGTH)?).ok()?.parse().ok()
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
            kind: NewEventKind::Message { body: MessageBody::text(text) },
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
    fn the_time_is_read_off_the_frame_whatever_the_text() {
        let new = message("\"at\":\"2001-01-01T00:00:00.000Z\"");
        let frame = new.template().at(Position::new(Epoch(3), Seq(41)));
        assert_eq!(time_in(frame.as_bytes()), Some(new.at));
        assert_eq!(time_in(b"{\"type\":\"room\"}"), None);
        assert_eq!(time_in(b"{\"at\":\"20"), None);
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
