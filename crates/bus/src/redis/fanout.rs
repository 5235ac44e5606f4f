//! Publishing through Redis, and hearing from it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hubbub_protocol::RoomId;
use tokio_util::sync::CancellationToken;

use super::subscriber::{self, Hearing};
use super::{RedisBus, keys, payload};
use crate::dispatch::{Dispatcher, Roster};
use crate::{BusError, Control, Fanout, Receiver};

#[async_trait]
impl Fanout for RedisBus {
    fn listen(&self, receiver: Arc<dyn Receiver>, stop: CancellationToken) {
        let roster = Arc::clone(&self.subscriptions) as Arc<dyn Roster>;
        let hearing = Hearing::new(
            self.incarnation.clone(),
            self.partitions,
            Arc::clone(&self.servers),
            Arc::clone(&self.subscriptions),
            Dispatcher::start(&receiver, &roster, &stop),
            Arc::clone(&self.probes),
        );
        tokio::spawn(subscriber::run(Arc::new(hearing), stop));
    }

    fn subscribe(&self, rooms: &[RoomId]) {
        self.subscriptions.add(rooms);
    }

    fn unsubscribe(&self, rooms: &[RoomId]) {
        self.subscriptions.remove(rooms);
    }

    async fn publish_volatile(&self, room: RoomId, key: &str, frame: &str) -> Result<(), BusError> {
        let channel = self.partition(&room).channel(&room);
        self.publish(&channel, &payload::volatile(key, frame)).await
    }

    async fn publish_control(&self, control: &Control) -> Result<(), BusError> {
        self.publish(keys::CONTROL, &payload::control(control)).await
    }

    fn probe_age(&self) -> Option<Duration> {
        self.probes.age()
    }
}
