//! What nodes share while they run: order, fan-out, presence and rate limits.
//!
//! Two implementations under one contract suite: [`redis`] for a cluster, [`local`] for one process.
//! What is kept for good is not here (see `hubbub-store`); neither knows the other.
//!
//! - [`log`]: the room's one order: commit, seed, reopen, heads, hot log
//! - [`fanout`]: what arrives at a node: events, resets, volatile frames, control, stored notices
//! - [`wal`]: the write-ahead log between commit and storage, and its dead letters
//! - [`presence`]: user → connections, node leases, and who has just left
//! - [`operator`]: what operators see of nodes, and ask of them
//! - [`metric`]: the names of what is counted
//! - [`limit`]: rate limits (GCRA) that count the same on every node
//! - [`redis`], [`local`]: the implementations
//! - `dispatch`: the bounded lanes between what arrives and the hub, shared by both

mod dispatch;
pub mod fanout;
pub mod limit;
pub mod local;
pub mod log;
pub mod metric;
pub mod operator;
pub mod presence;
pub mod redis;
pub mod wal;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use hubbub_protocol::{NodeId, SessionId};

pub use fanout::{Control, Fanout, Receiver};
pub use limit::{Quota, RateLimits, Verdict};
pub use log::{Commit, CommitError, CommitRequest, LogEvent, LogRead, Progress, RoomLog};
pub use operator::{NodeCommand, NodeStatus, NodeTrace};
pub use presence::{Connection, Departure, Presence, UserPresence};
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

/// The name of a process that runs as `node`: unlike any before and after it.
fn incarnation_of(node: &NodeId) -> NodeId {
    let random: u32 = rand::random();
    // 9 characters of the 63 a name may have are the dot and the random part.
    let name: String = node.as_str().chars().take(54).collect();
    format!("{name}.{random:08x}").parse().expect("a shortened node name and hex digits are a name")
}

/// 64-bit FNV-1a (Fowler, Noll, Vo). Partitions and shards of a running cluster depend on it, so
/// it is ours and never changes, unlike the standard library's hasher.
const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

/// The place of `bytes` among `count` shards. The high half decides: FNV-1a mixes it better.
fn shard_of(bytes: &[u8], count: usize) -> usize {
    (fnv1a(bytes) >> 32) as usize % count.max(1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn two_processes_of_one_node_have_two_names() {
        let node: NodeId = "n".repeat(63).parse().unwrap();
        let (first, second) = (incarnation_of(&node), incarnation_of(&node));
        assert_ne!(first, second);
        assert_eq!(first.as_str().len(), 63);
    }
}
