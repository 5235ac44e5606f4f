//! What operators ask of MongoDB.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hubbub_protocol::RoomId;
use mongodb::Collection;
use mongodb::bson::{Document, doc};

use super::{MongoStore, value};
use crate::StoreError;
use crate::inspection::{InspectionStore, LogSpan, RoomSize, StrayMember};

/// How long a look at everything may take: an operator waits longer than a client.
const PATIENCE: Duration = Duration::from_secs(600);

/// What a pipeline finds.
async fn found(
    collection: &Collection<Document>,
    pipeline: Vec<Document>,
) -> Result<Vec<Document>, StoreError> {
    let looking = async {
        let found = collection.aggregate(pipeline).allow_disk_use(true).max_time(PATIENCE).await?;
        Ok::<Vec<Document>, StoreError>(found.try_collect().await?)
    };
    tokio::time::timeout(PATIENCE, looking)
        .await
        .map_err(|_| StoreError::Unavailable(format!("no answer from MongoDB in {PATIENCE:?}")))?
}

fn span(document: &Document) -> Result<LogSpan, StoreError> {
    Ok(LogSpan {
        epoch: value::epoch(document, "_id")?,
        first: value::seq(document, "first")?,
        last: value::seq(document, "last")?,
        events: value::count(document, "events")?,
    })
}

#[async_trait]
impl InspectionStore for MongoStore {
    async fn room_ids(
        &self,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomId>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let filter = after.map_or_else(Document::new, |after| {
            doc! { "_id": { "$gt": value::of_room(after) } }
        });
        self.within(async {
            let found = self.rooms.find(filter).projection(doc! { "_id": 1 });
            let found = found.sort(doc! { "_id": 1 }).limit(limit).await?;
            let room = async |document: Document| value::room(&document, "_id");
            found.err_into().and_then(room).try_collect().await
        })
        .await
    }

    async fn largest_rooms(&self, limit: usize) -> Result<Vec<RoomSize>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let pipeline = vec![
            doc! { "$group": { "_id": "$room", "members": { "$sum": 1 } } },
            doc! { "$sort": { "members": -1, "_id": 1 } },
            doc! { "$limit": limit },
        ];
        let size = |document: &Document| {
            Ok(RoomSize {
                room: value::room(document, "_id")?,
                members: value::count(document, "members")?,
            })
        };
        found(&self.memberships, pipeline).await?.iter().map(size).collect()
    }

    async fn log_spans(&self, room: RoomId) -> Result<Vec<LogSpan>, StoreError> {
        let pipeline = vec![
            doc! { "$match": { "room": value::of_room(room) } },
            doc! { "$group": {
                "_id": "$epoch",
                "first": { "$min": "$seq" },
                "last": { "$max": "$seq" },
                "events": { "$sum": 1 },
            } },
            doc! { "$sort": { "_id": 1 } },
        ];
        found(&self.events, pipeline).await?.iter().map(span).collect()
    }

    async fn stray_members(&self, limit: usize) -> Result<Vec<StrayMember>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let joined = |from: &Collection<Document>, name: &str| {
            doc! { "$lookup": {
                "from": from.name(), "localField": "room", "foreignField": "_id", "as": name,
            } }
        };
        let pipeline = vec![
            joined(&self.rooms, "there"),
            doc! { "$match": { "there": { "$size": 0 } } },
            // What a destroyed room has left is being removed.
            joined(&self.destructions, "destroyed"),
            doc! { "$match": { "destroyed": { "$size": 0 } } },
            doc! { "$limit": limit },
        ];
        let stray = |document: &Document| {
            Ok(StrayMember {
                room: value::room(document, "room")?,
                user: value::user(document, "user")?,
            })
        };
        found(&self.memberships, pipeline).await?.iter().map(stray).collect()
    }

    async fn remove_stray_members(&self, strays: &[StrayMember]) -> Result<u64, StoreError> {
        let mut removed = 0;
        for StrayMember { room, user } in strays {
            let filter = doc! { "_id": value::of_member(*room, *user) };
            let deleted =
                self.within(async { Ok(self.memberships.delete_one(filter).await?) }).await?;
            removed += deleted.deleted_count;
        }
        Ok(removed)
    }
}
