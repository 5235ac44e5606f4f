//! Who is in which room.

use async_trait::async_trait;
use hubbub_protocol::http::Role;
use hubbub_protocol::{RoomCode, RoomId, Seq, Timestamp, UserId};

use crate::StoreError;

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
    /// Until when they may not write, if they were muted. May have passed.
    pub muted_until: Option<Timestamp>,
}

/// Members who were looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberPage {
    /// Those found. May be fewer than asked for, or none, though there are more.
    pub members: Vec<Membership>,
    /// After whom to go on; none: nobody is left.
    pub next: Option<UserId>,
}

impl MemberPage {
    /// A page of `limit` of these members, if more were found; `then` is where to go on after all of
    /// them.
    pub(crate) fn cut(mut members: Vec<Membership>, limit: usize, then: Option<UserId>) -> Self {
        if members.len() <= limit {
            return Self { members, next: then };
        }
        members.truncate(limit);
        let next = members.last().map(|member| member.user);
        Self { members, next }
    }
}

/// Memberships.
#[async_trait]
pub trait MembershipStore: Send + Sync {
    /// Adds a member, who has read everything up to `read`. Whether they were not one before.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRoom`], [`StoreError::Banned`].
    async fn join(
        &self,
        room: RoomId,
        user: UserId,
        read: Seq,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// As [`Self::join`], by a code that must still let somebody in, and counts them. However many
    /// come at once, no more come in than its uses. Members are not counted again.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRoom`] as well for a code that is another room's, replaced, used up or
    /// too old; [`StoreError::Banned`].
    async fn join_by_code(
        &self,
        room: RoomId,
        code: RoomCode,
        user: UserId,
        read: Seq,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Takes a member out. Whether they were one. The room of two people can't be left and answers
    /// [`StoreError::OwnerMustStay`] too.
    ///
    /// # Errors
    /// [`StoreError::OwnerMustStay`] for the owner, also without other members: nobody would be in
    /// charge of whoever comes later.
    async fn leave(&self, room: RoomId, user: UserId) -> Result<bool, StoreError>;

    /// Somebody's place in a room.
    async fn membership(
        &self,
        room: RoomId,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError>;

    /// Somebody's places in these rooms; those they are not in are left out. Order is not kept.
    async fn memberships_of(
        &self,
        user: UserId,
        rooms: &[RoomId],
    ) -> Result<Vec<Membership>, StoreError>;

    /// Every room a user is in. For authorising live connections in one query.
    async fn room_ids_of(&self, user: UserId) -> Result<Vec<RoomId>, StoreError>;

    /// Of these rooms, the `limit` whose newest message is youngest, that one first; behind them
    /// those without messages, the youngest room first. Rooms that do not exist are left out.
    async fn most_active(&self, rooms: &[RoomId], limit: usize) -> Result<Vec<RoomId>, StoreError>;

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

    /// A room's members who have a name that starts with `prefix`, as in
    /// [`UserStore::find_users`](crate::UserStore::find_users), ascending by user id, after `after`.
    /// An empty prefix finds nobody.
    async fn find_members(
        &self,
        room: RoomId,
        prefix: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<MemberPage, StoreError>;
}
