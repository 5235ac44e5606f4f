//! What happens to accounts, on every node at once (P6).

use std::time::{Duration, Instant};

use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::http::{Role, UpdateAccountRequest, UpdateMeRequest, UserStatus};
use hubbub_protocol::{
    ClientFrame, CloseCode, ErrorCode, MemberChange, ServerFrame, Timestamp, UserId,
};
use hubbub_store::AccountStore;
use hubbub_testkit::nodes::view::View;
use hubbub_testkit::nodes::{Cluster, TestClient, eventually};

/// How soon the end of a session closes its sockets.
const AT_ONCE: Duration = Duration::from_secs(1);
/// The password of everybody.
const PASSWORD: &str = "correct horse battery";

async fn is_put_out(device: &TestClient) {
    assert_eq!(device.ended().await.code, Some(CloseCode::SessionEnded.code()));
}

fn suspended(on: bool) -> UpdateAccountRequest {
    UpdateAccountRequest { suspended: Some(on), ..UpdateAccountRequest::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_account_is_out_on_every_node_within_a_second() {
    let cluster = Cluster::start(2, 1).await;
    let (root, ada) = (cluster.person(0).await, cluster.person(1).await);
    let elsewhere = ada.login(cluster.address(0)).await;
    let mut stays = cluster.connect(&root, 1).await;
    let devices = [cluster.connect(&ada, 0).await, cluster.connect(&elsewhere, 1).await];

    root.api.update_account(ada.id(), &suspended(true)).await.unwrap();
    let out = Instant::now();
    for device in &devices {
        is_put_out(device).await;
    }
    assert!(out.elapsed() < AT_ONCE, "{:?}", out.elapsed());
    let refused = ada.api.me().await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::SessionEnded));
    let refused = ada.api.login(&ada.user.username, PASSWORD).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::AccountSuspended));
    stays.caught_up().await;

    root.api.update_account(ada.id(), &suspended(false)).await.unwrap();
    let back = ada.login(cluster.address(1)).await;
    cluster.connect(&back, 1).await.caught_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ended_from_another_loses_its_sockets_on_every_node() {
    let cluster = Cluster::start(2, 1).await;
    let ada = cluster.person(0).await;
    let phone = ada.login(cluster.address(1)).await;
    let mut stays = cluster.connect(&ada, 1).await;
    let ending = [cluster.connect(&phone, 0).await, cluster.connect(&phone, 1).await];
    let sessions = ada.api.sessions().await.unwrap();
    let other = sessions.iter().find(|session| !session.current).unwrap().id;

    ada.api.end_session(other).await.unwrap();
    let out = Instant::now();
    for device in &ending {
        is_put_out(device).await;
    }
    assert!(out.elapsed() < AT_ONCE, "{:?}", out.elapsed());
    stays.caught_up().await;
    assert_eq!(ada.api.sessions().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_puts_out_whoever_had_the_old_one() {
    let cluster = Cluster::start(2, 1).await;
    let ada = cluster.person(0).await;
    let thief = ada.login(cluster.address(1)).await;
    let theirs = cluster.connect(&thief, 1).await;
    let mut own = cluster.connect(&ada, 0).await;
    ada.api.change_password(PASSWORD, "another one").await.unwrap();
    is_put_out(&theirs).await;
    own.caught_up().await;
}

async fn hears_name(device: &TestClient, of: UserId, name: &str) {
    device
        .hears("the new name", |frame| match frame {
            ServerFrame::User { user } if user.id == of && user.display_name == name => Some(()),
            _ => None,
        })
        .await;
}

fn named(name: &str) -> UpdateMeRequest {
    UpdateMeRequest { display_name: Some(name.to_owned()), ..UpdateMeRequest::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_name_reaches_watchers_and_own_devices_on_every_node_and_nobody_else() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob, eve) =
        (cluster.person(0).await, cluster.person(1).await, cluster.person(1).await);
    let own = cluster.connect(&ada, 1).await;
    let mut watcher = cluster.connect(&bob, 1).await;
    let mut other = cluster.connect(&eve, 1).await;
    watcher.transmit(&ClientFrame::Watch { users: vec![ada.id()] }).await;
    watcher
        .hears("her presence", |frame| match frame {
            ServerFrame::Presence { users } => users.iter().find(|p| p.user == ada.id()).map(drop),
            _ => None,
        })
        .await;
    ada.api.update_me(&named("Augusta King")).await.unwrap();
    hears_name(&watcher, ada.id(), "Augusta King").await;
    hears_name(&own, ada.id(), "Augusta King").await;
    other.caught_up().await;
    let told = other
        .look(|view| view.frames.iter().any(|frame| matches!(frame, ServerFrame::User { .. })));
    assert!(!told, "who does not watch is not told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_blocked_sees_nothing_any_more() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let mut own = cluster.connect(&ada, 0).await;
    let mut watcher = cluster.connect(&bob, 1).await;
    watcher.transmit(&ClientFrame::Watch { users: vec![ada.id()] }).await;
    let hers = ada.id();
    let told = move |frame: &ServerFrame| match frame {
        ServerFrame::Presence { users } => users.iter().find(|p| p.user == hers).cloned(),
        _ => None,
    };
    let last = |status| {
        move |view: &View| {
            view.frames.iter().filter_map(told).next_back().filter(|p| p.status == status)
        }
    };
    watcher.until("her presence", last(UserStatus::Online)).await;
    // Whom she has blocked is looked at once more when her channel is heard; that is over then.
    tokio::time::sleep(2 * AT_ONCE).await;
    ada.api.block(bob.id()).await.unwrap();
    let blocked = Instant::now();
    watcher.until("that she is gone", last(UserStatus::Offline)).await;
    // Sooner than by what makes up for lost news.
    assert!(blocked.elapsed() < 2 * AT_ONCE, "{:?}", blocked.elapsed());
    let rows = |device: &TestClient| device.look(|v| v.frames.iter().filter_map(told).count());
    let known = rows(&watcher);
    own.transmit(&ClientFrame::Status { status: DeviceStatus::Away }).await;
    own.caught_up().await;
    // Changes are told once a second.
    tokio::time::sleep(2 * AT_ONCE).await;
    watcher.caught_up().await;
    assert_eq!(rows(&watcher), known, "nothing more of her");
    let seen = bob.api.user(ada.id()).await.unwrap();
    assert_eq!(seen.status, UserStatus::Offline);
    assert!(bob.api.users("", true).await.unwrap().users.iter().all(|row| row.id != ada.id()));
    ada.api.unblock(bob.id()).await.unwrap();
    let seen = bob.api.user(ada.id()).await.unwrap();
    assert_eq!(seen.status, UserStatus::Away);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_is_told_to_ones_own_devices_on_every_node_and_not_to_who_is_blocked() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let own = cluster.connect(&ada, 1).await;
    let mut theirs = cluster.connect(&bob, 1).await;
    let mut blocked = false;
    // The map hears of a connection a moment after its greeting, so the first news may pass it by.
    eventually("her device hears", async || {
        blocked = !blocked;
        if blocked {
            ada.api.block(bob.id()).await.unwrap();
        } else {
            ada.api.unblock(bob.id()).await.unwrap();
        }
        let told = ServerFrame::Block { user: bob.id(), blocked };
        own.look(|view| view.frames.contains(&told)).then_some(())
    })
    .await;
    theirs.caught_up().await;
    let is_told = |frame: &ServerFrame| matches!(frame, ServerFrame::Block { .. });
    assert!(!theirs.look(|view| view.frames.iter().any(is_told)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_cut_off_by_a_crash_is_finished_by_the_next_gateway() {
    let mut cluster = Cluster::start(1, 1).await;
    let (root, ada, bob) =
        (cluster.person(0).await, cluster.person(0).await, cluster.person(0).await);
    let room = ada.room_with(&[&bob, &root]).await;
    let mut hers = cluster.connect(&ada, 0).await;
    let said = hers.say(room, "a word").await;
    hers.acked(said).await;
    let witness = cluster.connect(&bob, 0).await;

    // As if the gateway had died right after the account was marked.
    cluster.store().await.begin_erasure(ada.id(), Timestamp::now()).await.unwrap();
    cluster.add_gateway().await;
    is_put_out(&hers).await;
    witness
        .hears("that she left", |frame| match frame {
            ServerFrame::Member(member) if member.user == ada.id() => {
                (member.change == MemberChange::Left).then_some(())
            }
            _ => None,
        })
        .await;
    let stand_in = bob.api.user(ada.id()).await.unwrap();
    assert!(stand_in.deleted && stand_in.display_name == "Deleted user", "{stand_in:?}");
    let page = bob.api.messages(room, hubbub_client::http::Page::Latest, 10).await.unwrap();
    assert!(page.messages.iter().any(|message| message.id == said && message.sender == ada.id()));
    let owned = eventually("a new owner", async || {
        let room = bob.api.room(room).await.ok()?;
        room.owner.filter(|owner| *owner != ada.id()).map(|_| room.role)
    })
    .await;
    assert_eq!(owned, Some(Role::Owner), "who came first");
    let gone = eventually("the end of the job", async || {
        cluster.store().await.erasures(1).await.unwrap().is_empty().then_some(())
    });
    gone.await;
}
