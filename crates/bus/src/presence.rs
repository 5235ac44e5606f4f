//! The presence map: user → connections, alive as long as their node's lease, and shown for a grace
//! after the last one has ended.

use std::time::Duration;

use async_trait::async_trait;
use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::http::UserStatus;
use hubbub_protocol::{ConnectionId, NodeId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::BusError;
use crate::operator::NodeStatus;

/// How often a node renews its lease.
pub const LEASE_RENEWAL: Duration = Duration::from_secs(5);
/// How long a lease lasts without renewal. Three renewals may fail.
pub const LEASE: Duration = Duration::from_secs(15);

/// How long somebody is shown as before after their last connection has ended: long enough for a
/// reload. The same for every process of a cluster.
pub const OFFLINE_GRACE: Duration = Duration::from_secs(15);
/// The key of the volatile frame, an empty one, that tells on
/// [`RoomId::presence_of`](hubbub_protocol::RoomId::presence_of) to look at a user again.
pub const CHANGED: &str = "changed";

/// One live connection of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The connection.
    pub connection: ConnectionId,
    /// The incarnation of the node that holds it.
    pub node: NodeId,
    /// What the person at it is doing.
    pub status: DeviceStatus,
}

/// What a user's connections are, or were a moment ago.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserPresence {
    /// Every connection whose node's lease is alive.
    pub connections: Vec<Connection>,
    /// What somebody was doing whose last connection ended, or whose last node died, less than the
    /// grace ago.
    pub lingering: Option<DeviceStatus>,
}

impl UserPresence {
    /// The best of the connections, or of what lingers: online beats away beats offline.
    #[must_use]
    pub fn status(&self) -> UserStatus {
        let lingering = self.lingering.filter(|_| self.connections.is_empty());
        let best = self.connections.iter().map(|held| held.status).chain(lingering).reduce(better);
        match best {
            None => UserStatus::Offline,
            Some(DeviceStatus::Away) => UserStatus::Away,
            Some(DeviceStatus::Online) => UserStatus::Online,
        }
    }
}

/// The better of two: whoever is at one device is there.
pub(crate) fn better(one: DeviceStatus, other: DeviceStatus) -> DeviceStatus {
    if one == DeviceStatus::Online { one } else { other }
}

/// Somebody whose grace is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// The user.
    pub user: UserId,
    /// When the last connection ended.
    pub ended: Timestamp,
}

/// A node with its lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLease {
    /// The node's incarnation.
    pub node: NodeId,
    /// What is left of the lease.
    pub expires_in: Duration,
    /// What the node said of itself last.
    pub status: Option<NodeStatus>,
}

/// Who is connected, where.
#[async_trait]
pub trait Presence: Send + Sync {
    /// Renews this node's lease, or takes it. Call every [`LEASE_RENEWAL`], starting before the
    /// first connection. Returns whether the lease had run out (or was never there): then the
    /// reaper may have cleared this node's connections and they must be added again.
    async fn renew_lease(&self) -> Result<bool, BusError>;

    /// Tells what this node says of itself, for as long as a lease lasts.
    async fn report(&self, status: &NodeStatus) -> Result<(), BusError>;

    /// Gives up this node's lease and takes its connections off at once. Returns the users who
    /// are shown differently from here on.
    async fn release_node(&self) -> Result<Vec<UserId>, BusError>;

    /// Adds or updates connections of this node. Returns the users who are shown differently from
    /// here on: not those who came back within the grace.
    async fn put_connections(
        &self,
        connections: &[(UserId, ConnectionId, DeviceStatus)],
    ) -> Result<Vec<UserId>, BusError>;

    /// Takes off connections of this node. Whoever has none left is shown as before until the
    /// grace is over. Returns the users who are shown differently from here on.
    async fn remove_connections(
        &self,
        connections: &[(UserId, ConnectionId)],
    ) -> Result<Vec<UserId>, BusError>;

    /// What users are doing, in the order asked.
    async fn presence(&self, users: &[UserId]) -> Result<Vec<UserPresence>, BusError>;

    /// Up to `limit` users who are connected or within the grace, in ascending order of id, after
    /// `after`. Some whose grace has just ended may be among them.
    async fn online(&self, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, BusError>;

    /// Every node with a lease.
    async fn nodes(&self) -> Result<Vec<NodeLease>, BusError>;

    /// Takes off the connections of nodes whose lease has run out, as ended at that moment. Returns
    /// the users who are shown differently from here on. Safe to call from several processes.
    async fn reap(&self) -> Result<Vec<UserId>, BusError>;

    /// Up to about `limit` users whose grace is over and who were not yet forgotten. Of several
    /// processes that ask, one is told, until it has not asked for five seconds.
    async fn departed(&self, limit: usize) -> Result<Vec<Departure>, BusError>;

    /// Forgets users whose grace is over; whoever has come back meanwhile stays.
    async fn forget_departed(&self, users: &[UserId]) -> Result<(), BusError>;

    /// Tells the nodes that watch these users to look at them again: a volatile frame with the key
    /// [`CHANGED`] on each user's presence channel.
    async fn announce(&self, users: &[UserId]) -> Result<(), BusError>;
}
