//! How far people have come, and who is told of it.

use hubbub_protocol::http::{NotifyLevel, Room};
use hubbub_protocol::server::Mark;
use hubbub_protocol::{ClientFrame, RoomId, Seq, ServerFrame, UserId};

use crate::node::{Node, Person, Socket};

async fn join(person: &Person, room: &Room) {
    person.api.join_room(&room.code.unwrap().to_string()).await.unwrap();
}

fn read(room: RoomId, upto: u64) -> ClientFrame {
    ClientFrame::Mark { room, delivered: None, read: Some(Seq(upto)), unread: None }
}

fn unread(room: RoomId, from: u64) -> ClientFrame {
    ClientFrame::Mark { room, delivered: None, read: None, unread: Some(Seq(from)) }
}

/// The next mark of somebody that a device is told.
async fn mark_of(socket: &mut Socket, user: UserId) -> Mark {
    socket
        .until(|frame| match frame {
            ServerFrame::Marks { marks, .. } => marks.into_iter().find(|mark| mark.user == user),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn marks_move_forward_only_and_never_past_the_head() {
    let node = Node::start().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let room = ann.room("r").await;
    join(&bob, &room).await;
    let (mut anns, mut bobs) = (node.greeted(&ann).await, node.greeted(&bob).await);
    bobs.send(&read(room.id, 999)).await;
    let mark = mark_of(&mut anns, bob.id).await;
    assert_eq!((mark.read, mark.delivered), (Seq(2), Seq(2)));
    assert_eq!((mark.unread_from, mark.notify, mark.unread), (None, None, None), "only for bob");
    assert_eq!(mark.since, Some(Seq(1)), "that ann was there before he has not seen");
    // Backwards is no news: the next that is heard is what comes after it.
    bobs.send(&read(room.id, 1)).await;
    bobs.send(&unread(room.id, 1)).await;
    let mark = mark_of(&mut bobs, bob.id).await;
    assert_eq!((mark.read, mark.unread_from), (Seq(2), None));
    let next = mark_of(&mut bobs, bob.id).await;
    assert_eq!((next.read, next.unread_from), (Seq(2), Some(Seq(1))));
    assert_eq!(next.version, mark.version + 1, "backwards is no change");
}

#[tokio::test]
async fn what_one_marks_unread_is_told_to_ones_own_devices_only() {
    let node = Node::start().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let room = ann.room("r").await;
    join(&bob, &room).await;
    let (mut anns, mut phone) = (node.greeted(&ann).await, node.greeted(&bob).await);
    let mut laptop = node.greeted(&bob).await;
    phone.send(&read(room.id, 2)).await;
    mark_of(&mut anns, bob.id).await;
    mark_of(&mut laptop, bob.id).await;
    phone.send(&unread(room.id, 1)).await;
    for device in [&mut phone, &mut laptop] {
        let mark = device
            .until(|frame| match frame {
                ServerFrame::Marks { marks, .. } => {
                    marks.into_iter().find(|mark| mark.unread_from.is_some())
                }
                _ => None,
            })
            .await;
        assert_eq!((mark.unread_from, mark.read), (Some(Seq(1)), Seq(2)));
        assert_eq!(mark.notify, Some(NotifyLevel::Mentions));
    }
    // Had ann been told anything of it, it would have come before the answer to her ping.
    anns.send(&ClientFrame::Ping).await;
    anns.until(|frame| match frame {
        ServerFrame::Marks { .. } => panic!("told to others"),
        ServerFrame::Pong => Some(()),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn marks_in_a_row_are_told_at_once_and_then_once_a_second_with_the_last_in_it() {
    let node = Node::start().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let room = ann.room("r").await;
    join(&bob, &room).await;
    let (mut anns, mut bobs) = (node.greeted(&ann).await, node.greeted(&bob).await);
    for _ in 0..10 {
        anns.say(room.id, "hi").await;
    }
    bobs.send(&read(room.id, 2)).await;
    let first = mark_of(&mut anns, bob.id).await;
    for upto in 3..=11 {
        bobs.send(&read(room.id, upto)).await;
    }
    let second = mark_of(&mut anns, bob.id).await;
    assert_eq!((first.read, second.read), (Seq(2), Seq(11)));
    assert_eq!(second.version, first.version + 1, "one write");
}

#[tokio::test]
async fn the_last_mark_is_kept_even_if_its_connection_closes_at_once() {
    let node = Node::start().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let room = ann.room("r").await;
    join(&bob, &room).await;
    let (mut anns, mut bobs) = (node.greeted(&ann).await, node.greeted(&bob).await);
    anns.say(room.id, "hi").await;
    bobs.send(&read(room.id, 2)).await;
    mark_of(&mut anns, bob.id).await;
    bobs.send(&read(room.id, 3)).await;
    bobs.send(&ClientFrame::Ping).await;
    bobs.until(|frame| matches!(frame, ServerFrame::Pong).then_some(())).await;
    drop(bobs);
    assert_eq!(mark_of(&mut anns, bob.id).await.read, Seq(3));
}

#[tokio::test]
async fn a_mark_in_a_room_of_others_is_answered_like_one_in_no_room() {
    let node = Node::start().await;
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let room = ann.room("r").await;
    let mut bobs = node.greeted(&bob).await;
    for room in [room.id, RoomId::new()] {
        bobs.send(&read(room, 1)).await;
        let (of, code) = bobs
            .until(|frame| match frame {
                ServerFrame::Error(error) => Some((error.room, error.code)),
                _ => None,
            })
            .await;
        assert_eq!((of, code.as_str()), (Some(room), "room_not_found"));
    }
}
