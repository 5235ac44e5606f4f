//! Rooms and memberships in SQLite. A room's members are counted when asked for, never kept.

use async_trait::async_trait;
use hubbub_protocol::http::{Role, RoomKind};
use hubbub_protocol::{RoomCode, RoomId, Seq, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{SqliteStore, positions, value};
use crate::rooms::{Membership, NewRoom, RoomRecord, RoomStore};
use crate::{StoreError, fold};

const COLUMNS: &str = "rooms.id, kind, name, description, code, rooms.owner, created_at, \
     direct_low, direct_high, \
     (SELECT count(*) FROM memberships m WHERE m.room = rooms.id) AS members";

const fn kind_code(kind: RoomKind) -> i64 {
    match kind {
        RoomKind::Public => 0,
        RoomKind::Private => 1,
        RoomKind::Direct => 2,
        RoomKind::Group => 3,
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<RoomRecord> {
    let kind = match row.get("kind")? {
        0_i64 => RoomKind::Public,
        1 => RoomKind::Private,
        2 => RoomKind::Direct,
        3 => RoomKind::Group,
        _ => return Err(value::unreadable("kind of room")),
    };
    let low = value::optional_user(row, "direct_low")?;
    let high = value::optional_user(row, "direct_high")?;
    Ok(RoomRecord {
        id: value::room(row, "id")?,
        kind,
        name: row.get("name")?,
        description: row.get("description")?,
        code: value::optional_code(row, "code")?,
        owner: value::optional_user(row, "owner")?,
        created_at: value::time(row, "created_at")?,
        members: value::count(row, "members")?,
        direct: low.zip(high).map(|(low, high)| [low, high]),
    })
}

fn membership(
    row: &Row<'_>,
    room: RoomId,
    user: UserId,
    owner: &str,
    joined_at: &str,
) -> rusqlite::Result<Membership> {
    let role = if row.get(owner)? { Role::Owner } else { Role::Member };
    Ok(Membership { room, user, role, joined_at: value::time(row, joined_at)? })
}

fn by_id(connection: &Connection, room: RoomId) -> Result<Option<RoomRecord>, StoreError> {
    Ok(connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM rooms WHERE id = ?1"))?
        .query_row([value::room_key(room)], record)
        .optional()?)
}

/// Inserts a room in epoch 1 unless it exists, and tells whether it did.
fn insert(connection: &Connection, room: &RoomRecord) -> Result<bool, StoreError> {
    let [low, high] = room.direct.map_or([None, None], |pair| pair.map(Some));
    let inserted = connection
        .prepare_cached(
            "INSERT INTO rooms (id, kind, name, name_folded, description, code, owner, created_at,
                                epoch, direct_low, direct_high)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?10) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            value::room_key(room.id),
            kind_code(room.kind),
            room.name,
            fold::fold(&room.name),
            room.description,
            room.code.map(value::code_key),
            room.owner.map(value::user_key),
            room.created_at.millis(),
            low.map(value::user_key),
            high.map(value::user_key),
        ])?;
    Ok(inserted > 0)
}

/// Adds a member unless they are one, and tells whether it did.
fn admit(
    connection: &Connection,
    room: RoomId,
    user: UserId,
    owner: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO memberships (room, user, owner, joined_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![value::room_key(room), value::user_key(user), owner, now.millis()])?;
    Ok(inserted > 0)
}

fn count_members(connection: &Connection, room: RoomId) -> Result<u64, StoreError> {
    Ok(connection
        .prepare_cached("SELECT count(*) FROM memberships WHERE room = ?1")?
        .query_row([value::room_key(room)], |row| value::count(row, 0))?)
}

fn find_membership(
    connection: &Connection,
    room: RoomId,
    user: UserId,
) -> Result<Option<Membership>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT owner, joined_at FROM memberships WHERE room = ?1 AND user = ?2")?
        .query_row(params![value::room_key(room), value::user_key(user)], |row| {
            membership(row, room, user, "owner", "joined_at")
        })
        .optional()?)
}

fn leave(connection: &Connection, room: RoomId, user: UserId) -> Result<bool, StoreError> {
    let Some(place) = find_membership(connection, room, user)? else { return Ok(false) };
    let must_stay =
        room.is_direct() || (place.role == Role::Owner && count_members(connection, room)? > 1);
    if must_stay {
        return Err(StoreError::OwnerMustStay);
    }
    connection
        .prepare_cached("DELETE FROM memberships WHERE room = ?1 AND user = ?2")?
        .execute(params![value::room_key(room), value::user_key(user)])?;
    Ok(true)
}

#[async_trait]
impl RoomStore for SqliteStore {
    async fn create_room(&self, room: NewRoom) -> Result<RoomRecord, StoreError> {
        self.write(move |connection| {
            let NewRoom { id, kind, name, description, code, owner, created_at } = room;
            let record = RoomRecord {
                id,
                kind,
                name,
                description,
                code: Some(code),
                owner: Some(owner),
                created_at,
                members: 1,
                direct: None,
            };
            // Repeated by a caller that never saw the first answer, it changes nothing.
            if insert(connection, &record)? {
                admit(connection, id, owner, true, created_at)?;
            }
            by_id(connection, id)?.ok_or(StoreError::NoSuchRoom)
        })
        .await
    }

