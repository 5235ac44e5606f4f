//! A bus, a store, what a node hears, and pipelines that run until they are dropped.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hubbub_bus::local::{LocalBus, LocalOptions};
use hubbub_bus::wal::WalDepth;
use hubbub_bus::{
    Bus, Commit, CommitError, CommitRequest, Control, Receiver, RoomLog, StoredNotice, Wal,
};
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::http::RoomKind;
use hubbub_protocol::{
    Epoch, Message, MessageBody, MessageId, NewEvent, NodeId, Position, RoomCode, RoomId, Seq,
    Timestamp, UserId,
};
use hubbub_store::{EventStore, NewRoom, NewUser, SqliteStore, Store};
use hubbub_worker::{Pipeline, PipelineOptions};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Far longer than anything takes here, so that only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Awaits something that must happen.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(PATIENCE, future).await else {
        panic!("{what} did not happen");
    };
    value
}

pub(crate) fn node_id(name: &str) -> NodeId {
    name.parse().unwrap()
}

/// What a node has heard since it began to listen.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) stored: Vec<StoredNotice>,
    pub(crate) events: Vec<(RoomId, Position)>,
    pub(crate) resets: Vec<(RoomId, Position)>,
    pub(crate) subscribed: Vec<RoomId>,
}

struct Ears(watch::Sender<Heard>);

impl Receiver for Ears {
    fn event(&self, room: RoomId, position: Position, _frame: Bytes) {
        self.0.send_modify(|heard| heard.events.push((room, position)));
    }

    fn reset(&self, room: RoomId, position: Position) {
        self.0.send_modify(|heard| heard.resets.push((room, position)));
    }

    fn stored(&self, notices: Vec<StoredNotice>) {
        self.0.send_modify(|heard| heard.stored.extend(notices));
    }

    fn subscribed(&self, rooms: &[RoomId]) {
        self.0.send_modify(|heard| heard.subscribed.extend(rooms));
    }

    fn volatile(&self, _room: RoomId, _key: &str, _frame: Bytes) {}
    fn for_users(&self, _users: &[UserId], _key: &str, _frame: Bytes) {}
    fn control(&self, _control: Control) {}
    fn gap(&self, _rooms: &[RoomId]) {}
    fn control_gap(&self) {}
}

/// One node on a bus.
pub(crate) struct Node {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) wal: Arc<dyn Wal>,
    heard: watch::Receiver<Heard>,
    _stop: DropGuard,
}

impl Node {
    pub(crate) fn on<B: Bus + Wal>(bus: B) -> Self {
        let bus = Arc::new(bus);
        let stop = CancellationToken::new();
        let (ears, heard) = watch::channel(Heard::default());
        let bus_of_node: Arc<dyn Bus> = bus.clone();
        bus_of_node.listen(Arc::new(Ears(ears)), stop.clone());
        Self { bus: bus_of_node, wal: bus, heard, _stop: stop.drop_guard() }
    }

    pub(crate) fn local() -> Self {
        Self::on(LocalBus::new(LocalOptions::new(node_id("here"))))
    }

