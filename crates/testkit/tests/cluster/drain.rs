//! A node leaves quietly (P10).

use std::time::{Duration, Instant};

use hubbub_bus::presence::LEASE;
use hubbub_protocol::ServerFrame;
use hubbub_testkit::nodes::balancer::Balancer;
use hubbub_testkit::nodes::resilient::ResilientClient;
use hubbub_testkit::nodes::{Cluster, eventually};

/// From SIGTERM to the end of the process: the time clients have to move, and a little.
const GRACE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_told_to_stop_hands_its_clients_over_unnoticed() {
    const MESSAGES: usize = 200;
    let mut cluster = Cluster::builder().of_processes().start(2, 1).await;
    let balancer = Balancer::start(vec![cluster.address(0), cluster.address(1)]).await;
    let mut people = Vec::new();
    for _ in 0..4 {
        people.push(cluster.person(1).await);
    }
    let others: Vec<_> = people[1..].iter().collect();
    let room = people[0].room_with(&others).await;
    let mut clients = Vec::new();
    for person in &people {
        clients.push(ResilientClient::start(person, balancer.address()).await);
    }
    let mut told = cluster.connect(&people[0], 0).await;
    cluster.gateway(0).becomes(200).await;

    let speaker = clients.remove(0);
    let talking = tokio::spawn(async move {
        for n in 0..MESSAGES {
            speaker.say(room, &format!("word {n}")).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        speaker
    });
    told.until("a conversation", |view| (view.room(room).messages.len() >= 20).then_some(())).await;
    let leaving = cluster.take_gateway(0);
    let address = leaving.address();
    leaving.ask_to_stop();
    let since = Instant::now();
    let why = leaving.becomes(503).await;
    assert!(why.contains("leaving"), "{why}");
    balancer.remove(address);
    told.hears("goaway", |frame| matches!(frame, ServerFrame::GoAway { .. }).then_some(())).await;
    told.connect(cluster.address(0)).await;
    assert!(leaving.stopped(GRACE).await, "it ends softly");
    assert!(since.elapsed() < GRACE);

    let speaker = talking.await.unwrap();
    speaker.until("every ack", |told| told.stored.len() == MESSAGES).await;
    let said: Vec<String> = (0..MESSAGES).map(|n| format!("word {n}")).collect();
    for client in clients.iter().chain([&speaker]) {
        assert_eq!(client.texts(room, MESSAGES).await, said);
        client.told(|told| {
            assert_eq!(told.trouble, [""; 0], "nothing looked like an error");
            assert_eq!(told.reloads, 0);
        });
    }
    assert_eq!(crate::stored_texts(&cluster, room).await, said);
    told.until("all of it", |view| (view.room(room).texts() == said).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_has_stopped_leaves_nobody_online_behind() {
    let mut cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let device = cluster.connect(&ada, 0).await;
    let is_online = async || {
        let found = bob.api.users(&ada.user.username, true).await.unwrap();
        found.users.len() == 1
    };
    eventually("her presence", async || is_online().await.then_some(())).await;
    let stopping = cluster.take_gateway(0);
    stopping.ask_to_stop();
    device.ended().await;
    assert!(stopping.stopped(GRACE).await);
    let stopped = Instant::now();
    eventually("her absence", async || (!is_online().await).then_some(())).await;
    assert!(stopped.elapsed() < LEASE, "released with the node, not with its lease");
}
