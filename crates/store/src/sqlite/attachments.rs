//! Files in SQLite.

use async_trait::async_trait;
use hubbub_protocol::{AttachmentId, MessageId, RoomId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{SqliteStore, value};
use crate::StoreError;
use crate::attachments::{
    AttachmentStore, FileClaim, FileRecord, FileState, FinishedUpload, NewUpload,
};
use crate::blobs::{self, Part};

const UPLOADING: i32 = FileState::Uploading.code();
const READY: i32 = FileState::Ready.code();
const SENT: i32 = FileState::Sent.code();
const GONE: i32 = FileState::Gone.code();

const COLUMNS: &str = "id, room, owner, state, name, length, parts, content, message, expires_at";

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(format!("a file: {error}")))
}

fn read_json<T: DeserializeOwned>(row: &Row<'_>, column: &'static str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|_| value::unreadable(column))
}

fn bytes(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn record(row: &Row<'_>) -> rusqlite::Result<FileRecord> {
    let state: i64 = row.get("state")?;
    let expires_at: Option<i64> = row.get("expires_at")?;
    Ok(FileRecord {
        id: value::attachment(row, "id")?,
        room: value::room(row, "room")?,
        owner: value::user(row, "owner")?,
        state: FileState::of_code(state).ok_or_else(|| value::unreadable("state of a file"))?,
        name: row.get("name")?,
        length: value::count(row, "length")?,
        parts: read_json(row, "parts")?,
        content: read_json(row, "content")?,
        message: value::optional_message(row, "message")?,
        expires_at: expires_at.map(Timestamp::from_millis),
    })
}

fn find(connection: &Connection, id: AttachmentId) -> Result<Option<FileRecord>, StoreError> {
    Ok(connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM files WHERE id = ?1"))?
        .query_row([value::attachment_key(id)], record)
        .optional()?)
}

fn claim(
    connection: &Connection,
    claim: &FileClaim,
) -> Result<Option<Vec<FileRecord>>, StoreError> {
    let mut files = Vec::with_capacity(claim.files.len());
    for &id in &claim.files {
        let Some(file) = find(connection, id)?.filter(|file| claim.may_take(file)) else {
            return Ok(None);
        };
        files.push(file);
    }
    for file in &mut files {
        if file.state == FileState::Ready {
            connection
                .prepare_cached(
                    "UPDATE files SET state = ?2, message = ?3, expires_at = ?4 WHERE id = ?1",
                )?
                .execute(params![
                    value::attachment_key(file.id),
                    SENT,
                    value::message_key(claim.message),
                    claim.check_at.millis(),
                ])?;
            claim.mark(file);
        }
    }
    Ok(Some(files))
}

/// Discards the files of a message that is deleted.
pub(super) fn discard_of_message(
    connection: &Connection,
    room: RoomId,
    message: MessageId,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE files SET state = ?3, expires_at = ?4
             WHERE room = ?1 AND message = ?2 AND state <> ?3",
        )?
        .execute(params![value::room_key(room), value::message_key(message), GONE, now.millis()])?;
    Ok(())
}

