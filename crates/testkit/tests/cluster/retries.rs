//! Once, however often it is sent, wherever and whenever (P4).

use hubbub_protocol::{ErrorCode, MessageId, RoomId};
use hubbub_testkit::nodes::{Cluster, Person, TestClient};

use crate::{id_made_in, say_all, times_stored};

const DAY: i64 = 24 * 60 * 60;

/// Somebody with a device on each of two gateways, and somebody who listens.
struct Scene {
    ada: Person,
    room: RoomId,
    at_a: TestClient,
    at_b: TestClient,
    listener: TestClient,
}

impl Scene {
    async fn of(cluster: &Cluster) -> Self {
        let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
        let room = ada.room_with(&[&bob]).await;
        Self {
            room,
            at_a: cluster.connect(&ada, 0).await,
            at_b: cluster.connect(&ada, 1).await,
            listener: cluster.connect(&bob, 1).await,
            ada,
        }
    }

    /// Fails if anything was published since the listener saw the message with this id.
    async fn nothing_followed(&mut self, id: MessageId) {
        let place = self.listener.sees(self.room, id).await;
        let next = self.at_a.say(self.room, "what follows").await;
        let following = self.listener.sees(self.room, next).await;
        assert_eq!(following.seq, place.seq.next(), "something came in between");
    }
}

