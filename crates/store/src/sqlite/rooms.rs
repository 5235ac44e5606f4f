//! Rooms in SQLite. Their members are counted when asked for, never kept.

mod record;

use async_trait::async_trait;
use hubbub_protocol::http::Role;
use hubbub_protocol::{RoomCode, RoomId, Seq, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use self::record::{COLUMNS, kind_code, record};
use super::memberships::{admit, membership};
use super::moderation::is_banned;
use super::{SqliteStore, positions, value};
use crate::memberships::Membership;
use crate::positions::PositionChange;
use crate::rooms::{CodeLimits, NewRoom, Opened, RoomRecord, RoomStore, RoomUpdate, role_code};
use crate::{StoreError, fold};

pub(super) fn by_id(
    connection: &Connection,
    room: RoomId,
) -> Result<Option<RoomRecord>, StoreError> {
    Ok(connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM rooms WHERE id = ?1"))?
        .query_row([value::room_key(room)], record)
        .optional()?)
}

/// Inserts a room in epoch 1 unless it exists or is destroyed, and tells whether it did.
fn insert(connection: &Connection, room: &RoomRecord) -> Result<bool, StoreError> {
    let people: Vec<u8> = room.people.iter().flat_map(|user| value::user_key(*user)).collect();
    let inserted = connection
        .prepare_cached(
            "INSERT INTO rooms (id, kind, name, name_folded, description, code, owner, created_at,
                                epoch, mention_all, people)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?10
             WHERE NOT EXISTS (SELECT 1 FROM destructions WHERE room = ?1)
             ON CONFLICT (id) DO NOTHING",
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
            role_code(room.mention_all),
            (!people.is_empty()).then_some(people),
        ])?;
    Ok(inserted > 0)
}

/// Opens a direct room: all its people come in when it is made, `opener` whenever they open it.
fn open(
    connection: &Connection,
    record: RoomRecord,
    opener: Option<UserId>,
    now: Timestamp,
) -> Result<(RoomRecord, Opened), StoreError> {
    if insert(connection, &record)? {
        for user in &record.people {
            admit(connection, record.id, *user, Role::Member, now)?;
        }
        return Ok((record, Opened::Made));
    }
    let rejoined = match opener {
        Some(opener) => admit(connection, record.id, opener, Role::Member, now)?,
        None => false,
    };
    let found = by_id(connection, record.id)?.ok_or(StoreError::NoSuchRoom)?;
    Ok((found, if rejoined { Opened::Rejoined } else { Opened::Present }))
}

/// Lets somebody in who is not banned, and tells whether they were not in.
pub(super) fn enter(
    connection: &Connection,
    room: &RoomRecord,
    user: UserId,
    read: Seq,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if is_banned(connection, room.id, user)? {
        return Err(StoreError::Banned);
    }
    let role = if room.owner == Some(user) { Role::Owner } else { Role::Member };
    let joined = admit(connection, room.id, user, role, now)?;
    if joined {
        positions::change(connection, room.id, user, &PositionChange::joined(read))?;
    }
    Ok(joined)
}

fn update(
    connection: &Connection,
    room: RoomId,
    update: &RoomUpdate,
) -> Result<RoomRecord, StoreError> {
    let words = update.refused_words.as_ref().map(serde_json::to_string).transpose();
    let words = words.map_err(|error| StoreError::Failed(format!("refused words: {error}")))?;
    connection
        .prepare_cached(
            "UPDATE rooms SET name = coalesce(?2, name),
                              name_folded = coalesce(?3, name_folded),
                              description = coalesce(?4, description),
                              topic = coalesce(?5, topic),
                              icon = iif(?6, ?7, icon),
                              slow_mode_ms = coalesce(?8, slow_mode_ms),
                              links = coalesce(?9, links),
                              mention_all = coalesce(?10, mention_all),
                              archived = coalesce(?11, archived),
                              refused_words = coalesce(?12, refused_words)
             WHERE id = ?1",
        )?
        .execute(params![
            value::room_key(room),
            update.name,
            update.name.as_deref().map(fold::fold),
            update.description,
            update.topic,
            update.icon.is_some(),
            update.icon.flatten().map(value::picture_key),
            update.slow_mode_ms.map(u64::cast_signed),
            update.links.map(role_code),
            update.mention_all.map(role_code),
            update.archived,
            words,
        ])?;
    by_id(connection, room)?.ok_or(StoreError::NoSuchRoom)
}

