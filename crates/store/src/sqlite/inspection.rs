//! What operators ask of SQLite.

use async_trait::async_trait;
use hubbub_protocol::{Epoch, RoomId, Seq};
use rusqlite::{Row, params};

use super::{SqliteStore, value};
use crate::StoreError;
use crate::inspection::{InspectionStore, LogSpan, RoomSize, StrayMember};

fn size(row: &Row<'_>) -> rusqlite::Result<RoomSize> {
    Ok(RoomSize { room: value::room(row, 0)?, members: value::count(row, 1)? })
}

fn span(row: &Row<'_>) -> rusqlite::Result<LogSpan> {
    let whole = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.cast_unsigned());
    Ok(LogSpan {
        epoch: Epoch(whole(0)?),
        first: Seq(whole(1)?),
        last: Seq(whole(2)?),
        events: value::count(row, 3)?,
    })
}

fn stray(row: &Row<'_>) -> rusqlite::Result<StrayMember> {
    Ok(StrayMember { room: value::room(row, 0)?, user: value::user(row, 1)? })
}

#[async_trait]
impl InspectionStore for SqliteStore {
    async fn room_ids(
        &self,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomId>, StoreError> {
        self.read(move |connection| {
            let mut rooms = connection.prepare_cached(
                "SELECT id FROM rooms WHERE id > coalesce(?1, x'') ORDER BY id LIMIT ?2",
            )?;
            let after = after.map(value::room_key);
            let found =
                rooms.query_map(params![after, value::limit(limit)], |row| value::room(row, 0))?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn largest_rooms(&self, limit: usize) -> Result<Vec<RoomSize>, StoreError> {
        self.read(move |connection| {
            let mut rooms = connection.prepare_cached(
                "SELECT room, count(*) AS members FROM memberships
                 GROUP BY room ORDER BY members DESC, room LIMIT ?1",
            )?;
            Ok(rooms.query_map([value::limit(limit)], size)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn log_spans(&self, room: RoomId) -> Result<Vec<LogSpan>, StoreError> {
        self.read(move |connection| {
            let mut spans = connection.prepare_cached(
                "SELECT epoch, min(seq), max(seq), count(*) FROM events
                 WHERE room = ?1 GROUP BY epoch ORDER BY epoch",
            )?;
            Ok(spans.query_map([value::room_key(room)], span)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn stray_members(&self, limit: usize) -> Result<Vec<StrayMember>, StoreError> {
        self.read(move |connection| {
            // What a destroyed room has left is being removed.
            let mut strays = connection.prepare_cached(
                "SELECT room, user FROM memberships
                 WHERE room NOT IN (SELECT id FROM rooms)
                   AND room NOT IN (SELECT room FROM destructions)
                 LIMIT ?1",
            )?;
            Ok(strays.query_map([value::limit(limit)], stray)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn remove_stray_members(&self, strays: &[StrayMember]) -> Result<u64, StoreError> {
        let strays = strays.to_vec();
        self.write(move |connection| {
            let mut remove = connection
                .prepare_cached("DELETE FROM memberships WHERE room = ?1 AND user = ?2")?;
            let mut removed = 0;
            for StrayMember { room, user } in strays {
                let keys = params![value::room_key(room), value::user_key(user)];
                removed += remove.execute(keys)? as u64;
            }
            Ok(removed)
        })
        .await
    }
}
