//! Clears the connections of nodes that died, and notes when their users were last there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::Presence;
use hubbub_protocol::{Timestamp, UserId};
use hubbub_store::UserStore;
use metrics::counter;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::metric::Metric;

/// How often dead nodes are looked for.
pub const REAP_INTERVAL: Duration = Duration::from_secs(5);

/// Users whose last-seen time can wait for a store that is away. Past that, times are lost, which
/// costs an old "last seen" and nothing else.
const WAITING_MAX: usize = 100_000;

/// Users in one write to the store.
const WRITE_MAX: usize = 1_000;

/// The reaper. Any number of processes may run one.
pub struct Reaper {
    presence: Arc<dyn Presence>,
    users: Arc<dyn UserStore>,
    /// The bus names a cleared user once, so they are kept until the store has their time.
    waiting: BTreeSet<UserId>,
}

impl Reaper {
    /// A reaper over a bus and a store.
    #[must_use]
    pub fn new(presence: Arc<dyn Presence>, users: Arc<dyn UserStore>) -> Self {
        Self { presence, users, waiting: BTreeSet::new() }
    }

    /// Reaps every [`REAP_INTERVAL`], until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(REAP_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => self.reap(Timestamp::now()).await,
            }
        }
    }

    /// Clears the connections of nodes that are dead at `now`. Trouble is logged and met again at
    /// the next turn.
    pub async fn reap(&mut self, now: Timestamp) {
        match self.presence.reap().await {
            Ok(users) => {
                counter!(Metric::Reaped.name()).increment(users.len() as u64);
                self.waiting.extend(users);
                while self.waiting.len() > WAITING_MAX {
                    self.waiting.pop_first();
                }
            }
            Err(error) => tracing::warn!(%error, "dead nodes could not be looked for"),
        }
        while !self.waiting.is_empty() {
            let users: Vec<UserId> = self.waiting.iter().take(WRITE_MAX).copied().collect();
            if let Err(error) = self.users.set_last_seen(&users, now).await {
                tracing::warn!(%error, users = self.waiting.len(), "last-seen times wait for the store");
                break;
            }
            for user in &users {
                self.waiting.remove(user);
            }
        }
    }
}
