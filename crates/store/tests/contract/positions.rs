//! How far members have come.

use hubbub_protocol::http::NotifyLevel;
use hubbub_protocol::limits::UNREAD_MAX;
use hubbub_protocol::{Epoch, Event, Position, RoomId, Seq, UserId};
use hubbub_store::{PositionChange, PositionRecord, UnreadRange};

use crate::making::{AnyStore, a_room, at_once, message_by, stored};

/// How far somebody has come.
fn at(row: &PositionRecord) -> (u64, u64) {
    (row.delivered.0, row.read.0)
}

pub(crate) fn forward(delivered: Option<u64>, read: Option<u64>) -> PositionChange {
    let (delivered, read) = (delivered.map(Seq), read.map(Seq));
    PositionChange { delivered, read, ..PositionChange::default() }
}

pub(crate) fn unread_from(from: u64) -> PositionChange {
    PositionChange { unread_from: Some(Seq(from)), ..PositionChange::default() }
}

/// Everything of a room after a place.
pub(crate) fn range_after(room: RoomId, after: u64) -> UnreadRange {
    UnreadRange { room, after: Seq(after), upto: Seq(100_000) }
}

pub(crate) async fn unread_of(store: &AnyStore, user: UserId, ranges: &[UnreadRange]) -> Vec<u64> {
    let unread = store.unread(user, ranges).await.unwrap();
    unread.iter().map(|unread| unread.messages).collect()
}

pub(crate) async fn positions_only_move_forward(store: AnyStore) {
    let (room, user) = (a_room(&store).await, UserId::new());
    for (delivered, read, expected) in [
        (None, None, (0, 0)),
        (Some(5), None, (5, 0)),
        (Some(3), Some(2), (5, 2)),
        (None, Some(1), (5, 2)),
        (Some(9), Some(4), (9, 4)),
        (None, None, (9, 4)),
    ] {
        let moved = store.mark(room, user, forward(delivered, read)).await.unwrap();
        assert_eq!(at(&moved.to), expected);
    }
}

pub(crate) async fn reading_implies_delivery(store: AnyStore) {
    let (room, user) = (a_room(&store).await, UserId::new());
    let moved = store.mark(room, user, forward(None, Some(4))).await.unwrap();
    assert_eq!(at(&moved.to), (4, 4));
    let moved = store.mark(room, user, forward(Some(5), Some(7))).await.unwrap();
    assert_eq!((at(&moved.from), at(&moved.to)), ((4, 4), (7, 7)));
}

pub(crate) async fn first_marks_at_once_leave_one_position(store: AnyStore) {
    let (room, user) = (a_room(&store).await, UserId::new());
    at_once(&store, 20, |i, store| async move {
        store.mark(room, user, forward(None, Some(i as u64 + 1))).await.unwrap()
    })
    .await;
    let positions = store.positions(user, &[room]).await.unwrap();
    assert_eq!(positions.iter().map(at).collect::<Vec<_>>(), [(20, 20)]);
}

pub(crate) async fn positions_are_told_in_the_order_asked(store: AnyStore) {
    let (user, other) = (UserId::new(), UserId::new());
    let rooms = [RoomId::new(), RoomId::direct(user, other), RoomId::new()];
    store.mark(rooms[0], user, forward(Some(3), None)).await.unwrap();
    store.mark(rooms[1], user, forward(None, Some(2))).await.unwrap();
    store.mark(rooms[2], other, forward(None, Some(9))).await.unwrap();
    let asked = [rooms[2], rooms[1], rooms[0]];
    let mine = store.positions(user, &asked).await.unwrap();
    assert_eq!(mine.iter().map(at).collect::<Vec<_>>(), [(0, 0), (2, 2), (3, 0)]);
    assert!(mine.iter().map(|row| row.room).eq(asked));
    assert_eq!(mine[0], PositionRecord::start(rooms[2], user));
    let pairs = [(rooms[2], other), (rooms[0], other), (rooms[0], user)];
    let among = store.positions_among(&pairs).await.unwrap();
    assert_eq!(among.iter().map(at).collect::<Vec<_>>(), [(9, 9), (0, 0), (3, 0)]);
    assert_eq!(store.positions(user, &[]).await.unwrap(), []);
}

