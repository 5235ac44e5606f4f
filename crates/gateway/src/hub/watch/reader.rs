//! Looks at watched people, and tells those who watch them.
//!
//! One task for the whole node: so a later look is never shown before an earlier one, and however
//! many connections ask at once, each person is looked at once for all of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use hubbub_protocol::UserId;
use hubbub_protocol::http::UserStatus;
use hubbub_protocol::server::PresenceState;
use hubbub_store::UserRecord;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::{REQUESTS_MAX, Request, unknown};
use crate::hub::Hub;
use crate::hub::connection::Connection;
use crate::hub::outbound::PresenceRow;
use crate::metric::Metric;
use crate::presence;
use crate::refused::Refused;

/// How often changes are looked at and told, at the most.
const FOLLOW_UP: Duration = Duration::from_secs(1);
/// How long requests are gathered before they are answered together.
const GATHER: Duration = Duration::from_millis(5);
/// People in one question to the bus and the store.
const LOOK_MAX: usize = 1_000;
/// Connections whose blocks are asked for at the same time.
const PARALLEL: usize = 16;

pub(crate) async fn run(hub: Arc<Hub>, mut requests: mpsc::Receiver<Request>) {
    let mut ticks = interval(FOLLOW_UP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asked = Vec::new();
    loop {
        tokio::select! {
            received = requests.recv_many(&mut asked, REQUESTS_MAX) => {
                if received == 0 {
                    return;
                }
                sleep(GATHER).await;
                while asked.len() < REQUESTS_MAX
                    && let Ok(request) = requests.try_recv()
                {
                    asked.push(request);
                }
                answer(&hub, std::mem::take(&mut asked)).await;
            }
            _ = ticks.tick() => {
                hide_blockers(&hub).await;
                follow_up(&hub).await;
            }
        }
    }
}

/// Watching comes before looking, at blocks as well as at presence: what changes in between is seen
/// or hinted at. If something can't be looked at, those who asked watch nobody and are told so.
async fn answer(hub: &Hub, requests: Vec<Request>) {
    for request in &requests {
        hub.set_watched(&request.connection, &request.users);
    }
    let refused = look_for(hub, &requests).await.err();
    for Request { connection, users, answered } in requests {
        let outcome = refused.map_or(Ok(()), Err);
        if outcome.is_ok() {
            let rows = hub.watch.seen_by(&connection, &users);
            tell([(connection, rows)]);
        } else {
            hub.unwatch(&connection);
        }
        // Whoever asked may be gone.
        let _ = answered.send(outcome);
    }
}

/// Looks at all that requests want to see and nobody here has looked at yet.
async fn look_for(hub: &Hub, requests: &[Request]) -> Result<(), Refused> {
    for requests in requests.chunks(PARALLEL) {
        let blockers =
            requests.iter().map(|r| hub.store.blockers_among(r.connection.user, &r.users));
        for (request, blockers) in requests.iter().zip(try_join_all(blockers).await?) {
            hub.stop_watching(&request.connection, &blockers);
        }
    }
    let wanted = requests.iter().flat_map(|request| request.users.iter().copied());
    let stale = hub.watch.take_stale(wanted);
    let rows = look(hub, &stale).await.inspect_err(|_| hub.watch.doubt_again(&stale))?;
    // Those who asked are told all, and not twice.
    let asking: HashSet<_> = requests.iter().map(|request| request.connection.id).collect();
    let mut news = hub.watch.show(rows);
    news.retain(|(watcher, _)| !asking.contains(&watcher.id));
    tell(news);
    Ok(())
}

/// Takes people off those whom somebody watches they have blocked, where that may have gone unheard.
async fn hide_blockers(hub: &Hub) {
    let doubted = hub.watch.take_blocks_doubted();
    for (part, pairs) in doubted.chunks(LOOK_MAX).enumerate() {
        match hub.store.blocks_among(pairs).await {
            Ok(blocks) => {
                for (user, viewer) in blocks {
                    hub.hide_from(viewer, user);
                }
            }
            Err(error) => {
                let left = &doubted[part * LOOK_MAX..];
                tracing::warn!(pairs = left.len(), %error, "can't look for blocks yet");
                hub.watch.doubt_blocks_again(left);
                return;
            }
        }
    }
}

/// Tells of those about whom hints came.
async fn follow_up(hub: &Hub) {
    let doubted = hub.watch.take_doubted();
    match look(hub, &doubted).await {
        Ok(rows) => tell(hub.watch.show(rows)),
        Err(refused) => {
            tracing::warn!(people = doubted.len(), code = %refused.code, "can't look at presence yet");
            hub.watch.doubt_again(&doubted);
        }
    }
}

fn tell(news: impl IntoIterator<Item = (Arc<Connection>, Vec<PresenceRow>)>) {
    for (connection, rows) in news {
        metrics::counter!(Metric::PresenceRows.name()).increment(rows.len() as u64);
        connection.outbound.presence(rows);
    }
}

/// What people are doing now.
async fn look(hub: &Hub, users: &[UserId]) -> Result<Vec<PresenceRow>, Refused> {
    let mut rows = Vec::with_capacity(users.len());
    metrics::counter!(Metric::PresenceLooks.name()).increment(users.len() as u64);
    for users in users.chunks(LOOK_MAX) {
        let presence = async { Ok::<_, Refused>(hub.bus.presence(users).await?) };
        let records = async { Ok::<_, Refused>(hub.store.users(users).await?) };
        let (presence, records) = tokio::try_join!(presence, records)?;
        let mut records: HashMap<_, _> =
            records.into_iter().map(|record| (record.id, record)).collect();
        for (user, presence) in users.iter().zip(presence) {
            let record = records.remove(user).filter(UserRecord::is_active);
            rows.push(record.map_or_else(|| unknown(*user), |r| row(r, presence.status())));
        }
    }
    Ok(rows)
}

fn row(record: UserRecord, status: UserStatus) -> PresenceRow {
    let (status, last_seen) = presence::shown(&record, status);
    let UserRecord { id: user, status_text, .. } = record;
    PresenceRow::new(&PresenceState {
        user,
        status,
        status_text: Some(status_text).filter(|text| !text.is_empty()),
        last_seen,
    })
}
