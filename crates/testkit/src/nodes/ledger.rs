//! What all clients of a cluster must agree on: one event in each place, one place for each ack.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hubbub_protocol::{Epoch, MessageId, Position, RoomId, Seq};

/// Everything that any client has been told, and what contradicted it.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    events: HashMap<(RoomId, Position), MessageId>,
    seqs: HashMap<(RoomId, Epoch, MessageId), Seq>,
    acks: HashMap<(RoomId, MessageId), Position>,
    violations: Vec<String>,
}

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client was told that this event is in this place.
    pub(super) fn event(&self, room: RoomId, at: Position, id: MessageId) -> Result<(), String> {
        let mut entries = self.entries();
        let held = *entries.events.entry((room, at)).or_insert(id);
        if held != id {
            return Err(format!("{at} holds {id}, and {held} for another client"));
        }
        let seq = *entries.seqs.entry((room, at.epoch, id)).or_insert(at.seq);
        if seq != at.seq {
            return Err(format!("{id} is at {at} and at {seq} of the same epoch"));
        }
        Ok(())
    }

    /// A client was told that this event is stored in this place.
    pub(super) fn ack(&self, room: RoomId, at: Position, id: MessageId) -> Result<(), String> {
        self.event(room, at, id)?;
        let first = *self.entries().acks.entry((room, id)).or_insert(at);
        if first == at { Ok(()) } else { Err(format!("{id} acked at {at}, before at {first}")) }
    }

    pub(super) fn accuse(&self, violation: String) {
        self.entries().violations.push(violation);
    }

    /// Fails the test if any client has seen what must not be.
    ///
    /// # Panics
    /// With all of it.
    pub fn assert_clean(&self) {
        let entries = self.entries();
        assert!(entries.violations.is_empty(), "{}", entries.violations.join("\n"));
    }

    /// Every event that has been acked to anybody, with its place.
    #[must_use]
    pub fn acked(&self, room: RoomId) -> HashMap<MessageId, Position> {
        let entries = self.entries();
        let acks = entries.acks.iter().filter(|((of, _), _)| *of == room);
        acks.map(|((_, id), at)| (*id, *at)).collect()
    }
}
