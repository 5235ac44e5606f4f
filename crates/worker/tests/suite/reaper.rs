//! Ending the presence of those who are gone.

use std::time::Duration;

use hubbub_bus::local::{LocalBus, LocalOptions};
use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::{ConnectionId, Timestamp};
use hubbub_worker::Reaper;

use crate::rig::{Kept, Node, node_id};

#[tokio::test]
async fn users_of_a_dead_node_were_last_seen_at_its_end() {
    let kept = Kept::sqlite().await;
    let node = Node::on(LocalBus::new(LocalOptions {
        lease: Duration::ZERO,
        offline_grace: Duration::ZERO,
        ..LocalOptions::new(node_id("gone"))
    }));
    node.bus.renew_lease().await.unwrap();
    let connection = (kept.owner, ConnectionId::new(), DeviceStatus::Online);
    node.bus.put_connections(&[connection]).await.unwrap();

    let now = Timestamp::now();
    Reaper::new(node.bus.clone(), kept.store.clone()).reap().await;
    let last_seen = kept.store.users(&[kept.owner]).await.unwrap()[0].last_seen.unwrap();
    assert!((now.millis() - last_seen.millis()).abs() < 2_000, "to the second");
    assert!(node.bus.presence(&[kept.owner]).await.unwrap()[0].connections.is_empty());
    assert!(node.bus.online(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn within_the_grace_nothing_ends() {
    let kept = Kept::sqlite().await;
    let node = Node::on(LocalBus::new(LocalOptions::new(node_id("here"))));
    node.bus.renew_lease().await.unwrap();
    let connection = ConnectionId::new();
    node.bus.put_connections(&[(kept.owner, connection, DeviceStatus::Online)]).await.unwrap();
    node.bus.remove_connections(&[(kept.owner, connection)]).await.unwrap();
    Reaper::new(node.bus.clone(), kept.store.clone()).reap().await;
    assert_eq!(kept.store.users(&[kept.owner]).await.unwrap()[0].last_seen, None);
    assert_eq!(node.bus.online(None, 10).await.unwrap(), [kept.owner]);
}
