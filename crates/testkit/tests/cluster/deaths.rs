//! Any process may die at any moment.

use hubbub_testkit::nodes::{Cluster, eventually};

use crate::{say_all, sees_all, times_stored};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_killed_between_commit_and_ack_loses_and_doubles_nothing() {
    let mut cluster = Cluster::builder().of_processes().start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let at_b = cluster.connect(&bob, 1).await;
    say_all(&mut at_a, room, 1).await;

    // Without a worker nothing is stored, so the ack can't come.
    assert!(cluster.take_worker(0).stop().await, "the worker stops softly");
    let id = at_a.say(room, "said by the dying").await;
    let place = at_b.sees(room, id).await;
    assert!(at_a.look(|view| !view.acks.contains_key(&id)));
    cluster.take_gateway(0).kill();
    at_a.ended().await;

    cluster.add_worker().await;
    at_a.connect(cluster.address(0)).await;
    let ack = at_a.insist(id, room, "said by the dying").await;
    assert_eq!(ack.position, place);
    assert_eq!(at_a.sees(room, id).await, place);
    assert_eq!(times_stored(&cluster, room, &[id]).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_between_write_and_settlement_is_followed_by_another() {
    let mut cluster = Cluster::builder().of_processes().with_proxies().start(1, 1).await;
    let ada = cluster.person(0).await;
    let room = ada.room_with(&[]).await;
    let mut client = cluster.connect(&ada, 0).await;
    say_all(&mut client, room, 1).await;

    let id = hubbub_protocol::MessageId::new();
    // Of what a worker tells Redis, only the settlement names the message.
    cluster.worker(0).redis_proxy().stall_when_client_sends(id.to_string().as_bytes());
    client.say_as(id, room, "written once").await;
    hubbub_testkit::nodes::soon("a settlement", cluster.worker(0).redis_proxy().stalled()).await;
    let place = cluster.stored_at(room, id).await.expect("stored before it is settled");
    cluster.take_worker(0).kill();
    assert_eq!(cluster.wal_entries().await, 1, "and not settled");

    cluster.add_worker().await;
    assert_eq!(client.acked(id).await.position, place);
    eventually("an empty log", async || (cluster.wal_entries().await == 0).then_some(())).await;
    assert_eq!(times_stored(&cluster, room, &[id]).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_killed_one_after_the_other_lose_nothing() {
    let mut cluster = Cluster::builder().of_processes().start(2, 2).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let at_b = cluster.connect(&bob, 1).await;
    let mut said = Vec::new();
    for round in 0..3 {
        for n in 0..50 {
            said.push(at_a.say(room, &format!("{round}: {n}")).await);
        }
        cluster.take_worker(0).kill();
        cluster.add_worker().await;
    }
    sees_all(&at_b, room, &said).await;
    crate::all_acked(&at_a, &said).await;
    assert_eq!(times_stored(&cluster, room, &said).await, [1; 150]);
    eventually("an empty log", async || (cluster.wal_entries().await == 0).then_some(())).await;
}
