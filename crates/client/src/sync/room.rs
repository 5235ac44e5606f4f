//! One room's position and messages.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use hubbub_protocol::http::History;
use hubbub_protocol::{ClientFrame, Event, Message, MessageId, Position, RoomId, Seq};

/// Messages kept in a room at the most. The oldest go first; history has them.
pub const WINDOW: usize = 2_000;

/// Edits, deletions and reactions that are kept to be applied once more, to a page of history that
/// was on its way when they came.
const CHANGES: usize = 512;

/// How long after a head was told by a heartbeat its events may still be on their way.
pub(super) const HEAD_GRACE: Duration = Duration::from_secs(2);
/// How long a gateway may take to bring a room from its resume point to its head.
pub(super) const RESUME_GRACE: Duration = Duration::from_secs(10);
/// How long an answer that did not help is left as it is before the same is asked for again.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What an event's position means for a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is the one that follows. The room has moved to it.
    Next,
    /// The room is past it.
    Known,
    /// Something before it is missing.
    Gap,
}

/// A room as far as it is known here.
#[derive(Debug, Clone)]
pub struct Room {
    /// Every event up to here is known, from where the room started or was reset.
    position: Position,
    /// Where the room started or was reset. What is after it came without a gap; what is before it
    /// came with a page of history.
    base: Seq,
    /// In order. Seqs grow over epochs, so they order messages of different epochs too.
    messages: BTreeMap<Seq, Message>,
    /// The seq each message is at.
    places: HashMap<MessageId, Seq>,
    /// The newest changes of messages, known here or not.
    changes: VecDeque<Event>,
    /// Changes up to here may be missing among them.
    changes_since: Seq,
    /// Whether a late sync told of messages that were left as they are.
    passed_over: bool,
    /// Whether the room was subscribed anew, and by when an answer is expected.
    refilling: Option<Instant>,
    /// From where what is missing was asked for last, and when.
    asked: Option<(Position, Instant)>,
    /// A head whose events are expected, and until when.
    expected: Option<(Position, Instant)>,
    /// Whether the messages are to be replaced by a page of history.
    reloading: bool,
}

impl Room {
    /// A room that is heard from `position` on.
    pub(super) fn at(position: Position) -> Self {
        Self {
            position,
            base: position.seq,
            messages: BTreeMap::new(),
            places: HashMap::new(),
            changes: VecDeque::new(),
            changes_since: position.seq,
            passed_over: false,
            refilling: None,
            asked: None,
            expected: None,
            reloading: false,
        }
    }

