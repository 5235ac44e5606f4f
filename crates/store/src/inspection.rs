//! Looking at all that is stored, for operators: sizes, and whether it is sound.

use async_trait::async_trait;
use hubbub_protocol::{Epoch, RoomId, Seq, UserId};

use crate::StoreError;

/// A room by its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomSize {
    /// The room.
    pub room: RoomId,
    /// How many members it has.
    pub members: u64,
}

/// What of one epoch of a room is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSpan {
    /// The epoch.
    pub epoch: Epoch,
    /// Its first event that is stored.
    pub first: Seq,
    /// Its last.
    pub last: Seq,
    /// How many there are.
    pub events: u64,
}

impl LogSpan {
    /// Places between the first and the last that no event is stored at.
    #[must_use]
    pub const fn missing(&self) -> u64 {
        (self.last.0 + 1).saturating_sub(self.first.0).saturating_sub(self.events)
    }
}

/// A membership of a room that is not there and was never destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrayMember {
    /// The room that is not there.
    pub room: RoomId,
    /// Who should be in it.
    pub user: UserId,
}

/// What operators ask. Reads much more than any client may cause to be read.
#[async_trait]
pub trait InspectionStore: Send + Sync {
    /// Rooms of every kind, ascending by id, after `after`.
    async fn room_ids(
        &self,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomId>, StoreError>;

    /// The rooms with the most members, the largest first.
    async fn largest_rooms(&self, limit: usize) -> Result<Vec<RoomSize>, StoreError>;

    /// What is stored of each epoch of a room, in order. Looks at every event of the room.
    async fn log_spans(&self, room: RoomId) -> Result<Vec<LogSpan>, StoreError>;

    /// Stray memberships. Looks at every membership.
    async fn stray_members(&self, limit: usize) -> Result<Vec<StrayMember>, StoreError>;

    /// Removes stray memberships. Returns how many were there.
    async fn remove_stray_members(&self, strays: &[StrayMember]) -> Result<u64, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_between_the_first_and_the_last() {
        let span = |first, last, events| LogSpan {
            epoch: Epoch(1),
            first: Seq(first),
            last: Seq(last),
            events,
        };
        assert_eq!(span(1, 9, 9).missing(), 0);
        assert_eq!(span(10_001, 10_009, 7).missing(), 2);
        assert_eq!(span(5, 5, 1).missing(), 0);
    }
}
