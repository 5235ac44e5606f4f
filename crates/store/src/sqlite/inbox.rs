//! Inboxes in SQLite.

use std::collections::BTreeSet;

use async_trait::async_trait;
use hubbub_protocol::http::{InboxEntry, InboxReason};
use hubbub_protocol::{MessageId, RoomId, Seq, Timestamp, UserId};
use rusqlite::{Connection, Row, params};

use super::{SqliteStore, value};
use crate::StoreError;
use crate::inbox::{ANNOUNCED_WITHIN, InboxNote, InboxPart, InboxPlace, InboxStore, KEPT_MAX};

const COLUMNS: &str = "user, room, message, seq, sender, at, reason, excerpt";

const fn reason_code(reason: InboxReason) -> i64 {
    match reason {
        InboxReason::Direct => 0,
        InboxReason::Mention => 1,
        InboxReason::Reply => 2,
    }
}

fn reason(code: i64) -> rusqlite::Result<InboxReason> {
    [InboxReason::Direct, InboxReason::Mention, InboxReason::Reply]
        .into_iter()
        .find(|reason| reason_code(*reason) == code)
        .ok_or_else(|| value::unreadable("inbox reason"))
}

fn note(row: &Row<'_>) -> rusqlite::Result<InboxNote> {
    Ok(InboxNote {
        user: value::user(row, "user")?,
        entry: InboxEntry {
            room: value::room(row, "room")?,
            seq: Seq::from_i64(row.get("seq")?),
            message: value::message(row, "message")?,
            sender: value::user(row, "sender")?,
            at: value::time(row, "at")?,
            reason: reason(row.get("reason")?)?,
            excerpt: row.get("excerpt")?,
        },
    })
}

fn put(
    connection: &Connection,
    note: &InboxNote,
    announce: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let InboxNote { user, entry } = note;
    let inserted = connection
        .prepare_cached(&format!(
            "INSERT INTO inbox ({COLUMNS}, announce)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING"
        ))?
        .execute(params![
            value::user_key(*user),
            value::room_key(entry.room),
            value::message_key(entry.message),
            entry.seq.as_i64(),
            value::user_key(entry.sender),
            entry.at.millis(),
            reason_code(entry.reason),
            entry.excerpt,
            announce.map(Timestamp::millis),
        ])?;
    Ok(inserted > 0)
}

/// Takes the oldest out of an inbox that holds too many.
fn trim(connection: &Connection, user: UserId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM inbox WHERE user = ?1 AND (room, message) IN (
               SELECT room, message FROM inbox WHERE user = ?1
               ORDER BY at DESC, room DESC, message DESC LIMIT -1 OFFSET ?2)",
        )?
        .execute(params![value::user_key(user), KEPT_MAX])?;
    Ok(())
}

#[async_trait]
impl InboxStore for SqliteStore {
    async fn put_inbox(
        &self,
        notes: &[InboxNote],
        announce: Option<Timestamp>,
    ) -> Result<Vec<InboxNote>, StoreError> {
        let notes = notes.to_vec();
        self.write(move |connection| {
            let mut new = Vec::with_capacity(notes.len());
            for note in notes {
                if put(connection, &note, announce)? {
                    new.push(note);
                }
            }
            for user in new.iter().map(|note| note.user).collect::<BTreeSet<_>>() {
                trim(connection, user)?;
            }
            Ok(new)
        })
        .await
    }

