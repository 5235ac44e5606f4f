//! What nodes share while they run: order, fan-out, presence and rate limits.
//!
//! Two implementations under one contract suite: [`redis`] for a cluster, [`local`] for one process.
//! What is kept for good is not here (see `hubbub-store`); neither knows the other.
//!
//! - [`log`]: the room's one order: commit, seed, reopen, heads, hot log
//! - [`fanout`]: what arrives at a node: events, resets, volatile frames, control, stored notices
//! - [`wal`]: the write-ahead log between commit and storage, and its dead letters
//! - [`presence`]: user → connections, node leases
//! - [`limit`]: rate limits (GCRA) that count the same on every node
//! - [`redis`], [`local`]: the implementations

pub mod fanout;
pub mod limit;
pub mod local;
pub mod log;
pub mod presence;
pub mod redis;
pub mod wal;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use hubbub_protocol::{NodeId, SessionId};

pub use fanout::{Control, Fanout, Receiver};
pub use limit::{Quota, RateLimits, Verdict};
pub use log::{Commit, CommitError, CommitRequest, LogRead, RoomLog};
pub use presence::{Connection, Presence, UserPresence};
pub use wal::{DeadLetter, StoredNotice, Wal, WalEntry};

/// The bus can't be reached, or answered with something it never should.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BusError {
    /// No answer in time, or no connection. The operation may or may not have happened; every
    /// operation here can be repeated.
    #[error("bus unavailable: {0}")]
    Unavailable(String),
    /// The other side speaks, but not as expected.
    #[error("unexpected answer from the bus: {0}")]
    Protocol(String),
}

/// Everything a gateway needs from the bus.
#[async_trait]
pub trait Bus:
    RoomLog + Fanout + Presence + RateLimits + fmt::Debug + Send + Sync + 'static
{
    /// This process's name on the bus: the node's name and a random part, so that a node that
    /// comes back under the same name is not taken for its former self.
    fn incarnation(&self) -> &NodeId;

    /// Remembers for `keep` that a session has ended, and tells every node.
    async fn end_session(&self, session: SessionId, keep: Duration) -> Result<(), BusError>;

    /// Whether a session ended within the time it is remembered.
    async fn session_ended(&self, session: SessionId) -> Result<bool, BusError>;
}
