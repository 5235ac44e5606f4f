//! Rooms as rows.

use hubbub_protocol::http::RoomKind;
use rusqlite::Row;

use crate::rooms::{CodeLimits, RoomRecord};
use crate::sqlite::value;

/// The columns that [`record`] reads.
pub(super) const COLUMNS: &str = "rooms.id, kind, name, description, topic, icon, code, code_expires_at, \
     code_uses_left, rooms.owner, created_at, slow_mode_ms, links, mention_all, archived, people, \
     (SELECT count(*) FROM memberships m WHERE m.room = rooms.id) AS members";

pub(super) const fn kind_code(kind: RoomKind) -> i64 {
    match kind {
        RoomKind::Public => 0,
        RoomKind::Private => 1,
        RoomKind::Direct => 2,
        RoomKind::Group => 3,
    }
}

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<RoomRecord> {
    let kind = match row.get("kind")? {
        0_i64 => RoomKind::Public,
        1 => RoomKind::Private,
        2 => RoomKind::Direct,
        3 => RoomKind::Group,
        _ => return Err(value::unreadable("kind of room")),
    };
    let people: Option<Vec<u8>> = row.get("people")?;
    Ok(RoomRecord {
        id: value::room(row, "id")?,
        kind,
        name: row.get("name")?,
        description: row.get("description")?,
        topic: row.get("topic")?,
        icon: value::optional_picture(row, "icon")?,
        code: value::optional_code(row, "code")?,
        code_limits: CodeLimits {
            expires_at: value::optional_time(row, "code_expires_at")?,
            uses_left: row.get("code_uses_left")?,
        },
        owner: value::optional_user(row, "owner")?,
        created_at: value::time(row, "created_at")?,
        members: value::count(row, "members")?,
        slow_mode_ms: value::count(row, "slow_mode_ms")?,
        links: value::role(row, "links")?,
        mention_all: value::role(row, "mention_all")?,
        archived: row.get("archived")?,
        people: value::users(&people.unwrap_or_default()),
    })
}
