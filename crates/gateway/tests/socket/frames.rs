//! Frames that are wrong in form: each has its code, and costs the connection nothing.

use hubbub_protocol::{CloseCode, ErrorCode, MessageId, RoomId};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

use crate::node::Node;

#[tokio::test]
async fn each_malformed_frame_has_its_code() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let room = ann.room("r").await.id;
    let id = MessageId::new();
    let mut socket = node.greeted(&ann).await;
    for (text, code) in [
        ("{".to_owned(), ErrorCode::BadJson),
        ("\u{0}".to_owned(), ErrorCode::BadJson),
        ("[1]".to_owned(), ErrorCode::BadFrame),
        ("{}".to_owned(), ErrorCode::BadFrame),
        (r#"{"type":"dance"}"#.to_owned(), ErrorCode::UnknownType),
        (r#"{"type":"typing","room":1,"on":true}"#.to_owned(), ErrorCode::BadFrame),
        (format!(r#"{{"type":"send","id":"{id}","room":"{room}"}}"#), ErrorCode::BadFrame),
        (
            format!(r#"{{"type":"send","id":"{id}","room":"{room}","body":{{"text":7}}}}"#),
            ErrorCode::BadFrame,
        ),
        (
            format!(r#"{{"type":"send","id":"1","room":"{room}","body":{{"text":"x"}}}}"#),
            ErrorCode::BadId,
        ),
        (r#"{"type":"subscribe","room":"not-a-room"}"#.to_owned(), ErrorCode::BadId),
        (
            format!(r#"{{"type":"subscribe","room":"{room}","epoch":1,"seq":-1}}"#),
            ErrorCode::BadFrame,
        ),
    ] {
        socket.assert_refused(text, code).await;
    }
}

#[tokio::test]
async fn an_error_names_the_frame_it_answers() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut socket = node.greeted(&ann).await;
    let id = socket.say(RoomId::new(), "hello?").await;
    assert_eq!(socket.error().await, (ErrorCode::RoomNotFound, Some(id.to_string())));
}

#[tokio::test]
async fn a_binary_frame_is_refused() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut socket = node.greeted(&ann).await;
    socket.raw(Message::binary(vec![0; 100])).await;
    assert_eq!(socket.error().await.0, ErrorCode::BinaryFrame);
    socket.assert_alive().await;
}

#[tokio::test]
async fn a_frame_above_the_limit_is_refused_and_far_above_it_is_not_even_read() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut socket = node.greeted(&ann).await;
    let limit = 64 * 1024;
    socket.assert_refused(" ".repeat(limit + 1), ErrorCode::FrameTooLarge).await;
    socket.text(" ".repeat(4 * limit + 1)).await;
    assert_eq!(socket.error().await.0, ErrorCode::FrameTooLarge);
    assert_eq!(socket.closed().await, CloseCode::FrameTooLarge.code());
}

/// A masked frame with these two first bytes around `payload`.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126);
    // A mask of zeros leaves the payload as it is.
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

#[tokio::test]
async fn invalid_utf8_ends_the_connection_as_the_standard_demands() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut socket = node.greeted(&ann).await;
    socket.0.get_mut().write_all(&masked(0x81, b"\"\xff\xfe\"")).await.unwrap();
    assert_eq!(socket.error().await.0, ErrorCode::InvalidUtf8);
    assert_eq!(socket.closed().await, CloseCode::InvalidUtf8.code());
}

#[tokio::test]
async fn an_unmasked_frame_ends_the_connection() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut socket = node.greeted(&ann).await;
    socket.0.get_mut().write_all(&[0x81, 2, b'{', b'}']).await.unwrap();
    assert_eq!(socket.closed().await, CloseCode::ProtocolError.code());
}

#[tokio::test]
async fn a_message_in_fragments_is_one_message() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut socket = node.greeted(&ann).await;
    let stream = socket.0.get_mut();
    stream.write_all(&masked(0x01, br#"{"type":"#)).await.unwrap();
    stream.write_all(&masked(0x89, b"ping between")).await.unwrap();
    stream.write_all(&masked(0x80, br#""ping"}"#)).await.unwrap();
    socket.until(|frame| (frame == hubbub_protocol::ServerFrame::Pong).then_some(())).await;
}
