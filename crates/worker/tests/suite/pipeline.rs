//! Storing, settling, and what is done about entries that can't be stored.

use std::time::Duration;

use hubbub_protocol::{Position, Seq};
use hubbub_worker::{Pipeline, PipelineOptions};

use crate::faults::{Fault, FaultyStore};
use crate::rig::{Kept, Node, Worker, at, never_claiming, quick};

/// A bus and a store that know one room, at its beginning.
async fn fresh() -> (Node, Kept) {
    let (node, kept) = (Node::local(), Kept::sqlite().await);
    node.seed(kept.room, at(1, 0)).await;
    (node, kept)
}

#[tokio::test]
async fn a_committed_event_is_stored_and_its_origin_is_told() {
    let (node, kept) = fresh().await;
    let _worker = Worker::start(&node, kept.store.clone(), never_claiming());
    let event = kept.says("hello");
    let position = node.commit(&event).await;
    let notices = node.stored(1).await;
    assert_eq!((notices[0].id, notices[0].position), (event.id, position));
    assert_eq!(kept.texts().await, ["hello"]);
    assert_eq!(node.depth().await, (0, 0));
}

#[tokio::test]
async fn a_quiet_partition_does_not_wait_for_its_batch_to_grow() {
    let (node, kept) = fresh().await;
    // With this age, an event that waited would never be stored in the test's time.
    let options = PipelineOptions { batch_age: Duration::from_secs(3600), ..never_claiming() };
    let _worker = Worker::start(&node, kept.store.clone(), options);
    node.commit(&kept.says("only me")).await;
    node.stored(1).await;
}

#[tokio::test]
async fn a_worker_killed_between_storing_and_settling_leaves_one_copy_and_a_notice() {
    let (node, kept) = fresh().await;
    let store = FaultyStore::over(kept.store.clone(), Fault::HangsAfterAppend);
    let first = Worker::start(&node, store.clone(), never_claiming());
    let event = kept.says("once");
    let position = node.commit(&event).await;
    store.met(1).await;
    first.kill().await;
    assert_eq!(node.depth().await, (1, 0), "nothing is settled yet");

    let _second = Worker::start(&node, kept.store.clone(), quick());
    let notices = node.stored(1).await;
    assert_eq!((notices[0].id, notices[0].position), (event.id, position));
    assert_eq!(kept.places_taken().await, 1);
    assert_eq!(node.depth().await, (0, 0));
}

#[tokio::test]
async fn an_entry_that_two_workers_hold_is_stored_once() {
    let (node, kept) = fresh().await;
    let store = FaultyStore::over(kept.store.clone(), Fault::HangsBeforeAppend);
    let slow = Worker::start(&node, store.clone(), never_claiming());
    node.commit(&kept.says("once")).await;
    store.met(1).await;
    let _other = Worker::start(&node, kept.store.clone(), quick());
    node.stored(1).await;
    store.set(Fault::None);
    slow.ask_to_stop();
    slow.stopped().await;
    assert_eq!(kept.places_taken().await, 1);
    assert_eq!(node.depth().await, (0, 0));
}

#[tokio::test]
async fn a_store_that_was_away_gets_everything_in_order() {
    let (node, kept) = fresh().await;
    let store = FaultyStore::over(kept.store.clone(), Fault::Away);
    let options = PipelineOptions { patience: Duration::ZERO, ..never_claiming() };
    let worker = Worker::start(&node, store.clone(), options);
    let said: Vec<String> = (0..50).map(|number| format!("message {number}")).collect();
    for text in &said {
        node.commit(&kept.says(text)).await;
    }
    store.met(2).await;
    let reason = worker.pipeline.health().expect_err("the pipeline is stuck");
    assert!(reason.contains("cut off"), "{reason}");
    assert_eq!(node.depth().await, (50, 0));

    store.set(Fault::None);
    node.stored(50).await;
    assert_eq!(kept.texts().await, said);
    worker.ask_to_stop();
    let pipeline = worker.pipeline.clone();
    worker.stopped().await;
    assert_eq!(pipeline.health(), Ok(()));
}

