//! Gateways and workers on a Redis and a MongoDB of their own.

use std::net::SocketAddr;
use std::sync::Arc;

use hubbub_protocol::{MessageId, Position, RoomId};
use hubbub_runtime::telemetry::{self, LogFormat, LogOutput};
use hubbub_store::{MongoOptions, MongoStore};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::client::{Dial, TestClient};
use super::gateway::{GatewayNode, Tune};
use super::ledger::Ledger;
use super::person::Person;
use super::program::Variables;
use super::stored::{Stored, StoredEvents};
use super::worker::WorkerNode;
use crate::mongo::MongoSet;
use crate::port::local;
use crate::proxy::Proxy;
use crate::redis::{RedisCluster, RedisServer};
use crate::tls::Certificates;

/// Keys of every test gateway's tokens.
pub(super) const SIGNING_KEYS: &str = "test:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";
/// Parts that rooms are spread over. Few: every worker reads them all, all the time.
const PARTITIONS: usize = 2;

/// One replica set for the clusters that do it no harm; each has a database of its own.
async fn shared_mongo() -> &'static MongoSet {
    static SET: OnceCell<MongoSet> = OnceCell::const_new();
    SET.get_or_init(|| MongoSet::start(1)).await
}

#[derive(Debug)]
enum Mongo {
    Shared(&'static MongoSet),
    Own(MongoSet),
}

impl Mongo {
    fn set(&self) -> &MongoSet {
        match self {
            Self::Shared(set) => set,
            Self::Own(set) => set,
        }
    }
}

#[derive(Debug)]
enum Redis {
    One(RedisServer),
    Cluster(RedisCluster),
}

impl Redis {
    fn urls(&self) -> Vec<String> {
        match self {
            Self::One(server) => vec![server.url()],
            Self::Cluster(cluster) => cluster.urls(),
        }
    }
}

/// How a cluster is to be. Limits on how much one user may send are far away unless set.
#[derive(Debug, Default)]
pub struct Builder {
    variables: Variables,
    tune: Option<Tune>,
    processes: bool,
    proxies: bool,
    mongo_members: Option<usize>,
    redis_cluster: bool,
    tls: bool,
}

impl Builder {
    /// With this variable in the environment of every node, as `HUBBUB_WAL_LIMIT`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With settings of gateways in this process that no variable allows.
    #[must_use]
    pub fn tuned(mut self, tune: Tune) -> Self {
        self.tune = Some(tune);
        self
    }

    /// With the real binaries as nodes, which can be killed.
    #[must_use]
    pub const fn of_processes(mut self) -> Self {
        self.processes = true;
        self
    }

    /// With two proxies in front of every node's back: to Redis and to MongoDB.
    #[must_use]
    pub const fn with_proxies(mut self) -> Self {
        self.proxies = true;
        self
    }

    /// With a MongoDB that no other test uses, of so many members.
    #[must_use]
    pub const fn with_own_mongo(mut self, members: usize) -> Self {
        self.mongo_members = Some(members);
        self
    }

    /// With a Redis Cluster of three instead of one Redis.
    #[must_use]
    pub const fn with_redis_cluster(mut self) -> Self {
        self.redis_cluster = true;
        self
    }

    /// With a Redis and a MongoDB of its own that nodes reach over TLS.
    #[must_use]
    pub const fn over_tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// When anything can't be started.
    pub async fn start(mut self, gateways: usize, workers: usize) -> Cluster {
        log_if_asked();
        let certificates = self.tls.then(Certificates::issue);
        let redis = async {
            match &certificates {
                Some(certificates) => {
                    let (server, url) = RedisServer::start_with_tls(certificates).await;
                    (Redis::One(server), Some(url))
                }
                None if self.redis_cluster => (Redis::Cluster(RedisCluster::start().await), None),
                None => (Redis::One(RedisServer::start().await), None),
            }
        };
        let mongo = async {
            match (&certificates, self.mongo_members) {
                (Some(certificates), _) => Mongo::Own(MongoSet::start_with_tls(certificates).await),
                (None, Some(members)) => Mongo::Own(MongoSet::start(members).await),
                (None, None) => Mongo::Shared(shared_mongo().await),
            }
        };
        let ((redis, redis_over_tls), mongo) = tokio::join!(redis, mongo);
        if let (Some(certificates), Some(url)) = (&certificates, redis_over_tls) {
            let authority = certificates.authority().display().to_string();
            let mongodb = format!("{}&tls=true&tlsCAFile={authority}", mongo.set().uri());
            self = self
                .with("HUBBUB_REDIS_URL", &url)
                .with("HUBBUB_REDIS_CA_FILE", &authority)
                .with("HUBBUB_MONGODB_URL", &mongodb);
        }
        let database = format!("test-{}", &Uuid::new_v4().simple().to_string()[..16]);
        let stored = StoredEvents::in_database(&mongo.set().uri(), &database).await;
        let mut cluster = Cluster {
            gateways: Vec::new(),
            workers: Vec::new(),
            ledger: Arc::default(),
            how: self,
            named: 0,
            database,
            stored,
            redis,
            mongo,
            _certificates: certificates,
        };
        for _ in 0..workers {
            cluster.add_worker().await;
        }
        for _ in 0..gateways {
            cluster.add_gateway().await;
        }
        cluster
    }
}

/// A cluster at work. Its end fails the test if any client has been told what must not be.
pub struct Cluster {
    // Nodes go before what they stand on.
    gateways: Vec<GatewayNode>,
    workers: Vec<WorkerNode>,
    ledger: Arc<Ledger>,
    how: Builder,
    named: usize,
    database: String,
    stored: StoredEvents,
    redis: Redis,
    mongo: Mongo,
    _certificates: Option<Certificates>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.ledger.assert_clean();
            return;
        }
        for (number, log) in self.gateways.iter().map(GatewayNode::log_end).enumerate() {
            if let Some(log) = log {
                eprintln!("the log of gateway {number} ends:\n{log}");
            }
        }
    }
}

