//! Tokens that do not let in, and connections that outlive theirs.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hubbub_protocol::{ClientFrame, CloseCode, ErrorCode, ServerFrame};

use crate::node::{Node, Socket};

async fn refused(node: &Node, token: Option<String>) -> (ErrorCode, u16) {
    let mut socket = node.socket().await;
    socket.send(&ClientFrame::Hello { token, resume: Vec::new(), only: None }).await;
    (socket.error().await.0, socket.closed().await)
}

#[tokio::test]
async fn no_token_lets_nobody_in() {
    let node = Node::start().await;
    let expected = (ErrorCode::TokenRequired, CloseCode::TokenInvalid.code());
    assert_eq!(refused(&node, None).await, expected);
}

#[tokio::test]
async fn forged_tokens_are_invalid() {
    let node = Node::start().await;
    let token = node.person("ann").await.token().await;
    let parts: Vec<_> = token.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let rs256 = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let mut claims = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
    let last = claims.len() - 2;
    claims[last] = if claims[last] == b'9' { b'8' } else { b'9' };
    let later = URL_SAFE_NO_PAD.encode(claims);
    for forged in [
        String::new(),
        "x".repeat(10_000),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{rs256}.{}.{}", parts[1], parts[2]),
        format!("{}.{later}.{}", parts[0], parts[2]),
    ] {
        let expected = (ErrorCode::TokenInvalid, CloseCode::TokenInvalid.code());
        assert_eq!(refused(&node, Some(forged.clone())).await, expected, "{forged}");
    }
}

#[tokio::test]
async fn a_token_of_a_session_that_has_ended_lets_nobody_in() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let token = ann.token().await;
    ann.api.logout().await.unwrap();
    let expected = (ErrorCode::SessionEnded, CloseCode::SessionEnded.code());
    assert_eq!(refused(&node, Some(token)).await, expected);
}

#[tokio::test]
async fn logging_out_closes_the_sessions_sockets_and_no_others() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let other = hubbub_client::http::Api::new(&node.url()).unwrap();
    other.login("ann", "correct horse").await.unwrap();
    let (mut one, mut two) = (node.greeted(&ann).await, node.greeted(&ann).await);
    let mut elsewhere = node.socket().await;
    elsewhere.hello(&other.access_token(Duration::ZERO).await.unwrap()).await;
    ann.api.logout().await.unwrap();
    assert_eq!(one.closed().await, CloseCode::SessionEnded.code());
    assert_eq!(two.closed().await, CloseCode::SessionEnded.code());
    elsewhere.assert_alive().await;
}

/// A node whose access tokens last a second.
async fn short_lived() -> Node {
    Node::with(|settings| settings.access_token_ttl = Duration::from_secs(1)).await
}

async fn refresh(socket: &mut Socket, token: Option<String>) -> ServerFrame {
    socket.send(&ClientFrame::Refresh { token }).await;
    socket.next().await.unwrap()
}

#[tokio::test]
async fn a_connection_ends_with_its_token() {
    let node = short_lived().await;
    let ann = node.person("ann").await;
    let mut socket = node.greeted(&ann).await;
    assert_eq!(socket.closed().await, CloseCode::TokenExpired.code());
}

#[tokio::test]
async fn a_new_token_lets_it_stay() {
    let node = short_lived().await;
    let ann = node.person("ann").await;
    let mut socket = node.greeted(&ann).await;
    // Past the first token's second and the grace after it.
    for _ in 0..16 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let token = ann.api.access_token(Duration::from_secs(60)).await.unwrap();
        let answer = refresh(&mut socket, Some(token)).await;
        assert!(matches!(answer, ServerFrame::Refreshed { .. }), "{answer:?}");
    }
    socket.assert_alive().await;
}

#[tokio::test]
async fn a_rotation_lets_it_stay_without_showing_the_token() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut socket = node.greeted(&ann).await;
    let answer = refresh(&mut socket, None).await;
    assert!(
        matches!(answer, ServerFrame::Refreshed { token_expires_in_ms } if token_expires_in_ms > 0),
        "{answer:?}"
    );
}

#[tokio::test]
async fn somebody_elses_token_does_not_refresh_a_connection() {
    let node = Node::start().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let mut socket = node.greeted(&ann).await;
    let token = bob.token().await;
    socket.send(&ClientFrame::Refresh { token: Some(token) }).await;
    assert_eq!(socket.error().await.0, ErrorCode::TokenInvalid);
    socket.assert_alive().await;
}