    async fn open_direct(
        &self,
        a: UserId,
        b: UserId,
        now: Timestamp,
    ) -> Result<(RoomRecord, bool), StoreError> {
        self.write(move |connection| {
            let record = RoomRecord::direct(a, b, now);
            let made = insert(connection, &record)?;
            if made {
                admit(connection, record.id, a, false, now)?;
                admit(connection, record.id, b, false, now)?;
                return Ok((record, true));
            }
            Ok((by_id(connection, record.id)?.ok_or(StoreError::NoSuchRoom)?, false))
        })
        .await
    }

    async fn rooms(&self, ids: &[RoomId]) -> Result<Vec<RoomRecord>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |connection| {
            ids.into_iter().filter_map(|id| by_id(connection, id).transpose()).collect()
        })
        .await
    }

    async fn room_by_code(&self, code: RoomCode) -> Result<Option<RoomRecord>, StoreError> {
        self.read(move |connection| {
            Ok(connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM rooms WHERE code = ?1"))?
                .query_row([value::code_key(code)], record)
                .optional()?)
        })
        .await
    }

    async fn set_room_code(&self, room: RoomId, code: RoomCode) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let replaced = connection
                .prepare_cached("UPDATE rooms SET code = ?2 WHERE id = ?1 AND code IS NOT NULL")?
                .execute(params![value::room_key(room), value::code_key(code)])?;
            Ok(replaced > 0)
        })
        .await
    }

    async fn update_room(
        &self,
        room: RoomId,
        name: Option<String>,
        description: Option<String>,
    ) -> Result<RoomRecord, StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE rooms SET name = coalesce(?2, name),
                                      name_folded = coalesce(?3, name_folded),
                                      description = coalesce(?4, description)
                     WHERE id = ?1",
                )?
                .execute(params![
                    value::room_key(room),
                    name,
                    name.as_deref().map(fold::fold),
                    description
                ])?;
            by_id(connection, room)?.ok_or(StoreError::NoSuchRoom)
        })
        .await
    }

    async fn rooms_of(
        &self,
        user: UserId,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<(RoomRecord, Membership)>, StoreError> {
        self.read(move |connection| {
            let mut mine = connection.prepare_cached(&format!(
                "SELECT {COLUMNS}, mine.owner AS is_owner, mine.joined_at AS mine_since
                 FROM memberships AS mine JOIN rooms ON rooms.id = mine.room
                 WHERE mine.user = ?1 AND mine.room > coalesce(?2, x'')
                 ORDER BY mine.room LIMIT ?3"
            ))?;
            let after = after.map(value::room_key);
            let rooms = mine.query_map(
                params![value::user_key(user), after, value::limit(limit)],
                |row| {
                    let room = record(row)?;
                    let mine = membership(row, room.id, user, "is_owner", "mine_since")?;
                    Ok((room, mine))
                },
            )?;
            Ok(rooms.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn directory(
        &self,
        query: &str,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomRecord>, StoreError> {
        let query = fold::query(query);
        self.read(move |connection| {
            let mut public = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM rooms
                 WHERE kind = 0 AND rooms.id > coalesce(?1, x'') AND instr(name_folded, ?2) > 0
                 ORDER BY rooms.id LIMIT ?3"
            ))?;
            let after = after.map(value::room_key);
            let rooms = public.query_map(params![after, query, value::limit(limit)], record)?;
            Ok(rooms.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn join(
        &self,
        room: RoomId,
        user: UserId,
        read: Seq,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let found = by_id(connection, room)?.ok_or(StoreError::NoSuchRoom)?;
            let joined = admit(connection, room, user, found.owner == Some(user), now)?;
            if joined {
                positions::forward(connection, room, user, read, read)?;
            }
            Ok(joined)
        })
        .await
    }

    async fn leave(&self, room: RoomId, user: UserId) -> Result<bool, StoreError> {
        self.write(move |connection| leave(connection, room, user)).await
    }

    async fn membership(
        &self,
        room: RoomId,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        self.read(move |connection| find_membership(connection, room, user)).await
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
                "SELECT user, owner, joined_at FROM memberships
                 WHERE room = ?1 AND user > coalesce(?2, x'') ORDER BY user LIMIT ?3",
            )?;
            let after: Option<[u8; 16]> = after.map(value::user_key);
            let members = page.query_map(
                params![value::room_key(room), after, value::limit(limit)],
                |row| {
                    let user = value::user(row, "user")?;
                    membership(row, room, user, "owner", "joined_at")
                },
            )?;
            Ok(members.collect::<Result<_, _>>()?)
        })
        .await
    }
}
