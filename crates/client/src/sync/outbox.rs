//! Messages, edits, deletions and reactions that are not stored yet.
//!
//! Each keeps its id until it is acknowledged, so that sending it once more is always safe and
//! never makes a second message. Within a room they go out one after the other: the next leaves
//! when the one before has its place, which takes one round trip and no storage. So the order they
//! were written in is the order they are read in, whatever was refused or repeated on the way.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use hubbub_protocol::{ClientFrame, Draft, ErrorCode, MessageId, Position, RoomId};

/// Messages in the outbox at the most, those that have failed included.
pub const CAPACITY: usize = 1_000;

/// How long to wait for an ack before the first repetition. Doubles with each, up to eight times.
const REPEAT_AFTER: Duration = Duration::from_secs(10);
/// How long to wait after a refusal that names no time.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits to be sent, or for its place in the room.
    Sending,
    /// Everybody can see it, in this place; it is not stored yet.
    Placed(Position),
    /// Refused for good.
    Failed(ErrorCode),
}

/// What a person has to say, or to change of what was said. Each has an id of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saying {
    /// Something new.
    Message(Draft),
    /// Another text for a message of one's own.
    Edit {
        /// The message.
        message: MessageId,
        /// What it shall say.
        text: String,
    },
    /// A message is to be deleted.
    Deletion {
        /// The message.
        message: MessageId,
    },
    /// A reaction is to be put under a message, or taken away.
    Reaction {
        /// The message.
        message: MessageId,
        /// One emoji.
        emoji: String,
        /// Whether it is put there.
        on: bool,
    },
}

impl Saying {
    fn frame(&self, id: MessageId, room: RoomId) -> ClientFrame {
        match self.clone() {
            Self::Message(body) => ClientFrame::Send { id, room, body },
            Self::Edit { message, text } => {
                ClientFrame::Edit { id, room, message, body: Draft::text(text) }
            }
            Self::Deletion { message } => ClientFrame::Delete { id, room, message },
            Self::Reaction { message, emoji, on } => {
                ClientFrame::React { id, room, message, emoji, on }
            }
        }
    }
}

/// Something in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending<'a> {
    /// Its id.
    pub id: MessageId,
    /// Its room.
    pub room: RoomId,
    /// What is to be said.
    pub saying: &'a Saying,
    /// How far it has come.
    pub state: State,
}

#[derive(Debug)]
struct Entry {
    id: MessageId,
    room: RoomId,
    saying: Saying,
    state: State,
    /// When it goes out (again); `None`: as soon as possible.
    due: Option<Instant>,
    /// Whether this connection's gateway owes an answer.
    in_flight: bool,
    /// How often it went out on this connection.
    sent: u32,
}

impl Entry {
    const fn anew(&mut self) {
        (self.due, self.in_flight, self.sent) = (None, false, 0);
    }
}

/// The outbox, in the order in which its messages were written.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    entries: VecDeque<Entry>,
}

impl Outbox {
    pub(super) fn push(
        &mut self,
        id: MessageId,
        room: RoomId,
        saying: Saying,
    ) -> Result<(), ErrorCode> {
        if self.entries.len() >= CAPACITY {
            return Err(ErrorCode::Overloaded);
        }
        if self.contains(id) {
            return Err(ErrorCode::IdConflict);
        }
        let (state, due, in_flight, sent) = (State::Sending, None, false, 0);
        self.entries.push_back(Entry { id, room, saying, state, due, in_flight, sent });
        Ok(())
    }

    pub(super) fn contains(&self, id: MessageId) -> bool {
        self.entries.iter().any(|entry| entry.id == id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Pending<'_>> {
        let pending =
            |&Entry { id, room, ref saying, state, .. }| Pending { id, room, saying, state };
        self.entries.iter().map(pending)
    }

    /// The next message to go out now. At most `in_flight` wait for an answer at a time.
    pub(super) fn next_due(&mut self, now: Instant, in_flight: u32) -> Option<ClientFrame> {
        let unanswered = self.entries.iter().filter(|entry| entry.in_flight).count();
        let full = unanswered >= in_flight as usize;
        let mut held = HashSet::new();
        for entry in &mut self.entries {
            match entry.state {
                State::Failed(_) => continue,
                State::Sending if !held.insert(entry.room) => continue,
                State::Placed(_) if held.contains(&entry.room) => continue,
                State::Sending | State::Placed(_) => {}
            }
            if entry.due.is_some_and(|due| due > now) || (full && !entry.in_flight) {
                continue;
            }
            entry.due = Some(now + REPEAT_AFTER * (1 << entry.sent.min(3)));
            entry.sent += 1;
            entry.in_flight = true;
            return Some(entry.saying.frame(entry.id, entry.room));
        }
        None
    }

    /// When the next message goes out again. Those that are due at once wait for an answer to
    /// another message, not for the time.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let waits = |entry: &&Entry| !matches!(entry.state, State::Failed(_));
        self.entries.iter().filter(waits).filter_map(|entry| entry.due).min()
    }

