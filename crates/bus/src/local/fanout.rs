//! Fan-out within one process: straight into the dispatch lanes.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hubbub_protocol::{NodeId, RoomId, UserId};
use tokio_util::sync::CancellationToken;

use super::LocalBus;
use crate::dispatch::{Delivery, Dispatcher, Roster};
use crate::{BusError, Control, Fanout, Receiver};

#[derive(Default)]
struct Wanted(RwLock<HashSet<RoomId>>);

impl Roster for Wanted {
    fn confirmed(&self, belongs: &dyn Fn(&RoomId) -> bool) -> Vec<RoomId> {
        let rooms = self.0.read().unwrap_or_else(PoisonError::into_inner);
        rooms.iter().filter(|room| belongs(room)).copied().collect()
    }
}

/// What the node hears, and the way there.
#[derive(Default)]
pub(super) struct Hearing {
    wanted: Arc<Wanted>,
    dispatcher: OnceLock<Dispatcher>,
}

impl Hearing {
    /// Delivers what concerns a room, if the node hears it.
    pub(super) fn publish(&self, room: RoomId, delivery: Delivery) {
        if let Some(dispatcher) = self.dispatcher.get()
            && self.wanted.0.read().unwrap_or_else(PoisonError::into_inner).contains(&room)
        {
            dispatcher.offer(delivery);
        }
    }

    /// Delivers what concerns the node itself.
    pub(super) fn tell(&self, delivery: Delivery) {
        if let Some(dispatcher) = self.dispatcher.get() {
            dispatcher.offer(delivery);
        }
    }
}

#[async_trait]
impl Fanout for LocalBus {
    fn listen(&self, receiver: Arc<dyn Receiver>, stop: CancellationToken) {
        let roster: Arc<dyn Roster> = Arc::clone(&self.hearing.wanted) as Arc<dyn Roster>;
        let dispatcher = Dispatcher::start(&receiver, &roster, &stop);
        if self.hearing.dispatcher.set(dispatcher).is_err() {
            tracing::error!("listen was called twice; the first receiver stays");
            return;
        }
        for room in self.hearing.wanted.confirmed(&|_| true) {
            self.hearing.tell(Delivery::Subscribed { room, again: false });
        }
    }

    fn subscribe(&self, rooms: &[RoomId]) {
        let mut wanted = self.hearing.wanted.0.write().unwrap_or_else(PoisonError::into_inner);
        wanted.extend(rooms);
        for &room in rooms {
            self.hearing.tell(Delivery::Subscribed { room, again: false });
        }
    }

    fn unsubscribe(&self, rooms: &[RoomId]) {
        let mut wanted = self.hearing.wanted.0.write().unwrap_or_else(PoisonError::into_inner);
        for room in rooms {
            wanted.remove(room);
        }
    }

    async fn publish_volatile(&self, room: RoomId, key: &str, frame: &str) -> Result<(), BusError> {
        let frame = Bytes::copy_from_slice(frame.as_bytes());
        self.hearing.publish(room, Delivery::Volatile { room, key: key.into(), frame });
        Ok(())
    }

    async fn tell_users(&self, users: &[UserId], key: &str, frame: &str) -> Result<(), BusError> {
        let (users, key) = (users.to_vec(), key.into());
        let frame = Bytes::copy_from_slice(frame.as_bytes());
        self.hearing.tell(Delivery::ForUsers { users, key, frame });
        Ok(())
    }

    async fn publish_control(&self, control: &Control) -> Result<(), BusError> {
        self.hearing.tell(Delivery::Control(control.clone()));
        Ok(())
    }

    async fn tell_node(&self, node: &NodeId, control: &Control) -> Result<(), BusError> {
        if *node == self.incarnation {
            self.hearing.tell(Delivery::Control(control.clone()));
        }
        Ok(())
    }

    fn probe_age(&self) -> Option<Duration> {
        // There is no wire that could go deaf.
        self.hearing.dispatcher.get().map(|_| Duration::ZERO)
    }
}
