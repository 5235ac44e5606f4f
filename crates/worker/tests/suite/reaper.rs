//! Clearing what dead nodes leave behind.

use std::time::Duration;

use hubbub_bus::local::{LocalBus, LocalOptions};
use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::{ConnectionId, Timestamp};
use hubbub_worker::Reaper;

use crate::rig::{Kept, Node, node_id};

#[tokio::test]
async fn users_of_a_node_whose_lease_ran_out_were_last_seen_now() {
    let kept = Kept::sqlite().await;
    let options = LocalOptions { lease: Duration::ZERO, ..LocalOptions::new(node_id("gone")) };
    let node = Node::on(LocalBus::new(options));
    node.bus.renew_lease().await.unwrap();
    let connection = (kept.owner, ConnectionId::new(), DeviceStatus::Online);
    node.bus.put_connections(&[connection]).await.unwrap();

    let now = Timestamp::from_millis(1_900_000_000_000);
    Reaper::new(node.bus.clone(), kept.store.clone()).reap(now).await;
    let users = kept.store.users(&[kept.owner]).await.unwrap();
    assert_eq!(users[0].last_seen, Some(now));
    assert!(node.bus.presence(&[kept.owner]).await.unwrap()[0].connections.is_empty());
}
