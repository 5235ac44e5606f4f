//! Accounts.

use async_trait::async_trait;
use hubbub_protocol::{Timestamp, UserId};

use crate::StoreError;

/// An account to make.
#[derive(Clone)]
pub struct NewUser {
    /// The id.
    pub id: UserId,
    /// Unique; already folded to lower case.
    pub username: String,
    /// What to show.
    pub display_name: String,
    /// Kept, not verified.
    pub email: Option<String>,
    /// Argon2id in PHC form.
    pub password_hash: String,
    /// When it is made.
    pub created_at: Timestamp,
}

/// An account, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// The id.
    pub id: UserId,
    /// Unique, lower case.
    pub username: String,
    /// What to show.
    pub display_name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the last connection ended.
    pub last_seen: Option<Timestamp>,
}

/// Accounts.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Makes an account. Made again with the same id and user name, it stays as it is.
    ///
    /// # Errors
    /// [`StoreError::UsernameTaken`].
    async fn create_user(&self, user: NewUser) -> Result<UserRecord, StoreError>;

    /// The account of a (folded) user name with its password hash.
    async fn credentials(&self, username: &str)
    -> Result<Option<(UserRecord, String)>, StoreError>;

    /// Accounts by id; those that do not exist are left out. Order is not kept.
    async fn users(&self, ids: &[UserId]) -> Result<Vec<UserRecord>, StoreError>;

    /// Accounts whose user name or display name (or a word of it) starts with `prefix`, without
    /// regard to case or diacritics; all accounts for an empty one. Ascending by id, after `after`.
    async fn find_users(
        &self,
        prefix: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserRecord>, StoreError>;

    /// Notes when users were last connected. Never goes back.
    async fn set_last_seen(&self, users: &[UserId], at: Timestamp) -> Result<(), StoreError>;
}
