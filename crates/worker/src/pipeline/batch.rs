//! What becomes of the entries of one batch.

use std::collections::{HashMap, HashSet};

use hubbub_bus::WalEntry;
use hubbub_bus::wal::{Settled, StoredNotice};
use hubbub_protocol::{Event, Position, RoomId, Timestamp};
use hubbub_runtime::telemetry::MESSAGES;
use hubbub_store::{Appended, StoreError, StoredPlace};
use metrics::counter;

use super::partition::Partition;
use super::retry::{Retry, Step, Stopped};
use crate::away::Away;
use crate::epoch::{self, EpochError};
use crate::metric::Metric;

/// An entry with the event in it.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) entry: WalEntry,
    pub(super) event: Event,
}

/// What is to be done about an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The store has the event at its own place.
    Stored,
    /// The store has the event at another place.
    Elsewhere(Position, Timestamp),
    /// The event's place is another's, or was never filled before the room went on without it.
    Lost,
    /// The store can't take the event, now or ever.
    Refused(String),
    /// The store failed over this event alone.
    Suspect(String),
}

impl Verdict {
    /// What the store's answer about `event` asks for.
    pub(super) fn of(event: &Event, appended: Appended) -> Self {
        let (outcome, verdict) = match appended {
            Appended::Stored => ("stored", Self::Stored),
            Appended::Already => ("already", Self::Stored),
            Appended::Double(place) => ("double", Self::found(event, place)),
            Appended::Fork => ("fork", Self::Lost),
            Appended::Refused(reason) => ("refused", Self::Refused(reason)),
        };
        counter!(Metric::Events.name(), "outcome" => outcome).increment(1);
        verdict
    }

    /// What it means that the event's id is stored at `place`.
    pub(super) fn found(event: &Event, place: StoredPlace) -> Self {
        if place.sender != event.sender() {
            // To call it stored would tell one author that another's event is theirs.
            Self::Refused("the id belongs to another author's event".into())
        } else if place.position == event.position() {
            Self::Stored
        } else {
            Self::Elsewhere(place.position, place.at)
        }
    }
}

impl Partition {
    /// Does with every entry what must be done with it. Entries that can't be dealt with now are
    /// left on the log and come back as a claim.
    pub(super) async fn store(&self, entries: Vec<WalEntry>) -> Result<(), Stopped> {
        if !entries.is_empty() {
            self.shared.progress.begin(self.number);
            let batch = self.parse(entries).await?;
            let heads = self.heads(batch.iter().map(|pending| pending.event.room())).await?;
            let batch = self.discard_of_destroyed(batch, &heads).await?;
            let (mut misplaced, fresh): (Vec<_>, Vec<_>) = batch
                .into_iter()
                .partition(|pending| has_moved_on(&heads, &pending.event).is_some());
            let (forked, mut verdicts): (Vec<_>, Vec<_>) = self
                .append(fresh)
                .await?
                .into_iter()
                .partition(|(_, verdict)| *verdict == Verdict::Lost);
            misplaced.extend(forked.into_iter().map(|(pending, _)| pending));
            verdicts.extend(self.look_up(misplaced).await?);
            self.reset_rooms_that_moved_on(&verdicts).await?;
            self.carry_out(verdicts).await?;
        }
        self.shared.progress.done(self.number);
        Ok(())
    }

    /// Entries whose frame is not an event are set aside at once: no retry makes them one.
    async fn parse(&self, entries: Vec<WalEntry>) -> Result<Vec<Pending>, Stopped> {
        let mut batch = Vec::with_capacity(entries.len());
        for entry in entries {
            match Event::parse(&entry.frame) {
                Ok(event) => batch.push(Pending { entry, event }),
                // The parser's own words may quote the frame; its place in the frame does not.
                Err(error) => {
                    let reason = format!("not an event (column {})", error.column());
                    self.bury(&entry, &reason).await?;
                }
            }
        }
        Ok(batch)
    }

