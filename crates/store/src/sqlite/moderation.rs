//! Roles, mutes, removals and bans in SQLite. One thread writes, so a look and the write after it
//! are one step.

use async_trait::async_trait;
use hubbub_protocol::http::Role;
use hubbub_protocol::{RoomId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::memberships::{find_membership, remove};
use super::users::find;
use super::{SqliteStore, value};
use crate::StoreError;
use crate::memberships::Membership;
use crate::moderation::{BanRecord, ModerationStore};
use crate::rooms::role_code;

pub(super) fn is_banned(
    connection: &Connection,
    room: RoomId,
    user: UserId,
) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM bans WHERE room = ?1 AND user = ?2")?
        .exists(params![value::room_key(room), value::user_key(user)])?)
}

/// A member of a role below `below`.
fn smaller(
    connection: &Connection,
    room: RoomId,
    user: UserId,
    below: Role,
) -> Result<Membership, StoreError> {
    let place = find_membership(connection, room, user)?.ok_or(StoreError::NoSuchMember)?;
    if place.role < below { Ok(place) } else { Err(StoreError::Outranked) }
}

fn set_role(
    connection: &Connection,
    room: RoomId,
    user: UserId,
    role: Role,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE memberships SET role = ?3 WHERE room = ?1 AND user = ?2")?
        .execute(params![value::room_key(room), value::user_key(user), role_code(role)])?;
    Ok(())
}

fn hand_over(
    connection: &Connection,
    room: RoomId,
    from: UserId,
    to: UserId,
) -> Result<(), StoreError> {
    let owner = connection
        .prepare_cached("SELECT owner FROM rooms WHERE id = ?1")?
        .query_row([value::room_key(room)], |row| value::optional_user(row, 0))
        .optional()?
        .ok_or(StoreError::NoSuchRoom)?;
    if owner == Some(to) {
        return Ok(());
    }
    if owner != Some(from) {
        return Err(StoreError::Outranked);
    }
    find_membership(connection, room, to)?.ok_or(StoreError::NoSuchMember)?;
    connection
        .prepare_cached("UPDATE rooms SET owner = ?2 WHERE id = ?1")?
        .execute(params![value::room_key(room), value::user_key(to)])?;
    // An owner who may write is not muted.
    connection
        .prepare_cached("UPDATE memberships SET muted_until = NULL WHERE room = ?1 AND user = ?2")?
        .execute(params![value::room_key(room), value::user_key(to)])?;
    set_role(connection, room, to, Role::Owner)?;
    set_role(connection, room, from, Role::Moderator)
}

#[async_trait]
impl ModerationStore for SqliteStore {
    async fn set_role(&self, room: RoomId, user: UserId, role: Role) -> Result<Role, StoreError> {
        self.write(move |connection| {
            let place = smaller(connection, room, user, Role::Owner)?;
            if role == Role::Owner {
                return Err(StoreError::Outranked);
            }
            set_role(connection, room, user, role)?;
            Ok(place.role)
        })
        .await
    }

    async fn hand_over(&self, room: RoomId, from: UserId, to: UserId) -> Result<(), StoreError> {
        self.write(move |connection| hand_over(connection, room, from, to)).await
    }

    async fn mute(
        &self,
        room: RoomId,
        user: UserId,
        below: Role,
        until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.write(move |connection| {
            smaller(connection, room, user, below)?;
            connection
                .prepare_cached(
                    "UPDATE memberships SET muted_until = ?3 WHERE room = ?1 AND user = ?2",
                )?
                .execute(params![
                    value::room_key(room),
                    value::user_key(user),
                    until.map(|until| until.millis())
                ])?;
            Ok(())
        })
        .await
    }

    async fn remove_member(
        &self,
        room: RoomId,
        user: UserId,
        below: Role,
    ) -> Result<(), StoreError> {
        self.write(move |connection| {
            smaller(connection, room, user, below)?;
            remove(connection, room, user).map(drop)
        })
        .await
    }

    async fn ban(&self, ban: BanRecord, below: Role) -> Result<bool, StoreError> {
        self.write(move |connection| {
            match smaller(connection, ban.room, ban.user, below) {
                Ok(_) | Err(StoreError::NoSuchMember) => {}
                Err(error) => return Err(error),
            }
            connection
                .prepare_cached(
                    "INSERT INTO bans (room, user, by, at, reason) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    value::room_key(ban.room),
                    value::user_key(ban.user),
                    value::user_key(ban.by),
                    ban.at.millis(),
                    ban.reason,
                ])?;
            remove(connection, ban.room, ban.user)
        })
        .await
    }

    async fn unban(&self, room: RoomId, user: UserId) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let lifted = connection
                .prepare_cached("DELETE FROM bans WHERE room = ?1 AND user = ?2")?
                .execute(params![value::room_key(room), value::user_key(user)])?;
            Ok(lifted > 0)
        })
        .await
    }

    async fn bans(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<BanRecord>, StoreError> {
        self.read(move |connection| {
            let mut page = connection.prepare_cached(
                "SELECT user, by, at, reason FROM bans
                 WHERE room = ?1 AND user > coalesce(?2, x'') ORDER BY user LIMIT ?3",
            )?;
            let after: Option<[u8; 16]> = after.map(value::user_key);
            let bans = page.query_map(
                params![value::room_key(room), after, value::limit(limit)],
                |row| {
                    Ok(BanRecord {
                        room,
                        user: value::user(row, "user")?,
                        by: value::user(row, "by")?,
                        at: value::time(row, "at")?,
                        reason: row.get("reason")?,
                    })
                },
            )?;
            Ok(bans.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn owned_rooms(&self, user: UserId) -> Result<Vec<RoomId>, StoreError> {
        self.read(move |connection| {
            let mut owned =
                connection.prepare_cached("SELECT id FROM rooms WHERE owner = ?1 ORDER BY id")?;
            let rooms = owned.query_map([value::user_key(user)], |row| value::room(row, 0))?;
            Ok(rooms.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn heir(&self, room: RoomId, leaver: UserId) -> Result<Option<UserId>, StoreError> {
        self.read(move |connection| {
            Ok(connection
                .prepare_cached(&format!(
                    "SELECT user FROM memberships JOIN users ON users.id = memberships.user
                         WHERE room = ?1 AND user <> ?2 AND {}
                         ORDER BY role DESC, joined_at, user LIMIT 1",
                    find::ACTIVE
                ))?
                .query_row(params![value::room_key(room), value::user_key(leaver)], |row| {
                    value::user(row, 0)
                })
                .optional()?)
        })
        .await
    }
}
