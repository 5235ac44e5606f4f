//! Whether this worker does its work, and why not.

use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::Wal;
use hubbub_runtime::Health;
use hubbub_store::Store;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::backlog;
use crate::pipeline::Pipeline;

/// How often the parts are looked at.
const INTERVAL: Duration = Duration::from_secs(2);
/// A look that takes longer than this is itself a reason not to be ready.
const MAX_AGE: Duration = Duration::from_secs(15);

/// Reports on Redis, MongoDB and the pipeline, until `stop`.
pub async fn watch(
    wal: Arc<dyn Wal>,
    store: Arc<dyn Store>,
    pipeline: Arc<Pipeline>,
    health: Health,
    stop: CancellationToken,
) {
    let redis = health.expiring_check("redis", MAX_AGE);
    let mongodb = health.expiring_check("mongodb", MAX_AGE);
    let storing = health.expiring_check("pipeline", MAX_AGE);
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        // The depth asks every partition, so it finds each server of a Redis Cluster.
        let (depth, pong) = tokio::join!(wal.depth(), store.ping());
        if let Ok(depths) = &depth {
            backlog::publish(depths);
        }
        redis.report(depth.err().map(|error| error.to_string()));
        mongodb.report(pong.err().map(|error| error.to_string()));
        storing.report(pipeline.health().err());
    }
}
