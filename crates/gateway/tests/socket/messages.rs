//! Edits, deletions, reactions, answers and mentions: what is told, and each refusal.

use hubbub_protocol::http::AuditAction;
use hubbub_protocol::server::ErrorFrame;
use hubbub_protocol::{
    AttachmentId, ClientFrame, Draft, ErrorCode, Event, Message, MessageId, RoomId, Seq,
    ServerFrame, UserId,
};

use crate::node::{Node, Person, Socket};

/// Two people in a room, both connected.
struct Scene {
    node: Node,
    ann: Person,
    bob: UserId,
    room: RoomId,
    anns: Socket,
    bobs: Socket,
}

async fn scene(node: Node) -> Scene {
    let (ann, bob) = (node.person("ann").await, node.person("bob").await);
    let made = ann.room("r").await;
    let room = made.id;
    bob.api.join_room(&made.code.unwrap().to_string()).await.unwrap();
    let (anns, bobs) = (node.greeted(&ann).await, node.greeted(&bob).await);
    Scene { node, ann, bob: bob.id, room, anns, bobs }
}

fn edit(id: MessageId, room: RoomId, message: MessageId, text: &str) -> ClientFrame {
    ClientFrame::Edit { id, room, message, body: Draft::text(text) }
}

fn react(room: RoomId, message: MessageId, emoji: &str) -> ClientFrame {
    let id = MessageId::new();
    ClientFrame::React { id, room, message, emoji: emoji.to_owned(), on: true }
}

impl Socket {
    /// The seq at which an event is acked.
    async fn acked(&mut self, of: MessageId) -> Seq {
        self.until(|frame| match frame {
            ServerFrame::Ack { id, seq, .. } if id == of => Some(seq),
            _ => None,
        })
        .await
    }

    /// Says something, and waits until it is stored.
    async fn says(&mut self, room: RoomId, text: &str) -> MessageId {
        let id = self.say(room, text).await;
        self.acked(id).await;
        id
    }

    /// The event of this name.
    async fn event(&mut self, of: MessageId) -> Event {
        self.until(|frame| {
            let event = Event::parse(serde_json::to_string(&frame).unwrap().as_bytes()).ok()?;
            (event.id() == of).then_some(event)
        })
        .await
    }

    /// Asserts that a frame is refused with `code`.
    async fn refuses(&mut self, frame: ClientFrame, code: ErrorCode) {
        self.send(&frame).await;
        let ErrorFrame { code: told, .. } = self
            .until(|frame| match frame {
                ServerFrame::Error(error) => Some(error),
                _ => None,
            })
            .await;
        assert_eq!(told, code, "{}", frame.type_name());
    }
}

async fn message(scene: &Scene, id: MessageId) -> Message {
    scene.ann.api.message(scene.room, id).await.unwrap()
}

#[tokio::test]
async fn edits_deletions_and_reactions_are_told_to_everybody_and_acked_when_stored() {
    let mut scene = scene(Node::start().await).await;
    let room = scene.room;
    let said = scene.anns.says(room, "first").await;
    let edited = MessageId::new();
    scene.anns.send(&edit(edited, room, said, "second")).await;
    scene.anns.acked(edited).await;
    let Event::Edited(told) = scene.bobs.event(edited).await else { panic!("an edit") };
    assert_eq!((told.message, told.body.text.as_str()), (said, "second"));

    let reaction = react(room, said, "🎉");
    scene.bobs.send(&reaction).await;
    let ClientFrame::React { id, .. } = reaction else { unreachable!() };
    scene.bobs.acked(id).await;
    assert!(matches!(scene.anns.event(id).await, Event::Reaction(told) if told.emoji == "🎉"));
    let now = message(&scene, said).await;
    assert_eq!((now.body.text.as_str(), now.reactions[0].count), ("second", 1));
    assert!(now.edited_at.is_some());

    let deleted = MessageId::new();
    scene.anns.send(&ClientFrame::Delete { id: deleted, room, message: said }).await;
    scene.anns.acked(deleted).await;
    assert!(
        matches!(scene.bobs.event(deleted).await, Event::Deleted(told) if told.message == said)
    );
    let now = message(&scene, said).await;
    assert!(now.deleted_at.is_some() && now.body.text.is_empty() && now.reactions.is_empty());
}

