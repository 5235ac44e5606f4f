//! One worker process, from start to stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::Wal;
use hubbub_runtime::lifecycle::{Ended, Signals};
use hubbub_runtime::telemetry::TelemetryError;
use hubbub_runtime::{Health, Lifecycle, Metrics, admin};
use hubbub_store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::connect::{
    ConnectError, Connected, connect, connect_mongodb, connect_redis, open_blobs,
};
use crate::settings::Settings;
use crate::{Away, Collector, Pipeline, Reaper, Remover, SearchIndexer, Sink, metric, readiness};

/// Why a worker did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Redis or MongoDB can't be used.
    #[error(transparent)]
    Cluster(#[from] ConnectError),
    /// The address for operators can't be bound.
    #[error("HUBBUB_ADMIN_LISTEN: can't listen on {address}: {error}; choose a free address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// Metrics can't be installed.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
}

/// A worker at work.
pub struct Worker {
    lifecycle: Lifecycle,
    grace: Duration,
    admin_address: SocketAddr,
    health: Health,
    store: Arc<dyn Store>,
    /// Ends the listener for operators, last of all.
    _admin: DropGuard,
}

impl Worker {
    /// Connects, checks that Redis and MongoDB are safe to use, and begins to store. It stops when
    /// the lifecycle says so.
    ///
    /// # Errors
    /// [`StartError`], whose text names the setting and says what to do.
    pub async fn start(settings: &Settings, lifecycle: Lifecycle) -> Result<Self, StartError> {
        Self::start_with(settings, lifecycle, Vec::new()).await
    }

    /// As [`Self::start`], and gives what is new in the inboxes to `sinks`.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with(
        settings: &Settings,
        lifecycle: Lifecycle,
        sinks: Vec<Arc<dyn Sink>>,
    ) -> Result<Self, StartError> {
        let metrics = Metrics::install()?;
        metric::describe();
        let address = settings.admin_listen;
        let listen = |error| StartError::Listen { address, error };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let admin_address = listener.local_addr().map_err(listen)?;

        let Connected { bus, store } =
            connect(&settings.cluster, settings.node.clone(), settings.offline_grace).await?;
        let blobs = open_blobs(settings.bucket.as_ref(), store.blobs()).await?;

        let stop = lifecycle.soft_stop();
        let health = Health::new();
        let away = Arc::new(Away::new(store.clone(), bus.clone(), sinks));
        let pipeline =
            Pipeline::new(bus.clone(), bus.clone(), store.clone(), settings.pipeline.clone());
        let pipeline = Arc::new(pipeline.heeding(away.clone()));
        let until = stop.clone();
        lifecycle.spawn_essential("announcer", async move { away.run(until).await });
        let (storing, until) = (pipeline.clone(), stop.clone());
        lifecycle.spawn_essential("pipeline", async move { storing.run(until).await });
        lifecycle
            .spawn_essential("reaper", Reaper::new(bus.clone(), store.clone()).run(stop.clone()));
        lifecycle
            .spawn_essential("search indexer", SearchIndexer::new(store.clone()).run(stop.clone()));
        let remover = Remover::new(
            bus.clone(),
            bus.clone(),
            store.clone(),
            blobs.clone(),
            settings.remover.clone(),
        );
        lifecycle.spawn_essential("remover", remover.run(stop.clone()));
        lifecycle
            .spawn_essential("collector", Collector::new(store.clone(), blobs).run(stop.clone()));
        lifecycle.spawn_essential(
            "readiness",
            readiness::watch(bus, store.clone(), pipeline, health.clone(), stop.clone()),
        );
        lifecycle.spawn(metrics.clone().upkeep(stop.clone()));

        // While batches are being finished, operators can still ask.
        let admin = CancellationToken::new();
        let serving = admin::serve(listener, admin::routes(&health, metrics), admin.clone());
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the listener for operators failed");
            }
        });
        tracing::info!(admin = %admin_address, node = %settings.node, "listening");
        Ok(Self {
            lifecycle,
            grace: settings.shutdown_grace,
            admin_address,
            health,
            store,
            _admin: admin.drop_guard(),
        })
    }

    /// Where `/healthz`, `/readyz` and `/metrics` answer.
    #[must_use]
    pub const fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Whether it does its work.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// Works until a signal or the soft stop, finishes the batches in hand, and tells how it ended.
    pub async fn run(self, signals: Signals) -> Ended {
        let ended = self.lifecycle.run(signals, self.grace).await;
        self.store.close().await;
        ended
    }

    /// Stops softly, as [`Worker::run`] does after a signal.
    pub async fn stop(self) -> Ended {
        let ended = self.lifecycle.stop(self.grace).await;
        self.store.close().await;
        ended
    }
}

/// The store, for commands that need nothing else.
///
/// # Errors
/// [`StartError::Cluster`].
pub async fn open_store(settings: &Settings) -> Result<Arc<dyn Store>, StartError> {
    Ok(Arc::new(connect_mongodb(&settings.cluster).await?))
}

/// The write-ahead log, for commands that only look at it.
///
/// # Errors
/// [`StartError::Cluster`].
pub async fn open_wal(settings: &Settings) -> Result<Arc<dyn Wal>, StartError> {
    Ok(Arc::new(connect_redis(&settings.cluster, settings.node.clone()).await?))
}
