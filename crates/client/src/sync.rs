//! What a client knows of its rooms, and what it still has to say: the state machine behind
//! ordered, once-only, gap-free conversation. No I/O and no clock of its own.
//!
//! A [`Replica`] is fed the frames that arrive, the time, and what the person does; it answers with
//! [`Action`]s. It is one value over all connections: while one is being replaced by another, the
//! frames of both may be fed in any interleaving.
//!
//! Per room it keeps a position and accepts exactly the event that follows it. Everything else is
//! either known already or proof of a gap, and then the room is subscribed anew from the position,
//! which makes the gateway send what is missing: as events, as one state sync, or, when the
//! position means nothing to it any more, as a reset, after which the room's history is loaded
//! again. The heads that come with each heartbeat are proof of a gap as well, when the events they
//! speak of do not arrive: a socket can be healthy and deaf.
//!
//! - [`room`]: one room's position and messages
//! - [`outbox`]: messages that are not stored yet
//! - [`update`]: what a replica asks for and tells

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use hubbub_protocol::emoji::is_emoji;
use hubbub_protocol::http::History;
use hubbub_protocol::server::{ErrorFrame, Head, ReadyRoom};
use hubbub_protocol::{
    ClientFrame, Draft, ErrorCode, Event, Limits, Message, MessageId, Position, RoomId, Seq,
    ServerFrame, UserId, client::ResumePoint,
};

pub mod outbox;
pub mod room;
mod update;

use outbox::{Outbox, Pending, Saying};
use room::{HEAD_GRACE, RESUME_GRACE, Room, Step};

pub use update::{Action, Update};

/// One user's rooms and outbox.
#[derive(Debug)]
pub struct Replica {
    user: Option<UserId>,
    limits: Limits,
    rooms: HashMap<RoomId, Room>,
    outbox: Outbox,
    /// Whose presence is wanted, over all connections.
    watched: Vec<UserId>,
    online: bool,
    actions: VecDeque<Action>,
}

impl Default for Replica {
    fn default() -> Self {
        Self::new()
    }
}

