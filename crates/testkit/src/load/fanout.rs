//! What it costs a gateway to hand one message to many members, at a steady rate and when more
//! comes in than it can hand out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use futures_util::future::try_join_all;
use hubbub_protocol::{RoomId, UserId};
use serde_json::{Value, json};

use super::bare::{self, BareOptions};
use super::cluster::{Cluster, Gateway};
use super::socket::Counts;
use super::{Failure, number, text};

/// Length of a message's text, in bytes.
const TEXT: usize = 256;
/// Bytes of the WebSocket header of a frame of this size.
const HEADER: usize = 4;
/// Publishers at saturation.
const PUBLISHERS: usize = 64;

/// How many members, how fast, how long.
#[derive(Debug, Clone, Copy, Args)]
pub struct FanoutOptions {
    /// Members of the room, all connected to the gateway that is measured.
    #[arg(long, default_value_t = 1_000)]
    pub members: usize,
    /// Messages a second at the steady rate.
    #[arg(long, default_value_t = 80)]
    pub rate: u32,
    /// Length of each part, in seconds.
    #[arg(long, default_value_t = 6)]
    pub seconds: u32,
    /// How often steady rate and bare server take turns.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// At saturation, messages that are published before the oldest of them has arrived.
    #[arg(long, default_value_t = 128)]
    pub window: u64,
}

struct Fanout<'a> {
    cluster: &'a Cluster,
    gateway: Gateway,
    room: RoomId,
    sender: UserId,
    members: u64,
    counts: Arc<Counts>,
}

/// CPU time and events of a part.
struct Cost {
    deliveries: u64,
    /// Events that clients got as part of a state sync instead.
    synced: u64,
    cpu: Duration,
    switches: u64,
    wall: Duration,
}

impl Cost {
    fn us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / number(self.deliveries)
    }
}

/// Steady rate and bare server in turns, then saturation.
///
/// # Errors
/// When the cluster fails or closes a connection.
pub async fn run(cluster: &Cluster, options: FanoutOptions) -> Result<Value, Failure> {
    let accounts = cluster.accounts(options.members).await?;
    let room = *cluster.rooms(&accounts, options.members).await?.first().ok_or("no room")?;
    let gateway = cluster.measured()?;
    let counts = Arc::new(Counts::default());
    Cluster::listen(gateway, &accounts, &counts).await?;
    let sender = accounts.first().ok_or("no members")?.user;
    let members = options.members as u64;
    let fanout = Fanout { cluster, gateway, room, sender, members, counts };
    fanout.steady(options.rate, 1).await?;

    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        let steady = fanout.steady(options.rate, options.seconds).await?;
        let bare = bare::measure(BareOptions {
            sockets: options.members,
            bytes: usize::try_from(fanout.counts.frame_bytes())? + HEADER,
            rate: options.rate,
            seconds: options.seconds,
        });
        let bare = bare.await?["cpu_us_per_delivery"].as_f64().ok_or("no figure")?;
        rounds.push((steady.us() / bare, steady, bare));
    }
    let saturated = fanout.saturated(options.window, options.seconds).await?;

    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, steady, bare) = rounds.get(rounds.len() / 2).ok_or("no rounds")?;
    Ok(json!({
        "scenario": "fanout",
        "members": options.members,
        "frame_bytes": fanout.counts.frame_bytes(),
        "messages_per_second": options.rate,
        "gateway_us_per_delivery": rounded(steady.us()),
        "bare_us_per_delivery": rounded(*bare),
        "ratio": rounded(*ratio),
        "ratios": rounds.iter().map(|(ratio, ..)| rounded(*ratio)).collect::<Vec<_>>(),
        "switches_per_message": steady.switches * members / steady.deliveries,
        "saturated_us_per_delivery": rounded(saturated.us()),
        "saturated_synced": saturated.synced,
        "saturated_deliveries_per_second":
            (number(saturated.deliveries) / saturated.wall.as_secs_f64()).round(),
        "saturated_cpu_share": rounded(saturated.cpu.as_secs_f64() / saturated.wall.as_secs_f64()),
    }))
}

impl Fanout<'_> {
    async fn publish(&self, text: &str) -> Result<(), Failure> {
        self.cluster.publish(self.room, self.sender, text).await
    }

    async fn steady(&self, rate: u32, seconds: u32) -> Result<Cost, Failure> {
        let text = text(TEXT);
        let meter = self.start()?;
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
        for _ in 0..rate * seconds {
            ticks.tick().await;
            self.publish(&text).await?;
        }
        self.counts.reach(meter.steps + u64::from(rate * seconds) * self.members).await?;
        self.stop(&meter)
    }

    async fn saturated(&self, window: u64, seconds: u32) -> Result<Cost, Failure> {
        let text = text(TEXT);
        let meter = self.start()?;
        let until = Instant::now() + Duration::from_secs(seconds.into());
        let published = AtomicU64::new(0);
        let publisher = || async {
            while Instant::now() < until {
                let arrived = (self.counts.steps() - meter.steps) / self.members;
                if published.load(Ordering::Relaxed) >= arrived + window {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    continue;
                }
                published.fetch_add(1, Ordering::Relaxed);
                self.publish(&text).await?;
            }
            Ok::<_, Failure>(())
        };
        try_join_all((0..PUBLISHERS).map(|_| publisher())).await?;
        let published = published.load(Ordering::Relaxed);
        self.counts.reach(meter.steps + published * self.members).await?;
        self.stop(&meter)
    }

    fn start(&self) -> Result<Meter, Failure> {
        Ok(Meter {
            messages: self.counts.messages(),
            steps: self.counts.steps(),
            cpu: self.gateway.process.cpu()?,
            switches: self.gateway.process.switches()?,
            since: Instant::now(),
        })
    }

    fn stop(&self, meter: &Meter) -> Result<Cost, Failure> {
        Ok(Cost {
            deliveries: self.counts.messages() - meter.messages,
            synced: self.counts.steps() - meter.steps - (self.counts.messages() - meter.messages),
            cpu: self.gateway.process.cpu()?.saturating_sub(meter.cpu),
            switches: self.gateway.process.switches()?.saturating_sub(meter.switches),
            wall: meter.since.elapsed(),
        })
    }
}

struct Meter {
    messages: u64,
    steps: u64,
    cpu: Duration,
    switches: u64,
    since: Instant,
}

fn rounded(figure: f64) -> f64 {
    (figure * 1e3).round() / 1e3
}
