//! Rooms that are gone for good, and the removal of what is left of them.
//!
//! A room is destroyed by one write, from which on no reader finds it. A job stays behind, for ever:
//! it says that the room is not to come back, and how far the removal of everything else has come.
//! What is removed is counted as *found − left*, with both kept in the job, so that a removal that
//! is broken off and begun again, by whichever process, still counts everything once.

use std::time::Duration;

use async_trait::async_trait;
use hubbub_protocol::http::RemovedCounts;
use hubbub_protocol::{PictureId, RoomId, Timestamp, UserId};

use crate::StoreError;

/// Something of a destroyed room that is removed by itself. Each can be counted and removed any
/// number of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remains {
    /// Memberships and bans.
    Memberships,
    /// The log: events of every kind, and what is kept beside them of reactions and mentions.
    Events,
    /// Reactions and mentions, which are part of their events and not counted.
    Folded,
    /// What the search finds messages by.
    SearchEntries,
    /// Read and delivery positions.
    Positions,
    /// Inbox entries.
    InboxEntries,
}

impl Remains {
    /// All of them, in the order of removal: who could still see something goes first.
    pub const ALL: &'static [Self] = &[
        Self::Memberships,
        Self::Events,
        Self::Folded,
        Self::SearchEntries,
        Self::Positions,
        Self::InboxEntries,
    ];

    /// Where they are counted, if they are.
    #[must_use]
    pub const fn count_in(self, counts: &mut RemovedCounts) -> Option<&mut u64> {
        match self {
            Self::Memberships => Some(&mut counts.memberships),
            Self::Events => Some(&mut counts.events),
            Self::Folded => None,
            Self::SearchEntries => Some(&mut counts.search_entries),
            Self::Positions => Some(&mut counts.positions),
            Self::InboxEntries => Some(&mut counts.inbox_entries),
        }
    }
}

/// The removal of a destroyed room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestructionJob {
    /// The room.
    pub room: RoomId,
    /// Who destroyed it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// When the last of it was gone.
    pub finished_at: Option<Timestamp>,
    /// What there was, as far as it has been looked at.
    pub found: RemovedCounts,
    /// What was removed so far.
    pub removed: RemovedCounts,
    /// The picture it had, if it had one.
    pub icon: Option<PictureId>,
}

impl DestructionJob {
    /// What was removed, now that of what was found `left` is left.
    pub fn count(&mut self, what: Remains, left: u64) {
        let found = what.count_in(&mut self.found).map_or(0, |found| *found);
        if let Some(removed) = what.count_in(&mut self.removed) {
            *removed = found.saturating_sub(left);
        }
    }
}

/// Destroying rooms.
#[async_trait]
pub trait DestructionStore: Send + Sync {
    /// Destroys a room: from here on it does not exist, for any reader. The job as it is then;
    /// destroyed again, it stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRoom`] for a room that never was.
    async fn destroy_room(
        &self,
        room: RoomId,
        by: UserId,
        now: Timestamp,
    ) -> Result<DestructionJob, StoreError>;

    /// The job of a destroyed room.
    async fn destruction(&self, room: RoomId) -> Result<Option<DestructionJob>, StoreError>;

    /// Takes the oldest unfinished job that nobody holds, for `lease`. A holder that dies or is
    /// slower than its lease is followed by another, which does no harm: every step can be repeated.
    async fn claim_destruction(
        &self,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<DestructionJob>, StoreError>;

    /// Notes how far a job has come, and holds it until `held_until`.
    async fn note_destruction(
        &self,
        job: &DestructionJob,
        held_until: Timestamp,
    ) -> Result<(), StoreError>;

    /// How much of a destroyed room is left.
    async fn count_remains(&self, room: RoomId, what: Remains) -> Result<u64, StoreError>;

    /// Removes up to `most` of what is left of a destroyed room, and returns how many.
    async fn remove_remains(
        &self,
        room: RoomId,
        what: Remains,
        most: usize,
    ) -> Result<u64, StoreError>;
}
