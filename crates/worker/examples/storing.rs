//! How many events a second one worker stores, and how long one event takes to be stored.
//!
//! `cargo run --release -p hubbub-worker --example storing`: against a Redis and a MongoDB (one
//! member, majority writes) that it starts itself, so both share this machine with the worker.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hubbub_bus::redis::{RedisBus, RedisOptions};
use hubbub_bus::{CommitRequest, Control, Fanout, Receiver, RoomLog, StoredNotice};
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{
    Epoch, MessageBody, MessageId, NewEvent, Position, RoomId, Seq, Timestamp, UserId,
};
use hubbub_store::{MongoOptions, MongoStore};
use hubbub_testkit::mongo::MongoSet;
use hubbub_testkit::redis::RedisServer;
use hubbub_worker::{Pipeline, PipelineOptions};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const ROOMS: usize = 200;
const BACKLOG: usize = 50_000;
const WRITERS: usize = 64;
const PACED: usize = 10_000;
const PER_SECOND: u32 = 1_000;
const TEXT_BYTES: usize = 256;

/// Hands on when events were stored.
struct Notices(mpsc::UnboundedSender<(MessageId, Instant)>);

impl Receiver for Notices {
    fn stored(&self, notices: Vec<StoredNotice>) {
        let now = Instant::now();
        for notice in notices {
            // The measurement may be over.
            let _ = self.0.send((notice.id, now));
        }
    }

    fn event(&self, _room: RoomId, _position: Position, _frame: Bytes) {}
    fn reset(&self, _room: RoomId, _position: Position) {}
    fn volatile(&self, _room: RoomId, _key: &str, _frame: Bytes) {}
    fn for_users(&self, _users: &[UserId], _key: &str, _frame: Bytes) {}
    fn control(&self, _control: Control) {}
    fn subscribed(&self, _rooms: &[RoomId]) {}
    fn gap(&self, _rooms: &[RoomId]) {}
    fn control_gap(&self) {}
}

fn message(room: RoomId, sender: UserId) -> NewEvent {
    NewEvent {
        room,
        id: MessageId::new(),
        sender,
        at: Timestamp::now(),
        kind: NewEventKind::Message { body: MessageBody::text("x".repeat(TEXT_BYTES)) },
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (redis, mongo) = tokio::join!(RedisServer::start(), MongoSet::start(1));
    let options = |name: &str| -> Result<RedisOptions, Box<dyn Error>> {
        Ok(RedisOptions::new(vec![redis.url()], name.parse()?))
    };
    let gateway = Arc::new(RedisBus::connect(options("gateway")?).await?);
    let consumer = Arc::new(RedisBus::connect(options("worker")?).await?);
    let store = MongoStore::connect(MongoOptions::new(mongo.uri(), "storing")).await?;
    let stop = CancellationToken::new();
    let (sender, mut stored) = mpsc::unbounded_channel();
    gateway.listen(Arc::new(Notices(sender)), stop.clone());

    let author = UserId::new();
    let rooms: Vec<RoomId> = (0..ROOMS).map(|_| RoomId::new()).collect();
    for room in &rooms {
        gateway.seed(*room, Position::new(Epoch(1), Seq(0)), false).await?;
    }

    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (gateway, rooms) = (gateway.clone(), rooms.clone());
        writers.spawn(async move {
            for number in (writer..BACKLOG).step_by(WRITERS) {
                let event = message(rooms[number % ROOMS], author);
                gateway.commit(CommitRequest { event: &event, checked: true }).await?;
            }
            Ok::<_, hubbub_bus::CommitError>(())
        });
    }
    while let Some(written) = writers.join_next().await {
        written??;
    }

    let pipeline =
        Pipeline::new(consumer.clone(), consumer, Arc::new(store), PipelineOptions::default());
    let start = Instant::now();
    let until = stop.clone();
    let running = tokio::spawn(async move { pipeline.run(until).await });
    for _ in 0..BACKLOG {
        stored.recv().await.ok_or("the bus is gone")?;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "backlog   {BACKLOG} events in {seconds:.2} s: {:.0} a second",
        BACKLOG as f64 / seconds
    );

    let mut sent = std::collections::HashMap::with_capacity(PACED);
    let mut latencies = Vec::with_capacity(PACED);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    while latencies.len() < PACED {
        tokio::select! {
            _ = ticks.tick(), if sent.len() < PACED => {
                let event = message(rooms[sent.len() % ROOMS], author);
                sent.insert(event.id, Instant::now());
                gateway.commit(CommitRequest { event: &event, checked: true }).await?;
            }
            notice = stored.recv() => {
                let (id, at) = notice.ok_or("the bus is gone")?;
                latencies.push(at - sent[&id]);
            }
        }
    }
    latencies.sort_unstable();
    let percentile = |percent: usize| latencies[(PACED - 1) * percent / 100].as_secs_f64() * 1e3;
    println!(
        "{PER_SECOND}/s    commit to notice: p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        percentile(50),
        percentile(99),
        percentile(100)
    );
    stop.cancel();
    running.await?;
    Ok(())
}
