//! What a replica answers to single frames. The model test beside this one covers what they add up
//! to; here is what must happen at once rather than at last.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use hubbub_client::sync::outbox::State;
use hubbub_client::sync::{Action, Replica, Update};
use hubbub_protocol::http::History;
use hubbub_protocol::http::NotifyLevel;
use hubbub_protocol::server::{ErrorFrame, Head, ReadyRoom};
use hubbub_protocol::{
    ClientFrame, ConnectionId, Draft, Epoch, ErrorCode, Limits, Message, MessageBody, MessageId,
    RoomId, Seq, ServerFrame, Timestamp, UserId,
};

struct Fixture {
    replica: Replica,
    now: Instant,
    me: UserId,
    room: RoomId,
}

impl Fixture {
    /// Connected, in one room whose last event is 4 in epoch 1.
    fn new() -> Self {
        let (now, me, room) = (Instant::now(), UserId::new(), RoomId::new());
        let mut fixture = Self { replica: Replica::new(), now, me, room };
        fixture.ready(4);
        fixture
    }

    fn ready(&mut self, seq: u64) -> Vec<Action> {
        let room = ReadyRoom {
            room: self.room,
            epoch: Epoch(1),
            seq: Seq(seq),
            read: Seq(0),
            delivered: Seq(0),
            unread: 0,
            mentions: 0,
            unread_from: None,
            notify: NotifyLevel::default(),
            version: 0,
        };
        self.ready_with(vec![room])
    }

    fn ready_with(&mut self, rooms: Vec<ReadyRoom>) -> Vec<Action> {
        self.hears(ServerFrame::Ready {
            inbox: 0,
            user: self.me,
            connection: ConnectionId::new(),
            node: "one".parse().unwrap(),
            heartbeat_ms: 1_000,
            token_expires_in_ms: 900_000,
            limits: Limits::default(),
            rooms,
        })
    }

    fn hears(&mut self, frame: ServerFrame) -> Vec<Action> {
        self.replica.receive(frame, self.now);
        self.actions()
    }

    fn waits(&mut self, time: Duration) -> Vec<Action> {
        self.now += time;
        self.replica.tick(self.now);
        self.actions()
    }

    fn writes(&mut self) -> (MessageId, Vec<Action>) {
        let id = MessageId::new();
        self.replica.send(id, self.room, body(), self.now).unwrap();
        (id, self.actions())
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.replica.poll()).collect()
    }

    fn message(&self, epoch: u64, seq: u64, id: MessageId) -> ServerFrame {
        ServerFrame::Message(Message {
            room: self.room,
            epoch: Epoch(epoch),
            seq: Seq(seq),
            id,
            sender: self.me,
            at: Timestamp::default(),
            body: MessageBody::text("x"),
            edited_at: None,
            deleted_at: None,
            reactions: Vec::new(),
        })
    }

    fn event(&self, epoch: u64, seq: u64) -> ServerFrame {
        self.message(epoch, seq, MessageId::new())
    }

    fn reset(&self, epoch: u64, seq: u64) -> ServerFrame {
        ServerFrame::Reset { room: self.room, epoch: Epoch(epoch), seq: Seq(seq) }
    }

    fn subscribe(&self, epoch: u64, seq: u64) -> Action {
        Action::Transmit(ClientFrame::Subscribe {
            room: self.room,
            epoch: Some(Epoch(epoch)),
            seq: Some(Seq(seq)),
        })
    }

    fn send(&self, id: MessageId) -> Action {
        Action::Transmit(ClientFrame::Send { id, room: self.room, body: body() })
    }

    fn heads(&self, epoch: u64, seq: u64) -> ServerFrame {
        let head = Head { room: self.room, epoch: Epoch(epoch), seq: Seq(seq) };
        ServerFrame::Heads { rooms: vec![head] }
    }
}

fn body() -> Draft {
    Draft::text("x")
}

