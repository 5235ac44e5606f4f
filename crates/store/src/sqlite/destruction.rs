//! Destroyed rooms in SQLite.

use std::time::Duration;

use async_trait::async_trait;
use hubbub_protocol::http::RemovedCounts;
use hubbub_protocol::{RoomId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{SqliteStore, rooms, value};
use crate::StoreError;
use crate::destruction::{DestructionJob, DestructionStore, Remains};

/// The tables of what remains, and the column of each by which rows of a room are removed.
const fn tables(what: Remains) -> &'static [(&'static str, &'static str)] {
    match what {
        Remains::Memberships => &[("memberships", "user"), ("bans", "user")],
        Remains::Events => &[("events", "seq")],
        Remains::Folded => &[("reactions", "message"), ("mentions", "seq")],
        Remains::SearchEntries => &[("search_blocks", "number"), ("search_marks", "room")],
        Remains::Positions => &[("positions", "user")],
        Remains::InboxEntries => &[("inbox", "user")],
    }
}

fn counts(row: &Row<'_>, column: &str) -> rusqlite::Result<RemovedCounts> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|_| value::unreadable("counts"))
}

fn counted(counts: &RemovedCounts) -> Result<String, StoreError> {
    serde_json::to_string(counts).map_err(|error| StoreError::Failed(format!("counts: {error}")))
}

fn job(row: &Row<'_>) -> rusqlite::Result<DestructionJob> {
    Ok(DestructionJob {
        room: value::room(row, "room")?,
        by: value::user(row, "by")?,
        at: value::time(row, "at")?,
        finished_at: value::optional_time(row, "finished_at")?,
        found: counts(row, "found")?,
        removed: counts(row, "removed")?,
        icon: value::optional_picture(row, "icon")?,
    })
}

fn find(connection: &Connection, room: RoomId) -> Result<Option<DestructionJob>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT * FROM destructions WHERE room = ?1")?
        .query_row([value::room_key(room)], job)
        .optional()?)
}

fn count(connection: &Connection, room: RoomId, what: Remains) -> Result<u64, StoreError> {
    let mut left = 0;
    for (table, _) in tables(what) {
        left += connection
            .prepare_cached(&format!("SELECT count(*) FROM {table} WHERE room = ?1"))?
            .query_row([value::room_key(room)], |row| value::count(row, 0))?;
    }
    Ok(left)
}

impl SqliteStore {
    /// Of these rooms, those that are destroyed.
    pub(super) async fn find_destroyed(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>, StoreError> {
        let rooms = rooms.to_vec();
        self.read(move |connection| {
            let mut is_destroyed =
                connection.prepare_cached("SELECT 1 FROM destructions WHERE room = ?1")?;
            let mut destroyed = Vec::new();
            for room in rooms {
                if is_destroyed.exists([value::room_key(room)])? {
                    destroyed.push(room);
                }
            }
            Ok(destroyed)
        })
        .await
    }
}

#[async_trait]
impl DestructionStore for SqliteStore {
    async fn destroy_room(
        &self,
        room: RoomId,
        by: UserId,
        now: Timestamp,
    ) -> Result<DestructionJob, StoreError> {
        self.write(move |connection| {
            if let Some(job) = find(connection, room)? {
                return Ok(job);
            }
            let record = rooms::by_id(connection, room)?.ok_or(StoreError::NoSuchRoom)?;
            let memberships = count(connection, room, Remains::Memberships)?;
            let mut job = DestructionJob {
                room,
                by,
                at: now,
                finished_at: None,
                found: RemovedCounts { memberships, ..RemovedCounts::default() },
                removed: RemovedCounts::default(),
                icon: record.icon,
            };
            let key = value::room_key(room);
            connection.prepare_cached("DELETE FROM rooms WHERE id = ?1")?.execute([&key])?;
            job.removed.memberships = connection
                .prepare_cached("DELETE FROM memberships WHERE room = ?1")?
                .execute([&key])? as u64;
            connection
                .prepare_cached(
                    "INSERT INTO destructions (room, by, at, held_until, found, removed, icon)
                     VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6)",
                )?
                .execute(params![
                    key,
                    value::user_key(by),
                    now.millis(),
                    counted(&job.found)?,
                    counted(&job.removed)?,
                    job.icon.map(value::picture_key),
                ])?;
            Ok(job)
        })
        .await
    }

    async fn destruction(&self, room: RoomId) -> Result<Option<DestructionJob>, StoreError> {
        self.read(move |connection| find(connection, room)).await
    }

    async fn claim_destruction(
        &self,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<DestructionJob>, StoreError> {
        self.write(move |connection| {
            Ok(connection
                .prepare_cached(
                    "UPDATE destructions SET held_until = ?2 WHERE room =
                       (SELECT room FROM destructions
                        WHERE finished_at IS NULL AND held_until <= ?1 ORDER BY at LIMIT 1)
                     RETURNING *",
                )?
                .query_row(params![now.millis(), now.after(lease).millis()], job)
                .optional()?)
        })
        .await
    }

    async fn note_destruction(
        &self,
        job: &DestructionJob,
        held_until: Timestamp,
    ) -> Result<(), StoreError> {
        let job = job.clone();
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE destructions SET found = ?2, removed = ?3, finished_at = ?4,
                                             held_until = ?5
                     WHERE room = ?1",
                )?
                .execute(params![
                    value::room_key(job.room),
                    counted(&job.found)?,
                    counted(&job.removed)?,
                    job.finished_at.map(|at| at.millis()),
                    held_until.millis(),
                ])?;
            Ok(())
        })
        .await
    }

    async fn count_remains(&self, room: RoomId, what: Remains) -> Result<u64, StoreError> {
        self.read(move |connection| count(connection, room, what)).await
    }

    async fn remove_remains(
        &self,
        room: RoomId,
        what: Remains,
        most: usize,
    ) -> Result<u64, StoreError> {
        self.write(move |connection| {
            let mut removed = 0;
            for (table, key) in tables(what) {
                let left = value::limit(most).saturating_sub_unsigned(removed);
                removed += connection
                    .prepare_cached(&format!(
                        "DELETE FROM {table} WHERE room = ?1 AND {key} IN
                           (SELECT {key} FROM {table} WHERE room = ?1 LIMIT ?2)"
                    ))?
                    .execute(params![value::room_key(room), left.max(0)])?
                    as u64;
            }
            Ok(removed)
        })
        .await
    }
}
