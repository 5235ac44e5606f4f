//! What an operator sees on the admin port.

use std::net::SocketAddr;

use hubbub_runtime::{Health, Metrics, admin};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

struct Admin {
    address: SocketAddr,
    health: Health,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn start() -> Admin {
    let health = Health::new();
    let routes = admin::routes(&health, Metrics::install().expect("the recorder"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(admin::serve(listener, routes, stop.clone()));
    Admin { address, health, stop, serving }
}

impl Admin {
    async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    }
}

#[tokio::test]
async fn readyz_is_503_with_reasons_until_all_is_ready() {
    let admin = start().await;
    let check = admin.health.check("redis");
    check.not_ready("connection refused");
    let answer = admin.get("/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(
        answer.ends_with(
            r#"{"ready":false,"checks":{"redis":{"ready":false,"reason":"connection refused"}}}"#
        ),
        "{answer}"
    );
    check.ready();
    let answer = admin.get("/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with(r#"{"ready":true,"checks":{"redis":{"ready":true}}}"#), "{answer}");
}

#[tokio::test]
async fn healthz_is_200_even_while_not_ready_and_503_once_dead() {
    let admin = start().await;
    let _check = admin.health.check("redis");
    assert!(admin.get("/healthz").await.starts_with("HTTP/1.1 200"));
    admin.health.declare_dead("writer panicked");
    let answer = admin.get("/healthz").await;
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.ends_with("writer panicked\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let admin = start().await;
    metrics::gauge!("hubbub_admin_test_connections").set(3.0);
    let answer = admin.get("/metrics").await;
    assert!(answer.contains("text/plain; version=0.0.4"), "{answer}");
    assert!(answer.contains("\nhubbub_admin_test_connections 3\n"), "{answer}");
}

#[tokio::test]
async fn idle_connections_past_the_bound_wait_and_are_served_when_one_leaves() {
    let admin = start().await;
    let mut idle = Vec::new();
    for _ in 0..64 {
        idle.push(TcpStream::connect(admin.address).await.unwrap());
    }
    let late = admin.get("/healthz");
    tokio::pin!(late);
    let soon = std::time::Duration::from_millis(200);
    assert!(tokio::time::timeout(soon, &mut late).await.is_err(), "served past the bound");
    idle.pop();
    assert!(late.await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed() {
    let admin = start().await;
    let mut idle = TcpStream::connect(admin.address).await.unwrap();
    admin.get("/healthz").await;
    tokio::time::pause();
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn stopping_ends_the_listener_and_frees_its_port() {
    let admin = start().await;
    admin.stop.cancel();
    admin.serving.await.unwrap().unwrap();
    TcpListener::bind(admin.address).await.unwrap();
}
