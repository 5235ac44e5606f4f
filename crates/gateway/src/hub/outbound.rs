//! What waits to be written to one socket: three lanes with three policies (P7, P8).
//!
//! - **control** must go: acks, errors, heartbeats. It is bounded by what a client may have under
//!   way; a client that does not read that either is closed.
//! - **events** is ordered and bounded in bytes. Past the bound it is emptied, and each room it
//!   held events of is read again from the log once the client has caught up: nothing is lost, and
//!   a slow reader costs a fixed amount of memory. Where a room begins and ends to be heard is told
//!   in this lane as well, so that its last event comes before its end ([`events`]).
//! - **volatile** keeps the newest frame of each key, and of presence the newest row of each person.

mod events;
mod rows;

use std::collections::{HashSet, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use hubbub_protocol::{CloseCode, Position, RoomId, Timestamp};

use super::frame::{PlacedFrame, WireFrame};
use events::EventLane;
use rows::Rows;

pub use events::{Notice, Pushed};
pub use rows::{PresenceRow, ROWS_PER_FRAME};

/// Most frames in the control lane.
const CONTROL_MAX: usize = 512;
/// Most keys in the volatile lane.
const VOLATILE_MAX: usize = 256;
/// Most frames handed to the writer at once.
pub const BATCH_FRAMES: usize = 64;
/// Of so many deliveries one is measured: each connection measures every 16th event of a room, and
/// of 16 connections each another one.
const MEASURED: u64 = 16;
/// Bytes handed to the writer at once, unless a single frame is larger.
pub const BATCH_BYTES: usize = 64 * 1024;

/// One connection's lanes. Pushing never waits.
#[derive(Debug)]
pub struct Outbound {
    lanes: Mutex<Lanes>,
    /// Wakes the socket's task when there is something to write.
    writer: AtomicWaker,
    /// Wakes the catch-up task when there is room for more events.
    reader: AtomicWaker,
    /// Bound of the event lane, in bytes.
    events_max: usize,
    /// Which events are measured here.
    measured: u8,
}

#[derive(Debug, Default)]
struct Lanes {
    control: VecDeque<WireFrame>,
    events: EventLane,
    volatile: VecDeque<(Box<str>, WireFrame)>,
    /// Only there while some wait: most connections have none at any moment.
    presence: Option<Box<Rows>>,
    close: Option<CloseCode>,
}

/// What the writer gets.
#[derive(Debug, Default)]
pub struct Batch {
    /// Frames to write, in order.
    pub frames: Vec<WireFrame>,
    /// Close after writing them.
    pub close: Option<CloseCode>,
    /// When the first of them that is measured was taken from its sender.
    pub taken_at: Option<Timestamp>,
}

impl Outbound {
    /// Empty lanes; the event lane holds up to `events_max` bytes.
    #[must_use]
    pub fn new(events_max: usize) -> Self {
        Self {
            lanes: Mutex::default(),
            writer: AtomicWaker::new(),
            reader: AtomicWaker::new(),
            events_max,
            measured: rand::random(),
        }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a frame that must go.
    pub fn control(&self, frame: WireFrame) {
        let mut lanes = self.lanes();
        if lanes.control.len() >= CONTROL_MAX {
            lanes.close.get_or_insert(CloseCode::SlowConsumer);
        } else {
            lanes.control.push_back(frame);
        }
        drop(lanes);
        self.writer.wake();
    }

    /// Closes the connection after what is in the control lane.
    pub fn close(&self, code: CloseCode) {
        self.lanes().close.get_or_insert(code);
        self.writer.wake();
        self.reader.wake();
    }

    /// Queues the newest frame of a key.
    pub fn volatile(&self, key: &str, frame: WireFrame) {
        let mut lanes = self.lanes();
        if let Some(held) = lanes.volatile.iter_mut().find(|(k, _)| &**k == key) {
            held.1 = frame;
        } else {
            if lanes.volatile.len() >= VOLATILE_MAX {
                lanes.volatile.pop_front();
            }
            lanes.volatile.push_back((key.into(), frame));
        }
        drop(lanes);
        self.writer.wake();
    }

    /// Queues the newest rows of people.
    pub fn presence(&self, rows: impl IntoIterator<Item = PresenceRow>) {
        self.lanes().presence.get_or_insert_default().put(rows);
        self.writer.wake();
    }

    /// Drops the rows that wait: other people are watched from here on.
    pub fn forget_presence(&self) {
        self.lanes().presence = None;
    }

    /// Queues a live event, unless its room is behind.
    pub fn event(&self, frame: &Arc<PlacedFrame>) -> Pushed {
        let pushed = self.lanes().events.push(frame, self.events_max);
        if pushed != Pushed::Behind {
            self.writer.wake();
        }
        pushed
    }

    /// Queues that a room is heard or no longer heard, behind the events that wait.
    pub fn notice(&self, room: RoomId, notice: Notice, frame: WireFrame) {
        let mut lanes = self.lanes();
        if lanes.events.notices() >= CONTROL_MAX {
            lanes.close.get_or_insert(CloseCode::SlowConsumer);
        } else {
            lanes.events.put_notice(room, notice, frame);
        }
        drop(lanes);
        self.writer.wake();
    }

    /// Marks a room as behind: the log is read from `position` on, live events are passed over. What
    /// waits of it belongs before another position, and comes again if it follows this one.
    pub fn fall_behind(&self, room: RoomId, position: Position) {
        self.lanes().events.fall_behind(room, position);
    }

    /// Queues what was read from `from` on for a room that is behind, as far as the lane takes it. Stops where the
    /// lane is full, or the room is no longer behind or at another position than the next frame
    /// follows: then look again.
    ///
    /// Of a sync in several frames only the last moves the position, so all of them are taken or
    /// none: cut short, it would begin anew each time. The reader bounds it.
    pub fn catch_up(&self, room: RoomId, from: Position, frames: &[Arc<PlacedFrame>]) {
        self.lanes().events.catch_up(room, from, frames, self.events_max);
        self.writer.wake();
    }

    /// A room that is behind and not among those to `pass_over`, and the position to read on from.
    pub fn behind(&self, pass_over: &HashSet<RoomId>) -> Option<(RoomId, Position)> {
        self.lanes().events.behind(pass_over)
    }

    /// Where a room that is behind has come to; `None` if it is not behind.
    pub fn behind_at(&self, room: RoomId) -> Option<Position> {
        self.lanes().events.behind_at(room)
    }

    /// The room is live again if it has come to `position`. Whether it had: in one step, since an
    /// overflow may set it back at any time.
    pub fn keep_up_from(&self, room: RoomId, position: Position) -> bool {
        self.lanes().events.keep_up_from(room, position)
    }

    /// The room is no longer heard.
    pub fn let_go(&self, room: RoomId) {
        self.lanes().events.no_longer_behind(room);
    }

    /// Waits until the event lane is at most half full. False when the connection is closing.
    pub async fn room_for_more(&self) -> bool {
        poll_fn(|cx| {
            self.reader.register(cx.waker());
            let lanes = self.lanes();
            if lanes.close.is_some() {
                Poll::Ready(false)
            } else if lanes.events.bytes() <= self.events_max / 2 {
                Poll::Ready(true)
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// Waits for something to write and takes it, control first.
    ///
    /// Cancelling loses nothing: frames are taken in the same step that finishes.
    pub async fn next(&self) -> Batch {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](Self::next), for a task that polls by hand.
    pub fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Batch> {
        self.writer.register(cx.waker());
        self.take().map_or(Poll::Pending, Poll::Ready)
    }

    /// Bytes of events that wait.
    pub fn queued_bytes(&self) -> usize {
        self.lanes().events.bytes()
    }

    const fn measures(&self, frame: &PlacedFrame) -> bool {
        frame.position.seq.0.wrapping_add(self.measured as u64).is_multiple_of(MEASURED)
    }

    /// Takes what is there, if anything is.
    fn take(&self) -> Option<Batch> {
        let mut lanes = self.lanes();
        let waiting = lanes.control.len() + lanes.events.len() + lanes.volatile.len();
        let mut batch =
            Batch { frames: Vec::with_capacity(waiting.min(BATCH_FRAMES)), ..Batch::default() };
        let mut bytes = 0;
        let fits = |bytes: usize, count: usize| count < BATCH_FRAMES && bytes < BATCH_BYTES;
        while fits(bytes, batch.frames.len())
            && let Some(frame) = lanes.control.pop_front()
        {
            bytes += frame.bytes().len();
            batch.frames.push(frame);
        }
        while fits(bytes, batch.frames.len())
            && let Some(frame) = lanes.events.pop()
        {
            if let Some(event) = frame.event()
                && self.measures(event)
            {
                batch.taken_at = batch.taken_at.or(event.taken_at);
            }
            bytes += frame.wire().bytes().len();
            batch.frames.push(frame.into_wire());
        }
        while fits(bytes, batch.frames.len())
            && let Some((_, frame)) = lanes.volatile.pop_front()
        {
            bytes += frame.bytes().len();
            batch.frames.push(frame);
        }
        let rows = match &mut lanes.presence {
            Some(rows) if fits(bytes, batch.frames.len()) => rows.take(),
            _ => Vec::new(),
        };
        if lanes.presence.as_ref().is_some_and(|rows| rows.is_empty()) {
            lanes.presence = None;
        }
        if lanes.control.is_empty() {
            batch.close = lanes.close;
        }
        lanes.give_back_capacity();
        let room = lanes.events.bytes() <= self.events_max / 2;
        drop(lanes);
        if !rows.is_empty() {
            batch.frames.push(rows::frame(&rows));
        }
        if room {
            self.reader.wake();
        }
        (!batch.frames.is_empty() || batch.close.is_some()).then_some(batch)
    }
}

impl Lanes {
    /// An idle connection keeps no buffers from its busy times.
    fn give_back_capacity(&mut self) {
        self.events.give_back_capacity();
        if self.control.is_empty() && self.control.capacity() > 0 {
            self.control = VecDeque::new();
        }
        if self.volatile.is_empty() && self.volatile.capacity() > 0 {
            self.volatile = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_protocol::{Epoch, Seq};

    fn at(seq: u64) -> Position {
        Position::new(Epoch(1), Seq(seq))
    }

    fn event(room: RoomId, seq: u64, bytes: usize) -> Arc<PlacedFrame> {
        PlacedFrame::event(room, at(seq), &vec![b'x'; bytes])
    }

    async fn taken(outbound: &Outbound) -> usize {
        outbound.next().await.frames.len()
    }

    #[tokio::test]
    async fn control_goes_before_events_and_events_before_volatile() {
        let outbound = Outbound::new(4096);
        let room = RoomId::new();
        outbound.volatile("typing", WireFrame::text(b"v"));
        outbound.event(&event(room, 1, 3));
        outbound.control(WireFrame::text(b"c"));
        let batch = outbound.next().await;
        let sent: Vec<_> = batch.frames.iter().map(|f| f.bytes()[2]).collect();
        assert_eq!(sent, b"cxv");
    }

    #[tokio::test]
    async fn an_overflow_empties_the_lane_and_remembers_where_each_room_was() {
        let outbound = Outbound::new(2048);
        let (a, b) = (RoomId::new(), RoomId::new());
        assert_eq!(outbound.event(&event(a, 5, 800)), Pushed::Queued);
        assert_eq!(outbound.event(&event(b, 9, 800)), Pushed::Queued);
        assert_eq!(outbound.event(&event(a, 6, 800)), Pushed::Overflowed);
        assert_eq!(outbound.event(&event(a, 7, 10)), Pushed::Behind);
        assert_eq!(outbound.behind_at(a), Some(at(4)));
        assert_eq!(outbound.behind_at(b), Some(at(8)));
    }

    #[tokio::test]
    async fn an_overflow_during_catch_up_goes_back_to_what_was_not_written() {
        let outbound = Outbound::new(2048);
        let (a, b) = (RoomId::new(), RoomId::new());
        outbound.fall_behind(a, at(0));
        outbound.catch_up(a, at(0), &[event(a, 1, 900), event(a, 2, 900)]);
        assert_eq!(outbound.behind_at(a), Some(at(2)));
        assert_eq!(outbound.event(&event(b, 1, 900)), Pushed::Overflowed);
        assert_eq!(outbound.behind_at(a), Some(at(0)));
        assert!(!outbound.keep_up_from(a, at(2)), "it is not there any more");
        outbound.catch_up(a, at(2), &[event(a, 3, 10)]);
        assert_eq!(outbound.behind_at(a), Some(at(0)), "no hole");
        outbound.catch_up(a, at(0), &[event(a, 1, 10)]);
        assert_eq!(outbound.behind_at(a), Some(at(1)));
    }

    #[tokio::test]
    async fn an_overflow_after_a_step_back_goes_back_as_far() {
        let outbound = Outbound::new(2048);
        let (a, b) = (RoomId::new(), RoomId::new());
        outbound.event(&event(a, 9, 900));
        outbound.fall_behind(a, at(4));
        outbound.catch_up(a, at(4), &[event(a, 5, 900), event(a, 6, 900)]);
        assert_eq!(outbound.event(&event(b, 1, 900)), Pushed::Overflowed);
        assert_eq!(outbound.behind_at(a), Some(at(4)));
    }

    /// What a notice of a room's end has in place of the frame.
    const END: &[u8] = b"end";

    async fn first_bytes(outbound: &Outbound) -> Vec<u8> {
        outbound.next().await.frames.iter().map(|frame| frame.payload()[0]).collect()
    }

    #[tokio::test]
    async fn the_end_of_a_room_comes_after_its_events_and_before_its_new_beginning() {
        let outbound = Outbound::new(4096);
        let room = RoomId::new();
        outbound.event(&event(room, 1, 3));
        outbound.notice(room, Notice::Ends, WireFrame::text(END));
        outbound.notice(room, Notice::Begins, WireFrame::text(b"begin"));
        outbound.event(&event(room, 2, 3));
        assert_eq!(first_bytes(&outbound).await, b"xebx");
    }

    #[tokio::test]
    async fn an_overflow_spares_what_leads_up_to_the_end_of_a_room() {
        let outbound = Outbound::new(2048);
        let (left, other) = (RoomId::new(), RoomId::new());
        outbound.event(&event(left, 1, 900));
        outbound.notice(left, Notice::Ends, WireFrame::text(END));
        outbound.event(&event(other, 5, 800));
        assert_eq!(outbound.event(&event(other, 6, 800)), Pushed::Overflowed);
        assert_eq!((outbound.behind_at(left), outbound.behind_at(other)), (None, Some(at(4))));
        assert_eq!(first_bytes(&outbound).await, b"xe");
    }

    #[tokio::test]
    async fn what_is_read_after_a_new_beginning_drops_nothing_from_before_the_end() {
        let outbound = Outbound::new(4096);
        let room = RoomId::new();
        outbound.event(&event(room, 1, 3));
        outbound.notice(room, Notice::Ends, WireFrame::text(END));
        outbound.notice(room, Notice::Begins, WireFrame::text(b"begin"));
        outbound.event(&event(room, 7, 3));
        outbound.fall_behind(room, at(4));
        assert_eq!(first_bytes(&outbound).await, b"xeb");
    }

    #[tokio::test]
    async fn a_client_that_joins_and_leaves_and_never_reads_is_closed() {
        let outbound = Outbound::new(2048);
        for _ in 0..=CONTROL_MAX {
            outbound.notice(RoomId::new(), Notice::Ends, WireFrame::text(END));
        }
        let mut close = None;
        while close.is_none() {
            close = outbound.next().await.close;
        }
        assert_eq!(close, Some(CloseCode::SlowConsumer));
    }

    #[tokio::test]
    async fn what_was_read_for_another_position_is_passed_over() {
        let outbound = Outbound::new(2048);
        let room = RoomId::new();
        outbound.fall_behind(room, at(4));
        outbound.catch_up(room, at(90), &[PlacedFrame::reset(room, at(7))]);
        assert_eq!(outbound.behind_at(room), Some(at(4)));
    }

    #[tokio::test]
    async fn a_sync_longer_than_the_lane_is_taken_whole() {
        let outbound = Outbound::new(2048);
        let room = RoomId::new();
        let part = |upto| {
            let (after, wire) = (Some(at(1)), WireFrame::text(&[b'x'; 1500]));
            Arc::new(PlacedFrame { room, after, position: at(upto), wire, taken_at: None })
        };
        outbound.fall_behind(room, at(1));
        outbound.catch_up(room, at(1), &[part(1), part(1), part(1), part(8)]);
        assert_eq!(outbound.behind_at(room), Some(at(8)));
        assert_eq!(taken(&outbound).await, 4);
    }

    #[tokio::test]
    async fn of_volatile_frames_the_newest_of_each_key_goes() {
        let outbound = Outbound::new(2048);
        for text in ["a1", "a2"] {
            outbound.volatile("a", WireFrame::text(text.as_bytes()));
        }
        for n in 0..1000 {
            outbound.volatile(&n.to_string(), WireFrame::text(b"n"));
        }
        let mut sent = 0;
        for _ in 0..VOLATILE_MAX / BATCH_FRAMES {
            sent += taken(&outbound).await;
        }
        assert_eq!(sent, VOLATILE_MAX);
    }

    #[tokio::test]
    async fn a_client_that_never_reads_its_answers_is_closed() {
        let outbound = Outbound::new(2048);
        for _ in 0..=CONTROL_MAX {
            outbound.control(WireFrame::text(b"pong"));
        }
        let mut close = None;
        while close.is_none() {
            close = outbound.next().await.close;
        }
        assert_eq!(close, Some(CloseCode::SlowConsumer));
    }
}
