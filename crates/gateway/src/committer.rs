//! From a new event to its place, whatever the bus has forgotten (P3, P4).
//!
//! The bus gives places and remembers ids for a while; the store knows for ever. Joined here, so
//! that a retry at any time on any node finds its first place, and a room whose counters were lost
//! continues in a new epoch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hubbub_bus::log::{ID_LEAD_MAX, needs_lookup};
use hubbub_bus::{Bus, BusError, Commit, CommitError, CommitRequest};
use hubbub_protocol::{
    ErrorCode, Event, MessageId, NewEvent, Position, RoomId, Seq, Timestamp, UserId,
};
use hubbub_runtime::telemetry::MESSAGES;
use hubbub_store::{Store, StoreError};
use hubbub_worker::epoch::{self, EpochError};
use metrics::counter;
use tracing::Instrument;

use crate::metric::{HOT, Metric};

/// How often one commit may find that the bus needs something first (counters, a look-up) before
/// the room is called unavailable. Two rounds are usual after lost data; more mean a race with it.
const ROUNDS: usize = 4;

/// What clients are told to wait when Redis or MongoDB is away.
pub const UNAVAILABLE_RETRY: Duration = Duration::from_secs(1);

/// An event has its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The place.
    pub position: Position,
    /// When the server took it; of the first try, if this was another.
    pub at: Timestamp,
    /// How it got there.
    pub standing: Standing,
}

/// How far a committed event is known to have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was published by this call; storage follows.
    Fresh,
    /// It was committed by an earlier call; whether it is stored is not known yet.
    Repeated,
    /// It was stored long ago.
    Stored,
}

/// Why an event has no place.
#[derive(Debug, thiserror::Error)]
pub enum CommitFailure {
    /// The id's time is more than a day ahead.
    #[error("message id from the future")]
    IdInFuture,
    /// The id belongs to somebody else's event in this room.
    #[error("message id taken")]
    IdConflict,
    /// There is no such room.
    #[error("no such room")]
    NoSuchRoom,
    /// Too much waits for storage.
    #[error("write-ahead log full")]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// Redis or MongoDB is away. The event may have been committed: the same id tells.
    #[error("unavailable: {0}")]
    Unavailable(String),
}

impl CommitFailure {
    /// The stable code clients get.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::IdInFuture => ErrorCode::IdInFuture,
            Self::IdConflict => ErrorCode::IdConflict,
            Self::NoSuchRoom => ErrorCode::RoomNotFound,
            Self::Overloaded { .. } => ErrorCode::Overloaded,
            Self::Unavailable(_) => ErrorCode::Unavailable,
        }
    }

    /// When the same event may succeed, where waiting helps.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded { retry_after } => Some(*retry_after),
            Self::Unavailable(_) => Some(UNAVAILABLE_RETRY),
            Self::IdInFuture | Self::IdConflict | Self::NoSuchRoom => None,
        }
    }

    /// Whether waiting helps.
    #[must_use]
    pub const fn passes(&self) -> bool {
        self.retry_after().is_some()
    }
}

impl From<BusError> for CommitFailure {
    fn from(error: BusError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<StoreError> for CommitFailure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchRoom => Self::NoSuchRoom,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<EpochError> for CommitFailure {
    fn from(error: EpochError) -> Self {
        match error {
            EpochError::Store(error) => error.into(),
            EpochError::Bus(error) => error.into(),
        }
    }
}

/// What to make of a room that the bus has no counters for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuity {
    /// The bus may have lost data: the room goes on in a new epoch.
    Lost,
    /// The bus started empty on purpose and the store holds everything that was ever committed
    /// (standalone, after a clean stop): the room goes on where it was.
    Kept,
}

/// The way of every event to its place.
#[derive(Debug)]
pub struct Committer {
    bus: Arc<dyn Bus>,
    store: Arc<dyn Store>,
    continuity: Continuity,
}

impl Committer {
    /// A committer over a bus and a store.
    #[must_use]
    pub fn new(bus: Arc<dyn Bus>, store: Arc<dyn Store>, continuity: Continuity) -> Self {
        Self { bus, store, continuity }
    }

    /// Gives an event its place, or finds the one it has.
    ///
    /// # Errors
    /// [`CommitFailure`]; whatever it says, the same event can be tried again.
    pub async fn commit(&self, event: &NewEvent) -> Result<Committed, CommitFailure> {
        let begun = Instant::now();
        let (room, message_id) = (event.room, event.id);
        let span = tracing::debug_span!(target: MESSAGES, "commit", %room, %message_id);
        let committed = self.place(event).instrument(span).await;
        HOT.commit.record(begun.elapsed());
        committed
    }

