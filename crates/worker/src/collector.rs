//! Removes files that nobody can get any more: uploads that were never finished or never sent, and
//! the files of deleted messages.

use std::sync::Arc;
use std::time::Duration;

use hubbub_protocol::Timestamp;
use hubbub_store::{BlobStore, FileRecord, FileState, Store, StoreError};
use metrics::counter;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::metric::Metric;

/// How often files are looked for that are due.
pub const COLLECT_INTERVAL: Duration = Duration::from_secs(30);

/// For how long a file is this collector's. If it does not come to its end, another one gets it.
const LEASE: Duration = Duration::from_secs(300);

/// Files taken at a time.
const BATCH: usize = 50;

/// What a collector has done with the files that were due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Removed.
    pub removed: u64,
    /// Found in a stored message, where they stay.
    pub kept: u64,
}

/// The collector. Any number of processes may run one: each gets other files.
#[derive(Debug)]
pub struct Collector {
    store: Arc<dyn Store>,
    blobs: Arc<dyn BlobStore>,
}

impl Collector {
    /// A collector over a store and its blobs.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, blobs: Arc<dyn BlobStore>) -> Self {
        Self { store, blobs }
    }

    /// Collects every [`COLLECT_INTERVAL`], until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(COLLECT_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            // Whatever is under way can be repeated.
            let Some(collected) = stop.run_until_cancelled(self.collect(Timestamp::now())).await
            else {
                break;
            };
            if let Err(error) = collected {
                tracing::warn!(%error, "files that are due could not be collected");
            }
        }
    }

    /// Collects all that is due at `now`.
    ///
    /// # Errors
    /// When the store or the blobs are away. What was not done is due again later.
    pub async fn collect(&self, now: Timestamp) -> Result<Collected, StoreError> {
        let mut collected = Collected::default();
        loop {
            let due = self.store.due_files(now, now.after(LEASE), BATCH).await?;
            for file in &due {
                if self.is_kept(file).await? {
                    collected.kept += 1;
                } else {
                    self.blobs.remove_all(file.folder()).await?;
                    self.store.forget_file(file.id).await?;
                    counter!(Metric::FilesCollected.name()).increment(1);
                    collected.removed += 1;
                }
            }
            if due.len() < BATCH {
                return Ok(collected);
            }
        }
    }

    /// Keeps a file whose message is stored. A message that took it and never came gives it up.
    async fn is_kept(&self, file: &FileRecord) -> Result<bool, StoreError> {
        let (FileState::Sent, Some(message)) = (file.state, file.message) else {
            return Ok(false);
        };
        if self.store.places(&[(file.room, message)]).await? == [None] {
            // Before its bytes go, nobody may get it any more.
            self.store.discard_files(&[file.id], Timestamp::now()).await?;
            return Ok(false);
        }
        self.store.keep_files(&[file.id]).await?;
        Ok(true)
    }
}
