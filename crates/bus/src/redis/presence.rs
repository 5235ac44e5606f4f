//! The presence map in Redis: shards by user, leases by node.
//!
//! A connection belongs to a numbered lease of its node, not to the node: a lease that has lapsed
//! is never revived, so clearing up after it can't touch what the node has put under its next one.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::{ConnectionId, NodeId, UserId};
use tokio::sync::Mutex;

use super::keys::{self, PresenceShard};
use super::log::millis;
use super::script::Script;
use super::{RedisBus, script};
use crate::presence::NodeLease;
use crate::{BusError, Connection, Presence, UserPresence};

/// How long the list of leases that hold is used before it is read again.
const LEASES_FRESH: Duration = Duration::from_secs(1);
/// Connections that one script touches.
const BATCH: usize = 250;

/// The leases that hold, as of when.
#[derive(Default)]
pub(super) struct Leases(Mutex<Option<(Instant, Arc<HashSet<String>>)>>);

/// `incarnation#number`.
fn lease_name(node: &NodeId, number: u64) -> String {
    format!("{node}#{number}")
}

fn node_of(lease: &str) -> Option<NodeId> {
    lease.rsplit_once('#')?.0.parse().ok()
}

const fn status_text(status: DeviceStatus) -> &'static str {
    match status {
        DeviceStatus::Online => "online",
        DeviceStatus::Away => "away",
    }
}

fn status_of(text: &str) -> Option<DeviceStatus> {
    [DeviceStatus::Online, DeviceStatus::Away].into_iter().find(|s| status_text(*s) == text)
}

fn by_shard<T>(
    items: &[T],
    user: impl Fn(&T) -> &UserId,
) -> BTreeMap<PresenceShard, Vec<(usize, &T)>> {
    let mut shards: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        shards.entry(PresenceShard::of(user(item))).or_default().push((at, item));
    }
    shards
}

fn parse_users(texts: &[String]) -> impl Iterator<Item = UserId> {
    texts.iter().filter_map(|text| text.parse().ok())
}

impl RedisBus {
    fn lease(&self) -> String {
        lease_name(&self.incarnation, self.lease_number.load(Ordering::Acquire))
    }

    /// Names of leases, with the milliseconds they have left.
    async fn list_leases(&self, which: &str) -> Result<Vec<(String, u64)>, BusError> {
        let call = script::LEASES.call(&[keys::LEASES]).arg(which);
        self.servers.run_aside(keys::slot(keys::LEASES), &call).await
    }

    async fn live_leases(&self) -> Result<Arc<HashSet<String>>, BusError> {
        let mut cached = self.leases.0.lock().await;
        if let Some((at, leases)) = &*cached
            && at.elapsed() < LEASES_FRESH
        {
            return Ok(Arc::clone(leases));
        }
        let leases = self.list_leases("alive").await?;
        let leases = Arc::new(leases.into_iter().map(|(lease, _)| lease).collect());
        *cached = Some((Instant::now(), Arc::clone(&leases)));
        Ok(leases)
    }

    /// Runs one of the two removing scripts over connections of one shard.
    async fn take_off(
        &self,
        script: &'static Script,
        owner: &str,
        lease: &str,
        shard: PresenceShard,
        connections: &[(String, String)],
    ) -> Result<Vec<String>, BusError> {
        let mut keys = vec![shard.lease(lease), shard.online()];
        keys.extend(connections.iter().map(|(_, user)| shard.user(user)));
        let mut call = script.call(&keys).arg(owner);
        for (connection, user) in connections {
            call.push(user);
            call.push(connection);
        }
        self.servers.run_aside(keys::slot(&keys[0]), &call).await
    }

    /// Clears what is left of a lease that nobody holds any more.
    async fn clear_lease(&self, lease: &str) -> Result<Vec<UserId>, BusError> {
        let mut gone = Vec::new();
        for shard in PresenceShard::all() {
            let key = shard.lease(lease);
            let mut sample = redis::cmd("HRANDFIELD");
            sample.arg(&key).arg(BATCH).arg("WITHVALUES");
            loop {
                let some: Vec<(String, String)> =
                    self.servers.query_aside(keys::slot(&key), &sample).await?;
                if some.is_empty() {
                    break;
                }
                let users = self.take_off(&script::PRESENCE_CLEAR, lease, lease, shard, &some);
                gone.extend(parse_users(&users.await?));
            }
        }
        // Only now: whoever fails on the way leaves the rest to the next one.
        let mut forget = redis::cmd("ZREM");
        forget.arg(keys::LEASES).arg(lease);
        let _removed: i64 = self.servers.query_aside(keys::slot(keys::LEASES), &forget).await?;
        Ok(gone)
    }
}

#[async_trait]
impl Presence for RedisBus {
    async fn renew_lease(&self) -> Result<bool, BusError> {
        let number = self.lease_number.load(Ordering::Acquire);
        let call = script::LEASE_RENEW
            .call(&[keys::LEASES])
            .arg(self.incarnation.as_str())
            .arg(number)
            .arg(millis(self.lease));
        let lapsed: bool = self.servers.run_aside(keys::slot(keys::LEASES), &call).await?;
        if lapsed {
            self.lease_number.store(number + 1, Ordering::Release);
            *self.leases.0.lock().await = None;
        }
        // A Redis that was wiped has forgotten this too.
        self.check_partitions().await?;
        Ok(lapsed)
    }

