//! The presence map of one node.

use std::collections::BTreeSet;
use std::time::Duration;

use hubbub_bus::{Control, NodeCommand, NodeStatus, NodeTrace};
use hubbub_protocol::client::DeviceStatus::{Away, Online};
use hubbub_protocol::http::UserStatus;
use hubbub_protocol::{ConnectionId, Timestamp, UserId};

use crate::backend::{Backend, Node, Tuning, eventually};
use crate::heard::Word;

/// Long enough to look at what is within it.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

async fn status(node: &Node, user: UserId) -> UserStatus {
    node.bus.presence(&[user]).await.unwrap()[0].status()
}

pub(crate) async fn the_first_renewal_takes_the_lease(backend: &Backend) {
    let node = backend.node("a").await;
    assert!(node.bus.nodes().await.unwrap().is_empty());
    assert!(node.bus.renew_lease().await.unwrap());
    assert!(!node.bus.renew_lease().await.unwrap());
    let leases = node.bus.nodes().await.unwrap();
    assert_eq!(leases.len(), 1);
    assert_eq!(leases[0].node, *node.bus.incarnation());
    assert!(leases[0].expires_in > Duration::from_secs(10));
}

pub(crate) async fn a_node_tells_operators_how_it_is(backend: &Backend) {
    let node = backend.node("a").await;
    node.bus.renew_lease().await.unwrap();
    assert_eq!(node.bus.nodes().await.unwrap()[0].status, None, "it has said nothing yet");
    let mut status = NodeStatus {
        version: "1.2.3".to_owned(),
        started: Timestamp::now(),
        connections: 7,
        rooms: 3,
        draining: false,
    };
    node.bus.report(&status).await.unwrap();
    assert_eq!(node.bus.nodes().await.unwrap()[0].status, Some(status.clone()));
    status.draining = true;
    node.bus.report(&status).await.unwrap();
    assert_eq!(node.bus.nodes().await.unwrap()[0].status, Some(status));
}

pub(crate) async fn a_word_to_one_node_is_heard_by_it(backend: &Backend) {
    let node = backend.node("a").await;
    eventually("the probe", async || node.bus.probe_age().is_some()).await;
    let word = Control::Command { command: NodeCommand::Drain };
    node.bus.tell_node(&"nobody".parse().unwrap(), &word).await.unwrap();
    let trace = NodeTrace { connections: 3, ..NodeTrace::default() };
    let last = Control::Traced { node: node.bus.incarnation().clone(), trace };
    node.bus.tell_node(node.bus.incarnation(), &last).await.unwrap();
    node.heard.until_word(Word::Control(last)).await;
    assert_eq!(node.heard.count_of(&Word::Control(word)), 0, "that was for another");
}

pub(crate) async fn a_user_is_connected_until_the_last_connection_goes(backend: &Backend) {
    let node = backend.node("a").await;
    node.bus.renew_lease().await.unwrap();
    let (user, phone, laptop) = (UserId::new(), ConnectionId::new(), ConnectionId::new());
    node.bus.put_connections(&[(user, phone, Online), (user, laptop, Online)]).await.unwrap();
    let presence = node.bus.presence(&[UserId::new(), user]).await.unwrap();
    assert!(presence[0].connections.is_empty());
    let held: BTreeSet<_> = presence[1].connections.iter().map(|c| c.connection).collect();
    assert_eq!(held, BTreeSet::from([phone, laptop]));
    assert!(presence[1].connections.iter().all(|c| c.node == *node.bus.incarnation()));
    node.bus.remove_connections(&[(user, phone)]).await.unwrap();
    assert_eq!(node.bus.presence(&[user]).await.unwrap()[0].connections.len(), 1);
    node.bus.remove_connections(&[(user, laptop)]).await.unwrap();
    assert!(node.bus.presence(&[user]).await.unwrap()[0].connections.is_empty());
}

