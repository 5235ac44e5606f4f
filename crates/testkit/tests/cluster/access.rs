//! Whoever may no longer hear or speak does not, on every node, at once (P6).

use std::time::{Duration, Instant};

use hubbub_protocol::{ClientFrame, CloseCode, ErrorCode, RoomId};
use hubbub_testkit::nodes::{Cluster, TestClient};

use crate::say_all;

/// How soon a lost membership takes effect.
const AT_ONCE: Duration = Duration::from_secs(1);

async fn no_longer_hears(client: &TestClient, room: RoomId) {
    client.until("the end of the room", |view| (!view.room(room).heard).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_on_one_node_stops_hearing_on_another_within_a_second() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob, eve) =
        (cluster.person(0).await, cluster.person(1).await, cluster.person(0).await);
    let room = ada.room_with(&[&bob, &eve]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let witness = cluster.connect(&bob, 1).await;
    let mut devices = [cluster.connect(&eve, 1).await, cluster.connect(&eve, 0).await];
    let before = say_all(&mut at_a, room, 3).await;
    for device in &devices {
        crate::sees_all(device, room, &before).await;
    }

    eve.api.leave(room).await.unwrap();
    let left = Instant::now();
    for device in &devices {
        no_longer_hears(device, room).await;
    }
    assert!(left.elapsed() < AT_ONCE, "{:?}", left.elapsed());
    let secret = at_a.say(room, "about eve").await;
    witness.sees(room, secret).await;
    at_a.acked(secret).await;
    for device in &mut devices {
        device.caught_up().await;
        assert_eq!(device.look(|view| view.room(room).place(secret)), None);
        let id = device.say(room, "let me in").await;
        assert_eq!(device.refused(id).await.code, ErrorCode::RoomNotFound);
        device.transmit(&ClientFrame::Subscribe { room, epoch: None, seq: None }).await;
        device
            .until("a refusal", |view| {
                let mut refused = view.errors.iter().filter(|error| error.id.is_none());
                refused.find(|error| error.code == ErrorCode::RoomNotFound).map(drop)
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_joined_on_one_device_is_heard_on_another_node_too() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(0).await);
    let mut device = cluster.connect(&bob, 1).await;
    let room = ada.room_with(&[]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let early = say_all(&mut at_a, room, 3).await;
    assert!(device.look(|view| view.rooms.is_empty()));

    let code = ada.api.room(room).await.unwrap();
    bob.join(&code).await;
    device.until("the joined room", |view| view.rooms.get(&room).map(drop)).await;
    let welcome = at_a.say(room, "welcome").await;
    device.sees(room, welcome).await;
    assert_eq!(device.look(|view| view.room(room).place(early[0])), None, "it begins at its head");
    let reply = device.say(room, "thanks").await;
    at_a.sees(room, reply).await;
    device.acked(reply).await;

    // Out and in again, as often as one likes.
    for round in 0..3 {
        bob.api.leave(room).await.unwrap();
        no_longer_hears(&device, room).await;
        bob.join(&code).await;
        device.until("the room again", |view| view.room(room).heard.then_some(())).await;
        let id = at_a.say(room, &format!("again {round}")).await;
        device.sees(room, id).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_closes_the_sessions_sockets_on_every_node_and_no_other() {
    let cluster = Cluster::start(2, 1).await;
    let ada = cluster.person(0).await;
    let elsewhere = ada.login(cluster.address(1)).await;
    let ending = [cluster.connect(&ada, 0).await, cluster.connect(&ada, 1).await];
    let mut staying = [cluster.connect(&elsewhere, 0).await, cluster.connect(&elsewhere, 1).await];

    ada.api.logout().await.unwrap();
    for device in &ending {
        assert_eq!(device.ended().await.code, Some(CloseCode::SessionEnded.code()));
    }
    for device in &mut staying {
        device.caught_up().await;
        assert_eq!(device.look(|view| view.ended.clone()), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_outlives_its_token_only_by_refreshing_in_band() {
    let cluster = Cluster::builder()
        .tuned(|settings| settings.access_token_ttl = Duration::from_secs(2))
        .start(1, 1)
        .await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(0).await);
    let mut refreshing = cluster.connect(&ada, 0).await;
    let careless = cluster.connect(&bob, 0).await;

    let keep_on = async {
        loop {
            // Rotates: no token lasts that long.
            let token = ada.api.access_token(Duration::from_secs(3600)).await.unwrap();
            refreshing.transmit(&ClientFrame::Refresh { token: Some(token) }).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let ended = tokio::select! {
        () = keep_on => unreachable!("it never ends"),
        ended = careless.ended() => ended,
    };
    assert_eq!(ended.code, Some(CloseCode::TokenExpired.code()));
    assert!(CloseCode::reconnect(CloseCode::TokenExpired.code()));
    refreshing.caught_up().await;
    assert_eq!(refreshing.look(|view| (view.ended.clone(), view.errors.len())), (None, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_while_their_node_is_cut_off_learns_nothing_that_was_said_afterwards() {
    let cluster = Cluster::builder().with_proxies().start(2, 1).await;
    let (ada, bob, eve) =
        (cluster.person(0).await, cluster.person(0).await, cluster.person(0).await);
    let room = ada.room_with(&[&bob, &eve]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let witness = cluster.connect(&bob, 1).await;
    let device = cluster.connect(&eve, 1).await;
    let before = say_all(&mut at_a, room, 3).await;
    crate::sees_all(&device, room, &before).await;

    cluster.gateway(1).redis_proxy().cut();
    let last = at_a.say(room, "what eve may still hear").await;
    at_a.acked(last).await;
    eve.api.leave(room).await.unwrap();
    let secret = at_a.say(room, "about eve").await;
    at_a.acked(secret).await;
    // The store can't help in time: the log itself says where her membership ended.
    cluster.gateway(1).mongo_proxy().set_delay(Duration::from_millis(500));
    cluster.gateway(1).redis_proxy().heal();

    witness.sees(room, secret).await;
    no_longer_hears(&device, room).await;
    let next = at_a.say(room, "more about eve").await;
    witness.sees(room, next).await;
    for hidden in [secret, next] {
        assert_eq!(device.look(|view| view.room(room).place(hidden)), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_that_a_node_could_not_hear_takes_effect_when_it_hears_again() {
    let cluster = Cluster::builder().with_proxies().start(2, 1).await;
    let ada = cluster.person(0).await;
    let elsewhere = ada.login(cluster.address(0)).await;
    let ending = cluster.connect(&ada, 1).await;
    let mut staying = cluster.connect(&elsewhere, 1).await;
    cluster.gateway(1).redis_proxy().cut();
    ada.api.logout().await.unwrap();
    cluster.gateway(1).redis_proxy().heal();
    assert_eq!(ending.ended().await.code, Some(CloseCode::SessionEnded.code()));
    staying.caught_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_direct_room_opened_from_both_sides_at_once_is_one_room() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let (mut at_a, mut at_b) = (cluster.connect(&ada, 0).await, cluster.connect(&bob, 1).await);
    let (from_a, from_b) = tokio::join!(ada.api.direct(bob.id()), bob.api.direct(ada.id()));
    let room = from_a.unwrap().id;
    assert_eq!(from_b.unwrap().id, room);
    for (client, other) in [(&mut at_a, bob.id()), (&mut at_b, ada.id())] {
        client.until("the room", |view| view.rooms.get(&room).map(drop)).await;
        assert_eq!(room, RoomId::direct(client.user(), other));
    }
    let question = at_a.say(room, "hello?").await;
    at_b.sees(room, question).await;
    let answer = at_b.say(room, "hello").await;
    at_a.sees(room, answer).await;
    at_b.acked(answer).await;
}
