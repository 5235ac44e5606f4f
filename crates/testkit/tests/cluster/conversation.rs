//! One order for all, and acks only for what is stored (P1, P3).

use std::time::Duration;

use hubbub_testkit::nodes::{Cluster, TestClient};

use crate::{all_acked, say_all, sees_all, times_stored};

const SENDERS: usize = 5;
/// Messages of each in each room.
const EACH: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_is_identical_on_all_nodes_under_concurrent_senders() {
    everybody_sees_the_same(&Cluster::start(3, 2).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_is_identical_where_redis_is_nearer_to_some_nodes_than_to_others() {
    let cluster = Cluster::builder().with_proxies().start(3, 1).await;
    for (gateway, delay) in [(1, 5), (2, 25)] {
        cluster.gateway(gateway).redis_proxy().set_delay(Duration::from_millis(delay));
    }
    everybody_sees_the_same(&cluster).await;
}

/// Five people on three gateways talk in two rooms, all at once.
async fn everybody_sees_the_same(cluster: &Cluster) {
    let mut people = Vec::new();
    for number in 0..SENDERS {
        people.push(cluster.person(number % 3).await);
    }
    let others: Vec<_> = people[1..].iter().collect();
    let rooms = [people[0].room_with(&others).await, people[0].room_with(&others).await];
    let mut clients = Vec::new();
    for (number, person) in people.iter().enumerate() {
        clients.push(cluster.connect(person, number % 3).await);
    }

    let talking = clients.into_iter().enumerate().map(|(number, mut client)| {
        tokio::spawn(async move {
            for n in 0..EACH {
                for room in rooms {
                    client.say(room, &format!("{number}: {n}")).await;
                }
            }
            client
        })
    });
    let mut clients: Vec<TestClient> = Vec::new();
    for task in talking.collect::<Vec<_>>() {
        clients.push(task.await.expect("nobody is told what must not be"));
    }

    for room in rooms {
        let mut screens = Vec::new();
        for client in &clients {
            let ids = client
                .until("every message", |view| {
                    let room = view.room(room);
                    (room.messages.len() == SENDERS * EACH).then(|| room.ids())
                })
                .await;
            screens.push(ids);
        }
        assert!(screens.windows(2).all(|pair| pair[0] == pair[1]), "one order on every screen");
    }
    for client in &clients {
        client
            .until("every ack", |view| (view.acks.len() == EACH * rooms.len()).then_some(()))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_on_two_gateways_talk_and_an_ack_means_stored() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut at_b = cluster.connect(&bob, 1).await;

    for turn in 0..20 {
        let (speaker, listener) =
            if turn % 2 == 0 { (&mut at_a, &at_b) } else { (&mut at_b, &at_a) };
        let id = speaker.say(room, &format!("turn {turn}")).await;
        let ack = speaker.acked(id).await;
        assert_eq!(cluster.stored_at(room, id).await, Some(ack.position), "acked and not stored");
        assert_eq!(listener.sees(room, id).await, ack.position);
    }
    let said: Vec<String> = (0..20).map(|turn| format!("turn {turn}")).collect();
    for client in [&at_a, &at_b] {
        client.until("the last", |view| (view.room(room).messages.len() == 20).then_some(())).await;
        assert_eq!(client.look(|view| view.room(room).texts().join(" ")), said.join(" "));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_mongodb_delays_acks_and_not_the_conversation() {
    let cluster = Cluster::builder().with_proxies().start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let at_b = cluster.connect(&bob, 1).await;
    say_all(&mut at_a, room, 1).await;

    let proxies = || {
        let gateways = [cluster.gateway(0).mongo_proxy(), cluster.gateway(1).mongo_proxy()];
        gateways.into_iter().chain([cluster.worker(0).mongo_proxy()])
    };
    proxies().for_each(|proxy| proxy.black_hole(true));
    let mut said = Vec::new();
    for n in 0..10 {
        said.push(at_a.say(room, &format!("into the dark {n}")).await);
    }
    sees_all(&at_b, room, &said).await;
    sees_all(&at_a, room, &said).await;
    let acked = at_a.look(|view| said.iter().filter(|id| view.acks.contains_key(id)).count());
    assert_eq!(acked, 0, "acked what MongoDB can't have");
    assert_eq!(times_stored(&cluster, room, &said).await, [0; 10]);

    proxies().for_each(|proxy| proxy.black_hole(false));
    all_acked(&at_a, &said).await;
    assert_eq!(times_stored(&cluster, room, &said).await, [1; 10]);
}
