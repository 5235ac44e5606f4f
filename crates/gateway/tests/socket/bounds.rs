//! Well-formed frames that ask for too much, or for what is not theirs.

use std::time::Duration;

use hubbub_protocol::{ClientFrame, Draft, ErrorCode, MessageId, RoomId, ServerFrame, Timestamp};
use tokio_tungstenite::tungstenite::Message;
use uuid::{Timestamp as UuidTime, Uuid};

use crate::node::{Node, Socket};

/// An id made at `at`.
fn id_of(at: Timestamp) -> MessageId {
    let millis = u64::try_from(at.millis()).unwrap();
    let nanos = u32::try_from(millis % 1000).unwrap() * 1_000_000;
    let time = UuidTime::from_unix(uuid::NoContext, millis / 1000, nanos);
    MessageId::from_uuid(Uuid::new_v7(time))
}

async fn send_as(socket: &mut Socket, id: MessageId, room: RoomId, text: &str) {
    socket.send(&ClientFrame::Send { id, room, body: Draft::text(text) }).await;
}

async fn acked(socket: &mut Socket) -> MessageId {
    socket
        .until(|frame| match frame {
            ServerFrame::Ack { id, .. } => Some(id),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_room_that_does_not_exist_and_one_that_is_not_yours_look_the_same() {
    let node = Node::start().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let theirs = bob.room("theirs").await.id;
    let mut socket = node.greeted(&ann).await;
    for room in [theirs, RoomId::new()] {
        for frame in [
            ClientFrame::Subscribe { room, epoch: None, seq: None },
            ClientFrame::Unsubscribe { room },
            ClientFrame::Typing { room, on: true },
            ClientFrame::Mark { room, delivered: None, read: None, unread: None },
            ClientFrame::Send { id: MessageId::new(), room, body: Draft::text("x") },
        ] {
            socket.send(&frame).await;
            let error = socket
                .until(|frame| match frame {
                    ServerFrame::Error(error) => Some(error),
                    _ => None,
                })
                .await;
            assert_eq!(error.code, ErrorCode::RoomNotFound, "{frame:?}");
            assert_eq!(error.message, ErrorCode::RoomNotFound.title());
        }
    }
    socket.assert_alive().await;
}

#[tokio::test]
async fn empty_and_overlong_texts_are_refused() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let room = ann.room("r").await.id;
    let mut socket = node.greeted(&ann).await;
    for (text, code) in [
        (String::new(), ErrorCode::EmptyText),
        (" \n\u{2003}".to_owned(), ErrorCode::EmptyText),
        ("x".repeat(4_001), ErrorCode::TextTooLong),
        (format!("e{}", "\u{301}".repeat(20_000)), ErrorCode::TextTooLong),
    ] {
        let id = socket.say(room, &text).await;
        assert_eq!(socket.error().await, (code, Some(id.to_string())));
    }
    let id = socket.say(room, &"👩‍👩‍👧‍👦".repeat(1_000)).await;
    assert_eq!(acked(&mut socket).await, id, "a thousand families are a thousand graphemes");
}

#[tokio::test]
async fn an_id_from_the_future_is_refused_and_one_from_a_fast_clock_is_not() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let room = ann.room("r").await.id;
    let mut socket = node.greeted(&ann).await;
    let future = id_of(Timestamp::now().after(Duration::from_secs(25 * 3600)));
    send_as(&mut socket, future, room, "x").await;
    assert_eq!(socket.error().await, (ErrorCode::IdInFuture, Some(future.to_string())));
    let fast = id_of(Timestamp::now().after(Duration::from_secs(3600)));
    send_as(&mut socket, fast, room, "x").await;
    assert_eq!(acked(&mut socket).await, fast);
}

#[tokio::test]
async fn somebody_elses_id_is_refused_and_ones_own_is_a_retry() {
    let node = Node::start().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let room = ann.room("r").await;
    bob.api.join_room(&room.code.unwrap().to_string()).await.unwrap();
    let (mut anns, mut bobs) = (node.greeted(&ann).await, node.greeted(&bob).await);
    for id in [MessageId::new(), id_of(Timestamp::from_millis(1_700_000_000_000))] {
        send_as(&mut anns, id, room.id, "first").await;
        assert_eq!(acked(&mut anns).await, id);
        send_as(&mut bobs, id, room.id, "mine now").await;
        assert_eq!(bobs.error().await, (ErrorCode::IdConflict, Some(id.to_string())));
        send_as(&mut anns, id, room.id, "first").await;
        assert_eq!(acked(&mut anns).await, id);
    }
    let history = ann.api.messages(room.id, hubbub_client::http::Page::Latest, 50).await.unwrap();
    assert_eq!(history.messages.len(), 2);
}

#[tokio::test]
async fn of_too_many_rooms_the_most_active_are_heard() {
    let node = Node::with(|settings| settings.limits.rooms = 2).await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let mut rooms = Vec::new();
    for name in ["a", "b"] {
        rooms.push(ann.room(name).await.id);
    }
    let direct = bob.api.direct(ann.id).await.unwrap().id;
    let mut bobs = node.greeted(&bob).await;
    bobs.say(direct, "are you there?").await;
    acked(&mut bobs).await;
    let mut anns = node.socket().await;
    let token = Some(ann.token().await);
    anns.send(&ClientFrame::Hello { token, resume: Vec::new(), only: None }).await;
    assert_eq!(anns.error().await.0, ErrorCode::TooManySubscriptions);
    let heard = anns
        .until(|frame| match frame {
            ServerFrame::Ready { rooms, .. } => Some(rooms),
            _ => None,
        })
        .await;
    let heard: Vec<_> = heard.into_iter().map(|room| room.room).collect();
    assert_eq!(heard, [rooms[1], direct]);
}

#[tokio::test]
async fn more_subscriptions_than_allowed_are_refused() {
    let node = Node::with(|settings| settings.limits.rooms = 2).await;
    let ann = node.person("ann").await;
    let mut rooms = Vec::new();
    for name in ["a", "b", "c"] {
        rooms.push(ann.room(name).await.id);
    }
    let mut socket = node.socket().await;
    let only = Some(rooms[..2].to_vec());
    let token = Some(ann.token().await);
    socket.send(&ClientFrame::Hello { token, resume: Vec::new(), only }).await;
    socket.send(&ClientFrame::Subscribe { room: rooms[2], epoch: None, seq: None }).await;
    assert_eq!(socket.error().await.0, ErrorCode::TooManySubscriptions);
    socket.send(&ClientFrame::Unsubscribe { room: rooms[0] }).await;
    socket.send(&ClientFrame::Subscribe { room: rooms[2], epoch: None, seq: None }).await;
    socket
        .until(|frame| {
            matches!(frame, ServerFrame::Subscribed { room, .. } if room == rooms[2]).then_some(())
        })
        .await;
}

#[tokio::test]
async fn sends_that_come_too_fast_are_refused_and_told_when_to_try_again() {
    let node = Node::with(|settings| {
        settings.limits.send_burst = 3;
        settings.limits.send_per_second = 1;
    })
    .await;
    let ann = node.person("ann").await;
    let room = ann.room("r").await.id;
    // Two devices share one budget. All is written before anything is awaited, so that no
    // slow answer lets the budget grow meanwhile.
    let (mut one, mut two) = (node.greeted(&ann).await, node.greeted(&ann).await);
    let mut ids = Vec::new();
    for n in 0..12 {
        let device = if n % 2 == 0 { &mut one } else { &mut two };
        ids.push(device.say(room, "x").await.to_string());
    }
    let answer = |frame| match frame {
        ServerFrame::Error(error) => Some(Some(error)),
        ServerFrame::Ack { .. } => Some(None),
        _ => None,
    };
    let mut refused = Vec::new();
    for _ in 0..6 {
        refused.extend(one.until(answer).await);
        refused.extend(two.until(answer).await);
    }
    let error = refused.pop().expect("one of twelve is too fast");
    assert_eq!(error.code, ErrorCode::RateLimited);
    assert!(ids.contains(&error.id.unwrap()));
    let wait = Duration::from_millis(error.retry_after_ms.unwrap());
    assert!(wait <= Duration::from_secs(1), "{wait:?}");
    tokio::time::sleep(wait).await;
    let now = two.say(room, "now").await;
    two.until(|frame| match frame {
        ServerFrame::Ack { id, .. } if id == now => Some(()),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_pings_is_read_slowly_and_harms_nobody() {
    let node = Node::start().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let (mut flood, mut calm) = (node.greeted(&ann).await, node.greeted(&bob).await);
    for _ in 0..400 {
        flood.raw(Message::Ping("x".into())).await;
    }
    calm.assert_alive().await;
    let start = std::time::Instant::now();
    flood.assert_alive().await;
    assert!(start.elapsed() >= Duration::from_millis(1_000), "{:?}", start.elapsed());
}
