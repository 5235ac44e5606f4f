//! The bus of one process: the same promises, in memory.
//!
//! What it holds is gone with the process. That is what an epoch is for: after a restart rooms have
//! no counters and are seeded from the store.

mod fanout;
mod limit;
mod log;
mod presence;
mod wal;

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hubbub_protocol::{NodeId, SessionId};

use crate::log::DEDUPE_WINDOW;
use crate::presence::{LEASE, OFFLINE_GRACE};
use crate::{Bus, BusError, Control, Fanout, incarnation_of};

/// Ended sessions remembered before those whose time is over are looked for.
const SESSIONS_SWEEP: usize = 1024;

/// What a [`LocalBus`] is told.
#[derive(Debug, Clone)]
pub struct LocalOptions {
    /// The node's name.
    pub node: NodeId,
    /// Events that may wait for storage. Past it commits answer `Overloaded`.
    pub wal_limit: usize,
    /// How long an id is remembered once it is stored.
    pub dedupe_window: Duration,
    /// How long the node's lease lasts without renewal.
    pub lease: Duration,
    /// How long somebody is shown as before after their last connection has ended.
    pub offline_grace: Duration,
}

impl LocalOptions {
    /// The defaults, under this name.
    #[must_use]
    pub fn new(node: NodeId) -> Self {
        Self {
            node,
            wal_limit: 100_000,
            dedupe_window: DEDUPE_WINDOW,
            lease: LEASE,
            offline_grace: OFFLINE_GRACE,
        }
    }
}

/// The bus of one process.
pub struct LocalBus {
    incarnation: NodeId,
    rooms: log::Rooms,
    queue: wal::Queue,
    hearing: fanout::Hearing,
    presence: Mutex<presence::Map>,
    limits: Mutex<limit::Buckets>,
    sessions: Mutex<Ended>,
}

#[derive(Default)]
struct Ended {
    until: HashMap<SessionId, Instant>,
    sweep_at: usize,
}

impl LocalBus {
    /// A bus that has heard of nothing yet.
    #[must_use]
    pub fn new(options: LocalOptions) -> Self {
        let LocalOptions { node, wal_limit, dedupe_window, lease, offline_grace } = options;
        Self {
            incarnation: incarnation_of(&node),
            rooms: log::Rooms::new(dedupe_window),
            queue: wal::Queue::new(wal_limit),
            hearing: fanout::Hearing::default(),
            presence: Mutex::new(presence::Map::new(lease, offline_grace)),
            limits: Mutex::default(),
            sessions: Mutex::default(),
        }
    }
}

impl fmt::Debug for LocalBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalBus").field("incarnation", &self.incarnation).finish_non_exhaustive()
    }
}

/// A lock whose holder panicked still holds data that every step left whole.
fn locked<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[async_trait]
impl Bus for LocalBus {
    fn incarnation(&self) -> &NodeId {
        &self.incarnation
    }

    async fn end_session(&self, session: SessionId, keep: Duration) -> Result<(), BusError> {
        {
            let now = Instant::now();
            let mut ended = locked(&self.sessions);
            if ended.until.len() >= ended.sweep_at.max(SESSIONS_SWEEP) {
                ended.until.retain(|_, until| *until > now);
                ended.sweep_at = ended.until.len() * 2;
            }
            ended.until.insert(session, now + keep);
        }
        self.publish_control(&Control::SessionEnded { session }).await
    }

    async fn session_ended(&self, session: SessionId) -> Result<bool, BusError> {
        let ended = locked(&self.sessions);
        Ok(ended.until.get(&session).is_some_and(|until| *until > Instant::now()))
    }
}