    async fn release_node(&self) -> Result<Vec<UserId>, BusError> {
        let lease = self.lease();
        // Nothing more comes under this lease.
        self.lease_number.fetch_add(1, Ordering::AcqRel);
        *self.leases.0.lock().await = None;
        self.clear_lease(&lease).await
    }

    async fn put_connections(
        &self,
        connections: &[(UserId, ConnectionId, DeviceStatus)],
    ) -> Result<(), BusError> {
        let lease = &self.lease();
        let shards = by_shard(connections, |(user, ..)| user);
        let batches = shards.iter().flat_map(|(shard, connections)| {
            connections.chunks(BATCH).map(move |connections| async move {
                let mut keys = vec![shard.lease(lease), shard.online()];
                keys.extend(connections.iter().map(|(_, (user, ..))| shard.user(user)));
                let mut call = script::PRESENCE_PUT.call(&keys).arg(lease);
                for (_, (user, connection, status)) in connections {
                    call.push(user.to_string());
                    call.push(connection.to_string());
                    call.push(status_text(*status));
                }
                let _done: i64 = self.servers.run_aside(keys::slot(&keys[0]), &call).await?;
                Ok(())
            })
        });
        try_join_all(batches).await.map(drop)
    }

    async fn remove_connections(
        &self,
        connections: &[(UserId, ConnectionId)],
    ) -> Result<Vec<UserId>, BusError> {
        let lease = &self.lease();
        let shards = by_shard(connections, |(user, _)| user);
        let batches = shards.iter().flat_map(|(shard, connections)| {
            connections.chunks(BATCH).map(move |connections| async move {
                let connections: Vec<_> = connections
                    .iter()
                    .map(|(_, (user, connection))| (connection.to_string(), user.to_string()))
                    .collect();
                let node = self.incarnation.as_str();
                self.take_off(&script::PRESENCE_REMOVE, node, lease, *shard, &connections).await
            })
        });
        let gone = try_join_all(batches).await?.concat();
        let mut told = HashSet::new();
        Ok(parse_users(&gone).filter(|user| told.insert(*user)).collect())
    }

    async fn presence(&self, users: &[UserId]) -> Result<Vec<UserPresence>, BusError> {
        type Held = Vec<Vec<(String, String)>>;
        let live = self.live_leases().await?;
        let shards = by_shard(users, |user| user);
        let batches = shards.iter().flat_map(|(shard, users)| {
            users.chunks(BATCH).map(move |users| async move {
                let keys: Vec<_> = users.iter().map(|(_, user)| shard.user(user)).collect();
                let call = script::PRESENCE_OF.call(&keys);
                let held: Held = self.servers.run_aside(keys::slot(&keys[0]), &call).await?;
                Ok::<_, BusError>((users, held))
            })
        });
        let mut found = vec![UserPresence::default(); users.len()];
        for (users, held) in try_join_all(batches).await? {
            for ((at, _), held) in users.iter().zip(held) {
                let connections = held.into_iter().filter_map(|(connection, value)| {
                    let (lease, status) = value.split_once('|')?;
                    Some(Connection {
                        connection: connection.parse().ok()?,
                        node: live.contains(lease).then(|| node_of(lease))??,
                        status: status_of(status)?,
                    })
                });
                found[*at].connections = connections.collect();
            }
        }
        Ok(found)
    }

    async fn online(&self, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, BusError> {
        let from = after.map_or_else(|| "-".to_owned(), |user| format!("({user}"));
        let pages = PresenceShard::all().map(|shard| {
            let key = shard.online();
            let mut cmd = redis::cmd("ZRANGE");
            cmd.arg(&key).arg(&from).arg("+").arg("BYLEX").arg("LIMIT").arg(0).arg(limit);
            async move { self.servers.query_aside::<Vec<String>>(keys::slot(&key), &cmd).await }
        });
        let mut users: Vec<UserId> = parse_users(&try_join_all(pages).await?.concat()).collect();
        users.sort_unstable();
        users.truncate(limit);
        Ok(users)
    }

    async fn nodes(&self) -> Result<Vec<NodeLease>, BusError> {
        let leases = self.list_leases("alive").await?;
        let lease = |(lease, left): (String, u64)| {
            Some(NodeLease { node: node_of(&lease)?, expires_in: Duration::from_millis(left) })
        };
        Ok(leases.into_iter().filter_map(lease).collect())
    }

    async fn reap(&self) -> Result<Vec<UserId>, BusError> {
        let mut gone = Vec::new();
        for (lease, _) in self.list_leases("lapsed").await? {
            tracing::info!(lease, "clearing the connections of a node that is gone");
            gone.extend(self.clear_lease(&lease).await?);
        }
        Ok(gone)
    }
}
