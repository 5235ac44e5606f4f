//! Accounts.

use async_trait::async_trait;
use hubbub_protocol::http::Availability;
use hubbub_protocol::{PictureId, Timestamp, UserId};

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
    /// What they say about themselves; may be empty.
    pub bio: String,
    /// What they say they are doing; may be empty.
    pub status_text: String,
    /// Their picture.
    pub avatar: Option<PictureId>,
    /// Whether others are told how far they have read.
    pub send_receipts: bool,
    /// Whether others are told when they are typing.
    pub send_typing: bool,
    /// How they want to be seen while they are connected.
    pub availability: Availability,
    /// Whether they are a site administrator.
    pub admin: bool,
    /// Since when the account is suspended: nobody can log in to it.
    pub suspended_at: Option<Timestamp>,
    /// When the account was deleted. What is left is a stand-in for the author of what it said.
    pub deleted_at: Option<Timestamp>,
}

impl UserRecord {
    /// Whether somebody can use the account.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.suspended_at.is_none() && self.deleted_at.is_none()
    }
}

/// As both stores keep it.
pub(crate) const fn availability_code(availability: Availability) -> i32 {
    match availability {
        Availability::Auto => 0,
        Availability::Away => 1,
        Availability::Invisible => 2,
    }
}

/// What a store has kept. What it does not know is as for new accounts.
pub(crate) const fn availability_of(code: i32) -> Availability {
    match code {
        1 => Availability::Away,
        2 => Availability::Invisible,
        _ => Availability::Auto,
    }
}

/// The user name that a deleted account shows: one that nobody can register, since no user name
/// has a colon. Its own stays taken for ever, so that nobody else can pass for its owner.
pub(crate) fn stand_in_name(user: UserId) -> String {
    let id = user.as_uuid().simple().to_string();
    format!("deleted:{}", &id[20..])
}

/// The name that a deleted account shows.
pub(crate) const STAND_IN_DISPLAY_NAME: &str = "Deleted user";

/// What a person changes of their own account. `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// What to show.
    pub display_name: Option<String>,
    /// What they say about themselves.
    pub bio: Option<String>,
    /// What they say they are doing.
    pub status_text: Option<String>,
    /// Whether others are told how far they have read.
    pub send_receipts: Option<bool>,
    /// Whether others are told when they are typing.
    pub send_typing: Option<bool>,
    /// How they want to be seen while they are connected.
    pub availability: Option<Availability>,
}

/// Accounts.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Makes an account. Made again with the same id and user name, it stays as it is. The first
    /// account ever made is a site administrator: one, however many are made at once.
    ///
    /// # Errors
    /// [`StoreError::UsernameTaken`].
    async fn create_user(&self, user: NewUser) -> Result<UserRecord, StoreError>;

    /// The account of a (folded) user name with its password hash.
    async fn credentials(&self, username: &str)
    -> Result<Option<(UserRecord, String)>, StoreError>;

    /// Accounts by id; those that do not exist are left out. Order is not kept.
    async fn users(&self, ids: &[UserId]) -> Result<Vec<UserRecord>, StoreError>;

    /// Accounts by (folded) user name; those that do not exist, or no more, are left out. Order is
    /// not kept.
    async fn users_by_name(&self, names: &[String]) -> Result<Vec<UserRecord>, StoreError>;

    /// Accounts whose user name or display name (or a word of it) starts with `prefix`, without
    /// regard to case or diacritics; all accounts for an empty one. Suspended and deleted ones are
    /// left out. Ascending by id, after `after`.
    async fn find_users(
        &self,
        prefix: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserRecord>, StoreError>;

    /// Changes what others see of somebody; `None` if there is no such account, or no more.
    async fn update_profile(
        &self,
        user: UserId,
        change: ProfileChange,
    ) -> Result<Option<UserRecord>, StoreError>;

    /// Replaces somebody's picture, or takes it away, and tells which one they had before; `None`
    /// if there is no such account, or no more.
    async fn set_avatar(
        &self,
        user: UserId,
        avatar: Option<PictureId>,
    ) -> Result<Option<Option<PictureId>>, StoreError>;

    /// Notes when users were last connected. Never goes back.
    async fn set_last_seen(&self, users: &[UserId], at: Timestamp) -> Result<(), StoreError>;
}
