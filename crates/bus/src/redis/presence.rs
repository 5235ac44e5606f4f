//! The presence map in Redis: shards by user, leases by node.
//!
//! A connection belongs to a numbered lease of its node, not to the node: a lease that has lapsed
//! is never revived, so clearing up after it can't touch what the node has put under its next one.
//!
//! Whoever has no connection left is *leaving* until the grace is over. Every read counts the grace
//! itself, so what others see does not depend on when, or whether, somebody tidies up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::{ConnectionId, NodeId, RoomId, Timestamp, UserId};
use tokio::sync::Mutex;

use super::keys::{self, PresenceShard};
use super::log::millis;
use super::{RedisBus, payload, script};
use crate::operator::NodeStatus;
use crate::presence::{CHANGED, NodeLease, better};
use crate::{BusError, Connection, Departure, Presence, UserPresence};

/// How long the list of leases that hold is used before it is read again.
const LEASES_FRESH: Duration = Duration::from_secs(1);
/// Connections that one script touches, or channels that it publishes on.
const BATCH: usize = 250;
/// How long the process that forgets the departed keeps the right to.
const REAPER_LEASE: Duration = Duration::from_secs(5);
/// The field of a user's connections that tells of the latest end of one.
const LEFT: &str = "left";

/// A lease of the list.
struct Lease {
    name: String,
    /// Until when it holds, by the clock of the server that has the list.
    until_ms: u64,
    /// What is left of it; below zero for one that has lapsed.
    left_ms: i64,
}

/// What the leases had left when they were last asked for.
#[derive(Default)]
pub(super) struct Leases(Mutex<Option<Arc<LeasesThen>>>);

struct LeasesThen {
    at: Instant,
    left_ms: HashMap<String, i64>,
}

impl LeasesThen {
    /// What a lease has left now.
    fn left_ms(&self, lease: &str) -> Option<i64> {
        let since = i64::try_from(self.at.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.left_ms.get(lease).map(|left| left.saturating_sub(since))
    }
}

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

/// Each once: several connections of a user may be in different scripts.
fn each_once(texts: &[String]) -> Vec<UserId> {
    parse_users(texts).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whose connections are taken off, and since when they are gone.
struct TakeOff<'a> {
    /// Where they are listed.
    lease: &'a str,
    /// What the entry of each begins with.
    owner: String,
    /// Milliseconds; 0: now.
    ended_ms: u64,
}

impl RedisBus {
    fn lease(&self) -> String {
        lease_name(&self.incarnation, self.lease_number.load(Ordering::Acquire))
    }

    async fn list_leases(&self) -> Result<Vec<Lease>, BusError> {
        let call = script::LEASES.call(&[keys::LEASES]);
        let (now, leases): (u64, Vec<(String, u64)>) =
            self.servers.run_aside(keys::slot(keys::LEASES), &call).await?;
        let lease = |(name, until_ms): (String, u64)| Lease {
            name,
            until_ms,
            left_ms: until_ms.cast_signed() - now.cast_signed(),
        };
        Ok(leases.into_iter().map(lease).collect())
    }

    /// What a node said of itself last; `None` as well if that can't be read.
    async fn status_of_node(&self, node: &NodeId) -> Result<Option<NodeStatus>, BusError> {
        let key = keys::status(node.as_str());
        let mut cmd = redis::cmd("GET");
        cmd.arg(&key);
        let text: Option<String> = self.servers.query_aside(keys::slot(&key), &cmd).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// The leases as of a second ago or less; as of now, if they are to be `fresh`.
    async fn leases(&self, fresh: bool) -> Result<Arc<LeasesThen>, BusError> {
        let mut cached = self.leases.0.lock().await;
        if let Some(then) = &*cached
            && then.at.elapsed() < LEASES_FRESH
            && !fresh
        {
            return Ok(Arc::clone(then));
        }
        let at = Instant::now();
        let leases = self.list_leases().await?;
        let left_ms = leases.into_iter().map(|lease| (lease.name, lease.left_ms)).collect();
        let then = Arc::new(LeasesThen { at, left_ms });
        *cached = Some(Arc::clone(&then));
        Ok(then)
    }

    /// Takes connections (with their users) of one shard off. Returns the users who are shown
    /// differently from here on.
    async fn take_off(
        &self,
        what: &TakeOff<'_>,
        shard: PresenceShard,
        connections: &[(String, String)],
    ) -> Result<Vec<String>, BusError> {
        let mut keys = vec![shard.lease(what.lease), shard.leaving()];
        keys.extend(connections.iter().map(|(_, user)| shard.user(user)));
        let mut call = script::PRESENCE_TAKE_OFF
            .call(&keys)
            .arg(millis(self.offline_grace))
            .arg(&what.owner)
            .arg(what.ended_ms);
        for (connection, user) in connections {
            call.push(user);
            call.push(connection);
        }
        self.servers.run_aside(keys::slot(&keys[0]), &call).await
    }

    /// Takes off what is left of a lease that nobody holds any more, and forgets the lease.
    async fn clear_lease(&self, lease: &str, ended_ms: u64) -> Result<Vec<UserId>, BusError> {
        let what = TakeOff { lease, owner: format!("{lease}|"), ended_ms };
        let mut changed = Vec::new();
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
                changed.extend(self.take_off(&what, shard, &some).await?);
            }
        }
        // Only now: whoever fails on the way leaves the rest to the next one.
        let mut forget = redis::cmd("ZREM");
        forget.arg(keys::LEASES).arg(lease);
        let _removed: i64 = self.servers.query_aside(keys::slot(keys::LEASES), &forget).await?;
        Ok(each_once(&changed))
    }

