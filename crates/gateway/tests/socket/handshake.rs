//! What is no upgrade, and whose upgrade is refused.

use std::time::{Duration, Instant};

use hubbub_protocol::ErrorCode;
use hubbub_protocol::http::{LoginRequest, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};

use crate::node::{Node, code_in};

async fn raw_request(node: &Node, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(node.gateway.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

/// An access cookie of somebody who logged in with a browser.
async fn cookie(node: &Node) -> String {
    node.person("browser").await;
    let body = LoginRequest {
        username: "browser".into(),
        password: "correct horse".into(),
        transport: Transport::Cookie,
    };
    let body = serde_json::to_string(&body).unwrap();
    let answer = raw_request(
        node,
        &format!(
            "POST /api/v1/login HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}",
            host = node.gateway.address(),
            length = body.len(),
        ),
    )
    .await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: hubbub_access="));
    format!("hubbub_access={}", cookie.unwrap().split(';').next().unwrap())
}

#[tokio::test]
async fn a_plain_request_is_told_to_upgrade() {
    let node = Node::start().await;
    let answer =
        raw_request(&node, "GET /ws HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let text = String::from_utf8(answer).unwrap();
    assert!(text.starts_with("HTTP/1.1 426"), "{text}");
    assert!(text.contains("application/problem+json"), "{text}");
}

#[tokio::test]
async fn each_malformed_upgrade_is_refused() {
    let node = Node::start().await;
    for (name, value) in [
        (header::SEC_WEBSOCKET_VERSION, "8"),
        (header::SEC_WEBSOCKET_KEY, "short"),
        (header::SEC_WEBSOCKET_KEY, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        (header::UPGRADE, "h2c"),
        (header::CONNECTION, "keep-alive"),
    ] {
        let mut head = format!("GET /ws HTTP/1.1\r\nhost: {}\r\n", node.gateway.address());
        for (key, held) in node.upgrade().headers() {
            let held = if *key == name { value } else { held.to_str().unwrap() };
            if *key != header::HOST {
                head.push_str(&format!("{key}: {held}\r\n"));
            }
        }
        // Not every one of these closes by itself: the client says that it will.
        let head = head.replace("connection: Upgrade", "connection: Upgrade, close");
        let mut stream = TcpStream::connect(node.gateway.address()).await.unwrap();
        stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 426"), "{name}: {value}: {answer}");
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        assert_eq!(code_in(body.as_bytes()), ErrorCode::UpgradeRequired);
    }
}

#[tokio::test]
async fn a_foreign_origin_is_refused_even_without_a_cookie() {
    let node = Node::start().await;
    let mut request = node.upgrade();
    request.headers_mut().insert(header::ORIGIN, HeaderValue::from_static("https://evil.example"));
    assert_eq!(node.try_upgrade(request).await.err(), Some(ErrorCode::OriginRefused));
}

#[tokio::test]
async fn a_cookie_needs_an_origin_and_the_right_one() {
    let node = Node::start().await;
    let cookie = HeaderValue::from_str(&cookie(&node).await).unwrap();
    let with = |origin: Option<String>| {
        let mut request = node.upgrade();
        request.headers_mut().insert(header::COOKIE, cookie.clone());
        if let Some(origin) = origin {
            request.headers_mut().insert(header::ORIGIN, HeaderValue::from_str(&origin).unwrap());
        }
        request
    };
    assert_eq!(node.try_upgrade(with(None)).await.err(), Some(ErrorCode::OriginRefused));
    let foreign = Some("http://127.0.0.1:1".to_owned());
    assert_eq!(node.try_upgrade(with(foreign)).await.err(), Some(ErrorCode::OriginRefused));

    let mut socket = node.try_upgrade(with(Some(node.url()))).await.ok().unwrap();
    socket.text(r#"{"type":"hello"}"#).await;
    let ready = socket.next().await.unwrap();
    assert!(matches!(ready, hubbub_protocol::ServerFrame::Ready { .. }), "{ready:?}");
}

#[tokio::test]
async fn our_subprotocol_is_chosen_among_several() {
    let node = Node::start().await;
    let mut request = node.upgrade();
    let offered = HeaderValue::from_static("other.v9, hubbub.v1");
    request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
    let stream = TcpStream::connect(node.gateway.address()).await.unwrap();
    let (_, response) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    assert_eq!(response.headers()[header::SEC_WEBSOCKET_PROTOCOL], "hubbub.v1");
}

#[tokio::test]
async fn a_client_without_the_affinity_cookie_gets_one_and_keeps_it() {
    let node = Node::start().await;
    let cookies = async |request| {
        let stream = TcpStream::connect(node.gateway.address()).await.unwrap();
        let (_, response) = tokio_tungstenite::client_async(request, stream).await.unwrap();
        let cookie = response.headers().get(header::SET_COOKIE);
        cookie.map(|cookie| cookie.to_str().unwrap().to_owned())
    };
    let given = cookies(node.upgrade()).await.unwrap();
    let value = given.split(';').next().unwrap().to_owned();
    assert!(value.starts_with("hubbub_node=") && given.contains("HttpOnly"), "{given}");
    let mut again = node.upgrade();
    again.headers_mut().insert(header::COOKIE, HeaderValue::from_str(&value).unwrap());
    again.headers_mut().insert(header::ORIGIN, HeaderValue::from_str(&node.url()).unwrap());
    assert_eq!(cookies(again).await, None);
}

#[tokio::test]
async fn an_upgrade_that_trickles_in_is_cut_off() {
    let node = Node::start().await;
    let mut stream = TcpStream::connect(node.gateway.address()).await.unwrap();
    let start = Instant::now();
    let cut_off = async {
        for byte in b"GET /ws HTTP/1.1\r\nhost: x\r\nx-slow: ".iter().chain(b"a".iter().cycle()) {
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), cut_off).await.expect("cut off");
    assert!(start.elapsed() >= Duration::from_secs(9), "a slow link has some time");
}

#[tokio::test]
async fn a_full_node_refuses_further_sockets() {
    let node = Node::with(|settings| settings.max_connections = 1).await;
    let ann = node.person("ann").await;
    let _first = node.greeted(&ann).await;
    let refused = node.try_upgrade(node.upgrade()).await.err();
    assert_eq!(refused, Some(ErrorCode::Overloaded));
}
