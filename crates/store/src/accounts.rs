//! The inside of accounts: secrets, administrators, suspension, and how an account ends.

use async_trait::async_trait;
use hubbub_protocol::{Timestamp, UserId};

use crate::{StoreError, UserRecord};

/// An account with what only its owner and the server know.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateAccount {
    /// What others may see as well.
    pub user: UserRecord,
    /// As given, not verified.
    pub email: Option<String>,
    /// Argon2id in PHC form.
    pub password_hash: String,
}

/// Accounts from the inside.
///
/// At any time somebody who is neither suspended nor deleted is a site administrator, once there is
/// an account: whatever would take the last one away is refused.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// An account that is not deleted.
    async fn account(&self, user: UserId) -> Result<Option<PrivateAccount>, StoreError>;

    /// Replaces a password's hash. Whether there is such an account, not deleted.
    async fn set_password(&self, user: UserId, hash: String) -> Result<bool, StoreError>;

    /// As [`UserStore::find_users`](crate::UserStore::find_users), with suspended accounts.
    async fn find_accounts(
        &self,
        prefix: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserRecord>, StoreError>;

    /// Makes somebody a site administrator, or no longer one. A suspended account stays as it is.
    /// `None` if there is no such account, or no more.
    ///
    /// # Errors
    /// [`StoreError::LastAdmin`].
    async fn set_admin(&self, user: UserId, on: bool) -> Result<Option<UserRecord>, StoreError>;

    /// Suspends an account, which then administers nothing. One that is suspended already stays so
    /// since when it was. `None` if there is no such account, or no more.
    ///
    /// # Errors
    /// [`StoreError::LastAdmin`].
    async fn suspend(&self, user: UserId, at: Timestamp) -> Result<Option<UserRecord>, StoreError>;

    /// Ends a suspension. `None` if there is no such account, or no more.
    async fn reinstate(&self, user: UserId) -> Result<Option<UserRecord>, StoreError>;

    /// Deletes an account: from here on nobody can log in to it or find it, its name is a
    /// stand-in's, its own user name stays taken. What else there is of it is named by
    /// [`erasures`](Self::erasures) until it is gone. Whether there was such an account; a deleted
    /// one answers as it did the first time.
    ///
    /// # Errors
    /// [`StoreError::LastAdmin`].
    async fn begin_erasure(&self, user: UserId, at: Timestamp) -> Result<bool, StoreError>;

    /// Up to `limit` deleted accounts of which something is left, the longest waiting first.
    async fn erasures(&self, limit: usize) -> Result<Vec<UserId>, StoreError>;

    /// Removes what a deleted account has left in the store but its messages: picture, sessions,
    /// blocks, memberships, positions. The last step: the account is no longer among the
    /// [`erasures`](Self::erasures). Of an account that is not deleted, nothing.
    async fn finish_erasure(&self, user: UserId) -> Result<(), StoreError>;
}
