//! Appending to the rooms' logs, and epochs.

use hubbub_protocol::http::RoomKind;
use hubbub_protocol::{
    Epoch, Event, Member, MemberChange, MessageId, Position, RoomChange, RoomDetails, RoomId, Seq,
    Timestamp, UserId,
};
use hubbub_store::{Appended, Page, StoreError, StoredPlace};

use crate::making::{AnyStore, a_room, at_once, message, message_as, message_by, room_of, stored};

/// Where an event is stored, if it is stored as given.
fn place_of(event: &Event) -> StoredPlace {
    StoredPlace { position: event.position(), sender: event.sender(), at: event.at() }
}

/// The same event at another place of its room.
fn moved(event: &Event, seq: u64) -> Event {
    event.clone().without_place().at(Position::new(event.epoch(), Seq(seq)))
}

async fn texts(store: &AnyStore, room: RoomId) -> Vec<(u64, String)> {
    let page = store.history(room, Page::Latest, 100).await.unwrap();
    page.messages.into_iter().map(|m| (m.seq.0, m.body.text)).collect()
}

pub(crate) async fn an_event_is_stored_once(store: AnyStore) {
    let room = a_room(&store).await;
    let event = message(room, 1);
    stored(&store, std::slice::from_ref(&event)).await;
    for _ in 0..2 {
        let again = store.append(std::slice::from_ref(&event)).await.unwrap();
        assert_eq!(again, [Appended::Already]);
    }
    assert_eq!(store.count_events(room, Seq(0), Seq(9)).await.unwrap(), 1);
    assert_eq!(store.append(&[]).await.unwrap(), []);
}

pub(crate) async fn an_event_of_every_kind_is_stored(store: AnyStore) {
    let room = a_room(&store).await;
    let (epoch, sender, at) = (Epoch(1), UserId::new(), Timestamp::now());
    let events = [
        message(room, 1),
        Event::Member(Member {
            room,
            epoch,
            seq: Seq(2),
            id: MessageId::new(),
            sender,
            at,
            user: UserId::new(),
            change: MemberChange::Joined,
            role: None,
            until: None,
        }),
        Event::Room(RoomChange {
            room,
            epoch,
            seq: Seq(3),
            id: MessageId::new(),
            sender,
            at,
            details: RoomDetails { name: Some("Renamed".to_owned()), ..RoomDetails::default() },
        }),
    ];
    stored(&store, &events).await;
    assert_eq!(store.append(&events).await.unwrap(), vec![Appended::Already; 3]);
    assert_eq!(store.count_events(room, Seq(0), Seq(3)).await.unwrap(), 3);
    assert_eq!(store.stored_head(room).await.unwrap().unwrap().seq, Seq(3));
    let ids: Vec<_> = events.iter().map(|event| (room, event.id())).collect();
    let places = store.places(&ids).await.unwrap();
    assert_eq!(places, events.iter().map(place_of).map(Some).collect::<Vec<_>>());
}

pub(crate) async fn a_double_is_void_and_leaves_no_gap(store: AnyStore) {
    let room = a_room(&store).await;
    let first = message(room, 1);
    let double = moved(&first, 2);
    let third = message(room, 3);
    stored(&store, std::slice::from_ref(&first)).await;
    let outcomes = store.append(&[double.clone(), third]).await.unwrap();
    assert_eq!(outcomes, [Appended::Double(place_of(&first)), Appended::Stored]);
    assert_eq!(store.count_events(room, Seq(0), Seq(3)).await.unwrap(), 3);
    assert_eq!(texts(&store, room).await.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [1, 3]);
    let again = store.append(std::slice::from_ref(&double)).await.unwrap();
    assert_eq!(again, [Appended::Double(place_of(&first))]);
    let place = store.places(&[(room, first.id())]).await.unwrap();
    assert_eq!(place, [Some(place_of(&first))]);
    // A void holds its place against others.
    assert_eq!(store.append(&[message(room, 2)]).await.unwrap(), [Appended::Fork]);
    assert_eq!(store.stored_head(room).await.unwrap().unwrap().seq, Seq(3));
}

