//! Memberships in MongoDB: one document per (room, user). A room's members are counted from their
//! index when asked for, never kept, so the count is right whoever comes and goes at once.

use hubbub_protocol::http::Role;
use hubbub_protocol::{RoomId, Timestamp, UserId};
use mongodb::bson::{Document, doc};

use super::error::is_duplicate;
use super::{MongoStore, value};
use crate::StoreError;
use crate::rooms::Membership;

pub(super) fn membership(document: &Document) -> Result<Membership, StoreError> {
    let owner = document.get_bool("owner").unwrap_or(false);
    Ok(Membership {
        room: value::room(document, "room")?,
        user: value::user(document, "user")?,
        role: if owner { Role::Owner } else { Role::Member },
        joined_at: value::time(document, "joined_at")?,
    })
}

impl MongoStore {
    /// Adds a member unless they are one, and tells whether it did.
    pub(super) async fn admit(
        &self,
        room: RoomId,
        user: UserId,
        owner: bool,
        joined_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let upserted = self
            .memberships
            .update_one(
                doc! { "_id": value::of_member(room, user) },
                doc! { "$setOnInsert": {
                    "room": value::of_room(room),
                    "user": value::of_user(user),
                    "owner": owner,
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

    /// The owner goes only as the last one. Somebody may come in between the look and the leave: so
    /// there is a second look, and the owner comes back if it finds anybody. A crash in between
    /// leaves a room whose owner is out; they are its owner again once they join by its code.
    pub(super) async fn leave_as_owner(&self, place: &Membership) -> Result<bool, StoreError> {
        let Membership { room, user, joined_at, .. } = *place;
        if self.count_members(room).await? > 1 {
            return Err(StoreError::OwnerMustStay);
        }
        let left = self.remove(room, user).await?;
        if left && self.count_members(room).await? > 0 {
            self.admit(room, user, true, joined_at).await?;
            return Err(StoreError::OwnerMustStay);
        }
        Ok(left)
    }

    pub(super) async fn remove(&self, room: RoomId, user: UserId) -> Result<bool, StoreError> {
        let key = doc! { "_id": value::of_member(room, user) };
        Ok(self.memberships.delete_one(key).await?.deleted_count > 0)
    }
}
