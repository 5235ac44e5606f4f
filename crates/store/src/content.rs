//! What of an event is stored beside its header, the same for both stores.

use hubbub_protocol::{Event, MemberChange, MessageBody, UserId};
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
    Member,
    Room,
    /// Nothing: the place was given to a double of a stored event, whose id it bears.
    Void,
}

/// An event's content.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Content<'a> {
    Message(&'a MessageBody),
    Member {
        user: UserId,
        change: MemberChange,
    },
    Room {
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
    },
}

impl<'a> Content<'a> {
    pub(crate) fn of(event: &'a Event) -> (Kind, Self) {
        match event {
            Event::Message(e) => (Kind::Message, Self::Message(&e.body)),
            Event::Member(e) => (Kind::Member, Self::Member { user: e.user, change: e.change }),
            Event::Room(e) => (
                Kind::Room,
                Self::Room { name: e.name.as_deref(), description: e.description.as_deref() },
            ),
        }
    }

    /// What varies in length, before any escaping.
    fn bytes(&self) -> usize {
        match self {
            Self::Message(body) => body.text.len(),
            Self::Member { .. } => 0,
            Self::Room { name, description } => {
                name.map_or(0, str::len) + description.map_or(0, str::len)
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
