//! Messages as their changes have left them.

use std::sync::LazyLock;

use hubbub_protocol::http::Version;
use hubbub_protocol::limits::REACTION_USERS;
use hubbub_protocol::{
    EditedBody, Epoch, Message, MessageBody, MessageId, ReactionCount, RoomId, Seq, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::kind_code;
use crate::StoreError;
use crate::content::Kind;
use crate::events::Reactor;
use crate::sqlite::value;

/// A page of messages: those that fulfil a condition, and likewise those that are deleted, each from
/// its own index and merged in order.
fn page(condition: &str, order: &str) -> String {
    let of = |kind: Kind| {
        let kind = kind_code(kind);
        format!(
            "SELECT epoch, seq, version, kind, id, sender, at, body, edited, edited_at, deleted_at
             FROM events WHERE room = ?1 AND kind = {kind} AND {condition}"
        )
    };
    format!("{} UNION ALL {} ORDER BY {order} LIMIT ?3", of(Kind::Message), of(Kind::Tombstone))
}

static BEFORE: LazyLock<String> = LazyLock::new(|| page("seq < ?2", "seq DESC"));
static FROM: LazyLock<String> = LazyLock::new(|| page("seq >= ?2", "seq"));
static TOUCHED: LazyLock<String> = LazyLock::new(|| page("version > ?2 AND seq <= ?4", "version"));

pub(super) fn before(
    connection: &Connection,
    room: RoomId,
    seq: Seq,
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    select(connection, room, &BEFORE, params![value::room_key(room), seq.as_i64(), limit])
}

pub(super) fn from(
    connection: &Connection,
    room: RoomId,
    seq: Seq,
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    select(connection, room, &FROM, params![value::room_key(room), seq.as_i64(), limit])
}

pub(super) fn touched(
    connection: &Connection,
    room: RoomId,
    after: Seq,
    upto: Seq,
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    let room_key = value::room_key(room);
    select(connection, room, &TOUCHED, params![room_key, after.as_i64(), limit, upto.as_i64()])
}

pub(super) fn by_id(
    connection: &Connection,
    room: RoomId,
    id: MessageId,
) -> Result<Option<Message>, StoreError> {
    let found = select(
        connection,
        room,
        "SELECT epoch, seq, version, kind, id, sender, at, body, edited, edited_at, deleted_at
         FROM events WHERE room = ?1 AND id = ?2 AND kind <> 3 AND kind IN (0, 7)",
        params![value::room_key(room), value::message_key(id)],
    )?;
    Ok(found.into_iter().next())
}

/// The message at a place, unless it is deleted; none if there is no message there.
pub(in crate::sqlite) fn at_place(
    connection: &Connection,
    room: RoomId,
    seq: Seq,
) -> Result<Option<Message>, StoreError> {
    let found = select(
        connection,
        room,
        "SELECT epoch, seq, version, kind, id, sender, at, body, edited, edited_at, deleted_at
         FROM events WHERE room = ?1 AND seq = ?2 AND kind = 0",
        params![value::room_key(room), seq.as_i64()],
    )?;
    Ok(found.into_iter().next())
}

fn select(
    connection: &Connection,
    room: RoomId,
    query: &str,
    params: impl Params,
) -> Result<Vec<Message>, StoreError> {
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut message = message(row, room)?;
        // Whoever has never been touched since has no reactions.
        if message.deleted_at.is_none() && Seq::from_i64(row.get("version")?) != message.seq {
            message.reactions = reactions(connection, room, message.id)?;
        }
        found.push(message);
    }
    Ok(found)
}

fn unreadable() -> StoreError {
    StoreError::Failed("a stored message's body is not readable".to_owned())
}

fn message(row: &Row<'_>, room: RoomId) -> Result<Message, StoreError> {
    let body: Option<String> = row.get("body")?;
    let mut body: MessageBody = match &body {
        Some(body) => serde_json::from_str(body).map_err(|_| unreadable())?,
        None => MessageBody::default(),
    };
    let edited: Option<String> = row.get("edited")?;
    if let Some(edited) = edited {
        let edited: EditedBody = serde_json::from_str(&edited).map_err(|_| unreadable())?;
        (body.text, body.mentions) = (edited.text, edited.mentions);
    }
    let time = |column: &str| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
    };
    Ok(Message {
        room,
        epoch: Epoch::from_i64(row.get("epoch")?),
        seq: Seq::from_i64(row.get("seq")?),
        id: value::message(row, "id")?,
        sender: value::user(row, "sender")?,
        at: value::time(row, "at")?,
        body,
        edited_at: time("edited_at")?,
        deleted_at: time("deleted_at")?,
        reactions: Vec::new(),
    })
}

