//! Who is there (P9).

use std::time::{Duration, Instant};

use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::http::{User, UserStatus};
use hubbub_protocol::server::PresenceState;
use hubbub_protocol::{ClientFrame, ServerFrame, UserId};
use hubbub_testkit::nodes::{Cluster, Person, TestClient, eventually};

async fn row(asking: &Person, user: UserId) -> Option<User> {
    let list = asking.api.users("", true).await.expect("a list of people");
    let mut rows = list.users.into_iter().filter(|row| row.id == user);
    let row = rows.next();
    assert_eq!(rows.next(), None, "one row a user");
    row
}

async fn becomes(asking: &Person, user: UserId, online: bool) {
    eventually("the right presence", async || {
        (row(asking, user).await.is_some() == online).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_one_row_until_the_last_of_three_devices_on_two_nodes_is_gone() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    assert_eq!(row(&bob, ada.id()).await, None);
    let mut devices = Vec::new();
    for gateway in [0, 0, 1] {
        devices.push(cluster.connect(&ada, gateway).await);
    }
    becomes(&bob, ada.id(), true).await;
    for device in &mut devices[..2] {
        device.leave().await;
    }
    let row = row(&bob, ada.id()).await.expect("one device is left");
    assert_eq!(row.status, UserStatus::Online);
    devices[2].vanish();
    becomes(&bob, ada.id(), false).await;
}

/// Lets a node's lease run out now.
async fn let_lapse(cluster: &Cluster, node: &str) {
    let leases = cluster.redis().cli(&["ZRANGE", "hubbub:leases", "0", "-1"]).await;
    let lease = leases.lines().find(|lease| lease.starts_with(node)).expect("the node's lease");
    let now = hubbub_protocol::Timestamp::now().millis().to_string();
    cluster.redis().cli(&["ZADD", "hubbub:leases", "XX", &now, lease]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_gateways_users_are_offline_once_its_lease_has_run_out() {
    let mut cluster = Cluster::builder().of_processes().start(2, 1).await;
    let (ada, bob) = (cluster.person(1).await, cluster.person(1).await);
    let mut there = cluster.connect(&ada, 0).await;
    let _stays = cluster.connect(&bob, 1).await;
    becomes(&bob, ada.id(), true).await;
    becomes(&bob, bob.id(), true).await;
    let node = there.look(|view| view.greeted_by[0].to_string());
    cluster.take_gateway(0).kill();
    there.ended().await;
    there.vanish();
    assert!(row(&bob, ada.id()).await.is_some(), "its lease still holds");

    // Instead of waiting for it: the lease runs out now.
    let_lapse(&cluster, &node).await;
    becomes(&bob, ada.id(), false).await;
    assert!(row(&bob, bob.id()).await.is_some(), "the other gateway's users stay");
    let last_seen = eventually("when she was last seen", async || {
        let found = bob.api.users(&ada.user.username, false).await.unwrap();
        found.users.into_iter().find(|row| row.id == ada.id())?.last_seen
    })
    .await;
    assert!(last_seen > hubbub_protocol::Timestamp::from_millis(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_slept_through_its_lease_brings_its_users_back() {
    let cluster = Cluster::builder().of_processes().start(2, 1).await;
    let (ada, bob) = (cluster.person(1).await, cluster.person(1).await);
    let room = bob.room_with(&[&ada]).await;
    let asleep = cluster.connect(&ada, 0).await;
    let mut awake = cluster.connect(&bob, 1).await;
    becomes(&bob, ada.id(), true).await;
    let node = asleep.look(|view| view.greeted_by[0].to_string());

    cluster.gateway(0).pause();
    let_lapse(&cluster, &node).await;
    becomes(&bob, ada.id(), false).await;
    let said = crate::say_all(&mut awake, room, 10).await;
    eventually("the reaper", async || {
        let leases = cluster.redis().cli(&["ZRANGE", "hubbub:leases", "0", "-1"]).await;
        (!leases.lines().any(|lease| lease.starts_with(&node))).then_some(())
    })
    .await;
    cluster.gateway(0).resume();
    becomes(&bob, ada.id(), true).await;
    crate::sees_all(&asleep, room, &said).await;
}

/// What a client was told about somebody so far, in order.
fn told(client: &TestClient, user: UserId) -> Vec<PresenceState> {
    client.look(|view| {
        let rows = view.frames.iter().filter_map(|frame| match frame {
            ServerFrame::Presence { users } => Some(users.clone()),
            _ => None,
        });
        rows.flatten().filter(|row| row.user == user).collect()
    })
}

fn statuses(client: &TestClient, user: UserId) -> Vec<UserStatus> {
    told(client, user).into_iter().map(|row| row.status).collect()
}

async fn watch(client: &mut TestClient, users: &[UserId]) {
    client.transmit(&ClientFrame::Watch { users: users.to_vec() }).await;
}

/// Waits until the last a client was told about somebody is this.
async fn sees(client: &TestClient, user: UserId, status: UserStatus) {
    eventually("a row of presence", async || {
        (statuses(client, user).last() == Some(&status)).then_some(())
    })
    .await;
}

/// The grace of test clusters.
const GRACE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_tab_is_offline_on_the_other_node_after_the_grace_and_not_before() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let mut tab = cluster.connect(&ada, 0).await;
    let mut watcher = cluster.connect(&bob, 1).await;
    watch(&mut watcher, &[ada.id()]).await;
    sees(&watcher, ada.id(), UserStatus::Online).await;
    let since = Instant::now();
    tab.leave().await;
    sees(&watcher, ada.id(), UserStatus::Offline).await;
    assert!(since.elapsed() >= GRACE, "not before the grace is over: {:?}", since.elapsed());
    let last = told(&watcher, ada.id()).pop().expect("a row");
    assert!(last.last_seen.is_some(), "and when she was last there is told");
    // Back at the other node: shown within a second or two.
    let _back = cluster.connect(&ada, 1).await;
    sees(&watcher, ada.id(), UserStatus::Online).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_that_lands_on_another_node_does_not_flash() {
    let cluster = Cluster::start(2, 2).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let mut tab = cluster.connect(&ada, 0).await;
    let mut watcher = cluster.connect(&bob, 1).await;
    watch(&mut watcher, &[ada.id()]).await;
    sees(&watcher, ada.id(), UserStatus::Online).await;
    for gateway in [1, 0, 1] {
        tab.vanish();
        tab.connect(cluster.address(gateway)).await;
    }
    tokio::time::sleep(GRACE + Duration::from_secs(2)).await;
    let mut seen = statuses(&watcher, ada.id());
    seen.dedup();
    let online = seen.iter().position(|status| *status == UserStatus::Online);
    assert_eq!(seen[online.expect("she was")..], [UserStatus::Online], "and stayed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_idle_phone_does_not_override_an_active_desktop() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let mut phone = cluster.connect(&ada, 0).await;
    let mut desktop = cluster.connect(&ada, 1).await;
    let mut watcher = cluster.connect(&bob, 0).await;
    let away = ClientFrame::Status { status: DeviceStatus::Away };
    phone.transmit(&away).await;
    phone.caught_up().await;
    watch(&mut watcher, &[ada.id()]).await;
    sees(&watcher, ada.id(), UserStatus::Online).await;
    desktop.transmit(&away).await;
    sees(&watcher, ada.id(), UserStatus::Away).await;
    desktop.transmit(&ClientFrame::Status { status: DeviceStatus::Online }).await;
    sees(&watcher, ada.id(), UserStatus::Online).await;
    // The desktop goes; the idle phone is what is left, at once.
    desktop.leave().await;
    sees(&watcher, ada.id(), UserStatus::Away).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_do_not_watch_are_told_nothing() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob, cat) =
        (cluster.person(0).await, cluster.person(1).await, cluster.person(1).await);
    ada.room_with(&[&bob, &cat]).await;
    let mut watcher = cluster.connect(&bob, 1).await;
    let mut other = cluster.connect(&cat, 1).await;
    watch(&mut watcher, &[ada.id()]).await;
    let mut tab = cluster.connect(&ada, 0).await;
    sees(&watcher, ada.id(), UserStatus::Online).await;
    tab.leave().await;
    sees(&watcher, ada.id(), UserStatus::Offline).await;
    other.caught_up().await;
    assert_eq!(told(&other, ada.id()), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_nodes_users_go_offline_after_its_lease_and_the_grace() {
    let mut cluster = Cluster::builder().of_processes().start(2, 1).await;
    let (ada, bob) = (cluster.person(1).await, cluster.person(1).await);
    let mut there = cluster.connect(&ada, 0).await;
    let mut watcher = cluster.connect(&bob, 1).await;
    watch(&mut watcher, &[ada.id(), bob.id()]).await;
    sees(&watcher, ada.id(), UserStatus::Online).await;
    let node = there.look(|view| view.greeted_by[0].to_string());
    cluster.take_gateway(0).kill();
    there.ended().await;
    there.vanish();
    watch(&mut watcher, &[ada.id(), bob.id()]).await;
    sees(&watcher, ada.id(), UserStatus::Online).await;
    // Instead of waiting for it: the lease runs out now, and the grace begins.
    let_lapse(&cluster, &node).await;
    let since = Instant::now();
    sees(&watcher, ada.id(), UserStatus::Offline).await;
    assert!(since.elapsed() >= GRACE - Duration::from_millis(100), "{:?}", since.elapsed());
    sees(&watcher, bob.id(), UserStatus::Online).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_nodes_users_who_move_do_not_flash() {
    let mut cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(1).await, cluster.person(1).await);
    let mut tab = cluster.connect(&ada, 0).await;
    let mut watcher = cluster.connect(&bob, 1).await;
    watch(&mut watcher, &[ada.id()]).await;
    sees(&watcher, ada.id(), UserStatus::Online).await;
    let leaving = cluster.take_gateway(0);
    leaving.ask_to_stop();
    tab.hears("goaway", |frame| matches!(frame, ServerFrame::GoAway { .. }).then_some(())).await;
    tab.connect(cluster.address(0)).await;
    assert!(leaving.stopped(Duration::from_secs(30)).await, "it ends softly");
    tokio::time::sleep(GRACE + Duration::from_secs(2)).await;
    let seen = statuses(&watcher, ada.id());
    let online = seen.iter().position(|status| *status == UserStatus::Online).expect("she was");
    assert!(seen[online..].iter().all(|status| *status == UserStatus::Online), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_deaf_node_missed_is_told_once_it_hears_again() {
    let cluster = Cluster::builder().with_proxies().start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let mut tab = cluster.connect(&ada, 0).await;
    let mut watcher = cluster.connect(&bob, 1).await;
    watch(&mut watcher, &[ada.id()]).await;
    sees(&watcher, ada.id(), UserStatus::Online).await;
    let proxy = cluster.gateway(1).redis_proxy();
    proxy.cut();
    tab.transmit(&ClientFrame::Status { status: DeviceStatus::Away }).await;
    tab.caught_up().await;
    becomes_away(&ada).await;
    proxy.heal();
    sees(&watcher, ada.id(), UserStatus::Away).await;
}

async fn becomes_away(person: &Person) {
    eventually("away", async || {
        let me = person.api.me().await.ok()?;
        (me.status == UserStatus::Away).then_some(())
    })
    .await;
}
