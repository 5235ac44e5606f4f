//! One wheel for every connection's timers: heartbeats, silence, and tokens that run out.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hubbub_protocol::server::Head;
use hubbub_protocol::{CloseCode, ServerFrame, Timestamp};
use tokio::time::{MissedTickBehavior, interval};

use super::Hub;
use super::connection::Connection;
use super::frame::WireFrame;
use crate::metric::Metric;

/// How long a tick is.
const TICK: Duration = Duration::from_secs(1);
/// What a client has to bring a new token after the old one ran out, for clocks and slow links.
const TOKEN_GRACE: Duration = Duration::from_secs(5);

/// Turns the wheel: each connection has its turn once per `period`, spread over it by its id.
pub async fn run(hub: Arc<Hub>, period: Duration) {
    let period = u32::try_from(period.as_secs()).unwrap_or(u32::MAX).max(1);
    let ping = WireFrame::ping();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = hub.tick.fetch_add(1, Ordering::Relaxed) + 1;
        hub.sweep_rooms();
        hub.sweep_watched();
        metrics::gauge!(Metric::Watched.name()).set(hub.watched_count() as f64);
        let connections = hub.connections();
        metrics::gauge!(Metric::Connections.name()).set(connections.len() as f64);
        metrics::gauge!(Metric::Rooms.name()).set(hub.room_count() as f64);
        metrics::gauge!(Metric::Users.name()).set(hub.user_count() as f64);
        let queued = connections.iter().map(|connection| connection.outbound.queued_bytes());
        let (all, most) = queued.fold((0, 0), |(all, most), held| (all + held, most.max(held)));
        metrics::gauge!(Metric::QueueBytes.name()).set(all as f64);
        metrics::gauge!(Metric::QueueBytesMax.name()).set(most as f64);
        let late =
            Timestamp::from_millis(Timestamp::now().millis() - TOKEN_GRACE.as_millis() as i64);
        for connection in connections {
            if connection.token_expires_at() < late {
                connection.close(CloseCode::TokenExpired);
            }
            // The random half of a version 7 id.
            let turn = connection.id.as_uuid().as_u64_pair().1 % u64::from(period);
            if turn != u64::from(now % period) {
                continue;
            }
            if now.saturating_sub(connection.last_heard()) > 2 * period + 5 {
                connection.close(CloseCode::HeartbeatTimeout);
                continue;
            }
            if !connection.is_greeted() {
                continue;
            }
            connection.tell(&heads(&connection, now.saturating_sub(period + 1)));
            connection.outbound.control(ping.clone());
        }
    }
}

/// Where the rooms that moved since a tick stand.
fn heads(connection: &Connection, since: u32) -> ServerFrame {
    let rooms = connection
        .rooms()
        .values()
        .filter(|(room, _)| room.moved_since(since))
        .filter_map(|(room, _)| {
            room.head().map(|head| Head { room: room.id, epoch: head.epoch, seq: head.seq })
        })
        .collect();
    ServerFrame::Heads { rooms }
}
