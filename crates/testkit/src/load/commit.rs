//! How many events a second one Redis gives a place to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use hubbub_bus::redis::{RedisBus, RedisOptions};
use hubbub_bus::{CommitRequest, RoomLog};
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{
    Epoch, MessageBody, MessageId, NewEvent, Position, RoomId, Seq, Timestamp, UserId,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::usage::ProcessId;
use super::{Failure, number, text};
use crate::redis::RedisServer;

const ROOMS: usize = 256;
const TEXT: usize = 256;

/// How many callers, how long.
#[derive(Debug, Clone, Copy, Args)]
pub struct CommitOptions {
    /// Commits under way at the same time, over one connection.
    #[arg(long, default_value_t = 256)]
    pub callers: usize,
    /// For how long each, in seconds.
    #[arg(long, default_value_t = 5)]
    pub seconds: u64,
}

/// Commits as fast as possible to a Redis of its own: one that keeps a log of what it did (fsync
/// every second), and one that does not.
///
/// # Errors
/// When Redis fails.
pub async fn run(options: CommitOptions) -> Result<Value, Failure> {
    let logged = measure(&RedisServer::start().await, options).await?;
    let unlogged =
        measure(&RedisServer::start_with(&["--appendonly", "no"]).await, options).await?;
    Ok(json!({
        "scenario": "commit",
        "callers": options.callers,
        "aof_everysec": logged,
        "no_aof": unlogged,
    }))
}

async fn measure(redis: &RedisServer, options: CommitOptions) -> Result<Value, Failure> {
    let server = redis.cli(&["INFO", "server"]).await;
    let process = server.lines().find_map(|line| line.trim().strip_prefix("process_id:"));
    let process = ProcessId(process.ok_or("no process id")?.parse()?);
    let connect = RedisOptions {
        // Nobody stores what is committed here.
        wal_limit: 10_000_000,
        ..RedisOptions::new(vec![redis.url()], "load".parse()?)
    };
    let bus = Arc::new(RedisBus::connect(connect).await?);
    let rooms: Vec<RoomId> = (0..ROOMS).map(|_| RoomId::new()).collect();
    for room in &rooms {
        bus.seed(*room, Position::new(Epoch(1), Seq(0)), false).await?;
    }
    let (cpu, own, start) = (process.cpu()?, ProcessId::own().cpu()?, Instant::now());
    let until = start + Duration::from_secs(options.seconds);
    let mut callers = JoinSet::new();
    for caller in 0..options.callers {
        let (bus, room) = (Arc::clone(&bus), rooms[caller % ROOMS]);
        callers.spawn(async move {
            let (sender, body) = (UserId::new(), MessageBody::text(text(TEXT)));
            let mut committed = 0;
            while Instant::now() < until {
                let event = NewEvent {
                    room,
                    id: MessageId::new(),
                    sender,
                    at: Timestamp::now(),
                    kind: NewEventKind::Message { body: body.clone() },
                };
                bus.commit(CommitRequest { event: &event, checked: false }).await?;
                committed += 1;
            }
            Ok::<u64, Failure>(committed)
        });
    }
    let mut committed = 0;
    while let Some(caller) = callers.join_next().await {
        committed += caller??;
    }
    let wall = start.elapsed();
    let us = |cpu: Duration| {
        (cpu.as_secs_f64() * 1e6 / number(committed.max(1)) * 100.0).round() / 100.0
    };
    let redis = process.cpu()?.saturating_sub(cpu);
    Ok(json!({
        "commits_per_second": (number(committed) / wall.as_secs_f64()).round(),
        "redis_cpu_us_per_commit": us(redis),
        "caller_cpu_us_per_commit": us(ProcessId::own().cpu()?.saturating_sub(own)),
        "redis_cpu_share": (redis.as_secs_f64() / wall.as_secs_f64() * 100.0).round() / 100.0,
    }))
}
