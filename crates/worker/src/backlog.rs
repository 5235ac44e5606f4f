//! Publishes how full the write-ahead log is.

use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::Wal;
use hubbub_bus::wal::WalDepth;
use metrics::gauge;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::metric::Metric;

/// How often the log's depth is read.
const INTERVAL: Duration = Duration::from_secs(5);

/// Keeps the gauges of the log's depth, age and dead letters up to date, until `stop`. For a
/// process that does not read the depth for another reason.
pub async fn watch(wal: Arc<dyn Wal>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        match wal.depth().await {
            Ok(depths) => publish(&depths),
            Err(error) => tracing::warn!(%error, "the write-ahead log's depth could not be read"),
        }
    }
}

/// Sets the gauges.
pub fn publish(depths: &[WalDepth]) {
    for depth in depths {
        let partition = depth.partition.to_string();
        let age = depth.oldest.unwrap_or_default().as_secs_f64();
        gauge!(Metric::WalEntries.name(), "partition" => partition.clone())
            .set(depth.entries as f64);
        gauge!(Metric::WalOldestSeconds.name(), "partition" => partition.clone()).set(age);
        gauge!(Metric::DeadLetters.name(), "partition" => partition).set(depth.dead as f64);
    }
}
