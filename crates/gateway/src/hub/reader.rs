//! What follows a position: from the hot log, else from the store, else a reset (P5).
//!
//! The same for a node that lost its subscription, a client that comes back and a client that read
//! too slowly. Identical reads that overlap in time share one query.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use hubbub_bus::Bus;
use hubbub_bus::log::LogRead;
use hubbub_protocol::{Message, Position, RoomId, Seq, ServerFrame};
use hubbub_store::Store;

use super::frame::{PlacedFrame, WireFrame};
use crate::committer::{CommitFailure, Committer};

/// Events read from the hot log at once.
const LOG_BATCH: usize = 128;
/// Changed messages that a state sync brings; more, and the client reloads the room.
const SYNC_MAX: usize = 1_000;
/// Text in one `sync` frame, roughly, in bytes.
const SYNC_FRAME_BYTES: usize = 128 * 1024;
/// Text in all frames of a state sync, roughly, in bytes; more, and the client reloads the room.
/// A connection's lane holds that much beyond its bound.
const SYNC_BYTES: usize = 512 * 1024;
/// What a message in a `sync`, or an attachment of it, takes beyond its text, roughly, in bytes.
const MESSAGE_OVERHEAD: usize = 200;
/// What each person who is named in it takes, in bytes.
const USER_ID_BYTES: usize = 39;

/// What follows a position.
#[derive(Debug, Clone)]
pub enum Continuation {
    /// Nothing: it is the head.
    Head(Position),
    /// These events, each starting where the one before ends.
    Events(Arc<[Arc<PlacedFrame>]>),
    /// A state sync instead of the events.
    Sync(Arc<[Arc<PlacedFrame>]>),
    /// Reload the room, and go on from here.
    Reset(Position),
    /// The log no longer has it, and the store does not have it all yet. Ask again.
    NotYet(Position),
}

/// Whose word a position is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Witness {
    /// This node's own: it handed the events out. If the bus knows less, the bus has lost them.
    Node,
    /// A client's. It proves nothing.
    Client,
}

type Flight = Shared<BoxFuture<'static, Result<Continuation, Arc<CommitFailure>>>>;
type FlightKey = (RoomId, Position, Witness);

/// Reads on from positions.
#[derive(Debug)]
pub struct Reader {
    source: Arc<Source>,
    flights: Mutex<HashMap<FlightKey, Flight>>,
}

#[derive(Debug)]
struct Source {
    bus: Arc<dyn Bus>,
    store: Arc<dyn Store>,
    committer: Arc<Committer>,
}

impl Reader {
    /// A reader over a bus and a store.
    #[must_use]
    pub fn new(bus: Arc<dyn Bus>, store: Arc<dyn Store>, committer: Arc<Committer>) -> Self {
        Self { source: Arc::new(Source { bus, store, committer }), flights: Mutex::default() }
    }

    /// What follows `position`.
    ///
    /// # Errors
    /// When Redis or MongoDB is away.
    pub async fn after(
        &self,
        room: RoomId,
        position: Position,
        witness: Witness,
    ) -> Result<Continuation, Arc<CommitFailure>> {
        let key = (room, position, witness);
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            flights
                .entry(key)
                .or_insert_with(|| {
                    let source = Arc::clone(&self.source);
                    async move { source.after(room, position, witness).await.map_err(Arc::new) }
                        .boxed()
                        .shared()
                })
                .clone()
        };
        // Whoever finishes first takes the flight off, so that a later read is a new one.
        let _landing = Landing { reader: self, key, flight: flight.clone() };
        flight.await
    }
}

/// Takes a flight off the board, also when its reader is cancelled or panics: nobody is to board
/// one that may never land.
struct Landing<'a> {
    reader: &'a Reader,
    key: FlightKey,
    flight: Flight,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let mut flights = self.reader.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if flights.get(&self.key).is_some_and(|held| held.ptr_eq(&self.flight)) {
            flights.remove(&self.key);
        }
    }
}