    async fn inbox(
        &self,
        user: UserId,
        before: Option<InboxPlace>,
        limit: usize,
    ) -> Result<Vec<InboxEntry>, StoreError> {
        self.read(move |connection| {
            let place = "(?2 IS NULL OR (at, room, message) < (?2, ?3, ?4))";
            let mut newest = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM inbox WHERE user = ?1 AND {place}
                 ORDER BY at DESC, room DESC, message DESC LIMIT ?5"
            ))?;
            let parameters = params![
                value::user_key(user),
                before.map(|place| place.at.millis()),
                before.map(|place| value::room_key(place.room)),
                before.map(|place| value::message_key(place.message)),
                value::limit(limit),
            ];
            let entries = newest.query_map(parameters, |row| Ok(note(row)?.entry))?;
            Ok(entries.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn inbox_counts(&self, users: &[UserId]) -> Result<Vec<u64>, StoreError> {
        let users = users.to_vec();
        self.read(move |connection| {
            let mut count =
                connection.prepare_cached("SELECT count(*) FROM inbox WHERE user = ?1")?;
            let counts = users.into_iter().map(|user| {
                Ok(count.query_row([value::user_key(user)], |row| value::count(row, 0))?)
            });
            counts.collect()
        })
        .await
    }

    async fn clear_inbox(&self, user: UserId, part: InboxPart) -> Result<u64, StoreError> {
        let (room, upto) = match part {
            InboxPart::Everything => (None, i64::MAX),
            InboxPart::Room(room) => (Some(room), i64::MAX),
            InboxPart::Read(room, seq) => (Some(room), seq.as_i64()),
        };
        self.write(move |connection| {
            let cleared = match room {
                Some(room) => connection
                    .prepare_cached(
                        "DELETE FROM inbox WHERE user = ?1 AND room = ?2 AND seq <= ?3",
                    )?
                    .execute(params![value::user_key(user), value::room_key(room), upto])?,
                None => connection
                    .prepare_cached("DELETE FROM inbox WHERE user = ?1")?
                    .execute([value::user_key(user)])?,
            };
            Ok(cleared as u64)
        })
        .await
    }

    async fn change_excerpt(
        &self,
        room: RoomId,
        message: MessageId,
        excerpt: &str,
    ) -> Result<(), StoreError> {
        let excerpt = excerpt.to_owned();
        self.write(move |connection| {
            connection
                .prepare_cached("UPDATE inbox SET excerpt = ?3 WHERE room = ?1 AND message = ?2")?
                .execute(params![value::room_key(room), value::message_key(message), excerpt])?;
            Ok(())
        })
        .await
    }

    async fn withdraw(&self, room: RoomId, message: MessageId) -> Result<Vec<UserId>, StoreError> {
        self.write(move |connection| {
            let mut gone = connection.prepare_cached(
                "DELETE FROM inbox WHERE room = ?1 AND message = ?2 RETURNING user",
            )?;
            let key = params![value::room_key(room), value::message_key(message)];
            let users = gone.query_map(key, |row| value::user(row, 0))?;
            Ok(users.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn unannounced(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<InboxNote>, StoreError> {
        self.write(move |connection| {
            let mut due = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM inbox WHERE announce < ?1 ORDER BY announce LIMIT ?2"
            ))?;
            let found = due.query_map(params![now.millis(), value::limit(limit)], note)?;
            let found: Vec<InboxNote> = found.collect::<Result<_, _>>()?;
            set_announce(connection, &found, Some(now.after(ANNOUNCED_WITHIN)))?;
            Ok(found)
        })
        .await
    }

    async fn announced(&self, notes: &[InboxNote]) -> Result<(), StoreError> {
        let notes = notes.to_vec();
        self.write(move |connection| set_announce(connection, &notes, None)).await
    }
}

fn set_announce(
    connection: &Connection,
    notes: &[InboxNote],
    announce: Option<Timestamp>,
) -> Result<(), StoreError> {
    let mut set = connection.prepare_cached(
        "UPDATE inbox SET announce = ?4 WHERE user = ?1 AND room = ?2 AND message = ?3",
    )?;
    for InboxNote { user, entry } in notes {
        set.execute(params![
            value::user_key(*user),
            value::room_key(entry.room),
            value::message_key(entry.message),
            announce.map(Timestamp::millis),
        ])?;
    }
    Ok(())
}
