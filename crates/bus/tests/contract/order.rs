//! Order: one contiguous sequence per room and epoch, once per id.

use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::{Commit, CommitError, CommitRequest, LogRead};
use hubbub_protocol::{Epoch, Event, RoomId, Seq, UserId};

use crate::backend::{Backend, Tuning, at, at_once, eventually, message};
use crate::heard::Word;

pub(crate) async fn a_room_without_counters_takes_no_event(backend: &Backend) {
    let node = backend.node("a").await;
    let refused = node.commit(&message(RoomId::new())).await;
    assert!(matches!(refused, Err(CommitError::Unseeded)), "{refused:?}");
}

pub(crate) async fn seqs_are_contiguous_under_concurrent_commits(backend: &Backend) {
    let node = Arc::new(backend.node("a").await);
    let room = node.room().await;
    let mut seqs = at_once(200, |_| {
        let node = Arc::clone(&node);
        async move { node.say(room).await.seq.0 }
    })
    .await;
    seqs.sort_unstable();
    assert!(seqs.into_iter().eq(1..=200));
}

pub(crate) async fn a_retry_returns_the_first_place(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    node.hear(&[room]).await;
    let event = message(room);
    let position = node.say_event(&event).await;
    let again = node.commit(&event).await.unwrap();
    assert_eq!(again, Commit::Seen { position, sender: event.sender, at: event.at });
    let after = node.say(room).await;
    assert_eq!(after.seq, position.seq.next());
    node.heard.until("both", |_| node.heard.positions(room).len() >= 2).await;
    assert_eq!(node.heard.positions(room), [position, after]);
}

pub(crate) async fn concurrent_retries_make_one_event(backend: &Backend) {
    let node = Arc::new(backend.node("a").await);
    let event = message(node.room().await);
    let commits = at_once(50, |_| {
        let (node, event) = (Arc::clone(&node), event.clone());
        async move { node.commit(&event).await.unwrap() }
    })
    .await;
    let new = commits.iter().filter(|commit| matches!(commit, Commit::New(_))).count();
    assert_eq!(new, 1);
    assert_eq!(node.bus.heads(&[event.room]).await.unwrap(), [Some(at(1, 1))]);
}

pub(crate) async fn an_id_of_another_author_is_returned_with_its_author(backend: &Backend) {
    let node = backend.node("a").await;
    let event = message(node.room().await);
    let position = node.say_event(&event).await;
    let mut stolen = event.clone();
    stolen.sender = UserId::new();
    let seen = node.commit(&stolen).await.unwrap();
    assert_eq!(seen, Commit::Seen { position, sender: event.sender, at: event.at });
}

pub(crate) async fn seeding_again_keeps_the_counters(backend: &Backend) {
    let node = backend.node("a").await;
    let room = RoomId::direct(UserId::new(), UserId::new());
    assert_eq!(node.bus.seed(room, at(3, 40), false).await.unwrap(), at(3, 40));
    assert_eq!(node.say(room).await, at(3, 41));
    assert_eq!(node.bus.seed(room, at(9, 90), true).await.unwrap(), at(3, 41));
    assert_eq!(node.say(room).await, at(3, 42));
}

pub(crate) async fn a_recovered_room_asks_for_lookups_until_its_window_is_over(backend: &Backend) {
    let window = Duration::from_millis(1500);
    let node = backend.tuned("a", Tuning { dedupe_window: window, ..Tuning::default() }).await;
    let room = RoomId::new();
    node.bus.seed(room, at(2, 10), true).await.unwrap();
    let event = message(room);
    let refused = node.commit(&event).await;
    assert!(matches!(refused, Err(CommitError::LookupFirst)), "{refused:?}");
    let checked = node.bus.commit(CommitRequest { event: &event, checked: true }).await.unwrap();
    assert_eq!(checked, Commit::New(at(2, 11)));
    assert!(matches!(node.commit(&event).await, Ok(Commit::Seen { .. })));
    eventually("the window is over", async || node.commit(&message(room)).await.is_ok()).await;
}

pub(crate) async fn a_full_log_turns_new_events_away_and_answers_retries(backend: &Backend) {
    let node = backend.tuned("a", Tuning { wal_limit: 3, ..Tuning::default() }).await;
    let room = node.room().await;
    let event = message(room);
    node.say_event(&event).await;
    node.say(room).await;
    node.say(room).await;
    let refused = node.commit(&message(room)).await;
    assert!(matches!(refused, Err(CommitError::Overloaded { .. })), "{refused:?}");
    assert!(matches!(node.commit(&event).await, Ok(Commit::Seen { .. })));
    let entries = node.read(3).await;
    node.settle(&entries[..1]).await;
    assert_eq!(node.say(room).await, at(1, 4));
}

pub(crate) async fn heads_come_in_the_order_asked(backend: &Backend) {
    let node = backend.node("a").await;
    let mut rooms = Vec::new();
    for seq in 0..40 {
        let room = RoomId::new();
        if seq % 3 != 0 {
            node.bus.seed(room, at(1, seq), false).await.unwrap();
        }
        rooms.push(room);
    }
    let heads = node.bus.heads(&rooms).await.unwrap();
    let expected: Vec<_> = (0..40).map(|seq| (seq % 3 != 0).then(|| at(1, seq))).collect();
    assert_eq!(heads, expected);
}

