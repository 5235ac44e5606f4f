//! What edits, deletions and reactions make of a message, whatever the order in which they are
//! stored.
//!
//! Workers may store an edit before its message, or an earlier edit after a later one. So each rule
//! here is one that order does not matter to: the edit of the greatest seq counts, the deletion of
//! the smallest, a deletion beats every edit, and of the reactions of one person with one emoji the
//! one of the greatest seq counts. The stores apply them as guarded updates.

use hubbub_protocol::{EditedBody, Event, Mentions, MessageId, RoomId, Seq, Timestamp, UserId};
use serde::Deserialize;
use uuid::Uuid;

/// A stored event that changes a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) room: RoomId,
    /// The message.
    pub(crate) target: MessageId,
    pub(crate) seq: Seq,
    pub(crate) sender: UserId,
    pub(crate) at: Timestamp,
    pub(crate) what: What,
}

/// How it changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Edit(EditedBody),
    Delete,
    React(Reacted),
}

/// One emoji, put there or taken away.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Reacted {
    pub(crate) emoji: String,
    pub(crate) on: bool,
}

impl Change {
    /// The change an event is, if it is one.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        let what = match event {
            Event::Edited(e) => What::Edit(e.body.clone()),
            Event::Deleted(_) => What::Delete,
            Event::Reaction(e) => What::React(Reacted { emoji: e.emoji.clone(), on: e.on }),
            Event::Message(_) | Event::Member(_) | Event::Room(_) => return None,
        };
        let (room, seq, sender, at) = (event.room(), event.seq(), event.sender(), event.at());
        Some(Self { room, target: event.target()?, seq, sender, at, what })
    }
}

/// Who stands for everybody among those a message calls: nobody has this id.
pub const EVERYBODY: UserId = UserId::from_uuid(Uuid::nil());

/// Whom a message calls, as it is indexed: one row or element each, everybody as one of them.
pub(crate) fn called(mentions: &Mentions) -> impl Iterator<Item = UserId> {
    mentions.users.iter().copied().chain(mentions.all.then_some(EVERYBODY))
}
