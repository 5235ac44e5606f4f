//! The rooms' logs in memory.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hubbub_protocol::{Epoch, MessageId, NodeId, Position, RoomId, Seq, Timestamp, UserId};

use super::{LocalBus, locked};
use crate::dispatch::Delivery;
use crate::log::{CLOCK_SKEW, HOT_LOG_EVENTS, LogEvent, Progress};
use crate::{BusError, Commit, CommitError, CommitRequest, LogRead, RoomLog, shard_of};

/// Locks the rooms are spread over.
const SHARDS: usize = 64;
/// How long a room's hot log outlives its last event.
const HOT_LOG_IDLE: Duration = Duration::from_secs(2 * 60 * 60);
/// Commits of a shard between looks for logs that are idle.
const SWEEP_EVERY: u32 = 4096;

struct Committed {
    position: Position,
    sender: UserId,
    at: Timestamp,
}

struct Room {
    position: Position,
    /// The seq after which this epoch's events come.
    began: Seq,
    /// When the room was last given counters while having a history.
    recovered: Option<Timestamp>,
    log: VecDeque<LogEvent>,
    /// Events on the write-ahead log. The hot log keeps everything from the lowest on.
    unstored: BTreeSet<Seq>,
    ids: HashMap<MessageId, Committed>,
    touched: Timestamp,
}

impl Room {
    fn new(position: Position, recovered: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            position,
            began: position.seq,
            recovered,
            log: VecDeque::new(),
            unstored: BTreeSet::new(),
            ids: HashMap::new(),
            touched: now,
        }
    }

    fn trim(&mut self) {
        let lowest = self.unstored.first().copied();
        while self.log.len() > HOT_LOG_EVENTS
            && self.log.front().is_some_and(|event| lowest.is_none_or(|lowest| event.seq < lowest))
        {
            self.log.pop_front();
        }
    }

    fn release(&mut self, place: Position) {
        // A seq is never used twice, so one of an older epoch can't be taken for another's.
        self.unstored.remove(&place.seq);
        self.trim();
    }

    fn is_at(&self, id: MessageId, place: Position) -> bool {
        self.ids.get(&id).is_some_and(|committed| committed.position == place)
    }

    fn event(&self, id: MessageId) -> Option<LogEvent> {
        let seq = self.ids.get(&id)?.position.seq;
        let at = self.log.binary_search_by_key(&seq, |event| event.seq).ok()?;
        self.log.get(at).cloned()
    }

    fn progress(&self) -> Progress {
        let head = self.position;
        let stored = self.unstored.first().map_or(head.seq, |lowest| Seq(lowest.0 - 1));
        Progress { head, began: Some(self.began), stored }
    }

    fn after(&self, after: Position, limit: usize) -> LogRead {
        let head = self.position;
        if after.epoch != head.epoch || after.seq > head.seq {
            return LogRead::Foreign { head };
        }
        let oldest = self.log.front().map_or(head.seq.next(), |event| event.seq);
        if after.seq.next() < oldest {
            return LogRead::Missed { head, oldest };
        }
        let skip = usize::try_from(after.seq.next().0 - oldest.0).unwrap_or(usize::MAX);
        LogRead::Events { head, events: self.log.iter().skip(skip).take(limit).cloned().collect() }
    }
}

#[derive(Default)]
struct Shard {
    rooms: HashMap<RoomId, Room>,
    /// Ids of stored events, by the time until which they are remembered.
    expiring: BinaryHeap<Reverse<(Timestamp, RoomId, MessageId)>>,
    commits: u32,
}

impl Shard {
    fn forget_expired(&mut self, now: Timestamp) {
        while let Some(Reverse((until, room, id))) = self.expiring.peek()
            && *until <= now
        {
            if let Some(room) = self.rooms.get_mut(room) {
                room.ids.remove(id);
            }
            self.expiring.pop();
        }
    }

    fn drop_idle_logs(&mut self, now: Timestamp) {
        self.commits += 1;
        if self.commits < SWEEP_EVERY {
            return;
        }
        self.commits = 0;
        for room in self.rooms.values_mut() {
            if room.unstored.is_empty() && room.touched.until(now) > HOT_LOG_IDLE {
                room.log = VecDeque::new();
            }
        }
    }
}

/// Every room's counters, ids and hot log.
pub(super) struct Rooms {
    shards: Vec<Mutex<Shard>>,
    window: Duration,
}

impl Rooms {
    pub(super) fn new(window: Duration) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), window }
    }

    fn shard(&self, room: &RoomId) -> MutexGuard<'_, Shard> {
        locked(&self.shards[shard_of(room.as_bytes(), SHARDS)])
    }

    /// The event committed at `place` is stored: its id may expire, unless that has another place
    /// by now, and the hot log may let go of it.
    pub(super) fn settle(&self, room: RoomId, id: MessageId, place: Position) {
        let now = Timestamp::now();
        let until = now.max(id.made_at().unwrap_or_default()).after(self.window + 2 * CLOCK_SKEW);
        let mut shard = self.shard(&room);
        shard.forget_expired(now);
        let Some(state) = shard.rooms.get_mut(&room) else { return };
        state.release(place);
        if state.is_at(id, place) {
            shard.expiring.push(Reverse((until, room, id)));
        }
    }

    /// The event committed at `place` is off the log without being stored.
    pub(super) fn release(&self, room: RoomId, place: Position) {
        if let Some(room) = self.shard(&room).rooms.get_mut(&room) {
            room.release(place);
        }
    }

    /// Forgets an id that is still remembered at `place`.
    pub(super) fn forget(&self, room: RoomId, id: MessageId, place: Position) {
        if let Some(room) = self.shard(&room).rooms.get_mut(&room)
            && room.is_at(id, place)
        {
            room.ids.remove(&id);
        }
    }
}

