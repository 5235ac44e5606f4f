//! A local bus whose deliveries go wrong in every way a network can make them, and which tells of
//! gaps only where a real bus does: some time after a loss.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hubbub_bus::local::LocalBus;
use hubbub_bus::presence::NodeLease;
use hubbub_bus::{
    Bus, BusError, Commit, CommitError, CommitRequest, Control, Departure, Fanout, LogEvent,
    LogRead, NodeStatus, Presence, Progress, Quota, RateLimits, Receiver, RoomLog, StoredNotice,
    UserPresence, Verdict,
};
use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::{
    ConnectionId, Epoch, MessageId, NodeId, Position, RoomId, Seq, SessionId, UserId,
};
use hubbub_store::{EventStore, SqliteStore};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio_util::sync::CancellationToken;

/// Events its hot log seems to keep once they are stored.
const HOT: u64 = 5;
/// Longest time a delivery is late, or a loss goes unnoticed.
const LATE: Duration = Duration::from_millis(4);

/// What was committed, where. The truth that clients are measured against.
pub(crate) type Log = HashMap<(RoomId, Position), MessageId>;

/// The bus.
pub(crate) struct FaultyBus {
    local: Arc<LocalBus>,
    store: Arc<SqliteStore>,
    faults: OnceLock<Arc<Faults>>,
    log: Mutex<Log>,
    seed: u64,
}

impl fmt::Debug for FaultyBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyBus").finish_non_exhaustive()
    }
}

impl FaultyBus {
    pub(crate) fn new(local: Arc<LocalBus>, store: Arc<SqliteStore>, seed: u64) -> Self {
        Self { local, store, faults: OnceLock::new(), log: Mutex::default(), seed }
    }

    /// From here on nothing more goes wrong; what went wrong before is still told late.
    pub(crate) fn heal(&self) {
        let faults = self.faults();
        let deaf: Vec<_> = {
            let mut state = faults.state();
            state.healed = true;
            state.deaf.drain().collect()
        };
        faults.hear_again(&deaf);
    }

    /// The subscription of a room is lost, unnoticed for now.
    pub(crate) fn deafen(&self, room: RoomId) {
        self.faults().state().deaf.insert(room);
    }

    /// The subscription of a room is back, if it was lost.
    pub(crate) fn hear(&self, room: RoomId) {
        if self.faults().state().deaf.remove(&room) {
            self.faults().hear_again(&[room]);
        }
    }

    /// Everything committed so far, by the test or by a worker that did it again in a new epoch.
    pub(crate) fn committed(&self) -> Log {
        self.log.lock().unwrap().clone()
    }

    /// Many an answer is old by the time it is acted on.
    async fn answer_late(&self) {
        let late = {
            let mut state = self.faults().state();
            state.random.random_bool(0.3).then(|| LATE.mul_f64(state.random.random()))
        };
        match late {
            Some(late) => tokio::time::sleep(late).await,
            None => tokio::task::yield_now().await,
        }
    }

    fn faults(&self) -> &Arc<Faults> {
        self.faults.get().unwrap()
    }
}

/// What stands between the bus and the hub.
struct Faults {
    hub: Arc<dyn Receiver>,
    state: Mutex<State>,
}

struct State {
    random: StdRng,
    healed: bool,
    deaf: HashSet<RoomId>,
}

/// What becomes of a delivery.
enum Fate {
    Arrives,
    ArrivesTwice,
    IsLate(Duration),
    IsLost(Duration),
    IsNotHeard,
}

impl Faults {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn fate(&self, room: RoomId) -> Fate {
        let mut state = self.state();
        if state.deaf.contains(&room) {
            return Fate::IsNotHeard;
        }
        let after = LATE.mul_f64(state.random.random());
        match state.random.random_range(0..20) {
            _ if state.healed => Fate::Arrives,
            0..=1 => Fate::ArrivesTwice,
            2..=4 => Fate::IsLate(after),
            5..=6 => Fate::IsLost(after),
            _ => Fate::Arrives,
        }
    }

