//! Ends the presence of those who are gone: takes off the connections of nodes that died, and after
//! the grace notes when somebody was last there and tells whoever watches them.
//!
//! Every step may be repeated, and the bus forgets a user last: a process that dies on the way
//! leaves the rest to the next one.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::{BusError, Departure, Presence};
use hubbub_protocol::{Timestamp, UserId};
use hubbub_store::{StoreError, UserStore};
use metrics::counter;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::metric::Metric;

/// How often it looks.
pub const REAP_INTERVAL: Duration = Duration::from_secs(1);

/// Users whose end is dealt with in one turn.
const TURN_MAX: usize = 10_000;

/// Users in one write to the store.
const WRITE_MAX: usize = 1_000;

/// The reaper. Any number of processes may run one.
pub struct Reaper {
    presence: Arc<dyn Presence>,
    users: Arc<dyn UserStore>,
    /// Those whose end is announced but waits for the store, so that it is announced once.
    announced: HashSet<UserId>,
}

impl Reaper {
    /// A reaper over a bus and a store.
    #[must_use]
    pub fn new(presence: Arc<dyn Presence>, users: Arc<dyn UserStore>) -> Self {
        Self { presence, users, announced: HashSet::new() }
    }

    /// Reaps every [`REAP_INTERVAL`], until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(REAP_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => self.reap().await,
            }
        }
    }

    /// One turn. Trouble is logged and met again at the next one.
    pub async fn reap(&mut self) {
        if let Err(error) = self.clear_dead_nodes().await {
            tracing::warn!(%error, "dead nodes could not be looked for");
        }
        if let Err(error) = self.end_the_departed().await {
            tracing::warn!(%error, "those who have left could not be looked for");
        }
    }

    async fn clear_dead_nodes(&self) -> Result<(), BusError> {
        let changed = self.presence.reap().await?;
        self.presence.announce(&changed).await
    }

    async fn end_the_departed(&mut self) -> Result<(), BusError> {
        let departed = self.presence.departed(TURN_MAX).await?;
        let present: HashSet<_> = departed.iter().map(|departure| departure.user).collect();
        self.announced.retain(|user| present.contains(user));
        for departed in departed.chunks(WRITE_MAX) {
            let users: Vec<_> = departed.iter().map(|departure| departure.user).collect();
            let noted = self.note_last_seen(departed).await;
            // Who watches them is told even if the store is away.
            let news: Vec<_> =
                users.iter().copied().filter(|user| !self.announced.contains(user)).collect();
            self.presence.announce(&news).await?;
            match noted {
                Ok(()) => {
                    self.presence.forget_departed(&users).await?;
                    counter!(Metric::Reaped.name()).increment(users.len() as u64);
                }
                Err(error) => {
                    tracing::warn!(%error, users = users.len(), "last-seen times wait for the store");
                    self.announced.extend(news);
                }
            }
        }
        Ok(())
    }

    /// To the second: those who leave together are written together.
    async fn note_last_seen(&self, departed: &[Departure]) -> Result<(), StoreError> {
        let mut by_second: BTreeMap<i64, Vec<UserId>> = BTreeMap::new();
        for departure in departed {
            let second = departure.ended.millis().div_euclid(1_000);
            by_second.entry(second).or_default().push(departure.user);
        }
        for (second, users) in by_second {
            self.users.set_last_seen(&users, Timestamp::from_millis(second * 1_000)).await?;
        }
        Ok(())
    }
}
