//! What happens to a greeted connection: memberships, restarts, drains.

use std::time::Duration;

use hubbub_protocol::server::GoAwayReason;
use hubbub_protocol::{ClientFrame, CloseCode, Epoch, ErrorCode, RoomId, Seq, ServerFrame};

use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::node::{Node, Person, Socket};

async fn subscribed(socket: &mut Socket) -> RoomId {
    socket
        .until(|frame| match frame {
            ServerFrame::Subscribed { room, .. } => Some(room),
            _ => None,
        })
        .await
}

async fn message(socket: &mut Socket) -> (Seq, String) {
    socket
        .until(|frame| match frame {
            ServerFrame::Message(message) => Some((message.seq, message.body.text)),
            _ => None,
        })
        .await
}

async fn join(person: &Person, room: &hubbub_protocol::http::Room) {
    person.api.join_room(&room.code.unwrap().to_string()).await.unwrap();
}

#[tokio::test]
async fn a_room_joined_later_is_heard_and_one_that_is_left_is_not() {
    let node = Node::start().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let room = ann.room("r").await;
    let (mut anns, mut bobs) = (node.greeted(&ann).await, node.greeted(&bob).await);
    join(&bob, &room).await;
    assert_eq!(subscribed(&mut bobs).await, room.id);
    anns.say(room.id, "welcome").await;
    assert_eq!(message(&mut bobs).await.1, "welcome");

    bob.api.leave(room.id).await.unwrap();
    bobs.until(|frame| (frame == ServerFrame::Unsubscribed { room: room.id }).then_some(())).await;
    anns.say(room.id, "gone?").await;
    message(&mut anns).await;
    bobs.say(room.id, "me again").await;
    // The refusal is the next thing heard of the room: the message before it never came.
    loop {
        match bobs.next().await.unwrap() {
            ServerFrame::Error(error) => {
                assert_eq!(error.code, ErrorCode::RoomNotFound);
                break;
            }
            ServerFrame::Member(member) => assert_eq!(member.user, member.sender),
            other => panic!("heard after leaving: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_client_goes_back_to_any_position_of_a_room_it_hears() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let room = ann.room("r").await.id;
    let mut socket = node.greeted(&ann).await;
    for text in ["one", "two", "three"] {
        socket.say(room, text).await;
    }
    for expected in ["one", "two", "three"] {
        assert_eq!(message(&mut socket).await.1, expected);
    }
    let from = ClientFrame::Subscribe { room, epoch: Some(Epoch(1)), seq: Some(Seq(2)) };
    socket.send(&from).await;
    assert_eq!(message(&mut socket).await, (Seq(3), "two".into()));
    assert_eq!(message(&mut socket).await, (Seq(4), "three".into()));
    socket.say(room, "four").await;
    assert_eq!(message(&mut socket).await, (Seq(5), "four".into()));
}

#[tokio::test]
async fn a_position_that_never_was_is_reset() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let room = ann.room("r").await.id;
    let mut socket = node.greeted(&ann).await;
    for (epoch, seq) in [(Epoch(9), Seq(1)), (Epoch(1), Seq(99))] {
        socket.send(&ClientFrame::Subscribe { room, epoch: Some(epoch), seq: Some(seq) }).await;
        let reset = socket
            .until(|frame| match frame {
                ServerFrame::Reset { epoch, seq, .. } => Some((epoch, seq)),
                _ => None,
            })
            .await;
        assert_eq!(reset, (Epoch(1), Seq(1)));
    }
}

#[tokio::test]
async fn one_does_not_hear_oneself_typing() {
    let node = Node::start().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let room = ann.room("r").await;
    join(&bob, &room).await;
    let (mut anns, mut bobs) = (node.greeted(&ann).await, node.greeted(&bob).await);
    anns.send(&ClientFrame::Typing { room: room.id, on: true }).await;
    bobs.until(|frame| matches!(frame, ServerFrame::Typing { on: true, .. }).then_some(())).await;
    anns.send(&ClientFrame::Ping).await;
    assert_eq!(anns.next().await, Ok(ServerFrame::Pong));
}

#[tokio::test]
async fn a_client_that_closes_gets_its_close_back() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    for mut socket in [node.socket().await, node.greeted(&ann).await] {
        let goodbye = CloseFrame { code: 1000.into(), reason: "bye".into() };
        socket.raw(Message::Close(Some(goodbye))).await;
        assert_eq!(socket.closed().await, 1000);
    }
}

#[tokio::test]
async fn a_leaving_node_tells_its_clients_and_is_gone() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut socket = node.greeted(&ann).await;
    let stopping = tokio::spawn({
        let lifecycle = node.lifecycle.clone();
        async move { lifecycle.stop(Duration::from_secs(30)).await }
    });
    let reason = socket
        .until(|frame| match frame {
            ServerFrame::GoAway { reason, .. } => Some(reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, GoAwayReason::Draining);
    assert_eq!(node.try_upgrade(node.upgrade()).await.err(), Some(ErrorCode::Draining));
    assert!(!node.gateway.health().readiness().ready);
    // A client that does not move is closed in the end.
    assert_eq!(socket.closed().await, CloseCode::GoAway.code());
    assert_eq!(stopping.await.unwrap(), hubbub_runtime::lifecycle::Ended::Softly);
}

#[tokio::test]
async fn after_a_clean_stop_rooms_go_on_in_their_epoch() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let room = ann.room("r").await.id;
    let mut socket = node.greeted(&ann).await;
    socket.say(room, "before").await;
    assert_eq!(message(&mut socket).await.0, Seq(2));
    drop(socket);
    let Node { lifecycle, data, .. } = node;
    lifecycle.stop(Duration::from_secs(30)).await;

    let node = Node::with(|settings| settings.data_dir = data.path().to_owned()).await;
    let api = hubbub_client::http::Api::new(&node.url()).unwrap();
    let id = api.login("ann", "correct horse").await.unwrap().id;
    let ann = Person { api, id };
    let mut socket = node.socket().await;
    let resume = vec![hubbub_protocol::client::ResumePoint { room, epoch: Epoch(1), seq: Seq(1) }];
    let token = Some(ann.token().await);
    socket.send(&ClientFrame::Hello { token, resume, only: None }).await;
    // The hot log went with the process; the store has it all.
    let synced = socket
        .until(|frame| match frame {
            ServerFrame::Sync { epoch, upto, messages, .. } => Some((epoch, upto, messages.len())),
            ServerFrame::Reset { .. } => panic!("nothing was lost"),
            _ => None,
        })
        .await;
    assert_eq!(synced, (Epoch(1), Seq(2), 1));
    socket.say(room, "after").await;
    assert_eq!(message(&mut socket).await, (Seq(3), "after".into()));
}
