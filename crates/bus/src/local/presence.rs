//! The presence map in memory: one node, the same rules.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::{ConnectionId, UserId};

use super::{LocalBus, locked};
use crate::presence::NodeLease;
use crate::{BusError, Connection, Presence, UserPresence};

/// Who is connected, and until when this node's lease holds.
pub(super) struct Map {
    users: BTreeMap<UserId, HashMap<ConnectionId, DeviceStatus>>,
    until: Option<Instant>,
    lease: Duration,
}

impl Map {
    pub(super) const fn new(lease: Duration) -> Self {
        Self { users: BTreeMap::new(), until: None, lease }
    }

    fn remaining(&self) -> Option<Duration> {
        self.until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    fn clear(&mut self) -> Vec<UserId> {
        std::mem::take(&mut self.users).into_keys().collect()
    }
}

#[async_trait]
impl Presence for LocalBus {
    async fn renew_lease(&self) -> Result<bool, BusError> {
        let mut map = locked(&self.presence);
        let lapsed = map.remaining().is_none();
        map.until = Some(Instant::now() + map.lease);
        Ok(lapsed)
    }

    async fn release_node(&self) -> Result<Vec<UserId>, BusError> {
        let mut map = locked(&self.presence);
        map.until = None;
        Ok(map.clear())
    }

    async fn put_connections(
        &self,
        connections: &[(UserId, ConnectionId, DeviceStatus)],
    ) -> Result<(), BusError> {
        let mut map = locked(&self.presence);
        for &(user, connection, status) in connections {
            map.users.entry(user).or_default().insert(connection, status);
        }
        Ok(())
    }

    async fn remove_connections(
        &self,
        connections: &[(UserId, ConnectionId)],
    ) -> Result<Vec<UserId>, BusError> {
        let mut map = locked(&self.presence);
        let mut gone = Vec::new();
        for (user, connection) in connections {
            if let Some(held) = map.users.get_mut(user) {
                held.remove(connection);
                if !held.is_empty() {
                    continue;
                }
                map.users.remove(user);
            }
            if !gone.contains(user) {
                gone.push(*user);
            }
        }
        Ok(gone)
    }

    async fn presence(&self, users: &[UserId]) -> Result<Vec<UserPresence>, BusError> {
        let map = locked(&self.presence);
        let alive = map.remaining().is_some();
        let of =
            |user: &UserId| {
                let held = map.users.get(user).filter(|_| alive);
                let connections = held.into_iter().flatten().map(|(&connection, &status)| {
                    Connection { connection, node: self.incarnation.clone(), status }
                });
                UserPresence { connections: connections.collect() }
            };
        Ok(users.iter().map(of).collect())
    }

    async fn online(&self, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, BusError> {
        let map = locked(&self.presence);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(map.users.range((from, Bound::Unbounded)).take(limit).map(|(user, _)| *user).collect())
    }

    async fn nodes(&self) -> Result<Vec<NodeLease>, BusError> {
        let remaining = locked(&self.presence).remaining();
        let lease = |expires_in| NodeLease { node: self.incarnation.clone(), expires_in };
        Ok(remaining.map(lease).into_iter().collect())
    }

    async fn reap(&self) -> Result<Vec<UserId>, BusError> {
        let mut map = locked(&self.presence);
        Ok(if map.remaining().is_none() { map.clear() } else { Vec::new() })
    }
}
