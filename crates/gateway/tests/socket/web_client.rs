//! The web client on a whole gateway: what it serves, and what it leaves to others.

use std::fs;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::node::Node;

/// The whole answer to a GET, in lower case.
async fn get(node: &Node, path: &str) -> String {
    let mut stream = TcpStream::connect(node.gateway.address()).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: chat\r\naccept: text/html\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap().to_lowercase()
}

#[tokio::test]
async fn a_gateway_serves_the_client_beside_its_endpoints() {
    let dist = tempfile::tempdir().unwrap();
    fs::create_dir(dist.path().join("assets")).unwrap();
    fs::write(dist.path().join("index.html"), "the page").unwrap();
    fs::write(dist.path().join("assets/a-1.js"), "the script").unwrap();
    let node = Node::with(|settings| settings.web_client_dir = Some(dist.path().into())).await;

    // The page marks the browser, so that what it loads comes from the same gateway, and so of the
    // same version; what shared caches keep does not.
    let page = get(&node, "/join/0190b7a0").await;
    assert!(page.starts_with("http/1.1 200") && page.ends_with("the page"), "{page}");
    assert!(page.contains("set-cookie: hubbub_node="), "{page}");
    let script = get(&node, "/assets/a-1.js").await;
    assert!(script.starts_with("http/1.1 200") && script.ends_with("the script"), "{script}");
    assert!(!script.contains("set-cookie"), "{script}");

    for path in
        ["/healthz", "/readyz", "/ws", "/api/v1/me", "/api/docs", "/api/nothing", "/metrics"]
    {
        let answer = get(&node, path).await;
        assert!(!answer.ends_with("the page"), "{path}: {answer}");
    }
}
