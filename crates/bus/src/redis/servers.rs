//! The servers behind the bus, one or a Redis Cluster, and how a command finds its own.
//!
//! One Redis is treated as a cluster whose only node has every slot.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{
    Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue, IntoConnectionInfo,
    RedisError, RedisResult, ServerErrorKind, TlsCertificates, Value,
};
use tokio::sync::{Mutex, watch};

use super::keys::SLOTS;
use super::node::{Address, Node, address_of, breaks_connection};
use super::script::Call;
use crate::BusError;

/// Within what time a command is answered, redirections and new tries included.
const DEADLINE: Duration = Duration::from_secs(3);
/// First pause before a new try; it doubles.
const PAUSE: Duration = Duration::from_millis(20);
/// Longest pause before a new try.
const PAUSE_MAX: Duration = Duration::from_millis(320);
/// The map of slots is not asked for more often than this.
const REFRESH_PAUSE: Duration = Duration::from_millis(100);

/// Which server has which slots.
pub(super) struct Topology {
    nodes: Vec<Arc<Node>>,
    /// Per slot the index of its server; `u16::MAX` where nobody has it.
    owners: Vec<u16>,
}

impl Topology {
    pub(super) fn owner(&self, slot: u16) -> Option<&Arc<Node>> {
        let at = *self.owners.get(usize::from(slot))?;
        self.nodes.get(usize::from(at))
    }

    pub(super) fn nodes(&self) -> &[Arc<Node>] {
        &self.nodes
    }
}

/// On which connection a command goes.
#[derive(Debug, Clone, Copy)]
enum Way {
    Shared,
    Aside,
}

/// The servers.
pub(super) struct Servers {
    seeds: Vec<ConnectionInfo>,
    clustered: bool,
    topology: watch::Sender<Arc<Topology>>,
    refreshed: Mutex<Instant>,
}

impl Servers {
    /// Asks the first of `urls` that answers what it is.
    pub(super) async fn connect(
        urls: &[String],
        authorities: Option<Vec<u8>>,
    ) -> Result<Self, BusError> {
        let seeds: RedisResult<Vec<ConnectionInfo>> =
            urls.iter().map(|url| seed(url, authorities.as_deref())).collect();
        let seeds = seeds.map_err(|error| protocol(&error))?;
        let mut last = BusError::Unavailable("no Redis URL given".into());
        for seed in &seeds {
            match Self::start_from(seed, &[]).await {
                Ok((clustered, topology)) => {
                    return Ok(Self {
                        seeds,
                        clustered,
                        topology: watch::Sender::new(Arc::new(topology)),
                        refreshed: Mutex::new(Instant::now()),
                    });
                }
                Err(error) => last = bus_error(&error),
            }
        }
        Err(last)
    }

    async fn start_from(
        seed: &ConnectionInfo,
        known: &[Arc<Node>],
    ) -> RedisResult<(bool, Topology)> {
        let address = address_of(seed).ok_or_else(|| {
            RedisError::from((ErrorKind::InvalidClientConfig, "only TCP addresses are supported"))
        })?;
        let node = Arc::new(Node::new(seed, address)?);
        let info = String::from_redis_value(node.send(redis::cmd("INFO").arg("cluster")).await?)?;
        if !info.lines().any(|line| line.trim() == "cluster_enabled:1") {
            return Ok((false, Topology { nodes: vec![node], owners: vec![0; SLOTS.into()] }));
        }
        Ok((true, ask_topology(&node, seed, known).await?))
    }

    pub(super) const fn clustered(&self) -> bool {
        self.clustered
    }

