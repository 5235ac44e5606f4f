//! Logins in SQLite.
//!
//! Every token a session has had is kept until the token itself runs out: until then its reuse is
//! noticed, afterwards it is unknown. A session that was ended stays for as long, for the same
//! reason.

use async_trait::async_trait;
use hubbub_protocol::{SessionId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{SqliteStore, value};
use crate::StoreError;
use crate::sessions::{NewSession, Rotation, SessionRecord, SessionStore, TokenHash};

const COLUMNS: &str = "id, user, created_at, renewed_at, expires_at, access_expires_at, client";

fn record(row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    Ok(SessionRecord {
        id: value::session(row, "id")?,
        user: value::user(row, "user")?,
        created_at: value::time(row, "created_at")?,
        renewed_at: value::time(row, "renewed_at")?,
        expires_at: value::time(row, "expires_at")?,
        access_expires_at: value::time(row, "access_expires_at")?,
        client: row.get("client")?,
    })
}

fn by_id(connection: &Connection, id: [u8; 16]) -> Result<SessionRecord, StoreError> {
    Ok(connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM sessions WHERE id = ?1"))?
        .query_row([id], record)?)
}

/// Forgets what ran out before `now`.
fn sweep(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    for table in ["sessions", "session_tokens"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE expires_at <= ?1"))?
            .execute([now.millis()])?;
    }
    Ok(())
}

fn keep_token(
    connection: &Connection,
    hash: &TokenHash,
    session: [u8; 16],
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO session_tokens (hash, session, expires_at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![hash, session, expires_at.millis()])?;
    Ok(())
}

/// What a rotation asks for.
struct Request {
    presented: TokenHash,
    next: TokenHash,
    now: Timestamp,
    expires_at: Timestamp,
    access_expires_at: Timestamp,
}

fn rotate(connection: &Connection, request: &Request) -> Result<Rotation, StoreError> {
    let Request { presented, next, now, expires_at, access_expires_at } = request;
    let family = connection
        .prepare_cached(
            "SELECT sessions.id, sessions.token, sessions.ended FROM session_tokens
             JOIN sessions ON sessions.id = session_tokens.session
             WHERE session_tokens.hash = ?1 AND session_tokens.expires_at > ?2
               AND sessions.expires_at > ?2",
        )?
        .query_row(params![presented, now.millis()], |row| {
            Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, TokenHash>(1)?, row.get::<_, bool>(2)?))
        })
        .optional()?;
    let Some((id, current, ended)) = family else { return Ok(Rotation::Unknown) };
    if current == *presented && ended {
        return Ok(Rotation::Unknown);
    }
    if current == *next && !ended {
        // The same call again, by a caller that never saw the first answer.
        return Ok(Rotation::Rotated(by_id(connection, id)?));
    }
    if current != *presented {
        connection.prepare_cached("UPDATE sessions SET ended = 1 WHERE id = ?1")?.execute([id])?;
        return Ok(Rotation::Reused(SessionId::from_uuid(uuid::Uuid::from_bytes(id))));
    }
    keep_token(connection, next, id, *expires_at)?;
    connection
        .prepare_cached(
            "UPDATE sessions SET token = ?2, expires_at = ?3, access_expires_at = ?4, renewed_at = ?5
             WHERE id = ?1",
        )?
        .execute(params![
            id,
            next,
            expires_at.millis(),
            access_expires_at.millis(),
            now.millis()
        ])?;
    sweep(connection, *now)?;
    Ok(Rotation::Rotated(by_id(connection, id)?))
}

#[async_trait]
impl SessionStore for SqliteStore {
    async fn create_session(&self, session: NewSession) -> Result<SessionRecord, StoreError> {
        self.write(move |connection| {
            let id = value::session_key(session.id);
            connection
                .prepare_cached(
                    "INSERT INTO sessions
                       (id, user, token, created_at, renewed_at, expires_at, access_expires_at,
                        client)
                     VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    id,
                    value::user_key(session.user),
                    session.token,
                    session.created_at.millis(),
                    session.expires_at.millis(),
                    session.access_expires_at.millis(),
                    session.client
                ])?;
            keep_token(connection, &session.token, id, session.expires_at)?;
            let created = by_id(connection, id)?;
            sweep(connection, session.created_at)?;
            Ok(created)
        })
        .await
    }

    async fn rotate_session(
        &self,
        presented: &TokenHash,
        next: &TokenHash,
        now: Timestamp,
        expires_at: Timestamp,
        access_expires_at: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let request =
            Request { presented: *presented, next: *next, now, expires_at, access_expires_at };
        self.write(move |connection| rotate(connection, &request)).await
    }

    async fn session(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, StoreError> {
        self.read(move |connection| {
            Ok(connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM sessions
                     WHERE id = ?1 AND ended = 0 AND expires_at > ?2"
                ))?
                .query_row(params![value::session_key(id), now.millis()], record)
                .optional()?)
        })
        .await
    }

    async fn live_sessions(
        &self,
        ids: &[SessionId],
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |connection| {
            let mut is_live = connection.prepare_cached(
                "SELECT 1 FROM sessions WHERE id = ?1 AND ended = 0 AND expires_at > ?2",
            )?;
            let mut live = Vec::with_capacity(ids.len());
            for id in ids {
                if is_live.exists(params![value::session_key(id), now.millis()])? {
                    live.push(id);
                }
            }
            Ok(live)
        })
        .await
    }

    async fn sessions_of(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        self.read(move |connection| {
            let mut live = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM sessions
                 WHERE user = ?1 AND ended = 0 AND expires_at > ?2
                 ORDER BY created_at DESC, id DESC"
            ))?;
            let live = live.query_map(params![value::user_key(user), now.millis()], record)?;
            Ok(live.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn end_sessions(
        &self,
        user: UserId,
        but: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.write(move |connection| {
            let (user, but) = (value::user_key(user), but.map(value::session_key));
            connection
                .prepare_cached("UPDATE sessions SET ended = 1 WHERE user = ?1 AND id IS NOT ?2")?
                .execute(params![user, but])?;
            let mut ended = connection.prepare_cached(
                "SELECT id FROM sessions
                 WHERE user = ?1 AND id IS NOT ?2 AND access_expires_at > ?3",
            )?;
            let ended =
                ended.query_map(params![user, but, now.millis()], |row| value::session(row, 0))?;
            Ok(ended.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn end_session(&self, id: SessionId) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let ended = connection
                .prepare_cached("UPDATE sessions SET ended = 1 WHERE id = ?1 AND ended = 0")?
                .execute([value::session_key(id)])?;
            Ok(ended > 0)
        })
        .await
    }
}
