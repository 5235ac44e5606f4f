//! Logins. A session is the family of refresh tokens that descends from one login; of each token
//! only the SHA-256 is kept.

use async_trait::async_trait;
use hubbub_protocol::{SessionId, Timestamp, UserId};

use crate::StoreError;

/// SHA-256 of a refresh token.
pub type TokenHash = [u8; 32];

/// A session to begin.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The first refresh token's hash.
    pub token: TokenHash,
    /// When it begins.
    pub created_at: Timestamp,
    /// When its refresh token runs out, if it is not used.
    pub expires_at: Timestamp,
    /// When its latest access token runs out.
    pub access_expires_at: Timestamp,
    /// What the client calls itself.
    pub client: Option<String>,
}

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// The id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// When it began.
    pub created_at: Timestamp,
    /// When its tokens were last renewed.
    pub renewed_at: Timestamp,
    /// When its refresh token runs out, if it is not used.
    pub expires_at: Timestamp,
    /// When its latest access token runs out.
    pub access_expires_at: Timestamp,
    /// What the client called itself when it logged in.
    pub client: Option<String>,
}

/// What became of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The new token counts from here on.
    Rotated(SessionRecord),
    /// The token had been used before: its session was ended by this call (or already was).
    Reused(SessionId),
    /// No live session has or had this token.
    Unknown,
}

/// Logins.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Begins a session.
    async fn create_session(&self, session: NewSession) -> Result<SessionRecord, StoreError>;

    /// Replaces a session's token, atomically: of several calls with the same token one wins, and
    /// the others find it reused. A token that ran out before `now` is unknown, whether it had been
    /// used or not. The same call again (same `next`) gives the same answer.
    async fn rotate_session(
        &self,
        presented: &TokenHash,
        next: &TokenHash,
        now: Timestamp,
        expires_at: Timestamp,
        access_expires_at: Timestamp,
    ) -> Result<Rotation, StoreError>;

    /// A session that is live at `now`.
    async fn session(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, StoreError>;

    /// Of these sessions, those that are live at `now`.
    async fn live_sessions(
        &self,
        ids: &[SessionId],
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// A user's sessions that are live at `now`, the newest first.
    async fn sessions_of(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError>;

    /// Ends a user's sessions but one, and returns every other one that has an access token good at
    /// `now`, ended by this call or before: the same call again returns them again, so that whoever
    /// has to be told can be.
    async fn end_sessions(
        &self,
        user: UserId,
        but: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// Ends a session. Whether it was live.
    async fn end_session(&self, id: SessionId) -> Result<bool, StoreError>;
}
