//! Redis loses data, and nothing that was acked is lost, and nothing is doubled.

use hubbub_protocol::{MessageId, Position, RoomId};
use hubbub_testkit::nodes::view::Permits;
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
    let (on_a, on_b) =
        (at_a.insist(MessageId::new(), room, "a"), at_b.insist(MessageId::new(), room, "b"));
    let (on_a, on_b) = tokio::join!(on_a, on_b);
    moves_on(&at_a, room, before).await;
    moves_on(&at_b, room, before).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_talk_through_a_rollback_agree_in_the_end() {
    let cluster = Cluster::start(3, 2).await;
    let mut people = Vec::new();
    for gateway in 0..3 {
        people.push(cluster.person(gateway).await);
    }
    let room = people[0].room_with(&[&people[1], &people[2]]).await;
    let mut clients = Vec::new();
    for (gateway, person) in people.iter().enumerate() {
        clients.push(cluster.connect(person, gateway).await);
    }
    say_all(&mut clients[0], room, 5).await;
    let copy = cluster.redis().copy_data();
    for client in &clients {
        client.permit(RESETS);
    }
    let talking: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(speaker, mut client)| {
            tokio::spawn(async move {
                let mut said = Vec::new();
                for n in 0..60 {
                    let id = MessageId::new();
                    client.insist(id, room, &format!("{speaker}: {n}")).await;
                    said.push(id);
                }
                (client, said)
            })
        })
        .collect();
    let mut watcher = cluster.connect(&people[0], 0).await;
    watcher.permit(RESETS);
    watcher
        .until("a conversation", |view| (view.room(room).messages.len() >= 20).then_some(()))
        .await;
    cluster.redis().restart_with(&copy).await;

    let mut said = Vec::new();
    let mut clients = Vec::new();
    for task in talking {
        let (client, ids) = task.await.unwrap();
        said.extend(ids);
        clients.push(client);
    }
    let times = times_stored(&cluster, room, &said).await;
    assert!(times.iter().all(|times| *times == 1), "each once: {times:?}");
    let last = watcher.insist(MessageId::new(), room, "the last word").await;
    for client in &clients {
        client
            .until("the last word", |view| {
                (view.room(room).position >= last.position).then_some(())
            })
            .await;
    }
}
