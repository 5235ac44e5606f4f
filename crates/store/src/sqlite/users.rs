//! Accounts in SQLite.

use async_trait::async_trait;
use hubbub_protocol::{PictureId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::is_duplicate;
use super::{SqliteStore, value};
use crate::users::{NewUser, ProfileChange, UserRecord, UserStore};
use crate::{StoreError, fold, users};

pub(super) const COLUMNS: &str = "id, username, display_name, created_at, last_seen, bio, \
     status_text, avatar, send_receipts, send_typing, availability, admin, suspended_at, deleted_at";

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<UserRecord> {
    let deleted_at = value::optional_time(row, "deleted_at")?;
    let id = value::user(row, "id")?;
    Ok(UserRecord {
        id,
        username: match deleted_at {
            Some(_) => users::stand_in_name(id),
            None => row.get("username")?,
        },
        display_name: row.get("display_name")?,
        created_at: value::time(row, "created_at")?,
        last_seen: value::optional_time(row, "last_seen")?,
        bio: row.get("bio")?,
        status_text: row.get("status_text")?,
        avatar: value::optional_picture(row, "avatar")?,
        send_receipts: row.get("send_receipts")?,
        send_typing: row.get("send_typing")?,
        availability: users::availability_of(row.get("availability")?),
        admin: row.get("admin")?,
        suspended_at: value::optional_time(row, "suspended_at")?,
        deleted_at,
    })
}

/// An account that is not deleted.
pub(super) fn existing(
    connection: &Connection,
    user: UserId,
) -> Result<Option<UserRecord>, StoreError> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM users WHERE id = ?1 AND deleted_at IS NULL"
        ))?
        .query_row([value::user_key(user)], record)
        .optional()?)
}

/// Makes somebody to be found under these names and no others.
fn put_keys(connection: &Connection, user: [u8; 16], names: [&str; 2]) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM user_keys WHERE user = ?1")?.execute([user])?;
    let mut key_of =
        connection.prepare_cached("INSERT INTO user_keys (key, user) VALUES (?1, ?2)")?;
    for key in fold::user_keys(names[0], names[1]) {
        key_of.execute(params![key, user])?;
    }
    Ok(())
}

fn update(
    connection: &Connection,
    user: UserId,
    change: &ProfileChange,
) -> Result<Option<UserRecord>, StoreError> {
    let key = value::user_key(user);
    connection
        .prepare_cached(
            "UPDATE users SET display_name = coalesce(?2, display_name), bio = coalesce(?3, bio),
                              status_text = coalesce(?4, status_text),
                              send_receipts = coalesce(?5, send_receipts),
                              send_typing = coalesce(?6, send_typing),
                              availability = coalesce(?7, availability)
             WHERE id = ?1 AND deleted_at IS NULL",
        )?
        .execute(params![
            key,
            change.display_name,
            change.bio,
            change.status_text,
            change.send_receipts,
            change.send_typing,
            change.availability.map(users::availability_code)
        ])?;
    let Some(updated) = existing(connection, user)? else { return Ok(None) };
    if change.display_name.is_some() {
        put_keys(connection, key, [&updated.username, &updated.display_name])?;
    }
    Ok(Some(updated))
}

fn create(connection: &Connection, user: &NewUser) -> Result<UserRecord, StoreError> {
    let id = value::user_key(user.id);
    let inserted = connection
        .prepare_cached(
            "INSERT INTO users (id, username, display_name, email, password_hash, created_at, admin)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, NOT EXISTS (SELECT 1 FROM users))",
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
        Ok(_) => put_keys(connection, id, [&user.username, &user.display_name])?,
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

/// Which accounts a search finds.
pub(super) mod find {
    /// Those that are not deleted.
    pub(in crate::sqlite) const EXISTING: &str = "deleted_at IS NULL";
    /// Those that somebody can use.
    pub(in crate::sqlite) const ACTIVE: &str = "deleted_at IS NULL AND suspended_at IS NULL";
}

impl SqliteStore {
    /// Accounts that fulfil `which` and have a name that starts with `prefix`; with an empty one
    /// whatever their names.
    pub(super) async fn find_by_name(
        &self,
        prefix: &str,
        which: &'static str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserRecord>, StoreError> {
        let query = fold::query(prefix);
        self.read(move |connection| {
            let after: Option<[u8; 16]> = after.map(value::user_key);
            let limit = value::limit(limit);
            if query.is_empty() {
                let mut all = connection.prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM users WHERE id > coalesce(?1, x'') AND {which}
                     ORDER BY id LIMIT ?2"
                ))?;
                let users = all.query_map(params![after, limit], record)?;
                return Ok(users.collect::<Result<_, _>>()?);
            }
            let (query, end) = fold::key_range(query);
            let mut matching = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM users
                 WHERE id > coalesce(?1, x'') AND {which}
                   AND id IN (SELECT user FROM user_keys WHERE key >= ?3 AND key < ?4)
                 ORDER BY id LIMIT ?2"
            ))?;
            let users = matching.query_map(params![after, limit, query, end], record)?;
            Ok(users.collect::<Result<_, _>>()?)
        })
        .await
    }
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
                    "SELECT {COLUMNS}, password_hash FROM users
                     WHERE username = ?1 AND deleted_at IS NULL"
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

    async fn users_by_name(&self, names: &[String]) -> Result<Vec<UserRecord>, StoreError> {
        let names = names.to_vec();
        self.read(move |connection| {
            let mut by_name = connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM users WHERE username = ?1"))?;
            let mut found = Vec::with_capacity(names.len());
            for name in names {
                found.extend(by_name.query_row([name], record).optional()?);
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
        self.find_by_name(prefix, find::ACTIVE, after, limit).await
    }

    async fn update_profile(
        &self,
        user: UserId,
        change: ProfileChange,
    ) -> Result<Option<UserRecord>, StoreError> {
        self.write(move |connection| update(connection, user, &change)).await
    }

    async fn set_avatar(
        &self,
        user: UserId,
        avatar: Option<PictureId>,
    ) -> Result<Option<Option<PictureId>>, StoreError> {
        self.write(move |connection| {
            let before = existing(connection, user)?.map(|user| user.avatar);
            if before.is_some() {
                connection
                    .prepare_cached("UPDATE users SET avatar = ?2 WHERE id = ?1")?
                    .execute(params![value::user_key(user), avatar.map(value::picture_key)])?;
            }
            Ok(before)
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
