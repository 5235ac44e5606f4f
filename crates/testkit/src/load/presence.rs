//! What it costs when a whole room comes back at once, everybody with a screenful of others in view.
//!
//! Announcements are counted by hearing every member's presence channel, and rows by the clients
//! that get them. Both must grow with the rows that are watched, not with members squared.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use hubbub_bus::presence::CHANGED;
use hubbub_bus::{Control, Fanout, Presence, Receiver, StoredNotice};
use hubbub_protocol::{ClientFrame, Position, RoomId, UserId};
use serde_json::{Value, json};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use tokio_util::bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::cluster::{AT_ONCE, Account, Cluster, Gateway};
use super::socket::Socket;
use super::{Failure, number};

/// After so long without a row, everybody has been told.
const QUIET: Duration = Duration::from_secs(3);
/// How long each member may take to be told, or to be gone, besides [`PATIENCE`].
const PATIENCE_EACH: Duration = Duration::from_millis(30);
/// How long the first of them may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(100);

/// How large the room is.
#[derive(Debug, Clone, Copy, Args)]
pub struct PresenceOptions {
    /// Members of the room, each with a connection.
    #[arg(long, default_value_t = 10_000)]
    pub members: usize,
    /// Members that each of them watches.
    #[arg(long, default_value_t = 30)]
    pub watched: usize,
}

/// What was told so far.
#[derive(Debug, Default)]
struct Told {
    announcements: AtomicU64,
    frames: AtomicU64,
    rows: AtomicU64,
    subscribed: AtomicU64,
}

impl Told {
    fn so_far(&self) -> [u64; 3] {
        [&self.announcements, &self.frames, &self.rows].map(|count| count.load(Ordering::Relaxed))
    }
}

/// Counts announcements as a node that watches everybody would hear them.
impl Receiver for Told {
    fn event(&self, _: RoomId, _: Position, _: Bytes) {}
    fn reset(&self, _: RoomId, _: Position) {}
    fn volatile(&self, _: RoomId, key: &str, _: Bytes) {
        if key == CHANGED {
            self.announcements.fetch_add(1, Ordering::Relaxed);
        }
    }
    fn for_users(&self, _: &[UserId], _: &str, _: Bytes) {}
    fn control(&self, _: Control) {}
    fn stored(&self, _: Vec<StoredNotice>) {}
    fn subscribed(&self, rooms: &[RoomId]) {
        self.subscribed.fetch_add(rooms.len() as u64, Ordering::Relaxed);
    }
    fn gap(&self, _: &[RoomId]) {}
    fn control_gap(&self) {}
}

/// Lets everybody come, come back within the grace, and come back after it.
///
/// # Errors
/// When the cluster fails, or presence does not come to rest.
pub async fn run(cluster: &Cluster, options: PresenceOptions) -> Result<Value, Failure> {
    let PresenceOptions { members, watched } = options;
    let accounts = cluster.accounts(members).await?;
    cluster.rooms(&accounts, members).await?;
    let told = Arc::new(Told::default());
    let stop = CancellationToken::new();
    cluster.bus.listen(Arc::clone(&told) as _, stop.clone());
    let channels: Vec<_> = accounts.iter().map(|a| RoomId::presence_of(a.user)).collect();
    cluster.bus.subscribe(&channels);
    until(patience(members), "the presence channels", async || {
        Ok(told.subscribed.load(Ordering::Relaxed) >= members as u64)
    })
    .await?;

    let room = Crowd { cluster, accounts: &accounts, watched, told: &told };
    let (sockets, first) = room.comes().await?;
    drop(sockets);
    let (sockets, within) = room.comes().await?;
    drop(sockets);
    room.is_gone().await?;
    let (sockets, after) = room.comes().await?;
    drop(sockets);
    stop.cancel();
    Ok(json!({
        "scenario": "presence",
        "members": members,
        "watched_by_each": watched,
        "watched_rows": members * watched,
        "first_arrival": first,
        "return_within_grace": within,
        "return_after_grace": after,
    }))
}

/// Connections that end when they are dropped.
struct Sockets(Vec<AbortHandle>);

impl Drop for Sockets {
    fn drop(&mut self) {
        for socket in &self.0 {
            socket.abort();
        }
    }
}

