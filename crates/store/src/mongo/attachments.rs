//! Files in MongoDB: one document each, so that every step is one conditional write.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hubbub_protocol::{AttachmentId, MessageId, RoomId, Timestamp, UserId};
use mongodb::bson::{Bson, Document, deserialize_from_bson, doc, serialize_to_bson};
use mongodb::options::ReturnDocument;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::is_duplicate;
use super::{MongoStore, value};
use crate::StoreError;
use crate::attachments::{
    AttachmentStore, FileClaim, FileContent, FileRecord, FileState, FinishedUpload, NewUpload,
};
use crate::blobs::{self, Part};

const UPLOADING: i32 = FileState::Uploading.code();
const READY: i32 = FileState::Ready.code();
const SENT: i32 = FileState::Sent.code();
const GONE: i32 = FileState::Gone.code();

fn to_bson<T: Serialize + ?Sized>(value: &T) -> Result<Bson, StoreError> {
    serialize_to_bson(value).map_err(|error| StoreError::Failed(format!("a file: {error}")))
}

fn from_bson<T: DeserializeOwned>(document: &Document, field: &str) -> Result<T, StoreError> {
    document
        .get(field)
        .and_then(|value| deserialize_from_bson(value.clone()).ok())
        .ok_or_else(|| value::unreadable(field))
}

