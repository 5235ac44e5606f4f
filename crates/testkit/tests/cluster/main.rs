//! The promises of a cluster, on real gateways, workers, Redis and MongoDB.
//!
//! Every client here checks each frame it receives (see `hubbub_testkit::nodes::view`): order,
//! holes and doubles are judged in all tests, whatever they are about.

mod access;
mod chaos;
mod conversation;
mod deaths;
mod drain;
mod encrypted;
mod events;
mod everywhere;
mod limits;
mod lobby;
mod messages;
mod mongodb_trouble;
mod people;
mod positions;
mod presence;
mod readers;
mod redis_cluster;
mod redis_loss;
mod redis_trouble;
mod resume;
mod retries;
mod rooms;
mod search;
mod seeing_inside;
mod standalone;
mod uploads;

use hubbub_protocol::{MessageId, RoomId, Timestamp};
use hubbub_testkit::nodes::{Cluster, TestClient};

/// A message id of UUID version 7 whose time is `seconds` from now, or before now if negative.
fn id_made_in(seconds: i64) -> MessageId {
    let millis = (Timestamp::now().millis() + seconds * 1000).cast_unsigned();
    let mut random = [0; 10];
    random.copy_from_slice(&uuid::Uuid::new_v4().as_bytes()[..10]);
    MessageId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

/// The texts of a room's messages as MongoDB holds them, in order of place.
async fn stored_texts(cluster: &Cluster, room: RoomId) -> Vec<String> {
    cluster.stored(room).await.into_iter().filter_map(|event| event.text).collect()
}

/// How often MongoDB holds each of these messages: once, if all is well.
async fn times_stored(cluster: &Cluster, room: RoomId, ids: &[MessageId]) -> Vec<usize> {
    let stored = cluster.stored(room).await;
    let times = |id| stored.iter().filter(|e| e.id == id && e.kind == "message").count();
    ids.iter().map(|id| times(*id)).collect()
}

/// Says so many things and waits until each is acked.
async fn say_all(client: &mut TestClient, room: RoomId, count: usize) -> Vec<MessageId> {
    let mut ids = Vec::with_capacity(count);
    for n in 0..count {
        ids.push(client.say(room, &format!("message {n}")).await);
    }
    all_acked(client, &ids).await;
    ids
}

/// Waits until each of these messages is acked.
async fn all_acked(client: &TestClient, ids: &[MessageId]) {
    client
        .until("every ack", |view| ids.iter().all(|id| view.acks.contains_key(id)).then_some(()))
        .await;
}

/// Waits until each of these messages is on the screen.
async fn sees_all(client: &TestClient, room: RoomId, ids: &[MessageId]) {
    client
        .until("every message", |view| {
            let room = view.rooms.get(&room)?;
            ids.iter().all(|id| room.place(*id).is_some()).then_some(())
        })
        .await;
}
