//! Events before they have their place, and how they get it.

use super::{
    Deleted, Edited, EditedBody, Event, Member, MemberChange, Message, MessageBody, Reaction,
    RoomChange, RoomDetails,
};
use crate::http::Role;
use crate::id::{MessageId, Position, RoomId, UserId};
use crate::time::Timestamp;

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
    use crate::id::{Epoch, Seq};

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
