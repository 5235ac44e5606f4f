//! The subscriber: a feed per server that has something to hear, and who watches over them.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hubbub_protocol::NodeId;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::feed::Feed;
use super::node::Address;
use super::servers::Servers;
use super::subscriptions::{Serial, Subscriptions};
use crate::dispatch::Dispatcher;

/// Time between looks at the cluster's topology while nothing seems wrong.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// When a probe last came back, per server.
#[derive(Debug, Default)]
pub(super) struct Probes(Mutex<HashMap<Address, Probe>>);

#[derive(Debug)]
struct Probe {
    serial: Serial,
    heard: Option<Instant>,
}

impl Probes {
    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<Address, Probe>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection to a server. What its predecessor heard still counts for the age.
    pub(super) fn expect(&self, serial: Serial, address: &Address) {
        let mut probes = self.locked();
        let probe = probes.entry(address.clone()).or_insert(Probe { serial, heard: None });
        probe.serial = serial;
    }

    pub(super) fn came_back(&self, serial: Serial, now: Instant) {
        if let Some(probe) = self.locked().values_mut().find(|probe| probe.serial == serial) {
            probe.heard = Some(now);
        }
    }

    pub(super) fn retire(&self, address: &Address) {
        self.locked().remove(address);
    }

    /// The age of the one that has been silent longest; `None` while there is one never heard.
    pub(super) fn age(&self) -> Option<Duration> {
        let probes = self.locked();
        let ages: Option<Vec<_>> =
            probes.values().map(|probe| probe.heard.map(|heard| heard.elapsed())).collect();
        ages?.into_iter().max()
    }
}

/// What the feeds share.
pub(super) struct Hearing {
    pub(super) incarnation: NodeId,
    pub(super) partitions: u16,
    pub(super) servers: Arc<Servers>,
    pub(super) subscriptions: Arc<Subscriptions>,
    pub(super) dispatcher: Dispatcher,
    pub(super) probes: Arc<Probes>,
    /// A reason to look at the topology at once.
    pub(super) trouble: Notify,
    serials: AtomicU64,
    /// Channels of the node itself that were confirmed before.
    heard: Mutex<HashSet<String>>,
}

impl Hearing {
    pub(super) fn new(
        incarnation: NodeId,
        partitions: u16,
        servers: Arc<Servers>,
        subscriptions: Arc<Subscriptions>,
        dispatcher: Dispatcher,
        probes: Arc<Probes>,
    ) -> Self {
        Self {
            incarnation,
            partitions,
            servers,
            subscriptions,
            dispatcher,
            probes,
            trouble: Notify::new(),
            serials: AtomicU64::new(0),
            heard: Mutex::default(),
        }
    }

    pub(super) fn next_serial(&self) -> Serial {
        self.serials.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Notes that a channel of the node itself is confirmed. Returns whether it was before and
    /// carries something that may have been missed.
    pub(super) fn confirmed_again(&self, channel: &str) -> bool {
        if channel.contains(":probe") {
            return false;
        }
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        !heard.insert(channel.to_owned())
    }
}

/// Runs the feeds until `stop`: one for each server, and new ones as the topology changes.
pub(super) async fn run(hearing: Arc<Hearing>, stop: CancellationToken) {
    let mut feeds: HashMap<Address, JoinHandle<()>> = HashMap::new();
    let mut topology = hearing.servers.watch();
    loop {
        let current = Arc::clone(&topology.borrow_and_update());
        feeds.retain(|address, feed| {
            let stays = current.nodes().iter().any(|node| node.address() == address);
            if !stays {
                feed.abort();
                hearing.probes.retire(address);
            }
            stays && !feed.is_finished()
        });
        for node in current.nodes() {
            feeds.entry(node.address().clone()).or_insert_with(|| {
                let feed = Feed { hearing: Arc::clone(&hearing), node: Arc::clone(node) };
                tokio::spawn(feed.run())
            });
        }
        tokio::select! {
            () = stop.cancelled() => break,
            _ = topology.changed() => {}
            () = hearing.trouble.notified() => look(&hearing).await,
            () = tokio::time::sleep(LOOK_EVERY) => look(&hearing).await,
        }
    }
    for feed in feeds.into_values() {
        feed.abort();
    }
}

async fn look(hearing: &Hearing) {
    if let Err(error) = hearing.servers.refresh().await {
        tracing::warn!(%error, "could not ask for the cluster's topology");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_silent_server_is_enough_to_be_deaf() {
        let probes = Probes::default();
        let address = |port| ("127.0.0.1".to_owned(), port);
        assert_eq!(probes.age(), None);
        probes.expect(1, &address(1));
        probes.expect(2, &address(2));
        probes.came_back(1, Instant::now());
        assert_eq!(probes.age(), None, "the second has never been heard");
        let long_ago = Instant::now().checked_sub(Duration::from_secs(9)).unwrap();
        probes.came_back(2, long_ago);
        assert!(probes.age().is_some_and(|age| age >= Duration::from_secs(9)));
        probes.retire(&address(2));
        assert!(probes.age().is_some_and(|age| age < Duration::from_secs(9)));
    }
}
