//! The replica against a model of the server, over every fault that a network, a gateway and a bus
//! can produce: what a person sees equals the log, once each and in order, and whatever they say
//! ends stored, once.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use hubbub_client::sync::outbox::Saying;
use hubbub_client::sync::{Action, Replica, Update};
use hubbub_protocol::http::History;
use hubbub_protocol::http::NotifyLevel;
use hubbub_protocol::server::{ErrorFrame, Head, ReadyRoom};
use hubbub_protocol::{
    ClientFrame, ConnectionId, Draft, EditedBody, Epoch, ErrorCode, Event, Limits, MemberChange,
    Message, MessageBody, MessageId, NewEvent, Position, RoomId, Seq, ServerFrame, Timestamp,
    UserId, event::NewEventKind,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// How far a new epoch starts above the highest stored seq.
const MARGIN: u64 = 100;

#[derive(Debug, Clone, Copy)]
enum Op {
    /// The person writes.
    Write(usize),
    /// Somebody else writes.
    Other(usize),
    /// Somebody joins: an event that is no message.
    Join(usize),
    /// Somebody else changes a message, one of the newest.
    Change(usize, usize, Change),
    /// The person changes a message that they see.
    Amend(usize, usize, Change),
    /// A frame reaches the gateway, on the oldest or the newest connection.
    Up(bool),
    /// A frame reaches the client, on the oldest or the newest connection.
    Down(bool),
    /// A frame that tells of an event is lost although the connection is healthy.
    Lose,
    /// A frame that tells of an event comes twice.
    Repeat,
    /// Every connection breaks, with all that is on its way.
    Break,
    /// The client connects, if it is not connected.
    Connect,
    /// A second connection is opened while the first goes on.
    HandOver,
    /// The older of two connections is closed.
    CloseOld,
    /// All that was committed is stored, and acknowledged.
    Store,
    /// The hot logs forget what is stored.
    Trim,
    /// The bus loses what is not stored.
    Wipe,
    /// The next sends are refused for a while.
    Refuse,
    /// The heartbeat tells the heads.
    Beat,
    /// A request for history is answered.
    Serve,
    /// The answer arrives.
    Deliver,
    /// Milliseconds pass.
    Wait(u64),
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Edit,
    Delete,
    React { person: usize, on: bool },
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => Just(Change::Edit),
        1 => Just(Change::Delete),
        4 => (0_usize..3, any::<bool>()).prop_map(|(person, on)| Change::React { person, on }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let room = || 0_usize..2;
    prop_oneof![
        6 => room().prop_map(Op::Write),
        4 => room().prop_map(Op::Other),
        1 => room().prop_map(Op::Join),
        4 => (room(), 0_usize..4, change()).prop_map(|(i, n, change)| Op::Change(i, n, change)),
        3 => (room(), 0_usize..4, change()).prop_map(|(i, n, change)| Op::Amend(i, n, change)),
        14 => any::<bool>().prop_map(Op::Up),
        20 => any::<bool>().prop_map(Op::Down),
        2 => Just(Op::Lose),
        2 => Just(Op::Repeat),
        2 => Just(Op::Break),
        4 => Just(Op::Connect),
        2 => Just(Op::HandOver),
        1 => Just(Op::CloseOld),
        4 => Just(Op::Store),
        1 => Just(Op::Trim),
        1 => Just(Op::Wipe),
        1 => Just(Op::Refuse),
        2 => Just(Op::Beat),
        2 => Just(Op::Serve),
        2 => Just(Op::Deliver),
        4 => (0_u64..4_000).prop_map(Op::Wait),
    ]
}

/// One room's log on the server.
struct Log {
    room: RoomId,
    head: Position,
    events: Vec<Event>,
    stored: usize,
    trimmed: Seq,
    seen: HashMap<MessageId, Position>,
}

impl Log {
    fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.events.iter().filter_map(|event| match event {
            Event::Message(message) => Some(message),
            _ => None,
        })
    }

    /// The messages as everything in the log has left them. What was on its way to change a message
    /// when the bus lost that one comes before it, and changes nothing.
    fn folded(&self) -> Vec<Message> {
        let mut messages: Vec<Message> = Vec::new();
        for event in &self.events {
            if let Event::Message(message) = event {
                messages.push(message.clone());
                continue;
            }
            for message in &mut messages {
                message.apply(event);
            }
        }
        messages
    }

    /// Whether a message or something that changed it comes after `seq`.
    fn is_touched(&self, message: &Message, seq: Seq) -> bool {
        let about = |event: &&Event| event.id() == message.id || event.target() == Some(message.id);
        self.events.iter().filter(about).any(|event| event.seq() > seq)
    }

    fn is_stored(&self, id: MessageId) -> Option<Position> {
        self.events[..self.stored].iter().find(|e| e.id() == id).map(Event::position)
    }
}

#[derive(Default)]
struct Link {
    up: VecDeque<ClientFrame>,
    down: VecDeque<ServerFrame>,
    /// The gateway has seen `hello`.
    live: bool,
    /// The client has seen `ready`.
    ready: bool,
    /// Acks the gateway owes.
    owed: Vec<(usize, MessageId)>,
}

struct World {
    now: Instant,
    user: UserId,
    logs: [Log; 2],
    links: Vec<Link>,
    refusals: u32,
    /// Whether `subscribed` precedes the events it speaks of.
    subscribed_first: bool,
    wiped: bool,
    replica: Replica,
    loads: VecDeque<(usize, Option<History>)>,
    written: Vec<(usize, MessageId)>,
    amended: Vec<MessageId>,
    people: [UserId; 3],
    stored: HashMap<MessageId, u32>,
    shown: HashMap<MessageId, u32>,
}

fn frame(event: Event) -> ServerFrame {
    match event {
        Event::Message(message) => ServerFrame::Message(message),
        Event::Edited(edited) => ServerFrame::Edited(edited),
        Event::Deleted(deleted) => ServerFrame::Deleted(deleted),
        Event::Reaction(reaction) => ServerFrame::Reaction(reaction),
        Event::Member(member) => ServerFrame::Member(member),
        Event::Room(change) => ServerFrame::Room(change),
    }
}

fn edited(message: MessageId) -> NewEventKind {
    let text = format!("theirs {}", MessageId::new());
    NewEventKind::Edited { message, body: EditedBody { text, ..EditedBody::default() } }
}

fn reaction(message: MessageId, on: bool) -> NewEventKind {
    NewEventKind::Reaction { message, emoji: "👍".to_owned(), on }
}

/// People of a reaction in an order of their own: who hears of it twice may name them in another.
fn sorted(mut message: Message) -> Message {
    message.reactions.iter_mut().for_each(|held| held.users.sort_unstable());
    message
}

fn tells_of_event(frame: &ServerFrame) -> bool {
    matches!(
        frame,
        ServerFrame::Message(_)
            | ServerFrame::Edited(_)
            | ServerFrame::Deleted(_)
            | ServerFrame::Reaction(_)
            | ServerFrame::Member(_)
            | ServerFrame::Reset { .. }
            | ServerFrame::Ack { .. }
    )
}

impl World {
    /// A client that is connected to two empty rooms.
    fn new(subscribed_first: bool) -> Self {
        let log = || Log {
            room: RoomId::new(),
            head: Position::new(Epoch(1), Seq(0)),
            events: Vec::new(),
            stored: 0,
            trimmed: Seq(0),
            seen: HashMap::new(),
        };
        let mut world = Self {
            now: Instant::now(),
            user: UserId::new(),
            logs: [log(), log()],
            links: Vec::new(),
            refusals: 0,
            subscribed_first,
            wiped: false,
            replica: Replica::new(),
            loads: VecDeque::new(),
            written: Vec::new(),
            amended: Vec::new(),
            people: [(); 3].map(|()| UserId::new()),
            stored: HashMap::new(),
            shown: HashMap::new(),
        };
        world.step(Op::Connect);
        world.step(Op::Up(true));
        world.step(Op::Down(true));
        world
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Write(i) => {
                let (id, room) = (MessageId::new(), self.logs[i].room);
                let body = Draft::text("mine");
                self.replica.send(id, room, body, self.now).expect("room in the outbox");
                self.written.push((i, id));
            }
            Op::Other(i) => {
                let kind = NewEventKind::Message { body: MessageBody::text("theirs") };
                self.commit(i, MessageId::new(), UserId::new(), kind);
            }
            Op::Join(i) => {
                let (user, change) = (UserId::new(), MemberChange::Joined);
                self.commit(
                    i,
                    MessageId::new(),
                    user,
                    NewEventKind::Member { user, change, role: None, until: None },
                );
            }
            Op::Change(i, n, change) => {
                let Some(of) = self.logs[i].messages().nth_back(n).cloned() else { return };
                let (sender, kind) = match change {
                    Change::Edit if of.sender == self.user => return,
                    Change::Edit => (of.sender, edited(of.id)),
                    Change::Delete => (self.people[0], NewEventKind::Deleted { message: of.id }),
                    Change::React { person, on } => (self.people[person], reaction(of.id, on)),
                };
                self.commit(i, MessageId::new(), sender, kind);
            }
            Op::Amend(i, n, change) => {
                let (id, room) = (MessageId::new(), self.logs[i].room);
                let seen = self.replica.room(room).and_then(|room| room.messages().nth_back(n));
                let Some(message) = seen.map(|message| message.id) else { return };
                let saying = match change {
                    Change::Edit => Saying::Edit { message, text: format!("mine {id}") },
                    Change::Delete => Saying::Deletion { message },
                    Change::React { on, .. } => {
                        Saying::Reaction { message, emoji: "👍".to_owned(), on }
                    }
                };
                self.replica.say(id, room, saying, self.now).expect("room in the outbox");
                self.amended.push(id);
            }
            Op::Up(newest) => {
                if let Some(link) = self.link(newest)
                    && let Some(frame) = self.links[link].up.pop_front()
                {
                    self.serve(link, frame);
                }
            }
            Op::Down(newest) => {
                if let Some(link) = self.link(newest)
                    && let Some(frame) = self.links[link].down.pop_front()
                {
                    self.links[link].ready |= matches!(frame, ServerFrame::Ready { .. });
                    self.replica.receive(frame, self.now);
                }
            }
            Op::Lose => {
                for link in &mut self.links {
                    if link.down.front().is_some_and(tells_of_event) {
                        link.down.pop_front();
                    }
                }
            }
            Op::Repeat => {
                for link in &mut self.links {
                    if let Some(frame) = link.down.front().filter(|frame| tells_of_event(frame)) {
                        let frame = frame.clone();
                        link.down.push_front(frame);
                    }
                }
            }
            Op::Break => {
                self.links.clear();
                self.replica.disconnected();
            }
            Op::Connect => {
                if self.links.is_empty() {
                    self.open();
                }
            }
            Op::HandOver => {
                if self.links.len() == 1 && self.links[0].ready {
                    self.open();
                }
            }
            Op::CloseOld => {
                if self.links.len() == 2 && self.links[1].ready {
                    self.links.remove(0);
                }
            }
            Op::Store => self.store(),
            Op::Trim => {
                for log in &mut self.logs {
                    if let Some(last) = log.events[..log.stored].last() {
                        log.trimmed = log.trimmed.max(last.seq());
                    }
                }
            }
            Op::Wipe => self.wipe(),
            Op::Refuse => self.refusals = 2,
            Op::Beat => {
                let head =
                    |log: &Log| Head { room: log.room, epoch: log.head.epoch, seq: log.head.seq };
                let rooms: Vec<_> = self.logs.iter().map(head).collect();
                for link in self.links.iter_mut().filter(|link| link.live) {
                    link.down.push_back(ServerFrame::Heads { rooms: rooms.clone() });
                }
            }
            Op::Serve => {
                if let Some((i, page)) = self.loads.iter_mut().find(|(_, page)| page.is_none()) {
                    let log = &self.logs[*i];
                    *page = Some(History {
                        epoch: log.head.epoch,
                        seq: log.head.seq,
                        messages: log.folded(),
                        before: None,
                        after: None,
                    });
                }
            }
            Op::Deliver => {
                if let Some(at) = self.loads.iter().position(|(_, page)| page.is_some())
                    && let Some((i, Some(page))) = self.loads.remove(at)
                {
                    self.replica.loaded(self.logs[i].room, page);
                }
            }
            Op::Wait(ms) => {
                self.now += Duration::from_millis(ms);
                self.replica.tick(self.now);
            }
        }
        self.act();
        self.check();
    }

    fn link(&self, newest: bool) -> Option<usize> {
        if newest { self.links.len().checked_sub(1) } else { (!self.links.is_empty()).then_some(0) }
    }

    fn open(&mut self) {
        let mut link = Link::default();
        let resume = self.replica.resume_points();
        link.up.push_back(ClientFrame::Hello { token: None, resume, only: None });
        self.links.push(link);
    }

    /// Does what the replica asks for.
    fn act(&mut self) {
        while let Some(action) = self.replica.poll() {
            match action {
                Action::Transmit(frame) => {
                    let link = self.links.iter_mut().rfind(|link| link.ready);
                    link.expect("nothing is transmitted before ready").up.push_back(frame);
                }
                Action::Load(room) => {
                    let i = self.index(room);
                    self.loads.push_back((i, None));
                }
                Action::Tell(Update::Stored { id, .. }) => *self.stored.entry(id).or_default() += 1,
                Action::Tell(Update::Message(m)) => *self.shown.entry(m.id).or_default() += 1,
                Action::Tell(Update::Failed { code, .. }) => panic!("failed with {code}"),
                Action::Tell(_) => {}
            }
        }
    }

    fn index(&self, room: RoomId) -> usize {
        self.logs.iter().position(|log| log.room == room).expect("one of the two")
    }

    /// The gateway takes a frame.
    fn serve(&mut self, link: usize, frame: ClientFrame) {
        match frame {
            ClientFrame::Hello { resume, .. } => {
                let room = |log: &Log| ReadyRoom {
                    room: log.room,
                    epoch: log.head.epoch,
                    seq: log.head.seq,
                    read: Seq(0),
                    delivered: Seq(0),
                    unread: 0,
                    mentions: 0,
                    unread_from: None,
                    notify: NotifyLevel::default(),
                    version: 0,
                };
                let ready = ServerFrame::Ready {
                    inbox: 0,
                    user: self.user,
                    connection: ConnectionId::new(),
                    node: "model".parse().expect("a node name"),
                    heartbeat_ms: 1_000,
                    token_expires_in_ms: 900_000,
                    limits: Limits::default(),
                    rooms: self.logs.iter().map(room).collect(),
                };
                self.links[link].live = true;
                self.links[link].down.push_back(ready);
                for point in resume {
                    self.catch_up(link, self.index(point.room), point.position());
                }
            }
            ClientFrame::Subscribe { room, epoch: Some(epoch), seq: Some(seq) } => {
                let i = self.index(room);
                let head = self.logs[i].head;
                let subscribed = ServerFrame::Subscribed { room, epoch: head.epoch, seq: head.seq };
                if self.subscribed_first {
                    self.links[link].down.push_back(subscribed);
                    self.catch_up(link, i, Position::new(epoch, seq));
                } else {
                    self.catch_up(link, i, Position::new(epoch, seq));
                    self.links[link].down.push_back(subscribed);
                }
            }
            ClientFrame::Send { id, room, body } => {
                let body = MessageBody::text(body.text);
                self.take(link, room, id, NewEventKind::Message { body });
            }
            ClientFrame::Edit { id, room, message, body } => {
                let body = EditedBody { text: body.text, ..EditedBody::default() };
                self.take(link, room, id, NewEventKind::Edited { message, body });
            }
            ClientFrame::Delete { id, room, message } => {
                self.take(link, room, id, NewEventKind::Deleted { message });
            }
            ClientFrame::React { id, room, message, emoji, on } => {
                self.take(link, room, id, NewEventKind::Reaction { message, emoji, on });
            }
            other => panic!("not expected: {other:?}"),
        }
    }

    /// The gateway takes what the person says.
    fn take(&mut self, link: usize, room: RoomId, id: MessageId, kind: NewEventKind) {
        let i = self.index(room);
        if let Some(position) = self.logs[i].is_stored(id) {
            self.ack(link, i, id, position);
            return;
        }
        if self.refusals > 0 {
            self.refusals -= 1;
            self.links[link].down.push_back(ServerFrame::Error(ErrorFrame {
                id: Some(id.to_string()),
                retry_after_ms: Some(200),
                ..ErrorFrame::new(ErrorCode::RateLimited)
            }));
            return;
        }
        self.links[link].owed.push((i, id));
        if !self.logs[i].seen.contains_key(&id) {
            self.commit(i, id, self.user, kind);
        }
    }

    /// Sends what follows a position, the way that is still possible.
    fn catch_up(&mut self, link: usize, i: usize, from: Position) {
        let log = &self.logs[i];
        let Position { epoch, seq } = log.head;
        let room = log.room;
        let down = &mut self.links[link].down;
        if from.epoch != epoch || from.seq > seq {
            down.push_back(ServerFrame::Reset { room, epoch, seq });
        } else if from.seq < log.trimmed {
            let mut messages = log.folded();
            messages.retain(|message| log.is_touched(message, from.seq));
            down.push_back(ServerFrame::Sync { room, epoch, upto: seq, messages });
        } else {
            down.extend(log.events.iter().filter(|e| e.position() > from).cloned().map(frame));
        }
    }

    /// The bus gives an event its place and tells every connection.
    fn commit(&mut self, i: usize, id: MessageId, sender: UserId, kind: NewEventKind) {
        let log = &mut self.logs[i];
        log.head.seq = log.head.seq.next();
        let new = NewEvent { room: log.room, id, sender, at: Timestamp::default(), kind };
        let event = new.at(log.head);
        log.seen.insert(id, log.head);
        log.events.push(event.clone());
        for link in self.links.iter_mut().filter(|link| link.live) {
            link.down.push_back(frame(event.clone()));
        }
    }

    fn ack(&mut self, link: usize, i: usize, id: MessageId, position: Position) {
        let (room, at) = (self.logs[i].room, Timestamp::default());
        let Position { epoch, seq } = position;
        self.links[link].down.push_back(ServerFrame::Ack { id, room, epoch, seq, at });
    }

    fn store(&mut self) {
        for log in &mut self.logs {
            log.stored = log.events.len();
        }
        for link in 0..self.links.len() {
            for (i, id) in std::mem::take(&mut self.links[link].owed) {
                if let Some(position) = self.logs[i].is_stored(id) {
                    self.ack(link, i, id, position);
                }
            }
        }
    }

    fn wipe(&mut self) {
        self.wiped = true;
        for i in 0..self.logs.len() {
            let log = &mut self.logs[i];
            let highest = log.head.seq.0;
            log.events.truncate(log.stored);
            log.seen = log.events.iter().map(|event| (event.id(), event.position())).collect();
            log.head = Position::new(log.head.epoch.next(), Seq(highest + MARGIN));
            log.trimmed = log.head.seq;
            let (room, Position { epoch, seq }) = (log.room, log.head);
            for link in self.links.iter_mut().filter(|link| link.live) {
                link.down.push_back(ServerFrame::Reset { room, epoch, seq });
            }
        }
    }

    /// Whoever has been told nothing has missed nothing: at every moment, what is shown up to the
    /// position is what the log has up to there.
    fn check(&self) {
        for log in &self.logs {
            let Some(room) = self.replica.room(log.room) else { continue };
            let mut ids: Vec<_> = room.messages().map(|m| m.id).collect();
            let count = ids.len();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), count, "a message is shown twice");
            if room.position().epoch == log.head.epoch && !room.is_reloading() {
                let upto = |m: &&Message| m.seq <= room.position().seq;
                let shown: Vec<_> = room.messages().filter(upto).map(|m| (m.seq, m.id)).collect();
                let kept: Vec<_> = log.messages().filter(upto).map(|m| (m.seq, m.id)).collect();
                assert_eq!(shown, kept, "what is shown is not the log");
            }
        }
    }

    /// Ends all faults and runs until nothing is left to do.
    fn settle(&mut self) {
        self.refusals = 0;
        for _ in 0..400 {
            self.step(Op::Connect);
            self.step(Op::Beat);
            while self.links.iter().any(|link| !link.up.is_empty() || !link.down.is_empty()) {
                for newest in [false, true] {
                    self.step(Op::Up(newest));
                    self.step(Op::Down(newest));
                }
            }
            self.step(Op::Store);
            self.step(Op::Serve);
            self.step(Op::Deliver);
            self.step(Op::Wait(1_000));
            let in_step = |log: &Log| {
                self.replica
                    .room(log.room)
                    .is_some_and(|room| room.position() == log.head && !room.is_reloading())
            };
            if self.logs.iter().all(in_step)
                && self.replica.pending().next().is_none()
                && self.loads.is_empty()
                && self.links.iter().all(|link| link.down.is_empty() && link.up.is_empty())
            {
                return;
            }
        }
        panic!("it does not settle: {:?}", self.replica);
    }

    /// What the person sees is the log, and all they wrote is in it, once and in their order.
    fn check_end(&self) {
        for (i, log) in self.logs.iter().enumerate() {
            let room = self.replica.room(log.room).expect("heard from the start");
            let shown: Vec<_> = room.messages().cloned().map(sorted).collect();
            let kept: Vec<_> = log.folded().into_iter().map(sorted).collect();
            assert_eq!(shown, kept);

            let mut own: Vec<_> =
                log.messages().filter(|m| m.sender == self.user).map(|m| m.id).collect();
            let mut written: Vec<_> =
                self.written.iter().filter(|(room, _)| *room == i).map(|(_, id)| *id).collect();
            // What is lost may come back after something that was never lost.
            if self.wiped {
                own.sort_unstable();
                written.sort_unstable();
            }
            assert_eq!(own, written);
        }
        for id in self.written.iter().map(|(_, id)| id).chain(&self.amended) {
            assert_eq!(self.stored.get(id), Some(&1), "told once that it is stored");
        }
        if !self.wiped {
            // A state sync brings what has changed as well.
            let events = || self.logs.iter().flat_map(|log| &log.events);
            let changed = |id| events().any(|event| event.target() == Some(id));
            let once = |(id, &times): (&MessageId, &u32)| times == 1 || changed(*id);
            assert!(self.shown.iter().all(once), "shown once");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_visible_list_equals_the_log_and_every_send_is_stored_once(
        subscribed_first in any::<bool>(),
        ops in vec(op(), 0..250),
    ) {
        let mut world = World::new(subscribed_first);
        for op in ops {
            world.step(op);
        }
        world.settle();
        world.check_end();
    }
}
