//! Redis loses data, and nothing that was acked is lost, and nothing is doubled.

use hubbub_protocol::{MessageId, Position, RoomId};
use hubbub_testkit::nodes::view::{Permits, View};
use hubbub_testkit::nodes::{Cluster, TestClient};

use crate::{say_all, sees_all, times_stored};

const RESETS: Permits = Permits { sync: false, reset: true };

/// Waits until a room was loaded anew in a later epoch, and tells where it goes on.
async fn moves_on(client: &TestClient, room: RoomId, from: Position) -> Position {
    client
        .until("a new epoch", |view| {
            let room = view.room(room);
            (room.resets > 0 && room.position.epoch > from.epoch).then_some(room.position)
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_redis_costs_a_reload_and_nothing_that_was_acked() {
    let mut cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut at_b = cluster.connect(&bob, 1).await;
    let stored = say_all(&mut at_a, room, 5).await;
    let first = at_a.acked(stored[4]).await;
    assert!(cluster.take_worker(0).stop().await);
    let unstored = at_a.say(room, "only in Redis").await;
    at_b.sees(room, unstored).await;
    let before = at_a.position(room);

    at_a.permit(RESETS);
    at_b.permit(RESETS);
    cluster.redis().wipe_and_restart().await;
    moves_on(&at_a, room, before).await;
    moves_on(&at_b, room, before).await;
    cluster.add_worker().await;

    // The outbox brings back what was not acked; what was acked is known without being told again.
    let again = at_a.insist(unstored, room, "only in Redis").await;
    assert!(again.position.epoch > before.epoch, "{:?}", again.position);
    assert_eq!(at_b.sees(room, unstored).await, again.position);
    at_a.say_as(stored[4], room, "message 4").await;
    at_a.until("a second ack", |view| (view.acks[&stored[4]].len() == 2).then_some(())).await;
    assert_eq!(at_a.acked(stored[4]).await, first);
    let next = at_b.insist(MessageId::new(), room, "and on").await;
    assert_eq!(next.position.seq, again.position.seq.next(), "the retry was published to nobody");

    let all = [stored, vec![unstored]].concat();
    assert_eq!(times_stored(&cluster, room, &all).await, [1; 6]);
    let resets = at_b.look(|view| view.room(room).resets);
    assert!(resets <= 2, "a reload or two, not {resets}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_went_back_in_time_is_noticed_and_left_behind() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut at_b = cluster.connect(&bob, 1).await;
    let mut said = say_all(&mut at_a, room, 5).await;
    let copy = cluster.redis().copy_data();
    said.extend(say_all(&mut at_a, room, 10).await);
    sees_all(&at_b, room, &said).await;
    let before = at_b.position(room);

    at_a.permit(RESETS);
    at_b.permit(RESETS);
    cluster.redis().restart_with(&copy).await;
    // Nobody says a word: the gateways remember how far they had come.
    let on_a = moves_on(&at_a, room, before).await;
    assert_eq!(moves_on(&at_b, room, before).await, on_a);
    let (on_a, on_b) =
        (at_a.insist(MessageId::new(), room, "a"), at_b.insist(MessageId::new(), room, "b"));
    let (on_a, on_b) = tokio::join!(on_a, on_b);
    assert_ne!(on_a.position, on_b.position);
    // Seqs are used once in an epoch: the ledger has seen to that, for every client.
    assert_eq!(times_stored(&cluster, room, &said).await, [1; 15]);
    for id in &said {
        at_a.say_as(*id, room, "said before").await;
    }
    at_a.until("all acks again", |view| {
        said.iter().all(|id| view.acks[id].len() == 2).then_some(())
    })
    .await;
    assert_eq!(times_stored(&cluster, room, &said).await, [1; 15]);
}

/// Waits until people have said some more.
async fn hears_more(watcher: &TestClient) {
    let heard = |view: &View| view.rooms.values().map(|room| room.messages.len()).sum::<usize>();
    let before = watcher.look(heard);
    watcher.until("some more", |view| (heard(view) >= before + 20).then_some(())).await;
}

/// Three people on three gateways talk while Redis loses data, and insist until each of their
/// messages is stored. In the end all of it is there once, and everybody hears the last word.
async fn people_talk_through(loss: impl AsyncFnOnce(&Cluster, &TestClient)) {
    let cluster = Cluster::start(3, 2).await;
    let mut people = Vec::new();
    for gateway in 0..3 {
        people.push(cluster.person(gateway).await);
    }
    let room = people[0].room_with(&[&people[1], &people[2]]).await;
    let mut clients = Vec::new();
    for (gateway, person) in people.iter().enumerate() {
        let client = cluster.connect(person, gateway).await;
        client.permit(RESETS);
        clients.push(client);
    }
    let talking = clients.into_iter().enumerate().map(|(speaker, mut client)| {
        tokio::spawn(async move {
            let mut said = Vec::new();
            for n in 0..60 {
                let id = MessageId::new();
                client.insist(id, room, &format!("{speaker}: {n}")).await;
                said.push(id);
            }
            (client, said)
        })
    });
    let talking: Vec<_> = talking.collect();
    let mut watcher = cluster.connect(&people[0], 0).await;
    watcher.permit(RESETS);
    hears_more(&watcher).await;
    loss(&cluster, &watcher).await;

    let mut said = Vec::new();
    let mut clients = Vec::new();
    for task in talking {
        let (client, ids) = task.await.expect("nobody is told what must not be");
        said.extend(ids);
        clients.push(client);
    }
    let times = times_stored(&cluster, room, &said).await;
    assert!(times.iter().all(|times| *times == 1), "each once: {times:?}");
    let acked = cluster.ledger().acked(room);
    for event in cluster.stored(room).await {
        if let Some(place) = acked.get(&event.id) {
            assert_eq!(event.position, *place, "where the ack said");
        }
    }
    let last = watcher.insist(MessageId::new(), room, "the last word").await;
    for client in &clients {
        client
            .until("the last word", |view| {
                (view.room(room).position >= last.position).then_some(())
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_talk_through_a_rollback_agree_in_the_end() {
    people_talk_through(async |cluster, watcher| {
        let copy = cluster.redis().copy_data();
        hears_more(watcher).await;
        cluster.redis().restart_with(&copy).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_talk_through_a_wipe_agree_in_the_end() {
    people_talk_through(async |cluster, _| cluster.redis().wipe_and_restart().await).await;
}
