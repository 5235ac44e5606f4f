//! Rooms whose log has grown, as far as this process did it. A hint that saves looking at all rooms:
//! what is lost with the process is found by the next look at all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hubbub_protocol::{Event, RoomId};

/// Events after which a room is due at once.
const DUE_EVENTS: u32 = 32;
/// How long a room with fewer waits. Until then its newest messages are looked at directly.
const DUE_AFTER: Duration = Duration::from_secs(5);
/// Rooms that are remembered. Those past it wait for the look at all rooms.
const ROOMS_MAX: usize = 100_000;
/// Rooms told at a time.
const TAKE_MAX: usize = 1_000;

/// The rooms. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched(Arc<Mutex<HashMap<RoomId, Growth>>>);

#[derive(Debug)]
struct Growth {
    events: u32,
    since: Instant,
}

impl Touched {
    pub(crate) fn note(&self, events: &[Event]) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            let room = event.room();
            if rooms.len() < ROOMS_MAX || rooms.contains_key(&room) {
                let new = || Growth { events: 0, since: Instant::now() };
                let growth = rooms.entry(room).or_insert_with(new);
                growth.events = growth.events.saturating_add(1);
            }
        }
    }

    /// Rooms that are due, which are forgotten by it.
    pub(super) fn take_due(&self) -> Vec<RoomId> {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due =
            |growth: &Growth| growth.events >= DUE_EVENTS || growth.since.elapsed() >= DUE_AFTER;
        let due = rooms.iter().filter(|(_, growth)| due(growth)).map(|(room, _)| *room);
        let due: Vec<_> = due.take(TAKE_MAX).collect();
        for room in &due {
            rooms.remove(room);
        }
        due
    }
}
