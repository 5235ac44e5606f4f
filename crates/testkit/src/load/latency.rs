//! How long a message takes from a client on one gateway to the clients on another, and to its ack.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use hubbub_protocol::{ClientFrame, Draft, MessageId, RoomId};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};

use super::cluster::{AT_ONCE, Cluster};
use super::percentile::Samples;
use super::socket::{Socket, is_message};
use super::{Failure, text};

/// Length of a message's text, in bytes.
const TEXT: usize = 256;
/// What comes before the text in a frame.
const TEXT_FIELD: &[u8] = b"\"text\":\"";
/// How long is waited for what is under way when the last message was sent.
const LAST: Duration = Duration::from_secs(5);
/// Sent before the clock counts, so that nothing is measured that happens only once.
const WARM_UP: Duration = Duration::from_secs(2);

/// How many rooms, how fast, how long.
#[derive(Debug, Clone, Copy, Args)]
pub struct LatencyOptions {
    /// Rooms, each with one sender on the first gateway.
    #[arg(long, default_value_t = 200)]
    pub rooms: usize,
    /// Listeners of each room, on the second gateway.
    #[arg(long, default_value_t = 4)]
    pub listeners: usize,
    /// Messages a second over all rooms.
    #[arg(long, default_value_t = 1_000)]
    pub rate: u32,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 15)]
    pub seconds: u32,
}

/// What was measured, by all clients.
#[derive(Debug, Default)]
struct Measured {
    sent: u64,
    refused: u64,
    delivered: Samples,
    acked: Samples,
}

/// What every client needs.
struct Run {
    /// Times in messages are microseconds since then.
    zero: Instant,
    /// What is sent from here on counts.
    counted: Instant,
    end: Instant,
    each: Duration,
    measured: Mutex<Measured>,
}

impl Run {
    fn with(&self, note: impl FnOnce(&mut Measured)) {
        note(&mut self.measured.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Sends at an even pace whatever comes back, from one gateway to the other.
///
/// # Errors
/// When the cluster fails or closes a connection.
pub async fn run(cluster: &Cluster, options: LatencyOptions) -> Result<Value, Failure> {
    let LatencyOptions { rooms: count, listeners, rate, seconds } = options;
    let &[from, to, ..] = cluster.gateways.as_slice() else {
        return Err("two gateways are needed".into());
    };
    let size = listeners + 1;
    let accounts = cluster.accounts(count * size).await?;
    let rooms = cluster.rooms(&accounts, size).await?;
    let clients = rooms.iter().zip(accounts.chunks(size)).flat_map(|(room, members)| {
        members.iter().enumerate().map(move |(n, member)| async move {
            let (gateway, sends_to) = if n == 0 { (from, Some(*room)) } else { (to, None) };
            let socket = Socket::open(gateway.address, &member.token).await?;
            Ok::<_, Failure>((socket, sends_to))
        })
    });
    let sockets: Vec<_> = stream::iter(clients).buffered(AT_ONCE).try_collect().await?;

    let zero = Instant::now();
    let counted = zero + WARM_UP;
    let run = Arc::new(Run {
        zero,
        counted,
        end: counted + Duration::from_secs(seconds.into()),
        each: Duration::from_secs(1) * u32::try_from(count)? / rate,
        measured: Mutex::default(),
    });
    let mut clients = JoinSet::new();
    for (n, (socket, sends_to)) in (0_u32..).zip(sockets) {
        let run = Arc::clone(&run);
        match sends_to {
            Some(room) => {
                // Evenly spread over the interval.
                let start = zero + run.each * n / u32::try_from(count * size)?;
                clients.spawn(async move { send(&run, socket, room, start).await });
            }
            None => {
                clients.spawn(async move { listen(&run, socket).await });
            }
        }
    }
    let (cpu_from, cpu_to) = (from.process.cpu()?, to.process.cpu()?);
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    let (cpu_from, cpu_to) = (from.process.cpu()? - cpu_from, to.process.cpu()? - cpu_to);
    let messages = f64::from(rate * seconds) * (1.0 + WARM_UP.as_secs_f64() / f64::from(seconds));
    let measured =
        std::mem::take(&mut *run.measured.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(json!({
        "scenario": "latency",
        "rooms": count,
        "listeners": listeners,
        "messages_per_second": rate,
        "sent": measured.sent,
        "refused": measured.refused,
        "delivery": measured.delivered.summary(),
        "ack": measured.acked.summary(),
        "sending_gateway_cpu_us_per_message": (cpu_from.as_secs_f64() * 1e6 / messages).round(),
        "receiving_gateway_cpu_us_per_message": (cpu_to.as_secs_f64() * 1e6 / messages).round(),
    }))
}

async fn listen(run: &Run, mut socket: Socket) -> Result<(), Failure> {
    let end = (run.end + LAST).into();
    while let Ok(read) = tokio::time::timeout_at(
        end,
        socket.read(|frame| {
            let Some(sent_at) = sent_at(frame).map(|us| run.zero + Duration::from_micros(us))
            else {
                return;
            };
            if sent_at >= run.counted {
                run.with(|measured| measured.delivered.add(sent_at.elapsed()));
            }
        }),
    )
    .await
    {
        read?;
    }
    Ok(())
}

/// When a message was sent, as its text says.
fn sent_at(frame: &[u8]) -> Option<u64> {
    let at = is_message(frame)
        .then(|| frame.windows(TEXT_FIELD.len()).position(|part| part == TEXT_FIELD))??;
    let digits = frame[at + TEXT_FIELD.len()..].split(|byte| !byte.is_ascii_digit()).next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Answer {
    Ack {
        id: MessageId,
    },
    Error {
        id: Option<MessageId>,
    },
    #[serde(other)]
    Other,
}

async fn send(run: &Run, mut socket: Socket, room: RoomId, start: Instant) -> Result<(), Failure> {
    let padding = text(TEXT);
    let mut waiting: HashMap<MessageId, Instant> = HashMap::new();
    let mut ticks = interval_at(start.into(), run.each);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let end = (run.end + LAST).into();
    loop {
        let sending = Instant::now() < run.end;
        if !sending && waiting.is_empty() {
            return Ok(());
        }
        tokio::select! {
            _ = ticks.tick(), if sending => {
                let (id, now) = (MessageId::new(), Instant::now());
                let mut text = format!("{} ", (now - run.zero).as_micros());
                text.push_str(&padding[text.len()..]);
                let frame = ClientFrame::Send { id, room, body: Draft::text(text) };
                socket.send(&frame.encode()).await?;
                if now >= run.counted {
                    waiting.insert(id, now);
                    run.with(|measured| measured.sent += 1);
                }
            }
            read = socket.read(|frame| {
                if is_message(frame) {
                    return;
                }
                match serde_json::from_slice(frame) {
                    Ok(Answer::Ack { id }) => {
                        if let Some(sent_at) = waiting.remove(&id) {
                            run.with(|measured| measured.acked.add(sent_at.elapsed()));
                        }
                    }
                    Ok(Answer::Error { id: Some(id) }) if waiting.remove(&id).is_some() => {
                        run.with(|measured| measured.refused += 1);
                    }
                    _ => {}
                }
            }) => read?,
            () = tokio::time::sleep_until(end) => {
                return Err(format!("{} messages were not acked", waiting.len()).into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_when_it_was_sent() {
        let frame = br#"{"type":"message","seq":1,"body":{"text":"1234 hubbub"}}"#;
        assert_eq!(sent_at(frame), Some(1234));
        assert_eq!(sent_at(br#"{"type":"ack","id":"x"}"#), None);
    }
}