#[async_trait]
impl RoomLog for LocalBus {
    async fn commit(&self, request: CommitRequest<'_>) -> Result<Commit, CommitError> {
        let event = request.event;
        let template = event.template();
        let now = Timestamp::now();

        let mut shard = self.rooms.shard(&event.room);
        shard.forget_expired(now);
        shard.drop_idle_logs(now);
        let room = shard.rooms.get_mut(&event.room).ok_or(CommitError::Unseeded)?;
        if let Some(&Committed { position, sender, at }) = room.ids.get(&event.id) {
            return Ok(Commit::Seen { position, sender, at });
        }
        let lately = room.recovered.is_some_and(|at| at.until(now) < self.rooms.window);
        if lately && !request.checked {
            return Err(CommitError::LookupFirst);
        }

        let position = Position::new(room.position.epoch, room.position.seq.next());
        let frame = Bytes::from(template.at(position));
        self.queue.push(frame.clone(), &self.incarnation)?;
        room.position = position;
        room.touched = now;
        room.unstored.insert(position.seq);
        room.ids.insert(event.id, Committed { position, sender: event.sender, at: event.at });
        room.log.push_back(LogEvent { seq: position.seq, frame: frame.clone() });
        // Under the room's lock, so that deliveries have the order of seqs.
        self.hearing.publish(event.room, Delivery::Event { room: event.room, position, frame });
        Ok(Commit::New(position))
    }

    async fn seed(
        &self,
        room: RoomId,
        at: Position,
        recovered: bool,
    ) -> Result<Position, BusError> {
        let now = Timestamp::now();
        let mut shard = self.rooms.shard(&room);
        let room =
            shard.rooms.entry(room).or_insert_with(|| Room::new(at, recovered.then_some(now), now));
        Ok(room.position)
    }

    async fn reopen(
        &self,
        room: RoomId,
        expected: Epoch,
        to: Position,
    ) -> Result<Position, BusError> {
        let now = Timestamp::now();
        let mut shard = self.rooms.shard(&room);
        let state = shard
            .rooms
            .entry(room)
            .or_insert_with(|| Room::new(Position::new(expected, Seq(0)), None, now));
        if state.position.epoch != expected {
            return Ok(state.position);
        }
        let epoch = to.epoch.max(expected.next());
        let position = Position::new(epoch, to.seq.max(state.position.seq));
        state.position = position;
        state.began = position.seq;
        state.recovered = Some(now);
        state.log.clear();
        state.unstored.clear();
        self.hearing.publish(room, Delivery::Reset { room, position });
        Ok(position)
    }

    async fn close(&self, room: RoomId) -> Result<(), BusError> {
        self.rooms.shard(&room).rooms.remove(&room);
        Ok(())
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Option<Position>>, BusError> {
        let head = |room| self.rooms.shard(room).rooms.get(room).map(|room| room.position);
        Ok(rooms.iter().map(head).collect())
    }

    async fn log_after(
        &self,
        room: RoomId,
        after: Position,
        limit: usize,
    ) -> Result<LogRead, BusError> {
        let shard = self.rooms.shard(&room);
        Ok(shard.rooms.get(&room).map_or(LogRead::Unseeded, |room| room.after(after, limit)))
    }

    async fn find(&self, room: RoomId, id: MessageId) -> Result<Option<LogEvent>, BusError> {
        let shard = self.rooms.shard(&room);
        Ok(shard.rooms.get(&room).and_then(|room| room.event(id)))
    }

    async fn progress(&self, room: RoomId) -> Result<Option<Progress>, BusError> {
        let shard = self.rooms.shard(&room);
        Ok(shard.rooms.get(&room).map(Room::progress))
    }

    fn origin(&self) -> &NodeId {
        &self.incarnation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_id_is_remembered_for_the_window_and_then_forgotten() {
        let window = Duration::from_secs(600);
        let rooms = Rooms::new(window);
        let (room, id, now) = (RoomId::new(), MessageId::new(), Timestamp::now());
        let place = Position::new(Epoch(1), Seq(1));
        {
            let mut shard = rooms.shard(&room);
            let mut state = Room::new(place, None, now);
            state.ids.insert(id, Committed { position: place, sender: UserId::new(), at: now });
            shard.rooms.insert(room, state);
            shard.forget_expired(now.after(2 * window));
            assert!(shard.rooms[&room].is_at(id, place), "it is not stored yet");
        }
        rooms.settle(room, id, place);
        let mut shard = rooms.shard(&room);
        shard.forget_expired(now.after(window));
        assert!(shard.rooms[&room].is_at(id, place));
        shard.forget_expired(now.after(2 * window));
        assert!(!shard.rooms[&room].is_at(id, place));
    }
}
