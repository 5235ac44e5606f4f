//! Roles, mutes, removals and bans in MongoDB. That somebody's role is smaller is part of the filter
//! of the write that needs it.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hubbub_protocol::http::Role;
use hubbub_protocol::{RoomId, Timestamp, UserId};
use mongodb::bson::{Document, doc};

use super::error::is_duplicate;
use super::users::active;
use super::{MongoStore, value};
use crate::StoreError;
use crate::moderation::{BanRecord, ModerationStore};
use crate::rooms::role_code;

fn ban(document: &Document) -> Result<BanRecord, StoreError> {
    Ok(BanRecord {
        room: value::room(document, "room")?,
        user: value::user(document, "user")?,
        by: value::user(document, "by")?,
        at: value::time(document, "at")?,
        reason: value::optional(document, "reason", value::text)?.map(str::to_owned),
    })
}

/// A member whose role is below `below`.
fn smaller(room: RoomId, user: UserId, below: Role) -> Document {
    doc! { "_id": value::of_member(room, user), "role": { "$lt": role_code(below) } }
}

impl MongoStore {
    pub(super) async fn is_banned(&self, room: RoomId, user: UserId) -> Result<bool, StoreError> {
        let this = doc! { "_id": value::of_member(room, user) };
        Ok(self.bans.find_one(this).projection(doc! { "_id": 1 }).await?.is_some())
    }

    /// Why no member of a role below `below` was found. Who has come in since was none.
    async fn not_smaller(&self, room: RoomId, user: UserId, below: Role) -> StoreError {
        match self.find_membership(room, user).await {
            Ok(Some(place)) if place.role >= below => StoreError::Outranked,
            Ok(_) => StoreError::NoSuchMember,
            Err(error) => error,
        }
    }

    async fn change_smaller(
        &self,
        room: RoomId,
        user: UserId,
        below: Role,
        change: Document,
    ) -> Result<Document, StoreError> {
        let changed =
            self.memberships.find_one_and_update(smaller(room, user, below), change).await?;
        match changed {
            Some(before) => Ok(before),
            None => Err(self.not_smaller(room, user, below).await),
        }
    }

    pub(super) async fn remove_smaller(
        &self,
        room: RoomId,
        user: UserId,
        below: Role,
    ) -> Result<(), StoreError> {
        let removed = self.memberships.delete_one(smaller(room, user, below)).await?;
        if removed.deleted_count > 0 {
            return Ok(());
        }
        Err(self.not_smaller(room, user, below).await)
    }

    /// Sets the owner if it is `from` now; whether it is `to` then.
    async fn swap_owner(&self, room: RoomId, from: UserId, to: UserId) -> Result<bool, StoreError> {
        let owned = doc! { "_id": value::of_room(room), "owner": value::of_user(from) };
        let swap = doc! { "$set": { "owner": value::of_user(to) } };
        if self.rooms.update_one(owned, swap).await?.matched_count > 0 {
            return Ok(true);
        }
        Ok(self.owner_of(room).await? == Some(to))
    }

    async fn promote(&self, room: RoomId, user: UserId) -> Result<bool, StoreError> {
        let this = doc! { "_id": value::of_member(room, user) };
        // An owner who may write is not muted.
        let promote = doc! {
            "$set": { "role": role_code(Role::Owner) },
            "$unset": { "muted_until": "" },
        };
        Ok(self.memberships.update_one(this, promote).await?.matched_count > 0)
    }
}

#[async_trait]
impl ModerationStore for MongoStore {
    async fn set_role(&self, room: RoomId, user: UserId, role: Role) -> Result<Role, StoreError> {
        if role == Role::Owner {
            return Err(StoreError::Outranked);
        }
        let change = doc! { "$set": { "role": role_code(role) } };
        self.within(async {
            let before = self.change_smaller(room, user, Role::Owner, change).await?;
            value::role(&before, "role")
        })
        .await
    }

