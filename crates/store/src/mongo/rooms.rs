//! Rooms in MongoDB. Who is in them is in `memberships`.

mod record;

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use hubbub_protocol::http::{Role, RoomKind};
use hubbub_protocol::{RoomCode, RoomId, Timestamp, UserId};
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;

pub(super) use self::record::kind;
use self::record::{changes, document, named, record};
use super::error::is_duplicate;
use super::memberships::membership;
use super::users::some_key;
use super::{MongoStore, value};
use crate::StoreError;
use crate::memberships::Membership;
use crate::rooms::{CodeLimits, NewRoom, Opened, RoomRecord, RoomStore, RoomUpdate};

impl MongoStore {
    /// Makes a room unless it exists or is destroyed, and tells whether it did.
    async fn insert_room(&self, room: &RoomRecord) -> Result<bool, StoreError> {
        if self.find_destruction(room.id).await?.is_some() {
            return Ok(false);
        }
        let upserted = self
            .rooms
            .update_one(
                doc! { "_id": value::of_room(room.id) },
                doc! { "$setOnInsert": document(room) },
            )
            .upsert(true)
            .await;
        match upserted {
            Ok(upserted) => Ok(upserted.upserted_id.is_some()),
            // Another one made it at the same moment. A code is random, it is never the reason.
            Err(error) if is_duplicate(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Rooms that fulfil a condition, ascending by id.
    async fn find_rooms(
        &self,
        filter: Document,
        limit: usize,
    ) -> Result<Vec<RoomRecord>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let found = self.rooms.find(filter).sort(doc! { "_id": 1 }).limit(limit).await?;
        let found: Vec<Document> = found.try_collect().await?;
        let ids: Vec<Bson> = found.iter().filter_map(|room| room.get("_id").cloned()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let counts = self
            .memberships
            .aggregate([
                doc! { "$match": { "room": { "$in": ids } } },
                doc! { "$group": { "_id": "$room", "members": { "$sum": 1 } } },
            ])
            .await?;
        let counts: HashMap<RoomId, u64> = counts
            .err_into()
            .and_then(async |counted| {
                let members = value::count(&counted, "members")?;
                Ok::<_, StoreError>((value::room(&counted, "_id")?, members))
            })
            .try_collect()
            .await?;
        let members = |room| counts.get(&room).copied().unwrap_or(0);
        found.iter().map(|room| record(room, members(value::room(room, "_id")?))).collect()
    }

    pub(super) async fn find_room(
        &self,
        filter: Document,
    ) -> Result<Option<RoomRecord>, StoreError> {
        Ok(self.find_rooms(filter, 1).await?.pop())
    }

    /// The room, then the memberships, then that all are in. Every caller that finds it not yet so
    /// lets everybody in, so what a crash left out is made good by the next who opens it; from then
    /// on only `opener` comes in.
    async fn open(
        &self,
        record: RoomRecord,
        opener: Option<UserId>,
        now: Timestamp,
    ) -> Result<(RoomRecord, Opened), StoreError> {
        let this = doc! { "_id": value::of_room(record.id) };
        let made = self.insert_room(&record).await?;
        let opening = doc! { "_id": value::of_room(record.id), "opening": true };
        if made || self.rooms.find_one(opening.clone()).await?.is_some() {
            let all = record.people.iter().map(|user| {
                let user = *user;
                self.admit(record.id, user, Role::Member, now)
            });
            try_join_all(all).await?;
            self.rooms.update_one(opening, doc! { "$unset": { "opening": "" } }).await?;
        }
        if made {
            return Ok((record, Opened::Made));
        }
        let rejoined = match opener {
            Some(opener) => self.admit(record.id, opener, Role::Member, now).await?,
            None => false,
        };
        let found = self.find_room(this).await?.ok_or(StoreError::NoSuchRoom)?;
        Ok((found, if rejoined { Opened::Rejoined } else { Opened::Present }))
    }

    /// Takes one use of a code that still lets somebody in. Whether there was one.
    pub(super) async fn use_code(
        &self,
        room: RoomId,
        code: RoomCode,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let lets_in = doc! {
            "_id": value::of_room(room),
            "code": value::of_code(code),
            "$and": [
                { "$or": [
                    { "code_expires_at": { "$exists": false } },
                    { "code_expires_at": { "$gt": value::of_time(now) } },
                ] },
                { "$or": [
                    { "code_uses_left": { "$exists": false } },
                    { "code_uses_left": { "$gt": 0 } },
                ] },
            ],
        };
        let one_less = doc! { "$set": { "code_uses_left": { "$cond": [
            { "$isNumber": "$code_uses_left" },
            { "$subtract": ["$code_uses_left", 1] },
            "$$REMOVE",
        ] } } };
        Ok(self.rooms.update_one(lets_in, vec![one_less]).await?.matched_count > 0)
    }

    /// Gives a use back that let nobody in.
    pub(super) async fn return_use(&self, room: RoomId, code: RoomCode) -> Result<(), StoreError> {
        let limited = doc! {
            "_id": value::of_room(room),
            "code": value::of_code(code),
            "code_uses_left": { "$exists": true },
        };
        self.rooms.update_one(limited, doc! { "$inc": { "code_uses_left": 1 } }).await?;
        Ok(())
    }
}

impl MongoStore {
    /// Those among members who have a name that starts with a folded query.
    pub(super) async fn with_name(
        &self,
        mut members: Vec<Membership>,
        query: &str,
    ) -> Result<Vec<Membership>, StoreError> {
        let ids: Vec<_> = members.iter().map(|member| value::of_user(member.user)).collect();
        let filter = doc! { "_id": { "$in": ids }, "search": some_key(query.to_owned()) };
        let found = self.users.find(filter).projection(doc! { "_id": 1 }).await?;
        let named: HashSet<UserId> = found
            .err_into::<StoreError>()
            .and_then(async |user| value::user(&user, "_id"))
            .try_collect()
            .await?;
        members.retain(|member| named.contains(&member.user));
        Ok(members)
    }
}

#[async_trait]
impl RoomStore for MongoStore {
    /// The room, then its owner's membership, then its listing: what a crash leaves behind is in no
    /// list, and nobody knows its code.
    async fn create_room(&self, room: NewRoom) -> Result<RoomRecord, StoreError> {
        let record = RoomRecord::new(room);
        self.within(async {
            self.insert_room(&record).await?;
            if let Some(owner) = record.owner {
                self.admit(record.id, owner, Role::Owner, record.created_at).await?;
            }
            let this = doc! { "_id": value::of_room(record.id) };
            if record.kind == RoomKind::Public {
                self.rooms.update_one(this.clone(), doc! { "$set": { "listed": true } }).await?;
            }
            self.find_room(this).await?.ok_or(StoreError::NoSuchRoom)
        })
        .await
    }

    async fn open_lobby(
        &self,
        name: &str,
        code: RoomCode,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let lobby = RoomRecord::lobby(name, code, now);
        self.within(async {
            let made = self.insert_room(&lobby).await?;
            let this = doc! { "_id": value::of_room(lobby.id) };
            let listed = doc! { "$set": { "listed": true } };
            match self.rooms.update_one(this, listed).await?.matched_count {
                0 => Err(StoreError::NoSuchRoom),
                _ => Ok(made),
            }
        })
        .await
    }

    async fn open_direct(
        &self,
        a: UserId,
        b: UserId,
        now: Timestamp,
    ) -> Result<(RoomRecord, bool), StoreError> {
        let (room, opened) =
            self.within(self.open(RoomRecord::direct(&[a, b], now), None, now)).await?;
        Ok((room, opened == Opened::Made))
    }

    async fn open_group(
        &self,
        opener: UserId,
        people: &[UserId],
        now: Timestamp,
    ) -> Result<(RoomRecord, Opened), StoreError> {
        self.within(self.open(RoomRecord::direct(people, now), Some(opener), now)).await
    }

    async fn rooms(&self, ids: &[RoomId]) -> Result<Vec<RoomRecord>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = ids.iter().copied().map(value::of_room).collect();
        self.within(self.find_rooms(doc! { "_id": { "$in": keys } }, ids.len())).await
    }

    async fn room_by_code(&self, code: RoomCode) -> Result<Option<RoomRecord>, StoreError> {
        self.within(self.find_room(doc! { "code": value::of_code(code) })).await
    }

    async fn set_room_code(
        &self,
        room: RoomId,
        code: RoomCode,
        limits: CodeLimits,
    ) -> Result<bool, StoreError> {
        let (mut set, mut unset) = (doc! { "code": value::of_code(code) }, Document::new());
        match limits.expires_at {
            Some(at) => drop(set.insert("code_expires_at", value::of_time(at))),
            None => drop(unset.insert("code_expires_at", "")),
        }
        match limits.uses_left {
            Some(uses) => drop(set.insert("code_uses_left", i64::from(uses))),
            None => drop(unset.insert("code_uses_left", "")),
        }
        let mut change = doc! { "$set": set };
        if !unset.is_empty() {
            change.insert("$unset", unset);
        }
        let this = doc! { "_id": value::of_room(room), "code": { "$exists": true } };
        self.within(async { Ok(self.rooms.update_one(this, change).await?.matched_count > 0) })
            .await
    }

    /// The listing goes with the very write that archives a room or takes that back.
    async fn update_room(
        &self,
        room: RoomId,
        update: RoomUpdate,
    ) -> Result<RoomRecord, StoreError> {
        let this = doc! { "_id": value::of_room(room) };
        let archived = update.archived;
        let changes = changes(update);
        self.within(async {
            if changes.is_empty() {
                return self.find_room(this).await?.ok_or(StoreError::NoSuchRoom);
            }
            let found = self.rooms.find_one(this.clone()).await?.ok_or(StoreError::NoSuchRoom)?;
            let mut changes = changes;
            if let Some(archived) = archived
                && kind(&found)? == RoomKind::Public
            {
                // A room's kind never changes, so what was read still holds.
                let set = changes.get_document_mut("$set").ok();
                set.map(|set| set.insert("listed", !archived));
            }
            let changed = self
                .rooms
                .find_one_and_update(this, changes)
                .return_document(ReturnDocument::After)
                .await?
                .ok_or(StoreError::NoSuchRoom)?;
            record(&changed, self.count_members(room).await?)
        })
        .await
    }

    async fn refused_words(&self, room: RoomId) -> Result<Vec<String>, StoreError> {
        self.within(async {
            let this = doc! { "_id": value::of_room(room) };
            let found = self.rooms.find_one(this).projection(doc! { "refused_words": 1 }).await?;
            let Some(found) = found else { return Ok(Vec::new()) };
            Ok(value::optional(&found, "refused_words", value::texts)?.unwrap_or_default())
        })
        .await
    }

    async fn rooms_of(
        &self,
        user: UserId,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<(RoomRecord, Membership)>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let mut mine = doc! { "user": value::of_user(user) };
        if let Some(after) = after {
            mine.insert("room", doc! { "$gt": value::of_room(after) });
        }
        self.within(async {
            let found = self.memberships.find(mine).sort(doc! { "room": 1 }).limit(limit).await?;
            let memberships: Vec<Membership> = found
                .err_into()
                .and_then(async |document| membership(&document))
                .try_collect()
                .await?;
            let rooms: Vec<_> = memberships.iter().map(|mine| mine.room).collect();
            let rooms = self.rooms(&rooms).await?;
            let mut rooms: HashMap<_, _> = rooms.into_iter().map(|room| (room.id, room)).collect();
            Ok(memberships
                .into_iter()
                .filter_map(|mine| rooms.remove(&mine.room).map(|room| (room, mine)))
                .collect())
        })
        .await
    }

    async fn directory(
        &self,
        query: &str,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomRecord>, StoreError> {
        let filter = named(doc! { "listed": true }, query, after);
        self.within(self.find_rooms(filter, limit)).await
    }

    async fn all_rooms(
        &self,
        query: &str,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomRecord>, StoreError> {
        self.within(self.find_rooms(named(Document::new(), query, after), limit)).await
    }
}