impl Replica {
    /// A client that has not been connected yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            user: None,
            limits: Limits::default(),
            rooms: HashMap::new(),
            outbox: Outbox::default(),
            watched: Vec::new(),
            online: false,
            actions: VecDeque::new(),
        }
    }

    /// What to do next. To be asked until it is `None` after every other call.
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Self::tick`] is next needed, if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if !self.online {
            return None;
        }
        self.rooms.values().filter_map(Room::deadline).chain(self.outbox.deadline()).min()
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Instant) {
        if self.online {
            for (&id, room) in &mut self.rooms {
                if room.is_overdue(now) {
                    self.actions.push_back(Action::Transmit(room.refill(id, now)));
                }
            }
        }
        self.transmit_due(now);
    }

    /// Where each room continues: what `hello` carries.
    #[must_use]
    pub fn resume_points(&self) -> Vec<ResumePoint> {
        let point = |(&room, state): (&RoomId, &Room)| {
            let Position { epoch, seq } = state.position();
            ResumePoint { room, epoch, seq }
        };
        self.rooms.iter().map(point).collect()
    }

    /// There is no connection any more. What is unacknowledged goes out again after the next
    /// `ready`.
    pub fn disconnected(&mut self) {
        self.online = false;
        self.actions.retain(|action| !matches!(action, Action::Transmit(_)));
    }

    /// Takes a frame.
    pub fn receive(&mut self, frame: ServerFrame, now: Instant) {
        match frame {
            ServerFrame::Ready { user, limits, rooms, .. } => self.ready(user, limits, &rooms, now),
            ServerFrame::Message(message) => self.event(Event::Message(message), now),
            ServerFrame::Edited(edited) => self.event(Event::Edited(edited), now),
            ServerFrame::Deleted(deleted) => self.event(Event::Deleted(deleted), now),
            ServerFrame::Reaction(reaction) => self.event(Event::Reaction(reaction), now),
            ServerFrame::Member(member) => self.event(Event::Member(member), now),
            ServerFrame::Room(change) => self.event(Event::Room(change), now),
            ServerFrame::Sync { room, epoch, upto, messages } => {
                self.state_sync(room, Position::new(epoch, upto), messages, now);
            }
            ServerFrame::Reset { room, epoch, seq } => self.reset(room, Position::new(epoch, seq)),
            ServerFrame::Subscribed { room, epoch, seq } => {
                self.subscribed(room, Position::new(epoch, seq), now);
            }
            ServerFrame::Unsubscribed { room } => self.gone(room),
            ServerFrame::Heads { rooms } => self.heads(&rooms, now),
            ServerFrame::Ack { id, room, epoch, seq, at } => {
                if self.outbox.stored(id) {
                    let position = Position::new(epoch, seq);
                    self.tell(Update::Stored { id, room, position, at });
                }
            }
            ServerFrame::Error(error) => self.refused(error, now),
            ServerFrame::Marks { room, marks } => self.tell(Update::Marks { room, marks }),
            ServerFrame::Typing { room, user, on } => self.tell(Update::Typing { room, user, on }),
            ServerFrame::Presence { users } => self.tell(Update::Presence { people: users }),
            // These are for programs that show people, an inbox and settings.
            ServerFrame::User { .. } | ServerFrame::Inbox { .. } | ServerFrame::Block { .. } => {}
            // These speak of the connection, which is the driver's.
            ServerFrame::Refreshed { .. } | ServerFrame::GoAway { .. } | ServerFrame::Pong => {}
        }
        self.transmit_due(now);
    }

    /// Watches these people from now on, over all reconnections, instead of those before. No more
    /// than `limits.watched`: the server refuses more.
    pub fn watch(&mut self, users: Vec<UserId>) {
        self.watched = users;
        if self.online {
            self.transmit_watched();
        }
    }

    fn transmit_watched(&mut self) {
        let users = self.watched.clone();
        self.actions.push_back(Action::Transmit(ClientFrame::Watch { users }));
    }

    /// Puts something into the outbox. `id` is new, of UUID version 7, and names it for ever.
    ///
    /// # Errors
    /// [`ErrorCode::EmptyText`], [`ErrorCode::TextTooLong`], [`ErrorCode::BadEmoji`],
    /// [`ErrorCode::IdConflict`], or [`ErrorCode::Overloaded`] when [`outbox::CAPACITY`] wait
    /// already.
    pub fn say(
        &mut self,
        id: MessageId,
        room: RoomId,
        saying: Saying,
        now: Instant,
    ) -> Result<(), ErrorCode> {
        let checked = match &saying {
            Saying::Message(draft) => match self.limits.check_text(&draft.text) {
                Err(ErrorCode::EmptyText) if !draft.attachments.is_empty() => Ok(()),
                checked => checked,
            },
            Saying::Edit { text, .. } => self.limits.check_text(text),
            Saying::Deletion { .. } => Ok(()),
            Saying::Reaction { emoji, .. } if is_emoji(emoji) => Ok(()),
            Saying::Reaction { .. } => Err(ErrorCode::BadEmoji),
        };
        checked?;
        self.outbox.push(id, room, saying)?;
        self.transmit_due(now);
        Ok(())
    }

    /// Puts a message into the outbox.
    ///
    /// # Errors
    /// As [`Self::say`].
    pub fn send(
        &mut self,
        id: MessageId,
        room: RoomId,
        body: Draft,
        now: Instant,
    ) -> Result<(), ErrorCode> {
        self.say(id, room, Saying::Message(body), now)
    }

    /// Sends a message that has failed once more, under its old id. Says whether there is one.
    pub fn retry(&mut self, id: MessageId, now: Instant) -> bool {
        let found = self.outbox.retry(id);
        self.transmit_due(now);
        found
    }

    /// Forgets a message that has failed. Says whether there is one.
    pub fn discard(&mut self, id: MessageId) -> bool {
        self.outbox.discard(id)
    }

    /// Takes the newest page of a room's history. After a reset it replaces what was known;
    /// otherwise it adds what came before.
    pub fn loaded(&mut self, id: RoomId, page: History) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let own: Vec<_> = page.messages.iter().map(own_place).collect();
        if !room.load(page) {
            self.actions.push_back(Action::Load(id));
            return;
        }
        let messages = room.messages().cloned().collect();
        self.tell(Update::Reloaded { room: id, messages });
        self.placed(own);
    }

    /// The user, once known.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        self.user
    }

    /// A room's state, if it is heard.
    #[must_use]
    pub fn room(&self, room: RoomId) -> Option<&Room> {
        self.rooms.get(&room)
    }

    /// What is not stored yet, in the order it was written.
    pub fn pending(&self) -> impl Iterator<Item = Pending<'_>> {
        self.outbox.iter()
    }

    fn tell(&mut self, update: Update) {
        self.actions.push_back(Action::Tell(update));
    }

    fn transmit_due(&mut self, now: Instant) {
        if !self.online {
            return;
        }
        while let Some(frame) = self.outbox.next_due(now, self.limits.in_flight) {
            self.actions.push_back(Action::Transmit(frame));
        }
    }

    fn ready(&mut self, user: UserId, limits: Limits, rooms: &[ReadyRoom], now: Instant) {
        (self.user, self.limits, self.online) = (Some(user), limits, true);
        let heard: HashSet<RoomId> = rooms.iter().map(|room| room.room).collect();
        let missing: Vec<RoomId> =
            self.rooms.keys().copied().filter(|room| !heard.contains(room)).collect();
        for room in missing {
            self.gone(room);
        }
        for room in self.rooms.values_mut() {
            room.reconnected();
        }
        for &ReadyRoom { room, epoch, seq, .. } in rooms {
            self.head(room, Position::new(epoch, seq), now, RESUME_GRACE);
        }
        self.outbox.reconnected();
        if !self.watched.is_empty() {
            self.transmit_watched();
        }
    }

    /// Takes note of where a room stands. One that is new here starts there.
    fn head(&mut self, room: RoomId, position: Position, now: Instant, grace: Duration) {
        if let Some(known) = self.rooms.get_mut(&room) {
            known.expect_by(position, now + grace);
        } else {
            self.rooms.insert(room, Room::at(position));
            self.tell(Update::Heard { room, position });
        }
    }

    fn subscribed(&mut self, room: RoomId, position: Position, now: Instant) {
        if let Some(known) = self.rooms.get_mut(&room) {
            known.answered();
        }
        self.head(room, position, now, RESUME_GRACE);
    }

    fn heads(&mut self, heads: &[Head], now: Instant) {
        for &Head { room, epoch, seq } in heads {
            if let Some(known) = self.rooms.get_mut(&room) {
                known.expect_by(Position::new(epoch, seq), now + HEAD_GRACE);
            }
        }
    }

    fn event(&mut self, event: Event, now: Instant) {
        let (id, position) = (event.room(), event.position());
        if !self.rooms.contains_key(&id) {
            // A room's first event may overtake the `subscribed` that announces the room.
            let before = Position::new(position.epoch, Seq(position.seq.0.saturating_sub(1)));
            self.head(id, before, now, RESUME_GRACE);
        }
        let Some(room) = self.rooms.get_mut(&id) else { return };
        match room.advance(position) {
            Step::Known => return,
            Step::Gap => {
                self.ask(id, position, now);
                return;
            }
            Step::Next => {}
        }
        match event {
            Event::Message(message) => {
                let own = own_place(&message);
                if room.insert(message.clone()) {
                    self.tell(Update::Message(message));
                }
                self.placed([own]);
            }
            change @ (Event::Edited(_) | Event::Deleted(_) | Event::Reaction(_)) => {
                let own = (change.sender(), change.id(), position);
                if let Some(message) = room.change(change.clone()) {
                    self.tell(Update::Changed { message, change: Box::new(change) });
                }
                self.placed([own]);
            }
            Event::Member(member) => self.tell(Update::Member(member)),
            Event::Room(change) => self.tell(Update::Room(change)),
        }
    }

    fn state_sync(&mut self, id: RoomId, upto: Position, messages: Vec<Message>, now: Instant) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        if upto.epoch < room.position().epoch {
            return;
        }
        if upto.epoch > room.position().epoch {
            // Only a reset may start an epoch: a sync does not tell what the old one has lost.
            self.ask(id, upto, now);
            return;
        }
        let own: Vec<_> = messages.iter().map(own_place).collect();
        let Some(changed) = room.sync(messages, upto) else {
            room.answered();
            self.ask(id, upto, now);
            return;
        };
        for message in changed {
            self.tell(Update::Message(message));
        }
        self.placed(own);
    }

    fn reset(&mut self, id: RoomId, position: Position) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        // Within an epoch a reset may also lead back: then the bus has lost its newest events.
        if position.epoch < room.position().epoch {
            return;
        }
        room.reset(position);
        self.outbox.lost_places(id);
        self.actions.push_back(Action::Load(id));
    }

    fn gone(&mut self, room: RoomId) {
        if self.rooms.remove(&room).is_some() {
            self.tell(Update::Gone { room });
        }
    }

    fn refused(&mut self, error: ErrorFrame, now: Instant) {
        let id = error.id.as_deref().and_then(|id| id.parse::<MessageId>().ok());
        if let Some(id) = id.filter(|&id| self.outbox.contains(id)) {
            if let Some(room) = self.outbox.refused(id, error.code, error.retry_after_ms, now) {
                let ErrorFrame { code, message: detail, .. } = error;
                self.tell(Update::Failed { id, room, code, detail });
            }
            return;
        }
        if let (Some(room), ErrorCode::RoomNotFound) = (error.room, error.code) {
            self.gone(room);
        }
        self.tell(Update::Refused(error));
    }

    /// Subscribes a room anew from its position, since something before `to` is missing.
    fn ask(&mut self, id: RoomId, to: Position, now: Instant) {
        if let Some(room) = self.rooms.get_mut(&id)
            && self.online
            && room.misses(to, now)
        {
            self.actions.push_back(Action::Transmit(room.refill(id, now)));
        }
    }

    /// Notes the places of those messages that are this user's own.
    fn placed(&mut self, places: impl IntoIterator<Item = (UserId, MessageId, Position)>) {
        for (sender, id, position) in places {
            if self.user == Some(sender) {
                self.outbox.placed(id, position);
            }
        }
    }
}

const fn own_place(message: &Message) -> (UserId, MessageId, Position) {
    (message.sender, message.id, Position::new(message.epoch, message.seq))
}
