//! What passed through this node lately, so that an operator can ask where a message has been.
//!
//! A ring of fixed size: how far it reaches back depends on the traffic. No log is needed for it, and
//! an entry costs a short lock for each event, not for each of its readers.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use hubbub_bus::NodeTrace;
use hubbub_protocol::{Position, RoomId, Timestamp};

/// Entries that are remembered: at 40 bytes each at most 2.5 MiB.
const ENTRIES: usize = 65_536;

/// What happened to an event on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It got its place for a sender here.
    Committed,
    /// This node was told that it is stored.
    ToldStored,
    /// It was given to so many connections.
    Delivered(u32),
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The room's id takes up to 32 bytes; its hash is enough to tell rooms apart.
    room: u64,
    position: Position,
    at: Timestamp,
    step: Step,
}

/// The ring.
#[derive(Debug, Default)]
pub(super) struct Journal {
    hasher: RandomState,
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    entries: Vec<Entry>,
    /// The oldest entry, once the ring is full.
    next: usize,
}

impl Journal {
    /// Remembers a step of an event.
    pub(super) fn note(&self, room: RoomId, position: Position, step: Step) {
        let room = self.hasher.hash_one(room);
        let entry = Entry { room, position, at: Timestamp::now(), step };
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.entries.len() < ENTRIES {
            ring.entries.push(entry);
            return;
        }
        let next = ring.next;
        ring.entries[next] = entry;
        ring.next = (next + 1) % ENTRIES;
    }

    /// What is remembered of an event; of several of a kind the first.
    pub(super) fn recall(&self, room: RoomId, position: Position) -> NodeTrace {
        let room = self.hasher.hash_one(room);
        let mut trace = NodeTrace::default();
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let (newer, older) = ring.entries.split_at(ring.next);
        let all = older.iter().chain(newer);
        for entry in all.filter(|entry| entry.room == room && entry.position == position) {
            let (slot, readers) = match entry.step {
                Step::Committed => (&mut trace.committed, None),
                Step::ToldStored => (&mut trace.told_stored, None),
                Step::Delivered(readers) => (&mut trace.delivered, Some(readers)),
            };
            if slot.is_none() {
                *slot = Some(entry.at);
                trace.connections = readers.map_or(trace.connections, u64::from);
            }
        }
        trace
    }
}

#[cfg(test)]
mod tests {
    use hubbub_protocol::{Epoch, Seq};

    use super::*;

    fn at(seq: u64) -> Position {
        Position::new(Epoch(1), Seq(seq))
    }

    #[test]
    fn the_steps_of_an_event_are_told_from_those_of_others() {
        let (journal, room, other) = (Journal::default(), RoomId::new(), RoomId::new());
        journal.note(room, at(1), Step::Committed);
        journal.note(room, at(2), Step::Delivered(9));
        journal.note(other, at(1), Step::Delivered(8));
        journal.note(room, at(1), Step::Delivered(7));
        let trace = journal.recall(room, at(1));
        assert!(trace.committed.is_some() && trace.delivered.is_some());
        assert_eq!((trace.connections, trace.told_stored), (7, None));
        assert_eq!(journal.recall(room, at(3)), NodeTrace::default());
    }

    #[test]
    fn the_oldest_is_forgotten_and_nothing_grows() {
        let (journal, room) = (Journal::default(), RoomId::new());
        for seq in 0..=ENTRIES as u64 {
            journal.note(room, at(seq), Step::Committed);
        }
        assert_eq!(journal.recall(room, at(0)), NodeTrace::default());
        assert!(journal.recall(room, at(1)).committed.is_some());
        assert!(journal.recall(room, at(ENTRIES as u64)).committed.is_some());
        let ring = journal.ring.lock().unwrap();
        assert!(ring.entries.len() == ENTRIES && size_of::<Entry>() <= 40);
    }
}
