//! Several workers on one log.

use std::collections::HashSet;
use std::time::Duration;

use hubbub_protocol::MessageId;

use crate::backend::{Backend, event_of, message};

pub(crate) async fn a_dead_consumers_entries_go_to_another(backend: &Backend) {
    let (dead, alive) = (backend.node("a").await, backend.node("b").await);
    let room = alive.room().await;
    for _ in 0..20 {
        alive.say(room).await;
    }
    let held = dead.read(20).await;
    drop(dead);
    assert_eq!(alive.claim(Duration::from_secs(60)).await, [], "not yet");
    let claimed = alive.claim(Duration::ZERO).await;
    assert!(claimed.iter().map(|entry| &entry.id).eq(held.iter().map(|entry| &entry.id)));
    assert!(claimed.iter().all(|entry| entry.deliveries == 1));
    alive.settle(&claimed).await;
    assert_eq!(alive.claim(Duration::ZERO).await, []);
}

pub(crate) async fn two_consumers_share_the_log(backend: &Backend) {
    let (one, other) = (backend.node("a").await, backend.node("b").await);
    let mut ids: HashSet<MessageId> = HashSet::new();
    for _ in 0..40 {
        let event = message(one.room().await);
        one.say_event(&event).await;
        ids.insert(event.id);
    }
    let mut read = Vec::new();
    for partition in 0..one.bus.partitions() {
        for node in [&one, &other] {
            read.extend(node.bus.read(partition, 1, Duration::ZERO).await.unwrap());
        }
    }
    read.extend(one.read(40 - read.len()).await);
    let seen: HashSet<_> = read.iter().map(|entry| event_of(entry).id()).collect();
    assert_eq!((read.len(), seen), (40, ids), "each to one of them, none left out");
}

pub(crate) async fn a_stored_id_expires_after_the_window(backend: &Backend) {
    let node = backend.node("a").await;
    let event = message(node.room().await);
    node.say_event(&event).await;
    let expiry = async || {
        for server in backend.servers() {
            let keys = server.cli(&["KEYS", "*:id:*"]).await;
            if !keys.is_empty() {
                return server.cli(&["PTTL", &keys]).await.parse::<i64>().unwrap();
            }
        }
        panic!("the id is forgotten")
    };
    assert_eq!(expiry().await, -1, "kept until it is stored, however long that takes");
    let entries = node.read(1).await;
    node.settle(&entries).await;
    // The window of ten minutes and twice the difference of clocks.
    let left = expiry().await;
    assert!((690_000..=721_000).contains(&left), "{left}");
}