    /// `PUBLISH`, or in a cluster `SPUBLISH`, which stays within the slot's server.
    pub(super) const fn publish_command(&self) -> &'static str {
        if self.clustered { "SPUBLISH" } else { "PUBLISH" }
    }

    pub(super) fn topology(&self) -> Arc<Topology> {
        Arc::clone(&self.topology.borrow())
    }

    /// Tells of every change of the topology.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Topology>> {
        self.topology.subscribe()
    }

    /// The server that has a slot.
    pub(super) fn owner(&self, slot: u16) -> Result<Arc<Node>, BusError> {
        self.topology()
            .owner(slot)
            .cloned()
            .ok_or_else(|| BusError::Unavailable(format!("nobody serves slot {slot}")))
    }

    /// Sends a command to the server of `slot`.
    pub(super) async fn query<T: FromRedisValue>(
        &self,
        slot: u16,
        cmd: &Cmd,
    ) -> Result<T, BusError> {
        read(self.route(slot, cmd, Way::Shared).await)
    }

    /// The same over a pooled connection, for what is not on the message path.
    pub(super) async fn query_aside<T: FromRedisValue>(
        &self,
        slot: u16,
        cmd: &Cmd,
    ) -> Result<T, BusError> {
        read(self.route(slot, cmd, Way::Aside).await)
    }

    /// Runs a script on the server of `slot`.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        slot: u16,
        call: &Call<'_>,
    ) -> Result<T, BusError> {
        read(self.run_on(slot, call, Way::Shared).await)
    }

    /// The same over a pooled connection, for what is not on the message path.
    pub(super) async fn run_aside<T: FromRedisValue>(
        &self,
        slot: u16,
        call: &Call<'_>,
    ) -> Result<T, BusError> {
        read(self.run_on(slot, call, Way::Aside).await)
    }

    async fn run_on(&self, slot: u16, call: &Call<'_>, way: Way) -> RedisResult<Value> {
        match self.route(slot, call.by_digest(), way).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.route(slot, &call.by_source(), way).await
            }
            answer => answer,
        }
    }

    async fn route(&self, slot: u16, cmd: &Cmd, way: Way) -> RedisResult<Value> {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        let mut pause = PAUSE;
        loop {
            let error = match tokio::time::timeout_at(deadline, self.attempt(slot, cmd, way)).await
            {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(_) => return Err(late()),
            };
            if !self.worth_another_try(&error) {
                return Err(error);
            }
            if self.clustered {
                // A failure to ask is no worse than the error at hand.
                let _ = tokio::time::timeout_at(deadline, self.refresh()).await;
            }
            if tokio::time::Instant::now() + pause >= deadline {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn attempt(&self, slot: u16, cmd: &Cmd, way: Way) -> RedisResult<Value> {
        let topology = self.topology();
        let node = topology.owner(slot).ok_or_else(|| {
            RedisError::from((ErrorKind::ClusterConnectionNotFound, "nobody serves the slot"))
        })?;
        let answer = match way {
            Way::Shared => node.send(cmd).await,
            Way::Aside => node.send_aside(cmd).await,
        };
        match answer {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) => {
                let Some(address) = error.redirect_node().and_then(|(at, _)| parse_address(at))
                else {
                    return Err(error);
                };
                match topology.nodes.iter().find(|node| *node.address() == address) {
                    Some(node) => node.send_asking(cmd).await,
                    None => Node::new(&self.seeds[0], address)?.send_asking(cmd).await,
                }
            }
            answer => answer,
        }
    }

    /// Errors that say that nothing was done, or that a connection ended: every operation here may
    /// be repeated. Not a timeout, whose caller has waited long enough.
    fn worth_another_try(&self, error: &RedisError) -> bool {
        match error.kind() {
            ErrorKind::Server(kind) => matches!(
                kind,
                ServerErrorKind::Moved
                    | ServerErrorKind::Ask
                    | ServerErrorKind::TryAgain
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::BusyLoading
                    | ServerErrorKind::ReadOnly
            ),
            ErrorKind::ClusterConnectionNotFound => self.clustered,
            _ => breaks_connection(error) && !error.is_timeout(),
        }
    }

    /// Asks the cluster who has which slots. Callers that come while it is asked wait for the
    /// answer; soon after one there is nothing to ask.
    pub(super) async fn refresh(&self) -> RedisResult<()> {
        if !self.clustered {
            return Ok(());
        }
        let mut refreshed = self.refreshed.lock().await;
        if refreshed.elapsed() < REFRESH_PAUSE {
            return Ok(());
        }
        let current = self.topology();
        let mut last = late();
        for node in current.nodes() {
            match ask_topology(node, &self.seeds[0], current.nodes()).await {
                Ok(topology) => {
                    self.adopt(topology, &current);
                    *refreshed = Instant::now();
                    return Ok(());
                }
                Err(error) => last = error,
            }
        }
        for seed in &self.seeds {
            match Self::start_from(seed, current.nodes()).await {
                Ok((true, topology)) => {
                    self.adopt(topology, &current);
                    *refreshed = Instant::now();
                    return Ok(());
                }
                Ok((false, _)) => {}
                Err(error) => last = error,
            }
        }
        *refreshed = Instant::now();
        Err(last)
    }

    fn adopt(&self, topology: Topology, current: &Topology) {
        let addresses =
            |topology: &Topology| topology.nodes.iter().map(|n| n.address().clone()).collect();
        let before: Vec<Address> = addresses(current);
        if before != addresses(&topology) || current.owners != topology.owners {
            tracing::info!(nodes = topology.nodes.len(), "cluster topology changed");
            self.topology.send_replace(Arc::new(topology));
        }
    }
}

/// How to connect to what a URL names; over TLS, with whom to trust.
fn seed(url: &str, authorities: Option<&[u8]>) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?;
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return Ok(info);
    }
    // The first of the process counts; whoever was faster took the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trusted = TlsCertificates { client_tls: None, root_cert: authorities.map(<[u8]>::to_vec) };
    Ok(Client::build_with_tls(info, trusted)?.get_connection_info().clone())
}

