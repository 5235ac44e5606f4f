//! How far each member has come: one row per (room, user) that only moves forward.

use async_trait::async_trait;
use hubbub_protocol::{RoomId, Seq, UserId};

use crate::StoreError;

/// How far a member has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositionRecord {
    /// The room.
    pub room: RoomId,
    /// The member.
    pub user: UserId,
    /// The last event that reached one of their devices. Never below `read`.
    pub delivered: Seq,
    /// The last event they have read.
    pub read: Seq,
}

impl PositionRecord {
    /// Of a member who has come nowhere yet.
    pub(crate) const fn start(room: RoomId, user: UserId) -> Self {
        Self { room, user, delivered: Seq(0), read: Seq(0) }
    }
}

/// Positions and what follows from them.
#[async_trait]
pub trait PositionStore: Send + Sync {
    /// Moves a member's positions forward (the greater counts) and returns where they are then.
    /// Reading implies delivery.
    async fn mark(
        &self,
        room: RoomId,
        user: UserId,
        delivered: Option<Seq>,
        read: Option<Seq>,
    ) -> Result<PositionRecord, StoreError>;

    /// A user's positions in rooms, in the order asked; zeros where there are none.
    async fn positions(
        &self,
        user: UserId,
        rooms: &[RoomId],
    ) -> Result<Vec<PositionRecord>, StoreError>;

    /// How many messages by others follow each `read`, in the order asked. Counted, never kept.
    async fn unread(&self, user: UserId, rooms: &[(RoomId, Seq)]) -> Result<Vec<u64>, StoreError>;
}