    /// There is a new connection, whose gateway owes nothing yet.
    pub(super) fn reconnected(&mut self) {
        self.entries.iter_mut().for_each(Entry::anew);
    }

    /// The room was reset, so that places in it may be lost.
    pub(super) fn lost_places(&mut self, room: RoomId) {
        for entry in self.entries.iter_mut().filter(|entry| entry.room == room) {
            if let State::Placed(_) = entry.state {
                entry.state = State::Sending;
            }
            entry.anew();
        }
    }

    /// The message was seen in its place.
    pub(super) fn placed(&mut self, id: MessageId, position: Position) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            // One that had failed was not lost after all, and wants its ack now.
            if let State::Failed(_) = entry.state {
                entry.anew();
            }
            entry.state = State::Placed(position);
        }
    }

    /// The message is stored. Says whether it was waiting for that.
    pub(super) fn stored(&mut self, id: MessageId) -> bool {
        let found = self.entries.iter().position(|entry| entry.id == id);
        found.and_then(|index| self.entries.remove(index)).is_some()
    }

    /// The message was refused. Returns its room if that was for good.
    pub(super) fn refused(
        &mut self,
        id: MessageId,
        code: ErrorCode,
        retry_after_ms: Option<u64>,
        now: Instant,
    ) -> Option<RoomId> {
        let entry = self.entries.iter_mut().find(|entry| entry.id == id)?;
        if is_passing(code) || matches!(entry.state, State::Placed(_)) {
            let wait = retry_after_ms.map_or(RETRY_AFTER, Duration::from_millis);
            (entry.due, entry.in_flight) = (Some(now + wait), false);
            return None;
        }
        (entry.state, entry.in_flight) = (State::Failed(code), false);
        Some(entry.room)
    }

    pub(super) fn retry(&mut self, id: MessageId) -> bool {
        let failed = |entry: &&mut Entry| entry.id == id && matches!(entry.state, State::Failed(_));
        let found = self.entries.iter_mut().find(failed);
        found.is_some_and(|entry| {
            entry.state = State::Sending;
            entry.anew();
            true
        })
    }

    pub(super) fn discard(&mut self, id: MessageId) -> bool {
        let failed = |entry: &Entry| entry.id == id && matches!(entry.state, State::Failed(_));
        let found = self.entries.iter().position(failed);
        found.and_then(|index| self.entries.remove(index)).is_some()
    }
}

/// Whether the same frame may succeed later.
const fn is_passing(code: ErrorCode) -> bool {
    use ErrorCode::{Draining, Overloaded, RateLimited, Timeout, TokenExpired, Unavailable};
    matches!(code, RateLimited | Overloaded | Unavailable | Draining | Timeout | TokenExpired)
}

#[cfg(test)]
mod tests {
    use hubbub_protocol::{Epoch, Seq};

    use super::*;

    fn pushed(outbox: &mut Outbox, room: RoomId) -> MessageId {
        let id = MessageId::new();
        outbox.push(id, room, Saying::Message(Draft::text("x"))).unwrap();
        id
    }

    fn due(outbox: &mut Outbox, now: Instant) -> Vec<MessageId> {
        let mut ids = Vec::new();
        while let Some(ClientFrame::Send { id, .. }) = outbox.next_due(now, 64) {
            ids.push(id);
        }
        ids
    }

    fn place(seq: u64) -> Position {
        Position::new(Epoch(1), Seq(seq))
    }

