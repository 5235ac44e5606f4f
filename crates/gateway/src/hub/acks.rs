//! Sends that wait to be stored (P1).
//!
//! The worker's notice answers nearly all of them. A notice can be lost (it is published once, to
//! the node that committed), so what waits longer than a second is looked up in the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use hubbub_bus::StoredNotice;
use hubbub_protocol::server::ErrorFrame;
use hubbub_protocol::{ErrorCode, MessageId, Position, RoomId, ServerFrame, Timestamp};

use super::Hub;
use super::connection::Connection;
use crate::metric::{HOT, Metric};

/// How often waiting sends are looked at.
const SWEEP: Duration = Duration::from_millis(250);
/// How long to wait for a notice before the first look-up.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest pause between look-ups of one send.
const PATIENCE_MAX: Duration = Duration::from_secs(30);
/// Sends looked up at once.
const LOOKUP_BATCH: usize = 500;

type Key = (RoomId, MessageId);

/// Every send of this node whose ack is due.
#[derive(Debug, Default)]
pub struct PendingAcks {
    waiting: Mutex<HashMap<Key, Vec<Waiter>>>,
}

#[derive(Debug)]
struct Waiter {
    connection: Weak<Connection>,
    since: Instant,
    due: Instant,
    patience: Duration,
}

impl PendingAcks {
    fn waiting(&self) -> MutexGuard<'_, HashMap<Key, Vec<Waiter>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection waits for an event to be stored. Before the commit, since the notice may be
    /// faster than the commit's own answer. Bounded by what a connection may have in flight. False
    /// if the connection waits for this event already.
    #[must_use]
    pub fn expect(&self, connection: &Arc<Connection>, room: RoomId, id: MessageId) -> bool {
        let mut waiting = self.waiting();
        let waiters = waiting.entry((room, id)).or_default();
        waiters.retain(|w| w.connection.strong_count() > 0);
        let new = waiters.iter().all(|w| w.connection.as_ptr() != Arc::as_ptr(connection));
        if new {
            let since = Instant::now();
            waiters.push(Waiter {
                connection: Arc::downgrade(connection),
                since,
                due: since + PATIENCE,
                patience: PATIENCE,
            });
        }
        new
    }

    /// A connection no longer waits: its send was answered in another way. Its send counts no more,
    /// unless a notice was faster and has answered it as well. Whether the connection still waited:
    /// if not, it has its ack.
    #[must_use]
    pub fn forget(&self, connection: &Arc<Connection>, room: RoomId, id: MessageId) -> bool {
        let mut waiting = self.waiting();
        let Some(waiters) = waiting.get_mut(&(room, id)) else { return false };
        let before = waiters.len();
        waiters.retain(|w| w.connection.as_ptr() != Arc::as_ptr(connection));
        let waited = waiters.len() < before;
        if waiters.is_empty() {
            waiting.remove(&(room, id));
        }
        if waited {
            connection.end_send();
        }
        waited
    }

    /// An event is stored: everybody who waits for it is told.
    pub fn stored(&self, notice: &StoredNotice) {
        let Some(waiters) = self.waiting().remove(&(notice.room, notice.id)) else { return };
        for waiter in &waiters {
            let Some(connection) = waiter.connection.upgrade() else { continue };
            HOT.ack.record(waiter.since.elapsed());
            connection.end_send();
            connection.tell(&ack(notice.room, notice.id, notice.position, notice.at));
        }
    }

    /// A room is no more: what is waited for in it is never stored.
    pub(super) fn room_gone(&self, room: RoomId) {
        let mut gone = Vec::new();
        self.waiting().retain(|(of, id), waiters| {
            if *of == room {
                gone.push((*id, std::mem::take(waiters)));
            }
            *of != room
        });
        for (id, waiters) in gone {
            let mut error = ErrorFrame::new(ErrorCode::RoomNotFound);
            error.id = Some(id.to_string());
            error.room = Some(room);
            for connection in waiters.iter().filter_map(|w| w.connection.upgrade()) {
                connection.end_send();
                connection.tell(&ServerFrame::Error(error.clone()));
            }
        }
    }

    /// Whether something is waited for in a room.
    pub(super) fn waits_for(&self, room: RoomId) -> bool {
        self.waiting().keys().any(|(of, _)| *of == room)
    }

    /// How many events are waited for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting().len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those whose look-up is due; the next one comes later, and later each time.
    fn due(&self) -> Vec<Key> {
        let now = Instant::now();
        let mut due = Vec::new();
        self.waiting().retain(|key, waiters| {
            waiters.retain(|w| w.connection.strong_count() > 0);
            for waiter in waiters.iter_mut().filter(|w| w.due <= now) {
                waiter.patience = (waiter.patience * 2).min(PATIENCE_MAX);
                waiter.due = now + waiter.patience;
                if due.last() != Some(key) {
                    due.push(*key);
                }
            }
            !waiters.is_empty()
        });
        due
    }
}

/// The frame that tells a sender its message is stored.
#[must_use]
pub fn ack(room: RoomId, id: MessageId, position: Position, at: Timestamp) -> ServerFrame {
    ServerFrame::Ack { id, room, epoch: position.epoch, seq: position.seq, at }
}

impl Hub {
    /// Looks events up in the store, and tells those who wait for the ones that are there.
    pub async fn look_up_acks(&self, keys: &[Key]) {
        match self.store.places(keys).await {
            Ok(places) => {
                for ((room, id), place) in keys.iter().zip(places) {
                    if let Some(place) = place {
                        let notice = StoredNotice {
                            room: *room,
                            id: *id,
                            position: place.position,
                            at: place.at,
                        };
                        self.acks.stored(&notice);
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, waiting = keys.len(), "can't look up events that wait to be stored");
            }
        }
    }
}

/// Looks up what waits too long.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut interval = tokio::time::interval(SWEEP);
    loop {
        interval.tick().await;
        metrics::gauge!(Metric::AcksPending.name()).set(hub.acks.len() as f64);
        for keys in hub.acks.due().chunks(LOOKUP_BATCH) {
            hub.look_up_acks(keys).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use hubbub_protocol::{SessionId, UserId};

    use super::*;

    fn sender() -> Arc<Connection> {
        let (user, session) = (UserId::new(), SessionId::new());
        Arc::new(Connection::new(user, session, true, Timestamp::now(), 1024))
    }

    fn notice(room: RoomId, id: MessageId) -> StoredNotice {
        StoredNotice { room, id, position: Position::default(), at: Timestamp::now() }
    }

    #[test]
    fn a_send_that_is_answered_twice_counts_once() {
        let (acks, sender, room) = (PendingAcks::default(), sender(), RoomId::new());
        let (first, second) = (MessageId::new(), MessageId::new());
        assert!(sender.begin_send(2) && acks.expect(&sender, room, first));
        assert!(sender.begin_send(2) && acks.expect(&sender, room, second));
        acks.stored(&notice(room, first));
        assert!(!acks.forget(&sender, room, first), "it has its ack");
        assert!(sender.begin_send(2), "one was answered");
        assert!(!sender.begin_send(2), "the other waits");
    }

    #[test]
    fn a_retry_that_is_answered_frees_the_place_of_the_first_try() {
        let (acks, sender, room) = (PendingAcks::default(), sender(), RoomId::new());
        let id = MessageId::new();
        assert!(sender.begin_send(1) && acks.expect(&sender, room, id));
        assert!(!acks.expect(&sender, room, id), "it waits already");
        assert!(acks.forget(&sender, room, id));
        assert!(acks.is_empty() && sender.begin_send(1));
    }
}
