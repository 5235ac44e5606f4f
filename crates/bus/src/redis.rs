//! The bus of a cluster of nodes: one Redis, or a Redis Cluster with sharded pub/sub.
//!
//! - `keys`: names of keys and channels, partitions and slots
//! - `servers`, `node`: which server has a slot, and the connections to it
//! - `script`, `scripts/*.lua`: what must be one atomic step
//! - `payload`: what is published
//! - `log`, `wal`, `presence`, `limit`, `fanout`: the traits
//! - `subscriptions`, `subscriber`, `feed`: what is wanted, and how it is heard
//! - `safety`: settings of Redis that the bus can't do with

mod fanout;
mod feed;
mod keys;
mod limit;
mod log;
mod node;
mod payload;
mod presence;
mod safety;
mod script;
mod servers;
mod subscriber;
mod subscriptions;
mod wal;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_trait::async_trait;
use hubbub_protocol::{NodeId, RoomId, SessionId};

pub use safety::SafetyError;

use self::keys::Partition;
use self::log::millis;
use self::script::Script;
use self::servers::Servers;
use self::subscriptions::Subscriptions;
use crate::log::DEDUPE_WINDOW;
use crate::presence::{LEASE, OFFLINE_GRACE};
use crate::{Bus, BusError, Control, Fanout, incarnation_of};

/// Most partitions there can be.
const PARTITIONS_MAX: u16 = 4096;

/// What a [`RedisBus`] is told.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// Where Redis is: one URL, or some nodes of a Redis Cluster, which finds the others. With
    /// `rediss://` over TLS.
    pub urls: Vec<String>,
    /// Certificates in PEM of those who vouch for Redis over TLS. None: whom the system trusts.
    pub authorities: Option<Vec<u8>>,
    /// The node's name.
    pub node: NodeId,
    /// How many partitions the rooms are spread over, 1 to 4096. The same for every process and for
    /// the life of the data.
    pub partitions: u16,
    /// Events of one partition that may wait for storage. Past it commits answer `Overloaded`.
    pub wal_limit: usize,
    /// How long an id is remembered once it is stored.
    pub dedupe_window: Duration,
    /// How long the node's lease lasts without renewal.
    pub lease: Duration,
    /// How long somebody is shown as before after their last connection has ended. The same for
    /// every process.
    pub offline_grace: Duration,
}

impl RedisOptions {
    /// The defaults, for this node of the Redis at these URLs.
    #[must_use]
    pub fn new(urls: Vec<String>, node: NodeId) -> Self {
        Self {
            urls,
            authorities: None,
            node,
            partitions: 16,
            wal_limit: 100_000,
            dedupe_window: DEDUPE_WINDOW,
            lease: LEASE,
            offline_grace: OFFLINE_GRACE,
        }
    }
}

/// The bus of a cluster of nodes.
pub struct RedisBus {
    incarnation: NodeId,
    partitions: u16,
    wal_limit: usize,
    dedupe_window: Duration,
    lease: Duration,
    offline_grace: Duration,
    servers: Arc<Servers>,
    commit: Script,
    subscriptions: Arc<Subscriptions>,
    leases: presence::Leases,
    /// The number of the lease this node holds; 0 before the first.
    lease_number: AtomicU64,
    readers: wal::Readers,
    probes: Arc<subscriber::Probes>,
}

impl RedisBus {
    /// Connects, checks that the number of partitions is the one the data was laid out with, and
    /// sees to it that the worker's consumer groups are there.
    ///
    /// # Errors
    /// When Redis can't be reached, or holds data with another number of partitions.
    pub async fn connect(options: RedisOptions) -> Result<Self, BusError> {
        let RedisOptions {
            urls,
            authorities,
            node,
            partitions,
            wal_limit,
            dedupe_window,
            lease,
            offline_grace,
        } = options;
        if !(1..=PARTITIONS_MAX).contains(&partitions) {
            let error = format!("{partitions} partitions: must be 1 to {PARTITIONS_MAX}");
            return Err(BusError::Protocol(error));
        }
        let servers = Arc::new(Servers::connect(&urls, authorities).await?);
        let publish = servers.publish_command();
        let bus = Self {
            incarnation: incarnation_of(&node),
            partitions,
            wal_limit,
            dedupe_window,
            lease,
            offline_grace,
            commit: Script::commit(wal_limit, millis(dedupe_window), publish),
            subscriptions: Arc::new(Subscriptions::new(partitions)),
            servers,
            leases: presence::Leases::default(),
            lease_number: AtomicU64::new(0),
            readers: wal::Readers::new(partitions),
            probes: Arc::default(),
        };
        bus.check_partitions().await?;
        bus.create_groups().await?;
        Ok(bus)
    }

    /// Records the number of partitions, or compares it with the one that is.
    async fn check_partitions(&self) -> Result<(), BusError> {
        let slot = keys::slot(keys::PARTITIONS);
        let mut cmd = redis::cmd("SET");
        cmd.arg(keys::PARTITIONS).arg(self.partitions).arg("NX").arg("GET");
        let recorded: Option<u16> = self.servers.query_aside(slot, &cmd).await?;
        match recorded {
            Some(recorded) if recorded != self.partitions => Err(BusError::Protocol(format!(
                "Redis holds data in {recorded} partitions, and {} are configured: \
                 set the number of partitions to {recorded}",
                self.partitions
            ))),
            _ => Ok(()),
        }
    }

    fn partition(&self, room: &RoomId) -> Partition {
        Partition::of(room, self.partitions)
    }

    /// Publishes on a channel that is not a room's.
    async fn publish(&self, channel: &str, payload: &str) -> Result<(), BusError> {
        let mut cmd = redis::cmd(self.servers.publish_command());
        cmd.arg(channel).arg(payload);
        let _receivers: i64 = self.servers.query(keys::slot(channel), &cmd).await?;
        Ok(())
    }
}

impl fmt::Debug for RedisBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBus")
            .field("incarnation", &self.incarnation)
            .field("partitions", &self.partitions)
            .field("clustered", &self.servers.clustered())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Bus for RedisBus {
    fn incarnation(&self) -> &NodeId {
        &self.incarnation
    }

    async fn end_session(&self, session: SessionId, keep: Duration) -> Result<(), BusError> {
        let key = keys::session(session);
        let keep = millis(keep).max(1);
        let mut cmd = redis::cmd("SET");
        cmd.arg(&key).arg(1).arg("PX").arg(keep);
        let () = self.servers.query(keys::slot(&key), &cmd).await?;
        self.publish_control(&Control::SessionEnded { session }).await
    }

    async fn session_ended(&self, session: SessionId) -> Result<bool, BusError> {
        let key = keys::session(session);
        let mut cmd = redis::cmd("EXISTS");
        cmd.arg(&key);
        self.servers.query(keys::slot(&key), &cmd).await
    }
}
