//! How many messages a second one worker stores, each write acknowledged by a majority.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use futures_util::future::try_join_all;
use hubbub_bus::{RoomLog, Wal};
use hubbub_protocol::{RoomId, UserId};
use serde_json::{Value, json};

use super::cluster::{BEGINNING, Cluster};
use super::{Failure, number, text};

const ROOMS: usize = 200;
const PUBLISHERS: usize = 256;
const TEXT: usize = 256;
/// How often the log's depth is asked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The log must get shorter within this time.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many messages, how long.
#[derive(Debug, Clone, Copy, Args)]
pub struct StoredOptions {
    /// Messages that are published while the worker stands still.
    #[arg(long, default_value_t = 100_000)]
    pub messages: u64,
    /// How long messages are published as fast as they are stored, in seconds.
    #[arg(long, default_value_t = 8)]
    pub seconds: u64,
    /// Messages that wait to be stored meanwhile.
    #[arg(long, default_value_t = 4_000)]
    pub window: u64,
}

/// Fills the write-ahead log and measures how it empties; then keeps it at one depth.
///
/// # Errors
/// When the cluster fails.
pub async fn run(cluster: &Cluster, options: StoredOptions) -> Result<Value, Failure> {
    let rooms: Vec<RoomId> = (0..ROOMS).map(|_| RoomId::new()).collect();
    for room in &rooms {
        cluster.bus.seed(*room, BEGINNING, false).await?;
    }
    let (body, sender) = (text(TEXT), UserId::new());
    let published = AtomicU64::new(0);
    let publisher = |most: u64| {
        let (published, rooms, body) = (&published, &rooms, &body);
        async move {
            loop {
                let number = published.fetch_add(1, Ordering::Relaxed);
                if number >= most {
                    return Ok::<_, Failure>(());
                }
                cluster.publish(rooms[number as usize % ROOMS], sender, body).await?;
            }
        }
    };
    let paused = cluster.worker.pause()?;
    try_join_all((0..PUBLISHERS).map(|_| publisher(options.messages))).await?;
    drop(paused);

    let (backlog, start, cpu) = (waiting(cluster).await?, Instant::now(), cluster.worker.cpu()?);
    empty(cluster).await?;
    let drained = number(backlog) / start.elapsed().as_secs_f64();
    let cpu = cluster.worker.cpu()?.saturating_sub(cpu);

    let steady = steady(cluster, options, &rooms, &body, sender).await?;
    Ok(json!({
        "scenario": "stored",
        "backlog": backlog,
        "drained_per_second": drained.round(),
        "worker_cpu_us_per_message":
            (cpu.as_secs_f64() * 1e6 / number(backlog.max(1)) * 10.0).round() / 10.0,
        "steady_per_second": steady.round(),
        "steady_window": options.window,
    }))
}

/// Messages stored a second while as many are published.
async fn steady(
    cluster: &Cluster,
    options: StoredOptions,
    rooms: &[RoomId],
    body: &str,
    sender: UserId,
) -> Result<f64, Failure> {
    let start = Instant::now();
    let until = start + Duration::from_secs(options.seconds);
    let (published, depth) = (AtomicU64::new(0), AtomicU64::new(0));
    // Published since the depth was last asked for: they may all be waiting.
    let since = AtomicU64::new(0);
    let publisher = || async {
        while Instant::now() < until {
            let may_wait = depth.load(Ordering::Relaxed) + since.load(Ordering::Relaxed);
            if may_wait >= options.window {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            since.fetch_add(1, Ordering::Relaxed);
            let number = published.fetch_add(1, Ordering::Relaxed);
            cluster.publish(rooms[number as usize % ROOMS], sender, body).await?;
        }
        Ok::<_, Failure>(())
    };
    let watch = async {
        while Instant::now() < until {
            since.store(0, Ordering::Relaxed);
            depth.store(waiting(cluster).await?, Ordering::Relaxed);
            tokio::time::sleep(LOOK_EVERY / 4).await;
        }
        Ok::<_, Failure>(())
    };
    let (watched, published_all) =
        tokio::join!(watch, try_join_all((0..PUBLISHERS).map(|_| publisher())));
    watched?;
    published_all?;
    let (left, elapsed) = (waiting(cluster).await?, start.elapsed());
    empty(cluster).await?;
    let stored = published.load(Ordering::Relaxed).saturating_sub(left);
    Ok(number(stored) / elapsed.as_secs_f64())
}

/// Messages that wait to be stored.
async fn waiting(cluster: &Cluster) -> Result<u64, Failure> {
    Ok(cluster.bus.depth().await?.iter().map(|depth| depth.entries).sum())
}

async fn empty(cluster: &Cluster) -> Result<(), Failure> {
    let (mut least, mut since) = (u64::MAX, Instant::now());
    loop {
        let now = waiting(cluster).await?;
        if now == 0 {
            return Ok(());
        }
        if now < least {
            (least, since) = (now, Instant::now());
        } else if since.elapsed() > PATIENCE {
            return Err(format!("{now} messages are not stored").into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
