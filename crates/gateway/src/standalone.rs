//! One process that is a whole chat server: the bus in memory, the store in a file, and the
//! worker's pipeline between the two.

use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::local::{LocalBus, LocalOptions};
use hubbub_store::sqlite::SqliteStore;
use hubbub_store::{Store, StoreError};
use hubbub_worker::{Away, Pipeline, PipelineOptions, backlog};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::committer::Continuity;
use crate::settings::Settings;

/// How long storing what is left may take at the end.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The parts of a standalone server.
#[derive(Debug)]
pub struct Standalone {
    /// The bus.
    pub bus: Arc<LocalBus>,
    /// The store.
    pub store: Arc<SqliteStore>,
    /// Whether the store holds all that the last process committed.
    pub continuity: Continuity,
    pipeline: Arc<Pipeline>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Standalone {
    /// Opens the data directory and starts storing.
    ///
    /// # Errors
    /// When the directory can't be used, or another process does.
    pub async fn open(settings: &Settings) -> Result<Self, StoreError> {
        let dir = settings.data_dir.clone();
        let store = tokio::task::spawn_blocking(move || SqliteStore::open(&dir))
            .await
            .map_err(|error| StoreError::Failed(error.to_string()))??;
        let continuity = if store.was_clean() { Continuity::Kept } else { Continuity::Lost };
        let store = Arc::new(store);
        let bus = Arc::new(LocalBus::new(LocalOptions {
            offline_grace: settings.offline_grace,
            ..LocalOptions::new(settings.node.clone())
        }));
        let pipeline = Pipeline::new(
            Arc::clone(&bus) as _,
            Arc::clone(&bus) as _,
            Arc::clone(&store) as _,
            PipelineOptions::default(),
        );
        // No sinks: nobody is to be notified, so the announcer has nothing to run for.
        let away = Away::new(Arc::clone(&store) as _, Arc::clone(&bus) as _, Vec::new());
        let pipeline = Arc::new(pipeline.heeding(Arc::new(away)));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (storing, until) = (Arc::clone(&pipeline), stop.clone());
        tasks.spawn(async move { storing.run(until).await });
        tasks.spawn(backlog::watch(Arc::clone(&bus) as _, stop.clone()));
        Ok(Self { bus, store, continuity, pipeline, stop, tasks })
    }

    /// Stores what is left, and closes the file. Only what is stored completely is closed as clean:
    /// otherwise clients may have seen events that the file does not have, and the next process
    /// must begin new epochs.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if self.pipeline.drain(DRAIN_TIME).await {
            self.store.close().await;
        } else {
            tracing::error!("not everything could be stored before the end");
        }
    }
}