impl Cluster {
    /// A cluster as most tests want it.
    ///
    /// # Panics
    /// When anything can't be started.
    pub async fn start(gateways: usize, workers: usize) -> Self {
        Self::builder().start(gateways, workers).await
    }

    /// A cluster of some other kind.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Starts one more gateway and returns its number.
    ///
    /// # Panics
    /// When it can't be started.
    pub async fn add_gateway(&mut self) -> usize {
        let (variables, proxies) = self.variables("g").await;
        let mut gateway = if self.how.processes {
            GatewayNode::as_process(&variables).await
        } else {
            GatewayNode::in_process(&variables, self.how.tune).await
        };
        gateway.proxies = proxies;
        self.gateways.push(gateway);
        self.gateways.len() - 1
    }

    /// Starts a gateway as a process at these addresses, clients' and operators', where another was,
    /// and returns its number.
    ///
    /// # Panics
    /// When it can't be started.
    pub async fn add_gateway_at(&mut self, address: SocketAddr, admin: SocketAddr) -> usize {
        let (variables, proxies) = self.variables("g").await;
        let mut gateway = GatewayNode::as_process_at(&variables, address, admin).await;
        gateway.proxies = proxies;
        self.gateways.push(gateway);
        self.gateways.len() - 1
    }

    /// Starts one more worker.
    ///
    /// # Panics
    /// When it can't be started.
    pub async fn add_worker(&mut self) {
        let (variables, proxies) = self.variables("w").await;
        let mut worker = if self.how.processes {
            WorkerNode::as_process(&variables).await
        } else {
            WorkerNode::in_process(&variables).await
        };
        worker.proxies = proxies;
        self.workers.push(worker);
    }