#[test]
fn a_gap_is_asked_for_once_from_the_position() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.hears(fixture.event(1, 6)), [fixture.subscribe(1, 4)]);
    assert_eq!(fixture.hears(fixture.event(1, 7)), []);
    fixture.hears(ServerFrame::Subscribed { room: fixture.room, epoch: Epoch(1), seq: Seq(7) });
    fixture.hears(fixture.event(1, 5));
    assert_eq!(fixture.hears(fixture.event(1, 9)), [fixture.subscribe(1, 5)], "a new gap");
}

#[test]
fn an_answer_that_does_not_help_is_asked_for_again_a_little_later() {
    let mut fixture = Fixture::new();
    let answer = ServerFrame::Subscribed { room: fixture.room, epoch: Epoch(1), seq: Seq(6) };
    assert_eq!(fixture.hears(fixture.event(1, 6)), [fixture.subscribe(1, 4)]);
    fixture.hears(answer.clone());
    assert_eq!(fixture.hears(fixture.event(1, 6)), []);
    assert_eq!(fixture.waits(Duration::from_millis(900)), []);
    assert_eq!(fixture.waits(Duration::from_millis(100)), [fixture.subscribe(1, 4)]);
    fixture.hears(answer);
    assert_eq!(fixture.hears(fixture.event(1, 6)), []);
    fixture.ready(6);
    assert_eq!(fixture.hears(fixture.event(1, 6)), [fixture.subscribe(1, 4)], "a new connection");
}

#[test]
fn an_event_of_an_epoch_that_no_reset_announced_is_a_gap() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.hears(fixture.event(2, 5)), [fixture.subscribe(1, 4)]);
}

#[test]
fn a_head_whose_events_do_not_come_is_a_gap() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.hears(fixture.heads(1, 5)), []);
    assert_eq!(fixture.waits(Duration::from_millis(1_900)), [], "they may be on their way");
    assert_eq!(fixture.waits(Duration::from_millis(100)), [fixture.subscribe(1, 4)]);
}

#[test]
fn a_head_whose_events_come_is_none() {
    let mut fixture = Fixture::new();
    fixture.hears(fixture.heads(1, 5));
    fixture.hears(fixture.event(1, 5));
    assert_eq!(fixture.waits(Duration::from_secs(60)), []);
    assert_eq!(fixture.replica.deadline(), None);
}

#[test]
fn a_reset_loads_the_room_and_sends_what_is_not_stored_at_once() {
    let mut fixture = Fixture::new();
    let (id, sent) = fixture.writes();
    assert_eq!(sent, [fixture.send(id)]);
    fixture.hears(fixture.message(1, 5, id));
    let actions = fixture.hears(fixture.reset(2, 100));
    assert_eq!(actions, [Action::Load(fixture.room), fixture.send(id)]);
}

#[test]
fn a_reset_of_an_epoch_that_is_over_changes_nothing() {
    let mut fixture = Fixture::new();
    fixture.hears(fixture.reset(3, 100));
    assert_eq!(fixture.hears(fixture.reset(2, 50)), []);
    assert_eq!(fixture.replica.room(fixture.room).unwrap().position().seq, Seq(100));
}

#[test]
fn a_reset_may_lead_back_within_its_epoch() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.hears(fixture.reset(1, 2)), [Action::Load(fixture.room)]);
    let next = fixture.hears(fixture.event(1, 3));
    assert!(matches!(next[..], [Action::Tell(Update::Message(_))]), "{next:?}");
}

#[test]
fn what_was_heard_after_the_reset_survives_an_older_page() {
    let mut fixture = Fixture::new();
    fixture.hears(fixture.event(1, 5));
    fixture.hears(fixture.reset(2, 100));
    fixture.hears(fixture.event(2, 101));
    let (epoch, seq) = (Epoch(2), Seq(100));
    let page = History { epoch, seq, messages: Vec::new(), before: None, after: None };
    fixture.replica.loaded(fixture.room, page);
    let room = fixture.replica.room(fixture.room).unwrap();
    assert_eq!(room.messages().map(|m| m.seq.0).collect::<Vec<_>>(), [101]);
}

