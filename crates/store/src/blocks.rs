//! Who does not want to hear from whom.

use async_trait::async_trait;
use hubbub_protocol::UserId;

use crate::StoreError;

/// People that one person may block.
pub const BLOCKS_MAX: usize = 1_000;

/// Blocks. Each is one person's; who is blocked is never told.
#[async_trait]
pub trait BlockStore: Send + Sync {
    /// Blocks somebody. Whether they were not blocked before.
    ///
    /// # Errors
    /// [`StoreError::TooManyBlocks`] past [`BLOCKS_MAX`]. Several calls at once may pass it by as
    /// many.
    async fn block(&self, user: UserId, blocked: UserId) -> Result<bool, StoreError>;

    /// Takes a block back. Whether there was one.
    async fn unblock(&self, user: UserId, blocked: UserId) -> Result<bool, StoreError>;

    /// Whom somebody has blocked, ascending by id, after `after`.
    async fn blocked_by(
        &self,
        user: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError>;

    /// Of `others`, those who have blocked `user` or whom `user` has blocked, in ascending order.
    async fn blocked_between(
        &self,
        user: UserId,
        others: &[UserId],
    ) -> Result<Vec<UserId>, StoreError>;

    /// Of `others`, those who have blocked `user`, in ascending order: what they do is hidden from
    /// `user`.
    async fn blockers_among(
        &self,
        user: UserId,
        others: &[UserId],
    ) -> Result<Vec<UserId>, StoreError>;

    /// Of these pairs, those of whom the first has blocked the second. For re-checking who watches
    /// whom in batches. Order is not kept.
    async fn blocks_among(
        &self,
        pairs: &[(UserId, UserId)],
    ) -> Result<Vec<(UserId, UserId)>, StoreError>;
}