    /// The environment of an operator's program: where Redis and MongoDB are.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("HUBBUB_REDIS_URL", self.redis.urls().join(",")),
            ("HUBBUB_MONGODB_URL", self.mongo.set().uri()),
            ("HUBBUB_MONGODB_DATABASE", self.database.clone()),
            ("HUBBUB_PARTITIONS", PARTITIONS.to_string()),
        ]
    }

    async fn variables(&mut self, role: &str) -> (Variables, Option<(Proxy, Proxy)>) {
        self.named += 1;
        let (mut redis, mut mongo) = (self.redis.urls().join(","), self.mongo.set().uri());
        let mut proxies = None;
        if self.how.proxies {
            let to_redis = Proxy::start(local(self.redis().port())).await;
            let host = &self.mongo.set().hosts()[0];
            let to_mongo = Proxy::start(host.parse().expect("an address")).await;
            redis = format!("redis://{}/", to_redis.addr());
            mongo = format!("mongodb://{}/?directConnection=true", to_mongo.addr());
            proxies = Some((to_redis, to_mongo));
        }
        let mut variables: Variables = [
            ("HUBBUB_REDIS_URL", redis),
            ("HUBBUB_MONGODB_URL", mongo),
            ("HUBBUB_MONGODB_DATABASE", self.database.clone()),
            ("HUBBUB_NODE", format!("{role}{}", self.named)),
            ("HUBBUB_PARTITIONS", PARTITIONS.to_string()),
            ("HUBBUB_CLAIM_IDLE", "1s".to_owned()),
            ("HUBBUB_OFFLINE_GRACE", "2s".to_owned()),
            ("HUBBUB_SIGNING_KEYS", SIGNING_KEYS.to_owned()),
            ("HUBBUB_SEND_BURST", "10000".to_owned()),
            ("HUBBUB_SEND_PER_SECOND", "10000".to_owned()),
            ("HUBBUB_IN_FLIGHT", "1000".to_owned()),
            // Tests ask again and again until something has become true, and make many rooms.
            ("HUBBUB_QUOTA_USERS", "10000/1s".to_owned()),
            ("HUBBUB_QUOTA_CREATE_ROOM", "10000/1s".to_owned()),
            ("HUBBUB_QUOTA_OPEN_DIRECT", "10000/1s".to_owned()),
            ("HUBBUB_QUOTA_REQUESTS", "10000/1s".to_owned()),
            ("HUBBUB_DRAIN_NOTICE", "100ms".to_owned()),
            ("HUBBUB_DRAIN", "1s".to_owned()),
            ("HUBBUB_LOBBY", "none".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        variables.extend(self.how.variables.clone());
        (variables, proxies)
    }

    /// A gateway.
    #[must_use]
    pub fn gateway(&self, number: usize) -> &GatewayNode {
        &self.gateways[number]
    }

    /// Where a gateway is.
    #[must_use]
    pub fn address(&self, number: usize) -> SocketAddr {
        self.gateways[number].address()
    }

    /// Takes a gateway out, to kill or stop it. Those behind it move up.
    #[must_use]
    pub fn take_gateway(&mut self, number: usize) -> GatewayNode {
        self.gateways.remove(number)
    }

    /// A worker.
    #[must_use]
    pub fn worker(&self, number: usize) -> &WorkerNode {
        &self.workers[number]
    }

    /// Takes a worker out, to kill or stop it. Those behind it move up.
    #[must_use]
    pub fn take_worker(&mut self, number: usize) -> WorkerNode {
        self.workers.remove(number)
    }

    /// The one Redis.
    ///
    /// # Panics
    /// When it is a Redis Cluster.
    #[must_use]
    pub fn redis(&self) -> &RedisServer {
        match &self.redis {
            Redis::One(server) => server,
            Redis::Cluster(_) => panic!("a Redis Cluster"),
        }
    }

    /// The Redis Cluster.
    ///
    /// # Panics
    /// When it is one Redis.
    #[must_use]
    pub fn redis_nodes(&self) -> &RedisCluster {
        match &self.redis {
            Redis::Cluster(cluster) => cluster,
            Redis::One(_) => panic!("one Redis"),
        }
    }

    /// The replica set. To be harmed only if it is the cluster's own.
    #[must_use]
    pub fn mongo(&self) -> &MongoSet {
        self.mongo.set()
    }

    /// What all clients must agree on.
    #[must_use]
    pub const fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Somebody new, registered at a gateway.
    pub async fn person(&self, gateway: usize) -> Person {
        Person::register(self.address(gateway)).await
    }

    /// A device of somebody, connected to a gateway.
    pub async fn connect(&self, person: &Person, gateway: usize) -> TestClient {
        self.dial(person, gateway, Dial::default()).await
    }

    /// A device of somebody, connected as [`Dial`] says.
    pub async fn dial(&self, person: &Person, gateway: usize, dial: Dial) -> TestClient {
        let mut client = TestClient::of(person, &self.ledger);
        client.dial(self.address(gateway), dial).await;
        client
    }

    /// The cluster's store, as a gateway has it.
    ///
    /// # Panics
    /// When MongoDB can't be reached.
    pub async fn store(&self) -> MongoStore {
        let options = MongoOptions::new(self.mongo().uri(), self.database.as_str());
        MongoStore::connect(options).await.expect("the cluster's MongoDB")
    }

    /// What MongoDB holds of a room, in order of place.
    ///
    /// # Panics
    /// When MongoDB can't be asked.
    pub async fn stored(&self, room: RoomId) -> Vec<Stored> {
        self.stored.of_room(room).await
    }

    /// Where MongoDB holds a message, if it does.
    ///
    /// # Panics
    /// When MongoDB can't be asked.
    pub async fn stored_at(&self, room: RoomId, id: MessageId) -> Option<Position> {
        let held = self.stored(room).await;
        held.into_iter().find(|event| event.id == id).map(|event| event.position)
    }

    /// Entries on the write-ahead log.
    ///
    /// # Panics
    /// When Redis can't be asked.
    pub async fn wal_entries(&self) -> u64 {
        let (server, follow): (&RedisServer, &[&str]) = match &self.redis {
            Redis::One(server) => (server, &[]),
            Redis::Cluster(cluster) => (&cluster.nodes()[0], &["-c"]),
        };
        let mut entries = 0;
        for partition in 0..PARTITIONS {
            let key = format!("{{p{partition}}}:wal");
            let length = server.cli(&[follow, &["XLEN", &key]].concat()).await;
            entries += length.parse::<u64>().expect("a length");
        }
        entries
    }
}

/// Logs what nodes in this process say, if `HUBBUB_TEST_LOG` holds a filter.
pub(super) fn log_if_asked() {
    if let Ok(filter) = std::env::var("HUBBUB_TEST_LOG") {
        telemetry::log(&filter, LogFormat::Pretty, LogOutput::Stderr).expect("a filter");
    }
}