pub(crate) async fn unread_are_the_messages_of_others_after_the_mark(store: AnyStore) {
    let (room, me, other) = (a_room(&store).await, UserId::new(), UserId::new());
    let first = message_by(other, room, 1);
    let double = first.clone().without_place().at(Position::new(Epoch(1), Seq(4)));
    stored(&store, &[first, message_by(me, room, 2), message_by(other, room, 3)]).await;
    store.append(&[double]).await.unwrap();
    stored(&store, &[message_by(other, room, 5)]).await;
    for (read, unread) in [(0, 3), (1, 2), (2, 2), (3, 1), (4, 1), (5, 0), (9, 0)] {
        assert_eq!(
            unread_of(&store, me, &[range_after(room, read)]).await,
            [unread],
            "after {read}"
        );
    }
    assert_eq!(unread_of(&store, other, &[range_after(room, 0)]).await, [1]);
    assert_eq!(unread_of(&store, me, &[]).await, [0; 0]);
}

pub(crate) async fn a_count_of_unread_messages_ends_at_its_bound(store: AnyStore) {
    let (room, me, other) = (a_room(&store).await, UserId::new(), UserId::new());
    let events: Vec<_> = (1..=UNREAD_MAX + 5).map(|seq| message_by(other, room, seq)).collect();
    stored(&store, &events).await;
    for (read, unread) in [(0, UNREAD_MAX), (5, UNREAD_MAX), (6, UNREAD_MAX - 1)] {
        for upto in [UNREAD_MAX + 5, 100_000] {
            let range = UnreadRange { upto: Seq(upto), ..range_after(room, read) };
            assert_eq!(unread_of(&store, me, &[range]).await, [unread], "{range:?}");
        }
    }
}

pub(crate) async fn a_room_marked_unread_is_so_until_more_is_read(store: AnyStore) {
    let (room, user) = (a_room(&store).await, UserId::new());
    store.mark(room, user, forward(None, Some(7))).await.unwrap();
    let marked = store.mark(room, user, unread_from(3)).await.unwrap().to;
    assert_eq!((marked.unread_from, marked.read, marked.version), (Some(Seq(3)), Seq(7), 2));
    let again = store.mark(room, user, forward(Some(7), Some(7))).await.unwrap();
    assert!(!again.is_change(), "nothing more was read");
    assert_eq!(store.positions(user, &[room]).await.unwrap(), [marked]);
    let on = store.mark(room, user, forward(None, Some(8))).await.unwrap().to;
    assert_eq!((on.unread_from, on.read), (None, Seq(8)));
    store.mark(room, user, unread_from(2)).await.unwrap();
    let back = store.mark(room, user, unread_from(0)).await.unwrap().to;
    assert_eq!((back.unread_from, back.version), (None, 5));
}

pub(crate) async fn a_notify_level_is_kept_beside_the_position(store: AnyStore) {
    let (room, user) = (a_room(&store).await, UserId::new());
    for notify in [NotifyLevel::Nothing, NotifyLevel::All, NotifyLevel::Mentions] {
        let change = PositionChange { notify: Some(notify), ..PositionChange::default() };
        let moved = store.mark(room, user, change).await.unwrap();
        assert!(moved.is_change());
        store.mark(room, user, forward(None, Some(moved.to.version))).await.unwrap();
        assert_eq!(store.positions(user, &[room]).await.unwrap()[0].notify, notify);
    }
}

pub(crate) async fn changes_at_once_each_count_once(store: AnyStore) {
    let (room, user) = (a_room(&store).await, UserId::new());
    let moves = at_once(&store, 12, |i, store| async move {
        let change = forward(Some(i as u64 + 1), None);
        store.mark(room, user, change).await.unwrap()
    })
    .await;
    let made = moves.iter().filter(|moved| moved.is_change()).count() as u64;
    assert_eq!(store.positions(user, &[room]).await.unwrap()[0].version, made);
}

pub(crate) async fn unread_of_many_rooms_are_told_in_the_order_asked(store: AnyStore) {
    let (me, other) = (UserId::new(), UserId::new());
    let rooms: Vec<_> = (0..250).map(|_| RoomId::new()).collect();
    let events: Vec<Event> = rooms
        .iter()
        .enumerate()
        .flat_map(|(i, room)| (1..=i as u64 % 4).map(|seq| message_by(other, *room, seq)))
        .collect();
    stored(&store, &events).await;
    // Some short enough to be counted together, some not.
    let range = |(i, room): (usize, &RoomId)| {
        let upto = Seq(if i % 5 == 0 { 50_000 } else { 3 });
        UnreadRange { room: *room, after: Seq(1), upto }
    };
    let mut asked: Vec<_> = rooms.iter().enumerate().map(range).collect();
    asked.extend([0, 2].map(|read| UnreadRange { upto: Seq(3), ..range_after(rooms[3], read) }));
    let mut expected: Vec<_> = (0..250_u64).map(|i| (i % 4).saturating_sub(1)).collect();
    expected.extend([3, 1]);
    assert_eq!(unread_of(&store, me, &asked).await, expected);
}
