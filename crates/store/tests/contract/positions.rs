//! How far members have come.

use std::collections::BTreeMap;

use hubbub_protocol::{Epoch, Event, Position, RoomId, Seq, UserId};
use hubbub_store::PositionRecord;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;

use crate::making::{AnyStore, a_room, at_once, message_by, stored};

fn at(room: RoomId, user: UserId, delivered: u64, read: u64) -> PositionRecord {
    PositionRecord { room, user, delivered: Seq(delivered), read: Seq(read) }
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
        let marked = store.mark(room, user, delivered.map(Seq), read.map(Seq)).await.unwrap();
        assert_eq!(marked, at(room, user, expected.0, expected.1));
    }
}

pub(crate) async fn reading_implies_delivery(store: AnyStore) {
    let (room, user) = (a_room(&store).await, UserId::new());
    let marked = store.mark(room, user, None, Some(Seq(4))).await.unwrap();
    assert_eq!(marked, at(room, user, 4, 4));
    let marked = store.mark(room, user, Some(Seq(5)), Some(Seq(7))).await.unwrap();
    assert_eq!(marked, at(room, user, 7, 7));
}

pub(crate) async fn first_marks_at_once_leave_one_position(store: AnyStore) {
    let (room, user) = (a_room(&store).await, UserId::new());
    at_once(&store, 20, |i, store| async move {
        store.mark(room, user, None, Some(Seq(i as u64 + 1))).await.unwrap()
    })
    .await;
    let positions = store.positions(user, &[room]).await.unwrap();
    assert_eq!(positions, [at(room, user, 20, 20)]);
}

pub(crate) async fn positions_are_told_in_the_order_asked(store: AnyStore) {
    let (user, other) = (UserId::new(), UserId::new());
    let rooms = [RoomId::new(), RoomId::direct(user, other), RoomId::new()];
    store.mark(rooms[0], user, Some(Seq(3)), None).await.unwrap();
    store.mark(rooms[1], user, None, Some(Seq(2))).await.unwrap();
    store.mark(rooms[2], other, None, Some(Seq(9))).await.unwrap();
    let asked = [rooms[2], rooms[1], rooms[0]];
    let expected = [at(rooms[2], user, 0, 0), at(rooms[1], user, 2, 2), at(rooms[0], user, 3, 0)];
    assert_eq!(store.positions(user, &asked).await.unwrap(), expected);
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
        let counted = store.unread(me, &[(room, Seq(read))]).await.unwrap();
        assert_eq!(counted, [unread], "after {read}");
    }
    assert_eq!(store.unread(other, &[(room, Seq(0))]).await.unwrap(), [1]);
    assert_eq!(store.unread(me, &[]).await.unwrap(), [0; 0]);
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
    let mut asked: Vec<_> = rooms.iter().map(|room| (*room, Seq(1))).collect();
    asked.push((rooms[3], Seq(0)));
    asked.push((rooms[3], Seq(2)));
    let mut expected: Vec<_> = (0..250_u64).map(|i| (i % 4).saturating_sub(1)).collect();
    expected.extend([3, 1]);
    assert_eq!(store.unread(me, &asked).await.unwrap(), expected);
}

/// What happens in the property's rooms.
#[derive(Debug, Clone)]
enum Step {
    Say { room: usize, by: usize },
    Mark { room: usize, by: usize, read: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3_usize, 0..3_usize).prop_map(|(room, by)| Step::Say { room, by }),
        1 => (0..3_usize, 0..3_usize, 0..12_u64)
            .prop_map(|(room, by, read)| Step::Mark { room, by, read }),
    ];
    proptest::collection::vec(step, 0..40)
}

/// Carries the steps out and compares what the store counts with what a list of it all says.
async fn recount(store: &AnyStore, steps: &[Step]) -> Result<(), TestCaseError> {
    let rooms: Vec<_> = (0..3).map(|_| RoomId::new()).collect();
    let users: Vec<_> = (0..3).map(|_| UserId::new()).collect();
    let mut said: Vec<Vec<usize>> = vec![Vec::new(); 3];
    let mut read: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    let mut events = Vec::new();
    for step in steps {
        match *step {
            Step::Say { room, by } => {
                said[room].push(by);
                events.push(message_by(users[by], rooms[room], said[room].len() as u64));
            }
            Step::Mark { room, by, read: upto } => {
                store.mark(rooms[room], users[by], None, Some(Seq(upto))).await.unwrap();
                let read = read.entry((room, by)).or_default();
                *read = upto.max(*read);
            }
        }
    }
    stored(store, &events).await;
    for (i, user) in users.iter().enumerate() {
        let positions = store.positions(*user, &rooms).await.unwrap();
        let asked: Vec<_> = positions.iter().map(|p| (p.room, p.read)).collect();
        let naive: Vec<u64> = (0..3)
            .map(|room| {
                let read = read.get(&(room, i)).copied().unwrap_or(0);
                let after = said[room].iter().skip(usize::try_from(read).unwrap());
                after.filter(|by| **by != i).count() as u64
            })
            .collect();
        prop_assert_eq!(store.unread(*user, &asked).await.unwrap(), naive);
    }
    Ok(())
}

pub(crate) async fn unread_is_what_a_recount_finds(store: AnyStore) {
    let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&steps(), |steps| Handle::current().block_on(recount(&store, &steps)))
    });
    outcome.unwrap();
}
