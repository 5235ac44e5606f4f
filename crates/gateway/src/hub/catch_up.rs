//! Filling gaps: for a room on this node, and for one connection (P5).
//!
//! Both are the same loop: read what follows the position, hand it out, until the position is the
//! head. A room goes live again by itself, because the next event then follows its head; a
//! connection goes live under the room's lock, at the moment its position is the room's head.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use hubbub_protocol::{Position, RoomId};
use rand::Rng;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::Hub;
use super::connection::Connection;
use super::frame::PlacedFrame;
use super::reader::{Continuation, Witness};
use super::room::Room;
use crate::committer::CommitFailure;
use crate::metric::{Metric, Resume};

/// How long a newly heard room may take to tell its head.
pub(super) const HEAD_WAIT: Duration = Duration::from_secs(5);
/// Rooms whose heads are asked for at once.
const HEADS_BATCH: usize = 500;
/// Pause of a connection that is ahead of its node, which is reading on.
const HEAD_PAUSE: Duration = Duration::from_millis(5);
/// Pause before asking again for what the store does not have yet.
const NOT_YET_PAUSE: Duration = Duration::from_millis(200);
/// How often to ask for it before the client is told to reload: five seconds' worth.
const NOT_YET_MAX: u32 = 25;
/// Longest pause between tries while Redis or MongoDB is away.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Pauses that grow while something is away, spread so that a cluster does not retry in step.
#[derive(Debug, Default)]
struct Backoff(u32);

impl Backoff {
    async fn wait(&mut self) {
        let ceiling = Duration::from_millis(50).saturating_mul(1 << self.0.min(8)).min(RETRY_MAX);
        self.0 += 1;
        let pause = ceiling.mul_f64(rand::rng().random_range(0.5..=1.0));
        sleep(pause).await;
    }
}

/// Asks for the heads of rooms whose subscription was confirmed, many at once.
pub(super) async fn learn_heads(hub: Arc<Hub>, mut wanted: mpsc::UnboundedReceiver<RoomId>) {
    let mut batch = Vec::new();
    while wanted.recv_many(&mut batch, HEADS_BATCH).await > 0 {
        let heads = match hub.bus.heads(&batch).await {
            Ok(heads) => heads,
            Err(error) => {
                tracing::warn!(%error, "can't read the heads of newly heard rooms");
                vec![None; batch.len()]
            }
        };
        for (room, head) in batch.drain(..).zip(heads) {
            let Some(held) = hub.room(room) else { continue };
            match head {
                Some(head) => hub.learn_head(&held, head),
                // Without counters, or without an answer: one by one, beside the others.
                None => hub.spawn(seek_head(Arc::clone(&hub), held)),
            }
        }
    }
}

async fn seek_head(hub: Arc<Hub>, room: Arc<Room>) {
    let mut backoff = Backoff::default();
    while !room.state().retired && room.head().is_none() {
        match hub.committer.head(room.id).await {
            Ok(head) => hub.learn_head(&room, head),
            Err(CommitFailure::NoSuchRoom) => return,
            Err(error) => {
                tracing::warn!(room = %room.id, %error, "can't read a room's head");
                backoff.wait().await;
            }
        }
    }
}

impl Hub {
    /// The head of a newly heard room is known: from here on its events are handed out.
    fn learn_head(&self, room: &Arc<Room>, head: Position) {
        let mut state = room.state();
        if state.head.is_some() {
            return;
        }
        state.head = Some(head);
        let behind = state.doubted || state.heard_of.is_some_and(|heard_of| heard_of > head);
        let fill = behind && !std::mem::replace(&mut state.filling, true);
        drop(state);
        room.head_known.notify_waiters();
        if fill {
            self.fill(Arc::clone(room));
        }
    }

    /// Reads what a room on this node has missed. The caller has set its `filling`.
    pub(super) fn fill(&self, room: Arc<Room>) {
        if let Some(hub) = self.me.upgrade() {
            metrics::counter!(Metric::Fills.name()).increment(1);
            self.spawn(fill(hub, room));
        }
    }

    /// Compares rooms with the bus after the subscription was interrupted, and reads what is
    /// missing; or finds that the bus is the one that has lost something.
    pub(super) fn check_for_gaps(&self, rooms: Vec<RoomId>) {
        for room in rooms {
            let Some(held) = self.room(room) else { continue };
            let mut state = held.state();
            // Whoever reads the head or fills a gap right now may have read before the loss.
            state.doubted = true;
            if state.head.is_none() || std::mem::replace(&mut state.filling, true) {
                continue;
            }
            drop(state);
            self.fill(held);
        }
    }

    /// Reads the log for a connection's rooms that are behind, unless that is under way.
    pub(super) fn catch_up(&self, connection: &Arc<Connection>) {
        if connection.begin_catch_up()
            && let Some(hub) = self.me.upgrade()
        {
            self.spawn(catch_up(hub, Arc::clone(connection)));
        }
    }
}

