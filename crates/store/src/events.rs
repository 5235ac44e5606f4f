//! The rooms' logs as stored. The unique index on (room, seq) is the fence that keeps order true
//! when everything else has failed.

use async_trait::async_trait;
use hubbub_protocol::http::Version;
use hubbub_protocol::{Epoch, Event, Message, MessageId, Position, RoomId, Seq, Timestamp, UserId};

use crate::StoreError;

/// What became of one event of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is stored now.
    Stored,
    /// It was stored before, at this very place.
    Already,
    /// Its id is stored at another place of the room: this copy is a double that the bus had
    /// forgotten. Its own place was filled with a void, so that the log stays contiguous.
    Double(StoredPlace),
    /// Its place holds another event: the bus has lost data and counts anew. It is not stored.
    Fork,
    /// It can't be stored, and never will be.
    Refused(String),
}

/// Where and when an id was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredPlace {
    /// Its place.
    pub position: Position,
    /// Its author.
    pub sender: UserId,
    /// When the server took it.
    pub at: Timestamp,
}

/// Which part of a room's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The newest.
    Latest,
    /// Those before a seq, the nearest first cut.
    Before(Seq),
    /// Those after a seq, the nearest first cut.
    After(Seq),
    /// Half before and half after a seq, itself included.
    Around(Seq),
}

/// A page of history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// Ascending by seq.
    pub messages: Vec<Message>,
    /// Whether there are older messages than the first.
    pub older: bool,
    /// Whether there are newer messages than the last.
    pub newer: bool,
}

/// Somebody who put an emoji under a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reactor {
    /// Who.
    pub user: UserId,
    /// The place of the reaction.
    pub seq: Seq,
}

/// The rooms' logs.
///
/// Messages come back as the stored edits, deletions and reactions have left them, in whatever order
/// those were stored.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Stores events of any rooms, durably (majority; synced) before it returns. One outcome per
    /// event, in the order given. Idempotent. An error means that nothing is known of any of them.
    async fn append(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError>;

    /// Where ids are stored, in the order asked. Reads what a majority has.
    async fn places(
        &self,
        ids: &[(RoomId, MessageId)],
    ) -> Result<Vec<Option<StoredPlace>>, StoreError>;

    /// A room's current epoch and its highest stored seq (0 if none).
    async fn stored_head(&self, room: RoomId) -> Result<Option<Position>, StoreError>;

    /// Begins a new epoch after `after`, durably, unless one has begun already, and returns the
    /// room's epoch then and its highest stored seq. Any number of callers that saw the same loss
    /// get the same epoch.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRoom`].
    async fn open_epoch(&self, room: RoomId, after: Epoch) -> Result<Position, StoreError>;

    /// Of these rooms, those that are destroyed: their events are not to be stored any more.
    async fn destroyed_among(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>, StoreError>;

    /// A page of a room's messages.
    async fn history(
        &self,
        room: RoomId,
        page: Page,
        limit: usize,
    ) -> Result<HistoryPage, StoreError>;

    /// Messages of a room by id, in their latest state; ids that name no message of it are left out.
    /// Order is not kept.
    async fn messages(&self, room: RoomId, ids: &[MessageId]) -> Result<Vec<Message>, StoreError>;

    /// Of the texts that a message has had before `before` the last `limit`, oldest first: the
    /// original is the first of all, what it says now the last. None of a message that is deleted or
    /// not there.
    async fn versions(
        &self,
        room: RoomId,
        id: MessageId,
        before: Seq,
        limit: usize,
    ) -> Result<Vec<Version>, StoreError>;

    /// Who put an emoji under a message: those whose reaction has a seq above `after`, ascending by
    /// seq.
    async fn reactors(
        &self,
        room: RoomId,
        id: MessageId,
        emoji: &str,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Reactor>, StoreError>;

    /// Messages up to `upto` that were last touched after `after`, in their latest state, ascending
    /// by seq; `None` if they are more than `limit`. What was touched after `upto` as well is among
    /// them: its state may be newer than `upto`, never older.
    async fn changes(
        &self,
        room: RoomId,
        after: Seq,
        upto: Seq,
        limit: usize,
    ) -> Result<Option<Vec<Message>>, StoreError>;

    /// How many events (of every kind, voids included) have a seq above `after` and not above
    /// `upto`. Equal to `upto - after` exactly when none is missing.
    async fn count_events(&self, room: RoomId, after: Seq, upto: Seq) -> Result<u64, StoreError>;
}
