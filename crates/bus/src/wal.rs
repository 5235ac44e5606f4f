//! The write-ahead log between commit and storage.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hubbub_protocol::{Epoch, MessageId, NodeId, Position, RoomId, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use crate::BusError;

/// When a sender whom the full log turned away may try again.
pub(crate) const OVERLOAD_RETRY: Duration = Duration::from_secs(1);

/// The place that an event of any type was committed at, one that this version does not know
/// included.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct EventPlace {
    pub(crate) room: RoomId,
    epoch: Epoch,
    seq: Seq,
}

impl EventPlace {
    pub(crate) fn of(frame: &[u8]) -> Option<Self> {
        serde_json::from_slice(frame).ok()
    }

    pub(crate) const fn position(&self) -> Position {
        Position::new(self.epoch, self.seq)
    }
}

/// An event that waits for storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalEntry {
    /// The partition it is in.
    pub partition: u16,
    /// Its id in the partition's stream.
    pub id: String,
    /// The event's frame.
    pub frame: Bytes,
    /// The node that wants to know when it is stored.
    pub origin: NodeId,
    /// How often it was handed out before.
    pub deliveries: u32,
}

/// An event is stored. The node that committed it acks its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredNotice {
    /// Its room.
    pub room: RoomId,
    /// Its id.
    pub id: MessageId,
    /// Its place.
    pub position: Position,
    /// When the server took it.
    pub at: Timestamp,
}

/// An entry that is done with: it was stored, or its room is no more.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The entry.
    pub entry: WalEntry,
    /// The notice.
    pub notice: StoredNotice,
    /// Whether it was stored, and its origin is told so.
    pub stored: bool,
}

/// An event that could not be stored, set aside with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The partition it is in.
    pub partition: u16,
    /// Its id among the partition's dead letters.
    pub id: String,
    /// Why it could not be stored.
    pub reason: String,
    /// When it was set aside.
    pub at: Timestamp,
    /// The event's frame.
    pub frame: String,
    /// The node that committed it.
    pub origin: NodeId,
}

/// How full a partition's log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalDepth {
    /// The partition.
    pub partition: u16,
    /// Entries that are not settled.
    pub entries: u64,
    /// Age of the oldest.
    pub oldest: Option<Duration>,
    /// Dead letters.
    pub dead: u64,
}

/// The worker's side of the bus. Any number of consumers share it: an entry is handed to one, and
/// to another when that one has not settled it for a while.
#[async_trait]
pub trait Wal: Send + Sync + 'static {
    /// How many partitions there are.
    fn partitions(&self) -> u16;

    /// Waits up to `wait` for new entries of a partition, then returns up to `max`, oldest first.
    /// Call for different partitions at the same time; not for the same.
    async fn read(
        &self,
        partition: u16,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<WalEntry>, BusError>;

    /// Takes over up to `max` entries of a partition that another consumer, or this one, has held
    /// unsettled for `idle`.
    async fn claim(
        &self,
        partition: u16,
        idle: Duration,
        max: usize,
    ) -> Result<Vec<WalEntry>, BusError>;

    /// Entries that are done with: takes them off the log, lets their ids expire after the dedupe
    /// window, trims the rooms' hot logs, then sends the notices of what was stored to its origins.
    async fn settle(&self, settled: &[Settled]) -> Result<(), BusError>;

    /// Forgets an id if it is still remembered at `place`, in one atomic step, so that the event
    /// can be committed again; an id that has another place by now is left alone. The entry stays
    /// on the log until it is settled: whoever dies between this and the new commit has lost
    /// nothing, since the next consumer of the entry does both again.
    async fn forget(&self, room: RoomId, id: MessageId, place: Position) -> Result<(), BusError>;

    /// Sets an entry aside with the reason it can't be stored. Its id stays remembered.
    async fn bury(&self, entry: &WalEntry, reason: &str) -> Result<(), BusError>;

    /// Up to `max` dead letters of a partition, oldest first.
    async fn dead_letters(&self, partition: u16, max: usize) -> Result<Vec<DeadLetter>, BusError>;

    /// Puts a dead letter back on the log. Returns whether there was one.
    async fn replay(&self, partition: u16, id: &str) -> Result<bool, BusError>;

    /// How full each partition is.
    async fn depth(&self) -> Result<Vec<WalDepth>, BusError>;
}
