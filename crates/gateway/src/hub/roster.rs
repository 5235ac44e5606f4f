//! This node's part of the presence map: its lease, and its connections, written in batches.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hubbub_bus::NodeStatus;
use hubbub_bus::presence::LEASE_RENEWAL;
use hubbub_protocol::{ConnectionId, UserId};
use hubbub_runtime::telemetry::VERSION;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Hub;
use super::connection::Connection;
use crate::metric::Metric;

/// How long changes are gathered before they are written.
const GATHER: Duration = Duration::from_millis(20);
/// Changes in one write.
const BATCH: usize = 1_000;
/// Pause after a write that failed.
const RETRY: Duration = Duration::from_millis(500);

/// A change of the map.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// By id only: what is written is what the connection is then, and nothing once it has closed.
    Put(ConnectionId),
    Remove(UserId, ConnectionId),
}

/// Where connections report themselves.
#[derive(Debug, Clone)]
pub struct Roster {
    // Bounded by the node's connections, those that closed while the bus was away included: each
    // has at most one change of each kind under way.
    changes: mpsc::UnboundedSender<Change>,
}

impl Roster {
    /// Takes the node's lease and keeps the map until the hub stops.
    ///
    /// # Errors
    /// When the first lease can't be had: connections would be taken for a dead node's.
    pub async fn start(hub: &Arc<Hub>) -> Result<Self, hubbub_bus::BusError> {
        hub.bus.renew_lease().await?;
        hub.bus.report(&hub.status()).await?;
        let (changes, queue) = mpsc::unbounded_channel();
        let roster = Self { changes };
        hub.spawn(write(Arc::clone(hub), queue));
        hub.spawn(keep_lease(Arc::clone(hub), roster.clone()));
        Ok(roster)
    }

    /// A connection is there, or its person does something else now.
    pub fn put(&self, connection: &Connection) {
        if connection.begin_announcement() {
            // The writer is gone only when the hub has stopped.
            let _ = self.changes.send(Change::Put(connection.id));
        }
    }

    /// A connection is gone.
    pub fn remove(&self, user: UserId, connection: ConnectionId) {
        let _ = self.changes.send(Change::Remove(user, connection));
    }
}

async fn keep_lease(hub: Arc<Hub>, roster: Roster) {
    let mut renewal = interval(LEASE_RENEWAL);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    renewal.tick().await;
    loop {
        tokio::select! {
            _ = renewal.tick() => {}
            () = hub.leaving.notified() => {}
        }
        if let Err(error) = hub.bus.report(&hub.status()).await {
            tracing::warn!(%error, "can't tell operators how the node is");
        }
        match hub.bus.renew_lease().await {
            Ok(false) => {}
            Ok(true) => {
                tracing::warn!("the node's lease had run out; its connections are added again");
                for connection in hub.connections().into_iter().filter(|c| c.is_greeted()) {
                    roster.put(&connection);
                }
            }
            Err(error) => tracing::warn!(%error, "can't renew the node's lease"),
        }
    }
}

async fn write(hub: Arc<Hub>, mut queue: mpsc::UnboundedReceiver<Change>) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        sleep(GATHER).await;
        while batch.len() < BATCH
            && let Ok(change) = queue.try_recv()
        {
            batch.push(change);
        }
        let mut changed = BTreeSet::new();
        while let Err(error) = apply(&hub, &batch, &mut changed).await {
            tracing::warn!(%error, changes = batch.len(), "can't write presence yet");
            // What was written before the failure no longer shows as a change.
            changed.extend(hub.users_of(&batch));
            sleep(RETRY).await;
        }
        batch.clear();
    }
}

/// Puts before removals: a connection leaves the hub before its removal is asked for, and what has
/// left the hub is not put. Then tells whoever watches those who are shown differently.
async fn apply(
    hub: &Hub,
    batch: &[Change],
    changed: &mut BTreeSet<UserId>,
) -> Result<(), hubbub_bus::BusError> {
    let mut puts = Vec::new();
    let mut removals = Vec::new();
    for change in batch {
        match *change {
            Change::Put(id) => {
                if let Some(connection) = hub.connection(id) {
                    connection.end_announcement();
                    puts.push((connection.user, id, connection.status()));
                }
            }
            Change::Remove(user, connection) => removals.push((user, connection)),
        }
    }
    if !puts.is_empty() {
        changed.extend(hub.bus.put_connections(&puts).await?);
    }
    if !removals.is_empty() {
        changed.extend(hub.bus.remove_connections(&removals).await?);
    }
    if !changed.is_empty() {
        let users: Vec<_> = changed.iter().copied().collect();
        hub.bus.announce(&users).await?;
        metrics::counter!(Metric::PresenceAnnounced.name()).increment(users.len() as u64);
    }
    Ok(())
}

impl Hub {
    /// What the node says of itself.
    fn status(&self) -> NodeStatus {
        NodeStatus {
            version: VERSION.to_owned(),
            started: self.started,
            connections: self.connection_count() as u64,
            rooms: self.room_count() as u64,
            draining: self.is_leaving(),
        }
    }

    /// Whether the node is leaving.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Acquire)
    }

    /// The node is leaving, and says so at once.
    pub fn begin_leaving(&self) {
        self.is_leaving.store(true, Ordering::Release);
        self.leaving.notify_one();
    }

    /// Whose connections changes are about.
    fn users_of(&self, batch: &[Change]) -> impl Iterator<Item = UserId> {
        batch.iter().filter_map(|change| match *change {
            Change::Put(id) => self.connection(id).map(|connection| connection.user),
            Change::Remove(user, _) => Some(user),
        })
    }
}