/// Asks a node of a cluster who has which slots, keeping nodes that are known.
async fn ask_topology(
    asked: &Node,
    like: &ConnectionInfo,
    known: &[Arc<Node>],
) -> RedisResult<Topology> {
    type Range = (u16, u16, Vec<Value>);
    let answer = asked.send(redis::cmd("CLUSTER").arg("SLOTS")).await?;
    let mut nodes: Vec<Arc<Node>> = Vec::new();
    let mut owners = vec![u16::MAX; SLOTS.into()];
    let mut at: HashMap<Address, u16> = HashMap::new();
    for range in Vec::<Vec<Value>>::from_redis_value(answer)? {
        let mut parts = range.into_iter();
        let range: Option<Range> = (|| {
            let first = u16::from_redis_value(parts.next()?).ok()?;
            let last = u16::from_redis_value(parts.next()?).ok()?;
            Some((first, last, Vec::from_redis_value(parts.next()?).ok()?))
        })();
        let Some((first, last, master)) = range else { continue };
        let Some(address) = master_address(master, asked.address()) else { continue };
        let index = match at.get(&address) {
            Some(index) => *index,
            None => {
                let node = match known.iter().find(|node| *node.address() == address) {
                    Some(node) => Arc::clone(node),
                    None => Arc::new(Node::new(like, address.clone())?),
                };
                let index = u16::try_from(nodes.len()).unwrap_or(u16::MAX);
                nodes.push(node);
                at.insert(address, index);
                index
            }
        };
        if let Some(slots) = owners.get_mut(usize::from(first)..=usize::from(last)) {
            slots.fill(index);
        }
    }
    if nodes.is_empty() {
        return Err(RedisError::from((ErrorKind::ClusterConnectionNotFound, "no slot is served")));
    }
    Ok(Topology { nodes, owners })
}

/// A node that does not know its own host leaves it out: then it is the one that was asked.
fn master_address(master: Vec<Value>, asked: &Address) -> Option<Address> {
    let mut parts = master.into_iter();
    let host = Option::<String>::from_redis_value(parts.next()?).ok()?;
    let port = u16::from_redis_value(parts.next()?).ok()?;
    let host = host.filter(|host| !host.is_empty() && host != "?");
    Some((host.unwrap_or_else(|| asked.0.clone()), port))
}

fn parse_address(text: &str) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    Some((host.to_owned(), port.parse().ok()?))
}

fn late() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

fn read<T: FromRedisValue>(answer: RedisResult<Value>) -> Result<T, BusError> {
    let value = answer.map_err(|error| bus_error(&error))?;
    T::from_redis_value(value).map_err(|error| protocol(&error))
}

/// What an error of the client library means to a caller of the bus.
pub(super) fn bus_error(error: &RedisError) -> BusError {
    match error.kind() {
        ErrorKind::Server(
            ServerErrorKind::Moved
            | ServerErrorKind::Ask
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::BusyLoading
            | ServerErrorKind::ReadOnly,
        )
        | ErrorKind::Io
        | ErrorKind::ClusterConnectionNotFound
        | ErrorKind::AuthenticationFailed => BusError::Unavailable(error.to_string()),
        // Out of memory: Redis refuses writes until an operator makes room.
        _ if error.code() == Some("OOM") => BusError::Unavailable(error.to_string()),
        _ => protocol(error),
    }
}

/// An answer that should not be.
pub(super) fn protocol(error: &impl ToString) -> BusError {
    BusError::Protocol(error.to_string())
}
