//! The audit list in SQLite.

use async_trait::async_trait;
use hubbub_protocol::http::AuditEntry;
use hubbub_protocol::{AuditId, RoomId};
use rusqlite::{Connection, Params, params};

use super::{SqliteStore, value};
use crate::StoreError;
use crate::audit::AuditStore;

fn unreadable() -> StoreError {
    StoreError::Failed("a stored audit entry is not readable".to_owned())
}

fn entries(
    connection: &Connection,
    query: &str,
    params: impl Params,
) -> Result<Vec<AuditEntry>, StoreError> {
    let mut query = connection.prepare_cached(query)?;
    let mut rows = query.query(params)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let entry: String = row.get(0)?;
        entries.push(serde_json::from_str(&entry).map_err(|_| unreadable())?);
    }
    Ok(entries)
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn append_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let (id, room) = (value::audit_key(entry.id), entry.room.map(value::room_key));
        let entry = serde_json::to_string(entry)
            .map_err(|error| StoreError::Failed(format!("an audit entry: {error}")))?;
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO audit (id, room, entry) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![id, room, entry])?;
            Ok(())
        })
        .await
    }

    async fn audit(
        &self,
        room: Option<RoomId>,
        before: Option<AuditId>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(move |connection| {
            let before = before.map_or([0xff; 16], value::audit_key);
            let limit = value::limit(limit);
            match room {
                Some(room) => entries(
                    connection,
                    "SELECT entry FROM audit WHERE room = ?1 AND id < ?2
                     ORDER BY id DESC LIMIT ?3",
                    params![value::room_key(room), before, limit],
                ),
                None => entries(
                    connection,
                    "SELECT entry FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
                    params![before, limit],
                ),
            }
        })
        .await
    }
}