async fn fill(hub: Arc<Hub>, room: Arc<Room>) {
    let mut backoff = Backoff::default();
    let mut not_yet = 0;
    while let Some(from) = room.begin_read() {
        let frames = match hub.reader.after(room.id, from, Witness::Node).await {
            Ok(Continuation::Head(_)) => {
                let mut state = room.state();
                let moved = state.head != Some(from);
                // Heard of, but not in the log: committed while it was read, or lost by the bus
                // since. One more read tells.
                let more = state.heard_of.take().is_some_and(|heard_of| heard_of > from);
                if moved || more || state.doubted {
                    continue;
                }
                state.filling = false;
                return;
            }
            Ok(Continuation::Events(frames) | Continuation::Sync(frames)) => frames,
            Ok(Continuation::Reset(head)) => [PlacedFrame::reset(room.id, head)].into(),
            Ok(Continuation::NotYet(head)) => {
                not_yet += 1;
                if not_yet <= NOT_YET_MAX {
                    sleep(NOT_YET_PAUSE).await;
                    continue;
                }
                [PlacedFrame::reset(room.id, head)].into()
            }
            Err(error) => {
                if room.state().retired || matches!(*error, CommitFailure::NoSuchRoom) {
                    break;
                }
                tracing::warn!(room = %room.id, %error, "can't fill a gap yet");
                backoff.wait().await;
                continue;
            }
        };
        for frame in frames.iter() {
            let before = room.head();
            for connection in room.advance_from(from, frame, hub.tick()) {
                hub.catch_up(&connection);
            }
            if room.head() == Some(frame.position) && before != room.head() {
                hub.delivered(room.id, frame.position, room.state().members.len());
            }
            hub.follow_member_event(room.id, frame.wire.payload());
        }
        if room.head() == Some(from) {
            // Nothing of it continues the head, which should not be; not asked again at once.
            backoff.wait().await;
        } else {
            backoff = Backoff::default();
        }
    }
    room.state().filling = false;
}

async fn catch_up(hub: Arc<Hub>, connection: Arc<Connection>) {
    let mut backoff = Backoff::default();
    // Rooms that have to wait for the store, and how often they did. The others go first, and also
    // before those that could not be read: perhaps only their part of the bus is away.
    let mut waited: HashMap<RoomId, u32> = HashMap::new();
    let mut waiting = HashSet::new();
    let mut failed = false;
    // A long gap is read in parts, and is one.
    let mut counted = HashSet::new();
    while connection.outbound.room_for_more().await && !connection.is_closed() {
        let Some((room, from)) = connection.outbound.behind(&waiting) else {
            if !waiting.is_empty() {
                if std::mem::take(&mut failed) {
                    backoff.wait().await;
                } else {
                    sleep(NOT_YET_PAUSE).await;
                }
                waiting.clear();
                continue;
            }
            connection.end_catch_up();
            // Somebody may have fallen behind between the look and the end.
            if connection.outbound.behind(&waiting).is_none() || !connection.begin_catch_up() {
                return;
            }
            continue;
        };
        let Some(held) = heard_room(&connection, room) else { continue };
        if go_live(&connection, &held, from) {
            continue;
        }
        let (frames, kind) = match hub.reader.after(room, from, Witness::Client).await {
            Ok(Continuation::Events(frames)) => (frames, Resume::Log),
            Ok(Continuation::Sync(frames)) => (frames, Resume::Sync),
            Ok(Continuation::Reset(head)) => reset(room, head),
            Ok(Continuation::Head(head)) => {
                // The connection is where the log ends, and this node has not come so far.
                if held.head().is_some_and(|here| here < head) {
                    hub.check_for_gaps(vec![room]);
                }
                sleep(HEAD_PAUSE).await;
                continue;
            }
            Ok(Continuation::NotYet(head)) => {
                let times = waited.entry(room).or_default();
                *times += 1;
                if *times <= NOT_YET_MAX {
                    waiting.insert(room);
                    continue;
                }
                reset(room, head)
            }
            Err(error) if matches!(*error, CommitFailure::NoSuchRoom) => {
                hub.detach_and_tell(&connection, room);
                continue;
            }
            Err(error) => {
                tracing::warn!(%room, %error, "can't read on for a connection yet");
                waiting.insert(room);
                failed = true;
                continue;
            }
        };
        backoff = Backoff::default();
        if counted.insert(room) {
            kind.count();
        }
        connection.outbound.catch_up(room, from, &frames);
    }
    connection.end_catch_up();
}

/// What tells a client to reload a room.
fn reset(room: RoomId, head: Position) -> (Arc<[Arc<PlacedFrame>]>, Resume) {
    ([PlacedFrame::reset(room, head)].into(), Resume::Reset)
}

/// The room, if the connection still hears it; if not, it is not behind in it either.
fn heard_room(connection: &Connection, room: RoomId) -> Option<Arc<Room>> {
    let rooms = connection.rooms();
    let held = rooms.get(&room).map(|(held, _)| Arc::clone(held));
    if held.is_none() {
        connection.outbound.let_go(room);
    }
    held
}

/// Makes a room live for a connection if it has come to the room's head. Under the room's lock, so
/// that the next event finds it live.
fn go_live(connection: &Connection, room: &Room, position: Position) -> bool {
    let state = room.state();
    state.head == Some(position) && connection.outbound.keep_up_from(room.id, position)
}
