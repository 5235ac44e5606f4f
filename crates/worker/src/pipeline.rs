//! From the write-ahead log to the store, and back as stored notices.
//!
//! One task per partition: read a batch, store it, settle it, and again. An entry is settled only
//! when the store has it, so whatever dies on the way, the log hands the entry to the next
//! consumer, and storing twice is storing once. Nothing else is remembered between batches: what
//! could not be dealt with is left on the log and comes back as a claim.
//!
//! - `partition`: the loop of one partition: read, claim, pace
//! - `pacing`: when to wait for a batch to grow
//! - `batch`: what becomes of the entries of one batch
//! - `append`: giving events to the store, and isolating those it can't take
//! - `grouping`: partitions that store at the same time share a write
//! - `relocate`: events that lost their place because the bus lost data
//! - `retry`: waiting for a bus or a store that is away
//! - `progress`: what readiness says

mod append;
mod batch;
mod grouping;
mod pacing;
mod partition;
mod progress;
mod relocate;
mod retry;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::{RoomLog, Wal};
use hubbub_store::EventStore;
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;

use self::grouping::Grouping;
use self::partition::Partition;
use self::progress::Progress;
pub(crate) use self::retry::Step;
use crate::away::Away;

/// How a [`Pipeline`] works.
#[derive(Debug, Clone)]
pub struct PipelineOptions {
    /// Most events in a batch.
    pub batch_events: usize,
    /// Longest time that a batch of a busy partition may grow. A quiet partition does not wait.
    pub batch_age: Duration,
    /// How long a consumer may hold an entry unsettled before another takes it over. Longer than
    /// the store takes for a batch.
    pub claim_idle: Duration,
    /// How often an entry that the store can't take is handed out before it is set aside.
    pub attempts: u32,
    /// How long a partition may be stuck before [`Pipeline::health`] says so.
    pub patience: Duration,
}

impl Default for PipelineOptions {
    fn default() -> Self {
        Self {
            batch_events: 500,
            batch_age: Duration::from_millis(20),
            claim_idle: Duration::from_secs(5),
            attempts: 5,
            patience: Duration::from_secs(15),
        }
    }
}

/// What the tasks of a pipeline share.
struct Shared {
    wal: Arc<dyn Wal>,
    log: Arc<dyn RoomLog>,
    store: Arc<dyn EventStore>,
    appends: Grouping,
    options: PipelineOptions,
    progress: Progress,
    /// Who looks after people who are away, if anybody does.
    away: Option<Arc<Away>>,
}

/// One consumer of the write-ahead log. Any number of them, in any number of processes, share the
/// work.
pub struct Pipeline {
    shared: Arc<Shared>,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

impl Pipeline {
    /// A pipeline that does nothing yet. Called within a tokio runtime.
    #[must_use]
    pub fn new(
        wal: Arc<dyn Wal>,
        log: Arc<dyn RoomLog>,
        store: Arc<dyn EventStore>,
        options: PipelineOptions,
    ) -> Self {
        let progress = Progress::new(wal.partitions());
        let appends = Grouping::start(Arc::clone(&store), wal.partitions());
        Self {
            shared: Arc::new(Shared { wal, log, store, appends, options, progress, away: None }),
        }
    }

    /// Lets people who are away find in their inbox what is stored for them.
    ///
    /// # Panics
    /// When the pipeline is at work already.
    #[must_use]
    pub fn heeding(mut self, away: Arc<Away>) -> Self {
        let shared =
            Arc::get_mut(&mut self.shared).expect("nothing shares it before it is at work");
        shared.away = Some(away);
        self
    }

    /// Stores what is committed, until `stop`; then finishes the batches in hand and returns. A
    /// batch whose store is away at that moment is left to the next consumer.
    pub async fn run(&self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        let mut numbers = HashMap::new();
        for number in 0..self.shared.wal.partitions() {
            numbers.insert(self.spawn_partition(&mut tasks, number, &stop), number);
        }
        while let Some(ended) = tasks.join_next().await {
            let Err(error) = ended else { continue };
            let Some(number) = numbers.remove(&error.id()) else { continue };
            // What it held comes back as a claim, so it can simply begin again.
            tracing::error!(partition = number, %error, "a partition's task broke; starting another");
            self.shared.progress.trouble(number, error.to_string());
            numbers.insert(self.spawn_partition(&mut tasks, number, &stop), number);
        }
    }

    fn spawn_partition(
        &self,
        tasks: &mut JoinSet<()>,
        number: u16,
        stop: &CancellationToken,
    ) -> task::Id {
        let partition = Partition::new(number, Arc::clone(&self.shared), stop.clone());
        tasks.spawn(async move { partition.run().await }).id()
    }

    /// Stores everything that is on the log, within `within`, and tells whether the store has it
    /// all: nothing is left, and nothing was set aside as a dead letter.
    ///
    /// Only for the only consumer of a log that nobody appends to any more: it takes over entries
    /// without waiting for their consumers to be idle.
    pub async fn drain(&self, within: Duration) -> bool {
        let late = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for number in 0..self.shared.wal.partitions() {
            let partition = Partition::new(number, Arc::clone(&self.shared), late.clone());
            tasks.spawn(async move { partition.drain().await });
        }
        let drained = async {
            let mut all = true;
            while let Some(ended) = tasks.join_next().await {
                all &= ended.unwrap_or(false);
            }
            all
        };
        tokio::pin!(drained);
        tokio::select! {
            all = &mut drained => all,
            () = tokio::time::sleep(within) => {
                late.cancel();
                drained.await
            }
        }
    }

    /// Whether every partition is idle or moving; else what is stuck, since when, and why.
    ///
    /// # Errors
    /// The reason, for a person.
    pub fn health(&self) -> Result<(), String> {
        self.shared.progress.check(self.shared.options.patience)
    }
}