    /// Waits until what is sent to this node over the network reaches it.
    pub(crate) async fn await_ears(self) -> Self {
        // The bus does not tell when its probe first came back, so it is asked.
        soon("a probe", async {
            while self.bus.probe_age().is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        self
    }

    pub(crate) fn log(&self) -> Arc<dyn RoomLog> {
        self.bus.clone()
    }

    /// Waits until what was heard satisfies `enough`.
    pub(crate) async fn hears<T>(&self, what: &str, enough: impl Fn(&Heard) -> Option<T>) -> T {
        let mut heard = self.heard.clone();
        let heard = soon(what, heard.wait_for(|heard| enough(heard).is_some())).await;
        enough(&heard.expect("the bus lives")).expect("it was enough a moment ago")
    }

    /// Waits for this many notices.
    pub(crate) async fn stored(&self, count: usize) -> Vec<StoredNotice> {
        self.hears("stored notices", |heard| {
            (heard.stored.len() >= count).then(|| heard.stored.clone())
        })
        .await
    }

    /// Waits until the room is reset, and tells where it goes on.
    pub(crate) async fn reset(&self, room: RoomId) -> Position {
        self.hears("a reset", |heard| {
            heard.resets.iter().find(|(of, _)| *of == room).map(|(_, position)| *position)
        })
        .await
    }

    /// Gives the room counters, as the gateway does that makes it, and hears it from here on.
    pub(crate) async fn seed(&self, room: RoomId, at: Position) {
        self.bus.seed(room, at, false).await.unwrap();
        self.bus.subscribe(&[room]);
        self.hears("a subscription", |heard| heard.subscribed.contains(&room).then_some(())).await;
    }

    pub(crate) async fn commit(&self, event: &NewEvent) -> Position {
        match self.try_commit(event).await.unwrap() {
            Commit::New(position) | Commit::Seen { position, .. } => position,
        }
    }

    pub(crate) async fn try_commit(&self, event: &NewEvent) -> Result<Commit, CommitError> {
        self.bus.commit(CommitRequest { event, checked: true }).await
    }

    pub(crate) async fn head(&self, room: RoomId) -> Position {
        self.bus.heads(&[room]).await.unwrap()[0].expect("the room has counters")
    }

    /// Entries and dead letters, over all partitions.
    pub(crate) async fn depth(&self) -> (u64, u64) {
        let depths: Vec<WalDepth> = self.wal.depth().await.unwrap();
        (depths.iter().map(|d| d.entries).sum(), depths.iter().map(|d| d.dead).sum())
    }

    /// Waits until so many dead letters lie there. The log does not tell, so it is asked.
    pub(crate) async fn dead_letters(&self, count: u64) {
        soon("a dead letter", async {
            while self.depth().await.1 < count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// A store with one room and its owner.
pub(crate) struct Kept {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) room: RoomId,
    pub(crate) owner: UserId,
    _dir: Option<TempDir>,
}

impl Kept {
    pub(crate) async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path()).unwrap();
        Self { _dir: Some(dir), ..Self::over(Arc::new(store)).await }
    }

    pub(crate) async fn over(store: Arc<dyn Store>) -> Self {
        let (room, owner) = (RoomId::new(), UserId::new());
        let now = Timestamp::now();
        let user = NewUser {
            id: owner,
            username: format!("u{}", &owner.to_string()[24..]),
            display_name: "Owner".into(),
            email: None,
            password_hash: "$argon2id$".into(),
            created_at: now,
        };
        store.create_user(user).await.unwrap();
        let made = NewRoom {
            id: room,
            kind: RoomKind::Private,
            name: "Room".into(),
            description: String::new(),
            code: RoomCode::new(),
            owner,
            created_at: now,
        };
        store.create_room(made).await.unwrap();
        Self { store, room, owner, _dir: None }
    }

    pub(crate) fn says(&self, text: &str) -> NewEvent {
        NewEvent {
            room: self.room,
            id: MessageId::new(),
            sender: self.owner,
            at: Timestamp::now(),
            kind: NewEventKind::Message { body: MessageBody::text(text) },
        }
    }

    /// Every message of the room, in order.
    pub(crate) async fn messages(&self) -> Vec<Message> {
        let all = self.store.changes(self.room, Seq(0), Seq(1 << 50), 10_000).await.unwrap();
        all.expect("no test stores so many")
    }

    pub(crate) async fn texts(&self) -> Vec<String> {
        self.messages().await.into_iter().map(|message| message.body.text).collect()
    }

    /// Everything that takes up a place of the room, voids included.
    pub(crate) async fn places_taken(&self) -> u64 {
        self.store.count_events(self.room, Seq(0), Seq(1 << 50)).await.unwrap()
    }
}

pub(crate) const fn at(epoch: u64, seq: u64) -> Position {
    Position::new(Epoch(epoch), Seq(seq))
}

/// Options under which nobody waits for long.
pub(crate) fn quick() -> PipelineOptions {
    PipelineOptions { claim_idle: Duration::from_millis(50), ..PipelineOptions::default() }
}

/// Options under which nothing is claimed in a test's time.
pub(crate) fn never_claiming() -> PipelineOptions {
    PipelineOptions { claim_idle: Duration::from_secs(3600), ..PipelineOptions::default() }
}

/// A pipeline at work. Dropped, it dies on the spot, as a killed process does.
pub(crate) struct Worker {
    pub(crate) pipeline: Arc<Pipeline>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Worker {
    pub(crate) fn start(node: &Node, store: Arc<dyn EventStore>, options: PipelineOptions) -> Self {
        Self::start_with(node, node.log(), store, options)
    }

    pub(crate) fn start_with(
        node: &Node,
        log: Arc<dyn RoomLog>,
        store: Arc<dyn EventStore>,
        options: PipelineOptions,
    ) -> Self {
        let pipeline = Arc::new(Pipeline::new(node.wal.clone(), log, store, options));
        let stop = CancellationToken::new();
        let (at_work, token) = (pipeline.clone(), stop.clone());
        let running = tokio::spawn(async move { at_work.run(token).await });
        Self { pipeline, stop, running }
    }

    pub(crate) fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    pub(crate) async fn stopped(mut self) {
        soon("a clean stop", &mut self.running).await.unwrap();
    }

    /// Dies without finishing anything, and is gone when this returns.
    pub(crate) async fn kill(mut self) {
        self.running.abort();
        let _ = (&mut self.running).await;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.running.abort();
    }
}
