//! Who is there (P9).

use hubbub_protocol::UserId;
use hubbub_protocol::http::{User, UserStatus};
use hubbub_testkit::nodes::{Cluster, Person, eventually};

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
    cluster.redis().cli(&["ZADD", "hubbub:leases", "XX", "1", lease]).await;
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
