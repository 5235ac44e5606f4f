//! The write-ahead log in memory: one partition, bounded.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use hubbub_protocol::{MessageId, NodeId, Position, RoomId, Timestamp};
use tokio::sync::Notify;

use super::{LocalBus, locked};
use crate::dispatch::Delivery;
use crate::wal::{EventPlace, OVERLOAD_RETRY, Settled, WalDepth};
use crate::{BusError, CommitError, DeadLetter, Wal, WalEntry};

struct Held {
    frame: Bytes,
    origin: NodeId,
    written: Instant,
    /// When it was last handed out.
    handed: Option<Instant>,
    deliveries: u32,
}

#[derive(Default)]
struct State {
    held: BTreeMap<u64, Held>,
    dead: BTreeMap<u64, DeadLetter>,
    next: u64,
    /// The first entry that was never handed out.
    unread: u64,
}

impl State {
    fn append(&mut self, frame: Bytes, origin: NodeId) {
        let written = Instant::now();
        self.held.insert(self.next, Held { frame, origin, written, handed: None, deliveries: 0 });
        self.next += 1;
    }

    fn hand_out(&mut self, ids: &[u64]) -> Vec<WalEntry> {
        let now = Instant::now();
        let entry = |&id: &u64| {
            let held = self.held.get_mut(&id)?;
            let deliveries = held.deliveries;
            held.handed = Some(now);
            held.deliveries += 1;
            Some(WalEntry {
                partition: 0,
                id: id.to_string(),
                frame: held.frame.clone(),
                origin: held.origin.clone(),
                deliveries,
            })
        };
        ids.iter().filter_map(entry).collect()
    }
}

/// Events between commit and storage.
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Notify,
    limit: usize,
}

impl Queue {
    pub(super) fn new(limit: usize) -> Self {
        Self { state: Mutex::default(), arrived: Notify::new(), limit }
    }

    pub(super) fn push(&self, frame: Bytes, origin: &NodeId) -> Result<(), CommitError> {
        let mut state = locked(&self.state);
        if state.held.len() >= self.limit {
            return Err(CommitError::Overloaded { retry_after: OVERLOAD_RETRY });
        }
        state.append(frame, origin.clone());
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    fn take_new(&self, max: usize) -> Vec<WalEntry> {
        let mut state = locked(&self.state);
        let ids: Vec<u64> = state.held.range(state.unread..).take(max).map(|(id, _)| *id).collect();
        if let Some(last) = ids.last() {
            state.unread = last + 1;
        }
        state.hand_out(&ids)
    }

    fn remove(&self, entry: &WalEntry) -> Option<Held> {
        let id: u64 = entry.id.parse().ok()?;
        locked(&self.state).held.remove(&id)
    }
}

#[async_trait]
impl Wal for LocalBus {
    fn partitions(&self) -> u16 {
        1
    }

    async fn read(
        &self,
        _partition: u16,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<WalEntry>, BusError> {
        let entries = async {
            loop {
                let entries = self.queue.take_new(max);
                if !entries.is_empty() {
                    return entries;
                }
                self.queue.arrived.notified().await;
            }
        };
        Ok(tokio::time::timeout(wait, entries).await.unwrap_or_default())
    }

    async fn claim(
        &self,
        _partition: u16,
        idle: Duration,
        max: usize,
    ) -> Result<Vec<WalEntry>, BusError> {
        let mut state = locked(&self.queue.state);
        let stuck = |held: &Held| held.handed.is_some_and(|handed| handed.elapsed() >= idle);
        let ids: Vec<u64> = state
            .held
            .iter()
            .filter(|(_, held)| stuck(held))
            .take(max)
            .map(|(id, _)| *id)
            .collect();
        Ok(state.hand_out(&ids))
    }

    async fn settle(&self, settled: &[Settled]) -> Result<(), BusError> {
        for Settled { entry, notice, .. } in settled {
            self.queue.remove(entry);
            let place = EventPlace::of(&entry.frame).map_or(notice.position, |p| p.position());
            self.rooms.settle(notice.room, notice.id, place);
        }
        let stored = settled.iter().filter(|settled| settled.stored);
        let notices: Vec<_> = stored.map(|settled| settled.notice).collect();
        if !notices.is_empty() {
            self.hearing.tell(Delivery::Stored(notices));
        }
        Ok(())
    }

    async fn forget(&self, room: RoomId, id: MessageId, place: Position) -> Result<(), BusError> {
        self.rooms.forget(room, id, place);
        Ok(())
    }

    async fn bury(&self, entry: &WalEntry, reason: &str) -> Result<(), BusError> {
        {
            let mut state = locked(&self.queue.state);
            if state.dead.len() >= self.queue.limit {
                return Err(BusError::Unavailable("dead letters are at their bound".into()));
            }
            let id = entry.id.parse().map_err(|_| BusError::Protocol("not an entry id".into()))?;
            let Some(held) = state.held.remove(&id) else { return Ok(()) };
            let letter = DeadLetter {
                partition: 0,
                id: entry.id.clone(),
                reason: reason.to_owned(),
                at: Timestamp::now(),
                frame: String::from_utf8_lossy(&held.frame).into_owned(),
                origin: held.origin,
            };
            state.dead.insert(id, letter);
        }
        if let Some(place) = EventPlace::of(&entry.frame) {
            self.rooms.release(place.room, place.position());
        }
        Ok(())
    }

    async fn dead_letters(&self, _partition: u16, max: usize) -> Result<Vec<DeadLetter>, BusError> {
        Ok(locked(&self.queue.state).dead.values().take(max).cloned().collect())
    }

    async fn replay(&self, _partition: u16, id: &str) -> Result<bool, BusError> {
        let mut state = locked(&self.queue.state);
        let Some(letter) = id.parse().ok().and_then(|id: u64| state.dead.remove(&id)) else {
            return Ok(false);
        };
        state.append(Bytes::from(letter.frame), letter.origin);
        drop(state);
        self.queue.arrived.notify_one();
        Ok(true)
    }

    async fn depth(&self) -> Result<Vec<WalDepth>, BusError> {
        let state = locked(&self.queue.state);
        Ok(vec![WalDepth {
            partition: 0,
            entries: state.held.len() as u64,
            oldest: state.held.values().next().map(|held| held.written.elapsed()),
            dead: state.dead.len() as u64,
        }])
    }
}
