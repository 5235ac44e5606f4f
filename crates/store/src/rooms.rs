//! Rooms and who is in them.

use async_trait::async_trait;
use hubbub_protocol::http::{Role, RoomKind};
use hubbub_protocol::{RoomCode, RoomId, Seq, Timestamp, UserId};

use crate::StoreError;

/// A room to make. Its maker becomes its owner and first member.
#[derive(Debug, Clone)]
pub struct NewRoom {
    /// The id.
    pub id: RoomId,
    /// Public or private.
    pub kind: RoomKind,
    /// The name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// What lets others in.
    pub code: RoomCode,
    /// Who makes it.
    pub owner: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRecord {
    /// The id.
    pub id: RoomId,
    /// What kind.
    pub kind: RoomKind,
    /// The name; empty for a direct room.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// What lets others in; none for a direct room.
    pub code: Option<RoomCode>,
    /// Who owns it; none for a direct room.
    pub owner: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// How many members it has.
    pub members: u64,
    /// The two people of a direct room, in ascending order; none for others.
    pub direct: Option<[UserId; 2]>,
}

impl RoomRecord {
    /// The direct room of two people as it is made.
    pub(crate) fn direct(a: UserId, b: UserId, now: Timestamp) -> Self {
        Self {
            id: RoomId::direct(a, b),
            kind: RoomKind::Direct,
            name: String::new(),
            description: String::new(),
            code: None,
            owner: None,
            created_at: now,
            members: 2,
            direct: Some(if a <= b { [a, b] } else { [b, a] }),
        }
    }
}

/// Somebody's place in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The room.
    pub room: RoomId,
    /// The member.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub joined_at: Timestamp,
}

/// Rooms and memberships.
#[async_trait]
pub trait RoomStore: Send + Sync {
    /// Makes a room in epoch 1, with its owner as member. Made again with the same id, it stays as
    /// it is.
    async fn create_room(&self, room: NewRoom) -> Result<RoomRecord, StoreError>;

    /// The direct room of two different people, made if there is none, with both as members.
    /// Whether this call made it. Both sides at once get one room, and one of them made it.
    async fn open_direct(
        &self,
        a: UserId,
        b: UserId,
        now: Timestamp,
    ) -> Result<(RoomRecord, bool), StoreError>;

    /// Rooms by id; those that do not exist are left out. Order is not kept.
    async fn rooms(&self, ids: &[RoomId]) -> Result<Vec<RoomRecord>, StoreError>;

    /// The room a code lets into.
    async fn room_by_code(&self, code: RoomCode) -> Result<Option<RoomRecord>, StoreError>;

    /// Replaces a room's code. Whether the room exists and has codes.
    async fn set_room_code(&self, room: RoomId, code: RoomCode) -> Result<bool, StoreError>;

    /// Changes a room's details; `None` leaves them as they are.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRoom`].
    async fn update_room(
        &self,
        room: RoomId,
        name: Option<String>,
        description: Option<String>,
    ) -> Result<RoomRecord, StoreError>;

    /// A user's rooms, ascending by id, after `after`.
    async fn rooms_of(
        &self,
        user: UserId,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<(RoomRecord, Membership)>, StoreError>;

    /// Public rooms whose name contains `query` (without regard to case or diacritics),
    /// ascending by id.
    async fn directory(
        &self,
        query: &str,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomRecord>, StoreError>;

    /// Adds a member, who has read everything up to `read`. Whether they were not one before.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRoom`].
    async fn join(
        &self,
        room: RoomId,
        user: UserId,
        read: Seq,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Takes a member out. Whether they were one. The last member of a room may leave it, owner or
    /// not; direct rooms can't be left and answer [`StoreError::OwnerMustStay`].
    ///
    /// # Errors
    /// [`StoreError::OwnerMustStay`] when the owner would leave others behind.
    async fn leave(&self, room: RoomId, user: UserId) -> Result<bool, StoreError>;

    /// Somebody's place in a room.
    async fn membership(
        &self,
        room: RoomId,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError>;

    /// Every room a user is in. For authorising live connections in one query.
    async fn room_ids_of(&self, user: UserId) -> Result<Vec<RoomId>, StoreError>;

    /// Of these pairs, those that are memberships. For re-checking live connections in batches.
    async fn memberships_among(
        &self,
        pairs: &[(RoomId, UserId)],
    ) -> Result<Vec<(RoomId, UserId)>, StoreError>;

    /// A room's members, ascending by user id, after `after`.
    async fn members(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Membership>, StoreError>;
}