fn bytes(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn record(document: &Document) -> Result<FileRecord, StoreError> {
    let state = document.get_i32("state").ok().map(i64::from).and_then(FileState::of_code);
    Ok(FileRecord {
        id: value::attachment(document, "_id")?,
        room: value::room(document, "room")?,
        owner: value::user(document, "owner")?,
        state: state.ok_or_else(|| value::unreadable("state"))?,
        name: value::text(document, "name")?.to_owned(),
        length: value::count(document, "length")?,
        parts: from_bson(document, "parts")?,
        content: from_bson(document, "content")?,
        message: value::optional(document, "message", value::message)?,
        expires_at: value::optional(document, "expires_at", value::time)?,
    })
}

fn any(files: &[AttachmentId]) -> Document {
    let ids: Vec<Bson> = files.iter().map(|id| value::of_attachment(*id)).collect();
    doc! { "$in": ids }
}

impl MongoStore {
    /// The bytes of an owner's files, gone ones left out.
    async fn bytes_of(&self, owner: UserId) -> Result<u64, StoreError> {
        let pipeline = [
            doc! { "$match": { "owner": value::of_user(owner), "state": { "$ne": GONE } } },
            doc! { "$group": { "_id": null, "length": { "$sum": "$length" } } },
        ];
        let mut sums = self.files.aggregate(pipeline).await?;
        match sums.try_next().await? {
            Some(sum) => value::count(&sum, "length"),
            None => Ok(0),
        }
    }

    async fn found(&self, files: &[AttachmentId]) -> Result<Vec<Option<FileRecord>>, StoreError> {
        let found: Vec<Document> =
            self.files.find(doc! { "_id": any(files) }).await?.try_collect().await?;
        let records = found.iter().map(record).collect::<Result<Vec<_>, _>>()?;
        let by_id: HashMap<_, _> = records.into_iter().map(|file| (file.id, file)).collect();
        Ok(files.iter().map(|id| by_id.get(id).cloned()).collect())
    }

    /// Takes what can be taken; whether one of them could not be, though it seemed so before.
    async fn take(&self, claim: &FileClaim, files: &mut [FileRecord]) -> Result<bool, StoreError> {
        let mut taken = true;
        for file in files.iter_mut().filter(|file| file.state == FileState::Ready) {
            let free = doc! {
                "_id": value::of_attachment(file.id),
                "state": READY,
                "expires_at": { "$gt": value::of_time(claim.at) },
            };
            let take = doc! { "$set": {
                "state": SENT,
                "message": value::of_message(claim.message),
                "expires_at": value::of_time(claim.check_at),
            } };
            taken &= self.files.update_one(free, take).await?.matched_count > 0;
            claim.mark(file);
        }
        Ok(taken)
    }

    /// Discards the files of messages that are deleted.
    pub(super) async fn discard_of_messages(
        &self,
        messages: &[(RoomId, MessageId, Timestamp)],
    ) -> Result<(), StoreError> {
        for (room, message, at) in messages {
            let theirs = doc! {
                "room": value::of_room(*room),
                "message": value::of_message(*message),
                "state": { "$ne": GONE },
            };
            let gone = doc! { "$set": { "state": GONE, "expires_at": value::of_time(*at) } };
            self.files.update_many(theirs, gone).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl AttachmentStore for MongoStore {
    async fn begin_upload(&self, upload: NewUpload, quota: u64) -> Result<bool, StoreError> {
        let id = value::of_attachment(upload.id);
        let document = doc! {
            "_id": id.clone(),
            "room": value::of_room(upload.room),
            "owner": value::of_user(upload.owner),
            "state": UPLOADING,
            "name": upload.name,
            "length": bytes(upload.length),
            "received": 0_i64,
            "parts": [],
            "content": to_bson(&FileContent::default())?,
            "expires_at": value::of_time(upload.expires_at),
        };
        self.within(async {
            // First it takes its share, then it looks: whoever comes at the same time counts it.
            match self.files.insert_one(document).await {
                Err(error) if !is_duplicate(&error) => return Err(error.into()),
                _ => {}
            }
            if self.bytes_of(upload.owner).await? <= quota {
                return Ok(true);
            }
            self.files.delete_one(doc! { "_id": id, "state": UPLOADING }).await?;
            Ok(false)
        })
        .await
    }

    async fn file(&self, id: AttachmentId) -> Result<Option<FileRecord>, StoreError> {
        self.within(async {
            let found = self.files.find_one(doc! { "_id": value::of_attachment(id) }).await?;
            found.as_ref().map(record).transpose()
        })
        .await
    }

    async fn extend_upload(
        &self,
        id: AttachmentId,
        from: u64,
        parts: &[Part],
    ) -> Result<bool, StoreError> {
        let standing = doc! {
            "_id": value::of_attachment(id),
            "state": UPLOADING,
            "received": bytes(from),
        };
        let more = doc! { "$set": {
            "received": bytes(blobs::size(parts)),
            "parts": to_bson(parts)?,
        } };
        self.within(async { Ok(self.files.update_one(standing, more).await?.matched_count > 0) })
            .await
    }

    async fn finish_upload(
        &self,
        id: AttachmentId,
        finished: FinishedUpload,
    ) -> Result<bool, StoreError> {
        let length = bytes(blobs::size(&finished.parts));
        let ready = doc! { "$set": {
            "state": READY,
            "name": finished.name,
            "length": length,
            "received": length,
            "parts": to_bson(&finished.parts)?,
            "content": to_bson(&finished.content)?,
            "expires_at": value::of_time(finished.expires_at),
        } };
        let upload = doc! { "_id": value::of_attachment(id), "state": UPLOADING };
        self.within(async { Ok(self.files.update_one(upload, ready).await?.matched_count > 0) })
            .await
    }

    async fn claim_files(&self, claim: &FileClaim) -> Result<Option<Vec<FileRecord>>, StoreError> {
        let may_take = |file: Option<FileRecord>| file.filter(|file| claim.may_take(file));
        self.within(async {
            let found = self.found(&claim.files).await?;
            let Some(mut files) = found.into_iter().map(may_take).collect::<Option<Vec<_>>>()
            else {
                return Ok(None);
            };
            if self.take(claim, &mut files).await? {
                return Ok(Some(files));
            }
            // Another try of the same message was faster, or another message.
            let found = self.found(&claim.files).await?.into_iter().map(may_take);
            let files: Option<Vec<_>> = found.collect();
            Ok(files.filter(|files| files.iter().all(|file| file.state == FileState::Sent)))
        })
        .await
    }

    async fn keep_files(&self, files: &[AttachmentId]) -> Result<(), StoreError> {
        let sent = doc! { "_id": any(files), "state": SENT };
        let keep = doc! { "$unset": { "expires_at": "" } };
        self.within(async { Ok(self.files.update_many(sent, keep).await.map(drop)?) }).await
    }

    async fn discard_files(
        &self,
        files: &[AttachmentId],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let live = doc! { "_id": any(files), "state": { "$ne": GONE } };
        let gone = doc! { "$set": { "state": GONE, "expires_at": value::of_time(now) } };
        self.within(async { Ok(self.files.update_many(live, gone).await?.modified_count) }).await
    }

    async fn due_files(
        &self,
        now: Timestamp,
        again_at: Timestamp,
        limit: usize,
    ) -> Result<Vec<FileRecord>, StoreError> {
        let take = [doc! { "$set": {
            "state": { "$cond": [{ "$eq": ["$state", SENT] }, SENT, GONE] },
            "expires_at": value::of_time(again_at),
        } }];
        let mut files = Vec::new();
        while files.len() < limit {
            let next = self
                .files
                .find_one_and_update(
                    doc! { "expires_at": { "$lte": value::of_time(now) } },
                    take.to_vec(),
                )
                .sort(doc! { "expires_at": 1 })
                .return_document(ReturnDocument::After);
            let Some(file) = self.within(async { Ok(next.await?) }).await? else { break };
            files.push(record(&file)?);
        }
        Ok(files)
    }

    async fn forget_file(&self, id: AttachmentId) -> Result<(), StoreError> {
        let file = doc! { "_id": value::of_attachment(id) };
        self.within(async { Ok(self.files.delete_one(file).await.map(drop)?) }).await
    }

    async fn files_of(
        &self,
        room: RoomId,
        after: Option<AttachmentId>,
        limit: usize,
    ) -> Result<Vec<FileRecord>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let mut filter = doc! { "room": value::of_room(room) };
        if let Some(after) = after {
            filter.insert("_id", doc! { "$gt": value::of_attachment(after) });
        }
        self.within(async {
            let found = self.files.find(filter).sort(doc! { "_id": 1 }).limit(limit).await?;
            found.err_into().and_then(async |file| record(&file)).try_collect().await
        })
        .await
    }
}
