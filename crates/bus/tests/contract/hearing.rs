//! Fan-out to one node.

use std::time::Duration;

use bytes::Bytes;
use hubbub_bus::Control;
use hubbub_protocol::client::DeviceStatus::Online;
use hubbub_protocol::{ConnectionId, RoomId, SessionId, UserId};

use crate::backend::{Backend, at, eventually};
use crate::heard::Word;

pub(crate) async fn a_subscribed_room_is_heard_in_order(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    node.hear(&[room]).await;
    for _ in 0..100 {
        node.say(room).await;
    }
    node.heard.until("all", |_| node.heard.positions(room).len() >= 100).await;
    assert!(node.heard.positions(room).into_iter().eq((1..=100).map(|seq| at(1, seq))));
    assert_eq!(node.heard.count_of(&Word::Gap(room)), 0);
}

pub(crate) async fn a_room_is_heard_from_its_confirmation_on(backend: &Backend) {
    let node = backend.node("a").await;
    let mut rooms = Vec::new();
    for _ in 0..50 {
        let room = node.room().await;
        node.say(room).await;
        rooms.push(room);
    }
    node.hear(&rooms).await;
    for room in &rooms {
        node.say(*room).await;
    }
    for room in &rooms {
        node.heard.until("the second", |_| !node.heard.positions(*room).is_empty()).await;
        assert_eq!(node.heard.positions(*room), [at(1, 2)]);
    }
}

pub(crate) async fn an_unsubscribed_room_is_silent(backend: &Backend) {
    let node = backend.node("a").await;
    let (silent, loud) = (node.room().await, node.room().await);
    node.hear(&[silent, loud]).await;
    node.bus.unsubscribe(&[silent]);
    // An unsubscription takes effect when it gets there.
    eventually("silence", async || {
        let before = node.heard.positions(silent).len();
        node.say(silent).await;
        let mark = node.say(loud).await;
        node.heard.until("the loud one", |_| node.heard.positions(loud).contains(&mark)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        node.heard.positions(silent).len() == before
    })
    .await;
}

pub(crate) async fn a_room_subscribed_again_is_confirmed_again(backend: &Backend) {
    let node = backend.node("a").await;
    let room = node.room().await;
    node.hear(&[room]).await;
    node.heard.clear();
    node.hear(&[room]).await;
    node.bus.unsubscribe(&[room]);
    node.heard.clear();
    node.hear(&[room]).await;
    let position = node.say(room).await;
    node.heard.until("it", |_| node.heard.positions(room) == [position]).await;
}

pub(crate) async fn a_volatile_frame_carries_its_key(backend: &Backend) {
    let node = backend.node("a").await;
    let room = RoomId::new();
    node.hear(&[room]).await;
    let frame = r#"{"type":"typing";"}"#;
    node.bus.publish_volatile(room, "typing:x", frame).await.unwrap();
    let word = Word::Volatile(room, "typing:x".into(), Bytes::from(frame));
    node.heard.until_word(word).await;
}

pub(crate) async fn a_control_word_comes_back_to_its_node(backend: &Backend) {
    let node = backend.node("a").await;
    eventually("the probe", async || node.bus.probe_age().is_some()).await;
    let control = Control::SessionEnded { session: SessionId::new() };
    eventually("the word", async || {
        node.bus.publish_control(&control).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        node.heard.count_of(&Word::Control(control.clone())) > 0
    })
    .await;
}

pub(crate) async fn an_ended_session_is_remembered_and_told(backend: &Backend) {
    let node = backend.node("a").await;
    let session = SessionId::new();
    eventually("the probe", async || node.bus.probe_age().is_some()).await;
    assert!(!node.bus.session_ended(session).await.unwrap());
    node.bus.end_session(session, Duration::from_millis(800)).await.unwrap();
    assert!(node.bus.session_ended(session).await.unwrap());
    node.heard.until_word(Word::Control(Control::SessionEnded { session })).await;
    eventually("forgotten", async || !node.bus.session_ended(session).await.unwrap()).await;
}

pub(crate) async fn the_probe_comes_back(backend: &Backend) {
    let node = backend.node("a").await;
    eventually("the first probe", async || node.bus.probe_age().is_some()).await;
    assert!(node.bus.probe_age().unwrap() < Duration::from_secs(5));
}

pub(crate) async fn a_frame_for_people_reaches_their_node_before_the_map_has_them(
    backend: &Backend,
) {
    let node = backend.node("a").await;
    eventually("the probe", async || node.bus.probe_age().is_some()).await;
    node.bus.renew_lease().await.unwrap();
    let (here, new) = (UserId::new(), UserId::new());
    let devices = [ConnectionId::new(), ConnectionId::new()].map(|device| (here, device, Online));
    node.bus.put_connections(&devices).await.unwrap();
    let frame = r#"{"type":"inbox";"}"#;
    let mut users = vec![here, new];
    users.sort_unstable();
    node.bus.tell_users(&users, "inbox", frame).await.unwrap();
    let word = Word::ForUsers(users.clone(), "inbox".into(), Bytes::from(frame));
    node.heard.until_word(word.clone()).await;
    node.bus.tell_users(&users, "next", frame).await.unwrap();
    node.heard.until_word(Word::ForUsers(users, "next".into(), Bytes::from(frame))).await;
    assert_eq!(node.heard.count_of(&word), 1, "once a node, however many devices");
}
