//! The loop of one partition.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hubbub_bus::{BusError, WalEntry};
use metrics::counter;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::pacing::Pacing;
use super::retry::{Retry, Step, Stopped};
use crate::metric::Metric;

/// How long a read waits for entries; so long a stop may take when there are none. A read is never
/// abandoned, since the log may have handed out entries that nobody would look at before they are
/// claimed.
const READ_WAIT: Duration = Duration::from_millis(500);

/// How long a drain waits before it looks again for entries that were left on the log.
const DRAIN_WAIT: Duration = Duration::from_millis(20);

/// One partition of the log, as this consumer works on it.
pub(super) struct Partition {
    pub(super) number: u16,
    pub(super) shared: Arc<Shared>,
    pub(super) stop: CancellationToken,
}

impl Partition {
    pub(super) const fn new(number: u16, shared: Arc<Shared>, stop: CancellationToken) -> Self {
        Self { number, shared, stop }
    }

    /// Stores what comes, until `stop`.
    pub(super) async fn run(&self) {
        let options = &self.shared.options;
        let mut pacing = Pacing::new(options.batch_age, options.batch_events);
        let mut claim_at = Instant::now();
        let mut retry = Retry::new(self, Step::Read);
        while !self.stop.is_cancelled() {
            let handed = if Instant::now() >= claim_at {
                let claimed = self.claim(options.claim_idle).await;
                let is_full = |entries: &Vec<_>| entries.len() >= options.batch_events;
                // A full claim is followed by another: a dead consumer may have left much behind.
                // One that fails is not: what is new can be read all the same.
                if !claimed.as_ref().is_ok_and(is_full) {
                    claim_at = Instant::now() + claim_interval(options.claim_idle);
                }
                claimed
            } else {
                self.grow(pacing.pause(Instant::now())).await;
                let read = self.read(READ_WAIT).await;
                pacing.took(read.as_ref().map_or(0, Vec::len), Instant::now());
                read
            };
            let done = match handed {
                Ok(entries) => {
                    retry.succeeded();
                    self.store(entries).await
                }
                Err(error) => retry.pause(&error).await,
            };
            if done == Err(Stopped) {
                break;
            }
        }
    }

    /// Stores everything there is, and tells whether the store has it all.
    pub(super) async fn drain(&self) -> bool {
        let mut retry = Retry::new(self, Step::Read);
        while !self.stop.is_cancelled() {
            let done = match self.left().await {
                Ok(Left::Nothing { all_stored }) => return all_stored,
                Ok(Left::Entries(entries)) => self.store(entries).await,
                // Entries that nobody hands out yet: a copy was committed a moment ago.
                Ok(Left::Elsewhere) => {
                    self.grow(DRAIN_WAIT).await;
                    Ok(())
                }
                Err(error) => retry.pause(&error).await,
            };
            if done == Err(Stopped) {
                break;
            }
        }
        false
    }

    async fn left(&self) -> Result<Left, BusError> {
        let held = self.claim(Duration::ZERO).await?;
        if !held.is_empty() {
            return Ok(Left::Entries(held));
        }
        let new = self.read(Duration::ZERO).await?;
        if !new.is_empty() {
            return Ok(Left::Entries(new));
        }
        let depths = self.shared.wal.depth().await?;
        Ok(match depths.iter().find(|depth| depth.partition == self.number) {
            Some(depth) if depth.entries > 0 => Left::Elsewhere,
            here => Left::Nothing { all_stored: here.is_none_or(|depth| depth.dead == 0) },
        })
    }

    async fn read(&self, wait: Duration) -> Result<Vec<WalEntry>, BusError> {
        self.shared.wal.read(self.number, self.shared.options.batch_events, wait).await
    }

    async fn claim(&self, idle: Duration) -> Result<Vec<WalEntry>, BusError> {
        let claimed =
            self.shared.wal.claim(self.number, idle, self.shared.options.batch_events).await?;
        counter!(Metric::Claimed.name()).increment(claimed.len() as u64);
        Ok(claimed)
    }

    /// Lets the log grow for a while.
    async fn grow(&self, pause: Duration) {
        if !pause.is_zero() {
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// What a partition still has.
enum Left {
    /// No entries. Dead letters are events that the store does not have.
    Nothing {
        all_stored: bool,
    },
    Entries(Vec<WalEntry>),
    Elsewhere,
}

/// Looks twice within the idle time, so that an entry waits at most one and a half times as long;
/// at a random moment, so that partitions and workers take turns.
fn claim_interval(idle: Duration) -> Duration {
    idle.mul_f64(rand::random_range(0.4..=0.6))
}
