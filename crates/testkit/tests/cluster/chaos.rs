//! One trouble after the other while people talk with the real client.

use std::sync::Arc;
use std::time::Duration;

use hubbub_protocol::RoomId;
use hubbub_testkit::nodes::balancer::Balancer;
use hubbub_testkit::nodes::resilient::ResilientClient;
use hubbub_testkit::nodes::{Cluster, eventually};
use tokio_util::sync::CancellationToken;

/// Few enough that every client still has all of it on its screen at the end.
const PACE: Duration = Duration::from_millis(80);

/// Talks until told to stop, and returns how much was said.
async fn talk(
    client: &ResilientClient,
    room: RoomId,
    name: usize,
    stop: CancellationToken,
) -> usize {
    let mut said = 0;
    while !stop.is_cancelled() {
        client.say(room, &format!("{name}: {said}")).await;
        said += 1;
        tokio::time::sleep(PACE).await;
    }
    said
}

/// Waits until a client has seen more of its own messages stored: the cluster works again.
async fn works(client: &ResilientClient) {
    let before = client.told(|told| told.stored.len());
    client.until("more acks", |told| told.stored.len() >= before + 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_whatever_dies() {
    let mut cluster = Cluster::builder().of_processes().with_own_mongo(1).start(2, 1).await;
    let balancer = Balancer::start(vec![cluster.address(0), cluster.address(1)]).await;
    let mut people = Vec::new();
    for _ in 0..3 {
        people.push(cluster.person(0).await);
    }
    let room = people[0].room_with(&[&people[1], &people[2]]).await;
    let stop = CancellationToken::new();
    let mut clients = Vec::new();
    for person in &people {
        clients.push(Arc::new(ResilientClient::start(person, balancer.address()).await));
    }
    let talking = clients.iter().enumerate().map(|(name, client)| {
        let (speaker, stop) = (Arc::clone(client), stop.clone());
        tokio::spawn(async move { talk(&speaker, room, name, stop).await })
    });
    let talking: Vec<_> = talking.collect();
    let witness = &clients[0];
    works(witness).await;

    let fresh = cluster.add_gateway().await;
    balancer.add(cluster.address(fresh));
    let dying = cluster.take_gateway(0);
    balancer.remove(dying.address());
    dying.kill();
    works(witness).await;

    cluster.take_worker(0).kill();
    cluster.add_worker().await;
    works(witness).await;

    cluster.redis().restart().await;
    works(witness).await;

    cluster.redis().cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    works(witness).await;

    cluster.mongo().stop_all();
    cluster.mongo().start_all().await;
    works(witness).await;

    let fresh = cluster.add_gateway().await;
    balancer.add(cluster.address(fresh));
    let leaving = cluster.take_gateway(0);
    leaving.ask_to_stop();
    leaving.becomes(503).await;
    balancer.remove(leaving.address());
    works(witness).await;
    assert!(leaving.stopped(Duration::from_secs(10)).await, "it ends softly");

    stop.cancel();
    let mut said = 0;
    for (task, client) in talking.into_iter().zip(&clients) {
        let count = task.await.unwrap();
        client.until("every ack", |told| told.stored.len() == count).await;
        said += count;
    }
    let screen = clients[0].texts(room, said).await;
    for client in &clients[1..] {
        assert_eq!(client.texts(room, said).await, screen, "one order on every screen");
    }
    assert_eq!(crate::stored_texts(&cluster, room).await, screen);
    eventually("an empty log", async || (cluster.wal_entries().await == 0).then_some(())).await;
}
