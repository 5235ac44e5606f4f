//! Searching on another node than the one where something was said.

use std::time::{Duration, Instant};

use hubbub_protocol::RoomId;
use hubbub_testkit::nodes::{Cluster, Person};

/// How soon what was stored is found.
const SOON: Duration = Duration::from_secs(2);

/// The texts that a search finds.
async fn found(person: &Person, query: &str) -> Vec<String> {
    let results = person.api.search(query, None).await.expect("an answer");
    results.hits.into_iter().map(|hit| hit.message.body.text).collect()
}

/// Searches until `expected` is what is found.
async fn finds(person: &Person, query: &str, expected: &[&str]) {
    let begun = Instant::now();
    loop {
        let texts = found(person, query).await;
        if texts == expected {
            return;
        }
        assert!(begun.elapsed() < SOON, "{query}: {texts:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn room_of_two(cluster: &Cluster) -> (Person, Person, RoomId) {
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    (ada, bob, room)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_on_one_node_is_found_by_members_on_another() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob, room) = room_of_two(&cluster).await;
    let eve = cluster.person(1).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let said = at_a.say(room, "the Rhönrad is in the cellar").await;
    at_a.acked(said).await;
    finds(&bob, "rhonrad cell", &["the Rhönrad is in the cellar"]).await;
    assert_eq!(found(&eve, "rhonrad").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_left_finds_nothing_more_on_any_node() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob, room) = room_of_two(&cluster).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let said = at_a.say(room, "a secret").await;
    at_a.acked(said).await;
    finds(&bob, "secret", &["a secret"]).await;
    bob.api.leave(room).await.unwrap();
    assert_eq!(found(&bob, "secret").await, [""; 0]);
    let elsewhere = bob.login(cluster.address(0)).await;
    assert_eq!(found(&elsewhere, "secret").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_put_out_finds_nothing_more_on_any_node() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob, room) = room_of_two(&cluster).await;
    let elsewhere = bob.login(cluster.address(0)).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let said = at_a.say(room, "a secret").await;
    at_a.acked(said).await;
    finds(&bob, "secret", &["a secret"]).await;
    ada.api.remove_member(room, bob.id()).await.unwrap();
    for session in [&bob, &elsewhere] {
        assert_eq!(found(session, "secret").await, [""; 0]);
    }
    finds(&ada, "secret", &["a secret"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_or_edited_away_on_one_node_is_not_found_on_another() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob, room) = room_of_two(&cluster).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut said = Vec::new();
    for text in ["a secret plan", "a secret meal", "a secret place"] {
        said.push(at_a.say(room, text).await);
    }
    for id in &said {
        at_a.acked(*id).await;
    }
    finds(&bob, "secret", &["a secret place", "a secret meal", "a secret plan"]).await;
    let deletion = at_a.delete(room, said[0]).await;
    let edit = at_a.edit(room, said[1], "an open meal").await;
    for id in [deletion, edit] {
        at_a.acked(id).await;
    }
    // Acked means stored, and what is stored decides: at once, and not in a while.
    assert_eq!(found(&bob, "secret").await, ["a secret place"]);
    assert_eq!(found(&bob, "open").await, ["an open meal"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_destroyed_room_nothing_is_found_on_any_node() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob, room) = room_of_two(&cluster).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let said = at_a.say(room, "a secret").await;
    at_a.acked(said).await;
    finds(&bob, "secret", &["a secret"]).await;
    ada.api.destroy_room(room, "A room").await.unwrap();
    for session in [&ada, &bob] {
        assert_eq!(found(session, "secret").await, [""; 0]);
    }
}