pub(crate) async fn the_best_status_counts(backend: &Backend) {
    let node = backend.node("a").await;
    node.bus.renew_lease().await.unwrap();
    let (user, phone, laptop) = (UserId::new(), ConnectionId::new(), ConnectionId::new());
    node.bus.put_connections(&[(user, phone, Away)]).await.unwrap();
    assert_eq!(status(&node, user).await, UserStatus::Away);
    node.bus.put_connections(&[(user, laptop, Online)]).await.unwrap();
    assert_eq!(status(&node, user).await, UserStatus::Online);
    node.bus.put_connections(&[(user, laptop, Away)]).await.unwrap();
    assert_eq!(status(&node, user).await, UserStatus::Away);
}

pub(crate) async fn online_users_come_in_pages(backend: &Backend) {
    let node = backend.node("a").await;
    node.bus.renew_lease().await.unwrap();
    let users: BTreeSet<UserId> = (0..700).map(|_| UserId::new()).collect();
    let connections: Vec<_> =
        users.iter().map(|user| (*user, ConnectionId::new(), Online)).collect();
    node.bus.put_connections(&connections).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = node.bus.online(after, 99).await.unwrap();
        assert!(page.len() <= 99);
        let Some(last) = page.last() else { break };
        after = Some(*last);
        seen.extend(page);
    }
    assert!(seen.iter().eq(&users), "ascending, each once");
}

pub(crate) async fn a_lapsed_lease_ends_its_connections(backend: &Backend) {
    let tuning =
        Tuning { lease: Duration::from_millis(600), offline_grace: GRACE, ..Tuning::default() };
    let node = backend.tuned("a", tuning).await;
    node.bus.renew_lease().await.unwrap();
    let (user, connection) = (UserId::new(), ConnectionId::new());
    node.bus.put_connections(&[(user, connection, Away)]).await.unwrap();
    eventually("no connection", async || {
        node.bus.presence(&[user]).await.unwrap()[0].connections.is_empty()
    })
    .await;
    assert_eq!(status(&node, user).await, UserStatus::Away, "the grace has begun");
    assert_eq!(node.bus.reap().await.unwrap(), [], "shown as before");
    assert_eq!(status(&node, user).await, UserStatus::Away);
    eventually("offline", async || status(&node, user).await == UserStatus::Offline).await;
    assert!(node.bus.renew_lease().await.unwrap(), "it must know to add them again");
    assert_eq!(node.bus.put_connections(&[(user, connection, Online)]).await.unwrap(), [user]);
    assert_eq!(status(&node, user).await, UserStatus::Online);
}

pub(crate) async fn without_a_reaper_a_dead_nodes_users_are_offline_all_the_same(
    backend: &Backend,
) {
    let tuning =
        Tuning { lease: Duration::from_millis(600), offline_grace: GRACE, ..Tuning::default() };
    let node = backend.tuned("a", tuning).await;
    node.bus.renew_lease().await.unwrap();
    let user = UserId::new();
    node.bus.put_connections(&[(user, ConnectionId::new(), Online)]).await.unwrap();
    eventually("offline", async || status(&node, user).await == UserStatus::Offline).await;
    assert_eq!(node.bus.reap().await.unwrap(), [user], "a late reaper tells");
}

pub(crate) async fn releasing_a_node_clears_it(backend: &Backend) {
    let node = backend.node("a").await;
    node.bus.renew_lease().await.unwrap();
    let users: BTreeSet<UserId> = (0..600).map(|_| UserId::new()).collect();
    let connections: Vec<_> =
        users.iter().map(|user| (*user, ConnectionId::new(), Online)).collect();
    node.bus.put_connections(&connections).await.unwrap();
    assert_eq!(node.bus.release_node().await.unwrap(), [], "shown as before, for the grace");
    assert!(node.bus.nodes().await.unwrap().is_empty());
    let users: Vec<_> = users.into_iter().collect();
    let presence = node.bus.presence(&users).await.unwrap();
    assert!(presence.iter().all(|p| p.connections.is_empty() && p.lingering == Some(Online)));
}
