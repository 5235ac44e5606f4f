//! This node's part of the presence map: its lease, and its connections, written in batches.

use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::presence::LEASE_RENEWAL;
use hubbub_protocol::{ConnectionId, Timestamp, UserId};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Hub;
use super::connection::Connection;

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
        renewal.tick().await;
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
        while let Err(error) = apply(&hub, &batch).await {
            tracing::warn!(%error, changes = batch.len(), "can't write presence yet");
            sleep(RETRY).await;
        }
        batch.clear();
    }
}

/// Puts before removals: a connection leaves the hub before its removal is asked for, and what has
/// left the hub is not put.
async fn apply(hub: &Hub, batch: &[Change]) -> Result<(), hubbub_bus::BusError> {
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
        hub.bus.put_connections(&puts).await?;
    }
    if !removals.is_empty() {
        let gone = hub.bus.remove_connections(&removals).await?;
        if !gone.is_empty()
            && let Err(error) = hub.store.set_last_seen(&gone, Timestamp::now()).await
        {
            // A time of day is not worth holding up the map for.
            tracing::warn!(%error, users = gone.len(), "can't note when users were last seen");
        }
    }
    Ok(())
}
