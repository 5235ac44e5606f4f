//! Memberships in SQLite: one row per (room, user).

use hubbub_protocol::http::{Role, RoomKind};
use hubbub_protocol::{RoomId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::value;
use crate::StoreError;
use crate::rooms::{Membership, RoomRecord, role_code};

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
