//! What becomes of events when the bus has lost data.

use hubbub_protocol::{NewEvent, Position, RoomId, Seq};
use hubbub_store::Appended;
use hubbub_worker::epoch::{self, MARGIN};

use crate::faults::{Fault, FaultyStore, HangingLog};
use crate::rig::{Kept, Node, Worker, at, never_claiming, quick};

/// A store that has three messages, and a bus that remembers only the room's beginning.
async fn forgetful() -> (Node, Kept) {
    let kept = Kept::sqlite().await;
    let before = Node::local();
    before.seed(kept.room, at(1, 0)).await;
    let worker = Worker::start(&before, kept.store.clone(), never_claiming());
    for text in ["one", "two", "three"] {
        before.commit(&kept.says(text)).await;
    }
    before.stored(3).await;
    worker.kill().await;

    let after = Node::local();
    after.seed(kept.room, at(1, 0)).await;
    (after, kept)
}

/// Waits until nothing is on the log: lost entries are settled when their copies are stored.
async fn settled(node: &Node, event: &NewEvent) -> Position {
    node.hears("the event's notice", |heard| {
        heard.stored.iter().find(|notice| notice.id == event.id).map(|notice| notice.position)
    })
    .await
}

#[tokio::test]
async fn an_event_at_a_taken_place_survives_in_a_new_epoch() {
    let (node, kept) = forgetful().await;
    let event = kept.says("four");
    assert_eq!(node.commit(&event).await, at(1, 1), "the place of `one`");
    let _worker = Worker::start(&node, kept.store.clone(), quick());
    assert_eq!(node.reset(kept.room).await, at(2, 3 + MARGIN));
    assert_eq!(settled(&node, &event).await, at(2, 3 + MARGIN + 1));
    assert_eq!(kept.texts().await, ["one", "two", "three", "four"]);
    assert_eq!(kept.places_taken().await, 4);
}

#[tokio::test]
async fn lost_events_keep_their_order_in_the_new_epoch() {
    let (node, kept) = forgetful().await;
    let lost: Vec<_> = ["four", "five", "six"].map(|text| kept.says(text)).into();
    for event in &lost {
        node.commit(event).await;
    }
    let _worker = Worker::start(&node, kept.store.clone(), quick());
    for event in &lost {
        settled(&node, event).await;
    }
    assert_eq!(kept.texts().await, ["one", "two", "three", "four", "five", "six"]);
    assert_eq!(node.head(kept.room).await.epoch, at(2, 0).epoch, "one loss, one new epoch");
}

#[tokio::test]
async fn a_worker_killed_before_it_commits_again_is_followed_by_one_that_does() {
    let (node, kept) = forgetful().await;
    let event = kept.says("four");
    node.commit(&event).await;
    let log = HangingLog::over(node.log());
    let first = Worker::start_with(&node, log.clone(), kept.store.clone(), never_claiming());
    log.met().await;
    first.kill().await;

    let _second = Worker::start(&node, kept.store.clone(), quick());
    settled(&node, &event).await;
    assert_eq!(kept.texts().await, ["one", "two", "three", "four"]);
    assert_eq!(kept.places_taken().await, 4, "no second copy");
    assert_eq!(node.head(kept.room).await.epoch, at(2, 0).epoch);
}

#[tokio::test]
async fn a_worker_killed_after_it_committed_again_leaves_one_copy() {
    let (node, kept) = forgetful().await;
    let event = kept.says("four");
    node.commit(&event).await;
    let store = FaultyStore::over(kept.store.clone(), Fault::None);
    let first = Worker::start(&node, store.clone(), never_claiming());
    let copy = node
        .hears("the copy", |heard| {
            heard.events.iter().find(|(_, position)| position.epoch.0 == 2).copied()
        })
        .await;
    first.kill().await;

    let _second = Worker::start(&node, kept.store.clone(), quick());
    assert_eq!(settled(&node, &event).await, copy.1);
    assert_eq!(kept.texts().await, ["one", "two", "three", "four"]);
    assert_eq!(kept.places_taken().await, 4, "no second copy");
}