#[async_trait]
impl AttachmentStore for SqliteStore {
    async fn begin_upload(&self, upload: NewUpload, quota: u64) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let begun = connection
                .prepare_cached(
                    "INSERT INTO files (id, room, owner, state, name, length, received, parts,
                                        content, expires_at)
                     SELECT ?1, ?2, ?3, ?4, ?5, ?6, 0, '[]', ?7, ?8
                     WHERE ?6 + (SELECT coalesce(sum(length), 0) FROM files
                                 WHERE owner = ?3 AND state <> 3 AND id <> ?1) <= ?9
                     ON CONFLICT (id) DO UPDATE SET id = id",
                )?
                .execute(params![
                    value::attachment_key(upload.id),
                    value::room_key(upload.room),
                    value::user_key(upload.owner),
                    UPLOADING,
                    upload.name,
                    bytes(upload.length),
                    json(&crate::attachments::FileContent::default())?,
                    upload.expires_at.millis(),
                    bytes(quota),
                ])?;
            Ok(begun > 0)
        })
        .await
    }

    async fn file(&self, id: AttachmentId) -> Result<Option<FileRecord>, StoreError> {
        self.read(move |connection| find(connection, id)).await
    }

    async fn extend_upload(
        &self,
        id: AttachmentId,
        from: u64,
        parts: &[Part],
    ) -> Result<bool, StoreError> {
        let (received, parts) = (blobs::size(parts), json(parts)?);
        self.write(move |connection| {
            let extended = connection
                .prepare_cached(
                    "UPDATE files SET received = ?4, parts = ?5
                     WHERE id = ?1 AND state = ?2 AND received = ?3",
                )?
                .execute(params![
                    value::attachment_key(id),
                    UPLOADING,
                    bytes(from),
                    bytes(received),
                    parts,
                ])?;
            Ok(extended > 0)
        })
        .await
    }

    async fn finish_upload(
        &self,
        id: AttachmentId,
        finished: FinishedUpload,
    ) -> Result<bool, StoreError> {
        let FinishedUpload { name, parts, content, expires_at } = finished;
        let length = bytes(blobs::size(&parts));
        let (parts, content) = (json(&parts)?, json(&content)?);
        self.write(move |connection| {
            let finished = connection
                .prepare_cached(
                    "UPDATE files SET state = ?3, length = ?4, received = ?4, parts = ?5,
                                      content = ?6, expires_at = ?7, name = ?8
                     WHERE id = ?1 AND state = ?2",
                )?
                .execute(params![
                    value::attachment_key(id),
                    UPLOADING,
                    READY,
                    length,
                    parts,
                    content,
                    expires_at.millis(),
                    name,
                ])?;
            Ok(finished > 0)
        })
        .await
    }

    async fn claim_files(&self, taking: &FileClaim) -> Result<Option<Vec<FileRecord>>, StoreError> {
        let taking = taking.clone();
        self.write(move |connection| claim(connection, &taking)).await
    }

    async fn keep_files(&self, files: &[AttachmentId]) -> Result<(), StoreError> {
        let files = files.to_vec();
        self.write(move |connection| {
            let mut keep = connection.prepare_cached(
                "UPDATE files SET expires_at = NULL WHERE id = ?1 AND state = ?2",
            )?;
            for id in files {
                keep.execute(params![value::attachment_key(id), SENT])?;
            }
            Ok(())
        })
        .await
    }

    async fn discard_files(
        &self,
        files: &[AttachmentId],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let files = files.to_vec();
        self.write(move |connection| {
            let mut discard = connection.prepare_cached(
                "UPDATE files SET state = ?2, expires_at = ?3 WHERE id = ?1 AND state <> ?2",
            )?;
            let mut discarded = 0;
            for id in files {
                discarded +=
                    discard.execute(params![value::attachment_key(id), GONE, now.millis()])? as u64;
            }
            Ok(discarded)
        })
        .await
    }

    async fn due_files(
        &self,
        now: Timestamp,
        again_at: Timestamp,
        limit: usize,
    ) -> Result<Vec<FileRecord>, StoreError> {
        self.write(move |connection| {
            let mut due = connection.prepare_cached(&format!(
                "UPDATE files SET state = iif(state = ?4, ?4, ?5), expires_at = ?2
                 WHERE id IN (SELECT id FROM files WHERE expires_at <= ?1
                              ORDER BY expires_at LIMIT ?3)
                 RETURNING {COLUMNS}"
            ))?;
            let limit = value::limit(limit);
            let rows =
                due.query_map(params![now.millis(), again_at.millis(), limit, SENT, GONE], record)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn forget_file(&self, id: AttachmentId) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM files WHERE id = ?1")?
                .execute([value::attachment_key(id)])?;
            Ok(())
        })
        .await
    }

    async fn files_of(
        &self,
        room: RoomId,
        after: Option<AttachmentId>,
        limit: usize,
    ) -> Result<Vec<FileRecord>, StoreError> {
        self.read(move |connection| {
            let mut files = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM files WHERE room = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
            ))?;
            let after = after.map_or(Vec::new(), |id| value::attachment_key(id).to_vec());
            let rows = files
                .query_map(params![value::room_key(room), after, value::limit(limit)], record)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}
