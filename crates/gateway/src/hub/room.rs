//! One room on this node: where its log stands here, and who hears it.
//!
//! The head only moves by contiguous events, by a state sync or by a reset, always under the room's
//! lock, and each step is handed to every member in that same hold. So a member that is neither
//! behind nor closed has been given everything up to the head.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hubbub_protocol::{Position, RoomId};
use slab::Slab;
use tokio::sync::Notify;

use super::connection::Connection;
use super::frame::PlacedFrame;
use super::outbound::Pushed;
use crate::metric::{HOT, Metric};

/// A room with members, or lately with members, on this node.
#[derive(Debug)]
pub struct Room {
    /// The room.
    pub id: RoomId,
    state: Mutex<State>,
    /// Told when the head becomes known.
    pub(super) head_known: Notify,
    /// The heartbeat tick at which the head last moved.
    moved: AtomicU32,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// The last event handed to the members; unknown until the subscription is confirmed and the
    /// log was asked.
    pub(super) head: Option<Position>,
    /// The furthest event heard of. Beyond the head: there is a gap to fill.
    pub(super) heard_of: Option<Position>,
    /// Whether events may have been lost since the log was last asked.
    pub(super) doubted: bool,
    /// Whether a task fills a gap.
    pub(super) filling: bool,
    /// Whether the node's subscription was confirmed.
    pub(super) subscribed: bool,
    /// Who hears it.
    pub(super) members: Slab<Arc<Connection>>,
    /// The heartbeat tick since which nobody does.
    pub(super) empty_since: Option<u32>,
    /// Taken out of the hub: nobody may be added.
    pub(super) retired: bool,
}

/// What an arriving event asks of the hub.
#[derive(Debug, Default)]
pub(super) struct Arrival {
    /// There is a gap: read the log.
    pub(super) fill: bool,
    /// Members whose lane overflowed: read the log for them.
    pub(super) overflowed: Vec<Arc<Connection>>,
    /// How many it was given to, if it was.
    pub(super) readers: Option<usize>,
}

impl Room {
    pub(super) fn new(id: RoomId) -> Self {
        Self { id, state: Mutex::default(), head_known: Notify::new(), moved: AtomicU32::new(0) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last event handed to the members.
    #[must_use]
    pub fn head(&self) -> Option<Position> {
        self.state().head
    }

    /// The head, to read on from: what the log is asked after this settles the doubts until now.
    pub(super) fn begin_read(&self) -> Option<Position> {
        let mut state = self.state();
        state.doubted = false;
        state.head
    }

    /// Everybody who hears it.
    pub(super) fn member_connections(&self) -> Vec<Arc<Connection>> {
        self.state().members.iter().map(|(_, member)| Arc::clone(member)).collect()
    }

    /// Whether anybody hears it.
    pub(super) fn has_members(&self) -> bool {
        !self.state().members.is_empty()
    }

    /// Whether the head moved at or after a heartbeat tick.
    #[must_use]
    pub fn moved_since(&self, tick: u32) -> bool {
        self.moved.load(Ordering::Relaxed) >= tick
    }

    /// An event arrived from the bus.
    pub(super) fn arrive(&self, position: Position, frame: &[u8], tick: u32) -> Arrival {
        let mut state = self.state();
        let Some(head) = state.head else {
            state.heard_of = state.heard_of.max(Some(position));
            return Arrival::default();
        };
        let follows = position.epoch == head.epoch && position.seq == head.seq.next();
        if follows {
            let placed = PlacedFrame::live(self.id, position, frame);
            let readers = state.members.len();
            let overflowed = self.hand_out(&mut state, &placed, tick);
            return Arrival { fill: false, overflowed, readers: Some(readers) };
        }
        // At or before the head: handed out already, by a fill that overtook it.
        if position.epoch == head.epoch && position <= head {
            return Arrival::default();
        }
        // An earlier epoch: overtaken as well, or the bus has lost the later one.
        state.doubted = true;
        state.heard_of = state.heard_of.max(Some(position));
        Arrival { fill: !std::mem::replace(&mut state.filling, true), ..Arrival::default() }
    }

    /// The room goes on in a new epoch.
    pub(super) fn reset(&self, position: Position, tick: u32) -> Vec<Arc<Connection>> {
        let mut state = self.state();
        if state.head.is_none() {
            // The head that is being asked for may be of the epoch before.
            state.heard_of = state.heard_of.max(Some(position));
            return Vec::new();
        }
        self.advance(&mut state, &PlacedFrame::reset(self.id, position), tick)
    }

    /// Hands out what was read from `from` on. A reset is taken only there: the head may have moved
    /// into the new epoch meanwhile.
    pub(super) fn advance_from(
        &self,
        from: Position,
        frame: &Arc<PlacedFrame>,
        tick: u32,
    ) -> Vec<Arc<Connection>> {
        let mut state = self.state();
        if frame.after.is_none() && state.head != Some(from) {
            return Vec::new();
        }
        self.advance(&mut state, frame, tick)
    }

    /// Hands out what follows the head: an event, a sync or a reset. Passes over what does not.
    fn advance(
        &self,
        state: &mut State,
        frame: &Arc<PlacedFrame>,
        tick: u32,
    ) -> Vec<Arc<Connection>> {
        let takes = state.head.is_some_and(|head| match frame.after {
            Some(after) => after == head,
            None => frame.position > head,
        });
        if takes { self.hand_out(state, frame, tick) } else { Vec::new() }
    }

    fn hand_out(
        &self,
        state: &mut State,
        frame: &Arc<PlacedFrame>,
        tick: u32,
    ) -> Vec<Arc<Connection>> {
        state.head = Some(frame.position);
        self.moved.store(tick, Ordering::Relaxed);
        let mut overflowed = Vec::new();
        for (_, member) in &state.members {
            if member.outbound.event(frame) == Pushed::Overflowed {
                overflowed.push(Arc::clone(member));
            }
        }
        HOT.deliveries.increment(state.members.len() as u64);
        if !overflowed.is_empty() {
            metrics::counter!(Metric::Overflows.name()).increment(overflowed.len() as u64);
        }
        if frame.after.is_none() {
            metrics::counter!(Metric::Resets.name()).increment(state.members.len() as u64);
        }
        overflowed
    }
}
