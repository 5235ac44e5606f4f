//! Rooms and memberships in MongoDB. A room's members are counted from the memberships' index when
//! asked for, never kept, so the count is right whoever comes and goes at once.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use futures_util::future::try_join;
use hubbub_protocol::http::{Role, RoomKind};
use hubbub_protocol::{RoomCode, RoomId, Seq, Timestamp, UserId};
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;

use super::error::is_duplicate;
use super::memberships::membership;
use super::{MongoStore, value};
use crate::rooms::{Membership, NewRoom, RoomRecord, RoomStore};
use crate::{StoreError, fold};

const fn kind_name(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Public => "public",
        RoomKind::Private => "private",
        RoomKind::Direct => "direct",
        RoomKind::Group => "group",
    }
}

fn kind(document: &Document) -> Result<RoomKind, StoreError> {
    [RoomKind::Public, RoomKind::Private, RoomKind::Direct, RoomKind::Group]
        .into_iter()
        .find(|kind| document.get_str("kind").is_ok_and(|name| name == kind_name(*kind)))
        .ok_or_else(|| StoreError::Failed("the stored field kind is not readable".to_owned()))
}

fn direct(document: &Document, field: &str) -> Result<[UserId; 2], StoreError> {
    let pair = document
        .get_document(field)
        .map_err(|_| StoreError::Failed(format!("the stored field {field} is not readable")))?;
    Ok([value::user(pair, "low")?, value::user(pair, "high")?])
}

fn record(document: &Document, members: u64) -> Result<RoomRecord, StoreError> {
    Ok(RoomRecord {
        id: value::room(document, "_id")?,
        kind: kind(document)?,
        name: value::text(document, "name")?.to_owned(),
        description: value::text(document, "description")?.to_owned(),
        code: value::optional(document, "code", value::code)?,
        owner: value::optional(document, "owner", value::user)?,
        created_at: value::time(document, "created_at")?,
        members,
        direct: value::optional(document, "direct", direct)?,
    })
}

/// A room in epoch 1, all but its id, not yet listed.
fn document(room: &RoomRecord) -> Document {
    let mut document = doc! {
        "kind": kind_name(room.kind),
        "name": &room.name,
        "name_folded": fold::fold(&room.name),
        "description": &room.description,
        "created_at": value::of_time(room.created_at),
        "epoch": 1_i64,
        "listed": false,
    };
    if let Some(code) = room.code {
        document.insert("code", value::of_code(code));
    }
    if let Some(owner) = room.owner {
        document.insert("owner", value::of_user(owner));
    }
    if let Some([low, high]) = room.direct {
        let pair = doc! { "low": value::of_user(low), "high": value::of_user(high) };
        document.insert("direct", pair);
    }
    document
}

/// A pattern that matches nothing but `text`.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

impl MongoStore {
    /// Makes a room unless it exists, and tells whether it did.
    async fn insert_room(&self, room: &RoomRecord) -> Result<bool, StoreError> {
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

    async fn find_room(&self, filter: Document) -> Result<Option<RoomRecord>, StoreError> {
        Ok(self.find_rooms(filter, 1).await?.pop())
    }
}

#[async_trait]
impl RoomStore for MongoStore {
    /// The room, then its owner's membership, then its listing: what a crash leaves behind is in no
    /// list, and nobody knows its code.
    async fn create_room(&self, room: NewRoom) -> Result<RoomRecord, StoreError> {
        let NewRoom { id, kind, name, description, code, owner, created_at } = room;
        let record = RoomRecord {
            id,
            kind,
            name,
            description,
            code: Some(code),
            owner: Some(owner),
            created_at,
            members: 1,
            direct: None,
        };
        self.within(async {
            self.insert_room(&record).await?;
            self.admit(id, owner, true, created_at).await?;
            let this = doc! { "_id": value::of_room(id) };
            if kind == RoomKind::Public {
                self.rooms.update_one(this.clone(), doc! { "$set": { "listed": true } }).await?;
            }
            self.find_room(this).await?.ok_or(StoreError::NoSuchRoom)
        })
        .await
    }

    /// The room, then both memberships, by every caller: whoever returns has seen all three
    /// written, and what a crash left out is made good by the next who opens it.
    async fn open_direct(
        &self,
        a: UserId,
        b: UserId,
        now: Timestamp,
    ) -> Result<(RoomRecord, bool), StoreError> {
        let record = RoomRecord::direct(a, b, now);
        self.within(async {
            let made = self.insert_room(&record).await?;
            try_join(self.admit(record.id, a, false, now), self.admit(record.id, b, false, now))
                .await?;
            if made {
                return Ok((record, true));
            }
            let found = self.find_room(doc! { "_id": value::of_room(record.id) }).await?;
            Ok((found.ok_or(StoreError::NoSuchRoom)?, false))
        })
        .await
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

    async fn set_room_code(&self, room: RoomId, code: RoomCode) -> Result<bool, StoreError> {
        self.within(async {
            let replaced = self
                .rooms
                .update_one(
                    doc! { "_id": value::of_room(room), "code": { "$exists": true } },
                    doc! { "$set": { "code": value::of_code(code) } },
                )
                .await?;
            Ok(replaced.matched_count > 0)
        })
        .await
    }

    async fn update_room(
        &self,
        room: RoomId,
        name: Option<String>,
        description: Option<String>,
    ) -> Result<RoomRecord, StoreError> {
        let this = doc! { "_id": value::of_room(room) };
        let mut changes = Document::new();
        if let Some(name) = name {
            changes.insert("name_folded", fold::fold(&name));
            changes.insert("name", name);
        }
        if let Some(description) = description {
            changes.insert("description", description);
        }
        self.within(async {
            if changes.is_empty() {
                return self.find_room(this).await?.ok_or(StoreError::NoSuchRoom);
            }
            let changed = self
                .rooms
                .find_one_and_update(this, doc! { "$set": changes })
                .return_document(ReturnDocument::After)
                .await?
                .ok_or(StoreError::NoSuchRoom)?;
            record(&changed, self.count_members(room).await?)
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
        let query = fold::query(query);
        let mut filter = doc! { "listed": true };
        if let Some(after) = after {
            filter.insert("_id", doc! { "$gt": value::of_room(after) });
        }
        if !query.is_empty() {
            filter.insert("name_folded", doc! { "$regex": literally(&query) });
        }
        self.within(self.find_rooms(filter, limit)).await
    }

    /// The positions, then the membership: a crash in between leaves positions that count for
    /// nobody, and the same call again still finds that they were no member.
    async fn join(
        &self,
        room: RoomId,
        user: UserId,
        read: Seq,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.within(async {
            let this = doc! { "_id": value::of_room(room) };
            let found = self.rooms.find_one(this).projection(doc! { "owner": 1 }).await?;
            let found = found.ok_or(StoreError::NoSuchRoom)?;
            if self.find_membership(room, user).await?.is_some() {
                return Ok(false);
            }
            let owner = value::optional(&found, "owner", value::user)?;
            self.forward(room, user, read, read).await?;
            self.admit(room, user, owner == Some(user), now).await
        })
        .await
    }

    async fn leave(&self, room: RoomId, user: UserId) -> Result<bool, StoreError> {
        self.within(async {
            let Some(place) = self.find_membership(room, user).await? else { return Ok(false) };
            if room.is_direct() {
                return Err(StoreError::OwnerMustStay);
            }
            match place.role {
                Role::Owner => self.leave_as_owner(&place).await,
                Role::Moderator | Role::Member => self.remove(room, user).await,
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
}
