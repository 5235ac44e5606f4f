//! A receiver that writes down what it hears.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hubbub_bus::{Control, Receiver, StoredNotice};
use hubbub_protocol::{Position, RoomId, UserId};
use tokio::sync::watch;

/// Within what time anything expected must be heard.
const PATIENCE: Duration = Duration::from_secs(30);

/// One call of the receiver.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Word {
    Event(RoomId, Position, Bytes),
    Reset(RoomId, Position),
    Volatile(RoomId, String, Bytes),
    ForUsers(Vec<UserId>, String, Bytes),
    Control(Control),
    Stored(StoredNotice),
    Subscribed(RoomId),
    Gap(RoomId),
    ControlGap,
}

/// Everything a node heard, in order.
#[derive(Default)]
pub(crate) struct Heard {
    words: Mutex<Vec<Word>>,
    count: watch::Sender<usize>,
}

impl Heard {
    fn note(&self, words: impl IntoIterator<Item = Word>) {
        let mut heard = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        heard.extend(words);
        self.count.send_replace(heard.len());
    }

    pub(crate) fn words(&self) -> Vec<Word> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what was heard so far.
    pub(crate) fn clear(&self) {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn count_of(&self, word: &Word) -> usize {
        self.words().iter().filter(|heard| *heard == word).count()
    }

    /// The positions of a room's events, in the order heard.
    pub(crate) fn positions(&self, room: RoomId) -> Vec<Position> {
        let position = |word| match word {
            Word::Event(of, position, _) if of == room => Some(position),
            _ => None,
        };
        self.words().into_iter().filter_map(position).collect()
    }

    /// Waits until what was heard is as expected.
    pub(crate) async fn until(&self, what: &str, expected: impl Fn(&[Word]) -> bool) {
        let mut count = self.count.subscribe();
        let heard = async {
            while !expected(&self.words()) {
                count.changed().await.expect("the sender is ours");
            }
        };
        if tokio::time::timeout(PATIENCE, heard).await.is_err() {
            let words = self.words();
            panic!("not heard: {what}; heard {} words, last {:?}", words.len(), words.last());
        }
    }

    pub(crate) async fn until_word(&self, word: Word) {
        self.until(&format!("{word:?}"), |words| words.contains(&word)).await;
    }

    pub(crate) async fn until_subscribed(&self, rooms: &[RoomId]) {
        self.until("confirmations", |words| {
            rooms.iter().all(|room| words.contains(&Word::Subscribed(*room)))
        })
        .await;
    }
}

impl Receiver for Heard {
    fn event(&self, room: RoomId, position: Position, frame: Bytes) {
        self.note([Word::Event(room, position, frame)]);
    }

    fn reset(&self, room: RoomId, position: Position) {
        self.note([Word::Reset(room, position)]);
    }

    fn volatile(&self, room: RoomId, key: &str, frame: Bytes) {
        self.note([Word::Volatile(room, key.to_owned(), frame)]);
    }

    fn for_users(&self, users: &[UserId], key: &str, frame: Bytes) {
        self.note([Word::ForUsers(users.to_vec(), key.to_owned(), frame)]);
    }

    fn control(&self, control: Control) {
        self.note([Word::Control(control)]);
    }

    fn stored(&self, notices: Vec<StoredNotice>) {
        self.note(notices.into_iter().map(Word::Stored));
    }

    fn subscribed(&self, rooms: &[RoomId]) {
        self.note(rooms.iter().copied().map(Word::Subscribed));
    }

    fn gap(&self, rooms: &[RoomId]) {
        self.note(rooms.iter().copied().map(Word::Gap));
    }

    fn control_gap(&self) {
        self.note([Word::ControlGap]);
    }
}
