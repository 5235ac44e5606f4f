//! The pipeline between a real Redis and a real MongoDB.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hubbub_bus::redis::{RedisBus, RedisOptions};
use hubbub_protocol::{RoomId, Timestamp};
use hubbub_store::{MongoOptions, MongoStore};
use hubbub_testkit::mongo::MongoSet;
use hubbub_testkit::proxy::Proxy;
use hubbub_testkit::redis::{RedisCluster, RedisServer};
use hubbub_worker::epoch::MARGIN;
use tokio::sync::OnceCell;

use crate::faults::{Fault, FaultyStore};
use crate::rig::{Kept, Node, Worker, at, never_claiming, node_id, quick};

/// One replica set for all tests here; each has a database of its own.
pub(crate) async fn mongo() -> &'static MongoSet {
    static SET: OnceCell<MongoSet> = OnceCell::const_new();
    SET.get_or_init(|| MongoSet::start(1)).await
}

pub(crate) fn database() -> String {
    format!("test-{}", &RoomId::new().to_string()[..18])
}

async fn kept() -> Kept {
    kept_in(mongo().await).await
}

async fn kept_in(set: &MongoSet) -> Kept {
    let options = MongoOptions::new(set.uri(), database());
    Kept::over(Arc::new(MongoStore::connect(options).await.unwrap())).await
}

async fn node(url: &str, name: &str) -> Node {
    let options =
        RedisOptions { partitions: 1, ..RedisOptions::new(vec![url.to_owned()], node_id(name)) };
    Node::on(RedisBus::connect(options).await.unwrap()).await_ears().await
}

#[tokio::test]
async fn only_the_gateway_that_committed_a_message_is_told_that_mongodb_has_it() {
    let (redis, kept) = (RedisServer::start().await, kept().await);
    let (sender, other) = (node(&redis.url(), "a").await, node(&redis.url(), "b").await);
    let consumer = node(&redis.url(), "w").await;
    sender.seed(kept.room, at(1, 0)).await;
    let _worker = Worker::start(&consumer, kept.store.clone(), never_claiming());

    let first = kept.says("from a");
    let position = sender.commit(&first).await;
    let notices = sender.stored(1).await;
    assert_eq!((notices[0].id, notices[0].position), (first.id, position));

    let second = kept.says("from b");
    other.commit(&second).await;
    let told: Vec<_> = other.stored(1).await.iter().map(|notice| notice.id).collect();
    assert_eq!(told, [second.id], "the first was not b's");
    assert_eq!(kept.texts().await, ["from a", "from b"]);
    assert_eq!(sender.depth().await, (0, 0));
}

#[tokio::test]
async fn a_worker_cut_off_before_it_settles_is_followed_by_another() {
    let (redis, kept) = (RedisServer::start().await, kept().await);
    let gateway = node(&redis.url(), "a").await;
    gateway.seed(kept.room, at(1, 0)).await;
    let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, redis.port()))).await;
    let behind_proxy = node(&format!("redis://{}/", proxy.addr()), "w1").await;

    let event = kept.says("once");
    // Of what a worker sends, only the settlement names the message.
    proxy.stall_when_client_sends(event.id.to_string().as_bytes());
    let first = Worker::start(&behind_proxy, kept.store.clone(), never_claiming());
    let position = gateway.commit(&event).await;
    proxy.stalled().await;
    assert_eq!(kept.texts().await, ["once"], "stored before it is settled");
    assert_eq!(gateway.depth().await, (1, 0));
    first.kill().await;

    let consumer = node(&redis.url(), "w2").await;
    let _second = Worker::start(&consumer, kept.store.clone(), quick());
    let notices = gateway.stored(1).await;
    assert_eq!((notices[0].id, notices[0].position), (event.id, position));
    assert_eq!(kept.places_taken().await, 1);
    assert_eq!(gateway.depth().await, (0, 0));
}

#[tokio::test]
async fn two_workers_share_the_load() {
    let (redis, kept) = (RedisServer::start().await, kept().await);
    let gateway = node(&redis.url(), "a").await;
    gateway.seed(kept.room, at(1, 0)).await;
    let (one, two) = (node(&redis.url(), "w1").await, node(&redis.url(), "w2").await);
    let first = FaultyStore::over(kept.store.clone(), Fault::HangsBeforeAppend);
    let second = FaultyStore::over(kept.store.clone(), Fault::HangsBeforeAppend);
    let _first = Worker::start(&one, first.clone(), never_claiming());
    let _second = Worker::start(&two, second.clone(), never_claiming());
    // Each takes what is there when it reads, and is held until the other has something as well.
    gateway.commit(&kept.says("0")).await;
    let (idle, busy) = tokio::select! {
        () = first.met(1) => (&second, &first),
        () = second.met(1) => (&first, &second),
    };
    gateway.commit(&kept.says("1")).await;
    idle.met(1).await;
    idle.set(Fault::None);
    busy.set(Fault::None);
    for number in 2..200 {
        gateway.commit(&kept.says(&number.to_string())).await;
    }
    gateway.stored(200).await;
    assert!(first.events() > 0 && second.events() > 0);
    assert_eq!(first.events() + second.events(), 200, "nothing was handed out twice");
    let texts: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    assert_eq!(kept.texts().await, texts);
}