    async fn place(&self, event: &NewEvent) -> Result<Committed, CommitFailure> {
        let now = Timestamp::now();
        let made_at = event.id.made_at();
        if made_at.is_some_and(|made_at| made_at > now.after(ID_LEAD_MAX)) {
            return Err(CommitFailure::IdInFuture);
        }
        let mut checked = false;
        if needs_lookup(made_at, now) {
            if let Some(found) = self.look_up(event).await? {
                return Ok(found);
            }
            checked = true;
        }
        for _ in 0..ROUNDS {
            match self.bus.commit(CommitRequest { event, checked }).await {
                Ok(Commit::New(position)) => {
                    return Ok(Committed { position, at: event.at, standing: Standing::Fresh });
                }
                Ok(Commit::Seen { position, sender, at }) => {
                    let standing = Standing::Repeated;
                    return own(event, sender, Committed { position, at, standing });
                }
                Err(CommitError::Unseeded) => {
                    self.seed(event.room).await?;
                }
                Err(CommitError::LookupFirst) => {
                    if let Some(found) = self.look_up(event).await? {
                        return Ok(found);
                    }
                    checked = true;
                }
                Err(CommitError::Overloaded { retry_after }) => {
                    return Err(CommitFailure::Overloaded { retry_after });
                }
                Err(CommitError::Bus(error)) => return Err(error.into()),
            }
        }
        Err(CommitFailure::Unavailable("the room's counters keep vanishing".into()))
    }

    /// The place that an id of this author has, if it has one. For what can't be committed (any
    /// more): a retry of what was is answered all the same.
    ///
    /// # Errors
    /// When Redis or MongoDB is away.
    pub async fn committed(
        &self,
        room: RoomId,
        id: MessageId,
        sender: UserId,
    ) -> Result<Option<Committed>, CommitFailure> {
        if let Some(found) = self.bus.find(room, id).await?
            && let Ok(event) = Event::parse(&found.frame)
        {
            let (position, at, standing) = (event.position(), event.at(), Standing::Repeated);
            let found = Committed { position, at, standing };
            return Ok((event.sender() == sender).then_some(found));
        }
        let place = self.store.places(&[(room, id)]).await?.into_iter().next().flatten();
        Ok(place.filter(|place| place.sender == sender).map(|place| Committed {
            position: place.position,
            at: place.at,
            standing: Standing::Stored,
        }))
    }

    /// Where an event is stored, if it is.
    async fn look_up(&self, event: &NewEvent) -> Result<Option<Committed>, CommitFailure> {
        let places = self.store.places(&[(event.room, event.id)]).await?;
        let Some(place) = places.into_iter().next().flatten() else { return Ok(None) };
        let found =
            Committed { position: place.position, at: place.at, standing: Standing::Stored };
        own(event, place.sender, found).map(Some)
    }

    /// Where a room stands, giving it counters if it has none.
    ///
    /// # Errors
    /// [`CommitFailure::NoSuchRoom`] and [`CommitFailure::Unavailable`].
    pub async fn head(&self, room: RoomId) -> Result<Position, CommitFailure> {
        match self.bus.heads(&[room]).await?.into_iter().next().flatten() {
            Some(head) => Ok(head),
            None => self.seed(room).await,
        }
    }

    /// Where rooms stand, in the order asked. A room without counters is given some.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Position>, CommitFailure> {
        let known = self.bus.heads(rooms).await?;
        let mut heads = Vec::with_capacity(rooms.len());
        for (room, head) in rooms.iter().zip(known) {
            heads.push(match head {
                Some(head) => head,
                None => self.seed(*room).await?,
            });
        }
        Ok(heads)
    }

    /// Gives a room without counters new ones.
    async fn seed(&self, room: RoomId) -> Result<Position, CommitFailure> {
        let stored = self.store.stored_head(room).await?.ok_or(CommitFailure::NoSuchRoom)?;
        if self.continuity == Continuity::Kept {
            // Its ids are in the store only: retries of the last minutes have to be looked up.
            return Ok(self.bus.seed(room, stored, stored.seq > Seq(0)).await?);
        }
        // Somebody else may have seeded while we read; opening yet another epoch would be waste.
        if let Some(head) = self.bus.heads(&[room]).await?.into_iter().next().flatten() {
            return Ok(head);
        }
        tracing::warn!(%room, epoch = %stored.epoch, "the bus has no counters for a room; opening a new epoch");
        self.open_next(room, stored).await
    }

    /// Tells a room that its counters on the bus are behind what was seen: if the bus still has the
    /// epoch of `seen` with a smaller seq, or an earlier epoch, or no counters at all, a new epoch
    /// begins.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub async fn recover_if_behind(
        &self,
        room: RoomId,
        seen: Position,
    ) -> Result<Position, CommitFailure> {
        let head = self.head(room).await?;
        if head >= seen {
            return Ok(head);
        }
        tracing::warn!(%room, %head, %seen, "the bus has lost events of a room; opening a new epoch");
        self.open_next(room, seen).await
    }

    /// Takes a room of which the bus has lost data to a new epoch.
    async fn open_next(&self, room: RoomId, lost: Position) -> Result<Position, CommitFailure> {
        let opened = epoch::open_next(&*self.bus, &*self.store, room, lost).await?;
        // A room in which nothing has happened yet may never have had counters.
        if lost.seq > Seq(0) {
            counter!(Metric::EpochsOpened.name()).increment(1);
        }
        Ok(opened)
    }
}

/// An id that names somebody else's event is not a retry.
fn own(event: &NewEvent, sender: UserId, found: Committed) -> Result<Committed, CommitFailure> {
    if sender == event.sender { Ok(found) } else { Err(CommitFailure::IdConflict) }
}
