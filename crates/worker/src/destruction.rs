//! Removes what destroyed rooms have left.
//!
//! A destroyed room is out of sight at once; this is about the space it takes, and about what comes
//! late: an event that was on the write-ahead log, a mark that was on its way. So everything is gone
//! over twice, the second time when nothing of the room can be on its way any more.
//!
//! Every step can be repeated and the job in the store says how far it has come, so whoever dies in
//! the middle is followed by whoever takes the job next.

use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::{BusError, RoomLog, Wal};
use hubbub_protocol::{RoomId, Timestamp};
use hubbub_store::{BlobStore, DestructionJob, FileState, Remains, Store, StoreError};
use metrics::counter;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::metric::Metric;

/// Files removed in one step, after which the job is held for longer.
const FILES_A_STEP: usize = 50;

/// How destroyed rooms are removed.
#[derive(Debug, Clone)]
pub struct RemoverOptions {
    /// How often jobs are looked for.
    pub interval: Duration,
    /// How long a job is held without a sign of life.
    pub lease: Duration,
    /// How long after a room's end something of it may still come: longer than any request takes,
    /// and than clocks differ.
    pub late: Duration,
    /// Rows removed in one step.
    pub batch: usize,
}

impl Default for RemoverOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(2),
            lease: Duration::from_secs(30),
            late: Duration::from_secs(60),
            batch: 1_000,
        }
    }
}

/// Why a removal did not go on. It is taken up again.
#[derive(Debug, thiserror::Error)]
enum RemovalError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Removes destroyed rooms. Any number of processes may run one; they share the jobs.
pub struct Remover {
    log: Arc<dyn RoomLog>,
    wal: Arc<dyn Wal>,
    store: Arc<dyn Store>,
    blobs: Arc<dyn BlobStore>,
    options: RemoverOptions,
}

impl Remover {
    /// A remover over a bus, a store and its blobs.
    #[must_use]
    pub fn new(
        log: Arc<dyn RoomLog>,
        wal: Arc<dyn Wal>,
        store: Arc<dyn Store>,
        blobs: Arc<dyn BlobStore>,
        options: RemoverOptions,
    ) -> Self {
        Self { log, wal, store, blobs, options }
    }

    /// Works on what there is to remove, until `stop`. Trouble is logged and met again later.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(self.options.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            // Dropped in the middle of a step, it is as if the process had died: nothing is lost.
            let worked = stop.run_until_cancelled(self.work()).await;
            if let Some(Err(error)) = worked {
                tracing::warn!(%error, "a destroyed room is not removed yet");
            }
        }
    }

    /// Goes over every job that nobody holds, once.
    async fn work(&self) -> Result<(), RemovalError> {
        while let Some(job) =
            self.store.claim_destruction(Timestamp::now(), self.options.lease).await?
        {
            self.remove(job).await?;
        }
        Ok(())
    }

    async fn remove(&self, mut job: DestructionJob) -> Result<(), RemovalError> {
        // Before anything is removed: whether what is removed now is all there will ever be.
        let is_last = self.nothing_can_come(&job).await?;
        self.log.close(job.room).await?;
        for what in Remains::ALL {
            self.remove_all(&mut job, *what).await?;
        }
        self.remove_files(&mut job).await?;
        if let Some(icon) = job.icon {
            self.blobs.remove_all(*icon.as_uuid()).await?;
        }
        let now = Timestamp::now();
        if is_last {
            job.finished_at = Some(now);
            counter!(Metric::RoomsRemoved.name()).increment(1);
            tracing::info!(room = %job.room, removed = ?job.removed, "a destroyed room is removed");
        }
        // Until something of it can no longer come, or until its events have left the log.
        let again = job.at.after(self.options.late).max(now.after(self.options.interval));
        Ok(self.store.note_destruction(&job, again).await?)
    }

    /// Removes one kind of what is left. What there is of it is noted before the first is removed,
    /// so that a removal that is begun again counts none twice and leaves none out.
    async fn remove_all(
        &self,
        job: &mut DestructionJob,
        what: Remains,
    ) -> Result<(), RemovalError> {
        let mut left = self.store.count_remains(job.room, what).await?;
        let before = what.count_in(&mut job.removed).map_or(0, |removed| *removed);
        let there = before + left;
        if let Some(found) = what.count_in(&mut job.found) {
            *found = there.max(*found);
        }
        while left > 0 {
            self.hold(job).await?;
            let gone = self.store.remove_remains(job.room, what, self.options.batch).await?;
            left = if gone == 0 { 0 } else { left.saturating_sub(gone) };
            job.count(what, left);
        }
        job.count(what, 0);
        Ok(())
    }

    /// Removes the room's files with their thumbnails, each after its bytes. Counted as the rest is.
    async fn remove_files(&self, job: &mut DestructionJob) -> Result<(), RemovalError> {
        let mut left = self.count_files(job.room).await?;
        job.found.files = job.found.files.max(job.removed.files + left);
        while left > 0 {
            self.hold(job).await?;
            let files = self.store.files_of(job.room, None, FILES_A_STEP).await?;
            for file in &files {
                self.blobs.remove_all(file.folder()).await?;
                self.store.forget_file(file.id).await?;
                if file.state == FileState::Uploading {
                    // More of it may have come in between. What comes from now on, nobody takes.
                    self.blobs.remove_all(file.folder()).await?;
                }
            }
            left = if files.is_empty() { 0 } else { left.saturating_sub(files.len() as u64) };
            job.removed.files = job.found.files.saturating_sub(left);
        }
        job.removed.files = job.found.files;
        Ok(())
    }

    async fn count_files(&self, room: RoomId) -> Result<u64, RemovalError> {
        let (mut count, mut after) = (0, None);
        loop {
            let page = self.store.files_of(room, after, self.options.batch).await?;
            count += page.len() as u64;
            match page.last() {
                Some(last) if page.len() == self.options.batch => after = Some(last.id),
                _ => return Ok(count),
            }
        }
    }

    async fn hold(&self, job: &DestructionJob) -> Result<(), RemovalError> {
        let until = Timestamp::now().after(self.options.lease);
        Ok(self.store.note_destruction(job, until).await?)
    }

    /// Whether no request of before the room's end is under way any more, and the write-ahead log
    /// holds nothing of that time.
    async fn nothing_can_come(&self, job: &DestructionJob) -> Result<bool, RemovalError> {
        let since = job.at.until(Timestamp::now());
        if since < self.options.late {
            return Ok(false);
        }
        let oldest = self.wal.depth().await?.into_iter().filter_map(|depth| depth.oldest).max();
        Ok(oldest.is_none_or(|oldest| oldest + self.options.late / 2 < since))
    }
}
