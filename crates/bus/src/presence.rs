//! The presence map: user → connections, alive as long as their node's lease.

use std::time::Duration;

use async_trait::async_trait;
use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::http::UserStatus;
use hubbub_protocol::{ConnectionId, NodeId, UserId};
use serde::{Deserialize, Serialize};

use crate::BusError;

/// How often a node renews its lease.
pub const LEASE_RENEWAL: Duration = Duration::from_secs(5);
/// How long a lease lasts without renewal. Three renewals may fail.
pub const LEASE: Duration = Duration::from_secs(15);

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

/// A user's connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserPresence {
    /// Every connection whose node's lease is alive.
    pub connections: Vec<Connection>,
}

impl UserPresence {
    /// The best of the connections: online beats away beats offline.
    #[must_use]
    pub fn status(&self) -> UserStatus {
        if self.connections.is_empty() {
            UserStatus::Offline
        } else if self.connections.iter().any(|c| c.status == DeviceStatus::Online) {
            UserStatus::Online
        } else {
            UserStatus::Away
        }
    }
}

/// A node with its lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLease {
    /// The node's incarnation.
    pub node: NodeId,
    /// What is left of the lease.
    pub expires_in: Duration,
}

/// Who is connected, where.
#[async_trait]
pub trait Presence: Send + Sync {
    /// Renews this node's lease, or takes it. Call every [`LEASE_RENEWAL`], starting before the
    /// first connection. Returns whether the lease had run out (or was never there): then the
    /// reaper may have cleared this node's connections and they must be added again.
    async fn renew_lease(&self) -> Result<bool, BusError>;

    /// Gives up this node's lease and clears its connections at once. Returns the users who have
    /// no connection left.
    async fn release_node(&self) -> Result<Vec<UserId>, BusError>;

    /// Adds or updates connections of this node.
    async fn put_connections(
        &self,
        connections: &[(UserId, ConnectionId, DeviceStatus)],
    ) -> Result<(), BusError>;

    /// Removes connections of this node. Returns the users who have none left.
    async fn remove_connections(
        &self,
        connections: &[(UserId, ConnectionId)],
    ) -> Result<Vec<UserId>, BusError>;

    /// The connections of users, in the order asked.
    async fn presence(&self, users: &[UserId]) -> Result<Vec<UserPresence>, BusError>;

    /// Up to `limit` connected users in ascending order of id, after `after`. Users of a node that
    /// died less than a lease ago may be among them.
    async fn online(&self, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, BusError>;

    /// Every node with a lease.
    async fn nodes(&self) -> Result<Vec<NodeLease>, BusError>;

    /// Clears the connections of nodes whose lease has run out. Returns the users who have none
    /// left. Safe to call from several processes.
    async fn reap(&self) -> Result<Vec<UserId>, BusError>;
}
