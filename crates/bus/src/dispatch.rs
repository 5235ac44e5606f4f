//! Between what arrives and the hub: bounded lanes, each with one task that calls the receiver.
//!
//! Whatever takes deliveries in (a connection's read loop, a commit) only sorts them into lanes and
//! never waits. A lane that overflows drops everything until it is drained, and its task then says
//! so with one gap, which is what makes dropping safe: the hub reads again what it may have missed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use hubbub_protocol::{Position, RoomId, UserId};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::{Control, Receiver, StoredNotice, shard_of};

/// Deliveries one lane holds at most.
const LANE_DELIVERIES: usize = 16 * 1024;
/// Bytes of frames one lane holds at most.
const LANE_BYTES: usize = 16 * 1024 * 1024;
/// Deliveries handed on before other tasks get a turn.
const BATCH: usize = 256;
/// Most lanes for rooms.
const LANES_MAX: usize = 8;

/// One thing for the receiver.
#[derive(Debug)]
pub(crate) enum Delivery {
    Event { room: RoomId, position: Position, frame: Bytes },
    Reset { room: RoomId, position: Position },
    Volatile { room: RoomId, key: Box<str>, frame: Bytes },
    Subscribed { room: RoomId, again: bool },
    ForUsers { users: Vec<UserId>, key: Box<str>, frame: Bytes },
    Control(Control),
    Stored(Vec<StoredNotice>),
    ControlGap,
}

impl Delivery {
    /// The room it belongs to; without one it goes to the lane of the node itself.
    fn room(&self) -> Option<&RoomId> {
        match self {
            Self::Event { room, .. }
            | Self::Reset { room, .. }
            | Self::Volatile { room, .. }
            | Self::Subscribed { room, .. } => Some(room),
            Self::ForUsers { .. } | Self::Control(_) | Self::Stored(_) | Self::ControlGap => None,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Event { frame, .. } | Self::Volatile { frame, .. } => frame.len(),
            Self::ForUsers { users, frame, .. } => size_of_val(users.as_slice()) + frame.len(),
            Self::Stored(notices) => size_of_val(notices.as_slice()),
            _ => 0,
        }
    }
}

/// Which rooms a node hears right now.
pub(crate) trait Roster: Send + Sync + 'static {
    /// The confirmed rooms among those that `belongs` picks.
    fn confirmed(&self, belongs: &dyn Fn(&RoomId) -> bool) -> Vec<RoomId>;
}

#[derive(Debug)]
struct Lane {
    sender: mpsc::Sender<Delivery>,
    load: Arc<Load>,
}

#[derive(Debug, Default)]
struct Load {
    bytes: AtomicUsize,
    /// Set at the first drop, cleared once the lane is empty.
    dropping: AtomicBool,
    overflowed: Notify,
}

impl Load {
    /// Makes room for a delivery, if there is.
    fn reserve(&self, bytes: usize) -> bool {
        if self.dropping.load(Ordering::Acquire) {
            return false;
        }
        let queued = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if queued + bytes > LANE_BYTES {
            self.release(bytes);
            return false;
        }
        true
    }

    fn release(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The lanes of a node. One room is always in the same lane, so its order is kept.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    rooms: Vec<Lane>,
    node: Lane,
}

impl Dispatcher {
    /// Starts the lanes' tasks, which run until `stop`.
    pub(crate) fn start(
        receiver: &Arc<dyn Receiver>,
        roster: &Arc<dyn Roster>,
        stop: &CancellationToken,
    ) -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from).min(LANES_MAX);
        let lane = |number: Option<usize>| {
            let (sender, deliveries) = mpsc::channel(LANE_DELIVERIES);
            let load = Arc::new(Load::default());
            let task = LaneTask {
                receiver: Arc::clone(receiver),
                roster: Arc::clone(roster),
                load: Arc::clone(&load),
                number,
                count,
            };
            let stop = stop.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = task.run(deliveries) => {}
                    () = stop.cancelled() => {}
                }
            });
            Lane { sender, load }
        };
        Self { rooms: (0..count).map(|number| lane(Some(number))).collect(), node: lane(None) }
    }

    /// Puts a delivery in its lane, or drops it and lets the lane's task tell of a gap.
    pub(crate) fn offer(&self, delivery: Delivery) {
        let lane = match delivery.room() {
            Some(room) => &self.rooms[shard_of(room.as_bytes(), self.rooms.len())],
            None => &self.node,
        };
        let bytes = delivery.bytes();
        let taken = lane.load.reserve(bytes) && {
            let sent = lane.sender.try_send(delivery).is_ok();
            if !sent {
                lane.load.release(bytes);
            }
            sent
        };
        if !taken {
            lane.load.dropping.store(true, Ordering::Release);
            lane.load.overflowed.notify_one();
            metrics::counter!(crate::metric::DELIVERIES_DROPPED).increment(1);
        }
    }
}

struct LaneTask {
    receiver: Arc<dyn Receiver>,
    roster: Arc<dyn Roster>,
    load: Arc<Load>,
    /// Which of the room lanes this is; `None` for the node's own.
    number: Option<usize>,
    count: usize,
}

