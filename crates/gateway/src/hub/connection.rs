//! One live connection, as the hub knows it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::{
    CloseCode, ConnectionId, Position, RoomId, ServerFrame, SessionId, Timestamp, UserId,
};

use super::frame::WireFrame;
use super::outbound::{Notice, Outbound};
use super::room::Room;
use super::typing::Typing;
use super::watch::Watching;

/// Rooms a connection hears, each with the connection's place in the room's list.
pub(super) type Rooms = HashMap<RoomId, (Arc<Room>, usize)>;

/// A connection after `hello`.
#[derive(Debug)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Who is at it.
    pub user: UserId,
    /// The login it belongs to.
    pub session: SessionId,
    /// Whether rooms the user joins later are added. Not where the client asked for certain rooms.
    pub follows_memberships: bool,
    /// What waits to be written.
    pub outbound: Outbound,
    /// The rooms it hears.
    rooms: Mutex<Rooms>,
    /// Whom it watches; nothing for those who watch nobody.
    watching: Mutex<Option<Box<Watching>>>,
    /// Where its person types; nothing for those who never did.
    typing: Mutex<Option<Box<Typing>>>,
    /// When the access token runs out, in milliseconds since 1970.
    token_expires_at: AtomicI64,
    /// The heartbeat tick at which it was last heard from.
    heard: AtomicU32,
    /// Whether the person is away from the device.
    away: AtomicBool,
    /// Whether its entry in the presence map waits to be written.
    announcing: AtomicBool,
    /// Sends that wait for their ack.
    in_flight: AtomicU32,
    /// Whether a task is reading the log for it.
    catching_up: AtomicBool,
    /// Whether it was told `ready` and hears its rooms.
    greeted: AtomicBool,
    /// Whether a membership changed while it was greeted.
    overtaken: AtomicBool,
    /// Set for good when it closes, after which it is added to no room.
    closed: AtomicBool,
}

impl Connection {
    /// A connection that hears nothing yet.
    #[must_use]
    pub fn new(
        user: UserId,
        session: SessionId,
        follows_memberships: bool,
        token_expires_at: Timestamp,
        outbound_bytes: usize,
    ) -> Self {
        Self {
            id: ConnectionId::new(),
            user,
            session,
            follows_memberships,
            outbound: Outbound::new(outbound_bytes),
            rooms: Mutex::default(),
            watching: Mutex::default(),
            typing: Mutex::default(),
            token_expires_at: AtomicI64::new(token_expires_at.millis()),
            heard: AtomicU32::new(0),
            away: AtomicBool::new(false),
            announcing: AtomicBool::new(false),
            in_flight: AtomicU32::new(0),
            catching_up: AtomicBool::new(false),
            greeted: AtomicBool::new(false),
            overtaken: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    /// Its rooms. Locked before any room's own state, never while one is held.
    pub(super) fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom it watches. Locked before the hub's table of watched people, never while that is.
    pub(super) fn watching(&self) -> MutexGuard<'_, Option<Box<Watching>>> {
        self.watching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where its person types.
    pub(super) fn typing(&self) -> MutexGuard<'_, Option<Box<Typing>>> {
        self.typing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it hears a room.
    #[must_use]
    pub fn hears(&self, room: RoomId) -> bool {
        self.rooms().contains_key(&room)
    }

    /// How many rooms it hears.
    #[must_use]
    pub fn room_count(&self) -> usize {
        self.rooms().len()
    }

    /// The rooms it hears.
    #[must_use]
    pub fn room_ids(&self) -> Vec<RoomId> {
        self.rooms().keys().copied().collect()
    }

    /// Queues a frame that must go.
    pub fn tell(&self, frame: &ServerFrame) {
        self.outbound.control(WireFrame::from(frame));
    }

    /// Tells it, in the order of events, that it hears a room, whose head is at `head`.
    pub fn tell_subscribed(&self, room: RoomId, head: Position) {
        let frame = ServerFrame::Subscribed { room, epoch: head.epoch, seq: head.seq };
        self.outbound.notice(room, Notice::Begins, WireFrame::from(&frame));
    }

    /// Tells it, after the events that wait, that it hears a room no longer.
    pub fn tell_unsubscribed(&self, room: RoomId) {
        let frame = ServerFrame::Unsubscribed { room };
        self.outbound.notice(room, Notice::Ends, WireFrame::from(&frame));
    }

    /// Closes it after what it was told so far.
    pub fn close(&self, code: CloseCode) {
        self.outbound.close(code);
    }

    /// When the access token runs out.
    #[must_use]
    pub fn token_expires_at(&self) -> Timestamp {
        Timestamp::from_millis(self.token_expires_at.load(Ordering::Relaxed))
    }

    /// A later access token counts from here on. An earlier one changes nothing.
    pub fn extend(&self, until: Timestamp) {
        self.token_expires_at.fetch_max(until.millis(), Ordering::Relaxed);
    }

    /// Something was heard from it.
    pub fn heard_at(&self, tick: u32) {
        self.heard.store(tick, Ordering::Relaxed);
    }

    /// The tick at which something was last heard.
    #[must_use]
    pub fn last_heard(&self) -> u32 {
        self.heard.load(Ordering::Relaxed)
    }

    /// What the person at it is doing.
    #[must_use]
    pub fn status(&self) -> DeviceStatus {
        if self.away.load(Ordering::Relaxed) { DeviceStatus::Away } else { DeviceStatus::Online }
    }

    /// The person does something else now.
    pub fn set_status(&self, status: DeviceStatus) {
        self.away.store(status == DeviceStatus::Away, Ordering::Relaxed);
    }

    /// Asks for its entry in the presence map to be written. False if it was asked already.
    pub(super) fn begin_announcement(&self) -> bool {
        !self.announcing.swap(true, Ordering::AcqRel)
    }

    /// The entry is about to be written, with the status from after this call.
    pub(super) fn end_announcement(&self) {
        self.announcing.store(false, Ordering::Release);
    }

    /// Counts one more send, unless `most` wait already.
    #[must_use]
    pub fn begin_send(&self, most: u32) -> bool {
        self.in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < most).then_some(n + 1))
            .is_ok()
    }

    /// A send has its answer.
    pub fn end_send(&self) {
        let _ =
            self.in_flight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
    }

    /// Claims the right to read the log for it. One task at a time.
    pub(super) fn begin_catch_up(&self) -> bool {
        !self.catching_up.swap(true, Ordering::AcqRel)
    }

    pub(super) fn end_catch_up(&self) {
        self.catching_up.store(false, Ordering::Release);
    }

    /// Its greeting is over: it follows memberships from here on. True if one changed meanwhile, so
    /// that all must be read again.
    #[must_use]
    pub fn finish_greeting(&self) -> bool {
        self.greeted.store(true, Ordering::SeqCst);
        self.overtaken.load(Ordering::SeqCst)
    }

    /// Whether it was told `ready`, before which nothing else makes sense to a client.
    #[must_use]
    pub fn is_greeted(&self) -> bool {
        self.greeted.load(Ordering::SeqCst)
    }

    /// Whether a change of membership may be applied to it. If not, it is noted for the greeting's
    /// end.
    pub(super) fn may_follow(&self) -> bool {
        if !self.is_greeted() {
            self.overtaken.store(true, Ordering::SeqCst);
        }
        // Looked at again: the greeting may have ended just before the note was made.
        self.is_greeted()
    }

    pub(super) fn mark_closed(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether it has closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
