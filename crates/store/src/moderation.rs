//! Keeping order in rooms: roles, mutes, removals, bans.
//!
//! Who may do what to whom is the caller's to know; that nobody does it to somebody of the same or a
//! greater role is checked here, in the very write that does it.

use async_trait::async_trait;
use hubbub_protocol::http::Role;
use hubbub_protocol::{RoomId, Timestamp, UserId};

use crate::StoreError;

/// Somebody who may not come into a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanRecord {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// Who banned them.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<String>,
}

/// Roles, mutes, removals and bans.
#[async_trait]
pub trait ModerationStore: Send + Sync {
    /// Makes somebody a member or a moderator, and returns what they were. The owner stays it:
    /// see [`Self::hand_over`].
    ///
    /// # Errors
    /// [`StoreError::NoSuchMember`]; [`StoreError::Outranked`] for the owner, and for the role
    /// of one.
    async fn set_role(&self, room: RoomId, user: UserId, role: Role) -> Result<Role, StoreError>;

    /// Makes the member `to` the owner and the owner `from` a moderator. Done again, it changes
    /// nothing. Of several at once to different people, one is done.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRoom`]; [`StoreError::NoSuchMember`] when `to` is none;
    /// [`StoreError::Outranked`] when `from` does not own the room.
    async fn hand_over(&self, room: RoomId, from: UserId, to: UserId) -> Result<(), StoreError>;

    /// Mutes a member of a role below `below` until some time, or lets them write again.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMember`], [`StoreError::Outranked`].
    async fn mute(
        &self,
        room: RoomId,
        user: UserId,
        below: Role,
        until: Option<Timestamp>,
    ) -> Result<(), StoreError>;

    /// Takes out a member of a role below `below`.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMember`], [`StoreError::Outranked`].
    async fn remove_member(
        &self,
        room: RoomId,
        user: UserId,
        below: Role,
    ) -> Result<(), StoreError>;

    /// Bans somebody whose role, if they are a member, is below `below`, and takes them out.
    /// Whether they were a member. A ban that is there already stays as it is. Nobody comes in
    /// beside it: who joins at the same moment is out afterwards.
    ///
    /// # Errors
    /// [`StoreError::Outranked`].
    async fn ban(&self, ban: BanRecord, below: Role) -> Result<bool, StoreError>;

    /// Lifts a ban. Whether there was one.
    async fn unban(&self, room: RoomId, user: UserId) -> Result<bool, StoreError>;

    /// A room's bans, ascending by user id, after `after`.
    async fn bans(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<BanRecord>, StoreError>;

    /// Rooms that somebody owns, whether or not they are in them.
    async fn owned_rooms(&self, user: UserId) -> Result<Vec<RoomId>, StoreError>;

    /// Who should own a room without `leaver`: of the other members with the greatest role, the one
    /// who came first. None if there is nobody else whose account is active.
    async fn heir(&self, room: RoomId, leaver: UserId) -> Result<Option<UserId>, StoreError>;
}
