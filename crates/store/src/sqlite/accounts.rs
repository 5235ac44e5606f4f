//! The inside of accounts, in SQLite. Each operation is one transaction.

use async_trait::async_trait;
use hubbub_protocol::{Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::users::{COLUMNS, existing, find, record};
use super::{SqliteStore, value};
use crate::accounts::{AccountStore, PrivateAccount};
use crate::users::STAND_IN_DISPLAY_NAME;
use crate::{StoreError, UserRecord};

/// Sets who administers the site, unless nobody would.
fn set_admin(connection: &Connection, user: UserId, on: bool) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE users SET admin = ?2
             WHERE id = ?1 AND deleted_at IS NULL AND suspended_at IS NULL",
        )?
        .execute(params![value::user_key(user), on])?;
    let somebody = connection.prepare_cached("SELECT 1 FROM users WHERE admin = 1")?.exists([])?;
    // The error undoes the change.
    if somebody { Ok(()) } else { Err(StoreError::LastAdmin) }
}

fn suspend(
    connection: &Connection,
    user: UserId,
    at: Timestamp,
) -> Result<Option<UserRecord>, StoreError> {
    if existing(connection, user)?.is_some() {
        set_admin(connection, user, false)?;
        connection
            .prepare_cached(
                "UPDATE users SET suspended_at = coalesce(suspended_at, ?2) WHERE id = ?1",
            )?
            .execute(params![value::user_key(user), at.millis()])?;
    }
    existing(connection, user)
}

fn begin_erasure(connection: &Connection, user: UserId, at: Timestamp) -> Result<bool, StoreError> {
    let key = value::user_key(user);
    if existing(connection, user)?.is_none() {
        return Ok(connection
            .prepare_cached("SELECT 1 FROM users WHERE id = ?1")?
            .exists([key])?);
    }
    set_admin(connection, user, false)?;
    connection
        .prepare_cached(
            "UPDATE users SET deleted_at = ?2, display_name = ?3, email = NULL, password_hash = '',
                              bio = '', status_text = '', last_seen = NULL, suspended_at = NULL,
                              send_receipts = 1, send_typing = 1, availability = 0
             WHERE id = ?1",
        )?
        .execute(params![key, at.millis(), STAND_IN_DISPLAY_NAME])?;
    connection.prepare_cached("DELETE FROM user_keys WHERE user = ?1")?.execute([key])?;
    connection
        .prepare_cached("INSERT INTO erasures (user, begun_at) VALUES (?1, ?2)")?
        .execute(params![key, at.millis()])?;
    Ok(true)
}

/// What holds something of a person besides `users` itself, and how to remove it.
const TRACES: &[&str] = &[
    "DELETE FROM session_tokens WHERE session IN (SELECT id FROM sessions WHERE user = ?1)",
    "DELETE FROM sessions WHERE user = ?1",
    "DELETE FROM blocks WHERE user = ?1",
    "DELETE FROM blocks WHERE blocked = ?1",
    "DELETE FROM memberships WHERE user = ?1",
    "DELETE FROM positions WHERE user = ?1",
    "DELETE FROM inbox WHERE user = ?1",
    "UPDATE users SET avatar = NULL, last_seen = NULL WHERE id = ?1",
    "DELETE FROM erasures WHERE user = ?1",
];

fn finish_erasure(connection: &Connection, user: UserId) -> Result<(), StoreError> {
    let key = value::user_key(user);
    let pending =
        connection.prepare_cached("SELECT 1 FROM erasures WHERE user = ?1")?.exists([key])?;
    if pending {
        for trace in TRACES {
            connection.prepare_cached(trace)?.execute([key])?;
        }
    }
    Ok(())
}

#[async_trait]
impl AccountStore for SqliteStore {
    async fn account(&self, user: UserId) -> Result<Option<PrivateAccount>, StoreError> {
        self.read(move |connection| {
            Ok(connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS}, email, password_hash FROM users
                     WHERE id = ?1 AND deleted_at IS NULL"
                ))?
                .query_row([value::user_key(user)], |row| {
                    Ok(PrivateAccount {
                        user: record(row)?,
                        email: row.get("email")?,
                        password_hash: row.get("password_hash")?,
                    })
                })
                .optional()?)
        })
        .await
    }

    async fn set_password(&self, user: UserId, hash: String) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE users SET password_hash = ?2 WHERE id = ?1 AND deleted_at IS NULL",
                )?
                .execute(params![value::user_key(user), hash])?;
            Ok(changed > 0)
        })
        .await
    }

    async fn find_accounts(
        &self,
        prefix: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserRecord>, StoreError> {
        self.find_by_name(prefix, find::EXISTING, after, limit).await
    }

    async fn set_admin(&self, user: UserId, on: bool) -> Result<Option<UserRecord>, StoreError> {
        self.write(move |connection| {
            if existing(connection, user)?.is_some() {
                set_admin(connection, user, on)?;
            }
            existing(connection, user)
        })
        .await
    }

    async fn suspend(&self, user: UserId, at: Timestamp) -> Result<Option<UserRecord>, StoreError> {
        self.write(move |connection| suspend(connection, user, at)).await
    }

    async fn reinstate(&self, user: UserId) -> Result<Option<UserRecord>, StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached("UPDATE users SET suspended_at = NULL WHERE id = ?1")?
                .execute([value::user_key(user)])?;
            existing(connection, user)
        })
        .await
    }

    async fn begin_erasure(&self, user: UserId, at: Timestamp) -> Result<bool, StoreError> {
        self.write(move |connection| begin_erasure(connection, user, at)).await
    }

    async fn erasures(&self, limit: usize) -> Result<Vec<UserId>, StoreError> {
        self.read(move |connection| {
            let mut waiting = connection
                .prepare_cached("SELECT user FROM erasures ORDER BY begun_at, user LIMIT ?1")?;
            let waiting = waiting.query_map([value::limit(limit)], |row| value::user(row, 0))?;
            Ok(waiting.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn finish_erasure(&self, user: UserId) -> Result<(), StoreError> {
        self.write(move |connection| finish_erasure(connection, user)).await
    }
}
