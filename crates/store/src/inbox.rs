//! What came for people while they were away.
//!
//! An entry stays until its reader has read it, or may not read it any more. It is in here once,
//! whoever writes it how often: its key is user, room and message.

use std::time::Duration;

use async_trait::async_trait;
use hubbub_protocol::http::InboxEntry;
use hubbub_protocol::limits::INBOX_MAX;
use hubbub_protocol::{MessageId, RoomId, Seq, Timestamp, UserId};

use crate::StoreError;

/// An entry and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxNote {
    /// Whose inbox it is in.
    pub user: UserId,
    /// The entry.
    pub entry: InboxEntry,
}

/// Where an entry is in its inbox. They are ordered by time; room and message tell apart what came
/// in one millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InboxPlace {
    /// When the server took the message.
    pub at: Timestamp,
    /// The room.
    pub room: RoomId,
    /// The message.
    pub message: MessageId,
}

impl From<&InboxEntry> for InboxPlace {
    fn from(entry: &InboxEntry) -> Self {
        Self { at: entry.at, room: entry.room, message: entry.message }
    }
}

/// Which of somebody's entries go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxPart {
    /// All of them.
    Everything,
    /// Those of a room that is no longer theirs.
    Room(RoomId),
    /// Those of a room up to what they have read.
    Read(RoomId, Seq),
}

/// How long an entry that is to be announced is left to who wrote it, before anybody may take it
/// for forgotten.
pub const ANNOUNCED_WITHIN: Duration = Duration::from_secs(60);

/// Inboxes.
#[async_trait]
pub trait InboxStore: Send + Sync {
    /// Adds entries, durably, unless they are there, and returns those that were not. An inbox
    /// keeps the newest [`INBOX_MAX`]. With `announce`, what is new is to be announced: it comes up
    /// in [`Self::unannounced`] until [`Self::announced`] says that it was.
    async fn put_inbox(
        &self,
        notes: &[InboxNote],
        announce: Option<Timestamp>,
    ) -> Result<Vec<InboxNote>, StoreError>;

    /// Up to `limit` of somebody's entries before a place (or from the newest on), the newest first.
    async fn inbox(
        &self,
        user: UserId,
        before: Option<InboxPlace>,
        limit: usize,
    ) -> Result<Vec<InboxEntry>, StoreError>;

    /// How many entries each of these people has, in the order asked.
    async fn inbox_counts(&self, users: &[UserId]) -> Result<Vec<u64>, StoreError>;

    /// Takes entries out of somebody's inbox, and tells how many.
    async fn clear_inbox(&self, user: UserId, part: InboxPart) -> Result<u64, StoreError>;

    /// A message says something else now: its entries begin so.
    async fn change_excerpt(
        &self,
        room: RoomId,
        message: MessageId,
        excerpt: &str,
    ) -> Result<(), StoreError>;

    /// A message is gone: takes it out of every inbox, and tells out of whose.
    async fn withdraw(&self, room: RoomId, message: MessageId) -> Result<Vec<UserId>, StoreError>;

    /// Up to `limit` entries that were to be announced before `now` and nobody has said that they
    /// were, the oldest first. They are left to the caller for [`ANNOUNCED_WITHIN`] from `now` on;
    /// two callers at once may get the same.
    async fn unannounced(&self, now: Timestamp, limit: usize)
    -> Result<Vec<InboxNote>, StoreError>;

    /// Entries were announced, or shall not be any more.
    async fn announced(&self, notes: &[InboxNote]) -> Result<(), StoreError>;
}

/// The bound of an inbox, as a query's limit.
pub(crate) const KEPT_MAX: i64 = INBOX_MAX as i64;
