//! The event lane: what waits of the rooms' logs, in order and bounded in bytes, and which rooms are
//! read from the log instead (P5, P7).
//!
//! Where a room begins and ends to be heard has its place among the events ([`Notice`]): the event
//! that ended it comes before its end, and a new beginning after that. So an overflow, which empties
//! the lane, spares what leads up to an end, since nobody may read that from the log again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use hubbub_protocol::{Position, RoomId};

use crate::hub::frame::{PlacedFrame, WireFrame};

/// What a queued frame costs beyond its bytes.
const FRAME_OVERHEAD: usize = 64;

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It waits in the lane.
    Queued,
    /// The room is behind; the log has it.
    Behind,
    /// The lane was full and is empty now; its rooms are behind from here on.
    Overflowed,
}

/// What a connection is told about hearing a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// It is heard from here on.
    Begins,
    /// It is no longer heard.
    Ends,
}

/// Something in the lane.
#[derive(Debug)]
pub(super) enum Entry {
    Event(Arc<PlacedFrame>),
    Notice(RoomId, Notice, WireFrame),
}

impl Entry {
    pub(super) fn wire(&self) -> &WireFrame {
        match self {
            Self::Event(frame) => &frame.wire,
            Self::Notice(_, _, wire) => wire,
        }
    }

    pub(super) fn into_wire(self) -> WireFrame {
        match self {
            Self::Event(frame) => frame.wire.clone(),
            Self::Notice(_, _, wire) => wire,
        }
    }

    /// The event, if it is one.
    pub(super) fn event(&self) -> Option<&PlacedFrame> {
        match self {
            Self::Event(frame) => Some(frame),
            Self::Notice(..) => None,
        }
    }

    fn room(&self) -> RoomId {
        match self {
            Self::Event(frame) => frame.room,
            Self::Notice(room, ..) => *room,
        }
    }

    fn cost(&self) -> usize {
        self.wire().bytes().len() + FRAME_OVERHEAD
    }
}

/// The lane of one connection.
#[derive(Debug, Default)]
pub(super) struct EventLane {
    queue: VecDeque<Entry>,
    bytes: usize,
    /// How many notices are in the queue.
    notices: usize,
    /// Rooms that are read from the log instead of live, with the position the client has (or will
    /// have, once the queue is written).
    behind: HashMap<RoomId, Position>,
}

impl EventLane {
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) const fn notices(&self) -> usize {
        self.notices
    }

    /// Queues a live event, unless its room is behind. One always fits into an empty lane.
    pub(super) fn push(&mut self, frame: &Arc<PlacedFrame>, max: usize) -> Pushed {
        if self.behind.contains_key(&frame.room) {
            return Pushed::Behind;
        }
        let entry = Entry::Event(Arc::clone(frame));
        if self.bytes + entry.cost() > max && !self.queue.is_empty() {
            self.overflow(frame);
            return Pushed::Overflowed;
        }
        self.put(entry);
        Pushed::Queued
    }

    pub(super) fn put_notice(&mut self, room: RoomId, notice: Notice, frame: WireFrame) {
        self.notices += 1;
        self.put(Entry::Notice(room, notice, frame));
    }

    fn put(&mut self, entry: Entry) {
        self.bytes += entry.cost();
        self.queue.push_back(entry);
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        let entry = self.queue.pop_front()?;
        self.bytes -= entry.cost();
        self.notices -= usize::from(matches!(entry, Entry::Notice(..)));
        Some(entry)
    }

    /// Empties the lane of what can be read again: each room that loses something is behind from
    /// before its first event there.
    fn overflow(&mut self, last: &Arc<PlacedFrame>) {
        // Rooms that were behind already had frames queued by catch-up: back to before those.
        let mut first = HashMap::new();
        let dropped = self.drop_events(|_| true);
        for frame in dropped.iter().chain(std::iter::once(last)) {
            // Whoever misses a reset must get one again: no log continues from the zero position.
            first.entry(frame.room).or_insert(frame.after.unwrap_or_default());
        }
        self.behind.extend(first);
    }

    /// Takes events of some rooms out, but for those that come before the end of their room.
    fn drop_events(&mut self, of: impl Fn(RoomId) -> bool) -> Vec<Arc<PlacedFrame>> {
        let mut last_ends = HashMap::new();
        if self.notices > 0 {
            for (place, entry) in self.queue.iter().enumerate() {
                if let Entry::Notice(room, Notice::Ends, _) = entry {
                    last_ends.insert(*room, place);
                }
            }
        }
        let mut dropped = Vec::new();
        let mut place = 0;
        self.queue.retain(|entry| {
            let room = entry.room();
            let spared = last_ends.get(&room).is_some_and(|end| place < *end);
            place += 1;
            let Entry::Event(frame) = entry else { return true };
            let stays = spared || !of(room);
            if !stays {
                dropped.push(Arc::clone(frame));
                self.bytes -= entry.cost();
            }
            stays
        });
        dropped
    }

    pub(super) fn fall_behind(&mut self, room: RoomId, position: Position) {
        self.drop_events(|of| of == room);
        self.behind.insert(room, position);
    }

    pub(super) fn catch_up(
        &mut self,
        room: RoomId,
        from: Position,
        frames: &[Arc<PlacedFrame>],
        max: usize,
    ) {
        // A reset would be taken from any position, even one that it does not concern.
        if self.behind.get(&room) != Some(&from) {
            return;
        }
        let mut within_sync = false;
        for frame in frames {
            let fits = self.bytes < max || within_sync;
            let Some(position) = self.behind.get_mut(&frame.room) else { break };
            if !fits || frame.after.is_some_and(|after| after != *position) {
                break;
            }
            *position = frame.position;
            within_sync = frame.after == Some(frame.position);
            self.put(Entry::Event(Arc::clone(frame)));
        }
    }

    pub(super) fn behind(&self, pass_over: &HashSet<RoomId>) -> Option<(RoomId, Position)> {
        let mut behind = self.behind.iter();
        behind.find(|(room, _)| !pass_over.contains(room)).map(|(room, at)| (*room, *at))
    }

    pub(super) fn behind_at(&self, room: RoomId) -> Option<Position> {
        self.behind.get(&room).copied()
    }

    pub(super) fn keep_up_from(&mut self, room: RoomId, position: Position) -> bool {
        let there = self.behind.get(&room) == Some(&position);
        if there {
            self.no_longer_behind(room);
        }
        there
    }

    pub(super) fn no_longer_behind(&mut self, room: RoomId) {
        self.behind.remove(&room);
        if self.behind.is_empty() {
            self.behind = HashMap::new();
        }
    }

    pub(super) fn give_back_capacity(&mut self) {
        if self.queue.is_empty() && self.queue.capacity() > 0 {
            self.queue = VecDeque::new();
        }
    }
}
