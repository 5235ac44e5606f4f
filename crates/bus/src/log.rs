//! The room's one order.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hubbub_protocol::{
    Epoch, MessageId, NewEvent, NodeId, Position, RoomId, Seq, Timestamp, UserId,
};

use crate::BusError;

/// How long after storage an id is remembered at least. A retry within it costs no look-up.
pub const DEDUPE_WINDOW: Duration = Duration::from_secs(600);

/// How far ahead of the server's clock a message id's time may be. Further ahead it is refused,
/// since its dedupe entry would have to be kept that long.
pub const ID_LEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How far apart the clocks of two nodes may be without an id in the window being looked up late.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Events a room's hot log keeps at least once they are stored. What is not stored is always kept.
pub const HOT_LOG_EVENTS: usize = 256;

/// An event to give a place to.
#[derive(Debug, Clone, Copy)]
pub struct CommitRequest<'a> {
    /// The event.
    pub event: &'a NewEvent,
    /// Whether the caller has looked in the store and not found the id. Needed when
    /// [`needs_lookup`] says so, and when the bus answers [`CommitError::LookupFirst`].
    pub checked: bool,
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// The event has its place and is on its way to every node.
    New(Position),
    /// The id was committed before: its place then, its author then, its time then. Nothing was
    /// published. The caller compares the author.
    Seen {
        /// The first commit's place.
        position: Position,
        /// The first commit's author.
        sender: UserId,
        /// The first commit's time.
        at: Timestamp,
    },
}

/// Why an event got no place. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// The bus has no counters for the room: [`RoomLog::seed`] it from the store, then try again.
    #[error("room has no counters")]
    Unseeded,
    /// The room was re-seeded lately, so the bus may have forgotten the id: look in the store,
    /// then commit with `checked`.
    #[error("look the id up in the store first")]
    LookupFirst,
    /// The write-ahead log is at its bound.
    #[error("write-ahead log is full")]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// The bus failed. The event may have been committed; the same id tells on the next try.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Whether an id's own time leaves open that it was stored longer than the dedupe window ago, so
/// that the store must be asked before the commit.
#[must_use]
pub fn needs_lookup(made_at: Option<Timestamp>, now: Timestamp) -> bool {
    // An entry is kept until the window after the later of storage and the id's own time, so an id
    // made less than the window ago is surely still remembered if it was ever committed.
    made_at.is_none_or(|made_at| made_at.until(now) + CLOCK_SKEW > DEDUPE_WINDOW)
}

/// One event out of a room's hot log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// Its place.
    pub seq: Seq,
    /// The frame that clients receive.
    pub frame: Bytes,
}

/// What the hot log says about a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogRead {
    /// The events that directly follow the position, contiguous, oldest first, up to the asked
    /// number; empty when the position is the head.
    Events {
        /// The room's last event at the time of reading.
        head: Position,
        /// The events.
        events: Vec<LogEvent>,
    },
    /// The log no longer reaches back to the position. `oldest` is the first event it still has
    /// (the one after `head` if it has none).
    Missed {
        /// The room's last event at the time of reading.
        head: Position,
        /// The first event the log still has.
        oldest: Seq,
    },
    /// The position can't be continued: another epoch, or beyond the head.
    Foreign {
        /// The room's last event at the time of reading.
        head: Position,
    },
    /// The bus has no counters for the room.
    Unseeded,
}

/// How far a room's events are stored, as far as the bus has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The room's last event.
    pub head: Position,
    /// The epoch's events come after this seq. `None` for counters that do not tell it.
    pub began: Option<Seq>,
    /// Every event up to here is stored, and what follows from it as well. The hot log has all that
    /// come after it.
    pub stored: Seq,
}

/// Order: one contiguous sequence per room and epoch.
#[async_trait]
pub trait RoomLog: Send + Sync {
    /// Gives an event its place, in one atomic step: dedupe, seq, hot log, write-ahead log,
    /// publish.
    async fn commit(&self, request: CommitRequest<'_>) -> Result<Commit, CommitError>;

    /// Gives a room its counters if it has none, and returns the position it is at then.
    ///
    /// `at` is the last event before the next one. `recovered` says that the room has a history
    /// whose ids the bus does not know: for the dedupe window, commits answer `LookupFirst`.
    async fn seed(&self, room: RoomId, at: Position, recovered: bool)
    -> Result<Position, BusError>;

    /// Starts a new epoch because the counters are known to be behind: if the room is still in
    /// `expected`, it continues from `to` (never backwards: the greater seq counts), its hot log is
    /// emptied and every node receives a reset. Returns the position the room is at then.
    async fn reopen(
        &self,
        room: RoomId,
        expected: Epoch,
        to: Position,
    ) -> Result<Position, BusError>;

    /// Takes a room's counters and its hot log away: from here on commits find it unseeded. What of
    /// it is still on the write-ahead log stays there, and ids run out by themselves.
    async fn close(&self, room: RoomId) -> Result<(), BusError>;

    /// Where rooms stand, in the order asked; `None` for a room without counters.
    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Option<Position>>, BusError>;

    /// Up to `limit` events directly after a position.
    async fn log_after(
        &self,
        room: RoomId,
        after: Position,
        limit: usize,
    ) -> Result<LogRead, BusError>;

    /// The event of an id, if the hot log still has it: surely while it is not stored, and mostly for
    /// a while after.
    async fn find(&self, room: RoomId, id: MessageId) -> Result<Option<LogEvent>, BusError>;

    /// How far a room's events are stored; `None` for a room without counters.
    async fn progress(&self, room: RoomId) -> Result<Option<Progress>, BusError>;

    /// The node that stored notices of this process's commits are sent to.
    fn origin(&self) -> &NodeId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_young_version_7_ids_skip_the_lookup() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let ago = |seconds: i64| Some(Timestamp::from_millis(now.millis() - seconds * 1000));
        assert!(!needs_lookup(ago(0), now));
        assert!(!needs_lookup(ago(500), now));
        assert!(!needs_lookup(ago(-3600), now), "a fast clock is covered by a longer memory");
        assert!(needs_lookup(ago(541), now));
        assert!(needs_lookup(ago(86_400), now));
        assert!(needs_lookup(None, now));
    }
}