pub(crate) async fn one_id_twice_in_a_batch_is_stored_once(store: AnyStore) {
    let room = a_room(&store).await;
    let event = message(room, 1);
    let batch =
        [event.clone(), event.clone(), moved(&event, 2), moved(&event, 2), moved(&event, 3)];
    let double = Appended::Double(place_of(&event));
    let outcomes = store.append(&batch).await.unwrap();
    assert_eq!(
        outcomes,
        [Appended::Stored, Appended::Already, double.clone(), double.clone(), double.clone()]
    );
    assert_eq!(
        store.append(&batch).await.unwrap(),
        [Appended::Already, Appended::Already, double.clone(), double.clone(), double]
    );
    assert_eq!(store.count_events(room, Seq(0), Seq(9)).await.unwrap(), 3);
    assert_eq!(texts(&store, room).await, [(1, "number 1".to_owned())]);
}

pub(crate) async fn another_event_at_a_taken_place_is_a_fork(store: AnyStore) {
    let room = a_room(&store).await;
    let first = message(room, 1);
    stored(&store, std::slice::from_ref(&first)).await;
    let usurper = message(room, 1);
    let outcomes = store.append(&[usurper.clone(), message(room, 2)]).await.unwrap();
    assert_eq!(outcomes, [Appended::Fork, Appended::Stored]);
    let places = store.places(&[(room, usurper.id()), (room, first.id())]).await.unwrap();
    assert_eq!(places, [None, Some(place_of(&first))]);
}

pub(crate) async fn a_double_at_a_taken_place_is_a_fork(store: AnyStore) {
    let room = a_room(&store).await;
    let (first, second) = (message(room, 1), message(room, 2));
    stored(&store, &[first.clone(), second]).await;
    let outcomes = store.append(&[moved(&first, 2)]).await.unwrap();
    assert_eq!(outcomes, [Appended::Fork]);
    assert_eq!(store.count_events(room, Seq(0), Seq(9)).await.unwrap(), 2);
}

pub(crate) async fn one_place_twice_in_a_batch_is_a_fork(store: AnyStore) {
    let room = a_room(&store).await;
    let batch = [message(room, 1), message(room, 1)];
    let outcomes = store.append(&batch).await.unwrap();
    assert_eq!(outcomes, [Appended::Stored, Appended::Fork]);
}

pub(crate) async fn an_id_is_unique_in_its_room_only(store: AnyStore) {
    let id = MessageId::new();
    let (here, there) = (a_room(&store).await, RoomId::direct(UserId::new(), UserId::new()));
    let (mine, yours) = (UserId::new(), UserId::new());
    let events = [message_as(id, here, 1, mine), message_as(id, there, 1, yours)];
    stored(&store, &events).await;
    let places = store.places(&[(there, id), (here, id)]).await.unwrap();
    assert_eq!(places, [Some(place_of(&events[1])), Some(place_of(&events[0]))]);
    // In one room, another author's event of the same id is told with the first one's author.
    let outcomes = store.append(&[message_as(id, here, 2, yours)]).await.unwrap();
    assert_eq!(outcomes, [Appended::Double(place_of(&events[0]))]);
}

pub(crate) async fn what_can_never_be_stored_is_refused_and_the_rest_is_stored(store: AnyStore) {
    let room = a_room(&store).await;
    let mut large = message(room, 2);
    if let Event::Message(message) = &mut large {
        message.body.text = "x".repeat(17 * 1024 * 1024);
    }
    let nowhere = message(room, 0);
    let beyond = message(room, 1 << 53);
    let batch = [message(room, 1), large, nowhere, beyond, message(room, 3)];
    let outcomes = store.append(&batch).await.unwrap();
    assert_eq!((&outcomes[0], &outcomes[4]), (&Appended::Stored, &Appended::Stored));
    let refused = |outcome: &Appended| matches!(outcome, Appended::Refused(_));
    assert!(outcomes[1..4].iter().all(refused), "{outcomes:?}");
    assert_eq!(store.count_events(room, Seq(0), Seq(9)).await.unwrap(), 2);
}