struct Crowd<'a> {
    cluster: &'a Cluster,
    accounts: &'a [Account],
    watched: usize,
    told: &'a Arc<Told>,
}

impl Crowd<'_> {
    /// Everybody connects, watches, and is told; returns what that took.
    async fn comes(&self) -> Result<(Sockets, Value), Failure> {
        let before = self.told.so_far();
        let cpu = self.cpu()?;
        let start = Instant::now();
        let gateways = &self.cluster.gateways;
        let sockets = stream::iter(0..self.accounts.len())
            .map(|who| self.one(gateways[who % gateways.len()], who))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let sockets = Sockets(sockets);
        let connected = start.elapsed();
        let settled = self.quiet().await?.duration_since(start);
        let now = self.told.so_far();
        let [announcements, frames, rows] = std::array::from_fn(|at| now[at] - before[at]);
        let cpu = self.cpu()?.saturating_sub(cpu);
        let watched = number((self.accounts.len() * self.watched) as u64);
        let round = |value: f64| (value * 1_000.0).round() / 1_000.0;
        let figures = json!({
            "connected_within_s": round(connected.as_secs_f64()),
            "settled_within_s": round(settled.as_secs_f64()),
            "announcements": announcements,
            "presence_frames": frames,
            "rows": rows,
            "rows_per_watched_row": round(number(rows) / watched),
            "rows_per_pair_of_members": round(number(rows) / number((self.accounts.len() as u64).pow(2))),
            "gateways_cpu_us_per_watched_row": round(cpu.as_secs_f64() * 1e6 / watched),
        });
        Ok((sockets, figures))
    }

    /// One member's device, with the next so many members in view.
    async fn one(&self, gateway: Gateway, who: usize) -> Result<AbortHandle, Failure> {
        let members = self.accounts.len();
        let mut socket = Socket::open(gateway.address, &self.accounts[who].token).await?;
        // A stride without a common factor, so that who is seen by whom is well mixed.
        let user = |n: usize| self.accounts[(who + 1 + n * 7_919) % members].user;
        let users = (0..self.watched).map(user).collect();
        socket.send(&ClientFrame::Watch { users }.encode()).await?;
        let told = Arc::clone(self.told);
        let reading = async move {
            let count = |frame: &[u8]| {
                if frame.starts_with(b"{\"type\":\"presence\"") {
                    let rows = frame.windows(8).filter(|part| part == b"\"user\":\"").count();
                    told.frames.fetch_add(1, Ordering::Relaxed);
                    told.rows.fetch_add(rows as u64, Ordering::Relaxed);
                }
            };
            while socket.read(count).await.is_ok() {}
        };
        Ok(tokio::spawn(reading).abort_handle())
    }

    /// Waits until nothing more is told, and returns when the last word was.
    async fn quiet(&self) -> Result<Instant, Failure> {
        let least = (self.accounts.len() * self.watched) as u64;
        let (mut last, mut since) = (self.told.so_far(), Instant::now());
        until(patience(self.accounts.len()), "presence at rest", async || {
            let now = self.told.so_far();
            if now != last {
                (last, since) = (now, Instant::now());
            }
            Ok(now[2] >= least && since.elapsed() >= QUIET)
        })
        .await?;
        Ok(since)
    }

    /// Waits until the bus has forgotten everybody.
    async fn is_gone(&self) -> Result<(), Failure> {
        let nobody = async || Ok(self.cluster.bus.online(None, 1).await?.is_empty());
        until(patience(self.accounts.len()), "everybody's end", nobody).await
    }

    fn cpu(&self) -> Result<Duration, Failure> {
        self.cluster.gateways.iter().map(|gateway| gateway.process.cpu()).sum()
    }
}

fn patience(members: usize) -> Duration {
    PATIENCE + PATIENCE_EACH * u32::try_from(members).unwrap_or(u32::MAX)
}

async fn until(
    patience: Duration,
    what: &str,
    mut is_so: impl AsyncFnMut() -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let start = Instant::now();
    while !is_so().await? {
        if start.elapsed() > patience {
            return Err(format!("not within {patience:?}: {what}").into());
        }
        sleep(LOOK).await;
    }
    Ok(())
}
