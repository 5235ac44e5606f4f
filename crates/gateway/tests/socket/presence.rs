//! Watching people, and being watched.

use std::time::{Duration, Instant};

use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::http::UserStatus;
use hubbub_protocol::server::PresenceState;
use hubbub_protocol::{ClientFrame, ErrorCode, ServerFrame, UserId};

use crate::node::{Node, Socket};

/// Long enough to see what is shown within it.
const GRACE: Duration = Duration::from_secs(2);

async fn node() -> Node {
    Node::with(|settings| settings.offline_grace = GRACE).await
}

impl Socket {
    async fn watch(&mut self, users: &[UserId]) {
        self.send(&ClientFrame::Watch { users: users.to_vec() }).await;
    }

    /// The next frame about watched people.
    async fn presence(&mut self) -> Vec<PresenceState> {
        self.until(|frame| match frame {
            ServerFrame::Presence { users } => Some(users),
            _ => None,
        })
        .await
    }

    /// Waits until somebody is told to do this.
    async fn sees(&mut self, user: UserId, status: UserStatus) -> PresenceState {
        loop {
            let rows = self.presence().await;
            if let Some(row) = rows.into_iter().find(|r| r.user == user && r.status == status) {
                return row;
            }
        }
    }

    async fn is(&mut self, status: DeviceStatus) {
        self.send(&ClientFrame::Status { status }).await;
    }
}