#[tokio::test]
async fn what_names_no_message_of_the_room_is_not_found() {
    let mut scene = scene(Node::start().await).await;
    let room = scene.room;
    let elsewhere = scene.ann.room("elsewhere").await.id;
    let said = scene.anns.says(room, "first").await;
    let edited = MessageId::new();
    scene.anns.send(&edit(edited, room, said, "second")).await;
    scene.anns.acked(edited).await;
    let id = MessageId::new;
    for (room, message) in [(room, id()), (elsewhere, said), (room, edited)] {
        let not_found = ErrorCode::MessageNotFound;
        scene.anns.refuses(edit(id(), room, message, "x"), not_found).await;
        scene.anns.refuses(ClientFrame::Delete { id: id(), room, message }, not_found).await;
        scene.anns.refuses(react(room, message, "👍"), not_found).await;
        let body = Draft { reply_to: Some(message), ..Draft::text("x") };
        scene.anns.refuses(ClientFrame::Send { id: id(), room, body }, not_found).await;
    }
    // Nor is anything of a room of others.
    let not_found = ErrorCode::RoomNotFound;
    scene.bobs.refuses(edit(id(), elsewhere, said, "x"), not_found).await;
    scene
        .bobs
        .refuses(ClientFrame::Delete { id: id(), room: elsewhere, message: said }, not_found)
        .await;
    scene.bobs.refuses(react(elsewhere, said, "👍"), not_found).await;
}

#[tokio::test]
async fn a_moderators_deletion_is_in_the_audit_list_and_ones_own_is_not() {
    let mut scene = scene(Node::start().await).await;
    let room = scene.room;
    let (own, others) = (scene.anns.says(room, "mine").await, scene.bobs.says(room, "his").await);
    let refused = ClientFrame::Delete { id: MessageId::new(), room, message: own };
    scene.bobs.refuses(refused, ErrorCode::Forbidden).await;
    let deleted = [(MessageId::new(), own), (MessageId::new(), others)];
    // The second twice, as after a lost ack.
    for (id, message) in [deleted[0], deleted[1], deleted[1]] {
        scene.anns.send(&ClientFrame::Delete { id, room, message }).await;
        scene.anns.acked(id).await;
    }
    let entries = scene.ann.api.audit(room).await.unwrap().entries;
    let deletions: Vec<_> = entries
        .iter()
        .filter(|entry| entry.action == AuditAction::MessageDeleted)
        .map(|entry| (entry.actor, entry.user, entry.message))
        .collect();
    assert_eq!(deletions, [(scene.ann.id, Some(scene.bob), Some(others))]);
}

#[tokio::test]
async fn a_deleted_message_can_not_be_changed() {
    let mut scene = scene(Node::start().await).await;
    let room = scene.room;
    let said = scene.anns.says(room, "first").await;
    scene.anns.send(&ClientFrame::Delete { id: MessageId::new(), room, message: said }).await;
    // Not stored yet, perhaps, and deleted all the same.
    let id = MessageId::new;
    scene.anns.refuses(edit(id(), room, said, "x"), ErrorCode::MessageDeleted).await;
    scene.anns.refuses(react(room, said, "👍"), ErrorCode::MessageDeleted).await;
    let again = ClientFrame::Delete { id: id(), room, message: said };
    scene.anns.refuses(again, ErrorCode::MessageDeleted).await;
}

#[tokio::test]
async fn the_author_edits_and_those_who_keep_order_delete() {
    let mut scene = scene(Node::start().await).await;
    let room = scene.room;
    let anns = scene.anns.says(room, "by ann").await;
    let bobs = scene.bobs.says(room, "by bob").await;
    let id = MessageId::new;
    scene.bobs.refuses(edit(id(), room, anns, "x"), ErrorCode::Forbidden).await;
    scene.anns.refuses(edit(id(), room, bobs, "x"), ErrorCode::Forbidden).await;
    let by_bob = ClientFrame::Delete { id: id(), room, message: anns };
    scene.bobs.refuses(by_bob, ErrorCode::Forbidden).await;
    let deletion = id();
    scene.anns.send(&ClientFrame::Delete { id: deletion, room, message: bobs }).await;
    scene.anns.acked(deletion).await;
    assert!(message(&scene, bobs).await.deleted_at.is_some());
}

#[tokio::test]
async fn a_message_can_be_edited_within_its_window() {
    let node = Node::with(|settings| settings.limits.edit_window_ms = Some(1)).await;
    let mut scene = scene(node).await;
    let said = scene.anns.says(scene.room, "first").await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let late = edit(MessageId::new(), scene.room, said, "late");
    scene.anns.refuses(late, ErrorCode::EditTooLate).await;
}

#[tokio::test]
async fn an_edit_keeps_to_the_bounds_of_a_message() {
    let node = Node::with(|settings| settings.limits.text_graphemes = 5).await;
    let mut scene = scene(node).await;
    let said = scene.anns.says(scene.room, "first").await;
    for (text, code) in [(" ", ErrorCode::EmptyText), ("123456", ErrorCode::TextTooLong)] {
        let wrong = edit(MessageId::new(), scene.room, said, text);
        scene.anns.refuses(wrong, code).await;
    }
}

