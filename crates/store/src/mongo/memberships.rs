//! Memberships in MongoDB: one document per (room, user). A room's members are counted from their
//! index when asked for, never kept, so the count is right whoever comes and goes at once.

use hubbub_protocol::http::Role;
use hubbub_protocol::{RoomId, Seq, Timestamp, UserId};
use mongodb::bson::{Document, doc};

use super::error::is_duplicate;
use super::{MongoStore, value};
use crate::StoreError;
use crate::positions::PositionChange;
use crate::rooms::{Membership, role_code};

pub(super) fn membership(document: &Document) -> Result<Membership, StoreError> {
    Ok(Membership {
        room: value::room(document, "room")?,
        user: value::user(document, "user")?,
        role: value::role(document, "role")?,
        joined_at: value::time(document, "joined_at")?,
        muted_until: value::optional(document, "muted_until", value::time)?,
    })
}

impl MongoStore {
    /// Adds a member unless they are one, and tells whether it did.
    pub(super) async fn admit(
        &self,
        room: RoomId,
        user: UserId,
        role: Role,
        joined_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let upserted = self
            .memberships
            .update_one(
                doc! { "_id": value::of_member(room, user) },
                doc! { "$setOnInsert": {
                    "room": value::of_room(room),
                    "user": value::of_user(user),
                    "role": role_code(role),
                    "joined_at": value::of_time(joined_at),
                } },
            )
            .upsert(true)
            .await;
        match upserted {
            Ok(upserted) => Ok(upserted.upserted_id.is_some()),
            Err(error) if is_duplicate(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets somebody in who is not banned, and tells whether they were not in.
    ///
    /// The positions, then the membership: a crash in between leaves positions that count for
    /// nobody, and the same call again still finds that they were no member. A ban or the room's
    /// end may come at the same moment: so there is a second look, and who should not be in goes
    /// out again.
    pub(super) async fn enter(
        &self,
        room: RoomId,
        user: UserId,
        read: Seq,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let owner = self.owner_of(room).await?;
        if self.is_banned(room, user).await? {
            return Err(StoreError::Banned);
        }
        if self.find_membership(room, user).await?.is_some() {
            return Ok(false);
        }
        self.change_position(room, user, &PositionChange::joined(read)).await?;
        let role = if owner == Some(user) { Role::Owner } else { Role::Member };
        let joined = self.admit(room, user, role, now).await?;
        let refused = match (self.owner_of(room).await, self.is_banned(room, user).await?) {
            (Err(error @ StoreError::NoSuchRoom), _) => error,
            (_, true) => StoreError::Banned,
            (looked, false) => return looked.map(|_| joined),
        };
        self.remove(room, user).await?;
        Err(refused)
    }

    pub(super) async fn owner_of(&self, room: RoomId) -> Result<Option<UserId>, StoreError> {
        let this = doc! { "_id": value::of_room(room) };
        let found = self.rooms.find_one(this).projection(doc! { "owner": 1 }).await?;
        value::optional(&found.ok_or(StoreError::NoSuchRoom)?, "owner", value::user)
    }

    pub(super) async fn count_members(&self, room: RoomId) -> Result<u64, StoreError> {
        Ok(self.memberships.count_documents(doc! { "room": value::of_room(room) }).await?)
    }

    pub(super) async fn find_membership(
        &self,
        room: RoomId,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        let found = self.memberships.find_one(doc! { "_id": value::of_member(room, user) }).await?;
        found.as_ref().map(membership).transpose()
    }

    pub(super) async fn remove(&self, room: RoomId, user: UserId) -> Result<bool, StoreError> {
        let key = doc! { "_id": value::of_member(room, user) };
        Ok(self.memberships.delete_one(key).await?.deleted_count > 0)
    }
}
