//! What a client has on its screen, and the rules by which it judges what it is told.
//!
//! A view lives as long as its client, over all its sockets: what holds for one socket must hold
//! for the person who has had three.

use std::collections::{BTreeMap, HashMap};

use hubbub_protocol::server::{ErrorFrame, ReadyRoom};
use hubbub_protocol::{
    Event, Message, MessageId, NodeId, Position, RoomId, Seq, ServerFrame, Timestamp,
};

use super::ledger::Ledger;

/// What may happen to a client. What is not permitted fails the test.
#[derive(Debug, Clone, Copy, Default)]
pub struct Permits {
    /// A room may be continued by state sync.
    pub sync: bool,
    /// A room may have to be loaded again.
    pub reset: bool,
}

/// Where a stored message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// The place.
    pub position: Position,
    /// When the server took it.
    pub at: Timestamp,
}

/// One room on the screen.
#[derive(Debug, Clone, Default)]
pub struct RoomView {
    /// The last event seen.
    pub position: Position,
    /// Whether the connection hears it.
    pub heard: bool,
    /// Its messages, since the client came or the room was last reset.
    pub messages: BTreeMap<Position, Message>,
    /// How often it was reset.
    pub resets: u32,
    /// State syncs it got; one may come in several frames.
    pub syncs: u32,
    /// Every event on the screen.
    places: HashMap<MessageId, Position>,
    /// Where it stood when it was last subscribed after an end: what came before may still arrive.
    subscribed_at: Option<Position>,
    /// The last message of a state sync that is under way.
    syncing: Option<Seq>,
}

impl RoomView {
    fn at(position: Position) -> Self {
        Self { position, heard: true, ..Self::default() }
    }

    /// What its messages say, in order.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        self.messages.values().map(|message| message.body.text.as_str()).collect()
    }

    /// A message as it is on the screen.
    #[must_use]
    pub fn message(&self, id: MessageId) -> Option<&Message> {
        self.places.get(&id).and_then(|at| self.messages.get(at))
    }

    /// Its messages' ids, in order.
    #[must_use]
    pub fn ids(&self) -> Vec<MessageId> {
        self.messages.values().map(|message| message.id).collect()
    }

    /// Where an event is, if it has been seen.
    #[must_use]
    pub fn place(&self, id: MessageId) -> Option<Position> {
        self.places.get(&id).copied()
    }

    fn put(&mut self, at: Position, id: MessageId) -> Result<(), String> {
        match self.places.insert(id, at) {
            Some(before) if before != at => Err(format!("{id} is at {before} and at {at}")),
            _ => Ok(()),
        }
    }
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The close code, if the server sent one.
    pub code: Option<u16>,
    /// The reason, as the server or the network put it.
    pub reason: String,
}

/// Everything a client knows.
#[derive(Debug, Default)]
pub struct View {
    /// Its rooms.
    pub rooms: HashMap<RoomId, RoomView>,
    /// What it was told is stored.
    pub acks: HashMap<MessageId, Vec<Ack>>,
    /// What it was refused.
    pub errors: Vec<ErrorFrame>,
    /// Everything it was told, over all connections.
    pub frames: Vec<ServerFrame>,
    /// The nodes that greeted it.
    pub greeted_by: Vec<NodeId>,
    /// Whether the present connection has been greeted.
    pub ready: bool,
    /// How the last connection ended, until there is another.
    pub ended: Option<Ended>,
    pub(super) permits: Permits,
    /// Counts connections, so that what a former one still brings is told apart.
    pub(super) connection: u64,
    pub(super) sent: HashMap<MessageId, usize>,
    pub(super) violation: Option<String>,
}

impl View {
    /// A room on the screen.
    ///
    /// # Panics
    /// When there is no such room.
    #[must_use]
    pub fn room(&self, room: RoomId) -> &RoomView {
        self.rooms.get(&room).expect("a room that this client knows")
    }

    /// A new connection is being made; rooms go on where they are.
    pub(super) fn reconnecting(&mut self) {
        self.ready = false;
        self.ended = None;
        for room in self.rooms.values_mut() {
            room.syncing = None;
        }
    }

    /// Takes a frame in.
    pub(super) fn receive(&mut self, frame: ServerFrame, ledger: &Ledger) -> Result<(), String> {
        let judged = self.judge(&frame, ledger);
        let judged = judged.map_err(|violation| format!("{violation}, told by {frame:?}"));
        self.frames.push(frame);
        judged
    }

