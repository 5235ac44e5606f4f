//! `hubbub-admin` against a cluster at work: real Redis, MongoDB, gateways and a worker.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Stdio;

use hubbub_protocol::{MessageId, RoomId, UserId};
use hubbub_testkit::nodes::{Cluster, TestClient, eventually};
use mongodb::bson::{Binary, Document, doc, spec::BinarySubtype};
use serde_json::Value;
use tokio::process::Command;

/// What a command said, and its code.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    /// The lines of a JSON answer.
    fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn good(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self
    }
}

async fn admin(cluster: &Cluster, arguments: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_hubbub-admin"))
        .args(arguments)
        .env_clear()
        .envs(cluster.environment())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    for secret in ["mongodb://", "redis://", "eyJ"] {
        assert!(!out.contains(secret) && !err.contains(secret), "{out}{err}");
    }
    Said { code: output.status.code().unwrap(), out, err }
}

/// Waits until a message is stored.
async fn said(client: &mut TestClient, room: RoomId, text: &str) -> MessageId {
    let id = client.say(room, text).await;
    client.acked(id).await;
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_rooms_and_lag_are_shown() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let alone = ada.room_with(&[]).await;
    let _devices = [cluster.connect(&ada, 0).await, cluster.connect(&bob, 1).await];
    // A node tells of itself every five seconds.
    let nodes = eventually("both connections", async || {
        let nodes = admin(&cluster, &["nodes", "--json"]).await.good().json();
        let held: u64 = nodes.iter().filter_map(|node| node["connections"].as_u64()).sum();
        (held == 2).then_some(nodes)
    })
    .await;
    assert_eq!(nodes.len(), 2);
    for node in &nodes {
        assert_eq!(node["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(node["draining"], false);
        assert!(node["lease_ms"].as_u64().unwrap() > 5_000, "{node}");
    }
    let table = admin(&cluster, &["nodes"]).await.good().out;
    assert!(table.starts_with("node") && table.contains("serving"), "{table}");

    let rooms = admin(&cluster, &["rooms", "--json"]).await.good().json();
    let of = |room: RoomId| rooms.iter().find(|row| row["room"] == room.to_string()).unwrap();
    assert_eq!((&of(room)["members"], &of(alone)["members"]), (&2.into(), &1.into()));
    assert!(rooms[0]["members"].as_u64() >= rooms[1]["members"].as_u64(), "the largest first");
    assert_eq!(admin(&cluster, &["rooms", "--limit", "1", "--json"]).await.good().json().len(), 1);

    let lag = admin(&cluster, &["lag", "--json"]).await.good().json();
    assert_eq!(lag.len(), 2, "a row for each partition");
    assert!(lag.iter().all(|row| row["dead"] == 0));
    admin(&cluster, &["dead-letters", "list"]).await.good();
    assert_eq!(admin(&cluster, &["dead-letters", "replay", "0", "1-0"]).await.code, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_node_gives_up_its_clients_and_says_so() {
    let cluster = Cluster::start(2, 1).await;
    let ada = cluster.person(0).await;
    let device = cluster.connect(&ada, 0).await;
    let nodes = admin(&cluster, &["nodes", "--json"]).await.good().json();
    let names: Vec<&str> = nodes.iter().map(|node| node["node"].as_str().unwrap()).collect();
    // They are numbered in the order of their start.
    let first = names.iter().min().unwrap();
    let asked = admin(&cluster, &["drain", first, "--json"]).await.good().json();
    assert_eq!(asked[0]["draining"], true, "{asked:?}");
    cluster.gateway(0).becomes(503).await;
    device
        .hears("goaway", |frame| {
            matches!(frame, hubbub_protocol::ServerFrame::GoAway { .. }).then_some(())
        })
        .await;
    assert_eq!(cluster.gateway(1).readiness().await.unwrap().0, 200, "the other is left alone");
    let shown = admin(&cluster, &["nodes"]).await.good().out;
    assert!(shown.contains("draining") && shown.contains("serving"), "{shown}");
    let nobody = admin(&cluster, &["drain", "nobody", "--json"]).await;
    assert_eq!((nobody.code, &nobody.json()[0]["error"]), (3, &"not_found".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_is_kicked_is_out_on_every_node() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let devices = [cluster.connect(&ada, 0).await, cluster.connect(&ada, 1).await];
    let other = cluster.connect(&bob, 1).await;
    let kicked = admin(&cluster, &["kick", &ada.user.username, "--json"]).await.good().json();
    assert_eq!(kicked[0]["user"], ada.user.id.to_string());
    assert_eq!(kicked[0]["connections"], 0);
    for device in &devices {
        device.ended().await;
    }
    assert!(ada.api.rooms(None).await.is_err(), "her token no longer lets her in");
    bob.api.rooms(None).await.unwrap();
    drop(other);
    assert_eq!(admin(&cluster, &["kick", "nobody-of-this-name"]).await.code, 3);
    assert_eq!(admin(&cluster, &["kick", &UserId::new().to_string()]).await.code, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_traced_from_its_sender_to_every_node() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let at_b = cluster.connect(&bob, 1).await;
    let id = said(&mut at_a, room, "a secret between us").await;
    at_b.sees(room, id).await;
    let answer = admin(&cluster, &["trace", &id.to_string(), "--json"]).await.good();
    assert!(!answer.out.contains("secret between"), "{}", answer.out);
    let answer = answer.json().remove(0);
    assert_eq!(answer["room"], room.to_string());
    assert_eq!(answer["standing"], "stored");
    assert_eq!(answer["sender"], ada.user.id.to_string());
    assert_eq!(answer["silent"].as_array().unwrap().len(), 0, "{answer}");
    let nodes = answer["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 2);
    let committed: Vec<_> = nodes.iter().filter(|node| !node["committed"].is_null()).collect();
    assert_eq!(committed.len(), 1, "one node took it: {answer}");
    assert!(!committed[0]["told_stored"].is_null(), "{answer}");
    for node in nodes {
        assert!(node["delivered"].as_str() >= answer["accepted"].as_str(), "{answer}");
        assert_eq!(node["connections"], 1, "{answer}");
    }
    let by_room = ["trace", &id.to_string(), "--room", &room.to_string()];
    let text = admin(&cluster, &by_room).await.good().out;
    for line in ["accepted  ", "committed ", "stored    ", "delivered "] {
        assert!(text.contains(line), "{text}");
    }
    assert_eq!(admin(&cluster, &["trace", &MessageId::new().to_string()]).await.code, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_storage_is_traced_as_waiting() {
    let cluster = Cluster::start(1, 0).await;
    let ada = cluster.person(0).await;
    let room = ada.room_with(&[]).await;
    let mut device = cluster.connect(&ada, 0).await;
    let id = device.say(room, "nobody stores this").await;
    device.sees(room, id).await;
    let answer = admin(&cluster, &["trace", &id.to_string(), "--json"]).await.good().json();
    assert_eq!(answer[0]["standing"], "waiting");
    let lag = admin(&cluster, &["lag", "--json"]).await.good().json();
    let waiting: u64 = lag.iter().filter_map(|row| row["entries"].as_u64()).sum();
    assert!(waiting > 0, "{lag:?}");
}

fn binary(bytes: &[u8]) -> Binary {
    let subtype = if bytes.len() == 16 { BinarySubtype::Uuid } else { BinarySubtype::Generic };
    Binary { subtype, bytes: bytes.to_vec() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_sound_is_found_and_what_can_be_mended_is() {
    let cluster = Cluster::start(2, 1).await;
    let ada = cluster.person(0).await;
    let (holed, behind) = (ada.room_with(&[]).await, ada.room_with(&[]).await);
    let mut device = cluster.connect(&ada, 0).await;
    device.permit(hubbub_testkit::nodes::view::Permits { sync: true, reset: true });
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(said(&mut device, holed, &format!("number {n}")).await);
        said(&mut device, behind, "again").await;
    }
    eventually("an empty log", async || (cluster.wal_entries().await == 0).then_some(())).await;
    assert_eq!(admin(&cluster, &["check"]).await.good().out, "everything is sound\n");

    // A message vanishes from the store, a membership names no room, and Redis forgets.
    let environment = cluster.environment();
    let client = mongodb::Client::with_uri_str(&environment[1].1).await.unwrap();
    let database = client.database(&environment[2].1);
    let events = database.collection::<Document>("events");
    let gone = events.delete_one(doc! { "id": binary(ids[1].as_uuid().as_bytes()) }).await.unwrap();
    assert_eq!(gone.deleted_count, 1);
    let memberships = database.collection::<Document>("memberships");
    let (room, user) = (RoomId::new(), UserId::new());
    let key = [room.as_bytes(), user.as_uuid().as_bytes()].concat();
    let stray = doc! {
        "_id": binary(&key),
        "room": binary(room.as_bytes()),
        "user": binary(user.as_uuid().as_bytes()),
        "role": 0,
    };
    memberships.insert_one(stray).await.unwrap();
    for partition in 0..2 {
        let counters = format!("{{p{partition}}}:room:{behind}");
        cluster.redis().cli(&["EVAL",
            "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'seq', 1) end return 1",
            "1", &counters]).await;
    }

    let found = admin(&cluster, &["check", "--json"]).await;
    assert_eq!(found.code, 3, "{}{}", found.out, found.err);
    let found = found.json();
    let of = |kind: &str| {
        found
            .iter()
            .find(|row| row.get(kind).is_some())
            .unwrap_or_else(|| panic!("{kind}: {found:?}"))
    };
    assert_eq!(of("events_missing")["events_missing"]["room"], holed.to_string());
    assert_eq!(of("events_missing")["events_missing"]["missing"], 1);
    assert_eq!(of("counters_behind")["counters_behind"]["room"], behind.to_string());
    assert_eq!(of("membership_without_room")["membership_without_room"]["user"], user.to_string());
    assert_eq!(found.len(), 3, "{found:?}");
    let one = admin(&cluster, &["check", "--room", &holed.to_string()]).await;
    assert!(one.code == 3 && one.out.contains("1 events of epoch 1 are missing"), "{}", one.out);

    let mended = admin(&cluster, &["repair"]).await.good();
    assert_eq!(mended.out.matches("done: ").count(), 3, "{}", mended.out);
    assert_eq!(admin(&cluster, &["check"]).await.good().out, "everything is sound\n");
    for room in [holed, behind] {
        said(&mut device, room, "and on it goes").await;
    }
}

/// Takes the latest event of a room out of the store and of its hot log, and makes it a dead letter.
async fn bury(cluster: &Cluster, room: RoomId, id: MessageId) {
    let environment = cluster.environment();
    let client = mongodb::Client::with_uri_str(&environment[1].1).await.unwrap();
    let events = client.database(&environment[2].1).collection::<Document>("events");
    let gone = events.delete_one(doc! { "id": binary(id.as_uuid().as_bytes()) }).await.unwrap();
    assert_eq!(gone.deleted_count, 1);
    const BURY: &str = "
        local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
        if not last then return 0 end
        redis.call('XADD', KEYS[2], '*', 'f', last[2][2], 'o', 'node', 'r', 'refused', 't', '1')
        redis.call('DEL', KEYS[1], KEYS[3])
        return 1";
    let mut buried = 0;
    for partition in 0..2 {
        let key = |rest: &str| format!("{{p{partition}}}:{rest}");
        let keys = [key(&format!("log:{room}")), key("dead"), key(&format!("id:{room}:{id}"))];
        let told = cluster.redis().cli(&["EVAL", BURY, "3", &keys[0], &keys[1], &keys[2]]).await;
        buried += told.parse::<u32>().unwrap();
    }
    assert_eq!(buried, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_is_traced_and_replayed_rather_than_given_up() {
    let cluster = Cluster::start(1, 1).await;
    let ada = cluster.person(0).await;
    let room = ada.room_with(&[]).await;
    let mut device = cluster.connect(&ada, 0).await;
    said(&mut device, room, "this one stays").await;
    let id = said(&mut device, room, "this one is refused").await;
    eventually("an empty log", async || (cluster.wal_entries().await == 0).then_some(())).await;
    bury(&cluster, room, id).await;

    let (message, of) = (id.to_string(), room.to_string());
    for trace in [&["trace", &message, "--json"][..], &["trace", &message, "--room", &of, "--json"]]
    {
        let answer = admin(&cluster, trace).await.good().json();
        assert_eq!(answer[0]["standing"], "dead_letter", "{answer:?}");
    }

    let kept = admin(&cluster, &["repair", "--room", &of]).await;
    assert!(kept.code == 3 && kept.out.contains("replay the dead letters first"), "{}", kept.out);
    assert!(!kept.out.contains("done: "), "{}", kept.out);
    admin(&cluster, &["dead-letters", "replay", "--all"]).await.good();
    eventually("an empty log", async || (cluster.wal_entries().await == 0).then_some(())).await;
    assert_eq!(admin(&cluster, &["check"]).await.good().out, "everything is sound\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_away_is_told_without_its_passwords() {
    let output = Command::new(env!("CARGO_BIN_EXE_hubbub-admin"))
        .arg("nodes")
        .env_clear()
        .env("HUBBUB_REDIS_URL", "redis://:hunter2@127.0.0.1:1")
        .env("HUBBUB_MONGODB_URL", "mongodb://u:hunter2@127.0.0.1:1/?replicaSet=rs0")
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("HUBBUB_REDIS_URL") && !told.contains("hunter2"), "{told}");
    let unset = Command::new(env!("CARGO_BIN_EXE_hubbub-admin"))
        .arg("nodes")
        .env_clear()
        .output()
        .await
        .unwrap();
    assert_eq!(unset.status.code(), Some(2));
}
