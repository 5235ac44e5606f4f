//! What the gateway writes by itself and what it writes for the WebSocket library share a stream.

use futures_util::StreamExt;
use hubbub_protocol::ServerFrame;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::node::{Node, PATIENCE};

/// Fewer than may be sent in a burst.
const ROUNDS: usize = 20;

#[tokio::test]
async fn pings_amid_events_are_answered_in_order_and_no_frame_is_torn() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let room = ann.room("echo").await.id;
    let mut socket = node.greeted(&ann).await;
    let mut said = Vec::new();
    for round in 0..ROUNDS {
        socket.raw(Message::Ping(vec![round as u8; 60].into())).await;
        said.push(socket.say(room, &"x".repeat(2_000)).await);
    }

    let (mut pongs, mut heard) = (Vec::new(), Vec::new());
    while pongs.len() < ROUNDS || heard.len() < ROUNDS {
        let message = timeout(PATIENCE, socket.0.next()).await.expect("a frame in time");
        match message.expect("still open").expect("well-formed frames") {
            Message::Pong(payload) => pongs.push(payload[0] as usize),
            Message::Text(text) => {
                if let ServerFrame::Message(message) = serde_json::from_str(&text).unwrap() {
                    heard.push(message.id);
                }
            }
            _ => {}
        }
    }
    assert_eq!(pongs, (0..ROUNDS).collect::<Vec<_>>());
    assert_eq!(heard, said);
}

#[tokio::test]
async fn a_ping_on_a_quiet_connection_is_answered_at_once() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut socket = node.greeted(&ann).await;
    socket.assert_alive().await;
    for payload in [&b""[..], b"still there?"] {
        socket.raw(Message::Ping(payload.into())).await;
        let answer = loop {
            let message = timeout(PATIENCE, socket.0.next()).await.expect("a frame in time");
            if let Message::Pong(payload) = message.expect("still open").expect("a frame") {
                break payload;
            }
        };
        assert_eq!(answer, payload);
    }
}
