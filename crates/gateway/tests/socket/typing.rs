//! Who is told that somebody types, and for how long.

use std::time::Duration;

use hubbub_protocol::{ClientFrame, ErrorCode, RoomId, Seq, ServerFrame};

use crate::node::{Node, Person, Socket};

impl Socket {
    async fn types(&mut self, room: RoomId, on: bool) {
        self.send(&ClientFrame::Typing { room, on }).await;
    }

    /// The next word about somebody's typing.
    async fn typing(&mut self) -> bool {
        self.until(|frame| match frame {
            ServerFrame::Typing { on, .. } => Some(on),
            _ => None,
        })
        .await
    }

    /// Every word about typing that comes before the next message.
    async fn typing_before_message(&mut self) -> Vec<bool> {
        let mut typing = Vec::new();
        loop {
            match self.next().await.expect("still open") {
                ServerFrame::Typing { on, .. } => typing.push(on),
                ServerFrame::Message(_) => return typing,
                _ => {}
            }
        }
    }
}

/// Two people in a room, each at a device.
async fn pair(node: &Node) -> (Person, Socket, Person, Socket, RoomId) {
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let room = ann.room("r").await;
    bob.api.join_room(&room.code.unwrap().to_string()).await.unwrap();
    let (anns, bobs) = (node.greeted(&ann).await, node.greeted(&bob).await);
    (ann, anns, bob, bobs, room.id)
}

#[tokio::test]
async fn typing_is_told_to_others_and_not_to_ones_own_devices() {
    let node = Node::start().await;
    let (ann, mut anns, _bob, mut bobs, room) = pair(&node).await;
    let mut phone = node.greeted(&ann).await;
    anns.types(room, true).await;
    assert!(bobs.typing().await);
    bobs.say(room, "hi").await;
    assert_eq!(phone.typing_before_message().await, [false; 0]);
}

#[tokio::test]
async fn typing_again_within_three_seconds_is_absorbed() {
    let node = Node::start().await;
    let (_ann, mut anns, _bob, mut bobs, room) = pair(&node).await;
    for _ in 0..5 {
        anns.types(room, true).await;
    }
    assert!(bobs.typing().await);
    anns.types(room, false).await;
    assert!(!bobs.typing().await, "the four in between were absorbed");
    for on in [false, true, false, true] {
        anns.types(room, on).await;
    }
    anns.assert_alive().await;
    bobs.say(room, "hi").await;
    assert_eq!(bobs.typing_before_message().await, [false; 0]);
}

#[tokio::test]
async fn two_devices_of_a_person_type_as_one() {
    let node = Node::start().await;
    let (ann, mut anns, _bob, mut bobs, room) = pair(&node).await;
    let mut phone = node.greeted(&ann).await;
    anns.types(room, true).await;
    assert!(bobs.typing().await);
    phone.types(room, true).await;
    phone.assert_alive().await;
    bobs.say(room, "hi").await;
    assert_eq!(bobs.typing_before_message().await, [false; 0]);
}

#[tokio::test]
async fn a_message_ends_typing() {
    let node = Node::start().await;
    let (_ann, mut anns, _bob, mut bobs, room) = pair(&node).await;
    anns.types(room, true).await;
    assert!(bobs.typing().await);
    anns.say(room, "done").await;
    assert!(!bobs.typing().await);
}

#[tokio::test]
async fn a_closed_socket_ends_typing() {
    let node = Node::start().await;
    let (_ann, mut anns, _bob, mut bobs, room) = pair(&node).await;
    anns.types(room, true).await;
    assert!(bobs.typing().await);
    drop(anns);
    assert!(!bobs.typing().await);
}

#[tokio::test]
async fn leaving_the_room_ends_typing() {
    let node = Node::start().await;
    let (_ann, mut anns, bob, mut bobs, room) = pair(&node).await;
    bobs.types(room, true).await;
    assert!(anns.typing().await);
    bob.api.leave(room).await.unwrap();
    assert!(!anns.typing().await);
}

#[tokio::test]
async fn a_large_room_is_told_nothing() {
    let node = Node::with(|settings| settings.limits.typing_members = 1).await;
    let (_ann, mut anns, _bob, mut bobs, room) = pair(&node).await;
    anns.types(room, true).await;
    anns.assert_alive().await;
    anns.say(room, "done").await;
    assert_eq!(bobs.typing_before_message().await, [false; 0]);
}

#[tokio::test]
async fn who_does_not_want_it_types_unseen() {
    let node = Node::start().await;
    let (ann, mut anns, _bob, mut bobs, room) = pair(&node).await;
    let change = hubbub_store::ProfileChange { send_typing: Some(false), ..Default::default() };
    node.gateway.app().store.update_profile(ann.id, change).await.unwrap();
    anns.types(room, true).await;
    anns.assert_alive().await;
    anns.say(room, "done").await;
    assert_eq!(bobs.typing_before_message().await, [false; 0]);
}

#[tokio::test]
async fn between_two_of_whom_one_has_blocked_the_other_neither_typing_nor_reading_is_told() {
    let node = Node::start().await;
    let (ann, mut anns, bob, mut bobs, room) = pair(&node).await;
    let direct = ann.api.direct(bob.id).await.unwrap().id;
    bobs.until(|frame| match frame {
        ServerFrame::Subscribed { room, .. } => (room == direct).then_some(()),
        _ => None,
    })
    .await;
    ann.api.block(bob.id).await.unwrap();
    for in_room in [direct, room] {
        anns.types(in_room, true).await;
        let (delivered, read) = (None, Some(Seq(2)));
        anns.send(&ClientFrame::Mark { room: in_room, delivered, read, unread: None }).await;
    }
    // What is told in the other room came later.
    let (mut typing, mut reading) = (false, false);
    while !(typing && reading) {
        let at = bobs
            .until(|frame| match frame {
                ServerFrame::Typing { room, .. } => Some((room, true)),
                ServerFrame::Marks { room, .. } => Some((room, false)),
                _ => None,
            })
            .await;
        assert_eq!(at.0, room, "typing: {}", at.1);
        typing |= at.1;
        reading |= !at.1;
    }
}

#[tokio::test]
async fn typing_where_one_is_no_member_is_refused() {
    let node = Node::start().await;
    let ann = node.person("ann").await;
    let mut anns = node.greeted(&ann).await;
    let typing = |room, on| ClientFrame::Typing { room, on }.encode();
    anns.assert_refused(typing(RoomId::new(), true), ErrorCode::RoomNotFound).await;
    anns.assert_refused(typing(RoomId::presence_of(ann.id), true), ErrorCode::RoomNotFound).await;
    tokio::time::timeout(Duration::from_secs(1), anns.assert_alive()).await.unwrap();
}