pub(crate) async fn the_same_batch_by_many_at_once_is_stored_once(store: AnyStore) {
    let room = a_room(&store).await;
    let batch: Vec<_> = (1..=50).map(|seq| message(room, seq)).collect();
    let outcomes = at_once(&store, 8, |_, store| {
        let batch = batch.clone();
        async move { store.append(&batch).await.unwrap() }
    })
    .await;
    for i in 0..batch.len() {
        let told: Vec<_> = outcomes.iter().map(|outcome| &outcome[i]).collect();
        assert_eq!(told.iter().filter(|o| ***o == Appended::Stored).count(), 1, "{told:?}");
        assert_eq!(told.iter().filter(|o| ***o == Appended::Already).count(), 7, "{told:?}");
    }
    assert_eq!(store.count_events(room, Seq(0), Seq(99)).await.unwrap(), 50);
}

pub(crate) async fn a_large_batch_is_told_one_by_one(store: AnyStore) {
    let room = a_room(&store).await;
    let before: Vec<_> = (1..=1500).map(|seq| message(room, seq)).collect();
    stored(&store, &before).await;
    // Every third as it was, every third as a double, every third new.
    let batch: Vec<_> = (0..1500_u64)
        .map(|i| match i % 3 {
            0 => before[usize::try_from(i).unwrap()].clone(),
            1 => moved(&before[usize::try_from(i).unwrap()], 2000 + i),
            _ => message(room, 2000 + i),
        })
        .collect();
    let outcomes = store.append(&batch).await.unwrap();
    for (i, outcome) in outcomes.iter().enumerate() {
        let expected = match i % 3 {
            0 => Appended::Already,
            1 => Appended::Double(place_of(&before[i])),
            _ => Appended::Stored,
        };
        assert_eq!(*outcome, expected, "{i}");
    }
    assert_eq!(store.count_events(room, Seq(0), Seq(9999)).await.unwrap(), 2500);
}

pub(crate) async fn places_are_told_in_the_order_asked(store: AnyStore) {
    let room = a_room(&store).await;
    let events: Vec<_> = (1..=5).map(|seq| message(room, seq)).collect();
    stored(&store, &events).await;
    let asked = [
        (room, events[3].id()),
        (room, MessageId::new()),
        (room, events[0].id()),
        (RoomId::new(), events[0].id()),
        (room, events[3].id()),
    ];
    let expected = [Some(&events[3]), None, Some(&events[0]), None, Some(&events[3])];
    let places = store.places(&asked).await.unwrap();
    assert_eq!(places, expected.map(|event| event.map(place_of)));
    assert_eq!(store.places(&[]).await.unwrap(), []);
}

pub(crate) async fn the_head_is_the_epoch_and_the_highest_seq(store: AnyStore) {
    let room = a_room(&store).await;
    let sender = UserId::new();
    stored(&store, &[message_by(sender, room, 2), message_by(sender, room, 9)]).await;
    stored(&store, &[message_by(sender, room, 4)]).await;
    let head = store.stored_head(room).await.unwrap();
    assert_eq!(head, Some(Position::new(Epoch(1), Seq(9))));
}

pub(crate) async fn an_epoch_is_opened_once_however_many_ask(store: AnyStore) {
    let new = room_of(UserId::new());
    assert_eq!(new.kind, RoomKind::Public);
    let room = store.create_room(new).await.unwrap().id;
    stored(&store, &[message(room, 3)]).await;
    let opened =
        at_once(
            &store,
            10,
            |_, store| async move { store.open_epoch(room, Epoch(1)).await.unwrap() },
        )
        .await;
    assert_eq!(opened, vec![Position::new(Epoch(2), Seq(3)); 10]);
    // Who comes late with the old loss gets what has begun since.
    assert_eq!(store.open_epoch(room, Epoch(2)).await.unwrap().epoch, Epoch(3));
    assert_eq!(store.open_epoch(room, Epoch(1)).await.unwrap().epoch, Epoch(3));
    assert_eq!(store.stored_head(room).await.unwrap(), Some(Position::new(Epoch(3), Seq(3))));
}

pub(crate) async fn a_room_that_does_not_exist_has_no_head(store: AnyStore) {
    assert_eq!(store.stored_head(RoomId::new()).await.unwrap(), None);
    let opened = store.open_epoch(RoomId::new(), Epoch(1)).await;
    assert!(matches!(opened, Err(StoreError::NoSuchRoom)), "{opened:?}");
}
