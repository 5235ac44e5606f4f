//! What of a room is not known to be stored yet, and messages as they are with it.
//!
//! Members are told of a message, an edit, a deletion or a reaction before it is stored (P2), so
//! whoever reads the store alone may know less than the screen in front of them. What is not stored
//! is in the room's hot log. It is read first and the store afterwards: what the log then no longer
//! names has been stored in between, and nothing is missed.

use std::collections::BTreeMap;
use std::time::Duration;

use hubbub_bus::LogRead;
use hubbub_protocol::{Event, Message, MessageId, Position, RoomId, Seq};

use crate::app::App;
use crate::committer::CommitFailure;

/// Events read from the hot log at a time, and how often at most.
const LOG_CHUNK: usize = 128;
const LOG_READS: usize = 16;

/// How long to wait for the store's word on a message that the hot log has as it was sent.
const PATIENCE: Duration = Duration::from_millis(500);

/// What of a room is not known to be stored.
#[derive(Debug)]
pub struct Unstored {
    /// The room's last event. With what is here, the store knows everything up to it.
    pub head: Position,
    events: BTreeMap<Seq, Event>,
}

impl Unstored {
    /// Reads it.
    ///
    /// # Errors
    /// When the bus is away, or the room has no counters and the store is away.
    pub async fn of(app: &App, room: RoomId) -> Result<Self, CommitFailure> {
        let Some(progress) = app.bus.progress(room).await? else {
            let head = app.committer.head(room).await?;
            return Ok(Self { head, events: BTreeMap::new() });
        };
        let mut unstored = Self { head: progress.head, events: BTreeMap::new() };
        let mut at = Position::new(progress.head.epoch, progress.stored);
        for _ in 0..LOG_READS {
            if at.seq >= progress.head.seq {
                break;
            }
            match app.bus.log_after(room, at, LOG_CHUNK).await? {
                LogRead::Events { events, .. } if !events.is_empty() => {
                    for event in events {
                        at.seq = event.seq;
                        unstored.add(read(&event.frame)?);
                    }
                }
                // What the log no longer has is stored.
                LogRead::Missed { oldest, .. } => at.seq = Seq(oldest.0.saturating_sub(1)),
                LogRead::Events { .. } | LogRead::Foreign { .. } | LogRead::Unseeded => break,
            }
        }
        Ok(unstored)
    }

    /// Adds an event that was read otherwise.
    pub fn add(&mut self, event: Event) {
        if event.target().is_some() || matches!(event, Event::Message(_)) {
            self.events.insert(event.seq(), event);
        }
    }

    /// A message among them, as it was sent.
    fn message(&self, id: MessageId) -> Option<Message> {
        self.events.values().find_map(|event| match event {
            Event::Message(message) if message.id == id => Some(message.clone()),
            _ => None,
        })
    }

    /// Whether a message was deleted.
    pub fn deletes(&self, id: MessageId) -> bool {
        let deletes =
            |event: &Event| matches!(event, Event::Deleted(deleted) if deleted.message == id);
        self.events.values().any(deletes)
    }

    /// Lets the changes take effect on a message, in their order.
    pub fn apply_to(&self, message: &mut Message) {
        for event in self.events.values() {
            message.apply(event);
        }
    }
}

/// Reads an event of a room's hot log.
fn read(frame: &[u8]) -> Result<Event, CommitFailure> {
    Event::parse(frame).map_err(|_| {
        tracing::error!("an event of the hot log can't be read");
        CommitFailure::Unavailable("an event of the hot log can't be read".to_owned())
    })
}

/// A message of a room as it is now, deleted ones included; `None` if the id names none.
///
/// While the store is away, what the hot log has is enough to go on.
///
/// # Errors
/// When the bus is away, or the store is and the hot log does not have the message.
pub async fn message(
    app: &App,
    room: RoomId,
    id: MessageId,
) -> Result<Option<Message>, CommitFailure> {
    let unstored = Unstored::of(app, room).await?;
    let found = match unstored.message(id) {
        Some(message) => Some(message),
        None => stored(app, room, id).await?,
    };
    Ok(found.map(|mut message| {
        unstored.apply_to(&mut message);
        message
    }))
}

async fn stored(app: &App, room: RoomId, id: MessageId) -> Result<Option<Message>, CommitFailure> {
    let ids = [id];
    let stored = app.store.messages(room, &ids);
    let hot = match app.bus.find(room, id).await? {
        Some(event) => read(&event.frame)?,
        None => return Ok(stored.await?.pop()),
    };
    // An id that was committed as something else names no message.
    let Event::Message(sent) = hot else { return Ok(None) };
    match tokio::time::timeout(PATIENCE, stored).await {
        Ok(Ok(mut found)) => Ok(Some(found.pop().unwrap_or(sent))),
        Ok(Err(_)) | Err(_) => Ok(Some(sent)),
    }
}
