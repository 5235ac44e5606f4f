//! Reading the rooms' logs: pages, changes, counts.

use hubbub_protocol::{
    Epoch, Event, Member, MemberChange, Message, MessageId, Position, RoomId, Seq, Timestamp,
    UserId,
};
use hubbub_store::{HistoryPage, Page};

use crate::making::{AnyStore, a_room, message, stored};

/// A room with messages at these seqs.
async fn room_with(store: &AnyStore, seqs: impl IntoIterator<Item = u64>) -> RoomId {
    let room = a_room(store).await;
    let events: Vec<_> = seqs.into_iter().map(|seq| message(room, seq)).collect();
    stored(store, &events).await;
    room
}

fn seqs(page: &HistoryPage) -> Vec<u64> {
    page.messages.iter().map(|message| message.seq.0).collect()
}

async fn page(store: &AnyStore, room: RoomId, page: Page, limit: usize) -> (Vec<u64>, bool, bool) {
    let page = store.history(room, page, limit).await.unwrap();
    (seqs(&page), page.older, page.newer)
}

pub(crate) async fn the_latest_page_ends_with_the_newest(store: AnyStore) {
    let room = room_with(&store, 1..=5).await;
    room_with(&store, 6..=9).await;
    assert_eq!(page(&store, room, Page::Latest, 3).await, (vec![3, 4, 5], true, false));
    assert_eq!(page(&store, room, Page::Latest, 5).await, (vec![1, 2, 3, 4, 5], false, false));
    assert_eq!(page(&store, room, Page::Latest, 9).await, (vec![1, 2, 3, 4, 5], false, false));
}

pub(crate) async fn pages_backwards_meet_without_gap_or_overlap(store: AnyStore) {
    let room = room_with(&store, [1, 2, 4, 8, 16, 32]).await;
    assert_eq!(page(&store, room, Page::Before(Seq(32)), 2).await, (vec![8, 16], true, true));
    assert_eq!(page(&store, room, Page::Before(Seq(8)), 2).await, (vec![2, 4], true, true));
    assert_eq!(page(&store, room, Page::Before(Seq(2)), 2).await, (vec![1], false, true));
    assert_eq!(page(&store, room, Page::Before(Seq(1)), 2).await, (vec![], false, true));
    assert_eq!(page(&store, room, Page::Before(Seq(99)), 1).await, (vec![32], true, false));
}

pub(crate) async fn pages_forwards_meet_without_gap_or_overlap(store: AnyStore) {
    let room = room_with(&store, [1, 2, 4, 8, 16, 32]).await;
    assert_eq!(page(&store, room, Page::After(Seq(0)), 3).await, (vec![1, 2, 4], false, true));
    assert_eq!(page(&store, room, Page::After(Seq(4)), 2).await, (vec![8, 16], true, true));
    assert_eq!(page(&store, room, Page::After(Seq(16)), 2).await, (vec![32], true, false));
    assert_eq!(page(&store, room, Page::After(Seq(32)), 2).await, (vec![], true, false));
}

pub(crate) async fn a_page_around_a_message_has_both_sides(store: AnyStore) {
    let room = room_with(&store, 1..=9).await;
    let around = |seq| Page::Around(Seq(seq));
    assert_eq!(page(&store, room, around(5), 4).await, (vec![3, 4, 5, 6], true, true));
    assert_eq!(page(&store, room, around(5), 5).await, (vec![3, 4, 5, 6, 7], true, true));
    assert_eq!(page(&store, room, around(1), 4).await, (vec![1, 2], false, true));
    assert_eq!(page(&store, room, around(9), 4).await, (vec![7, 8, 9], true, false));
    assert_eq!(page(&store, room, around(5), 1).await, (vec![5], true, true));
    assert_eq!(page(&store, room, around(5), 99).await.0, (1..=9).collect::<Vec<_>>());
}

/// A room whose places 1 to 4 hold a message, a membership change, a void and a message.
async fn room_of_every_kind(store: &AnyStore) -> RoomId {
    let room = a_room(store).await;
    let first = message(room, 1);
    let joined = Event::Member(Member {
        room,
        epoch: Epoch(1),
        seq: Seq(2),
        id: MessageId::new(),
        sender: UserId::new(),
        at: Timestamp::now(),
        user: UserId::new(),
        change: MemberChange::Joined,
        role: None,
        until: None,
    });
    let double = first.clone().without_place().at(Position::new(Epoch(1), Seq(3)));
    stored(store, &[first, joined, message(room, 4)]).await;
    store.append(&[double]).await.unwrap();
    room
}

pub(crate) async fn pages_hold_messages_only(store: AnyStore) {
    let room = room_of_every_kind(&store).await;
    assert_eq!(page(&store, room, Page::Latest, 2).await, (vec![1, 4], false, false));
    assert_eq!(page(&store, room, Page::After(Seq(1)), 1).await, (vec![4], true, false));
}

pub(crate) async fn an_empty_room_has_an_empty_page(store: AnyStore) {
    let room = a_room(&store).await;
    for which in [Page::Latest, Page::Before(Seq(5)), Page::After(Seq(5)), Page::Around(Seq(5))] {
        assert_eq!(page(&store, room, which, 5).await, (vec![], false, false));
    }
}

pub(crate) async fn changes_are_the_messages_of_a_range(store: AnyStore) {
    let room = room_of_every_kind(&store).await;
    stored(&store, &[message(room, 5), message(room, 6)]).await;
    let changed = async |after, upto| {
        let changes = store.changes(room, Seq(after), Seq(upto), 10).await.unwrap().unwrap();
        changes.into_iter().map(|message| message.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(changed(0, 6).await, [1, 4, 5, 6]);
    assert_eq!(changed(1, 5).await, [4, 5]);
    assert_eq!(changed(1, 3).await, [0; 0]);
    assert_eq!(changed(6, 6).await, [0; 0]);
}

pub(crate) async fn too_many_changes_are_not_told(store: AnyStore) {
    let room = room_with(&store, 1..=5).await;
    let changes = store.changes(room, Seq(0), Seq(5), 5).await.unwrap();
    assert_eq!(changes.map(|changes| changes.len()), Some(5));
    assert_eq!(store.changes(room, Seq(0), Seq(5), 4).await.unwrap(), None);
}

pub(crate) async fn events_of_every_kind_are_counted(store: AnyStore) {
    let room = room_of_every_kind(&store).await;
    for (after, upto, count) in [(0, 4, 4), (1, 3, 2), (3, 9, 1), (4, 9, 0), (2, 2, 0)] {
        let counted = store.count_events(room, Seq(after), Seq(upto)).await.unwrap();
        assert_eq!(counted, count, "{after} to {upto}");
    }
}

pub(crate) async fn a_message_comes_back_as_it_was(store: AnyStore) {
    let room = RoomId::direct(UserId::new(), UserId::new());
    let mut event = message(room, 1);
    if let Event::Message(Message { body, at, epoch, .. }) = &mut event {
        body.text = "\0 \u{2028} 👩‍👩‍👧‍👦 \"{$ne: 1}\" \\ é e\u{301}".to_owned();
        *at = Timestamp::from_millis(-1);
        *epoch = Epoch((1 << 53) - 1);
    }
    stored(&store, std::slice::from_ref(&event)).await;
    let page = store.history(room, Page::Latest, 1).await.unwrap();
    assert_eq!(page.messages.into_iter().map(Event::Message).collect::<Vec<_>>(), [event]);
}