/// Takes one use of a code that still lets somebody in. Whether there was one.
pub(super) fn use_code(
    connection: &Connection,
    room: RoomId,
    code: RoomCode,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let used = connection
        .prepare_cached(
            "UPDATE rooms SET code_uses_left = code_uses_left - 1
             WHERE id = ?1 AND code = ?2 AND coalesce(code_expires_at > ?3, 1)
               AND coalesce(code_uses_left > 0, 1)",
        )?
        .execute(params![value::room_key(room), value::code_key(code), now.millis()])?;
    Ok(used > 0)
}

impl SqliteStore {
    /// Rooms of a kind after `after` whose name contains `query`, ascending by id.
    async fn read_named(
        &self,
        kind: &'static str,
        query: &str,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomRecord>, StoreError> {
        let query = fold::query(query);
        self.read(move |connection| {
            let mut named = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM rooms
                 WHERE {kind} AND rooms.id > coalesce(?1, x'') AND instr(name_folded, ?2) > 0
                 ORDER BY rooms.id LIMIT ?3"
            ))?;
            let after = after.map(value::room_key);
            let rooms = named.query_map(params![after, query, value::limit(limit)], record)?;
            Ok(rooms.collect::<Result<_, _>>()?)
        })
        .await
    }
}

#[async_trait]
impl RoomStore for SqliteStore {
    async fn create_room(&self, room: NewRoom) -> Result<RoomRecord, StoreError> {
        self.write(move |connection| {
            let record = RoomRecord::new(room);
            let (id, created_at) = (record.id, record.created_at);
            // Repeated by a caller that never saw the first answer, it changes nothing.
            if insert(connection, &record)?
                && let Some(owner) = record.owner
            {
                admit(connection, id, owner, Role::Owner, created_at)?;
            }
            by_id(connection, id)?.ok_or(StoreError::NoSuchRoom)
        })
        .await
    }

    async fn open_lobby(
        &self,
        name: &str,
        code: RoomCode,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let lobby = RoomRecord::lobby(name, code, now);
        self.write(move |connection| {
            let made = insert(connection, &lobby)?;
            by_id(connection, lobby.id)?.map(|_| made).ok_or(StoreError::NoSuchRoom)
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
            let (room, opened) = open(connection, RoomRecord::direct(&[a, b], now), None, now)?;
            Ok((room, opened == Opened::Made))
        })
        .await
    }

    async fn open_group(
        &self,
        opener: UserId,
        people: &[UserId],
        now: Timestamp,
    ) -> Result<(RoomRecord, Opened), StoreError> {
        let record = RoomRecord::direct(people, now);
        self.write(move |connection| open(connection, record, Some(opener), now)).await
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

    async fn set_room_code(
        &self,
        room: RoomId,
        code: RoomCode,
        limits: CodeLimits,
    ) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let replaced = connection
                .prepare_cached(
                    "UPDATE rooms SET code = ?2, code_expires_at = ?3, code_uses_left = ?4
                     WHERE id = ?1 AND code IS NOT NULL",
                )?
                .execute(params![
                    value::room_key(room),
                    value::code_key(code),
                    limits.expires_at.map(|at| at.millis()),
                    limits.uses_left,
                ])?;
            Ok(replaced > 0)
        })
        .await
    }

    async fn update_room(
        &self,
        room: RoomId,
        changes: RoomUpdate,
    ) -> Result<RoomRecord, StoreError> {
        self.write(move |connection| update(connection, room, &changes)).await
    }

    async fn refused_words(&self, room: RoomId) -> Result<Vec<String>, StoreError> {
        self.read(move |connection| {
            let words: Option<String> = connection
                .prepare_cached("SELECT refused_words FROM rooms WHERE id = ?1")?
                .query_row([value::room_key(room)], |row| row.get(0))
                .optional()?;
            words.map_or(Ok(Vec::new()), |words| {
                serde_json::from_str(&words)
                    .map_err(|_| StoreError::Failed("refused words are not readable".to_owned()))
            })
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
                "SELECT {COLUMNS}, mine.role, mine.joined_at, mine.muted_until
                 FROM memberships AS mine JOIN rooms ON rooms.id = mine.room
                 WHERE mine.user = ?1 AND mine.room > coalesce(?2, x'')
                 ORDER BY mine.room LIMIT ?3"
            ))?;
            let after = after.map(value::room_key);
            let rooms = mine.query_map(
                params![value::user_key(user), after, value::limit(limit)],
                |row| {
                    let room = record(row)?;
                    let mine = membership(row, room.id, user)?;
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
        self.read_named("kind = 0 AND NOT archived", query, after, limit).await
    }

    async fn all_rooms(
        &self,
        query: &str,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomRecord>, StoreError> {
        self.read_named("TRUE", query, after, limit).await
    }
}