    fn judge(&mut self, frame: &ServerFrame, ledger: &Ledger) -> Result<(), String> {
        match frame {
            ServerFrame::Ready { node, rooms, .. } => {
                self.ready = true;
                self.greeted_by.push(node.clone());
                self.greeted(rooms);
                Ok(())
            }
            ServerFrame::Message(message) => {
                let event = Event::Message(message.clone());
                if self.event(&event, ledger)? {
                    let room = self.rooms.entry(message.room).or_default();
                    room.messages.insert(event.position(), message.clone());
                }
                Ok(())
            }
            ServerFrame::Edited(edited) => self.change(&Event::Edited(edited.clone()), ledger),
            ServerFrame::Deleted(deleted) => self.change(&Event::Deleted(deleted.clone()), ledger),
            ServerFrame::Reaction(reaction) => {
                self.change(&Event::Reaction(reaction.clone()), ledger)
            }
            ServerFrame::Member(member) => {
                self.event(&Event::Member(member.clone()), ledger).map(drop)
            }
            ServerFrame::Room(change) => self.event(&Event::Room(change.clone()), ledger).map(drop),
            ServerFrame::Sync { room, epoch, upto, messages } => {
                self.sync(*room, Position::new(*epoch, *upto), messages, ledger)
            }
            ServerFrame::Reset { room, epoch, seq } => {
                self.reset(*room, Position::new(*epoch, *seq))
            }
            ServerFrame::Subscribed { room, epoch, seq } => {
                let position = Position::new(*epoch, *seq);
                let held = self.rooms.entry(*room).or_insert_with(|| RoomView::at(position));
                if !held.heard {
                    held.heard = true;
                    held.subscribed_at = Some(position);
                    held.position = position;
                }
                Ok(())
            }
            ServerFrame::Unsubscribed { room } => {
                self.rooms.entry(*room).or_default().heard = false;
                Ok(())
            }
            ServerFrame::Ack { id, room, epoch, seq, at } => {
                let position = Position::new(*epoch, *seq);
                ledger.ack(*room, position, *id)?;
                let acks = self.acks.entry(*id).or_default();
                acks.push(Ack { position, at: *at });
                let sent = self.sent.get(id).copied().unwrap_or(0);
                if acks.len() > sent {
                    return Err(format!("sent {sent} times, acked {} times", acks.len()));
                }
                Ok(())
            }
            ServerFrame::Error(error) => {
                self.errors.push(error.clone());
                Ok(())
            }
            ServerFrame::Marks { .. }
            | ServerFrame::Typing { .. }
            | ServerFrame::Presence { .. }
            | ServerFrame::User { .. }
            | ServerFrame::Inbox { .. }
            | ServerFrame::Block { .. }
            | ServerFrame::Heads { .. }
            | ServerFrame::Refreshed { .. }
            | ServerFrame::GoAway { .. }
            | ServerFrame::Pong => Ok(()),
        }
    }

    fn greeted(&mut self, rooms: &[ReadyRoom]) {
        for room in self.rooms.values_mut() {
            room.heard = false;
        }
        for ReadyRoom { room, epoch, seq, .. } in rooms {
            let head = Position::new(*epoch, *seq);
            self.rooms.entry(*room).or_insert_with(|| RoomView::at(head)).heard = true;
        }
    }

    /// An edit, a deletion or a reaction. A message that is not on the screen can't be changed there.
    fn change(&mut self, change: &Event, ledger: &Ledger) -> Result<(), String> {
        if self.event(change, ledger)?
            && let Some(target) = change.target()
            && let Some(room) = self.rooms.get_mut(&change.room())
            && let Some(message) = room.places.get(&target).and_then(|at| room.messages.get_mut(at))
        {
            message.apply(change);
        }
        Ok(())
    }

    /// Whether the event is new on the screen.
    fn event(&mut self, event: &Event, ledger: &Ledger) -> Result<bool, String> {
        let (room, at, id) = (event.room(), event.position(), event.id());
        ledger.event(room, at, id)?;
        let held = self.rooms.get_mut(&room).ok_or("an event of a room that is not heard")?;
        if held.subscribed_at.is_some_and(|since| at <= since) {
            return Ok(false);
        }
        let next = Position::new(held.position.epoch, held.position.seq.next());
        if at != next {
            return Err(format!("{at} follows {}", held.position));
        }
        held.position = at;
        held.put(at, id)?;
        Ok(true)
    }

    fn sync(
        &mut self,
        room: RoomId,
        upto: Position,
        messages: &[Message],
        ledger: &Ledger,
    ) -> Result<(), String> {
        let held = self.rooms.get_mut(&room).ok_or("a sync of a room that is not heard")?;
        if !self.permits.sync {
            return Err("a state sync that nothing called for".into());
        }
        if upto.epoch != held.position.epoch || upto.seq < held.position.seq {
            return Err(format!("a sync up to {upto} after {}", held.position));
        }
        held.syncs += 1;
        // A sync that broke off halfway is sent again from its beginning.
        let begins_anew = |first: &Message| held.syncing.is_some_and(|last| first.seq <= last);
        if messages.first().is_some_and(begins_anew) {
            held.syncing = None;
        }
        for message in messages {
            let at = Position::new(message.epoch, message.seq);
            ledger.event(room, at, message.id)?;
            // One from before the position is one that was changed after it.
            if held.syncing.is_some_and(|last| message.seq <= last) {
                return Err(format!("a sync brings {at} out of order"));
            }
            held.syncing = Some(message.seq);
            held.put(at, message.id)?;
            held.messages.insert(at, message.clone());
        }
        if upto.seq > held.position.seq {
            if held.syncing.take().is_some_and(|last| last > upto.seq) {
                return Err(format!("a sync up to {upto} brought more"));
            }
            held.position = upto;
        }
        Ok(())
    }

    fn reset(&mut self, room: RoomId, position: Position) -> Result<(), String> {
        let held = self.rooms.get_mut(&room).ok_or("a reset of a room that is not heard")?;
        if !self.permits.reset {
            return Err("a reset that nothing called for".into());
        }
        let resets = held.resets + 1;
        *held = RoomView { resets, syncs: held.syncs, ..RoomView::at(position) };
        Ok(())
    }
}
