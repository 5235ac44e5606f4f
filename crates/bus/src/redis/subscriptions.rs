//! The rooms this node wants to hear, and how far that is.
//!
//! What is wanted changes under the hub's hands, what is confirmed under the connections'; a
//! connection compares the two. It is kept by partition because a partition is what a server of a
//! cluster has all or nothing of.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hubbub_protocol::RoomId;
use tokio::sync::watch;

use super::keys::Partition;
use crate::dispatch::Roster;

/// Which connection something happened on: they are numbered as they are made, from 1.
pub(super) type Serial = u64;

#[derive(Debug, Default)]
struct State {
    /// The connection it was last asked for on.
    requested: Serial,
    /// The connection it was last confirmed on; 0 while it is not.
    confirmed: Serial,
    /// Whether it was ever confirmed: then another confirmation comes after a time of deafness.
    heard: bool,
}

#[derive(Debug, Default)]
struct Rooms {
    wanted: HashMap<RoomId, State>,
    changed: HashSet<RoomId>,
}

/// What a connection has to do about a partition.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) subscribe: Vec<RoomId>,
    pub(super) unsubscribe: Vec<RoomId>,
    /// Wanted again before it was ever unsubscribed: confirmed as it is.
    pub(super) confirmed: Vec<RoomId>,
}

/// The rooms this node wants to hear.
#[derive(Debug)]
pub(super) struct Subscriptions {
    partitions: Vec<Mutex<Rooms>>,
    version: watch::Sender<u64>,
}

impl Subscriptions {
    pub(super) fn new(partitions: u16) -> Self {
        Self {
            partitions: (0..partitions).map(|_| Mutex::default()).collect(),
            version: watch::Sender::new(0),
        }
    }

    fn partition(&self, partition: Partition) -> MutexGuard<'_, Rooms> {
        let at = usize::from(partition.0);
        self.partitions[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, room: &RoomId) -> MutexGuard<'_, Rooms> {
        let count = u16::try_from(self.partitions.len()).unwrap_or(u16::MAX);
        self.partition(Partition::of(room, count))
    }

    /// Tells of changes.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    pub(super) fn add(&self, rooms: &[RoomId]) {
        for room in rooms {
            let mut of = self.of(room);
            of.wanted.entry(*room).or_default();
            of.changed.insert(*room);
        }
        self.version.send_modify(|version| *version += 1);
    }

    pub(super) fn remove(&self, rooms: &[RoomId]) {
        for room in rooms {
            let mut of = self.of(room);
            if of.wanted.remove(room).is_some() {
                of.changed.insert(*room);
            }
        }
        self.version.send_modify(|version| *version += 1);
    }

    /// What changed in a partition since the last call, as seen from a connection.
    pub(super) fn changes(&self, partition: Partition, serial: Serial) -> Changes {
        let mut of = self.partition(partition);
        let Rooms { wanted, changed } = &mut *of;
        let mut changes = Changes::default();
        for room in changed.drain() {
            match wanted.get_mut(&room) {
                None => changes.unsubscribe.push(room),
                Some(state) if state.confirmed == serial => changes.confirmed.push(room),
                Some(state) if state.requested == serial => {}
                Some(state) => {
                    state.requested = serial;
                    changes.subscribe.push(room);
                }
            }
        }
        changes
    }

    /// Every wanted room of a partition that is not confirmed on a connection, to be asked for.
    pub(super) fn missing(&self, partition: Partition, serial: Serial) -> Vec<RoomId> {
        let mut of = self.partition(partition);
        let missing = of.wanted.iter_mut().filter(|(_, state)| state.confirmed != serial);
        missing
            .map(|(room, state)| {
                state.requested = serial;
                *room
            })
            .collect()
    }

    /// A room is confirmed. Returns whether it was before, or `None` if it is not wanted any more.
    pub(super) fn confirm(&self, room: &RoomId, serial: Serial) -> Option<bool> {
        let mut of = self.of(room);
        let state = of.wanted.get_mut(room)?;
        state.confirmed = serial.max(state.confirmed);
        Some(std::mem::replace(&mut state.heard, true))
    }

    /// A room is no longer heard on a connection. Returns whether it is wanted all the same.
    pub(super) fn lose(&self, room: &RoomId, serial: Serial) -> bool {
        let mut of = self.of(room);
        let Some(state) = of.wanted.get_mut(room) else { return false };
        if state.confirmed != serial {
            return false;
        }
        state.confirmed = 0;
        state.requested = 0;
        true
    }
}

impl Roster for Subscriptions {
    fn confirmed(&self, belongs: &dyn Fn(&RoomId) -> bool) -> Vec<RoomId> {
        let mut rooms = Vec::new();
        for partition in 0..self.partitions.len() {
            let of = self.partition(Partition(u16::try_from(partition).unwrap_or_default()));
            let confirmed = of.wanted.iter().filter(|(_, state)| state.confirmed != 0);
            rooms.extend(confirmed.map(|(room, _)| *room).filter(|room| belongs(room)));
        }
        rooms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Partition = Partition(0);

    #[test]
    fn a_confirmation_on_a_new_connection_comes_after_deafness() {
        let subscriptions = Subscriptions::new(1);
        let room = RoomId::new();
        subscriptions.add(&[room]);
        assert_eq!(subscriptions.changes(ALL, 1).subscribe, [room]);
        assert_eq!(subscriptions.confirm(&room, 1), Some(false));
        assert!(subscriptions.missing(ALL, 1).is_empty());
        assert_eq!(subscriptions.missing(ALL, 2), [room]);
        assert_eq!(subscriptions.confirm(&room, 2), Some(true));
    }

    #[test]
    fn a_room_wanted_again_is_asked_for_once() {
        let subscriptions = Subscriptions::new(1);
        let room = RoomId::new();
        subscriptions.add(&[room]);
        assert_eq!(subscriptions.changes(ALL, 1).subscribe, [room]);
        subscriptions.add(&[room]);
        let changes = subscriptions.changes(ALL, 1);
        assert!(changes.subscribe.is_empty() && changes.confirmed.is_empty());
        subscriptions.confirm(&room, 1);
        subscriptions.add(&[room]);
        assert_eq!(subscriptions.changes(ALL, 1).confirmed, [room]);
    }

    #[test]
    fn a_room_no_longer_wanted_is_unsubscribed_and_its_late_confirmation_ignored() {
        let subscriptions = Subscriptions::new(1);
        let room = RoomId::new();
        subscriptions.add(&[room]);
        subscriptions.changes(ALL, 1);
        subscriptions.remove(&[room]);
        assert_eq!(subscriptions.confirm(&room, 1), None);
        assert_eq!(subscriptions.changes(ALL, 1).unsubscribe, [room]);
    }

    #[test]
    fn a_room_whose_slot_moved_away_is_missing() {
        let subscriptions = Subscriptions::new(1);
        let room = RoomId::new();
        subscriptions.add(&[room]);
        subscriptions.changes(ALL, 1);
        subscriptions.confirm(&room, 1);
        assert!(!subscriptions.lose(&room, 7), "that connection never had it");
        assert!(subscriptions.lose(&room, 1));
        assert_eq!(subscriptions.missing(ALL, 1), [room]);
        assert!(subscriptions.confirmed(&|_| true).is_empty());
    }
}
