//! What operators ask of a node on its own listener.

use std::time::Duration;

use hubbub_gateway::operator::OperatorToken;
use hubbub_protocol::server::GoAwayReason;
use hubbub_protocol::{CloseCode, ErrorCode, ServerFrame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::node::Node;

const JSON: &str = "content-type: application/json\r\n";

/// The status of a POST to the listener for operators, and its body.
async fn ask(node: &Node, path: &str, headers: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(node.gateway.admin_address()).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: node\r\nconnection: close\r\ncontent-length: {length}\r\n\
         {headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn a_node_that_is_to_drain_moves_its_clients_and_stays_up_unready() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut anns = node.greeted(&ann).await;
    assert_eq!(ask(&node, "/drain", JSON, "{}").await, (202, r#"{"connections":1}"#.to_owned()));
    let reason = anns
        .until(|frame| match frame {
            ServerFrame::GoAway { reason, .. } => Some(reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, GoAwayReason::Draining);
    assert_eq!(node.try_upgrade(node.upgrade()).await.err(), Some(ErrorCode::Draining));
    anns.assert_alive().await;
    // Asked again, it says the same and nobody is told twice.
    assert_eq!(ask(&node, "/drain", JSON, "{}").await.0, 202);
    anns.assert_alive().await;
    assert!(!node.lifecycle.soft_stop().is_cancelled());
}

#[tokio::test]
async fn a_node_that_is_to_drain_closes_those_who_stay() {
    // Of the grace five seconds are for what follows.
    let node = Node::with(|settings| settings.shutdown_grace = Duration::from_millis(5_500)).await;
    let ann = node.person("ann").await;
    let mut anns = node.greeted(&ann).await;
    assert_eq!(ask(&node, "/drain", JSON, "{}").await.0, 202);
    assert_eq!(anns.closed().await, CloseCode::GoAway.code());
    assert_eq!(node.gateway.connections(), 0);
    assert!(!node.lifecycle.soft_stop().is_cancelled());
}

#[tokio::test]
async fn a_node_with_a_token_obeys_whoever_shows_it() {
    let token = "a-token-of-operators";
    let node =
        Node::with(|settings| settings.admin_token = Some(OperatorToken::parse(token).unwrap()))
            .await;
    for path in ["/drain", "/rebalance"] {
        assert_eq!(ask(&node, path, JSON, "{}").await.0, 401);
    }
    let shown = format!("{JSON}authorization: Bearer {token}\r\n");
    assert_eq!(ask(&node, "/rebalance", &shown, "{}").await.0, 202);
    assert!(node.try_upgrade(node.upgrade()).await.is_ok());
}

#[tokio::test]
async fn a_node_tells_its_share_when_it_is_to_rebalance() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut anns = node.greeted(&ann).await;
    let (status, body) = ask(&node, "/rebalance", JSON, r#"{"per_second":5}"#).await;
    assert_eq!(status, 202, "{body}");
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["share"], serde_json::json!({"nodes": 1, "total": 1, "connections": 1}));
    assert_eq!(answer["surplus"], 0);
    anns.assert_alive().await;
}

#[tokio::test]
async fn a_page_in_an_operators_browser_can_ask_for_nothing() {
    let node = Node::start().await;
    for path in ["/drain", "/rebalance"] {
        let form = "content-type: text/plain\r\n";
        assert_eq!(ask(&node, path, form, "{}").await.0, 415);
        let page = format!("{JSON}origin: http://evil.example\r\n");
        assert_eq!(ask(&node, path, &page, "{}").await.0, 403);
    }
    assert!(node.try_upgrade(node.upgrade()).await.is_ok());
}