    /// The fields of users' connections, in the order asked.
    async fn held(&self, users: &[UserId]) -> Result<Vec<Vec<(String, String)>>, BusError> {
        type Held = Vec<Vec<(String, String)>>;
        let grace = millis(self.offline_grace);
        let shards = by_shard(users, |user| user);
        let batches = shards.iter().flat_map(|(shard, users)| {
            users.chunks(BATCH).map(move |users| async move {
                let keys: Vec<_> = users.iter().map(|(_, user)| shard.user(user)).collect();
                let call = script::PRESENCE_OF.call(&keys).arg(grace);
                let held: Held = self.servers.run_aside(keys::slot(&keys[0]), &call).await?;
                Ok::<_, BusError>((users, held))
            })
        });
        let mut found = vec![Vec::new(); users.len()];
        for (users, held) in try_join_all(batches).await? {
            for ((at, _), held) in users.iter().zip(held) {
                found[*at] = held;
            }
        }
        Ok(found)
    }

    /// What a user's fields mean under these leases; with whether all of the leases are known to
    /// hold.
    fn read_held(&self, fields: &[(String, String)], leases: &LeasesThen) -> (UserPresence, bool) {
        let grace = i64::try_from(self.offline_grace.as_millis()).unwrap_or(i64::MAX);
        let (mut presence, mut all_hold) = (UserPresence::default(), true);
        for (name, value) in fields {
            let Some((owner, status)) = value.split_once('|') else { continue };
            let Some(status) = status_of(status) else { continue };
            let left = if name == LEFT { Some(0) } else { leases.left_ms(owner) };
            if left.is_some_and(|left| left > 0)
                && let (Ok(connection), Some(node)) = (name.parse(), node_of(owner))
            {
                presence.connections.push(Connection { connection, node, status });
                continue;
            }
            all_hold &= name == LEFT;
            // Nobody has cleared up after its node yet.
            if left.is_some_and(|left| left.saturating_add(grace) > 0) {
                presence.lingering =
                    Some(presence.lingering.map_or(status, |other| better(status, other)));
            }
        }
        (presence, all_hold)
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

    async fn report(&self, status: &NodeStatus) -> Result<(), BusError> {
        let key = keys::status(self.incarnation.as_str());
        let text = serde_json::to_string(status).expect("string keys only, so it is always JSON");
        let mut cmd = redis::cmd("SET");
        cmd.arg(&key).arg(text).arg("PX").arg(millis(self.lease).max(1));
        self.servers.query_aside(keys::slot(&key), &cmd).await
    }

    async fn release_node(&self) -> Result<Vec<UserId>, BusError> {
        let lease = self.lease();
        // Nothing more comes under this lease.
        self.lease_number.fetch_add(1, Ordering::AcqRel);
        *self.leases.0.lock().await = None;
        self.clear_lease(&lease, 0).await
    }

    async fn put_connections(
        &self,
        connections: &[(UserId, ConnectionId, DeviceStatus)],
    ) -> Result<Vec<UserId>, BusError> {
        let lease = &self.lease();
        let grace = millis(self.offline_grace);
        let shards = by_shard(connections, |(user, ..)| user);
        let batches = shards.iter().flat_map(|(shard, connections)| {
            connections.chunks(BATCH).map(move |connections| async move {
                let mut keys = vec![shard.lease(lease), shard.online(), shard.leaving()];
                keys.extend(connections.iter().map(|(_, (user, ..))| shard.user(user)));
                let mut call = script::PRESENCE_PUT.call(&keys).arg(grace).arg(lease);
                for (_, (user, connection, status)) in connections {
                    call.push(user.to_string());
                    call.push(connection.to_string());
                    call.push(status_text(*status));
                }
                self.servers.run_aside::<Vec<String>>(keys::slot(&keys[0]), &call).await
            })
        });
        Ok(each_once(&try_join_all(batches).await?.concat()))
    }

    async fn remove_connections(
        &self,
        connections: &[(UserId, ConnectionId)],
    ) -> Result<Vec<UserId>, BusError> {
        let owner = format!("{}#", self.incarnation);
        let what = &TakeOff { lease: &self.lease(), owner, ended_ms: 0 };
        let shards = by_shard(connections, |(user, _)| user);
        let batches = shards.iter().flat_map(|(shard, connections)| {
            connections.chunks(BATCH).map(move |connections| async move {
                let connections: Vec<_> = connections
                    .iter()
                    .map(|(_, (user, connection))| (connection.to_string(), user.to_string()))
                    .collect();
                self.take_off(what, *shard, &connections).await
            })
        });
        Ok(each_once(&try_join_all(batches).await?.concat()))
    }

    async fn presence(&self, users: &[UserId]) -> Result<Vec<UserPresence>, BusError> {
        let held = self.held(users).await?;
        let mut fresh = false;
        loop {
            let leases = self.leases(fresh).await?;
            let read = held.iter().map(|fields| self.read_held(fields, &leases));
            let (found, hold): (Vec<_>, Vec<_>) = read.unzip();
            // A lease may be younger, or extended later, than the list at hand.
            if fresh || hold.into_iter().all(|holds| holds) {
                return Ok(found);
            }
            fresh = true;
        }
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
        let leases = self.list_leases().await?.into_iter().filter_map(|lease| {
            let left = u64::try_from(lease.left_ms).ok().filter(|left| *left > 0)?;
            Some((node_of(&lease.name)?, Duration::from_millis(left)))
        });
        try_join_all(leases.map(|(node, expires_in)| async move {
            let status = self.status_of_node(&node).await?;
            Ok(NodeLease { node, expires_in, status })
        }))
        .await
    }

    async fn reap(&self) -> Result<Vec<UserId>, BusError> {
        let mut changed = Vec::new();
        for Lease { name, until_ms, .. } in
            self.list_leases().await?.into_iter().filter(|lease| lease.left_ms <= 0)
        {
            tracing::info!(lease = name, "clearing the connections of a node that is gone");
            changed.extend(self.clear_lease(&name, until_ms).await?);
        }
        Ok(changed)
    }

    async fn departed(&self, limit: usize) -> Result<Vec<Departure>, BusError> {
        let each = limit.div_ceil(keys::PRESENCE_SHARDS).max(1);
        let asked = PresenceShard::all().map(|shard| async move {
            let keys = [shard.leaving(), shard.reaper()];
            let call = script::PRESENCE_DEPARTED
                .call(&keys)
                .arg(millis(self.offline_grace))
                .arg(each)
                .arg(self.incarnation.as_str())
                .arg(millis(REAPER_LEASE));
            self.servers.run_aside::<Vec<(String, u64)>>(keys::slot(&keys[0]), &call).await
        });
        let departure = |(user, ended_ms): (String, u64)| {
            let ended = Timestamp::from_millis(ended_ms.cast_signed());
            Some(Departure { user: user.parse().ok()?, ended })
        };
        Ok(try_join_all(asked).await?.into_iter().flatten().filter_map(departure).collect())
    }

    async fn forget_departed(&self, users: &[UserId]) -> Result<(), BusError> {
        let shards = by_shard(users, |user| user);
        let batches = shards.iter().flat_map(|(shard, users)| {
            users.chunks(BATCH).map(move |users| async move {
                let mut keys = vec![shard.online(), shard.leaving()];
                keys.extend(users.iter().map(|(_, user)| shard.user(user)));
                let mut call = script::PRESENCE_FORGET.call(&keys).arg(millis(self.offline_grace));
                for (_, user) in users {
                    call.push(user.to_string());
                }
                self.servers.run_aside::<i64>(keys::slot(&keys[0]), &call).await
            })
        });
        try_join_all(batches).await.map(drop)
    }

    async fn announce(&self, users: &[UserId]) -> Result<(), BusError> {
        let changed = &payload::volatile(CHANGED, "");
        let mut channels: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for room in users.iter().map(|user| RoomId::presence_of(*user)) {
            let partition = self.partition(&room);
            channels.entry(partition).or_default().push(partition.channel(&room));
        }
        let batches = channels.iter().flat_map(|(partition, channels)| {
            channels.chunks(BATCH).map(move |channels| async move {
                let call = script::PUBLISH_EACH
                    .call(channels)
                    .arg(self.servers.publish_command())
                    .arg(changed);
                self.servers.run_aside::<i64>(partition.slot(), &call).await
            })
        });
        try_join_all(batches).await.map(drop)
    }
}
