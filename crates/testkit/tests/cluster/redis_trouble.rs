//! Redis restarts and connections to it break, and nobody misses anything (P5).

use std::time::Duration;

use hubbub_protocol::MessageId;
use hubbub_testkit::nodes::{Cluster, eventually};

use crate::{say_all, sees_all, times_stored};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_restarted_with_its_log_has_lost_nothing() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut at_b = cluster.connect(&bob, 1).await;
    let mut said = say_all(&mut at_a, room, 5).await;

    cluster.redis().kill();
    let lost = at_a.say(room, "into the void").await;
    let refusal = at_a.refused(lost).await;
    assert!(refusal.retry_after_ms.is_some(), "{refusal:?}");
    cluster.redis().restart().await;
    let epoch = at_a.position(room).epoch;
    let again = at_a.insist(lost, room, "into the void").await;
    let answer = at_b.insist(MessageId::new(), room, "still here").await;
    assert_eq!((again.position.epoch, answer.position.epoch), (epoch, epoch));
    said.push(lost);
    sees_all(&at_a, room, &said).await;
    sees_all(&at_b, room, &said).await;
    at_a.until("the answer", |view| (view.room(room).position == answer.position).then_some(()))
        .await;
    assert_eq!(times_stored(&cluster, room, &said).await, [1; 6]);
    for gateway in 0..2 {
        cluster.gateway(gateway).becomes(200).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriber_connections_killed_again_and_again_leave_no_gap() {
    const KILLS: usize = 6;
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let at_b = cluster.connect(&bob, 1).await;
    let talking = tokio::spawn(async move {
        let mut said = Vec::new();
        for n in 0..600 {
            said.push(at_a.say(room, &format!("word {n}")).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        (at_a, said)
    });
    for _ in 0..KILLS {
        let killed = eventually("two subscribers to kill", async || {
            let killed = cluster.redis().cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
            killed.parse().ok().filter(|killed: &usize| *killed > 0)
        })
        .await;
        assert!(killed <= 2, "one subscriber a gateway, however many rooms");
        let seen = at_b.look(|view| view.room(room).messages.len());
        at_b.until("what was said meanwhile", |view| {
            (view.room(room).messages.len() >= seen + 50).then_some(())
        })
        .await;
    }
    let (at_a, said) = talking.await.unwrap();
    sees_all(&at_b, room, &said).await;
    sees_all(&at_a, room, &said).await;
    crate::all_acked(&at_a, &said).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_cut_off_from_redis_says_so_and_fills_the_gap_later() {
    let cluster = Cluster::builder().with_proxies().start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let at_b = cluster.connect(&bob, 1).await;
    cluster.gateway(1).becomes(200).await;

    // Its connections stay open: green and deaf, if it did not probe.
    cluster.gateway(1).redis_proxy().black_hole(true);
    let said = say_all(&mut at_a, room, 20).await;
    assert!(at_b.look(|view| view.room(room).messages.is_empty()));
    let why = cluster.gateway(1).becomes(503).await;
    assert!(why.contains("subscriber"), "{why}");

    cluster.gateway(1).redis_proxy().black_hole(false);
    sees_all(&at_b, room, &said).await;
    cluster.gateway(1).becomes(200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_redis_that_only_look_open_are_found_out() {
    let cluster = Cluster::builder().with_proxies().start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut at_b = cluster.connect(&bob, 1).await;
    let mut said = say_all(&mut at_a, room, 3).await;

    cluster.gateway(1).redis_proxy().half_open();
    cluster.worker(0).redis_proxy().half_open();
    for n in 0..10 {
        said.push(at_a.say(room, &format!("to the deaf {n}")).await);
    }
    let answer = MessageId::new();
    at_b.insist(answer, room, "to be heard again").await;
    said.push(answer);
    sees_all(&at_a, room, &said).await;
    sees_all(&at_b, room, &said).await;
    crate::all_acked(&at_a, &said[..said.len() - 1]).await;
    assert!(times_stored(&cluster, room, &said).await.iter().all(|times| *times == 1));
}