/// Lets Redis forget an id, as it does after the dedupe window.
async fn forget(cluster: &Cluster, room: RoomId, id: MessageId) {
    let keys = [0, 1].map(|partition| format!("{{p{partition}}}:id:{room}:{id}"));
    assert_eq!(cluster.redis().cli(&["DEL", &keys[0], &keys[1]]).await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_on_another_node_returns_the_first_seq() {
    let cluster = Cluster::start(2, 1).await;
    let mut scene = Scene::of(&cluster).await;
    let id = scene.at_a.say(scene.room, "once").await;
    let first = scene.at_a.acked(id).await;
    scene.at_b.say_as(id, scene.room, "once").await;
    assert_eq!(scene.at_b.acked(id).await, first);
    scene.nothing_followed(id).await;
    assert_eq!(times_stored(&cluster, scene.room, &[id]).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sends_under_one_id_at_the_same_moment_are_one_message() {
    const TIMES: usize = 20;
    let cluster = Cluster::start(2, 1).await;
    let mut scene = Scene::of(&cluster).await;
    for id in [MessageId::new(), id_made_in(-DAY)] {
        let mut devices = Vec::new();
        for number in 0..4 {
            devices.push(cluster.connect(&scene.ada, number % 2).await);
        }
        let sending = devices.into_iter().map(|mut device| {
            tokio::spawn(async move {
                for _ in 0..TIMES {
                    device.say_as(id, scene.room, "all at once").await;
                }
                let ack = device.acked(id).await;
                device.caught_up().await;
                assert_eq!(device.look(|view| view.errors.len()), 0);
                ack
            })
        });
        let mut acks = Vec::new();
        for task in sending.collect::<Vec<_>>() {
            acks.push(task.await.unwrap());
        }
        assert!(acks.windows(2).all(|pair| pair[0] == pair[1]), "{acks:?}");
        scene.nothing_followed(id).await;
        assert_eq!(times_stored(&cluster, scene.room, &[id]).await, [1]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_of_what_is_not_stored_yet_waits_for_the_first() {
    let mut cluster = Cluster::start(2, 0).await;
    let mut scene = Scene::of(&cluster).await;
    let id = scene.at_a.say(scene.room, "once").await;
    scene.listener.sees(scene.room, id).await;
    scene.at_b.say_as(id, scene.room, "once").await;
    scene.at_a.say_as(id, scene.room, "once").await;
    scene.at_a.caught_up().await;
    scene.at_b.caught_up().await;
    assert!(scene.at_a.look(|view| view.acks.is_empty()), "acked what nobody has stored");
    assert!(scene.at_b.look(|view| view.acks.is_empty()), "acked what nobody has stored");

    cluster.add_worker().await;
    assert_eq!(scene.at_a.acked(id).await, scene.at_b.acked(id).await);
    scene.nothing_followed(id).await;
    assert_eq!(times_stored(&cluster, scene.room, &[id]).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_after_the_dedupe_window_returns_the_first_seq() {
    let cluster = Cluster::start(2, 1).await;
    let mut scene = Scene::of(&cluster).await;
    let id = id_made_in(-DAY);
    scene.at_a.say_as(id, scene.room, "long ago").await;
    let first = scene.at_a.acked(id).await;
    forget(&cluster, scene.room, id).await;
    scene.at_b.say_as(id, scene.room, "long ago").await;
    assert_eq!(scene.at_b.acked(id).await, first);
    scene.nothing_followed(id).await;
    assert_eq!(times_stored(&cluster, scene.room, &[id]).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_under_an_id_without_a_time_returns_the_first_seq() {
    let cluster = Cluster::start(2, 1).await;
    let mut scene = Scene::of(&cluster).await;
    let id = MessageId::from_uuid(uuid::Uuid::new_v4());
    scene.at_a.say_as(id, scene.room, "version 4").await;
    let first = scene.at_a.acked(id).await;
    forget(&cluster, scene.room, id).await;
    scene.at_b.say_as(id, scene.room, "version 4").await;
    assert_eq!(scene.at_b.acked(id).await, first);
    scene.nothing_followed(id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_of_somebody_elses_message_is_a_conflict() {
    let cluster = Cluster::start(2, 1).await;
    let mut scene = Scene::of(&cluster).await;
    let (fresh, old) = (MessageId::new(), id_made_in(-DAY));
    for id in [fresh, old] {
        scene.at_a.say_as(id, scene.room, "mine").await;
        scene.at_a.acked(id).await;
    }
    forget(&cluster, scene.room, old).await;
    for id in [fresh, old] {
        scene.listener.say_as(id, scene.room, "not mine").await;
        let refusal = scene.listener.refused(id).await;
        assert_eq!(refusal.code, ErrorCode::IdConflict);
        assert_eq!(refusal.retry_after_ms, None, "no retry makes it one's own");
    }
    scene.nothing_followed(old).await;
    assert_eq!(times_stored(&cluster, scene.room, &[fresh, old]).await, [1, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_id_in_two_rooms_names_two_messages() {
    let cluster = Cluster::start(2, 1).await;
    let mut scene = Scene::of(&cluster).await;
    let other = scene.ada.room_with(&[]).await;
    scene.at_a.until("the new room", |view| view.rooms.get(&other).map(drop)).await;
    let id = scene.at_a.say(scene.room, "here").await;
    scene.at_a.acked(id).await;
    scene.at_a.say_as(id, other, "there").await;
    scene
        .at_a
        .until("two acks", |view| (view.acks.get(&id).map(Vec::len) == Some(2)).then_some(()))
        .await;
    assert_eq!(times_stored(&cluster, scene.room, &[id]).await, [1]);
    assert_eq!(times_stored(&cluster, other, &[id]).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_from_the_far_future_is_refused() {
    let cluster = Cluster::start(1, 1).await;
    let ada = cluster.person(0).await;
    let room = ada.room_with(&[]).await;
    let mut client = cluster.connect(&ada, 0).await;
    let (too_far, ahead) = (id_made_in(2 * DAY), id_made_in(DAY / 2));
    client.say_as(too_far, room, "the day after tomorrow").await;
    assert_eq!(client.refused(too_far).await.code, ErrorCode::IdInFuture);
    client.say_as(ahead, room, "a fast clock").await;
    client.acked(ahead).await;
    say_all(&mut client, room, 1).await;
    assert_eq!(times_stored(&cluster, room, &[too_far, ahead]).await, [0, 1]);
}