fn reactions(
    connection: &Connection,
    room: RoomId,
    id: MessageId,
) -> Result<Vec<ReactionCount>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT emoji, count(*) FROM reactions
         WHERE room = ?1 AND message = ?2 AND is_on GROUP BY emoji ORDER BY min(seq)",
    )?;
    let keys = params![value::room_key(room), value::message_key(id)];
    let counts = statement.query_map(keys, |row| Ok((row.get(0)?, value::count(row, 1)?)))?;
    let mut reactions = Vec::new();
    for counted in counts {
        let (emoji, count): (String, u64) = counted?;
        let first = reactors(connection, room, id, &emoji, Seq(0), value::limit(REACTION_USERS))?;
        let users = first.into_iter().map(|reactor| reactor.user).collect();
        reactions.push(ReactionCount { emoji, count, users });
    }
    Ok(reactions)
}

pub(super) fn reactors(
    connection: &Connection,
    room: RoomId,
    id: MessageId,
    emoji: &str,
    after: Seq,
    limit: i64,
) -> Result<Vec<Reactor>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT user, seq FROM reactions
         WHERE room = ?1 AND message = ?2 AND emoji = ?3 AND is_on AND seq > ?4
         ORDER BY seq LIMIT ?5",
    )?;
    let found = statement.query_map(
        params![value::room_key(room), value::message_key(id), emoji, after.as_i64(), limit],
        |row| Ok(Reactor { user: value::user(row, 0)?, seq: Seq::from_i64(row.get(1)?) }),
    )?;
    Ok(found.collect::<Result<_, _>>()?)
}

pub(super) fn versions(
    connection: &Connection,
    room: RoomId,
    id: MessageId,
    before: Seq,
    limit: usize,
) -> Result<Vec<Version>, StoreError> {
    let (room, id) = (value::room_key(room), value::message_key(id));
    let original = connection
        .prepare_cached(
            "SELECT seq, at, body, sender FROM events WHERE room = ?1 AND id = ?2 AND kind = 0",
        )?
        .query_row(params![room, id], |row| {
            Ok((
                Seq::from_i64(row.get(0)?),
                value::time(row, 1)?,
                row.get::<_, String>(2)?,
                value::user(row, 3)?,
            ))
        })
        .optional()?;
    let Some((seq, at, body, author)) = original else { return Ok(Vec::new()) };
    let mut versions = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT seq, at, body FROM events
         WHERE room = ?1 AND target = ?2 AND kind = 4 AND sender = ?3 AND seq < ?4
         ORDER BY seq DESC LIMIT ?5",
    )?;
    let mut rows = statement.query(params![
        room,
        id,
        value::user_key(author),
        before.as_i64(),
        i64::try_from(limit).unwrap_or(i64::MAX)
    ])?;
    while let Some(row) = rows.next()? {
        let body: String = row.get(2)?;
        let EditedBody { text, mentions } =
            serde_json::from_str(&body).map_err(|_| unreadable())?;
        let (seq, at) = (Seq::from_i64(row.get(0)?), value::time(row, 1)?);
        versions.push(Version { text, mentions, at, seq });
    }
    if versions.len() < limit && seq < before {
        let MessageBody { text, mentions, .. } =
            serde_json::from_str(&body).map_err(|_| unreadable())?;
        versions.push(Version { text, mentions, at, seq });
    }
    versions.reverse();
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::schema;

    #[test]
    fn pages_are_read_in_order_from_the_indexes() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        for query in [&*BEFORE, &*FROM, &*TOUCHED] {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
            let count = statement.parameter_count();
            let plan: Vec<String> = statement
                .query_map(rusqlite::params_from_iter(vec![0; count]), |row| row.get("detail"))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            let plan = plan.join("; ");
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN"), "{plan}");
        }
    }
}
