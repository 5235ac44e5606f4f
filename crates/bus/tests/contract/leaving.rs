//! From the end of the last connection to being offline.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hubbub_bus::presence::CHANGED;
use hubbub_protocol::client::DeviceStatus::{Away, Online};
use hubbub_protocol::http::UserStatus;
use hubbub_protocol::{ConnectionId, RoomId, Timestamp, UserId};

use crate::backend::{Backend, Node, Tuning, eventually};
use crate::heard::Word;
use crate::people::GRACE;

const SHORT: Duration = Duration::from_millis(300);

async fn node(backend: &Backend, offline_grace: Duration) -> Node {
    let node = backend.tuned("a", Tuning { offline_grace, ..Tuning::default() }).await;
    node.bus.renew_lease().await.unwrap();
    node
}

async fn connect(node: &Node, user: UserId) -> ConnectionId {
    let connection = ConnectionId::new();
    node.bus.put_connections(&[(user, connection, Online)]).await.unwrap();
    connection
}

async fn status(node: &Node, user: UserId) -> UserStatus {
    node.bus.presence(&[user]).await.unwrap()[0].status()
}

async fn departed(node: &Node) -> Vec<UserId> {
    let departed = node.bus.departed(1_000).await.unwrap();
    departed.into_iter().map(|departure| departure.user).collect()
}

pub(crate) async fn a_status_is_told_as_changed_once(backend: &Backend) {
    let node = node(backend, GRACE).await;
    let (user, phone, laptop) = (UserId::new(), ConnectionId::new(), ConnectionId::new());
    let put = async |connection, status| {
        node.bus.put_connections(&[(user, connection, status)]).await.unwrap()
    };
    assert_eq!(put(phone, Away).await, [user]);
    assert_eq!(put(phone, Away).await, []);
    assert_eq!(put(laptop, Online).await, [user]);
    assert_eq!(put(phone, Online).await, []);
    assert_eq!(put(phone, Away).await, [], "the laptop counts");
    assert_eq!(node.bus.remove_connections(&[(user, laptop)]).await.unwrap(), [user]);
    assert_eq!(status(&node, user).await, UserStatus::Away, "it is at the phone still");
}

pub(crate) async fn who_leaves_is_shown_as_before_until_the_grace_is_over(backend: &Backend) {
    let node = node(backend, GRACE).await;
    let user = UserId::new();
    let connection = connect(&node, user).await;
    let since = Instant::now();
    assert_eq!(node.bus.remove_connections(&[(user, connection)]).await.unwrap(), []);
    assert_eq!(status(&node, user).await, UserStatus::Online);
    assert_eq!(node.bus.online(None, 10).await.unwrap(), [user]);
    assert_eq!(departed(&node).await, []);
    eventually("offline", async || status(&node, user).await == UserStatus::Offline).await;
    assert!(since.elapsed() >= GRACE, "not before");
}

pub(crate) async fn who_comes_back_within_the_grace_was_never_gone(backend: &Backend) {
    let node = node(backend, GRACE).await;
    let user = UserId::new();
    let connection = connect(&node, user).await;
    node.bus.remove_connections(&[(user, connection)]).await.unwrap();
    let again = ConnectionId::new();
    let back = node.bus.put_connections(&[(user, again, Online)]).await.unwrap();
    assert_eq!(back, [], "no news");
    tokio::time::sleep(GRACE).await;
    assert_eq!(status(&node, user).await, UserStatus::Online);
    assert_eq!(departed(&node).await, []);
}

pub(crate) async fn devices_that_end_together_leave_the_better_status(backend: &Backend) {
    let node = node(backend, GRACE).await;
    let (user, phone, laptop) = (UserId::new(), ConnectionId::new(), ConnectionId::new());
    node.bus.put_connections(&[(user, phone, Away), (user, laptop, Online)]).await.unwrap();
    node.bus.remove_connections(&[(user, laptop), (user, phone)]).await.unwrap();
    assert_eq!(status(&node, user).await, UserStatus::Online);
}

pub(crate) async fn the_departed_are_named_until_they_are_forgotten(backend: &Backend) {
    let node = node(backend, SHORT).await;
    let users: Vec<_> = (0..40).map(|_| UserId::new()).collect();
    let before = Timestamp::now();
    for user in &users {
        let connection = connect(&node, *user).await;
        node.bus.remove_connections(&[(*user, connection)]).await.unwrap();
    }
    eventually("all of them", async || departed(&node).await.len() == users.len()).await;
    let departed = node.bus.departed(1_000).await.unwrap();
    assert!(departed.iter().all(|departure| {
        departure.ended.millis() >= before.millis() - 1 && departure.ended <= Timestamp::now()
    }));
    node.bus.forget_departed(&users[1..]).await.unwrap();
    assert_eq!(self::departed(&node).await, users[..1]);
    assert_eq!(node.bus.online(None, 100).await.unwrap(), users[..1]);
    node.bus.forget_departed(&users).await.unwrap();
    node.bus.forget_departed(&users).await.unwrap();
    assert_eq!(node.bus.online(None, 100).await.unwrap(), []);
}

pub(crate) async fn who_comes_back_is_not_forgotten(backend: &Backend) {
    let node = node(backend, SHORT).await;
    let user = UserId::new();
    let connection = connect(&node, user).await;
    node.bus.remove_connections(&[(user, connection)]).await.unwrap();
    eventually("departed", async || departed(&node).await == [user]).await;
    // Between the reaper's look and its last step.
    let again = ConnectionId::new();
    assert_eq!(node.bus.put_connections(&[(user, again, Online)]).await.unwrap(), [user]);
    node.bus.forget_departed(&[user]).await.unwrap();
    assert_eq!(status(&node, user).await, UserStatus::Online);
    assert_eq!(node.bus.online(None, 10).await.unwrap(), [user]);
    assert_eq!(departed(&node).await, []);
}

pub(crate) async fn an_announcement_reaches_those_who_hear_the_person(backend: &Backend) {
    let node = node(backend, GRACE).await;
    let users: Vec<_> = (0..50).map(|_| UserId::new()).collect();
    let rooms: Vec<_> = users.iter().map(|user| RoomId::presence_of(*user)).collect();
    node.hear(&rooms).await;
    node.bus.announce(&users).await.unwrap();
    node.bus.announce(&[UserId::new()]).await.unwrap();
    for room in rooms {
        node.heard.until_word(Word::Volatile(room, CHANGED.to_owned(), Bytes::new())).await;
    }
}
