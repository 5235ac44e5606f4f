//! Positions in MongoDB: one document per (room, user), moved by `$max`.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use hubbub_protocol::{RoomId, Seq, UserId};
use mongodb::bson::{Document, doc};
use mongodb::options::{Hint, ReturnDocument};

use super::error::is_duplicate;
use super::schema::messages_index;
use super::{MongoStore, value};
use crate::StoreError;
use crate::positions::{PositionRecord, PositionStore};

/// Rooms that one query counts.
const ROOMS_A_QUERY: usize = 100;

impl MongoStore {
    /// Moves positions forward. The greater counts, and reading implies delivery.
    pub(super) async fn forward(
        &self,
        room: RoomId,
        user: UserId,
        delivered: Seq,
        read: Seq,
    ) -> Result<PositionRecord, StoreError> {
        let key = doc! { "_id": value::of_member(room, user) };
        let update = doc! {
            "$max": { "delivered": delivered.max(read).as_i64(), "read": read.as_i64() },
            "$setOnInsert": { "room": value::of_room(room), "user": value::of_user(user) },
        };
        let forward = || {
            self.positions
                .find_one_and_update(key.clone(), update.clone())
                .upsert(true)
                .return_document(ReturnDocument::After)
        };
        let moved = match forward().await {
            // Two first marks at once: one made the document, the other finds it now.
            Err(error) if is_duplicate(&error) => forward().await,
            other => other,
        };
        let found = moved?
            .ok_or_else(|| StoreError::Failed("an upsert returned no document".to_owned()))?;
        position(room, user, &found)
    }
}

fn position(room: RoomId, user: UserId, found: &Document) -> Result<PositionRecord, StoreError> {
    let (delivered, read) = (value::seq(found, "delivered")?, value::seq(found, "read")?);
    Ok(PositionRecord { room, user, delivered, read })
}

/// Cuts a list of rooms so that no part is too long or has a room twice: a query's counts are told
/// apart by their rooms.
fn parts(rooms: &[(RoomId, Seq)]) -> Vec<&[(RoomId, Seq)]> {
    let mut parts = Vec::new();
    let mut rest = rooms;
    while !rest.is_empty() {
        let mut seen = HashSet::new();
        let length = rest
            .iter()
            .take(ROOMS_A_QUERY)
            .position(|(room, _)| !seen.insert(*room))
            .unwrap_or(rest.len().min(ROOMS_A_QUERY));
        let (part, others) = rest.split_at(length);
        parts.push(part);
        rest = others;
    }
    parts
}

impl MongoStore {
    async fn count_unread(
        &self,
        user: UserId,
        rooms: &[(RoomId, Seq)],
    ) -> Result<Vec<u64>, StoreError> {
        let branches: Vec<_> = rooms
            .iter()
            .map(|(room, read)| {
                doc! {
                    "room": value::of_room(*room),
                    "kind": "message",
                    "seq": { "$gt": read.as_i64() },
                    "sender": { "$ne": value::of_user(user) },
                }
            })
            .collect();
        let counts = self
            .events
            .aggregate([
                doc! { "$match": { "$or": branches } },
                doc! { "$group": { "_id": "$room", "count": { "$sum": 1 } } },
            ])
            // Without it the server would weigh all indexes against each other for every room.
            .hint(Hint::Keys(messages_index()))
            .await?;
        let counts: HashMap<RoomId, u64> = counts
            .err_into()
            .and_then(async |counted| {
                Ok::<_, StoreError>((
                    value::room(&counted, "_id")?,
                    value::count(&counted, "count")?,
                ))
            })
            .try_collect()
            .await?;
        Ok(rooms.iter().map(|(room, _)| counts.get(room).copied().unwrap_or(0)).collect())
    }
}

#[async_trait]
impl PositionStore for MongoStore {
    async fn mark(
        &self,
        room: RoomId,
        user: UserId,
        delivered: Option<Seq>,
        read: Option<Seq>,
    ) -> Result<PositionRecord, StoreError> {
        if delivered.is_none() && read.is_none() {
            let found = self.positions(user, &[room]).await?;
            return Ok(found.first().copied().unwrap_or(PositionRecord::start(room, user)));
        }
        let (delivered, read) = (delivered.unwrap_or_default(), read.unwrap_or_default());
        self.within(self.forward(room, user, delivered, read)).await
    }

    async fn positions(
        &self,
        user: UserId,
        rooms: &[RoomId],
    ) -> Result<Vec<PositionRecord>, StoreError> {
        if rooms.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = rooms.iter().map(|room| value::of_member(*room, user)).collect();
        self.within(async {
            let found = self.positions.find(doc! { "_id": { "$in": keys } }).await?;
            let known: HashMap<RoomId, PositionRecord> = found
                .err_into()
                .and_then(async |document| {
                    let room = value::room(&document, "room")?;
                    Ok::<_, StoreError>((room, position(room, user, &document)?))
                })
                .try_collect()
                .await?;
            let record = |room| known.get(room).copied();
            Ok(rooms
                .iter()
                .map(|room| record(room).unwrap_or(PositionRecord::start(*room, user)))
                .collect())
        })
        .await
    }

    async fn unread(&self, user: UserId, rooms: &[(RoomId, Seq)]) -> Result<Vec<u64>, StoreError> {
        let queries = parts(rooms).into_iter().map(|part| self.count_unread(user, part));
        let counts = self.within(try_join_all(queries)).await?;
        Ok(counts.into_iter().flatten().collect())
    }
}