#[tokio::test]
async fn a_reaction_is_one_emoji_and_a_message_has_only_so_many() {
    let node = Node::with(|settings| settings.limits.reactions = 2).await;
    let mut scene = scene(node).await;
    let room = scene.room;
    let said = scene.anns.says(room, "first").await;
    for text in ["", "x", "7", "👍👍", ":+1:"] {
        scene.anns.refuses(react(room, said, text), ErrorCode::BadEmoji).await;
    }
    // At once: what is not stored yet counts as well.
    for emoji in ["👍", "🎉"] {
        scene.anns.send(&react(room, said, emoji)).await;
    }
    scene.anns.refuses(react(room, said, "🤷"), ErrorCode::TooManyReactions).await;
    let again = react(room, said, "🎉");
    scene.bobs.send(&again).await;
    let ClientFrame::React { id, .. } = again else { unreachable!() };
    scene.bobs.acked(id).await;
}

#[tokio::test]
async fn edits_and_reactions_count_as_sends() {
    let node = Node::with(|settings| {
        (settings.limits.send_burst, settings.limits.send_per_second) = (2, 1);
    })
    .await;
    let mut scene = scene(node).await;
    let room = scene.room;
    let said = scene.anns.says(room, "first").await;
    scene.anns.send(&react(room, said, "👍")).await;
    scene.anns.refuses(react(room, said, "👍"), ErrorCode::RateLimited).await;
    let edit = edit(MessageId::new(), room, said, "x");
    scene.anns.refuses(edit, ErrorCode::RateLimited).await;
    let deletion = ClientFrame::Delete { id: MessageId::new(), room, message: said };
    scene.anns.refuses(deletion, ErrorCode::RateLimited).await;
}

#[tokio::test]
async fn a_retry_of_what_was_done_is_acked_whatever_has_happened_since() {
    let mut scene = scene(Node::start().await).await;
    let room = scene.room;
    let said = scene.anns.says(room, "first").await;
    let edited = MessageId::new();
    scene.anns.send(&edit(edited, room, said, "second")).await;
    let place = scene.anns.acked(edited).await;
    let deletion = ClientFrame::Delete { id: MessageId::new(), room, message: said };
    let ClientFrame::Delete { id: deleted, .. } = deletion else { unreachable!() };
    scene.anns.send(&deletion).await;
    let deleted_at = scene.anns.acked(deleted).await;
    scene.anns.send(&edit(edited, room, said, "second")).await;
    assert_eq!(scene.anns.acked(edited).await, place);
    scene.anns.send(&deletion).await;
    assert_eq!(scene.anns.acked(deleted).await, deleted_at);
    // With somebody else's id it is none.
    scene.bobs.refuses(edit(edited, room, said, "x"), ErrorCode::MessageDeleted).await;
}

#[tokio::test]
async fn an_answer_names_the_message_it_answers() {
    let mut scene = scene(Node::start().await).await;
    let room = scene.room;
    let asked = scene.anns.say(room, "why?").await;
    let id = MessageId::new();
    let body = Draft { reply_to: Some(asked), ..Draft::text("because") };
    scene.anns.send(&ClientFrame::Send { id, room, body }).await;
    let Event::Message(told) = scene.bobs.event(id).await else { panic!("a message") };
    assert_eq!(told.body.reply_to, Some(asked));
}

#[tokio::test]
async fn members_who_are_named_are_called_and_everybody_by_those_who_may() {
    let mut scene = scene(Node::start().await).await;
    let room = scene.room;
    scene.node.person("stranger").await;
    let text = "@bob @stranger @nobody `@ann` @all";
    let by_ann = scene.anns.say(room, text).await;
    let Event::Message(told) = scene.bobs.event(by_ann).await else { panic!("a message") };
    let bob = told.body.mentions.users.clone();
    assert_eq!((bob.len(), told.body.mentions.all), (1, true));
    let by_bob = scene.bobs.say(room, "@everyone and @ann").await;
    let Event::Message(told) = scene.anns.event(by_bob).await else { panic!("a message") };
    assert_eq!((told.sender, told.body.mentions.all), (bob[0], false));
    assert_eq!(told.body.mentions.users.len(), 1);
    // An edit calls anew.
    let edited = MessageId::new();
    scene.anns.send(&edit(edited, room, by_ann, "nobody any more")).await;
    let Event::Edited(told) = scene.bobs.event(edited).await else { panic!("an edit") };
    assert!(told.body.mentions.is_empty());
}

#[tokio::test]
async fn attachments_must_be_there_and_not_too_many() {
    let mut scene = scene(Node::start().await).await;
    let room = scene.room;
    for (count, code) in [(1, ErrorCode::AttachmentNotFound), (11, ErrorCode::TooManyAttachments)] {
        let attachments = (0..count).map(|_| AttachmentId::new()).collect();
        let body = Draft { attachments, ..Draft::text("") };
        let frame = ClientFrame::Send { id: MessageId::new(), room, body };
        scene.anns.refuses(frame, code).await;
    }
}
