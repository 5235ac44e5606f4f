//! Destroyed rooms in MongoDB.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hubbub_protocol::http::RemovedCounts;
use hubbub_protocol::{RoomId, Timestamp, UserId};
use mongodb::Collection;
use mongodb::bson::{Bson, Document, deserialize_from_document, doc, serialize_to_bson};
use mongodb::options::ReturnDocument;

use super::error::is_duplicate;
use super::{MongoStore, value};
use crate::StoreError;
use crate::destruction::{DestructionJob, DestructionStore, Remains};

fn counts(document: &Document, field: &str) -> Result<RemovedCounts, StoreError> {
    let counts = document.get_document(field).ok().cloned();
    counts
        .and_then(|counts| deserialize_from_document(counts).ok())
        .ok_or_else(|| StoreError::Failed(format!("the stored field {field} is not readable")))
}

fn of_counts(counts: &RemovedCounts) -> Result<Bson, StoreError> {
    serialize_to_bson(counts).map_err(|error| StoreError::Failed(format!("counts: {error}")))
}

fn job(document: &Document) -> Result<DestructionJob, StoreError> {
    Ok(DestructionJob {
        room: value::room(document, "_id")?,
        by: value::user(document, "by")?,
        at: value::time(document, "at")?,
        finished_at: value::optional(document, "finished_at", value::time)?,
        found: counts(document, "found")?,
        removed: counts(document, "removed")?,
        icon: value::optional(document, "icon", value::picture)?,
    })
}

impl MongoStore {
    /// Where remains are, and the field of each that holds the room.
    fn remains(&self, what: Remains) -> Vec<(&Collection<Document>, &'static str)> {
        match what {
            Remains::Memberships => vec![(&self.memberships, "room"), (&self.bans, "room")],
            Remains::Events => vec![(&self.events, "room")],
            Remains::Folded => vec![(&self.reactions, "room")],
            Remains::SearchEntries => {
                vec![(&self.search_blocks, "room"), (&self.search_marks, "_id")]
            }
            Remains::Positions => vec![(&self.positions, "room")],
            Remains::InboxEntries => vec![(&self.inbox, "room")],
        }
    }

    async fn count_left(&self, room: RoomId, what: Remains) -> Result<u64, StoreError> {
        let mut left = 0;
        for (collection, field) in self.remains(what) {
            left += collection.count_documents(doc! { field: value::of_room(room) }).await?;
        }
        Ok(left)
    }

    pub(super) async fn find_destruction(
        &self,
        room: RoomId,
    ) -> Result<Option<DestructionJob>, StoreError> {
        let found = self.destructions.find_one(doc! { "_id": value::of_room(room) }).await?;
        found.as_ref().map(job).transpose()
    }

    /// Of these rooms, those that are destroyed.
    pub(super) async fn find_destroyed(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>, StoreError> {
        if rooms.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = rooms.iter().copied().map(value::of_room).collect();
        self.within(async {
            let found = self
                .destructions
                .find(doc! { "_id": { "$in": keys } })
                .projection(doc! { "_id": 1 })
                .await?;
            found
                .err_into()
                .and_then(async |document| value::room(&document, "_id"))
                .try_collect()
                .await
        })
        .await
    }
}

#[async_trait]
impl DestructionStore for MongoStore {
    /// The job, then the room, then its memberships. Once the job is there, the removal does the
    /// other two as well, whatever becomes of this call; they are done here so that nobody has to
    /// wait for it.
    async fn destroy_room(
        &self,
        room: RoomId,
        by: UserId,
        now: Timestamp,
    ) -> Result<DestructionJob, StoreError> {
        self.within(async {
            let this = doc! { "_id": value::of_room(room) };
            if let Some(record) = self.find_room(this.clone()).await? {
                let found = RemovedCounts {
                    memberships: self.count_left(room, Remains::Memberships).await?,
                    ..RemovedCounts::default()
                };
                let mut document = doc! {
                    "_id": value::of_room(room),
                    "by": value::of_user(by),
                    "at": value::of_time(now),
                    "open": true,
                    "held_until": value::of_time(Timestamp::default()),
                    "found": of_counts(&found)?,
                    "removed": of_counts(&RemovedCounts::default())?,
                };
                if let Some(icon) = record.icon {
                    document.insert("icon", value::of_picture(icon));
                }
                match self.destructions.insert_one(document).await {
                    Ok(_) => {}
                    Err(error) if is_duplicate(&error) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            let job = self.find_destruction(room).await?.ok_or(StoreError::NoSuchRoom)?;
            self.rooms.delete_one(this).await?;
            self.memberships.delete_many(doc! { "room": value::of_room(room) }).await?;
            Ok(job)
        })
        .await
    }

    async fn destruction(&self, room: RoomId) -> Result<Option<DestructionJob>, StoreError> {
        self.within(self.find_destruction(room)).await
    }

    /// The room goes again with each claim: whoever made the job may have died before that.
    async fn claim_destruction(
        &self,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<DestructionJob>, StoreError> {
        let free = doc! { "open": true, "held_until": { "$lte": value::of_time(now) } };
        let hold = doc! { "$set": { "held_until": value::of_time(now.after(lease)) } };
        self.within(async {
            let held = self
                .destructions
                .find_one_and_update(free, hold)
                .sort(doc! { "at": 1 })
                .return_document(ReturnDocument::After)
                .await?;
            let Some(held) = held else { return Ok(None) };
            let job = job(&held)?;
            self.rooms.delete_one(doc! { "_id": value::of_room(job.room) }).await?;
            Ok(Some(job))
        })
        .await
    }

    async fn note_destruction(
        &self,
        job: &DestructionJob,
        held_until: Timestamp,
    ) -> Result<(), StoreError> {
        let mut set = doc! {
            "found": of_counts(&job.found)?,
            "removed": of_counts(&job.removed)?,
            "held_until": value::of_time(held_until),
        };
        let mut change = Document::new();
        if let Some(at) = job.finished_at {
            set.insert("finished_at", value::of_time(at));
            change.insert("$unset", doc! { "open": "" });
        }
        change.insert("$set", set);
        let this = doc! { "_id": value::of_room(job.room) };
        self.within(async { Ok(self.destructions.update_one(this, change).await.map(drop)?) }).await
    }

    async fn count_remains(&self, room: RoomId, what: Remains) -> Result<u64, StoreError> {
        self.within(self.count_left(room, what)).await
    }

    async fn remove_remains(
        &self,
        room: RoomId,
        what: Remains,
        most: usize,
    ) -> Result<u64, StoreError> {
        self.within(async {
            let mut removed = 0;
            for (collection, field) in self.remains(what) {
                let left = most.saturating_sub(usize::try_from(removed).unwrap_or(usize::MAX));
                let Some(left) = value::limit(left) else { break };
                let page = collection
                    .find(doc! { field: value::of_room(room) })
                    .projection(doc! { "_id": 1 })
                    .limit(left)
                    .await?;
                let page: Vec<Document> = page.try_collect().await?;
                let keys: Vec<_> =
                    page.into_iter().filter_map(|mut document| document.remove("_id")).collect();
                if !keys.is_empty() {
                    let gone = collection.delete_many(doc! { "_id": { "$in": keys } }).await?;
                    removed += gone.deleted_count;
                }
            }
            Ok(removed)
        })
        .await
    }
}