impl Source {
    async fn after(
        &self,
        room: RoomId,
        position: Position,
        witness: Witness,
    ) -> Result<Continuation, CommitFailure> {
        match self.bus.log_after(room, position, LOG_BATCH).await? {
            LogRead::Events { head, events } if events.is_empty() => Ok(Continuation::Head(head)),
            LogRead::Events { head, events } => Ok(Continuation::Events(
                events
                    .iter()
                    .map(|event| {
                        let at = Position::new(head.epoch, event.seq);
                        PlacedFrame::event(room, at, &event.frame)
                    })
                    .collect(),
            )),
            LogRead::Missed { head, oldest } => {
                let upto = Seq(oldest.0.saturating_sub(1));
                self.read_store(room, position, upto, head).await
            }
            LogRead::Foreign { head } => self.foreign(room, position, head, witness).await,
            LogRead::Unseeded => {
                let head = self.committer.head(room).await?;
                if head.epoch == position.epoch && position.seq < head.seq {
                    // Counters came back in the same epoch (a clean standalone restart), the log
                    // did not.
                    return self.read_store(room, position, head.seq, head).await;
                }
                Ok(if head == position {
                    Continuation::Head(head)
                } else {
                    Continuation::Reset(head)
                })
            }
        }
    }

    /// The events after `position` and up to `upto`, in their latest state. Told only when the
    /// store holds every one of them: their number proves it, since seqs are unique.
    async fn read_store(
        &self,
        room: RoomId,
        position: Position,
        upto: Seq,
        head: Position,
    ) -> Result<Continuation, CommitFailure> {
        let missing = upto.0.saturating_sub(position.seq.0);
        if self.store.count_events(room, position.seq, upto).await? != missing {
            return Ok(Continuation::NotYet(head));
        }
        let Some(messages) = self.store.changes(room, position.seq, upto, SYNC_MAX).await? else {
            return Ok(Continuation::Reset(head));
        };
        if messages.iter().map(weight).sum::<usize>() > SYNC_BYTES {
            return Ok(Continuation::Reset(head));
        }
        Ok(Continuation::Sync(sync_frames(room, position, upto, messages)))
    }

    async fn foreign(
        &self,
        room: RoomId,
        position: Position,
        head: Position,
        witness: Witness,
    ) -> Result<Continuation, CommitFailure> {
        if head.epoch > position.epoch {
            return Ok(Continuation::Reset(head));
        }
        // The bus knows less: it has lost events, or even the epoch, if the position is true.
        let seen = match witness {
            Witness::Node => position,
            // A client may claim anything; the store does not.
            Witness::Client => match self.store.stored_head(room).await? {
                Some(stored) => Position::new(stored.epoch.min(position.epoch), stored.seq),
                None => return Err(CommitFailure::NoSuchRoom),
            },
        };
        Ok(Continuation::Reset(self.committer.recover_if_behind(room, seen).await?))
    }
}

fn weight(message: &Message) -> usize {
    let named: usize = message.reactions.iter().map(|held| held.users.len()).sum();
    let listed = named + message.body.mentions.users.len();
    message.body.text.len()
        + listed * USER_ID_BYTES
        + message.body.attachments.len() * MESSAGE_OVERHEAD
        + MESSAGE_OVERHEAD
}

/// Splits changed messages into frames of bearable size. Only the last moves the position, so that
/// a client that got only some of them asks for all again.
fn sync_frames(
    room: RoomId,
    from: Position,
    upto: Seq,
    messages: Vec<Message>,
) -> Arc<[Arc<PlacedFrame>]> {
    let mut chunks = vec![Vec::new()];
    let mut bytes = 0;
    for message in messages {
        if bytes > SYNC_FRAME_BYTES {
            chunks.push(Vec::new());
            bytes = 0;
        }
        bytes += weight(&message);
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(message);
        }
    }
    let last = chunks.len() - 1;
    chunks
        .into_iter()
        .enumerate()
        .map(|(n, messages)| {
            let upto = if n == last { upto } else { from.seq };
            let frame = ServerFrame::Sync { room, epoch: from.epoch, upto, messages };
            Arc::new(PlacedFrame {
                room,
                after: Some(from),
                position: Position::new(from.epoch, upto),
                wire: WireFrame::from(&frame),
                taken_at: None,
            })
        })
        .collect()
}

impl From<Arc<CommitFailure>> for CommitFailure {
    fn from(shared: Arc<CommitFailure>) -> Self {
        match &*shared {
            Self::IdInFuture => Self::IdInFuture,
            Self::IdConflict => Self::IdConflict,
            Self::NoSuchRoom => Self::NoSuchRoom,
            Self::Overloaded { retry_after } => Self::Overloaded { retry_after: *retry_after },
            Self::Unavailable(why) => Self::Unavailable(why.clone()),
        }
    }
}