#[tokio::test]
async fn the_senders_own_retry_and_the_workers_end_at_one_place() {
    let (node, kept) = forgetful().await;
    let event = kept.says("four");
    node.commit(&event).await;
    let log = HangingLog::over(node.log());
    let _worker = Worker::start_with(&node, log.clone(), kept.store.clone(), quick());
    log.met().await;
    let retried = node.commit(&event).await;
    assert_eq!(retried, at(2, 3 + MARGIN + 1));
    log.lift();
    assert_eq!(settled(&node, &event).await, retried);
    assert_eq!(kept.places_taken().await, 4);
}

#[tokio::test]
async fn an_event_whose_room_went_on_without_it_is_committed_again_ahead_of_its_members() {
    let kept = Kept::sqlite().await;
    let node = Node::local();
    node.seed(kept.room, at(1, 0)).await;
    let event = kept.says("late");
    node.commit(&event).await;
    let moved = epoch::open_next(&*node.bus, &*kept.store, kept.room, at(1, 1)).await.unwrap();

    let _worker = Worker::start(&node, kept.store.clone(), quick());
    assert_eq!(settled(&node, &event).await, Position::new(moved.epoch, moved.seq.next()));
    let behind = kept.store.count_events(kept.room, Seq(0), moved.seq).await.unwrap();
    assert_eq!(behind, 0, "members who reloaded would never have seen it there");
}

#[tokio::test]
async fn members_reload_once_more_when_an_event_is_stored_behind_their_backs() {
    let kept = Kept::sqlite().await;
    let node = Node::local();
    node.seed(kept.room, at(1, 0)).await;
    let store = FaultyStore::over(kept.store.clone(), Fault::HangsBeforeAppend);
    let _worker = Worker::start(&node, store.clone(), never_claiming());
    let event = kept.says("late");
    let place = node.commit(&event).await;
    store.met(1).await;
    epoch::open_next(&*node.bus, &*kept.store, kept.room, place).await.unwrap();
    store.set(Fault::None);
    assert_eq!(settled(&node, &event).await, place);
    let resets =
        node.hears("two resets", |heard| (heard.resets.len() == 2).then(|| heard.resets.clone()));
    let epochs: Vec<u64> = resets.await.iter().map(|(_, position)| position.epoch.0).collect();
    assert_eq!(epochs, [2, 3]);
}

#[tokio::test]
async fn processes_that_notice_the_same_loss_open_one_epoch() {
    let (node, kept) = forgetful().await;
    let open = || epoch::open_next(&*node.bus, &*kept.store, kept.room, at(1, 1));
    let (first, second) = tokio::join!(open(), open());
    assert_eq!(first.unwrap(), at(2, 3 + MARGIN));
    assert_eq!(second.unwrap(), at(2, 3 + MARGIN));
}

#[tokio::test]
async fn a_room_without_counters_is_given_them_in_the_new_epoch() {
    let (_, kept) = forgetful().await;
    let empty = Node::local();
    let opened = epoch::open_next(&*empty.bus, &*kept.store, kept.room, at(1, 3)).await.unwrap();
    assert_eq!(opened, at(2, 3 + MARGIN));
    assert_eq!(empty.head(kept.room).await, opened);
}

#[tokio::test]
async fn the_new_epoch_starts_above_what_was_seen_even_if_it_was_never_stored() {
    let (node, kept) = forgetful().await;
    let opened = epoch::open_next(&*node.bus, &*kept.store, kept.room, at(1, 70)).await.unwrap();
    assert_eq!(opened, at(2, 70 + MARGIN));
}

#[tokio::test]
async fn a_lost_event_of_a_room_that_is_gone_is_set_aside() {
    let (node, mut kept) = forgetful().await;
    kept.room = RoomId::new();
    // The store takes events of rooms it does not know, but can't open an epoch for one.
    let stored = kept.says("first").at(at(1, 1));
    assert_eq!(kept.store.append(&[stored]).await.unwrap(), [Appended::Stored]);
    node.seed(kept.room, at(1, 0)).await;
    node.commit(&kept.says("second")).await;
    let _worker = Worker::start(&node, kept.store.clone(), quick());
    node.dead_letters(1).await;
    let letters = node.wal.dead_letters(0, 10).await.unwrap();
    assert_eq!(letters[0].reason, "no such room");
    assert_eq!(node.depth().await, (0, 1));
}