pub(crate) async fn frames_are_the_events_as_committed(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    node.hear(&[room]).await;
    let event = message(room);
    let position = node.say_event(&event).await;
    let expected = event.at(position);
    let LogRead::Events { head, events } = node.bus.log_after(room, at(1, 0), 10).await.unwrap()
    else {
        panic!("not in the hot log")
    };
    assert_eq!((head, events.len()), (position, 1));
    assert_eq!(Event::parse(&events[0].frame).unwrap(), expected);
    let frame = events[0].frame.clone();
    node.heard.until_word(Word::Event(room, position, frame)).await;
}

pub(crate) async fn a_read_at_the_head_is_empty(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    let nothing = |head| LogRead::Events { head, events: Vec::new() };
    assert_eq!(node.bus.log_after(room, at(1, 0), 10).await.unwrap(), nothing(at(1, 0)));
    let head = node.say(room).await;
    assert_eq!(node.bus.log_after(room, head, 10).await.unwrap(), nothing(head));
}

pub(crate) async fn a_read_returns_up_to_the_limit(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    for _ in 0..10 {
        node.say(room).await;
    }
    let LogRead::Events { head, events } = node.bus.log_after(room, at(1, 3), 4).await.unwrap()
    else {
        panic!("not in the hot log")
    };
    assert_eq!(head, at(1, 10));
    assert!(events.iter().map(|event| event.seq.0).eq(4..=7));
}

pub(crate) async fn a_read_beyond_the_head_or_of_another_epoch_is_foreign(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    let head = node.say(room).await;
    let foreign = LogRead::Foreign { head };
    assert_eq!(node.bus.log_after(room, at(1, 2), 10).await.unwrap(), foreign);
    assert_eq!(node.bus.log_after(room, at(2, 0), 10).await.unwrap(), foreign);
}

pub(crate) async fn a_read_of_an_unseeded_room_says_so(backend: &Backend) {
    let node = backend.node("a").await;
    let read = node.bus.log_after(RoomId::new(), at(1, 0), 10).await.unwrap();
    assert_eq!(read, LogRead::Unseeded);
}

pub(crate) async fn a_reopened_room_goes_on_once_and_tells_its_nodes(backend: &Backend) {
    let node = Arc::new(backend.node("a").await);
    let room = node.room().await;
    node.hear(&[room]).await;
    node.say(room).await;
    let positions = at_once(10, |_| {
        let node = Arc::clone(&node);
        async move { node.bus.reopen(room, Epoch(1), at(2, 100)).await.unwrap() }
    })
    .await;
    assert!(positions.iter().all(|position| *position == at(2, 100)), "{positions:?}");
    let missed = LogRead::Missed { head: at(2, 100), oldest: Seq(101) };
    assert_eq!(node.bus.log_after(room, at(2, 50), 10).await.unwrap(), missed);
    let next =
        node.bus.commit(CommitRequest { event: &message(room), checked: true }).await.unwrap();
    assert_eq!(next, Commit::New(at(2, 101)));
    node.heard.until("the next event", |_| node.heard.positions(room).len() == 2).await;
    assert_eq!(node.heard.count_of(&Word::Reset(room, at(2, 100))), 1);
}

pub(crate) async fn a_reopened_room_never_goes_backwards(backend: &Backend) {
    let node = backend.node("a").await;
    let room = RoomId::new();
    node.bus.seed(room, at(4, 500), false).await.unwrap();
    assert_eq!(node.bus.reopen(room, Epoch(4), at(2, 100)).await.unwrap(), at(5, 500));
}

pub(crate) async fn a_reopened_room_asks_for_lookups(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    node.bus.reopen(room, Epoch(1), at(2, 0)).await.unwrap();
    let refused = node.commit(&message(room)).await;
    assert!(matches!(refused, Err(CommitError::LookupFirst)), "{refused:?}");
}

pub(crate) async fn a_closed_room_takes_no_event_and_has_no_log(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    node.say(room).await;
    node.bus.close(room).await.unwrap();
    let refused = node.commit(&message(room)).await;
    assert!(matches!(refused, Err(CommitError::Unseeded)), "{refused:?}");
    assert_eq!(node.bus.heads(&[room]).await.unwrap(), [None]);
    let read = node.bus.log_after(room, at(1, 0), 10).await.unwrap();
    assert!(matches!(read, LogRead::Unseeded), "{read:?}");
}

pub(crate) async fn what_a_closed_room_left_on_the_write_ahead_log_stays_there(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    let event = message(room);
    node.say_event(&event).await;
    node.bus.close(room).await.unwrap();
    let entries = node.read(1).await;
    assert_eq!(entries.len(), 1);
    node.settle(&entries).await;
    let depths = node.bus.depth().await.unwrap();
    assert_eq!(depths.iter().map(|depth| depth.entries).sum::<u64>(), 0);
    assert_eq!(node.bus.heads(&[room]).await.unwrap(), [None], "settling brings nothing back");
}

pub(crate) async fn a_room_can_be_closed_again_and_others_go_on(backend: &Backend) {
    let node = backend.node("a").await;
    let (room, other) = (node.room().await, node.room().await);
    node.say(other).await;
    for _ in 0..2 {
        node.bus.close(room).await.unwrap();
    }
    node.bus.close(RoomId::new()).await.unwrap();
    assert_eq!(node.say(other).await, at(1, 2));
}
