//! Positions in SQLite.

use async_trait::async_trait;
use hubbub_protocol::http::NotifyLevel;
use hubbub_protocol::{RoomId, Seq, UserId};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::{SqliteStore, value};
use crate::StoreError;
use crate::change::EVERYBODY;
use crate::positions::{
    COUNTED_MAX, Moved, PositionChange, PositionRecord, PositionStore, Unread, UnreadRange,
};

const UNREAD: &str = "SELECT count(*) FROM (
       SELECT 1 FROM events WHERE room = ?1 AND kind = 0 AND seq > ?2 AND sender <> ?3 LIMIT ?4)";

/// Of a message that calls somebody both by name and as one of everybody, one row counts.
const MENTIONS: &str = "SELECT count(*) FROM (
       SELECT seq FROM mentions WHERE room = ?1 AND user = ?3 AND seq > ?2 AND sender <> ?3
       UNION
       SELECT seq FROM mentions WHERE room = ?1 AND user = ?5 AND seq > ?2 AND sender <> ?3
       LIMIT ?4)";

const fn notify_code(level: NotifyLevel) -> i64 {
    match level {
        NotifyLevel::All => 0,
        NotifyLevel::Mentions => 1,
        NotifyLevel::Nothing => 2,
    }
}

fn notify(code: i64) -> rusqlite::Result<NotifyLevel> {
    [NotifyLevel::All, NotifyLevel::Mentions, NotifyLevel::Nothing]
        .into_iter()
        .find(|level| notify_code(*level) == code)
        .ok_or_else(|| value::unreadable("notify level"))
}

/// Changes a row. Writers come one after another, so reading first is safe.
pub(super) fn change(
    connection: &Connection,
    room: RoomId,
    user: UserId,
    change: &PositionChange,
) -> Result<Moved, StoreError> {
    let from = position(connection, room, user)?;
    let to = from.changed(change);
    let moved = Moved { from, to };
    if moved.is_change() {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO positions
                   (user, room, delivered, read, since, unread_from, notify, version)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                value::user_key(user),
                value::room_key(room),
                to.delivered.as_i64(),
                to.read.as_i64(),
                to.since.as_i64(),
                to.unread_from.unwrap_or_default().as_i64(),
                notify_code(to.notify),
                to.version.cast_signed(),
            ])?;
    }
    Ok(moved)
}

fn position(
    connection: &Connection,
    room: RoomId,
    user: UserId,
) -> Result<PositionRecord, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT delivered, read, since, unread_from, notify, version FROM positions
             WHERE user = ?1 AND room = ?2",
        )?
        .query_row(params![value::user_key(user), value::room_key(room)], |row| {
            let unread_from = Seq::from_i64(row.get("unread_from")?);
            Ok(PositionRecord {
                room,
                user,
                delivered: Seq::from_i64(row.get("delivered")?),
                read: Seq::from_i64(row.get("read")?),
                since: Seq::from_i64(row.get("since")?),
                unread_from: Some(unread_from).filter(|from| *from > Seq(0)),
                notify: notify(row.get("notify")?)?,
                version: value::count(row, "version")?,
            })
        })
        .optional()?;
    Ok(found.unwrap_or(PositionRecord::start(room, user)))
}

fn unread(
    connection: &Connection,
    user: UserId,
    range: &UnreadRange,
) -> Result<Unread, StoreError> {
    let (room, after) = (value::room_key(range.room), range.after.as_i64());
    let (user, everybody) = (value::user_key(user), value::user_key(EVERYBODY));
    let count = |query: &str, parameters: &[&dyn ToSql]| -> Result<u64, StoreError> {
        Ok(connection.prepare_cached(query)?.query_row(parameters, |row| value::count(row, 0))?)
    };
    Ok(Unread {
        messages: count(UNREAD, params![room, after, user, COUNTED_MAX])?,
        mentions: count(MENTIONS, params![room, after, user, COUNTED_MAX, everybody])?,
    })
}

#[async_trait]
impl PositionStore for SqliteStore {
    async fn mark(
        &self,
        room: RoomId,
        user: UserId,
        wanted: PositionChange,
    ) -> Result<Moved, StoreError> {
        self.write(move |connection| change(connection, room, user, &wanted)).await
    }

    async fn positions_among(
        &self,
        pairs: &[(RoomId, UserId)],
    ) -> Result<Vec<PositionRecord>, StoreError> {
        let pairs = pairs.to_vec();
        self.read(move |connection| {
            pairs.into_iter().map(|(room, user)| position(connection, room, user)).collect()
        })
        .await
    }

    async fn unread(
        &self,
        user: UserId,
        ranges: &[UnreadRange],
    ) -> Result<Vec<Unread>, StoreError> {
        let ranges = ranges.to_vec();
        self.read(move |connection| {
            ranges.iter().map(|range| unread(connection, user, range)).collect()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::schema;

    #[test]
    fn unread_are_counted_from_the_index_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {UNREAD}")).unwrap();
        let plan: Vec<String> = explain
            .query_map(params![[0_u8; 17], 0, [0_u8; 16], 1000], |row| row.get("detail"))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let plan = plan.join("; ");
        assert!(plan.contains("USING COVERING INDEX events_messages (room=? AND seq>?)"), "{plan}");
    }
}