    /// Takes the events of destroyed rooms off the log without storing them. Only rooms without
    /// counters are asked about: a room that is destroyed loses them, and hardly any other does.
    async fn discard_of_destroyed(
        &self,
        batch: Vec<Pending>,
        heads: &HashMap<RoomId, Position>,
    ) -> Result<Vec<Pending>, Stopped> {
        let uncounted: HashSet<RoomId> = batch
            .iter()
            .map(|pending| pending.event.room())
            .filter(|room| !heads.contains_key(room))
            .collect();
        if uncounted.is_empty() {
            return Ok(batch);
        }
        let uncounted: Vec<_> = uncounted.into_iter().collect();
        let mut retry = Retry::new(self, Step::LookUp);
        let destroyed: HashSet<RoomId> = loop {
            match self.shared.store.destroyed_among(&uncounted).await {
                Ok(destroyed) => break destroyed.into_iter().collect(),
                Err(error) => retry.pause(&error).await?,
            }
        };
        let (gone, rest): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|pending| destroyed.contains(&pending.event.room()));
        counter!(Metric::Events.name(), "outcome" => "discarded").increment(gone.len() as u64);
        let gone: Vec<_> = gone.into_iter().map(Pending::discarded).collect();
        self.settle(&gone).await?;
        Ok(rest)
    }

    /// Where rooms stand on the bus; those without counters are left out.
    async fn heads(
        &self,
        rooms: impl Iterator<Item = RoomId>,
    ) -> Result<HashMap<RoomId, Position>, Stopped> {
        let rooms: Vec<RoomId> = rooms.collect::<HashSet<_>>().into_iter().collect();
        if rooms.is_empty() {
            return Ok(HashMap::new());
        }
        let mut retry = Retry::new(self, Step::Heads);
        loop {
            match self.shared.log.heads(&rooms).await {
                Ok(heads) => {
                    let known = rooms.into_iter().zip(heads);
                    return Ok(known.filter_map(|(room, head)| Some((room, head?))).collect());
                }
                Err(error) => retry.pause(&error).await?,
            }
        }
    }

    /// Finds out which events without a place of their own the store has elsewhere. A copy may have
    /// been stored by now: of an earlier relocation, or of the sender's own retry.
    async fn look_up(&self, misplaced: Vec<Pending>) -> Result<Vec<(Pending, Verdict)>, Stopped> {
        if misplaced.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> =
            misplaced.iter().map(|pending| (pending.event.room(), pending.event.id())).collect();
        let mut retry = Retry::new(self, Step::LookUp);
        let places = loop {
            match self.shared.store.places(&ids).await {
                Ok(places) => break places,
                Err(error) => retry.pause(&error).await?,
            }
        };
        Ok(misplaced
            .into_iter()
            .zip(places)
            .map(|(pending, place)| {
                let verdict =
                    place.map_or(Verdict::Lost, |place| Verdict::found(&pending.event, place));
                (pending, verdict)
            })
            .collect())
    }

    /// Makes members reload rooms that went on in a new epoch while this batch was being stored.
    ///
    /// A member may have reloaded the room just before its event reached the store, and would never
    /// see it: the event's place is behind them. Reading the heads only after the events are stored
    /// leaves no such moment: either the room's reset comes after storage, or it is seen here and
    /// another follows. Not settled before that, so that a crash repeats it.
    async fn reset_rooms_that_moved_on(
        &self,
        verdicts: &[(Pending, Verdict)],
    ) -> Result<(), Stopped> {
        let stored = || {
            let stored = verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Stored);
            stored.map(|(pending, _)| &pending.event)
        };
        let heads = self.heads(stored().map(Event::room)).await?;
        let passed: HashMap<RoomId, Position> = stored()
            .filter_map(|event| Some((event.room(), has_moved_on(&heads, event)?)))
            .collect();
        for (room, head) in passed {
            let mut retry = Retry::new(self, Step::Reset);
            loop {
                match epoch::open_next(&*self.shared.log, &*self.shared.store, room, head).await {
                    Ok(_) | Err(EpochError::Store(StoreError::NoSuchRoom)) => break,
                    Err(error) => retry.pause(&error).await?,
                }
            }
        }
        Ok(())
    }

    async fn carry_out(&self, verdicts: Vec<(Pending, Verdict)>) -> Result<(), Stopped> {
        let mut settled = Vec::with_capacity(verdicts.len());
        let mut heeded = Vec::new();
        let mut lost = Vec::new();
        let mut refused = Vec::new();
        for (pending, verdict) in verdicts {
            match verdict {
                Verdict::Stored if self.shared.away.is_some() && Away::concerns(&pending.event) => {
                    heeded.push(pending);
                }
                Verdict::Stored => settled.push(pending.settled_here()),
                Verdict::Elsewhere(position, at) => settled.push(pending.settled(position, at)),
                Verdict::Lost => lost.push(pending),
                Verdict::Refused(reason) => refused.push((pending.entry, reason)),
                Verdict::Suspect(reason) => {
                    counter!(Metric::Events.name(), "outcome" => "suspect").increment(1);
                    if self.is_given_up(&pending.entry, &reason) {
                        refused.push((pending.entry, reason));
                    }
                }
            }
        }
        // Plain messages first: they wait for nobody's inbox.
        self.settle(&settled).await?;
        self.heed(&heeded).await?;
        let heeded: Vec<_> = heeded.into_iter().map(Pending::settled_here).collect();
        self.settle(&heeded).await?;
        for (entry, reason) in refused {
            self.bury(&entry, &reason).await?;
        }
        self.relocate(lost).await
    }

    /// Lets people who are away find what is stored for them, in the order of the log.
    async fn heed(&self, stored: &[Pending]) -> Result<(), Stopped> {
        let Some(away) = &self.shared.away else { return Ok(()) };
        for Pending { entry, event } in stored {
            let mut retry = Retry::new(self, Step::Heed);
            while let Err(error) = away.heed(event).await {
                if error.may_pass() {
                    retry.pause(&error).await?;
                    continue;
                }
                // The message is stored; only some inbox lacks it.
                let (partition, id) = (entry.partition, &entry.id);
                tracing::error!(partition, entry = id, %error, "an inbox could not be written");
                break;
            }
        }
        Ok(())
    }

    /// Whether an entry that failed has been handed out often enough to be set aside.
    pub(super) fn is_given_up(&self, entry: &WalEntry, reason: &str) -> bool {
        let attempt = entry.deliveries.saturating_add(1);
        let (partition, id) = (entry.partition, &entry.id);
        tracing::warn!(partition, entry = id, attempt, reason, "an entry could not be stored");
        attempt >= self.shared.options.attempts
    }

    async fn settle(&self, settled: &[Settled]) -> Result<(), Stopped> {
        if settled.is_empty() {
            return Ok(());
        }
        let mut retry = Retry::new(self, Step::Settle);
        loop {
            match self.shared.wal.settle(settled).await {
                Ok(()) => break,
                Err(error) => retry.pause(&error).await?,
            }
        }
        for Settled { notice, stored, .. } in settled {
            let StoredNotice { room, id, position, .. } = notice;
            tracing::debug!(target: MESSAGES, %room, message_id = %id, %position, stored, "settled");
        }
        Ok(())
    }

    pub(super) async fn bury(&self, entry: &WalEntry, reason: &str) -> Result<(), Stopped> {
        let mut retry = Retry::new(self, Step::Bury);
        loop {
            match self.shared.wal.bury(entry, reason).await {
                Ok(()) => break,
                Err(error) => retry.pause(&error).await?,
            }
        }
        counter!(Metric::Buried.name()).increment(1);
        let (partition, id) = (entry.partition, &entry.id);
        tracing::error!(partition, entry = id, reason, "an entry was set aside as a dead letter");
        Ok(())
    }
}

impl Pending {
    /// Settled at its own place.
    fn settled_here(self) -> Settled {
        let (position, at) = (self.event.position(), self.event.at());
        self.settled(position, at)
    }

    fn settled(self, position: Position, at: Timestamp) -> Settled {
        let notice = StoredNotice { room: self.event.room(), id: self.event.id(), position, at };
        Settled { entry: self.entry, notice, stored: true }
    }

    /// Its room is no more: done with, and nobody is told that it was stored.
    fn discarded(self) -> Settled {
        let (position, at) = (self.event.position(), self.event.at());
        Settled { stored: false, ..self.settled(position, at) }
    }
}

/// Where the event's room stands, if that is in a later epoch than the event.
fn has_moved_on(heads: &HashMap<RoomId, Position>, event: &Event) -> Option<Position> {
    heads.get(&event.room()).copied().filter(|head| head.epoch > event.epoch())
}