#[tokio::test]
async fn nothing_is_lost_while_mongodb_is_away() {
    let (redis, set) = (RedisServer::start().await, MongoSet::start(1).await);
    let kept = kept_in(&set).await;
    let gateway = node(&redis.url(), "a").await;
    gateway.seed(kept.room, at(1, 0)).await;
    let consumer = node(&redis.url(), "w").await;
    let _worker = Worker::start(&consumer, kept.store.clone(), never_claiming());
    gateway.commit(&kept.says("before")).await;
    gateway.stored(1).await;

    set.stop_all();
    for number in 0..20 {
        gateway.commit(&kept.says(&format!("meanwhile {number}"))).await;
    }
    assert_eq!(gateway.depth().await, (20, 0));
    set.start_all().await;
    gateway.stored(21).await;
    let texts = kept.texts().await;
    assert_eq!((texts.len(), texts[20].as_str()), (21, "meanwhile 19"));
    assert_eq!(gateway.depth().await, (0, 0));
}

#[tokio::test]
async fn an_event_survives_a_redis_whose_counters_fell_back() {
    let (redis, kept) = (RedisServer::start().await, kept().await);
    let gateway = node(&redis.url(), "a").await;
    gateway.seed(kept.room, at(1, 0)).await;
    let consumer = node(&redis.url(), "w").await;
    let _worker = Worker::start(&consumer, kept.store.clone(), quick());
    for text in ["one", "two", "three"] {
        gateway.commit(&kept.says(text)).await;
    }
    gateway.stored(3).await;
    // As after a failover to a replica that had not heard of the last two.
    redis.cli(&["HSET", &format!("{{p0}}:room:{}", kept.room), "seq", "1"]).await;
    redis.cli(&["DEL", &format!("{{p0}}:log:{}", kept.room)]).await;

    let event = kept.says("four");
    assert_eq!(gateway.commit(&event).await, at(1, 2), "the place of `two`");
    assert_eq!(gateway.reset(kept.room).await, at(2, 3 + MARGIN));
    let notices = gateway.stored(4).await;
    assert_eq!((notices[3].id, notices[3].position), (event.id, at(2, 3 + MARGIN + 1)));
    assert_eq!(kept.texts().await, ["one", "two", "three", "four"]);
    assert_eq!(gateway.commit(&event).await, at(2, 3 + MARGIN + 1), "a retry finds the copy");
}

#[tokio::test]
async fn an_entry_that_is_no_event_is_set_aside_and_the_others_are_stored() {
    let (redis, kept) = (RedisServer::start().await, kept().await);
    let gateway = node(&redis.url(), "a").await;
    gateway.seed(kept.room, at(1, 0)).await;
    redis.cli(&["XADD", "{p0}:wal", "*", "f", "no event", "o", "a.00000000"]).await;
    let before = Timestamp::now();
    gateway.commit(&kept.says("fine")).await;
    let consumer = node(&redis.url(), "w").await;
    let _worker = Worker::start(&consumer, kept.store.clone(), never_claiming());
    gateway.stored(1).await;
    let letters = gateway.wal.dead_letters(0, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].reason.starts_with("not an event"), "{}", letters[0].reason);
    assert!(!letters[0].reason.contains("no event"), "the reason must not quote the frame");
    assert!(letters[0].at >= before);
}

#[tokio::test]
async fn a_wiped_redis_is_read_again_as_soon_as_it_is_back() {
    let (redis, kept) = (RedisServer::start().await, kept().await);
    let gateway = node(&redis.url(), "a").await;
    gateway.seed(kept.room, at(1, 0)).await;
    let consumer = node(&redis.url(), "w").await;
    let _worker = Worker::start(&consumer, kept.store.clone(), quick());
    gateway.commit(&kept.says("before")).await;
    gateway.stored(1).await;

    redis.wipe_and_restart().await;
    let later = node(&redis.url(), "b").await;
    later.seed(kept.room, at(2, 1 + MARGIN)).await;
    later.commit(&kept.says("after")).await;
    later.stored(1).await;
    assert_eq!(kept.texts().await, ["before", "after"]);
}

#[tokio::test]
async fn one_worker_stores_what_is_committed_on_every_server_of_a_redis_cluster() {
    let (servers, mut kept) = (RedisCluster::start().await, kept().await);
    let on_cluster = async |name| {
        let options = RedisOptions::new(servers.urls(), node_id(name));
        Node::on(RedisBus::connect(options).await.unwrap()).await_ears().await
    };
    let (gateway, consumer) = (on_cluster("a").await, on_cluster("w").await);
    let _worker = Worker::start(&consumer, kept.store.clone(), never_claiming());
    // Sixty rooms over sixteen partitions: every server has some.
    for _ in 0..60 {
        kept.room = RoomId::new();
        gateway.seed(kept.room, at(1, 0)).await;
        gateway.commit(&kept.says("hello")).await;
    }
    let mut rooms: Vec<RoomId> = gateway.stored(60).await.iter().map(|n| n.room).collect();
    rooms.sort();
    rooms.dedup();
    assert_eq!(rooms.len(), 60);
    assert_eq!(gateway.depth().await, (0, 0));
}
