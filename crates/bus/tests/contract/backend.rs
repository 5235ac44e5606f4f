//! The three buses under one roof, and what tests do with any of them.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use hubbub_bus::local::{LocalBus, LocalOptions};
use hubbub_bus::redis::{RedisBus, RedisOptions};
use hubbub_bus::wal::Settled;
use hubbub_bus::{Bus, BusError, Commit, CommitError, CommitRequest, StoredNotice, Wal, WalEntry};
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{
    Epoch, Event, MessageBody, MessageId, NewEvent, NodeId, Position, RoomId, Seq, Timestamp,
    UserId,
};
use hubbub_testkit::redis::{RedisCluster, RedisServer};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::heard::Heard;

/// Within what time anything awaited must have come true.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Local,
    Redis,
    Cluster,
}

/// Everything there is to a bus.
pub(crate) trait WholeBus: Bus + Wal {}
impl<T: Bus + Wal> WholeBus for T {}

/// What differs from the defaults.
#[derive(Debug, Clone)]
pub(crate) struct Tuning {
    pub(crate) wal_limit: usize,
    pub(crate) dedupe_window: Duration,
    pub(crate) lease: Duration,
    pub(crate) offline_grace: Duration,
    pub(crate) partitions: u16,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            wal_limit: 100_000,
            dedupe_window: Duration::from_secs(600),
            lease: Duration::from_secs(15),
            offline_grace: Duration::from_secs(15),
            partitions: 16,
        }
    }
}

/// The servers behind a bus, if it has any.
pub(crate) enum Backend {
    /// Whether its only node was made.
    Local(OnceLock<()>),
    Redis(RedisServer),
    Cluster(RedisCluster),
}

impl Backend {
    pub(crate) async fn start(kind: Kind) -> Self {
        match kind {
            Kind::Local => Self::Local(OnceLock::new()),
            Kind::Redis => Self::Redis(RedisServer::start().await),
            Kind::Cluster => Self::Cluster(RedisCluster::start().await),
        }
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        match self {
            Self::Local(_) => Vec::new(),
            Self::Redis(server) => vec![server.url()],
            // One is enough: it names the others.
            Self::Cluster(cluster) => cluster.urls().into_iter().take(1).collect(),
        }
    }

    pub(crate) fn servers(&self) -> Vec<&RedisServer> {
        match self {
            Self::Local(_) => Vec::new(),
            Self::Redis(server) => vec![server],
            Self::Cluster(cluster) => cluster.nodes().iter().collect(),
        }
    }

    /// Runs `redis-cli` on every server.
    pub(crate) async fn cli(&self, arguments: &[&str]) {
        for server in self.servers() {
            server.cli(arguments).await;
        }
    }

    pub(crate) async fn restart(&self) {
        for server in self.servers() {
            server.kill();
        }
        for server in self.servers() {
            server.restart().await;
        }
        if let Self::Cluster(cluster) = self {
            cluster.agreed().await;
        }
    }

    pub(crate) async fn node(&self, name: &str) -> Node {
        self.tuned(name, Tuning::default()).await
    }

    pub(crate) async fn tuned(&self, name: &str, tuning: Tuning) -> Node {
        match self {
            Self::Local(bus) => {
                let new = LocalBus::new(LocalOptions {
                    node: node_id(name),
                    wal_limit: tuning.wal_limit,
                    dedupe_window: tuning.dedupe_window,
                    lease: tuning.lease,
                    offline_grace: tuning.offline_grace,
                });
                assert!(bus.set(()).is_ok(), "one process is one node");
                Node::of(new)
            }
            _ => Node::of(self.connect(name, tuning).await.unwrap()),
        }
    }

    pub(crate) async fn connect(&self, name: &str, tuning: Tuning) -> Result<RedisBus, BusError> {
        let options = RedisOptions::new(self.urls(), node_id(name));
        let Tuning { wal_limit, dedupe_window, lease, offline_grace, partitions } = tuning;
        RedisBus::connect(RedisOptions {
            wal_limit,
            dedupe_window,
            lease,
            offline_grace,
            partitions,
            ..options
        })
        .await
    }
}

fn node_id(name: &str) -> NodeId {
    name.parse().unwrap()
}

