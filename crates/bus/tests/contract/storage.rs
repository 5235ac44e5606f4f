//! The write-ahead log: what waits for storage, what becomes of it, and what is let go of then.

use std::time::{Duration, Instant};

use hubbub_bus::log::HOT_LOG_EVENTS;
use hubbub_bus::{Commit, LogRead, Progress};
use hubbub_protocol::{Epoch, Event, RoomId, Seq};

use crate::backend::{Backend, Node, at, event_of, message};
use crate::heard::Word;

/// What the hot log says about all of a room.
async fn whole_log(node: &Node, room: RoomId) -> LogRead {
    node.bus.log_after(room, at(1, 0), 10_000).await.unwrap()
}

pub(crate) async fn entries_come_in_the_order_of_commits(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    for _ in 0..5 {
        node.say(room).await;
    }
    let entries = node.read(5).await;
    assert!(entries.iter().map(|entry| event_of(entry).seq().0).eq(1..=5));
    assert!(entries.iter().all(|entry| entry.deliveries == 0));
    assert!(entries.iter().all(|entry| entry.origin == *node.bus.origin()));
}

pub(crate) async fn a_read_waits_for_the_next_commit(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    node.say(room).await;
    let partition = node.read(1).await[0].partition;
    let wait = Duration::from_secs(20);
    let (entries, position) = tokio::join!(node.bus.read(partition, 10, wait), node.say(room));
    let entries = entries.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(event_of(&entries[0]).position(), position);
}

pub(crate) async fn a_read_gives_up_after_its_wait(backend: &Backend) {
    let node = backend.node("a").await;
    let since = Instant::now();
    assert_eq!(node.bus.read(0, 10, Duration::from_millis(700)).await.unwrap(), []);
    assert!(since.elapsed() >= Duration::from_millis(600), "{:?}", since.elapsed());
    assert_eq!(node.bus.read(0, 10, Duration::ZERO).await.unwrap(), []);
}

pub(crate) async fn what_is_settled_is_off_the_log_and_its_origin_hears(backend: &Backend) {
    let node = backend.node("a").await;
    // The way to this node is open once anything came over it.
    let room = node.room().await;
    node.hear(&[room]).await;
    node.say(room).await;
    let entries = node.read(1).await;
    let notices = node.settle(&entries).await;
    node.heard.until_word(Word::Stored(notices[0])).await;
    let depth = node.bus.depth().await.unwrap();
    assert!(depth.iter().all(|depth| depth.entries == 0), "{depth:?}");
    assert_eq!(node.claim(Duration::ZERO).await, []);
    node.settle(&entries).await;
}

pub(crate) async fn a_hot_log_keeps_what_is_not_stored(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    let count = HOT_LOG_EVENTS + 50;
    for _ in 0..count {
        node.say(room).await;
    }
    let entries = node.read(count).await;
    let LogRead::Events { events, .. } = whole_log(&node, room).await else {
        panic!("unstored events were trimmed")
    };
    assert_eq!(events.len(), count);
    node.settle(&entries).await;
    let head = at(1, count as u64);
    assert_eq!(whole_log(&node, room).await, LogRead::Missed { head, oldest: Seq(51) });
    let LogRead::Events { events, .. } = node.bus.log_after(room, at(1, 50), 10_000).await.unwrap()
    else {
        panic!("stored events were trimmed below the bound")
    };
    assert_eq!(events.len(), HOT_LOG_EVENTS);
}

pub(crate) async fn a_hot_log_is_trimmed_up_to_the_oldest_unstored_event(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    let count = HOT_LOG_EVENTS + 50;
    for _ in 0..count {
        node.say(room).await;
    }
    let mut entries = node.read(count).await;
    let stuck = entries.remove(9);
    node.settle(&entries).await;
    let head = at(1, count as u64);
    assert_eq!(whole_log(&node, room).await, LogRead::Missed { head, oldest: Seq(10) });
    node.settle(&[stuck]).await;
    assert_eq!(whole_log(&node, room).await, LogRead::Missed { head, oldest: Seq(51) });
}

pub(crate) async fn a_stored_id_is_still_remembered(backend: &Backend) {
    let node = backend.node("a").await;
    let event = message(node.room().await);
    let position = node.say_event(&event).await;
    let entries = node.read(1).await;
    node.settle(&entries).await;
    let seen = node.commit(&event).await.unwrap();
    assert_eq!(seen, Commit::Seen { position, sender: event.sender, at: event.at });
}

pub(crate) async fn a_forgotten_id_can_be_committed_again(backend: &Backend) {
    let node = backend.node("a").await;
    let event = message(node.room().await);
    let first = node.say_event(&event).await;
    node.bus.forget(event.room, event.id, first).await.unwrap();
    assert_eq!(node.say_event(&event).await.seq, first.seq.next());
}

pub(crate) async fn an_id_is_not_forgotten_at_another_place(backend: &Backend) {
    let node = backend.node("a").await;
    let event = message(node.room().await);
    let position = node.say_event(&event).await;
    node.bus.forget(event.room, event.id, at(1, 11)).await.unwrap();
    node.bus.forget(event.room, event.id, at(2, 1)).await.unwrap();
    assert!(
        matches!(node.commit(&event).await, Ok(Commit::Seen { position: p, .. }) if p == position)
    );
}

