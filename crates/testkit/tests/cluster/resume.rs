//! A client goes on where it was, on any node (P5).

use hubbub_protocol::{Epoch, MessageId, Position, RoomId, Seq};
use hubbub_testkit::nodes::client::Dial;
use hubbub_testkit::nodes::view::Permits;
use hubbub_testkit::nodes::{Cluster, Person, TestClient, eventually};

use crate::{say_all, sees_all};

/// Two people, and messages that one of them missed.
async fn missing(
    cluster: &Cluster,
    count: usize,
) -> (Person, RoomId, TestClient, TestClient, Vec<MessageId>) {
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut at_b = cluster.connect(&bob, 1).await;
    let seen = say_all(&mut at_a, room, 3).await;
    sees_all(&at_b, room, &seen).await;
    at_b.vanish();
    let missed = say_all(&mut at_a, room, count).await;
    eventually("an empty log", async || (cluster.wal_entries().await == 0).then_some(())).await;
    (bob, room, at_a, at_b, [seen, missed].concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_comes_from_the_hot_log_on_another_node() {
    let cluster = Cluster::start(2, 1).await;
    let (_, room, mut at_a, mut at_b, said) = missing(&cluster, 100).await;
    at_b.connect(cluster.address(0)).await;
    sees_all(&at_b, room, &said).await;
    assert_eq!(at_b.look(|view| view.room(room).ids()), said);
    let next = at_a.say(room, "and on").await;
    at_b.sees(room, next).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_hot_log_no_longer_has_comes_as_one_state_sync() {
    let cluster = Cluster::start(2, 1).await;
    let (_, room, mut at_a, mut at_b, said) = missing(&cluster, 400).await;
    at_b.permit(Permits { sync: true, reset: false });
    at_b.connect(cluster.address(0)).await;
    sees_all(&at_b, room, &said).await;
    assert_eq!(at_b.look(|view| view.room(room).ids()), said);
    assert!(at_b.look(|view| view.room(room).syncs) > 0);
    let next = at_a.say(room, "and on").await;
    at_b.sees(room, next).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_sync_joins_what_is_said_meanwhile_without_a_seam() {
    let cluster = Cluster::start(2, 1).await;
    let (_, room, mut at_a, mut at_b, mut said) = missing(&cluster, 400).await;
    let talking = tokio::spawn(async move {
        let mut more = Vec::new();
        for n in 0..300 {
            more.push(at_a.say(room, &format!("meanwhile {n}")).await);
            tokio::task::yield_now().await;
        }
        (at_a, more)
    });
    at_b.permit(Permits { sync: true, reset: false });
    at_b.connect(cluster.address(0)).await;
    let (_at_a, more) = talking.await.unwrap();
    said.extend(more);
    sees_all(&at_b, room, &said).await;
    assert_eq!(at_b.look(|view| view.room(room).ids()), said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_missed_very_much_loads_the_room_again() {
    let cluster = Cluster::start(2, 1).await;
    let (_, room, mut at_a, mut at_b, _) = missing(&cluster, 1_300).await;
    at_b.permit(Permits { sync: false, reset: true });
    at_b.connect(cluster.address(0)).await;
    let head = at_a.position(room);
    at_b.until("a reset to the head", |view| {
        let room = view.room(room);
        (room.resets == 1 && room.position == head).then_some(())
    })
    .await;
    let next = at_a.say(room, "and on").await;
    at_b.sees(room, next).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_that_never_was_resets_its_claimant_and_nobody_else() {
    let cluster = Cluster::start(2, 1).await;
    let (bob, room, mut at_a, _, said) = missing(&cluster, 5).await;
    let head = at_a.position(room);
    let beyond = Position::new(head.epoch, Seq(head.seq.0 + 1_000));
    let foreign = Position::new(Epoch(head.epoch.0 + 5), Seq(3));
    for claim in [beyond, foreign] {
        let mut liar = TestClient::of(&bob, cluster.ledger());
        liar.permit(Permits { sync: false, reset: true });
        let dial = Dial { resume: Some(vec![(room, claim)]), ..Dial::default() };
        liar.dial(cluster.address(1), dial).await;
        liar.until("a reset to where the room is", |view| {
            let room = view.room(room);
            (room.resets == 1 && room.position == head).then_some(())
        })
        .await;
    }
    // The room goes on in its epoch, and who told the truth has noticed nothing.
    let mut honest = cluster.connect(&bob, 1).await;
    let next = at_a.say(room, "and on").await;
    assert_eq!(honest.sees(room, next).await, Position::new(head.epoch, head.seq.next()));
    honest.caught_up().await;
    assert_eq!(at_a.look(|view| view.room(room).ids()), [said, vec![next]].concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_that_come_and_go_while_people_talk_miss_nothing() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut restless = cluster.connect(&bob, 1).await;
    let talking = tokio::spawn(async move {
        let mut said = Vec::new();
        for n in 0..400 {
            said.push(at_a.say(room, &format!("word {n}")).await);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        (at_a, said)
    });
    for turn in 0..20 {
        let seen = restless.look(|view| view.room(room).messages.len());
        restless
            .until("some more", |view| {
                (view.room(room).messages.len() > seen || seen == 400).then_some(())
            })
            .await;
        restless.vanish();
        restless.connect(cluster.address(turn % 2)).await;
    }
    let (_at_a, said) = talking.await.unwrap();
    sees_all(&restless, room, &said).await;
    assert_eq!(restless.look(|view| view.room(room).ids()), said);
}
