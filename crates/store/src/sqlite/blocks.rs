//! Blocks in SQLite.

use async_trait::async_trait;
use hubbub_protocol::UserId;
use rusqlite::{Connection, params};

use super::{SqliteStore, value};
use crate::StoreError;
use crate::blocks::{BLOCKS_MAX, BlockStore};

fn block(connection: &Connection, user: UserId, blocked: UserId) -> Result<bool, StoreError> {
    let (user, blocked) = (value::user_key(user), value::user_key(blocked));
    let inserted = connection
        .prepare_cached(
            "INSERT INTO blocks (user, blocked) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?
        .execute(params![user, blocked])?;
    let count = connection
        .prepare_cached("SELECT count(*) FROM blocks WHERE user = ?1")?
        .query_row([user], |row| value::count(row, 0))?;
    // The error undoes the insertion.
    if inserted > 0 && count > BLOCKS_MAX as u64 {
        Err(StoreError::TooManyBlocks)
    } else {
        Ok(inserted > 0)
    }
}

/// Of `others`, those for whom `is` finds a block between ?1, the user, and ?2, the other.
fn among(
    connection: &Connection,
    is: &str,
    user: UserId,
    others: &[UserId],
) -> Result<Vec<UserId>, StoreError> {
    let mut is = connection.prepare_cached(is)?;
    let mut found = Vec::new();
    for other in others {
        if is.exists(params![value::user_key(user), value::user_key(*other)])? {
            found.push(*other);
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

#[async_trait]
impl BlockStore for SqliteStore {
    async fn block(&self, user: UserId, blocked: UserId) -> Result<bool, StoreError> {
        self.write(move |connection| block(connection, user, blocked)).await
    }

    async fn unblock(&self, user: UserId, blocked: UserId) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let removed = connection
                .prepare_cached("DELETE FROM blocks WHERE user = ?1 AND blocked = ?2")?
                .execute(params![value::user_key(user), value::user_key(blocked)])?;
            Ok(removed > 0)
        })
        .await
    }

    async fn blocked_by(
        &self,
        user: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        self.read(move |connection| {
            let after: Option<[u8; 16]> = after.map(value::user_key);
            let mut blocked = connection.prepare_cached(
                "SELECT blocked FROM blocks WHERE user = ?1 AND blocked > coalesce(?2, x'')
                 ORDER BY blocked LIMIT ?3",
            )?;
            let blocked = blocked
                .query_map(params![value::user_key(user), after, value::limit(limit)], |row| {
                    value::user(row, 0)
                })?;
            Ok(blocked.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn blocked_between(
        &self,
        user: UserId,
        others: &[UserId],
    ) -> Result<Vec<UserId>, StoreError> {
        let others = others.to_vec();
        self.read(move |connection| {
            let is = "SELECT 1 FROM blocks
                      WHERE (user = ?1 AND blocked = ?2) OR (user = ?2 AND blocked = ?1)";
            among(connection, is, user, &others)
        })
        .await
    }

    async fn blockers_among(
        &self,
        user: UserId,
        others: &[UserId],
    ) -> Result<Vec<UserId>, StoreError> {
        let others = others.to_vec();
        self.read(move |connection| {
            among(
                connection,
                "SELECT 1 FROM blocks WHERE user = ?2 AND blocked = ?1",
                user,
                &others,
            )
        })
        .await
    }

    async fn blocks_among(
        &self,
        pairs: &[(UserId, UserId)],
    ) -> Result<Vec<(UserId, UserId)>, StoreError> {
        let pairs = pairs.to_vec();
        self.read(move |connection| {
            let mut is = connection
                .prepare_cached("SELECT 1 FROM blocks WHERE user = ?1 AND blocked = ?2")?;
            let mut found = Vec::new();
            for (user, blocked) in pairs {
                if is.exists(params![value::user_key(user), value::user_key(blocked)])? {
                    found.push((user, blocked));
                }
            }
            Ok(found)
        })
        .await
    }
}