pub(crate) async fn an_unsettled_entry_is_claimed_and_counted(backend: &Backend) {
    let node = backend.node("a").await;
    node.say(node.room().await).await;
    let entries = node.read(1).await;
    for deliveries in 1..4 {
        let claimed = node.claim(Duration::ZERO).await;
        assert_eq!(claimed.len(), 1);
        assert_eq!((&claimed[0].id, &claimed[0].frame), (&entries[0].id, &entries[0].frame));
        assert_eq!(claimed[0].deliveries, deliveries);
    }
}

pub(crate) async fn a_fresh_entry_is_not_claimed(backend: &Backend) {
    let node = backend.node("a").await;
    node.say(node.room().await).await;
    assert_eq!(node.claim(Duration::ZERO).await, [], "nobody has read it");
    node.read(1).await;
    assert_eq!(node.claim(Duration::from_secs(60)).await, [], "its reader is at it");
}

pub(crate) async fn a_buried_entry_is_listed_and_replayed(backend: &Backend) {
    let node = backend.node("a").await;
    node.say(node.room().await).await;
    let entry = node.read(1).await.remove(0);
    node.bus.bury(&entry, "document too large").await.unwrap();
    node.bus.bury(&entry, "again").await.unwrap();
    assert_eq!(node.claim(Duration::ZERO).await, []);
    let letters = node.bus.dead_letters(entry.partition, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(letter.reason, "document too large");
    assert_eq!(letter.frame.as_bytes(), &entry.frame[..]);
    assert_eq!(letter.origin, entry.origin);
    assert!(node.bus.replay(entry.partition, &letter.id).await.unwrap());
    assert!(!node.bus.replay(entry.partition, &letter.id).await.unwrap());
    assert!(!node.bus.replay(entry.partition, "no such id").await.unwrap());
    assert_eq!(node.read(1).await[0].frame, entry.frame);
}

pub(crate) async fn a_buried_id_stays_remembered(backend: &Backend) {
    let node = backend.node("a").await;
    let event = message(node.room().await);
    node.say_event(&event).await;
    let entry = node.read(1).await.remove(0);
    node.bus.bury(&entry, "no").await.unwrap();
    assert!(matches!(node.commit(&event).await, Ok(Commit::Seen { .. })));
}

pub(crate) async fn depth_counts_entries_and_dead_letters(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    for _ in 0..3 {
        node.say(room).await;
    }
    let entry = node.read(3).await.remove(0);
    node.bus.bury(&entry, "no").await.unwrap();
    let depths = node.bus.depth().await.unwrap();
    assert_eq!(depths.len(), usize::from(node.bus.partitions()));
    let depth = depths[usize::from(entry.partition)];
    assert_eq!((depth.partition, depth.entries, depth.dead), (entry.partition, 2, 1));
    assert!(depth.oldest.is_some_and(|oldest| oldest < Duration::from_secs(30)), "{depth:?}");
    let empty = depths.iter().filter(|depth| depth.partition != entry.partition);
    assert!(empty.into_iter().all(|depth| depth.entries == 0 && depth.oldest.is_none()));
}

pub(crate) async fn an_event_is_found_by_its_id_while_the_hot_log_has_it(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    let event = message(room);
    assert_eq!(node.bus.find(room, event.id).await.unwrap(), None);
    let Commit::New(position) = node.commit(&event).await.unwrap() else { panic!("it is new") };
    let found = node.bus.find(room, event.id).await.unwrap().unwrap();
    assert_eq!(found.seq, position.seq);
    assert_eq!(Event::parse(&found.frame).unwrap(), event.clone().at(position));
    assert_eq!(node.bus.find(RoomId::new(), event.id).await.unwrap(), None);

    for _ in 0..HOT_LOG_EVENTS {
        node.say(room).await;
    }
    assert!(node.bus.find(room, event.id).await.unwrap().is_some(), "it is not stored yet");
    let entries = node.read(HOT_LOG_EVENTS + 1).await;
    node.settle(&entries).await;
    assert_eq!(node.bus.find(room, event.id).await.unwrap(), None);
}

pub(crate) async fn progress_ends_before_the_oldest_unstored_event(backend: &Backend) {
    let node = backend.node("a").await;
    assert_eq!(node.bus.progress(RoomId::new()).await.unwrap(), None);
    let room = node.room().await;
    let progress = async || {
        let Progress { head, began, stored } = node.bus.progress(room).await.unwrap().unwrap();
        assert_eq!(began, Some(Seq(0)));
        (head, stored.0)
    };
    assert_eq!(progress().await, (at(1, 0), 0));
    for _ in 0..4 {
        node.say(room).await;
    }
    let entries = node.read(4).await;
    assert_eq!(progress().await, (at(1, 4), 0));
    node.settle(&entries[1..2]).await;
    assert_eq!(progress().await, (at(1, 4), 0));
    node.settle(&entries[..1]).await;
    assert_eq!(progress().await, (at(1, 4), 2));
    node.settle(&entries[2..]).await;
    assert_eq!(progress().await, (at(1, 4), 4));
}

pub(crate) async fn progress_tells_where_the_epoch_began(backend: &Backend) {
    let node = backend.node("a").await;
    let began = async |room| node.bus.progress(room).await.unwrap().unwrap().began;
    let room = RoomId::new();
    node.bus.seed(room, at(3, 40), true).await.unwrap();
    node.bus.seed(room, at(3, 90), true).await.unwrap();
    assert_eq!(began(room).await, Some(Seq(40)), "the second seed changes nothing");
    node.bus.reopen(room, Epoch(3), at(4, 70)).await.unwrap();
    assert_eq!(began(room).await, Some(Seq(70)));
}