impl LaneTask {
    async fn run(self, mut deliveries: mpsc::Receiver<Delivery>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                received = deliveries.recv_many(&mut batch, BATCH) => {
                    if received == 0 {
                        return;
                    }
                    self.hand_on(&mut batch);
                    // A full lane would otherwise never let go of its thread.
                    tokio::task::yield_now().await;
                }
                () = self.load.overflowed.notified() => {}
            }
            // Taken in again first, so that nothing is dropped unsaid behind the gap.
            if deliveries.is_empty() && self.load.dropping.swap(false, Ordering::AcqRel) {
                self.tell_gap();
            }
        }
    }

    /// Something was dropped, a confirmation perhaps, so all of the lane is told anew.
    fn tell_gap(&self) {
        let Some(number) = self.number else {
            self.receiver.control_gap();
            return;
        };
        let rooms = self.roster.confirmed(&|room| shard_of(room.as_bytes(), self.count) == number);
        tracing::warn!(lane = number, rooms = rooms.len(), "deliveries dropped: lane full");
        if !rooms.is_empty() {
            self.receiver.subscribed(&rooms);
            self.receiver.gap(&rooms);
        }
    }

    fn hand_on(&self, batch: &mut Vec<Delivery>) {
        let (mut confirmed, mut again) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        for delivery in batch.drain(..) {
            bytes += delivery.bytes();
            if let Delivery::Subscribed { room, again: missed } = delivery {
                confirmed.push(room);
                if missed {
                    again.push(room);
                }
                continue;
            }
            self.confirm(&mut confirmed, &mut again);
            match delivery {
                Delivery::Event { room, position, frame } => {
                    self.receiver.event(room, position, frame);
                }
                Delivery::Reset { room, position } => self.receiver.reset(room, position),
                Delivery::Volatile { room, key, frame } => {
                    self.receiver.volatile(room, &key, frame);
                }
                Delivery::ForUsers { users, key, frame } => {
                    self.receiver.for_users(&users, &key, frame);
                }
                Delivery::Control(control) => self.receiver.control(control),
                Delivery::Stored(notices) => self.receiver.stored(notices),
                Delivery::ControlGap => self.receiver.control_gap(),
                Delivery::Subscribed { .. } => {}
            }
        }
        self.confirm(&mut confirmed, &mut again);
        self.load.release(bytes);
    }

    fn confirm(&self, confirmed: &mut Vec<RoomId>, again: &mut Vec<RoomId>) {
        if !confirmed.is_empty() {
            self.receiver.subscribed(confirmed);
            confirmed.clear();
        }
        if !again.is_empty() {
            self.receiver.gap(again);
            again.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc as blocking;

    use hubbub_protocol::{Epoch, Seq};

    use super::*;

    /// Blocks at its first event until it is let go, and tells of the last event and of gaps.
    struct Slow {
        go: Mutex<blocking::Receiver<()>>,
        heard: tokio::sync::mpsc::UnboundedSender<Result<Position, Vec<RoomId>>>,
    }

    impl Receiver for Slow {
        fn event(&self, _: RoomId, position: Position, _: Bytes) {
            if position.seq == Seq(0) {
                self.go.lock().unwrap().recv().unwrap();
            }
            self.heard.send(Ok(position)).unwrap();
        }
        fn reset(&self, _: RoomId, _: Position) {}
        fn volatile(&self, _: RoomId, _: &str, _: Bytes) {}
        fn for_users(&self, _: &[UserId], _: &str, _: Bytes) {}
        fn control(&self, _: Control) {}
        fn stored(&self, _: Vec<StoredNotice>) {}
        fn subscribed(&self, _: &[RoomId]) {}
        fn gap(&self, rooms: &[RoomId]) {
            self.heard.send(Err(rooms.to_vec())).unwrap();
        }
        fn control_gap(&self) {}
    }

    struct One(RoomId);

    impl Roster for One {
        fn confirmed(&self, belongs: &dyn Fn(&RoomId) -> bool) -> Vec<RoomId> {
            Some(self.0).into_iter().filter(|room| belongs(room)).collect()
        }
    }

    async fn overflow(frame: &'static [u8], count: u64) {
        let room = RoomId::new();
        let (let_go, go) = blocking::channel();
        let (heard, mut said) = tokio::sync::mpsc::unbounded_channel();
        let receiver: Arc<dyn Receiver> = Arc::new(Slow { go: Mutex::new(go), heard });
        let roster: Arc<dyn Roster> = Arc::new(One(room));
        let stop = CancellationToken::new();
        let dispatcher = Dispatcher::start(&receiver, &roster, &stop);
        let frame = Bytes::from_static(frame);
        for seq in 0..count {
            let position = Position::new(Epoch(1), Seq(seq));
            dispatcher.offer(Delivery::Event { room, position, frame: frame.clone() });
        }
        let_go.send(()).unwrap();
        let (mut delivered, mut next) = (0, 0);
        loop {
            match said.recv().await.unwrap() {
                Ok(position) => {
                    assert!(position.seq.0 >= next, "in order");
                    next = position.seq.0 + 1;
                    delivered += 1;
                }
                Err(rooms) => {
                    assert_eq!(rooms, [room]);
                    break;
                }
            }
        }
        assert!(delivered < count, "something was dropped");
        let position = Position::new(Epoch(1), Seq(count));
        dispatcher.offer(Delivery::Event { room, position, frame });
        assert_eq!(said.recv().await, Some(Ok(position)), "one gap, and on it goes");
        stop.cancel();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_lane_full_of_deliveries_drops_and_tells() {
        overflow(b"{}", (LANE_DELIVERIES + 3 * BATCH) as u64).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_lane_full_of_bytes_drops_and_tells() {
        static FRAME: [u8; 64 * 1024] = [b' '; 64 * 1024];
        overflow(&FRAME, (LANE_BYTES / FRAME.len() + 10) as u64).await;
    }
}
