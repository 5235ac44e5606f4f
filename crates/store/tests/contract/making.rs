//! People, rooms and events to test with.

use std::sync::Arc;

use hubbub_protocol::http::RoomKind;
use hubbub_protocol::{
    Epoch, Event, Message, MessageBody, MessageId, RoomCode, RoomId, Seq, Timestamp, UserId,
};
use hubbub_store::{Appended, NewRoom, NewUser, Store};

pub(crate) type AnyStore = Arc<dyn Store>;

pub(crate) fn account(username: &str, display_name: &str) -> NewUser {
    NewUser {
        id: UserId::new(),
        username: username.to_owned(),
        display_name: display_name.to_owned(),
        email: Some(format!("{username}@example.org")),
        password_hash: format!("$argon2id${username}"),
        created_at: Timestamp::now(),
    }
}

pub(crate) fn room_of(owner: UserId) -> NewRoom {
    NewRoom {
        id: RoomId::new(),
        kind: RoomKind::Public,
        name: "Lounge".to_owned(),
        description: "For everything".to_owned(),
        code: RoomCode::new(),
        owner,
        created_at: Timestamp::now(),
    }
}

/// Makes a room of somebody.
pub(crate) async fn a_room(store: &AnyStore) -> RoomId {
    let room = room_of(UserId::new());
    store.create_room(room).await.unwrap().id
}

pub(crate) fn message_as(id: MessageId, room: RoomId, seq: u64, sender: UserId) -> Event {
    Event::Message(Message {
        room,
        epoch: Epoch(1),
        seq: Seq(seq),
        id,
        sender,
        at: Timestamp::now(),
        body: MessageBody::text(format!("number {seq}")),
        edited_at: None,
        deleted_at: None,
        reactions: Vec::new(),
    })
}

pub(crate) fn message_by(sender: UserId, room: RoomId, seq: u64) -> Event {
    message_as(MessageId::new(), room, seq, sender)
}

pub(crate) fn message(room: RoomId, seq: u64) -> Event {
    message_by(UserId::new(), room, seq)
}

/// Stores events that nothing stands in the way of.
pub(crate) async fn stored(store: &AnyStore, events: &[Event]) {
    let outcomes = store.append(events).await.unwrap();
    assert_eq!(outcomes, vec![Appended::Stored; events.len()]);
}

/// What many tasks at once make of the same store.
pub(crate) async fn at_once<T, F>(
    store: &AnyStore,
    tasks: usize,
    mut task: impl FnMut(usize, AnyStore) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let running: Vec<_> = (0..tasks).map(|i| tokio::spawn(task(i, Arc::clone(store)))).collect();
    let mut results = Vec::with_capacity(tasks);
    for task in running {
        results.push(task.await.unwrap());
    }
    results
}
