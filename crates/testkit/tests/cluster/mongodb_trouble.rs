//! MongoDB's primary dies, or MongoDB is away, while people talk.

use std::time::Duration;

use hubbub_testkit::nodes::Cluster;
use tokio::time::{Instant, sleep, timeout};

use crate::{say_all, sees_all, times_stored};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_killed_while_messages_flow_takes_no_acked_message_with_it() {
    let cluster = Cluster::builder().with_own_mongo(3).start(2, 2).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let at_b = cluster.connect(&bob, 1).await;
    say_all(&mut at_a, room, 5).await;

    let talking = tokio::spawn(async move {
        let mut said = Vec::new();
        for n in 0..300 {
            said.push(at_a.say(room, &format!("word {n}")).await);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        (at_a, said)
    });
    at_b.until("a conversation", |view| (view.room(room).messages.len() >= 50).then_some(())).await;
    let killed = cluster.mongo().kill_primary().await;
    let (at_a, said) = talking.await.unwrap();
    sees_all(&at_b, room, &said).await;
    crate::all_acked(&at_a, &said).await;
    assert_ne!(cluster.mongo().primary().await, killed);
    assert_eq!(times_stored(&cluster, room, &said).await, [1; 300]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_talk_on_while_mongodb_is_away() {
    let cluster = Cluster::builder().with_own_mongo(1).start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let at_b = cluster.connect(&bob, 1).await;
    say_all(&mut at_a, room, 1).await;

    cluster.mongo().pause(0);
    let away = Instant::now();
    let mut said = Vec::new();
    // For longer than what a gateway knows of the store is fresh.
    while away.elapsed() < Duration::from_secs(14) {
        let id = at_a.say(room, "still here").await;
        said.push(id);
        timeout(Duration::from_secs(4), sees_all(&at_b, room, &[id]))
            .await
            .expect("heard while MongoDB is away");
        sleep(Duration::from_millis(500)).await;
    }
    let acked = at_a.look(|view| said.iter().any(|id| view.acks.contains_key(id)));
    assert!(!acked, "an ack means stored");
    cluster.mongo().resume(0);
    crate::all_acked(&at_a, &said).await;
    assert_eq!(times_stored(&cluster, room, &said).await, vec![1; said.len()]);
}
