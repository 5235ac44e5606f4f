//! Before `ready`.

use hubbub_protocol::{ClientFrame, CloseCode, ErrorCode, RoomId, ServerFrame};
use tokio_tungstenite::tungstenite::Message;

use crate::node::Node;

#[tokio::test]
async fn silence_is_ended_after_the_time_for_hello() {
    let node = Node::with(|settings| settings.limits.hello_ms = 200).await;
    let mut socket = node.socket().await;
    assert_eq!(socket.error().await.0, ErrorCode::HelloTimeout);
    assert_eq!(socket.closed().await, CloseCode::HelloTimeout.code());
}

#[tokio::test]
async fn pings_do_not_buy_time() {
    let node = Node::with(|settings| settings.limits.hello_ms = 200).await;
    let mut socket = node.socket().await;
    for _ in 0..3 {
        socket.raw(Message::Ping("x".into())).await;
    }
    assert_eq!(socket.error().await.0, ErrorCode::HelloTimeout);
}

#[tokio::test]
async fn another_frame_first_is_refused() {
    let node = Node::start().await;
    let mut socket = node.socket().await;
    socket.send(&ClientFrame::Ping).await;
    assert_eq!(socket.error().await.0, ErrorCode::HelloRequired);
    assert_eq!(socket.closed().await, CloseCode::HelloRequired.code());
}

#[tokio::test]
async fn a_malformed_first_frame_may_be_corrected() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut socket = node.socket().await;
    socket.text("{").await;
    assert_eq!(socket.error().await.0, ErrorCode::BadJson);
    socket.text(r#"{"type":"hello","token":7}"#).await;
    assert_eq!(socket.error().await.0, ErrorCode::BadFrame);
    socket.hello(&ann.token().await).await;
}

#[tokio::test]
async fn endless_nonsense_before_hello_is_ended() {
    let node = Node::start().await;
    let mut socket = node.socket().await;
    for _ in 0..9 {
        socket.text("nonsense").await;
    }
    assert_eq!(socket.closed().await, CloseCode::TooManyErrors.code());
}

#[tokio::test]
async fn a_binary_first_frame_is_refused() {
    let node = Node::start().await;
    let mut socket = node.socket().await;
    socket.raw(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(socket.error().await.0, ErrorCode::BinaryFrame);
    assert_eq!(socket.closed().await, CloseCode::HelloRequired.code());
}

#[tokio::test]
async fn a_second_hello_is_refused_and_changes_nothing() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut socket = node.greeted(&ann).await;
    socket.assert_refused(r#"{"type":"hello"}"#, ErrorCode::HelloRepeated).await;
}

#[tokio::test]
async fn rooms_asked_for_that_are_not_ones_own_are_not_found_and_the_others_are_heard() {
    let node = Node::start().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let (mine, theirs) = (ann.room("mine").await.id, bob.room("theirs").await.id);
    let mut socket = node.socket().await;
    let only = Some(vec![mine, theirs, RoomId::new()]);
    let token = Some(ann.token().await);
    socket.send(&ClientFrame::Hello { token, resume: Vec::new(), only }).await;
    for _ in 0..2 {
        assert_eq!(socket.error().await.0, ErrorCode::RoomNotFound);
    }
    let rooms = socket
        .until(|frame| match frame {
            ServerFrame::Ready { rooms, .. } => Some(rooms),
            _ => None,
        })
        .await;
    assert_eq!(rooms.iter().map(|room| room.room).collect::<Vec<_>>(), [mine]);
}

#[tokio::test]
async fn a_user_has_a_bounded_number_of_connections() {
    let node = Node::with(|settings| settings.max_connections_per_user = 2).await;
    let ann = node.person("ann").await;
    let (_one, _two) = (node.greeted(&ann).await, node.greeted(&ann).await);
    let mut third = node.socket().await;
    let token = Some(ann.token().await);
    third.send(&ClientFrame::Hello { token, resume: Vec::new(), only: None }).await;
    assert_eq!(third.closed().await, CloseCode::TooManyConnections.code());
}
