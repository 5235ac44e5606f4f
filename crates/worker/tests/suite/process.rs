//! A whole worker: boot, readiness, stop, and the binary.

use std::process::Output;
use std::time::Duration;

use hubbub_protocol::Timestamp;
use hubbub_runtime::Lifecycle;
use hubbub_runtime::lifecycle::Ended;
use hubbub_runtime::settings::FixedEnvironment;
use hubbub_testkit::mongo::MongoSet;
use hubbub_testkit::redis::RedisServer;
use hubbub_worker::{Settings, Worker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::cluster::{database, mongo};
use crate::rig::soon;

fn environment(redis_url: &str, mongodb_url: &str) -> FixedEnvironment {
    FixedEnvironment::new()
        .with("HUBBUB_REDIS_URL", redis_url)
        .with("HUBBUB_MONGODB_URL", mongodb_url)
        .with("HUBBUB_MONGODB_DATABASE", database())
        .with("HUBBUB_PARTITIONS", "2")
        .with("HUBBUB_ADMIN_LISTEN", "127.0.0.1:0")
}

fn settings(redis_url: &str, mongodb_url: &str) -> Settings {
    Settings::load(["hubbub-worker"], &environment(redis_url, mongodb_url)).unwrap()
}

async fn refusal(settings: &Settings) -> String {
    let Err(error) = Worker::start(settings, Lifecycle::default()).await else {
        panic!("the worker started");
    };
    error.to_string()
}

/// Status line and body.
async fn get(worker: &Worker, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(worker.admin_address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: worker\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

/// Asks until `/readyz` answers with this status, as an orchestrator does.
async fn ready_answers(worker: &Worker, status: &str) -> String {
    soon(&format!("/readyz with {status}"), async {
        loop {
            let (line, body) = get(worker, "/readyz").await;
            if line.contains(status) {
                return body;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_worker_becomes_ready_says_what_is_missing_and_stops_softly() {
    let redis = RedisServer::start().await;
    let settings = settings(&redis.url(), &mongo().await.uri());
    let worker = Worker::start(&settings, Lifecycle::default()).await.unwrap();
    ready_answers(&worker, "200").await;
    let (status, metrics) = get(&worker, "/metrics").await;
    assert!(status.contains("200"), "{status}");
    assert!(metrics.contains("hubbub_wal_entries{partition=\"1\"} 0"), "{metrics}");

    redis.kill();
    let reasons = ready_answers(&worker, "503").await;
    assert!(reasons.contains("\"redis\":{\"ready\":false"), "{reasons}");
    assert!(reasons.contains("\"mongodb\":{\"ready\":true"), "{reasons}");
    redis.restart().await;
    ready_answers(&worker, "200").await;
    assert_eq!(worker.stop().await, Ended::Softly);
}

#[tokio::test]
async fn a_redis_that_evicts_is_refused_with_what_to_set() {
    let redis = RedisServer::start_with(&["--maxmemory-policy", "allkeys-lru"]).await;
    let error = refusal(&settings(&redis.url(), &mongo().await.uri())).await;
    assert!(error.contains("HUBBUB_REDIS_URL"), "{error}");
    assert!(error.contains("set maxmemory-policy noeviction"), "{error}");
}

#[tokio::test]
async fn a_mongodb_that_is_no_replica_set_is_refused_with_what_to_do() {
    let (redis, alone) = (RedisServer::start().await, MongoSet::start_standalone().await);
    let error = refusal(&settings(&redis.url(), &alone.uri())).await;
    assert!(error.contains("HUBBUB_MONGODB_URL"), "{error}");
    assert!(error.contains("replica set"), "{error}");
}

#[tokio::test]
async fn another_number_of_partitions_than_the_data_has_is_refused() {
    let redis = RedisServer::start().await;
    let mut settings = settings(&redis.url(), &mongo().await.uri());
    Worker::start(&settings, Lifecycle::default()).await.unwrap().stop().await;
    settings.cluster.partitions = 3;
    let error = refusal(&settings).await;
    assert!(error.contains('2') && error.contains('3'), "{error}");
}

async fn command(redis: &RedisServer, arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_hubbub-worker"));
    command
        .args(arguments)
        .env_clear()
        .env("HUBBUB_REDIS_URL", redis.url())
        .env("HUBBUB_MONGODB_URL", "mongodb://127.0.0.1:1/?replicaSet=rs0")
        .env("HUBBUB_PARTITIONS", "2")
        .kill_on_drop(true);
    soon("the command's end", command.output()).await.unwrap()
}

#[tokio::test]
async fn the_binary_lists_and_replays_dead_letters_without_mongodb() {
    let redis = RedisServer::start().await;
    let nothing = command(&redis, &["dead-letters", "list"]).await;
    assert_eq!(String::from_utf8_lossy(&nothing.stdout), "no dead letters\n");
    let now = Timestamp::now().millis().to_string();
    let fields = ["f", "no event", "o", "a.00000000", "r", "not an event (column 1)", "t", &now];
    let id = redis.cli(&[&["XADD", "{p1}:dead", "*"], &fields[..]].concat()).await;

    let listed = command(&redis, &["dead-letters", "list", "--json"]).await;
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(&format!("\"partition\":1,\"id\":\"{id}\"")), "{listed}");
    let replayed = command(&redis, &["dead-letters", "replay", "1", &id]).await;
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    let again = command(&redis, &["dead-letters", "replay", "1", &id]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("no dead letter"));
    let depth = command(&redis, &["wal"]).await;
    let depth = String::from_utf8(depth.stdout).unwrap();
    let sums: Vec<&str> = depth.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(sums, ["all", "1", "0"], "{depth}");
}

#[tokio::test]
async fn the_binary_without_settings_says_which_it_needs() {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_hubbub-worker"));
    let output = soon("its end", command.env_clear().output()).await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("HUBBUB_REDIS_URL") && text.contains("HUBBUB_MONGODB_URL"), "{text}");
}
