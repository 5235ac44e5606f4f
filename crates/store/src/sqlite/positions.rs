//! Positions in SQLite.

use async_trait::async_trait;
use hubbub_protocol::{RoomId, Seq, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{SqliteStore, value};
use crate::StoreError;
use crate::positions::{PositionRecord, PositionStore};

const UNREAD: &str =
    "SELECT count(*) FROM events WHERE room = ?1 AND kind = 0 AND seq > ?2 AND sender <> ?3";

/// Moves positions forward. The greater counts, and reading implies delivery.
pub(super) fn forward(
    connection: &Connection,
    room: RoomId,
    user: UserId,
    delivered: Seq,
    read: Seq,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO positions (user, room, delivered, read) VALUES (?1, ?2, max(?3, ?4), ?4)
             ON CONFLICT DO UPDATE SET
               delivered = max(delivered, excluded.delivered), read = max(read, excluded.read)",
        )?
        .execute(params![
            value::user_key(user),
            value::room_key(room),
            delivered.as_i64(),
            read.as_i64()
        ])?;
    Ok(())
}

fn position(
    connection: &Connection,
    room: RoomId,
    user: UserId,
) -> Result<PositionRecord, StoreError> {
    let found = connection
        .prepare_cached("SELECT delivered, read FROM positions WHERE user = ?1 AND room = ?2")?
        .query_row(params![value::user_key(user), value::room_key(room)], |row| {
            Ok((Seq::from_i64(row.get(0)?), Seq::from_i64(row.get(1)?)))
        })
        .optional()?;
    let (delivered, read) = found.unwrap_or_default();
    Ok(PositionRecord { room, user, delivered, read })
}

#[async_trait]
impl PositionStore for SqliteStore {
    async fn mark(
        &self,
        room: RoomId,
        user: UserId,
        delivered: Option<Seq>,
        read: Option<Seq>,
    ) -> Result<PositionRecord, StoreError> {
        self.write(move |connection| {
            if delivered.is_some() || read.is_some() {
                let (delivered, read) = (delivered.unwrap_or_default(), read.unwrap_or_default());
                forward(connection, room, user, delivered, read)?;
            }
            position(connection, room, user)
        })
        .await
    }

    async fn positions(
        &self,
        user: UserId,
        rooms: &[RoomId],
    ) -> Result<Vec<PositionRecord>, StoreError> {
        let rooms = rooms.to_vec();
        self.read(move |connection| {
            rooms.into_iter().map(|room| position(connection, room, user)).collect()
        })
        .await
    }

    async fn unread(&self, user: UserId, rooms: &[(RoomId, Seq)]) -> Result<Vec<u64>, StoreError> {
        let rooms = rooms.to_vec();
        self.read(move |connection| {
            let mut count = connection.prepare_cached(UNREAD)?;
            let user = value::user_key(user);
            let unread = rooms.into_iter().map(|(room, read)| {
                let key = value::room_key(room);
                Ok(count
                    .query_row(params![key, read.as_i64(), user], |row| value::count(row, 0))?)
            });
            unread.collect()
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
        let plan: String = connection
            .query_row(
                &format!("EXPLAIN QUERY PLAN {UNREAD}"),
                params![[0_u8; 17], 0, [0_u8; 16]],
                |row| row.get("detail"),
            )
            .unwrap();
        assert!(plan.contains("USING COVERING INDEX events_messages (room=? AND seq>?)"), "{plan}");
    }
}
