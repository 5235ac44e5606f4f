//! Accounts in SQLite.

use async_trait::async_trait;
use hubbub_protocol::{Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::is_duplicate;
use super::{SqliteStore, value};
use crate::users::{NewUser, UserRecord, UserStore};
use crate::{StoreError, fold};

const COLUMNS: &str = "id, username, display_name, created_at, last_seen";

fn record(row: &Row<'_>) -> rusqlite::Result<UserRecord> {
    let last_seen: Option<i64> = row.get("last_seen")?;
    Ok(UserRecord {
        id: value::user(row, "id")?,
        username: row.get("username")?,
        display_name: row.get("display_name")?,
        created_at: value::time(row, "created_at")?,
        last_seen: last_seen.map(Timestamp::from_millis),
    })
}

fn create(connection: &Connection, user: &NewUser) -> Result<UserRecord, StoreError> {
    let id = value::user_key(user.id);
    let inserted = connection
        .prepare_cached(
            "INSERT INTO users (id, username, display_name, email, password_hash, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            id,
            user.username,
            user.display_name,
            user.email,
            user.password_hash,
            user.created_at.millis()
        ]);
    match inserted {
        Ok(_) => {
            let mut key_of =
                connection.prepare_cached("INSERT INTO user_keys (key, user) VALUES (?1, ?2)")?;
            for key in fold::user_keys(&user.username, &user.display_name) {
                key_of.execute(params![key, id])?;
            }
        }
        // Repeated by a caller that never saw the first answer, it is no conflict.
        Err(error) if is_duplicate(&error) => {
            let owner: Option<[u8; 16]> = connection
                .prepare_cached("SELECT id FROM users WHERE username = ?1")?
                .query_row([&user.username], |row| row.get(0))
                .optional()?;
            if owner != Some(id) {
                return Err(StoreError::UsernameTaken);
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM users WHERE id = ?1"))?
        .query_row([id], record)?)
}

#[async_trait]
impl UserStore for SqliteStore {
    async fn create_user(&self, user: NewUser) -> Result<UserRecord, StoreError> {
        self.write(move |connection| create(connection, &user)).await
    }

    async fn credentials(
        &self,
        username: &str,
    ) -> Result<Option<(UserRecord, String)>, StoreError> {
        let username = username.to_owned();
        self.read(move |connection| {
            Ok(connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS}, password_hash FROM users WHERE username = ?1"
                ))?
                .query_row([username], |row| Ok((record(row)?, row.get("password_hash")?)))
                .optional()?)
        })
        .await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<UserRecord>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |connection| {
            let mut by_id =
                connection.prepare_cached(&format!("SELECT {COLUMNS} FROM users WHERE id = ?1"))?;
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                found.extend(by_id.query_row([value::user_key(id)], record).optional()?);
            }
            Ok(found)
        })
        .await
    }

    async fn find_users(
        &self,
        prefix: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserRecord>, StoreError> {
        let query = fold::query(prefix);
        self.read(move |connection| {
            let after: Option<[u8; 16]> = after.map(value::user_key);
            let limit = value::limit(limit);
            if query.is_empty() {
                let mut all = connection.prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM users WHERE id > coalesce(?1, x'') ORDER BY id LIMIT ?2"
                ))?;
                let users = all.query_map(params![after, limit], record)?;
                return Ok(users.collect::<Result<_, _>>()?);
            }
            // Every key that starts with the query lies between it and it with the last character
            // there is.
            let end = format!("{query}{}", char::MAX);
            let mut matching = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM users
                 WHERE id > coalesce(?1, x'')
                   AND id IN (SELECT user FROM user_keys WHERE key >= ?3 AND key < ?4)
                 ORDER BY id LIMIT ?2"
            ))?;
            let users = matching.query_map(params![after, limit, query, end], record)?;
            Ok(users.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn set_last_seen(&self, users: &[UserId], at: Timestamp) -> Result<(), StoreError> {
        let users = users.to_vec();
        self.write(move |connection| {
            let mut forward = connection.prepare_cached(
                "UPDATE users SET last_seen = ?2 WHERE id = ?1 AND coalesce(last_seen, ?2 - 1) < ?2",
            )?;
            for user in users {
                forward.execute(params![value::user_key(user), at.millis()])?;
            }
            Ok(())
        })
        .await
    }
}