#[test]
fn what_is_not_stored_goes_out_at_once_after_a_reconnect() {
    let mut fixture = Fixture::new();
    let (id, _) = fixture.writes();
    fixture.replica.disconnected();
    let (later, sent) = fixture.writes();
    assert_eq!(sent, []);
    assert_eq!(fixture.ready(4), [fixture.send(id)]);
    let placed = fixture.hears(fixture.message(1, 5, id));
    assert_eq!(placed[1..], [fixture.send(later)], "in the order they were written");
}

#[test]
fn a_refusal_for_good_is_told_and_the_message_stays_for_a_retry() {
    let mut fixture = Fixture::new();
    let (id, _) = fixture.writes();
    let error = ErrorFrame { id: Some(id.to_string()), ..ErrorFrame::new(ErrorCode::TextTooLong) };
    let told = fixture.hears(ServerFrame::Error(error));
    assert!(matches!(told[..], [Action::Tell(Update::Failed { .. })]), "{told:?}");
    let pending: Vec<_> = fixture.replica.pending().map(|pending| pending.state).collect();
    assert_eq!(pending, [State::Failed(ErrorCode::TextTooLong)]);
    assert!(fixture.replica.retry(id, fixture.now));
    assert_eq!(fixture.actions(), [fixture.send(id)]);
}

#[test]
fn a_failed_message_that_is_seen_in_its_place_was_not_lost() {
    let mut fixture = Fixture::new();
    let (id, _) = fixture.writes();
    let error = ErrorFrame { id: Some(id.to_string()), ..ErrorFrame::new(ErrorCode::Internal) };
    fixture.hears(ServerFrame::Error(error));
    let actions = fixture.hears(fixture.message(1, 5, id));
    assert_eq!(actions[1..], [fixture.send(id)], "its ack is wanted");
}

#[test]
fn a_room_that_is_not_among_those_heard_is_gone() {
    let mut fixture = Fixture::new();
    fixture.replica.disconnected();
    let room = fixture.room;
    assert_eq!(fixture.ready_with(Vec::new()), [Action::Tell(Update::Gone { room })]);
    assert!(fixture.replica.resume_points().is_empty());
}

#[test]
fn the_first_event_of_a_new_room_may_overtake_its_announcement() {
    let mut fixture = Fixture::new();
    let (old, new) = (fixture.room, RoomId::new());
    fixture.room = new;
    let told = fixture.hears(fixture.event(1, 3));
    assert!(
        matches!(told[..], [Action::Tell(Update::Heard { .. }), Action::Tell(Update::Message(_))]),
        "{told:?}"
    );
    fixture.hears(ServerFrame::Subscribed { room: new, epoch: Epoch(1), seq: Seq(3) });
    assert_eq!(fixture.waits(Duration::from_secs(60)), []);
    assert_ne!(old, new);
}

#[test]
fn empty_and_overlong_texts_do_not_get_into_the_outbox() {
    let mut fixture = Fixture::new();
    let mut try_to_send = |text: String| {
        let body = Draft::text(text);
        fixture.replica.send(MessageId::new(), fixture.room, body, fixture.now)
    };
    assert_eq!(try_to_send(" ".into()), Err(ErrorCode::EmptyText));
    assert_eq!(try_to_send("x".repeat(40_000)), Err(ErrorCode::TextTooLong));
    assert_eq!(fixture.replica.pending().count(), 0);
}

#[test]
fn who_is_watched_is_watched_again_after_a_reconnection() {
    let mut fixture = Fixture::new();
    let users = vec![UserId::new()];
    let watch = Action::Transmit(ClientFrame::Watch { users: users.clone() });
    fixture.replica.watch(users);
    assert_eq!(fixture.actions(), std::slice::from_ref(&watch));
    fixture.replica.disconnected();
    assert!(fixture.ready(4).contains(&watch));
}