    fn hear_again(&self, rooms: &[RoomId]) {
        if !rooms.is_empty() {
            self.hub.subscribed(rooms);
            self.hub.gap(rooms);
        }
    }

    fn deliver(self: &Arc<Self>, room: RoomId, delivery: impl Fn(&dyn Receiver) + Send + 'static) {
        let faults = Arc::clone(self);
        match self.fate(room) {
            Fate::Arrives => delivery(&*self.hub),
            Fate::ArrivesTwice => {
                delivery(&*self.hub);
                delivery(&*self.hub);
            }
            Fate::IsLate(after) => {
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    delivery(&*faults.hub);
                });
            }
            Fate::IsLost(noticed) => {
                tokio::spawn(async move {
                    tokio::time::sleep(noticed).await;
                    faults.hear_again(&[room]);
                });
            }
            Fate::IsNotHeard => {}
        }
    }
}

struct FaultyReceiver(Arc<Faults>);

impl Receiver for FaultyReceiver {
    fn event(&self, room: RoomId, position: Position, frame: Bytes) {
        self.0.deliver(room, move |hub| hub.event(room, position, frame.clone()));
    }

    fn reset(&self, room: RoomId, position: Position) {
        self.0.deliver(room, move |hub| hub.reset(room, position));
    }

    fn volatile(&self, room: RoomId, key: &str, frame: Bytes) {
        self.0.hub.volatile(room, key, frame);
    }

    fn for_users(&self, users: &[UserId], key: &str, frame: Bytes) {
        self.0.hub.for_users(users, key, frame);
    }

    fn control(&self, control: Control) {
        self.0.hub.control(control);
    }

    fn stored(&self, notices: Vec<StoredNotice>) {
        self.0.hub.stored(notices);
    }

    fn subscribed(&self, rooms: &[RoomId]) {
        for &room in rooms {
            self.0.deliver(room, move |hub| hub.subscribed(&[room]));
        }
    }

    fn gap(&self, rooms: &[RoomId]) {
        self.0.hub.gap(rooms);
    }

    fn control_gap(&self) {
        self.0.hub.control_gap();
    }
}

#[async_trait]
impl Fanout for FaultyBus {
    fn listen(&self, receiver: Arc<dyn Receiver>, stop: CancellationToken) {
        let random = StdRng::seed_from_u64(self.seed);
        let state = State { random, healed: false, deaf: HashSet::new() };
        let faults = Arc::new(Faults { hub: receiver, state: Mutex::new(state) });
        assert!(self.faults.set(Arc::clone(&faults)).is_ok(), "called once");
        self.local.listen(Arc::new(FaultyReceiver(faults)), stop);
    }

    fn subscribe(&self, rooms: &[RoomId]) {
        self.local.subscribe(rooms);
    }

    fn unsubscribe(&self, rooms: &[RoomId]) {
        self.local.unsubscribe(rooms);
    }

    async fn publish_volatile(&self, room: RoomId, key: &str, frame: &str) -> Result<(), BusError> {
        self.local.publish_volatile(room, key, frame).await
    }

    async fn tell_users(&self, users: &[UserId], key: &str, frame: &str) -> Result<(), BusError> {
        self.local.tell_users(users, key, frame).await
    }

    async fn publish_control(&self, control: &Control) -> Result<(), BusError> {
        self.local.publish_control(control).await
    }

    async fn tell_node(&self, node: &NodeId, control: &Control) -> Result<(), BusError> {
        self.local.tell_node(node, control).await
    }

    fn probe_age(&self) -> Option<Duration> {
        self.local.probe_age()
    }
}

#[async_trait]
impl RoomLog for FaultyBus {
    async fn commit(&self, request: CommitRequest<'_>) -> Result<Commit, CommitError> {
        let commit = self.local.commit(request).await;
        if let Ok(Commit::New(position)) = &commit {
            let event = request.event;
            self.log.lock().unwrap().insert((event.room, *position), event.id);
        }
        commit
    }

    async fn seed(
        &self,
        room: RoomId,
        at: Position,
        recovered: bool,
    ) -> Result<Position, BusError> {
        self.local.seed(room, at, recovered).await
    }

