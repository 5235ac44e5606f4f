//! Full-text search: which messages of some rooms fulfil a query, the newest first.
//!
//! Nothing is written for it while messages are stored. A room's log is cut into blocks of 128
//! places; of each block the index keeps a filter of everything its messages could be found by
//! (three letters in a row, the beginnings of words, the author, what is attached), and a bitmap
//! over its places for each of 256 groups of such features. A search asks for the blocks whose
//! filter has all that the query needs, intersects their bitmaps, and reads the few messages that
//! are left: **what is found is decided by the stored messages alone**, so an index that lags or
//! errs costs time and never shows what is not, or no longer, there.
//!
//! Blocks are made in the background, from the stored messages, as often as one likes. How far they
//! reach is marked for each room; what is beyond the mark is looked at directly, so that a message
//! is found as soon as it is stored.
//!
//! - `text`: text as it is compared, and where terms are in it
//! - `feature`: what messages and queries have in common
//! - `block`: filters and bitmaps
//! - `matching`: whether a message fulfils a query
//! - `find`: the search itself
//! - `indexing`: making blocks, moving marks
//! - `backend`: what a store gives for it
//! - `touched`: rooms whose log has grown

pub(crate) mod backend;
pub(crate) mod block;
mod feature;
mod find;
mod indexing;
mod matching;
mod text;
pub(crate) mod touched;

use std::time::Duration;

use async_trait::async_trait;
use hubbub_protocol::http::SearchHit;
use hubbub_protocol::{RoomId, Seq, Timestamp, UserId};

pub use matching::matches;

use crate::StoreError;
use backend::SearchBackend;

/// What a message has besides its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Has {
    /// A web address in its text.
    Link,
    /// A file.
    File,
    /// A picture.
    Image,
    /// A reaction.
    Reaction,
    /// A message that it answers.
    Reply,
}

/// What to look for. A message is found if it fulfils all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// Words, parts of words or phrases that its text has, without regard to case and diacritics.
    /// One of one or two letters is looked for at the beginning of words, in scripts with spaces.
    pub terms: Vec<String>,
    /// The same that its text does not have.
    pub excluded: Vec<String>,
    /// Who wrote it.
    pub from: Option<UserId>,
    /// Whom it calls by name; [`EVERYBODY`](crate::EVERYBODY) if it calls everybody.
    pub mentions: Option<UserId>,
    /// What it has.
    pub has: Vec<Has>,
    /// The first moment it may be from.
    pub since: Option<Timestamp>,
    /// The first moment it may not be from.
    pub until: Option<Timestamp>,
}

impl SearchQuery {
    /// Whether it says anything that messages can be found by. Times and exclusions alone do not.
    #[must_use]
    pub fn is_searchable(&self) -> bool {
        !feature::of_query(self).is_empty()
    }
}

/// A place in the order of all hits: by time, then by room, then by place in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchCursor {
    /// When the server took the message.
    pub at: Timestamp,
    /// The room.
    pub room: RoomId,
    /// The place in the room.
    pub seq: Seq,
}

/// A page of hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPage {
    /// The newest first.
    pub hits: Vec<SearchHit>,
    /// Where to go on, if there may be more. A page that ran out of time is shorter than was asked,
    /// and may be empty.
    pub next: Option<SearchCursor>,
}

/// What a step of indexing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indexed {
    /// The index has all that is stored.
    Level,
    /// There is more to do.
    Behind,
}

/// What a look at some rooms has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomsBehind {
    /// Rooms looked at.
    pub seen: Vec<RoomId>,
    /// Those of them whose index may lack something.
    pub behind: Vec<RoomId>,
}

/// Full-text search and its index.
#[async_trait]
pub trait SearchStore: Send + Sync {
    /// Messages of these rooms that fulfil a query and come before `before` in the order of hits,
    /// the newest first. Deleted messages are never among them, and edited ones only for what they
    /// say now.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] if `within` was over before anything was settled.
    async fn search(
        &self,
        query: &SearchQuery,
        rooms: &[RoomId],
        before: Option<SearchCursor>,
        limit: usize,
        within: Duration,
    ) -> Result<SearchPage, StoreError>;

    /// Indexes what was stored in a room since the last time, a bounded number of events. May be
    /// done by any number of processes at once.
    async fn index_room(&self, room: RoomId) -> Result<Indexed, StoreError>;

    /// Makes up to `limit` of a room's blocks anew, from the one that holds `from` on. Where to go
    /// on, if there are more.
    async fn reindex_room(
        &self,
        room: RoomId,
        from: Seq,
        limit: usize,
    ) -> Result<Option<Seq>, StoreError>;

    /// Rooms that this process has stored events of and that are due to be indexed. Each is told
    /// once.
    fn rooms_to_index(&self) -> Vec<RoomId>;

    /// Looks at `limit` of all rooms, ascending by id after `after`, for those to be indexed.
    async fn rooms_behind(
        &self,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<RoomsBehind, StoreError>;
}

#[async_trait]
impl<B: SearchBackend> SearchStore for B {
    async fn search(
        &self,
        query: &SearchQuery,
        rooms: &[RoomId],
        before: Option<SearchCursor>,
        limit: usize,
        within: Duration,
    ) -> Result<SearchPage, StoreError> {
        find::find(self, query, rooms, before, limit, within).await
    }

    async fn index_room(&self, room: RoomId) -> Result<Indexed, StoreError> {
        indexing::index(self, room).await
    }

    async fn reindex_room(
        &self,
        room: RoomId,
        from: Seq,
        limit: usize,
    ) -> Result<Option<Seq>, StoreError> {
        indexing::reindex(self, room, from, limit).await
    }

    fn rooms_to_index(&self) -> Vec<RoomId> {
        self.touched().take_due()
    }

    async fn rooms_behind(
        &self,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<RoomsBehind, StoreError> {
        indexing::behind(self, after, limit).await
    }
}
