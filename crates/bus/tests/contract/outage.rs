//! Connections that end, servers that go and come back, data that is lost.

use std::time::{Duration, Instant};

use hubbub_bus::{BusError, CommitError};
use hubbub_protocol::RoomId;

use crate::backend::{Backend, Node, at, eventually, message};
use crate::heard::Word;

/// Enough rooms for every partition, so for every server of a cluster.
async fn heard_rooms(node: &Node) -> Vec<RoomId> {
    let mut rooms = Vec::new();
    for _ in 0..64 {
        rooms.push(node.room().await);
    }
    node.hear(&rooms).await;
    rooms
}

/// A gap is told for every room, after its new confirmation, and events flow again.
async fn recovered(node: &Node, rooms: &[RoomId]) {
    node.heard
        .until("a gap in every room", |words| {
            rooms.iter().all(|room| words.contains(&Word::Gap(*room)))
        })
        .await;
    let words = node.heard.words();
    for room in rooms {
        let place = |word| words.iter().position(|heard| *heard == word).unwrap();
        assert!(place(Word::Subscribed(*room)) < place(Word::Gap(*room)));
    }
    node.heard.until_word(Word::ControlGap).await;
    for room in rooms {
        let position = node.say(*room).await;
        node.heard.until("it", |_| node.heard.positions(*room).contains(&position)).await;
    }
}

pub(crate) async fn rooms_are_heard_again_after_their_connections_were_killed(backend: &Backend) {
    let node = backend.node("a").await;
    let rooms = heard_rooms(&node).await;
    node.heard.clear();
    backend.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    recovered(&node, &rooms).await;
}

pub(crate) async fn rooms_are_heard_again_after_a_restart(backend: &Backend) {
    let node = backend.node("a").await;
    let rooms = heard_rooms(&node).await;
    node.heard.clear();
    // What is synced once a second must be on disk.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    backend.restart().await;
    recovered(&node, &rooms).await;
}

pub(crate) async fn nothing_committed_is_lost_in_a_restart(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    for _ in 0..10 {
        node.say(room).await;
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    backend.restart().await;
    assert_eq!(node.bus.heads(&[room]).await.unwrap(), [Some(at(1, 10))]);
    let mut entries = Vec::new();
    eventually("all entries", async || {
        for partition in 0..node.bus.partitions() {
            if let Ok(read) = node.bus.read(partition, 100, Duration::ZERO).await {
                entries.extend(read);
            }
        }
        entries.len() == 10
    })
    .await;
}

pub(crate) async fn a_wiped_redis_is_unseeded_and_reads_go_on(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    node.say(room).await;
    node.bus.renew_lease().await.unwrap();
    // Consumer groups go with the data.
    backend.cli(&["FLUSHALL"]).await;
    assert!(matches!(node.commit(&message(room)).await, Err(CommitError::Unseeded)));
    assert!(node.bus.renew_lease().await.unwrap(), "the lease is gone as well");
    assert_eq!(node.claim(Duration::ZERO).await, []);
    node.bus.seed(room, at(2, 100), false).await.unwrap();
    assert_eq!(node.say(room).await, at(2, 101));
    assert_eq!(node.read(1).await.len(), 1);
}

pub(crate) async fn commits_fail_within_their_deadline_while_redis_is_away(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    for server in backend.servers() {
        server.pause();
    }
    let since = Instant::now();
    let refused = node.commit(&message(room)).await;
    let took = since.elapsed();
    for server in backend.servers() {
        server.resume();
    }
    let unavailable = matches!(refused, Err(CommitError::Bus(BusError::Unavailable(_))));
    assert!(unavailable, "{refused:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    eventually("it goes on", async || node.commit(&message(room)).await.is_ok()).await;
}