    async fn reopen(
        &self,
        room: RoomId,
        expected: Epoch,
        to: Position,
    ) -> Result<Position, BusError> {
        self.local.reopen(room, expected, to).await
    }

    async fn close(&self, room: RoomId) -> Result<(), BusError> {
        self.local.close(room).await
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Option<Position>>, BusError> {
        let heads = self.local.heads(rooms).await;
        self.answer_late().await;
        heads
    }

    /// As from a hot log that keeps little more than what is not stored yet.
    async fn log_after(
        &self,
        room: RoomId,
        after: Position,
        limit: usize,
    ) -> Result<LogRead, BusError> {
        let read = self.local.log_after(room, after, limit).await;
        self.answer_late().await;
        if let Ok(LogRead::Events { head, events }) = &read
            && let Some(last) = events.len().checked_sub(1)
        {
            let trimmed = Seq(head.seq.0.saturating_sub(HOT).min(events[last].seq.0));
            let missing = trimmed.0.saturating_sub(after.seq.0);
            let stored = self.store.count_events(room, after.seq, trimmed).await.unwrap();
            if missing > 0 && stored == missing {
                return Ok(LogRead::Missed { head: *head, oldest: trimmed.next() });
            }
        }
        read
    }

    async fn find(&self, room: RoomId, id: MessageId) -> Result<Option<LogEvent>, BusError> {
        self.local.find(room, id).await
    }

    async fn progress(&self, room: RoomId) -> Result<Option<Progress>, BusError> {
        self.local.progress(room).await
    }

    fn origin(&self) -> &NodeId {
        self.local.origin()
    }
}

#[async_trait]
impl Presence for FaultyBus {
    async fn renew_lease(&self) -> Result<bool, BusError> {
        self.local.renew_lease().await
    }

    async fn report(&self, status: &NodeStatus) -> Result<(), BusError> {
        self.local.report(status).await
    }

    async fn release_node(&self) -> Result<Vec<UserId>, BusError> {
        self.local.release_node().await
    }

    async fn put_connections(
        &self,
        connections: &[(UserId, ConnectionId, DeviceStatus)],
    ) -> Result<Vec<UserId>, BusError> {
        self.local.put_connections(connections).await
    }

    async fn remove_connections(
        &self,
        connections: &[(UserId, ConnectionId)],
    ) -> Result<Vec<UserId>, BusError> {
        self.local.remove_connections(connections).await
    }

    async fn presence(&self, users: &[UserId]) -> Result<Vec<UserPresence>, BusError> {
        self.local.presence(users).await
    }

    async fn online(&self, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, BusError> {
        self.local.online(after, limit).await
    }

    async fn nodes(&self) -> Result<Vec<NodeLease>, BusError> {
        self.local.nodes().await
    }

    async fn reap(&self) -> Result<Vec<UserId>, BusError> {
        self.local.reap().await
    }

    async fn departed(&self, limit: usize) -> Result<Vec<Departure>, BusError> {
        self.local.departed(limit).await
    }

    async fn forget_departed(&self, users: &[UserId]) -> Result<(), BusError> {
        self.local.forget_departed(users).await
    }

    async fn announce(&self, users: &[UserId]) -> Result<(), BusError> {
        self.local.announce(users).await
    }
}

#[async_trait]
impl RateLimits for FaultyBus {
    async fn take(&self, key: &str, quota: Quota) -> Result<Verdict, BusError> {
        self.local.take(key, quota).await
    }

    async fn pace(&self, key: &str, name: &str, every: Duration) -> Result<Verdict, BusError> {
        self.local.pace(key, name, every).await
    }
}

#[async_trait]
impl Bus for FaultyBus {
    fn incarnation(&self) -> &NodeId {
        self.local.incarnation()
    }

    async fn end_session(&self, session: SessionId, keep: Duration) -> Result<(), BusError> {
        self.local.end_session(session, keep).await
    }

    async fn session_ended(&self, session: SessionId) -> Result<bool, BusError> {
        self.local.session_ended(session).await
    }
}
