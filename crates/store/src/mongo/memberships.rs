//! Memberships in MongoDB: one document per (room, user). A room's members are counted from their
//! index when asked for, never kept, so the count is right whoever comes and goes at once.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hubbub_protocol::http::{Role, RoomKind};
use hubbub_protocol::{RoomCode, RoomId, Seq, Timestamp, UserId};
use mongodb::bson::{Document, doc};

use super::error::is_duplicate;
use super::rooms::kind;
use super::{MongoStore, value};
use crate::memberships::{MemberPage, Membership, MembershipStore};
use crate::positions::PositionChange;
use crate::rooms::role_code;
use crate::{StoreError, fold};

/// How many members one search looks at, at a time and how often. A page that comes out short because
/// of it still says where to go on.
const FIND_LOOK: usize = 1_000;
const FIND_ROUNDS: usize = 10;

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

#[async_trait]
impl MembershipStore for MongoStore {
    async fn join(
        &self,
        room: RoomId,
        user: UserId,
        read: Seq,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.within(self.enter(room, user, read, now)).await
    }

    /// The use, then the entrance. A crash in between costs a use; it never lets one more in.
    async fn join_by_code(
        &self,
        room: RoomId,
        code: RoomCode,
        user: UserId,
        read: Seq,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.within(async {
            if self.find_membership(room, user).await?.is_some() {
                return Ok(false);
            }
            if !self.use_code(room, code, now).await? {
                return Err(StoreError::NoSuchRoom);
            }
            let joined = self.enter(room, user, read, now).await;
            if !matches!(joined, Ok(true)) {
                self.return_use(room, code).await?;
            }
            joined
        })
        .await
    }

    /// That they do not own it is part of the filter: the room may be handed to them at the same
    /// moment.
    async fn leave(&self, room: RoomId, user: UserId) -> Result<bool, StoreError> {
        self.within(async {
            let found = self.rooms.find_one(doc! { "_id": value::of_room(room) }).await?;
            let Some(found) = found else { return Ok(false) };
            if kind(&found)? == RoomKind::Direct
                && self.find_membership(room, user).await?.is_some()
            {
                return Err(StoreError::OwnerMustStay);
            }
            match self.remove_smaller(room, user, Role::Owner).await {
                Ok(()) => Ok(true),
                Err(StoreError::NoSuchMember) => Ok(false),
                Err(StoreError::Outranked) => Err(StoreError::OwnerMustStay),
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn membership(
        &self,
        room: RoomId,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        self.within(self.find_membership(room, user)).await
    }

    async fn memberships_of(
        &self,
        user: UserId,
        rooms: &[RoomId],
    ) -> Result<Vec<Membership>, StoreError> {
        if rooms.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = rooms.iter().map(|room| value::of_member(*room, user)).collect();
        self.within(async {
            let found = self.memberships.find(doc! { "_id": { "$in": keys } }).await?;
            found.err_into().and_then(async |document| membership(&document)).try_collect().await
        })
        .await
    }

    async fn room_ids_of(&self, user: UserId) -> Result<Vec<RoomId>, StoreError> {
        self.within(async {
            let found = self
                .memberships
                .find(doc! { "user": value::of_user(user) })
                .projection(doc! { "_id": 0, "room": 1 })
                .sort(doc! { "room": 1 })
                .await?;
            found
                .err_into()
                .and_then(async |document| value::room(&document, "room"))
                .try_collect()
                .await
        })
        .await
    }

    async fn most_active(&self, rooms: &[RoomId], limit: usize) -> Result<Vec<RoomId>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let ids: Vec<_> = rooms.iter().map(|room| value::of_room(*room)).collect();
        self.within(async {
            let found = self
                .rooms
                .aggregate([
                    doc! { "$match": { "_id": { "$in": ids } } },
                    doc! { "$project": { "created_at": 1 } },
                    doc! { "$lookup": {
                        "from": self.events.name(),
                        "localField": "_id",
                        "foreignField": "room",
                        "pipeline": [
                            { "$match": { "kind": "message" } },
                            { "$sort": { "seq": -1 } },
                            { "$limit": 1 },
                            { "$project": { "_id": 0, "at": 1 } },
                        ],
                        "as": "newest",
                    } },
                    doc! { "$sort": { "newest.at": -1, "created_at": -1, "_id": -1 } },
                    doc! { "$limit": limit },
                    doc! { "$project": { "_id": 1 } },
                ])
                .await?;
            found.err_into().and_then(async |room| value::room(&room, "_id")).try_collect().await
        })
        .await
    }

    async fn memberships_among(
        &self,
        pairs: &[(RoomId, UserId)],
    ) -> Result<Vec<(RoomId, UserId)>, StoreError> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> =
            pairs.iter().map(|(room, user)| value::of_member(*room, *user)).collect();
        self.within(async {
            let found = self
                .memberships
                .find(doc! { "_id": { "$in": keys } })
                .projection(doc! { "room": 1, "user": 1 })
                .await?;
            found
                .err_into()
                .and_then(async |document| {
                    Ok((value::room(&document, "room")?, value::user(&document, "user")?))
                })
                .try_collect()
                .await
        })
        .await
    }

    async fn members(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Membership>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let mut filter = doc! { "room": value::of_room(room) };
        if let Some(after) = after {
            filter.insert("user", doc! { "$gt": value::of_user(after) });
        }
        self.within(async {
            let found = self.memberships.find(filter).sort(doc! { "user": 1 }).limit(limit).await?;
            found.err_into().and_then(async |document| membership(&document)).try_collect().await
        })
        .await
    }

    /// Names are with the accounts: the room's members are looked through in order, so many at a time.
    async fn find_members(
        &self,
        room: RoomId,
        prefix: &str,
        mut after: Option<UserId>,
        limit: usize,
    ) -> Result<MemberPage, StoreError> {
        let query = fold::query(prefix);
        if query.is_empty() || limit == 0 {
            return Ok(MemberPage::default());
        }
        let mut found = Vec::new();
        for _ in 0..FIND_ROUNDS {
            let members = self.members(room, after, FIND_LOOK).await?;
            after = members.last().map(|member| member.user).filter(|_| members.len() == FIND_LOOK);
            found.extend(self.within(self.with_name(members, &query)).await?);
            if found.len() > limit || after.is_none() {
                break;
            }
        }
        Ok(MemberPage::cut(found, limit, after))
    }
}