    /// How far the room is known.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Its messages in order, each once: the newest [`WINDOW`] at the most.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.values()
    }

    /// Whether its messages are about to be replaced, after a reset.
    #[must_use]
    pub const fn is_reloading(&self) -> bool {
        self.reloading
    }

    /// Moves to an event's position, if it is the one that follows.
    pub(super) fn advance(&mut self, to: Position) -> Step {
        if to <= self.position {
            return Step::Known;
        }
        if to != Position::new(self.position.epoch, self.position.seq.next()) {
            return Step::Gap;
        }
        self.position = to;
        Step::Next
    }

    /// Takes in an edit, a deletion or a reaction. Returns the message if that changed it.
    pub(super) fn change(&mut self, change: Event) -> Option<Message> {
        let place = change.target().and_then(|target| self.places.get(&target));
        let message = place.and_then(|seq| self.messages.get_mut(seq));
        let changed = message.and_then(|message| message.apply(&change).then(|| message.clone()));
        self.changes.push_back(change);
        if self.changes.len() > CHANGES
            && let Some(oldest) = self.changes.pop_front()
        {
            self.changes_since = oldest.seq();
        }
        changed
    }

    /// Takes in a state sync and moves to where it leads, if that is ahead. Returns the messages
    /// that are new or have changed; `None` if it can't be trusted to have brought them all.
    ///
    /// One that leads to before the position is late (it came over the older of two connections), or
    /// is the beginning of one in several frames that started further back. What is known here is
    /// left as it is then, since it may be newer; so the end of such a sync proves nothing.
    pub(super) fn sync(&mut self, messages: Vec<Message>, upto: Position) -> Option<Vec<Message>> {
        let late = upto < self.position;
        if upto > self.position {
            if std::mem::take(&mut self.passed_over) {
                return None;
            }
            // What led here was not told one by one.
            self.changes_since = upto.seq;
        }
        let mut changed = Vec::new();
        for mut message in messages {
            if late && self.places.contains_key(&message.id) {
                self.passed_over = true;
                continue;
            }
            self.bring_up(&mut message, upto.seq);
            if self.insert(message.clone()) {
                changed.push(message);
            }
        }
        self.position = self.position.max(upto);
        self.refilling = None;
        Some(changed)
    }

    /// Applies what came after `seq` to a message as it was then.
    fn bring_up(&self, message: &mut Message, seq: Seq) {
        for change in self.changes.iter().filter(|change| change.seq() > seq) {
            message.apply(change);
        }
    }

    /// Goes on from `position`; the messages wait to be replaced.
    pub(super) fn reset(&mut self, position: Position) {
        (self.position, self.base) = (position, position.seq);
        (self.refilling, self.expected, self.reloading) = (None, None, true);
        self.changes.clear();
        (self.changes_since, self.passed_over) = (position.seq, false);
    }

    /// Puts a message in its place. Says whether that changed anything.
    pub(super) fn insert(&mut self, message: Message) -> bool {
        let (id, here) = (message.id, Position::new(message.epoch, message.seq));
        if self.messages.get(&here.seq) == Some(&message) {
            return false;
        }
        if let Some(there) = self.places.get(&id).and_then(|seq| self.messages.get(seq)) {
            let there = Position::new(there.epoch, there.seq);
            // A second copy: of one epoch the first counts, which is what the store decides as
            // well; otherwise the later epoch, since the earlier one has lost it.
            let stays = if there.epoch == here.epoch {
                there.seq < here.seq
            } else {
                there.epoch > here.epoch
            };
            if stays {
                return false;
            }
            self.messages.remove(&there.seq);
        }
        if let Some(replaced) = self.messages.insert(here.seq, message) {
            self.places.remove(&replaced.id);
        }
        self.places.insert(id, here.seq);
        while self.messages.len() > WINDOW {
            if let Some((_, oldest)) = self.messages.pop_first() {
                self.places.remove(&oldest.id);
            }
        }
        self.places.contains_key(&id)
    }

    /// Joins the newest page of history with what was heard since the room started or was reset,
    /// and drops the rest. Says no to a page from before that, or from so long ago that what has
    /// changed since is not known any more.
    pub(super) fn load(&mut self, page: History) -> bool {
        if page.epoch != self.position.epoch || page.seq < self.base.max(self.changes_since) {
            return false;
        }
        let base = Position::new(self.position.epoch, self.base);
        self.messages.retain(|_, message| Position::new(message.epoch, message.seq) > base);
        self.places = self.messages.iter().map(|(&seq, message)| (message.id, seq)).collect();
        for mut message in page.messages {
            self.bring_up(&mut message, page.seq);
            self.insert(message);
        }
        self.reloading = false;
        true
    }

    /// The frame that makes the gateway send everything after the position.
    pub(super) fn refill(&mut self, room: RoomId, now: Instant) -> ClientFrame {
        self.refilling = Some(now + RESUME_GRACE);
        self.asked = Some((self.position, now));
        self.expected = None;
        let Position { epoch, seq } = self.position;
        ClientFrame::Subscribe { room, epoch: Some(epoch), seq: Some(seq) }
    }

    /// Something before `to` is missing. Says whether to ask for it now. If an answer is on its way,
    /// it may bring it; if one has just come and did not bring it, the next would not either, and
    /// the room is due a little later.
    pub(super) fn misses(&mut self, to: Position, now: Instant) -> bool {
        if self.refilling.is_some() {
            return false;
        }
        let again = match self.asked {
            Some((from, at)) if from == self.position => at + ASK_AGAIN,
            _ => now,
        };
        if again <= now {
            return true;
        }
        let (head, then) = self.expected.unwrap_or((to, again));
        self.expected = Some((head.max(to), then.min(again)));
        false
    }

    /// The gateway has answered: a gap from here on is a new one.
    pub(super) const fn answered(&mut self) {
        self.refilling = None;
    }

    /// There is a new connection, where nothing was asked for yet.
    pub(super) const fn reconnected(&mut self) {
        (self.refilling, self.asked) = (None, None);
    }

    /// Expects the events up to `head` by then.
    pub(super) fn expect_by(&mut self, head: Position, then: Instant) {
        if self.position < head && self.expected.is_none() {
            self.expected = Some((head, then));
        }
    }

    /// Whether something expected has not come in time.
    pub(super) fn is_overdue(&mut self, now: Instant) -> bool {
        if self.expected.is_some_and(|(head, _)| head <= self.position) {
            self.expected = None;
        }
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match (self.refilling, self.expected) {
            (Some(answered), _) => Some(answered),
            (None, Some((head, then))) => (self.position < head).then_some(then),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use hubbub_protocol::{Epoch, MessageBody, Timestamp, UserId};

    use super::*;

    fn at(epoch: u64, seq: u64) -> Position {
        Position::new(Epoch(epoch), Seq(seq))
    }

    fn message(id: MessageId, place: Position) -> Message {
        Message {
            room: RoomId::Direct([0; 32]),
            epoch: place.epoch,
            seq: place.seq,
            id,
            sender: UserId::from_uuid(*id.as_uuid()),
            at: Timestamp::default(),
            body: MessageBody::text("x"),
            edited_at: None,
            deleted_at: None,
            reactions: Vec::new(),
        }
    }

    fn seqs(room: &Room) -> Vec<u64> {
        room.messages().map(|message| message.seq.0).collect()
    }

    #[test]
    fn only_the_next_event_moves_the_position() {
        let mut room = Room::at(at(1, 4));
        assert_eq!(room.advance(at(1, 4)), Step::Known);
        assert_eq!(room.advance(at(1, 6)), Step::Gap);
        assert_eq!(room.advance(at(2, 5)), Step::Gap);
        assert_eq!(room.advance(at(1, 5)), Step::Next);
        assert_eq!(room.position(), at(1, 5));
    }

    #[test]
    fn of_two_copies_in_an_epoch_the_first_stays_and_over_epochs_the_last() {
        let id = MessageId::new();
        let mut room = Room::at(at(1, 0));
        assert!(room.insert(message(id, at(1, 3))));
        assert!(!room.insert(message(id, at(1, 5))));
        assert_eq!(seqs(&room), [3]);
        assert!(room.insert(message(id, at(2, 9))));
        assert!(!room.insert(message(id, at(1, 3))));
        assert_eq!(seqs(&room), [9]);
    }

    #[test]
    fn the_window_keeps_the_newest() {
        let mut room = Room::at(at(1, 0));
        for seq in 1..=(WINDOW as u64 + 10) {
            room.insert(message(MessageId::new(), at(1, seq)));
        }
        assert_eq!(room.messages().count(), WINDOW);
        assert_eq!(room.places.len(), WINDOW);
        assert_eq!(seqs(&room)[0], 11);
        assert!(!room.insert(message(MessageId::new(), at(1, 2))), "it would be the oldest");
    }

    #[test]
    fn a_late_sync_takes_nothing_back_and_its_end_is_asked_for_again() {
        let mut room = Room::at(at(1, 4));
        let said = message(MessageId::new(), at(1, 3));
        let edited = Message { body: MessageBody::text("y"), ..said.clone() };
        assert_eq!(room.sync(vec![edited.clone()], at(1, 9)), Some(vec![edited.clone()]));
        assert_eq!(room.sync(vec![said.clone()], at(1, 7)), Some(Vec::new()));
        assert_eq!(room.messages().collect::<Vec<_>>(), [&edited]);
        assert_eq!(room.sync(Vec::new(), at(1, 12)), None);
        assert_eq!(room.position(), at(1, 9));
        assert_eq!(room.sync(vec![said.clone()], at(1, 12)), Some(vec![said]));
    }

    #[test]
    fn what_changed_while_a_page_was_on_its_way_is_applied_to_it() {
        let mut room = Room::at(at(1, 7));
        let said = message(MessageId::new(), at(1, 3));
        let deleted = Event::Deleted(hubbub_protocol::Deleted {
            room: said.room,
            epoch: Epoch(1),
            seq: Seq(8),
            id: MessageId::new(),
            sender: said.sender,
            at: Timestamp::default(),
            message: said.id,
        });
        assert_eq!(room.advance(at(1, 8)), Step::Next);
        assert_eq!(room.change(deleted), None, "it is not known here");
        let (epoch, seq, messages) = (Epoch(1), Seq(7), vec![said]);
        assert!(room.load(History { epoch, seq, messages, before: None, after: None }));
        assert!(room.messages().all(|message| message.deleted_at.is_some()));
    }

    #[test]
    fn a_page_from_before_the_reset_is_refused() {
        let mut room = Room::at(at(1, 7));
        room.reset(at(2, 20));
        let page = |epoch, seq| History {
            epoch: Epoch(epoch),
            seq: Seq(seq),
            messages: Vec::new(),
            before: None,
            after: None,
        };
        assert!(!room.load(page(1, 20)));
        assert!(!room.load(page(2, 19)));
        assert!(room.is_reloading());
        assert!(room.load(page(2, 21)));
        assert!(!room.is_reloading());
    }
}
