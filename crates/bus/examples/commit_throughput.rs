//! How many events a second a bus takes, from many callers at once over one connection.
//!
//! `cargo run --release -p hubbub-bus --example commit_throughput -- [URL] [SECONDS] [CALLERS]`
//!
//! Without a URL it is the bus of one process. With one, the Redis there is filled with throw-away
//! data, so use one that may be emptied. A consumer settles what was committed, as a worker would,
//! but stores nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hubbub_bus::local::{LocalBus, LocalOptions};
use hubbub_bus::redis::{RedisBus, RedisOptions};
use hubbub_bus::wal::Settled;
use hubbub_bus::{Bus, Commit, CommitError, CommitRequest, StoredNotice, Wal};
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{
    Epoch, Event, MessageBody, MessageId, NewEvent, NodeId, Position, RoomId, Seq, Timestamp,
    UserId,
};

const ROOMS: usize = 256;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().filter(|url| url != "local");
    let seconds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let callers = arguments.next().map_or(Ok(256), |text| text.parse())?;
    let node: NodeId = "bench".parse()?;
    let duration = Duration::from_secs(seconds);
    match url {
        Some(url) => {
            let bus = RedisBus::connect(RedisOptions::new(vec![url], node)).await?;
            measure(Arc::new(bus), callers, duration).await
        }
        None => measure(Arc::new(LocalBus::new(LocalOptions::new(node))), callers, duration).await,
    }
}

#[derive(Default)]
struct Counts {
    committed: AtomicU64,
    overloaded: AtomicU64,
    settled: AtomicU64,
    over: AtomicBool,
}

async fn measure<B: Bus + Wal>(
    bus: Arc<B>,
    callers: usize,
    duration: Duration,
) -> Result<(), Failure> {
    let mut rooms = Vec::with_capacity(ROOMS);
    for _ in 0..ROOMS {
        let room = RoomId::new();
        bus.seed(room, Position::new(Epoch(1), Seq(0)), false).await?;
        rooms.push(room);
    }
    for settle in [false, true] {
        let counts = Arc::new(Counts::default());
        let mut tasks = Vec::new();
        if settle {
            for partition in 0..bus.partitions() {
                tasks.push(tokio::spawn(consume(Arc::clone(&bus), partition, Arc::clone(&counts))));
            }
        }
        let since = Instant::now();
        for caller in 0..callers {
            let room = rooms[caller % rooms.len()];
            tasks.push(tokio::spawn(commit(Arc::clone(&bus), room, Arc::clone(&counts))));
        }
        tokio::time::sleep(duration).await;
        let elapsed = since.elapsed().as_secs_f64();
        let committed = counts.committed.load(Ordering::Relaxed);
        let settled = counts.settled.load(Ordering::Relaxed);
        counts.over.store(true, Ordering::Relaxed);
        for task in tasks {
            task.await??;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate for a person to read")]
        let (committed, settled) = (committed as f64 / elapsed, settled as f64 / elapsed);
        println!(
            "callers {callers}, consumer {settle}: {committed:.0} commits/s, {settled:.0} \
             settled/s, {} turned away",
            counts.overloaded.load(Ordering::Relaxed)
        );
    }
    Ok(())
}

async fn commit<B: Bus>(bus: Arc<B>, room: RoomId, counts: Arc<Counts>) -> Result<(), Failure> {
    let body = MessageBody::text("m".repeat(100));
    let sender = UserId::new();
    while !counts.over.load(Ordering::Relaxed) {
        let event = NewEvent {
            room,
            id: MessageId::new(),
            sender,
            at: Timestamp::now(),
            kind: NewEventKind::Message { body: body.clone() },
        };
        match bus.commit(CommitRequest { event: &event, checked: false }).await {
            Ok(Commit::New(_) | Commit::Seen { .. }) => {
                counts.committed.fetch_add(1, Ordering::Relaxed);
            }
            Err(CommitError::Overloaded { .. }) => {
                counts.overloaded.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Err(error) => return Err(error.into()),
        }
        // The bus of one process answers without ever waiting.
        tokio::task::consume_budget().await;
    }
    Ok(())
}

async fn consume<B: Wal>(bus: Arc<B>, partition: u16, counts: Arc<Counts>) -> Result<(), Failure> {
    while !counts.over.load(Ordering::Relaxed) {
        let entries = bus.read(partition, 500, Duration::from_millis(100)).await?;
        let mut settled = Vec::with_capacity(entries.len());
        for entry in entries {
            let event = Event::parse(&entry.frame)?;
            let notice = StoredNotice {
                room: event.room(),
                id: event.id(),
                position: event.position(),
                at: event.at(),
            };
            settled.push(Settled { entry, notice, stored: true });
        }
        bus.settle(&settled).await?;
        counts.settled.fetch_add(settled.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}