    /// The room's owner, which decides; then the new owner's membership; then the old one's. After a
    /// crash in between both count as owners until the same call is made again.
    async fn hand_over(&self, room: RoomId, from: UserId, to: UserId) -> Result<(), StoreError> {
        self.within(async {
            if from == to {
                let owner = self.owner_of(room).await?;
                return if owner == Some(to) { Ok(()) } else { Err(StoreError::Outranked) };
            }
            if self.find_membership(room, to).await?.is_none() {
                self.owner_of(room).await?;
                return Err(StoreError::NoSuchMember);
            }
            if !self.swap_owner(room, from, to).await? {
                return Err(StoreError::Outranked);
            }
            if !self.promote(room, to).await? {
                // They have left in between.
                self.swap_owner(room, to, from).await?;
                return Err(StoreError::NoSuchMember);
            }
            let this = doc! { "_id": value::of_member(room, from) };
            let moderator = doc! { "$set": { "role": role_code(Role::Moderator) } };
            self.memberships.update_one(this, moderator).await?;
            Ok(())
        })
        .await
    }

    async fn mute(
        &self,
        room: RoomId,
        user: UserId,
        below: Role,
        until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let change = match until {
            Some(until) => doc! { "$set": { "muted_until": value::of_time(until) } },
            None => doc! { "$unset": { "muted_until": "" } },
        };
        self.within(async { self.change_smaller(room, user, below, change).await.map(drop) }).await
    }

    async fn remove_member(
        &self,
        room: RoomId,
        user: UserId,
        below: Role,
    ) -> Result<(), StoreError> {
        self.within(self.remove_smaller(room, user, below)).await
    }

    /// The ban, then the removal: who comes in between is found by the removal, and who comes later
    /// finds the ban.
    async fn ban(&self, ban: BanRecord, below: Role) -> Result<bool, StoreError> {
        let BanRecord { room, user, by, at, reason } = ban;
        self.within(async {
            let place = self.find_membership(room, user).await?;
            if place.is_some_and(|place| place.role >= below) {
                return Err(StoreError::Outranked);
            }
            let this = doc! { "_id": value::of_member(room, user) };
            let mut record = doc! {
                "room": value::of_room(room),
                "user": value::of_user(user),
                "by": value::of_user(by),
                "at": value::of_time(at),
            };
            if let Some(reason) = reason {
                record.insert("reason", reason);
            }
            let upserted = self
                .bans
                .update_one(this.clone(), doc! { "$setOnInsert": record })
                .upsert(true)
                .await;
            match upserted {
                Ok(_) => {}
                Err(error) if is_duplicate(&error) => {}
                Err(error) => return Err(error.into()),
            }
            match self.remove_smaller(room, user, below).await {
                Ok(()) => Ok(true),
                Err(StoreError::NoSuchMember) => Ok(false),
                Err(error) => {
                    // They were given a greater role in between.
                    if matches!(error, StoreError::Outranked) {
                        self.bans.delete_one(this).await?;
                    }
                    Err(error)
                }
            }
        })
        .await
    }

    async fn unban(&self, room: RoomId, user: UserId) -> Result<bool, StoreError> {
        let this = doc! { "_id": value::of_member(room, user) };
        self.within(async { Ok(self.bans.delete_one(this).await?.deleted_count > 0) }).await
    }

    async fn bans(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<BanRecord>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let mut filter = doc! { "room": value::of_room(room) };
        if let Some(after) = after {
            filter.insert("user", doc! { "$gt": value::of_user(after) });
        }
        self.within(async {
            let found = self.bans.find(filter).sort(doc! { "user": 1 }).limit(limit).await?;
            found.err_into().and_then(async |document| ban(&document)).try_collect().await
        })
        .await
    }

    async fn owned_rooms(&self, user: UserId) -> Result<Vec<RoomId>, StoreError> {
        self.within(async {
            let found = self
                .rooms
                .find(doc! { "owner": value::of_user(user) })
                .projection(doc! { "_id": 1 })
                .sort(doc! { "_id": 1 })
                .await?;
            found
                .err_into()
                .and_then(async |document| value::room(&document, "_id"))
                .try_collect()
                .await
        })
        .await
    }

    async fn heir(&self, room: RoomId, leaver: UserId) -> Result<Option<UserId>, StoreError> {
        let others =
            doc! { "room": value::of_room(room), "user": { "$ne": value::of_user(leaver) } };
        self.within(async {
            let mut heirs = self
                .memberships
                .find(others)
                .projection(doc! { "user": 1 })
                .sort(doc! { "role": -1, "joined_at": 1, "user": 1 })
                .await?;
            // The first one nearly always.
            while let Some(member) = heirs.try_next().await? {
                let user = value::user(&member, "user")?;
                if self.users.find_one(active(user)).await?.is_some() {
                    return Ok(Some(user));
                }
            }
            Ok(None)
        })
        .await
    }
}
