//! What of an event is stored beside its header, the same for both stores.

use hubbub_protocol::http::Role;
use hubbub_protocol::{
    EditedBody, Event, MemberChange, MessageBody, RoomDetails, Timestamp, UserId,
};
use serde::Serialize;

/// Largest content of an event, in bytes of text. Far above what any limit of the protocol lets
/// through, and far below what either database refuses.
const CONTENT_MAX: usize = 1024 * 1024;

/// Largest epoch or seq: JSON numbers and Lua doubles hold integers exactly up to here.
const COUNTER_MAX: u64 = (1 << 53) - 1;

/// What kind of event a place of the log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    /// A message that is deleted.
    Tombstone,
    Edited,
    Deleted,
    Reaction,
    Member,
    Room,
    /// Nothing: the place was given to a double of a stored event, whose id it bears.
    Void,
}

/// An event's content; the message it is about is stored beside it.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Content<'a> {
    Message(&'a MessageBody),
    Edited(&'a EditedBody),
    Deleted {},
    Reaction {
        emoji: &'a str,
        on: bool,
    },
    Member {
        user: UserId,
        change: MemberChange,
        #[serde(skip_serializing_if = "Option::is_none")]
        role: Option<Role>,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    Room(&'a RoomDetails),
}

impl<'a> Content<'a> {
    pub(crate) fn of(event: &'a Event) -> (Kind, Self) {
        match event {
            Event::Message(e) => (Kind::Message, Self::Message(&e.body)),
            Event::Edited(e) => (Kind::Edited, Self::Edited(&e.body)),
            Event::Deleted(_) => (Kind::Deleted, Self::Deleted {}),
            Event::Reaction(e) => (Kind::Reaction, Self::Reaction { emoji: &e.emoji, on: e.on }),
            Event::Member(e) => {
                let (user, change, role, until) = (e.user, e.change, e.role, e.until);
                (Kind::Member, Self::Member { user, change, role, until })
            }
            Event::Room(e) => (Kind::Room, Self::Room(&e.details)),
        }
    }

    /// What varies in length, before any escaping.
    fn bytes(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        match self {
            Self::Message(body) => body.text.len(),
            Self::Edited(body) => body.text.len(),
            Self::Deleted {} | Self::Member { .. } => 0,
            Self::Reaction { emoji, .. } => emoji.len(),
            Self::Room(details) => {
                length(&details.name) + length(&details.description) + length(&details.topic)
            }
        }
    }
}

/// Why an event can never be stored, if it can't.
pub(crate) fn refusal(event: &Event) -> Option<String> {
    let counters = [("epoch", event.epoch().0), ("seq", event.seq().0)];
    for (name, value) in counters {
        if !(1..=COUNTER_MAX).contains(&value) {
            return Some(format!("{name} {value} is not within 1 to {COUNTER_MAX}"));
        }
    }
    let bytes = Content::of(event).1.bytes();
    (bytes > CONTENT_MAX).then(|| format!("{bytes} bytes of content, {CONTENT_MAX} at the most"))
}
