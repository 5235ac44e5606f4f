//! Memberships in SQLite: one row per (room, user).

use async_trait::async_trait;
use hubbub_protocol::http::{Role, RoomKind};
use hubbub_protocol::{RoomCode, RoomId, Seq, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rooms::{by_id, enter, use_code};
use super::{SqliteStore, value};
use crate::memberships::{MemberPage, Membership, MembershipStore};
use crate::rooms::{RoomRecord, role_code};
use crate::{StoreError, fold};

/// A row with `role`, `joined_at` and `muted_until`.
pub(super) fn membership(
    row: &Row<'_>,
    room: RoomId,
    user: UserId,
) -> rusqlite::Result<Membership> {
    Ok(Membership {
        room,
        user,
        role: value::role(row, "role")?,
        joined_at: value::time(row, "joined_at")?,
        muted_until: value::optional_time(row, "muted_until")?,
    })
}

/// Adds a member unless they are one, and tells whether it did.
pub(super) fn admit(
    connection: &Connection,
    room: RoomId,
    user: UserId,
    role: Role,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO memberships (room, user, role, joined_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            value::room_key(room),
            value::user_key(user),
            role_code(role),
            now.millis()
        ])?;
    Ok(inserted > 0)
}

pub(super) fn find_membership(
    connection: &Connection,
    room: RoomId,
    user: UserId,
) -> Result<Option<Membership>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT role, joined_at, muted_until FROM memberships WHERE room = ?1 AND user = ?2",
        )?
        .query_row(params![value::room_key(room), value::user_key(user)], |row| {
            membership(row, room, user)
        })
        .optional()?)
}

/// Takes a member out and tells whether they were one.
pub(super) fn remove(
    connection: &Connection,
    room: RoomId,
    user: UserId,
) -> Result<bool, StoreError> {
    let removed = connection
        .prepare_cached("DELETE FROM memberships WHERE room = ?1 AND user = ?2")?
        .execute(params![value::room_key(room), value::user_key(user)])?;
    Ok(removed > 0)
}

pub(super) fn leave(
    connection: &Connection,
    room: &RoomRecord,
    user: UserId,
) -> Result<bool, StoreError> {
    let Some(place) = find_membership(connection, room.id, user)? else { return Ok(false) };
    if room.kind == RoomKind::Direct || place.role == Role::Owner {
        return Err(StoreError::OwnerMustStay);
    }
    remove(connection, room.id, user)
}

#[async_trait]
impl MembershipStore for SqliteStore {
    async fn join(
        &self,
        room: RoomId,
        user: UserId,
        read: Seq,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let found = by_id(connection, room)?.ok_or(StoreError::NoSuchRoom)?;
            enter(connection, &found, user, read, now)
        })
        .await
    }

    async fn join_by_code(
        &self,
        room: RoomId,
        code: RoomCode,
        user: UserId,
        read: Seq,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let found = by_id(connection, room)?.ok_or(StoreError::NoSuchRoom)?;
            if find_membership(connection, room, user)?.is_some() {
                return Ok(false);
            }
            // An error below undoes this as well.
            if !use_code(connection, room, code, now)? {
                return Err(StoreError::NoSuchRoom);
            }
            enter(connection, &found, user, read, now)
        })
        .await
    }

    async fn leave(&self, room: RoomId, user: UserId) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let Some(found) = by_id(connection, room)? else { return Ok(false) };
            leave(connection, &found, user)
        })
        .await
    }

    async fn membership(
        &self,
        room: RoomId,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        self.read(move |connection| find_membership(connection, room, user)).await
    }

    async fn memberships_of(
        &self,
        user: UserId,
        rooms: &[RoomId],
    ) -> Result<Vec<Membership>, StoreError> {
        let rooms = rooms.to_vec();
        self.read(move |connection| {
            let found = rooms.into_iter().map(|room| find_membership(connection, room, user));
            found.filter_map(Result::transpose).collect()
        })
        .await
    }

    async fn room_ids_of(&self, user: UserId) -> Result<Vec<RoomId>, StoreError> {
        self.read(move |connection| {
            let mut mine = connection
                .prepare_cached("SELECT room FROM memberships WHERE user = ?1 ORDER BY room")?;
            let rooms = mine.query_map([value::user_key(user)], |row| value::room(row, 0))?;
            Ok(rooms.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn most_active(&self, rooms: &[RoomId], limit: usize) -> Result<Vec<RoomId>, StoreError> {
        let rooms = rooms.to_vec();
        self.read(move |connection| {
            let mut activity = connection.prepare_cached(
                "SELECT (SELECT at FROM events WHERE room = ?1 AND kind = 0
                         ORDER BY seq DESC LIMIT 1), created_at
                 FROM rooms WHERE id = ?1",
            )?;
            let mut found = Vec::with_capacity(rooms.len());
            for room in rooms {
                let active = activity.query_row([value::room_key(room)], |row| {
                    Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, i64>(1)?, room))
                });
                found.extend(active.optional()?);
            }
            found.sort_unstable_by(|one, other| other.cmp(one));
            Ok(found.into_iter().take(limit).map(|(.., room)| room).collect())
        })
        .await
    }

    async fn memberships_among(
        &self,
        pairs: &[(RoomId, UserId)],
    ) -> Result<Vec<(RoomId, UserId)>, StoreError> {
        let pairs = pairs.to_vec();
        self.read(move |connection| {
            let mut is_member = connection
                .prepare_cached("SELECT 1 FROM memberships WHERE room = ?1 AND user = ?2")?;
            let mut members = Vec::with_capacity(pairs.len());
            for (room, user) in pairs {
                if is_member.exists(params![value::room_key(room), value::user_key(user)])? {
                    members.push((room, user));
                }
            }
            Ok(members)
        })
        .await
    }

    async fn members(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Membership>, StoreError> {
        self.read(move |connection| {
            let mut page = connection.prepare_cached(
                "SELECT user, role, joined_at, muted_until FROM memberships
                 WHERE room = ?1 AND user > coalesce(?2, x'') ORDER BY user LIMIT ?3",
            )?;
            let after: Option<[u8; 16]> = after.map(value::user_key);
            let members = page.query_map(
                params![value::room_key(room), after, value::limit(limit)],
                |row| {
                    let user = value::user(row, "user")?;
                    membership(row, room, user)
                },
            )?;
            Ok(members.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn find_members(
        &self,
        room: RoomId,
        prefix: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<MemberPage, StoreError> {
        let query = fold::query(prefix);
        if query.is_empty() || limit == 0 {
            return Ok(MemberPage::default());
        }
        let (query, end) = fold::key_range(query);
        self.read(move |connection| {
            let mut page = connection.prepare_cached(
                "SELECT user, role, joined_at, muted_until FROM memberships
                 WHERE room = ?1 AND user > coalesce(?2, x'')
                   AND user IN (SELECT user FROM user_keys WHERE key >= ?3 AND key < ?4)
                 ORDER BY user LIMIT ?5",
            )?;
            let after: Option<[u8; 16]> = after.map(value::user_key);
            let members = page.query_map(
                params![value::room_key(room), after, query, end, value::limit(limit + 1)],
                |row| {
                    let user = value::user(row, "user")?;
                    membership(row, room, user)
                },
            )?;
            Ok(MemberPage::cut(members.collect::<Result<_, _>>()?, limit, None))
        })
        .await
    }
}
