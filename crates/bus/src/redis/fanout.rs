//! Publishing through Redis, and hearing from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use hubbub_protocol::{NodeId, RoomId, UserId};
use tokio_util::sync::CancellationToken;

use super::subscriber::{self, Hearing};
use super::{RedisBus, keys, payload};
use crate::dispatch::{Dispatcher, Roster};
use crate::{BusError, Control, Fanout, Presence, Receiver};

/// People that one payload is for.
const USERS_BATCH: usize = 500;

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

    async fn tell_users(&self, users: &[UserId], key: &str, frame: &str) -> Result<(), BusError> {
        let mut by_node: BTreeMap<NodeId, BTreeSet<UserId>> = BTreeMap::new();
        by_node.insert(self.incarnation.clone(), users.iter().copied().collect());
        for (user, present) in users.iter().zip(self.presence(users).await?) {
            for connection in present.connections {
                by_node.entry(connection.node).or_default().insert(*user);
            }
        }
        let batches = by_node.iter().flat_map(|(node, users)| {
            let users: Vec<UserId> = users.iter().copied().collect();
            let payloads: Vec<String> = users
                .chunks(USERS_BATCH)
                .map(|part| payload::for_users(part, key, frame))
                .collect();
            payloads
                .into_iter()
                .map(async move |payload| self.publish(&keys::inbox(node.as_str()), &payload).await)
        });
        try_join_all(batches).await.map(drop)
    }

    async fn publish_control(&self, control: &Control) -> Result<(), BusError> {
        self.publish(keys::CONTROL, &payload::control(control)).await
    }

    async fn tell_node(&self, node: &NodeId, control: &Control) -> Result<(), BusError> {
        self.publish(&keys::inbox(node.as_str()), &payload::control(control)).await
    }

    fn probe_age(&self) -> Option<Duration> {
        self.probes.age()
    }
}
