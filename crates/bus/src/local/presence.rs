//! The presence map in memory: one node, the same rules.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::{ConnectionId, RoomId, Timestamp, UserId};

use super::{LocalBus, locked};
use crate::operator::NodeStatus;
use crate::presence::{CHANGED, NodeLease, better};
use crate::{BusError, Connection, Departure, Fanout, Presence, UserPresence};

/// Who is connected or has just left, and until when this node's lease holds.
pub(super) struct Map {
    users: BTreeMap<UserId, Held>,
    until: Option<Instant>,
    status: Option<NodeStatus>,
    lease: Duration,
    grace: Duration,
}

/// A user's connections, and the latest end of one with what others saw then.
#[derive(Default)]
struct Held {
    connections: HashMap<ConnectionId, DeviceStatus>,
    left: Option<(Instant, DeviceStatus)>,
}

impl Held {
    fn best(&self) -> Option<DeviceStatus> {
        self.connections.values().copied().reduce(better)
    }

    /// What others see, with a lease that holds.
    fn shown(&self, grace: Duration) -> Option<DeviceStatus> {
        self.best().or_else(|| self.lingering(grace))
    }

    fn lingering(&self, grace: Duration) -> Option<DeviceStatus> {
        self.left.filter(|(ended, _)| ended.elapsed() < grace).map(|(_, status)| status)
    }

    /// Takes a connection off. Of those that end in the same moment the best is what others go on
    /// seeing.
    fn end(&mut self, connection: ConnectionId, ended: Instant) {
        let Some(shown) = self.best() else { return };
        if self.connections.remove(&connection).is_none() {
            return;
        }
        self.left = Some(match self.left {
            Some((last, was)) if last == ended => (ended, better(was, shown)),
            Some((last, was)) if last > ended => (last, was),
            _ => (ended, shown),
        });
    }
}

impl Map {
    pub(super) const fn new(lease: Duration, grace: Duration) -> Self {
        Self { users: BTreeMap::new(), until: None, status: None, lease, grace }
    }

    fn remaining(&self) -> Option<Duration> {
        self.until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// Lets `change` happen to what a user holds, and tells whether they are shown differently.
    fn change(&mut self, user: UserId, change: impl FnOnce(&mut Held)) -> bool {
        let held = self.users.entry(user).or_default();
        let before = held.shown(self.grace);
        change(held);
        let after = held.shown(self.grace);
        if held.connections.is_empty() && held.left.is_none() {
            self.users.remove(&user);
        }
        before != after
    }

    /// Takes every connection off, as ended at `ended`.
    fn clear(&mut self, ended: Instant) -> Vec<UserId> {
        let grace = self.grace;
        let mut changed = Vec::new();
        for (user, held) in &mut self.users {
            let before = held.shown(grace);
            for connection in held.connections.keys().copied().collect::<Vec<_>>() {
                held.end(connection, ended);
            }
            if held.shown(grace) != before {
                changed.push(*user);
            }
        }
        changed
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

    async fn report(&self, status: &NodeStatus) -> Result<(), BusError> {
        locked(&self.presence).status = Some(status.clone());
        Ok(())
    }

    async fn release_node(&self) -> Result<Vec<UserId>, BusError> {
        let mut map = locked(&self.presence);
        map.until = None;
        Ok(map.clear(Instant::now()))
    }

    async fn put_connections(
        &self,
        connections: &[(UserId, ConnectionId, DeviceStatus)],
    ) -> Result<Vec<UserId>, BusError> {
        let mut map = locked(&self.presence);
        let mut changed = Vec::new();
        for &(user, connection, status) in connections {
            let differs = map.change(user, |held| {
                held.connections.insert(connection, status);
                held.left = None;
            });
            if differs && !changed.contains(&user) {
                changed.push(user);
            }
        }
        Ok(changed)
    }

    async fn remove_connections(
        &self,
        connections: &[(UserId, ConnectionId)],
    ) -> Result<Vec<UserId>, BusError> {
        let mut map = locked(&self.presence);
        let now = Instant::now();
        let mut changed = Vec::new();
        for &(user, connection) in connections {
            if map.change(user, |held| held.end(connection, now)) && !changed.contains(&user) {
                changed.push(user);
            }
        }
        Ok(changed)
    }

    async fn presence(&self, users: &[UserId]) -> Result<Vec<UserPresence>, BusError> {
        let map = locked(&self.presence);
        let alive = map.remaining().is_some();
        let lapsed_lately = map.until.is_some_and(|until| until.elapsed() < map.grace);
        let of =
            |user: &UserId| {
                let Some(held) = map.users.get(user) else { return UserPresence::default() };
                let lingering = held.lingering(map.grace);
                if !alive {
                    let best = held.best().filter(|_| lapsed_lately);
                    let lingering = best.into_iter().chain(lingering).reduce(better);
                    return UserPresence { connections: Vec::new(), lingering };
                }
                let connection = |(&connection, &status): (&ConnectionId, &DeviceStatus)| {
                    Connection { connection, node: self.incarnation.clone(), status }
                };
                UserPresence {
                    connections: held.connections.iter().map(connection).collect(),
                    lingering,
                }
            };
        Ok(users.iter().map(of).collect())
    }

    async fn online(&self, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, BusError> {
        let map = locked(&self.presence);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(map.users.range((from, Bound::Unbounded)).take(limit).map(|(user, _)| *user).collect())
    }

    async fn nodes(&self) -> Result<Vec<NodeLease>, BusError> {
        let map = locked(&self.presence);
        let status = map.status.clone();
        let lease = |expires_in| NodeLease { node: self.incarnation.clone(), expires_in, status };
        Ok(map.remaining().map(lease).into_iter().collect())
    }

    async fn reap(&self) -> Result<Vec<UserId>, BusError> {
        let mut map = locked(&self.presence);
        match (map.remaining(), map.until) {
            (None, Some(lapsed)) => Ok(map.clear(lapsed)),
            _ => Ok(Vec::new()),
        }
    }

    async fn departed(&self, limit: usize) -> Result<Vec<Departure>, BusError> {
        let map = locked(&self.presence);
        let departed = map.users.iter().filter_map(|(user, held)| {
            let (ended, _) = held.left.filter(|_| held.connections.is_empty())?;
            let ago = Some(ended.elapsed()).filter(|ago| *ago >= map.grace)?;
            let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
            let ended = Timestamp::from_millis(Timestamp::now().millis().saturating_sub(ago));
            Some(Departure { user: *user, ended })
        });
        Ok(departed.take(limit).collect())
    }

    async fn forget_departed(&self, users: &[UserId]) -> Result<(), BusError> {
        let mut map = locked(&self.presence);
        for user in users {
            if map.users.get(user).is_some_and(|held| held.shown(map.grace).is_none()) {
                map.users.remove(user);
            }
        }
        Ok(())
    }

    async fn announce(&self, users: &[UserId]) -> Result<(), BusError> {
        for user in users {
            self.publish_volatile(RoomId::presence_of(*user), CHANGED, "").await?;
        }
        Ok(())
    }
}
