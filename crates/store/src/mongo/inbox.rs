//! Inboxes in MongoDB: one document an entry, whose `_id` is user, room and message.

use std::collections::{BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hubbub_protocol::http::{InboxEntry, InboxReason};
use hubbub_protocol::{MessageId, RoomId, Timestamp, UserId};
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::ErrorKind;

use super::error::{DUPLICATE_KEY, is_passing};
use super::{MongoStore, value};
use crate::StoreError;
use crate::inbox::{ANNOUNCED_WITHIN, InboxNote, InboxPart, InboxPlace, InboxStore, KEPT_MAX};

const REASONS: [(InboxReason, &str); 3] = [
    (InboxReason::Direct, "direct"),
    (InboxReason::Mention, "mention"),
    (InboxReason::Reply, "reply"),
];

/// The newest first.
fn newest() -> Document {
    doc! { "at": -1, "room": -1, "message": -1 }
}

fn key(note: &InboxNote) -> Bson {
    let InboxNote { user, entry } = note;
    let parts: [&[u8]; 3] =
        [user.as_uuid().as_bytes(), entry.room.as_bytes(), entry.message.as_uuid().as_bytes()];
    value::of_bytes(&parts.concat())
}

fn document(note: &InboxNote, announce: Option<Timestamp>) -> Document {
    let InboxNote { user, entry } = note;
    let reason = REASONS.iter().find(|(reason, _)| *reason == entry.reason);
    let mut document = doc! {
        "_id": key(note),
        "user": value::of_user(*user),
        "room": value::of_room(entry.room),
        "message": value::of_message(entry.message),
        "seq": entry.seq.as_i64(),
        "sender": value::of_user(entry.sender),
        "at": value::of_time(entry.at),
        "reason": reason.map(|(_, name)| *name),
        "excerpt": &entry.excerpt,
    };
    if let Some(announce) = announce {
        document.insert("announce", value::of_time(announce));
    }
    document
}

fn note(document: &Document) -> Result<InboxNote, StoreError> {
    let reason = document.get_str("reason").ok();
    let reason = REASONS
        .iter()
        .find(|(_, name)| reason == Some(name))
        .ok_or_else(|| StoreError::Failed("the stored field reason is not readable".to_owned()))?;
    Ok(InboxNote {
        user: value::user(document, "user")?,
        entry: InboxEntry {
            room: value::room(document, "room")?,
            seq: value::seq(document, "seq")?,
            message: value::message(document, "message")?,
            sender: value::user(document, "sender")?,
            at: value::time(document, "at")?,
            reason: reason.0,
            excerpt: value::text(document, "excerpt")?.to_owned(),
        },
    })
}

impl MongoStore {
    /// Inserts what is not there, and tells which by index was.
    async fn insert_notes(
        &self,
        notes: &[InboxNote],
        announce: Option<Timestamp>,
    ) -> Result<HashSet<usize>, StoreError> {
        let documents: Vec<_> = notes.iter().map(|note| document(note, announce)).collect();
        let error = match self.inbox.insert_many(documents).ordered(false).await {
            Ok(_) => return Ok(HashSet::new()),
            Err(error) => error,
        };
        let ErrorKind::InsertMany(failure) = &*error.kind else { return Err(error.into()) };
        if let Some(concern) = &failure.write_concern_error {
            let reason = format!("no majority: {} ({})", concern.code_name, concern.code);
            return Err(StoreError::Unavailable(reason));
        }
        let mut there = HashSet::new();
        for write in failure.write_errors.iter().flatten() {
            let reason = format!("{} ({})", write.code_name.as_deref().unwrap_or(""), write.code);
            match write.code {
                DUPLICATE_KEY => there.insert(write.index),
                code if is_passing(code) => return Err(StoreError::Unavailable(reason)),
                _ => return Err(StoreError::Failed(reason)),
            };
        }
        Ok(there)
    }

    async fn counts(&self, users: &[UserId]) -> Result<HashMap<UserId, u64>, StoreError> {
        let ids: Vec<_> = users.iter().map(|user| value::of_user(*user)).collect();
        let counts = self
            .inbox
            .aggregate([
                doc! { "$match": { "user": { "$in": ids } } },
                doc! { "$group": { "_id": "$user", "count": { "$sum": 1 } } },
            ])
            .await?;
        counts
            .err_into()
            .and_then(async |counted| {
                Ok((value::user(&counted, "_id")?, value::count(&counted, "count")?))
            })
            .try_collect()
            .await
    }

    /// Takes the oldest out of inboxes that hold too many.
    async fn trim(&self, users: &BTreeSet<UserId>) -> Result<(), StoreError> {
        let users: Vec<UserId> = users.iter().copied().collect();
        for (user, count) in self.counts(&users).await? {
            if count <= KEPT_MAX.cast_unsigned() {
                continue;
            }
            let of_user = doc! { "user": value::of_user(user) };
            let rest = self
                .inbox
                .find(of_user)
                .sort(newest())
                .skip(KEPT_MAX.cast_unsigned())
                .projection(doc! { "_id": 1 })
                .await?;
            let rest: Vec<Document> = rest.try_collect().await?;
            let ids: Vec<_> = rest.iter().filter_map(|entry| entry.get("_id").cloned()).collect();
            self.inbox.delete_many(doc! { "_id": { "$in": ids } }).await?;
        }
        Ok(())
    }

    async fn set_announce(&self, notes: &[InboxNote], update: Document) -> Result<(), StoreError> {
        if notes.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = notes.iter().map(key).collect();
        self.inbox.update_many(doc! { "_id": { "$in": keys } }, update).await?;
        Ok(())
    }
}

#[async_trait]
impl InboxStore for MongoStore {
    async fn put_inbox(
        &self,
        notes: &[InboxNote],
        announce: Option<Timestamp>,
    ) -> Result<Vec<InboxNote>, StoreError> {
        if notes.is_empty() {
            return Ok(Vec::new());
        }
        self.within(async {
            let there = self.insert_notes(notes, announce).await?;
            let new = notes.iter().enumerate().filter(|(at, _)| !there.contains(at));
            let new: Vec<InboxNote> = new.map(|(_, note)| note.clone()).collect();
            if !new.is_empty() {
                self.trim(&new.iter().map(|note| note.user).collect()).await?;
            }
            Ok(new)
        })
        .await
    }

    async fn inbox(
        &self,
        user: UserId,
        before: Option<InboxPlace>,
        limit: usize,
    ) -> Result<Vec<InboxEntry>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let mut filter = doc! { "user": value::of_user(user) };
        if let Some(InboxPlace { at, room, message }) = before {
            let (at, room, message) =
                (value::of_time(at), value::of_room(room), value::of_message(message));
            let earlier = [
                doc! { "at": { "$lt": &at } },
                doc! { "at": &at, "room": { "$lt": &room } },
                doc! { "at": &at, "room": &room, "message": { "$lt": message } },
            ];
            filter.insert("$or", earlier.to_vec());
        }
        self.within(async {
            let found = self.inbox.find(filter).sort(newest()).limit(limit).await?;
            let entries = found.err_into().and_then(async |entry| Ok(note(&entry)?.entry));
            entries.try_collect().await
        })
        .await
    }

    async fn inbox_counts(&self, users: &[UserId]) -> Result<Vec<u64>, StoreError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let counts = self.within(self.counts(users)).await?;
        Ok(users.iter().map(|user| counts.get(user).copied().unwrap_or(0)).collect())
    }

    async fn clear_inbox(&self, user: UserId, part: InboxPart) -> Result<u64, StoreError> {
        let mut filter = doc! { "user": value::of_user(user) };
        match part {
            InboxPart::Everything => {}
            InboxPart::Room(room) => {
                filter.insert("room", value::of_room(room));
            }
            InboxPart::Read(room, upto) => {
                filter.insert("room", value::of_room(room));
                filter.insert("seq", doc! { "$lte": upto.as_i64() });
            }
        }
        self.within(async { Ok(self.inbox.delete_many(filter).await?.deleted_count) }).await
    }

    async fn change_excerpt(
        &self,
        room: RoomId,
        message: MessageId,
        excerpt: &str,
    ) -> Result<(), StoreError> {
        let of_message =
            doc! { "room": value::of_room(room), "message": value::of_message(message) };
        let update = doc! { "$set": { "excerpt": excerpt } };
        self.within(async {
            self.inbox.update_many(of_message, update).await?;
            Ok(())
        })
        .await
    }

    /// Found, then removed: a crash in between loses nothing but the news of it, and the next call
    /// finds the rest.
    async fn withdraw(&self, room: RoomId, message: MessageId) -> Result<Vec<UserId>, StoreError> {
        let of_message =
            doc! { "room": value::of_room(room), "message": value::of_message(message) };
        self.within(async {
            let found = self.inbox.find(of_message.clone()).projection(doc! { "user": 1 }).await?;
            let users: Vec<UserId> = found
                .err_into()
                .and_then(async |entry: Document| value::user(&entry, "user"))
                .try_collect()
                .await?;
            if !users.is_empty() {
                self.inbox.delete_many(of_message).await?;
            }
            Ok(users)
        })
        .await
    }

    async fn unannounced(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<InboxNote>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        self.within(async {
            let due = doc! { "announce": { "$lt": value::of_time(now) } };
            let found = self.inbox.find(due).sort(doc! { "announce": 1 }).limit(limit).await?;
            let found: Vec<InboxNote> =
                found.err_into().and_then(async |entry| note(&entry)).try_collect().await?;
            let later = value::of_time(now.after(ANNOUNCED_WITHIN));
            self.set_announce(&found, doc! { "$set": { "announce": later } }).await?;
            Ok(found)
        })
        .await
    }

    async fn announced(&self, notes: &[InboxNote]) -> Result<(), StoreError> {
        self.within(self.set_announce(notes, doc! { "$unset": { "announce": "" } })).await
    }
}