#[tokio::test]
async fn a_stop_finishes_the_batch_in_hand() {
    let (node, kept) = fresh().await;
    let store = FaultyStore::over(kept.store.clone(), Fault::HangsBeforeAppend);
    let worker = Worker::start(&node, store.clone(), never_claiming());
    node.commit(&kept.says("in hand")).await;
    store.met(1).await;
    worker.ask_to_stop();
    store.set(Fault::None);
    worker.stopped().await;
    assert_eq!(kept.texts().await, ["in hand"]);
    assert_eq!(node.depth().await, (0, 0));
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_store_that_is_away() {
    let (node, kept) = fresh().await;
    let store = FaultyStore::over(kept.store.clone(), Fault::Away);
    let worker = Worker::start(&node, store.clone(), never_claiming());
    node.commit(&kept.says("left behind")).await;
    store.met(1).await;
    worker.ask_to_stop();
    worker.stopped().await;
    assert_eq!(node.depth().await, (1, 0));
}

#[tokio::test]
async fn a_drain_stores_what_a_dead_consumer_held_and_what_nobody_read() {
    let (node, kept) = fresh().await;
    let store = FaultyStore::over(kept.store.clone(), Fault::Away);
    let worker = Worker::start(&node, store.clone(), never_claiming());
    node.commit(&kept.says("held")).await;
    store.met(1).await;
    worker.kill().await;
    node.commit(&kept.says("unread")).await;

    let pipeline =
        Pipeline::new(node.wal.clone(), node.log(), kept.store.clone(), never_claiming());
    assert!(pipeline.drain(Duration::from_secs(20)).await);
    assert_eq!(kept.texts().await, ["held", "unread"]);
    assert_eq!(node.depth().await, (0, 0));
}

#[tokio::test]
async fn a_drain_into_a_store_that_is_away_ends_in_time_and_says_so() {
    let (node, kept) = fresh().await;
    let store = FaultyStore::over(kept.store.clone(), Fault::Away);
    node.commit(&kept.says("kept on the log")).await;
    let pipeline = Pipeline::new(node.wal.clone(), node.log(), store, never_claiming());
    assert!(!pipeline.drain(Duration::from_millis(100)).await);
    assert_eq!(node.depth().await, (1, 0));
}

#[tokio::test]
async fn a_drain_that_leaves_a_dead_letter_does_not_claim_to_have_stored_everything() {
    let (node, kept) = fresh().await;
    let poison = kept.says("poison");
    let store = FaultyStore::over(kept.store.clone(), Fault::ChokesOn(poison.id));
    node.commit(&poison).await;
    node.commit(&kept.says("fine")).await;
    let pipeline = Pipeline::new(node.wal.clone(), node.log(), store, never_claiming());
    assert!(!pipeline.drain(Duration::from_secs(20)).await);
    assert_eq!(kept.texts().await, ["fine"]);
    assert_eq!(node.depth().await, (0, 1));
}

#[tokio::test]
async fn a_poisonous_entry_is_isolated_and_buried_while_the_others_are_stored() {
    let (node, kept) = fresh().await;
    let poison = kept.says("poison");
    let store = FaultyStore::over(kept.store.clone(), Fault::ChokesOn(poison.id));
    for number in 0..40 {
        node.commit(&kept.says(&format!("before {number}"))).await;
    }
    let place = node.commit(&poison).await;
    for number in 0..40 {
        node.commit(&kept.says(&format!("after {number}"))).await;
    }
    let _worker = Worker::start(&node, store.clone(), quick());
    node.stored(80).await;
    node.dead_letters(1).await;
    assert_eq!(node.depth().await, (0, 1));
    assert_eq!(kept.messages().await.len(), 80);
    assert_eq!(kept.store.count_events(kept.room, before(place), place.seq).await.unwrap(), 0);

    let letters = node.wal.dead_letters(0, 10).await.unwrap();
    assert!(letters[0].reason.contains("choked"), "{}", letters[0].reason);
    store.set(Fault::None);
    assert!(node.wal.replay(0, &letters[0].id).await.unwrap());
    node.stored(81).await;
    assert_eq!(kept.texts().await[40], "poison", "it has its own place after the replay");
    assert_eq!(node.depth().await, (0, 0));
}

fn before(place: Position) -> Seq {
    Seq(place.seq.0 - 1)
}

#[tokio::test]
async fn an_entry_is_given_all_its_attempts_before_it_is_buried() {
    let (node, kept) = fresh().await;
    let poison = kept.says("poison");
    let store = FaultyStore::over(kept.store.clone(), Fault::ChokesOn(poison.id));
    node.commit(&poison).await;
    let options = PipelineOptions { attempts: 3, ..quick() };
    let _worker = Worker::start(&node, store.clone(), options);
    store.met(2).await;
    assert_eq!(node.depth().await.1, 0, "buried too early");
    node.dead_letters(1).await;
    store.met(3).await;
}

#[tokio::test]
async fn what_the_store_refuses_is_buried_at_once() {
    let (node, kept) = fresh().await;
    // The gateway's limits are far below what the store takes.
    node.commit(&kept.says(&"x".repeat(20 << 20))).await;
    let _worker = Worker::start(&node, kept.store.clone(), never_claiming());
    node.dead_letters(1).await;
    assert_eq!(node.depth().await, (0, 1));
    assert_eq!(kept.places_taken().await, 0);
}

#[tokio::test]
async fn a_partition_whose_task_breaks_is_taken_up_again() {
    let (node, kept) = fresh().await;
    let store = FaultyStore::over(kept.store.clone(), Fault::Panics);
    let _worker = Worker::start(&node, store.clone(), quick());
    node.commit(&kept.says("survivor")).await;
    store.met(1).await;
    store.set(Fault::None);
    node.stored(1).await;
    assert_eq!(kept.texts().await, ["survivor"]);
}
