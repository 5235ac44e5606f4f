//! What people find who were away.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hubbub_protocol::client::DeviceStatus::Online;
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::http::{InboxEntry, InboxReason, NotifyLevel};
use hubbub_protocol::{
    ConnectionId, EditedBody, MemberChange, Mentions, MessageBody, MessageId, NewEvent, RoomId,
    Seq, Timestamp, UserId,
};
use hubbub_store::{InboxNote, PositionChange};
use hubbub_worker::{Away, Pipeline, Sink, SinkError};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::rig::{Kept, Node, at, never_claiming, soon};

/// A node, a store, and a pipeline that heeds people who are away.
struct Rig {
    node: Node,
    kept: Kept,
    said: std::sync::atomic::AtomicUsize,
    _stop: DropGuard,
}

impl Rig {
    async fn start() -> Self {
        Self::with(Vec::new()).await
    }

    async fn with(sinks: Vec<Arc<dyn Sink>>) -> Self {
        let (node, kept) = (Node::local(), Kept::sqlite().await);
        node.seed(kept.room, at(1, 0)).await;
        node.bus.renew_lease().await.unwrap();
        let away = Arc::new(Away::new(kept.store.clone(), node.bus.clone(), sinks));
        let pipeline =
            Pipeline::new(node.wal.clone(), node.log(), kept.store.clone(), never_claiming())
                .heeding(away.clone());
        let stop = CancellationToken::new();
        let (storing, announcing) = (stop.clone(), stop.clone());
        tokio::spawn(async move { pipeline.run(storing).await });
        tokio::spawn(async move { away.run(announcing).await });
        let said = std::sync::atomic::AtomicUsize::new(0);
        Self { node, kept, said, _stop: stop.drop_guard() }
    }

    async fn member(&self) -> UserId {
        let user = UserId::new();
        self.kept.store.join(self.kept.room, user, Seq(0), Timestamp::now()).await.unwrap();
        user
    }

    /// Commits an event, and waits until it is stored and heeded.
    async fn stored(&self, sender: UserId, kind: NewEventKind) -> MessageId {
        let (room, id) = (self.kept.room, MessageId::new());
        let event = NewEvent { room, id, sender, at: Timestamp::now(), kind };
        self.node.commit(&event).await;
        let said = self.said.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        self.node.stored(said).await;
        id
    }

    async fn says(&self, text: &str, mentions: Mentions) -> MessageId {
        let body = MessageBody { mentions, ..MessageBody::text(text) };
        self.stored(self.kept.owner, NewEventKind::Message { body }).await
    }

    async fn inbox(&self, user: UserId) -> Vec<InboxEntry> {
        self.kept.store.inbox(user, None, 100).await.unwrap()
    }

    async fn excerpts(&self, user: UserId) -> Vec<String> {
        self.inbox(user).await.into_iter().map(|entry| entry.excerpt).collect()
    }
}

fn of(users: &[UserId]) -> Mentions {
    Mentions { users: users.to_vec(), all: false }
}

const ALL: Mentions = Mentions { users: Vec::new(), all: true };

#[tokio::test]
async fn a_mention_is_found_by_those_who_are_away_and_may_read_it() {
    let rig = Rig::start().await;
    let (away, here, stranger) = (rig.member().await, rig.member().await, UserId::new());
    let device = (here, ConnectionId::new(), Online);
    rig.node.bus.put_connections(&[device]).await.unwrap();
    let owner = rig.kept.owner;
    let id = rig.says("**hi**", of(&[away, here, stranger, owner])).await;
    let entries = rig.inbox(away).await;
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!((entry.message, entry.reason, entry.seq), (id, InboxReason::Mention, Seq(1)));
    assert_eq!((entry.excerpt.as_str(), entry.sender), ("hi", owner));
    for nobody in [here, stranger, owner] {
        assert_eq!(rig.inbox(nobody).await, []);
    }
}

#[tokio::test]
async fn everybody_is_everybody_but_the_sender_and_who_wants_nothing() {
    let rig = Rig::start().await;
    let (away, deaf) = (rig.member().await, rig.member().await);
    let nothing =
        PositionChange { notify: Some(NotifyLevel::Nothing), ..PositionChange::default() };
    rig.kept.store.mark(rig.kept.room, deaf, nothing).await.unwrap();
    rig.says("all of you", ALL).await;
    rig.says("nobody", Mentions::default()).await;
    assert_eq!(rig.excerpts(away).await, ["all of you"]);
    assert_eq!(rig.inbox(deaf).await, []);
    assert_eq!(rig.inbox(rig.kept.owner).await, []);
}

#[tokio::test]
async fn an_answer_is_found_by_whom_it_answers_and_not_if_they_have_read_it() {
    let rig = Rig::start().await;
    let away = rig.member().await;
    let asked = rig.stored(away, NewEventKind::Message { body: MessageBody::text("well?") }).await;
    let answer = |text: &str| NewEventKind::Message {
        body: MessageBody { reply_to: Some(asked), ..MessageBody::text(text) },
    };
    rig.stored(rig.kept.owner, answer("yes")).await;
    assert_eq!(rig.inbox(away).await[0].reason, InboxReason::Reply);
    rig.kept.store.mark(rig.kept.room, away, PositionChange::read(Seq(3))).await.unwrap();
    rig.stored(rig.kept.owner, answer("no")).await;
    assert_eq!(rig.excerpts(away).await, ["yes"]);
}

