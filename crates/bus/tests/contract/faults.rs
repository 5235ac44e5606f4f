//! Faults of the network between a node and its Redis.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hubbub_bus::redis::{RedisBus, RedisOptions};
use hubbub_testkit::proxy::Proxy;
use hubbub_testkit::redis::RedisServer;
use hubbub_testkit::tls::Certificates;

use crate::backend::{Node, eventually};
use crate::heard::Word;

/// A node that reaches its Redis through a proxy.
async fn behind_a_proxy(server: &RedisServer) -> (Proxy, Node) {
    let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], server.port()))).await;
    let url = format!("redis://{}/", proxy.addr());
    let options = RedisOptions::new(vec![url], "a".parse().unwrap());
    let bus = RedisBus::connect(options).await.unwrap();
    (proxy, Node::of(bus))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deaf_connection_is_noticed_and_built_anew() {
    let server = RedisServer::start().await;
    let (proxy, node) = behind_a_proxy(&server).await;
    let room = node.room().await;
    node.hear(&[room]).await;
    eventually("the probe", async || node.bus.probe_age().is_some()).await;
    node.heard.clear();
    // Redis drops its side; this side sees nothing at all, as behind a firewall that lost its state.
    proxy.half_open();
    let since = Instant::now();
    eventually("deaf, as readiness sees it", async || {
        node.bus.probe_age().is_some_and(|age| age > Duration::from_secs(4))
    })
    .await;
    node.heard.until_word(Word::Gap(room)).await;
    assert!(since.elapsed() < Duration::from_secs(12), "{:?}", since.elapsed());
    let position = node.say(room).await;
    node.heard.until("it", |_| node.heard.positions(room).contains(&position)).await;
    eventually("the probe is young", async || {
        node.bus.probe_age().is_some_and(|age| age < Duration::from_secs(2))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_is_swallowed_is_made_again() {
    let server = RedisServer::start().await;
    let (proxy, node) = behind_a_proxy(&server).await;
    let (first, second) = (node.room().await, node.room().await);
    node.hear(&[first]).await;
    proxy.stall_when_client_sends(second.to_string().as_bytes());
    node.bus.subscribe(&[second]);
    proxy.stalled().await;
    proxy.heal();
    node.heard.until_word(Word::Gap(first)).await;
    node.heard.until_subscribed(&[second]).await;
    assert_eq!(node.heard.count_of(&Word::Gap(second)), 0, "it was never heard before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_whose_answer_was_lost_is_found_by_its_id() {
    let server = RedisServer::start().await;
    let (proxy, node) = behind_a_proxy(&server).await;
    let event = crate::backend::message(node.room().await);
    // The command arrives at Redis late, long after its caller has given up.
    proxy.set_delay(Duration::from_secs(4));
    let unknown = node.commit(&event).await;
    assert!(unknown.is_err(), "{unknown:?}");
    proxy.heal();
    eventually("its first place", async || {
        matches!(
            node.commit(&event).await,
            Ok(hubbub_bus::Commit::New(position) | hubbub_bus::Commit::Seen { position, .. })
                if position.seq.0 == 1
        )
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_only_a_redis_that_is_vouched_for_is_used() {
    let ours = Certificates::issue();
    let (_server, url) = RedisServer::start_with_tls(&ours).await;
    let connect = async |authorities: Option<Vec<u8>>| {
        let options = RedisOptions::new(vec![url.clone()], "a".parse().unwrap());
        RedisBus::connect(RedisOptions { authorities, ..options }).await
    };
    let of = |certificates: &Certificates| std::fs::read(certificates.authority()).ok();
    assert!(connect(of(&ours)).await.is_ok());
    for strangers in [None, of(&Certificates::issue())] {
        let refusal = connect(strangers).await.expect_err("nobody vouches for it").to_string();
        assert!(refusal.contains("certificate"), "{refusal}");
    }
}
