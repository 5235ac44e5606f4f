//! What edits, deletions and reactions do to messages, in the transaction that stores them.

use hubbub_protocol::{EditedBody, Event, Mentions, RoomId, Seq, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::kind_code;
use crate::StoreError;
use crate::change::{Change, What, called};
use crate::content::Kind;
use crate::sqlite::attachments::discard_of_message;
use crate::sqlite::value;

/// What follows from an event that is stored now: for its message, or, if it is a message, for
/// itself, from what was stored before it.
pub(super) fn fold(connection: &Connection, event: &Event) -> Result<(), StoreError> {
    if let Some(change) = Change::of(event) {
        return apply(connection, &change);
    }
    if let Event::Message(message) = event {
        let (room, seq, sender) = (message.room, message.seq, message.sender);
        call(connection, room, seq, sender, &message.body.mentions)?;
        for change in waiting(connection, event)? {
            apply(connection, &change)?;
        }
    }
    Ok(())
}

/// What was stored before the message it changes.
fn waiting(connection: &Connection, message: &Event) -> Result<Vec<Change>, StoreError> {
    let (room, target) = (message.room(), message.id());
    let mut statement = connection.prepare_cached(
        "SELECT kind, seq, sender, at, body FROM events WHERE room = ?1 AND target = ?2",
    )?;
    let mut rows = statement.query(params![value::room_key(room), value::message_key(target)])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        changes.push(Change {
            room,
            target,
            seq: Seq::from_i64(row.get("seq")?),
            sender: value::user(row, "sender")?,
            at: value::time(row, "at")?,
            what: what(row)?,
        });
    }
    Ok(changes)
}

fn what(row: &Row<'_>) -> Result<What, StoreError> {
    let kind: i64 = row.get("kind")?;
    let body: String = row.get("body")?;
    let read = if kind == kind_code(Kind::Deleted) {
        Ok(What::Delete)
    } else if kind == kind_code(Kind::Edited) {
        serde_json::from_str(&body).map(What::Edit)
    } else {
        serde_json::from_str(&body).map(What::React)
    };
    read.map_err(|_| StoreError::Failed("a stored change of a message is not readable".to_owned()))
}

/// The message that a change is about: where it is, who wrote it, whether it is deleted.
struct Target {
    seq: Seq,
    sender: UserId,
    deleted: bool,
}

fn apply(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    let Some(target) = touch(connection, change)? else { return Ok(()) };
    match &change.what {
        What::Delete => delete(connection, change, &target),
        _ if target.deleted => forget(connection, change),
        What::Edit(body) => edit(connection, change, &target, body),
        What::React(reacted) => {
            connection
                .prepare_cached(
                    "INSERT INTO reactions (room, message, emoji, user, seq, is_on)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT DO UPDATE SET seq = excluded.seq, is_on = excluded.is_on
                     WHERE excluded.seq > seq",
                )?
                .execute(params![
                    value::room_key(change.room),
                    value::message_key(change.target),
                    reacted.emoji,
                    value::user_key(change.sender),
                    change.seq.as_i64(),
                    reacted.on,
                ])?;
            Ok(())
        }
    }
}

/// Notes that the message was touched. `None` if it is not stored yet.
fn touch(connection: &Connection, change: &Change) -> Result<Option<Target>, StoreError> {
    Ok(connection
        .prepare_cached(
            "UPDATE events SET version = max(version, ?3)
             WHERE room = ?1 AND id = ?2 AND kind IN (0, 7) RETURNING seq, sender, kind",
        )?
        .query_row(
            params![
                value::room_key(change.room),
                value::message_key(change.target),
                change.seq.as_i64()
            ],
            |row| {
                let kind: i64 = row.get("kind")?;
                Ok(Target {
                    seq: Seq::from_i64(row.get("seq")?),
                    sender: value::user(row, "sender")?,
                    deleted: kind == kind_code(Kind::Tombstone),
                })
            },
        )
        .optional()?)
}

fn edit(
    connection: &Connection,
    change: &Change,
    target: &Target,
    body: &EditedBody,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(body)
        .map_err(|error| StoreError::Failed(format!("an edit's content: {error}")))?;
    let edited = connection
        .prepare_cached(
            "UPDATE events SET edited = ?4, edited_seq = ?3, edited_at = ?5
             WHERE room = ?1 AND id = ?2 AND kind = 0 AND sender = ?6
               AND (edited_seq IS NULL OR edited_seq < ?3)",
        )?
        .execute(params![
            value::room_key(change.room),
            value::message_key(change.target),
            change.seq.as_i64(),
            text,
            change.at.millis(),
            value::user_key(change.sender),
        ])?;
    if edited > 0 {
        call_nobody(connection, change.room, target.seq)?;
        call(connection, change.room, target.seq, target.sender, &body.mentions)?;
    }
    Ok(())
}

fn delete(connection: &Connection, change: &Change, target: &Target) -> Result<(), StoreError> {
    let (room, message) = (value::room_key(change.room), value::message_key(change.target));
    connection
        .prepare_cached(
            "UPDATE events SET kind = 7, body = NULL, edited = NULL, edited_seq = NULL,
               edited_at = NULL, deleted_seq = ?3, deleted_at = ?4
             WHERE room = ?1 AND id = ?2 AND kind IN (0, 7)
               AND (deleted_seq IS NULL OR deleted_seq > ?3)",
        )?
        .execute(params![room, message, change.seq.as_i64(), change.at.millis()])?;
    call_nobody(connection, change.room, target.seq)?;
    connection
        .prepare_cached("DELETE FROM reactions WHERE room = ?1 AND message = ?2")?
        .execute(params![room, message])?;
    discard_of_message(connection, change.room, change.target, change.at)?;
    forget(connection, change)
}

/// Removes what the changes of a deleted message said.
fn forget(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE events SET body = '{}'
             WHERE room = ?1 AND target = ?2 AND kind IN (4, 6) AND body <> '{}'",
        )?
        .execute(params![value::room_key(change.room), value::message_key(change.target)])?;
    Ok(())
}

fn call(
    connection: &Connection,
    room: RoomId,
    seq: Seq,
    sender: UserId,
    mentions: &Mentions,
) -> Result<(), StoreError> {
    for user in called(mentions) {
        connection
            .prepare_cached(
                "INSERT INTO mentions (room, user, seq, sender) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                value::room_key(room),
                value::user_key(user),
                seq.as_i64(),
                value::user_key(sender)
            ])?;
    }
    Ok(())
}

fn call_nobody(connection: &Connection, room: RoomId, seq: Seq) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM mentions WHERE room = ?1 AND seq = ?2")?
        .execute(params![value::room_key(room), seq.as_i64()])?;
    Ok(())
}