/// A node that listens until it is dropped.
pub(crate) struct Node {
    pub(crate) bus: Arc<dyn WholeBus>,
    pub(crate) heard: Arc<Heard>,
    _stop: DropGuard,
}

impl Node {
    /// The node that uses this bus.
    pub(crate) fn of(bus: impl WholeBus) -> Self {
        let (heard, stop) = (Arc::new(Heard::default()), CancellationToken::new());
        bus.listen(Arc::clone(&heard) as Arc<dyn hubbub_bus::Receiver>, stop.clone());
        Self { bus: Arc::new(bus), heard, _stop: stop.drop_guard() }
    }

    /// A new room that starts at epoch 1.
    pub(crate) async fn room(&self) -> RoomId {
        let room = RoomId::new();
        self.bus.seed(room, at(1, 0), false).await.unwrap();
        room
    }

    /// Hears rooms, and waits for the confirmations.
    pub(crate) async fn hear(&self, rooms: &[RoomId]) {
        self.bus.subscribe(rooms);
        self.heard.until_subscribed(rooms).await;
    }

    pub(crate) async fn commit(&self, event: &NewEvent) -> Result<Commit, CommitError> {
        self.bus.commit(CommitRequest { event, checked: false }).await
    }

    /// Commits a new message and returns its place.
    pub(crate) async fn say(&self, room: RoomId) -> Position {
        self.say_event(&message(room)).await
    }

    pub(crate) async fn say_event(&self, event: &NewEvent) -> Position {
        match self.commit(event).await {
            Ok(Commit::New(position)) => position,
            other => panic!("not a new place: {other:?}"),
        }
    }

    /// Reads new entries of all partitions until there are `count`.
    pub(crate) async fn read(&self, count: usize) -> Vec<WalEntry> {
        let mut entries = Vec::new();
        eventually("entries on the log", async || {
            let reads = (0..self.bus.partitions())
                .map(|partition| self.bus.read(partition, 1000, Duration::from_millis(20)));
            for read in futures_util::future::join_all(reads).await {
                entries.extend(read.unwrap());
            }
            entries.len() >= count
        })
        .await;
        assert_eq!(entries.len(), count);
        entries
    }

    /// Claims entries of all partitions.
    pub(crate) async fn claim(&self, idle: Duration) -> Vec<WalEntry> {
        let mut entries = Vec::new();
        for partition in 0..self.bus.partitions() {
            entries.extend(self.bus.claim(partition, idle, 1000).await.unwrap());
        }
        entries
    }

    /// Settles entries as if they had been stored.
    pub(crate) async fn settle(&self, entries: &[WalEntry]) -> Vec<StoredNotice> {
        let settled: Vec<_> = entries
            .iter()
            .map(|entry| Settled { entry: entry.clone(), notice: notice(entry), stored: true })
            .collect();
        self.bus.settle(&settled).await.unwrap();
        settled.iter().map(|settled| settled.notice).collect()
    }
}

pub(crate) fn notice(entry: &WalEntry) -> StoredNotice {
    let event = event_of(entry);
    StoredNotice { room: event.room(), id: event.id(), position: event.position(), at: event.at() }
}

pub(crate) fn event_of(entry: &WalEntry) -> Event {
    Event::parse(&entry.frame).unwrap()
}

pub(crate) const fn at(epoch: u64, seq: u64) -> Position {
    Position::new(Epoch(epoch), Seq(seq))
}

pub(crate) fn message(room: RoomId) -> NewEvent {
    NewEvent {
        room,
        id: MessageId::new(),
        sender: UserId::new(),
        at: Timestamp::now(),
        kind: NewEventKind::Message { body: MessageBody::text("“hi”\n;") },
    }
}

/// Asks again and again until the answer is yes: for what nobody announces.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !is_so().await {
        assert!(since.elapsed() < PATIENCE, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Runs `count` tasks at once and returns what they return.
pub(crate) async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: usize,
    task: impl Fn(usize) -> F,
) -> Vec<T> {
    let results = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (task, results) = (task(number), Arc::clone(&results));
            tokio::spawn(async move {
                let result = task.await;
                results.lock().unwrap().push(result);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    std::mem::take(&mut results.lock().unwrap())
}