#[tokio::test]
async fn an_edit_calls_whom_it_adds_and_changes_how_the_entries_begin() {
    let rig = Rig::start().await;
    let (called, added) = (rig.member().await, rig.member().await);
    let message = rig.says("hello", of(&[called])).await;
    let body = EditedBody { text: "good day".to_owned(), mentions: of(&[called, added]) };
    rig.stored(rig.kept.owner, NewEventKind::Edited { message, body }).await;
    assert_eq!(rig.excerpts(called).await, ["good day"]);
    assert_eq!(rig.excerpts(added).await, ["good day"]);
}

#[tokio::test]
async fn who_was_called_in_vain_by_the_words_alone_is_called_by_an_edit() {
    let rig = Rig::start().await;
    let added = rig.member().await;
    // Whoever may not call everybody calls nobody by these words.
    let message = rig.says("@all hello", Mentions::default()).await;
    let body = EditedBody { text: "@all and you".to_owned(), mentions: of(&[added]) };
    rig.stored(rig.kept.owner, NewEventKind::Edited { message, body }).await;
    assert_eq!(rig.excerpts(added).await, ["@all and you"]);
}

#[tokio::test]
async fn a_deleted_message_is_found_by_nobody() {
    let rig = Rig::start().await;
    let away = rig.member().await;
    let message = rig.says("hello", of(&[away])).await;
    assert_eq!(rig.inbox(away).await.len(), 1);
    rig.stored(rig.kept.owner, NewEventKind::Deleted { message }).await;
    assert_eq!(rig.inbox(away).await, []);
}

#[tokio::test]
async fn who_leaves_a_room_takes_nothing_of_it_along() {
    let rig = Rig::start().await;
    let away = rig.member().await;
    rig.says("hello", of(&[away])).await;
    let (change, role, until) = (MemberChange::Left, None, None);
    rig.stored(away, NewEventKind::Member { user: away, change, role, until }).await;
    assert_eq!(rig.inbox(away).await, []);
}

/// Writes down what it is given, after a failure or two.
#[derive(Debug, Default)]
struct Notebook {
    failures: Mutex<u32>,
    notes: Mutex<Vec<InboxNote>>,
    written: Notify,
}

#[async_trait]
impl Sink for Notebook {
    fn name(&self) -> &'static str {
        "notebook"
    }

    async fn announce(&self, notes: &[InboxNote]) -> Result<(), SinkError> {
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Err(SinkError("the pencil broke".to_owned()));
        }
        self.notes.lock().unwrap().extend_from_slice(notes);
        self.written.notify_one();
        Ok(())
    }
}

/// A sink that never answers.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl Sink for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }

    async fn announce(&self, _: &[InboxNote]) -> Result<(), SinkError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_sink_gets_what_is_new_and_again_until_it_takes_it() {
    let notebook = Arc::new(Notebook { failures: Mutex::new(2), ..Notebook::default() });
    let rig = Rig::with(vec![notebook.clone()]).await;
    let away = rig.member().await;
    let message = rig.says("hello", of(&[away])).await;
    soon("a note", notebook.written.notified()).await;
    let notes = notebook.notes.lock().unwrap().clone();
    assert_eq!(notes.len(), 1);
    assert_eq!((notes[0].user, notes[0].entry.message), (away, message));
}

#[tokio::test]
async fn a_sink_that_hangs_holds_up_no_storage() {
    let rig = Rig::with(vec![Arc::new(Silent)]).await;
    let away = rig.member().await;
    for n in 0..100 {
        rig.says(&format!("{n}"), of(&[away])).await;
    }
    assert_eq!(rig.inbox(away).await.len(), 100);
    let much_later = Timestamp::now().after(Duration::from_secs(3600));
    let left = rig.kept.store.unannounced(much_later, 1000).await.unwrap();
    assert_eq!(left.len(), 100, "they are announced once there is somebody to take them");
}

#[tokio::test]
async fn direct_messages_are_found_by_the_other_person() {
    let (node, kept) = (Node::local(), Kept::sqlite().await);
    let friend = UserId::new();
    let opened = kept.store.open_direct(kept.owner, friend, Timestamp::now()).await.unwrap();
    let room: RoomId = opened.0.id;
    node.seed(room, at(1, 0)).await;
    let away = Arc::new(Away::new(kept.store.clone(), node.bus.clone(), Vec::new()));
    let pipeline =
        Pipeline::new(node.wal.clone(), node.log(), kept.store.clone(), never_claiming())
            .heeding(away);
    let event = NewEvent { room, ..kept.says("psst") };
    node.commit(&event).await;
    assert!(pipeline.drain(Duration::from_secs(20)).await);
    let entries = kept.store.inbox(friend, None, 10).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].reason, entries[0].message), (InboxReason::Direct, event.id));
    assert_eq!(kept.store.inbox_counts(&[kept.owner]).await.unwrap(), [0]);
}