    #[test]
    fn the_next_of_a_room_leaves_when_the_one_before_has_its_place() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        let (room, other) = (RoomId::new(), RoomId::new());
        let [a, b] = [(); 2].map(|()| pushed(&mut outbox, room));
        let c = pushed(&mut outbox, other);
        assert_eq!(due(&mut outbox, now), [a, c]);
        outbox.placed(a, place(1));
        assert_eq!(due(&mut outbox, now), [b]);
    }

    #[test]
    fn whatever_is_said_goes_out_as_its_frame_under_its_id() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        let message = MessageId::new();
        let sayings = [
            Saying::Edit { message, text: "x".to_owned() },
            Saying::Deletion { message },
            Saying::Reaction { message, emoji: "👍".to_owned(), on: true },
        ];
        for saying in sayings {
            let (id, room) = (MessageId::new(), RoomId::new());
            outbox.push(id, room, saying.clone()).unwrap();
            let frame = outbox.next_due(now, 64);
            assert_eq!(frame, Some(saying.frame(id, room)));
            assert!(outbox.stored(id));
        }
    }

    #[test]
    fn a_refused_message_holds_back_those_after_it_until_its_time() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        let room = RoomId::new();
        let [a, b] = [(); 2].map(|()| pushed(&mut outbox, room));
        assert_eq!(due(&mut outbox, now), [a]);
        assert_eq!(outbox.refused(a, ErrorCode::RateLimited, Some(300), now), None);
        assert!(due(&mut outbox, now + Duration::from_millis(299)).is_empty());
        assert_eq!(outbox.deadline(), Some(now + Duration::from_millis(300)));
        assert_eq!(due(&mut outbox, now + Duration::from_millis(300)), [a]);
        outbox.placed(a, place(1));
        assert_eq!(due(&mut outbox, now + Duration::from_millis(300)), [b]);
    }

    #[test]
    fn a_message_refused_for_good_lets_the_others_pass_and_can_be_retried() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        let room = RoomId::new();
        let [a, b] = [(); 2].map(|()| pushed(&mut outbox, room));
        assert_eq!(due(&mut outbox, now), [a]);
        assert_eq!(outbox.refused(a, ErrorCode::Forbidden, None, now), Some(room));
        assert_eq!(due(&mut outbox, now), [b]);
        assert!(outbox.stored(b));
        assert!(outbox.retry(a));
        assert_eq!(due(&mut outbox, now), [a]);
        assert!(!outbox.discard(a), "it has not failed any more");
    }

    #[test]
    fn an_unanswered_message_goes_out_again_ever_more_rarely() {
        let (mut outbox, start) = (Outbox::default(), Instant::now());
        let a = pushed(&mut outbox, RoomId::new());
        let mut now = start;
        for seconds in [10, 20, 40, 80, 80] {
            assert_eq!(due(&mut outbox, now), [a]);
            assert!(due(&mut outbox, now + Duration::from_millis(seconds * 1000 - 1)).is_empty());
            now += Duration::from_secs(seconds);
        }
    }

    #[test]
    fn a_placed_message_goes_out_again_after_a_reconnect_without_holding_others_back() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        let room = RoomId::new();
        let a = pushed(&mut outbox, room);
        assert_eq!(due(&mut outbox, now), [a]);
        outbox.placed(a, place(1));
        let b = pushed(&mut outbox, room);
        outbox.reconnected();
        assert_eq!(due(&mut outbox, now), [a, b]);
    }

    #[test]
    fn after_a_reset_places_count_no_more() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        let room = RoomId::new();
        let [a, b] = [(); 2].map(|()| pushed(&mut outbox, room));
        due(&mut outbox, now);
        outbox.placed(a, place(1));
        due(&mut outbox, now);
        outbox.placed(b, place(2));
        outbox.lost_places(room);
        assert_eq!(due(&mut outbox, now), [a]);
    }

    #[test]
    fn no_more_than_allowed_are_in_flight() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        for _ in 0..3 {
            pushed(&mut outbox, RoomId::new());
        }
        assert!(outbox.next_due(now, 2).is_some());
        assert!(outbox.next_due(now, 2).is_some());
        assert!(outbox.next_due(now, 2).is_none());
    }

    #[test]
    fn the_outbox_is_bounded() {
        let mut outbox = Outbox::default();
        for _ in 0..CAPACITY {
            pushed(&mut outbox, RoomId::new());
        }
        let saying = Saying::Message(Draft::text("x"));
        let one_more = outbox.push(MessageId::new(), RoomId::new(), saying);
        assert_eq!(one_more, Err(ErrorCode::Overloaded));
    }
}