#[tokio::test]
async fn watching_is_answered_with_everybody_at_once() {
    let node = node().await;
    let (ann, bob, cat) =
        (node.person("ann").await, node.person("bob").await, node.person("cat").await);
    let mut bobs = node.greeted(&bob).await;
    bobs.assert_alive().await;
    let (bob, cat) = (bob.id, cat.id);
    let mut anns = node.greeted(&ann).await;
    anns.watch(&[bob]).await;
    anns.sees(bob, UserStatus::Online).await;
    let nobody = UserId::new();
    anns.watch(&[cat, bob, nobody, bob]).await;
    let mut rows = anns.presence().await;
    rows.sort_unstable_by_key(|row| row.user);
    let row = |user, status| PresenceState { user, status, status_text: None, last_seen: None };
    let mut expected = [
        row(bob, UserStatus::Online),
        row(cat, UserStatus::Offline),
        row(nobody, UserStatus::Offline),
    ];
    expected.sort_unstable_by_key(|row| row.user);
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn a_watcher_is_told_of_changes_only() {
    let node = node().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let mut anns = node.greeted(&ann).await;
    anns.watch(&[bob.id, ann.id]).await;
    anns.sees(bob.id, UserStatus::Offline).await;
    let mut bobs = node.greeted(&bob).await;
    anns.sees(bob.id, UserStatus::Online).await;
    bobs.is(DeviceStatus::Away).await;
    let row = anns.sees(bob.id, UserStatus::Away).await;
    assert_eq!(row.last_seen, None, "only of those who are offline");
}

#[tokio::test]
async fn the_best_of_two_devices_counts() {
    let node = node().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let (mut phone, mut laptop) = (node.greeted(&bob).await, node.greeted(&bob).await);
    phone.is(DeviceStatus::Away).await;
    phone.assert_alive().await;
    let mut anns = node.greeted(&ann).await;
    anns.watch(&[bob.id]).await;
    anns.sees(bob.id, UserStatus::Online).await;
    laptop.is(DeviceStatus::Away).await;
    anns.sees(bob.id, UserStatus::Away).await;
    phone.is(DeviceStatus::Online).await;
    anns.sees(bob.id, UserStatus::Online).await;
}

#[tokio::test]
async fn a_closed_tab_is_offline_after_the_grace_and_when_that_was_is_told() {
    let node = node().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let bobs = node.greeted(&bob).await;
    let mut anns = node.greeted(&ann).await;
    anns.watch(&[bob.id]).await;
    anns.sees(bob.id, UserStatus::Online).await;
    let since = Instant::now();
    drop(bobs);
    let row = anns.sees(bob.id, UserStatus::Offline).await;
    assert!(since.elapsed() >= GRACE, "not before the grace is over: {:?}", since.elapsed());
    assert!(row.last_seen.is_some());
}

#[tokio::test]
async fn a_reload_does_not_show() {
    let node = node().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let bobs = node.greeted(&bob).await;
    let mut anns = node.greeted(&ann).await;
    anns.watch(&[bob.id]).await;
    anns.sees(bob.id, UserStatus::Online).await;
    drop(bobs);
    let mut again = node.greeted(&bob).await;
    tokio::time::sleep(GRACE + Duration::from_secs(2)).await;
    again.is(DeviceStatus::Away).await;
    let next = anns.presence().await;
    assert_eq!(next[0].status, UserStatus::Away, "nothing was told in between");
}

#[tokio::test]
async fn who_is_no_longer_watched_is_no_longer_told_of() {
    let node = node().await;
    let (ann, bob, cat) =
        (node.person("ann").await, node.person("bob").await, node.person("cat").await);
    let (mut bobs, mut cats) = (node.greeted(&bob).await, node.greeted(&cat).await);
    let mut anns = node.greeted(&ann).await;
    anns.watch(&[bob.id]).await;
    anns.sees(bob.id, UserStatus::Online).await;
    anns.watch(&[cat.id]).await;
    anns.sees(cat.id, UserStatus::Online).await;
    bobs.is(DeviceStatus::Away).await;
    bobs.assert_alive().await;
    cats.is(DeviceStatus::Away).await;
    let rows = anns.presence().await;
    assert_eq!(rows.iter().map(|row| row.user).collect::<Vec<_>>(), [cat.id]);
    anns.watch(&[]).await;
    anns.assert_alive().await;
}

#[tokio::test]
async fn who_is_blocked_sees_somebody_who_is_never_there() {
    let node = node().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let _bobs = node.greeted(&bob).await;
    let mut anns = node.greeted(&ann).await;
    anns.watch(&[bob.id]).await;
    anns.sees(bob.id, UserStatus::Online).await;
    node.gateway.app().store.block(bob.id, ann.id).await.unwrap();
    hubbub_gateway::presence::hide(node.gateway.app(), bob.id, ann.id).await.unwrap();
    anns.sees(bob.id, UserStatus::Offline).await;
    anns.watch(&[bob.id]).await;
    let row = anns.presence().await.remove(0);
    assert_eq!((row.status, row.last_seen), (UserStatus::Offline, None));
}

#[tokio::test]
async fn a_status_text_reaches_those_who_watch() {
    let node = node().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let mut anns = node.greeted(&ann).await;
    anns.watch(&[bob.id]).await;
    anns.sees(bob.id, UserStatus::Offline).await;
    let app = node.gateway.app();
    let change = hubbub_store::ProfileChange {
        status_text: Some("at lunch".to_owned()),
        ..Default::default()
    };
    app.store.update_profile(bob.id, change).await.unwrap();
    hubbub_gateway::presence::announce(app, bob.id).await.unwrap();
    let row = anns.presence().await.remove(0);
    assert_eq!(row.status_text.as_deref(), Some("at lunch"));
}

#[tokio::test]
async fn who_says_they_are_away_is_whatever_they_do_and_who_is_invisible_leaves_no_trace() {
    use hubbub_protocol::http::Availability::{Auto, Away, Invisible};
    let node = node().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let bobs = node.greeted(&bob).await;
    let mut anns = node.greeted(&ann).await;
    anns.watch(&[bob.id]).await;
    anns.sees(bob.id, UserStatus::Online).await;
    let app = node.gateway.app();
    let appears = async |availability| {
        let change =
            hubbub_store::ProfileChange { availability: Some(availability), ..Default::default() };
        app.store.update_profile(bob.id, change).await.unwrap();
        hubbub_gateway::presence::announce(app, bob.id).await.unwrap();
    };
    appears(Away).await;
    anns.sees(bob.id, UserStatus::Away).await;
    appears(Invisible).await;
    anns.sees(bob.id, UserStatus::Offline).await;
    // Neither coming nor going shows.
    drop(bobs);
    app.store.set_last_seen(&[bob.id], hubbub_protocol::Timestamp::now()).await.unwrap();
    let again = node.greeted(&bob).await;
    anns.watch(&[]).await;
    anns.watch(&[bob.id]).await;
    let row = anns.sees(bob.id, UserStatus::Offline).await;
    assert_eq!(row.last_seen, None);
    appears(Auto).await;
    anns.sees(bob.id, UserStatus::Online).await;
    drop(again);
}

#[tokio::test]
async fn too_many_people_can_not_be_watched() {
    let node = Node::with(|settings| settings.limits.watched = 2).await;
    let ann = node.person("ann").await;
    let mut anns = node.greeted(&ann).await;
    let users: Vec<_> = (0..3).map(|_| UserId::new()).collect();
    let watch = |users: &[UserId]| ClientFrame::Watch { users: users.to_vec() }.encode();
    anns.assert_refused(watch(&users), ErrorCode::TooManyWatched).await;
    anns.watch(&users[..2]).await;
    assert_eq!(anns.presence().await.len(), 2);
    anns.assert_refused(r#"{"type":"watch","users":["nobody"]}"#, ErrorCode::BadId).await;
    anns.assert_refused(r#"{"type":"watch"}"#, ErrorCode::BadFrame).await;
}

#[tokio::test]
async fn watching_others_all_the_time_is_refused_for_a_while() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut anns = node.greeted(&ann).await;
    for _ in 0..100 {
        anns.watch(&[UserId::new()]).await;
    }
    let retry_after = anns
        .until(|frame| match frame {
            ServerFrame::Error(error) if error.code == ErrorCode::RateLimited => {
                Some(error.retry_after_ms)
            }
            _ => None,
        })
        .await;
    assert!(retry_after.is_some_and(|ms| ms > 0));
}
