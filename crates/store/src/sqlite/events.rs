//! The rooms' logs in SQLite: writing them, and epochs. Messages are read in [`messages`]; what
//! edits, deletions and reactions do to them is in [`changes`].

mod changes;
pub(super) mod messages;

use async_trait::async_trait;
use hubbub_protocol::http::Version;
use hubbub_protocol::{Epoch, Event, Message, MessageId, Position, RoomId, Seq};
use rusqlite::{Connection, OptionalExtension, params};

use super::{SqliteStore, value};
use crate::StoreError;
use crate::content::{Content, Kind, refusal};
use crate::events::{Appended, EventStore, HistoryPage, Page, Reactor, StoredPlace};
use crate::history::Window;

const fn kind_code(kind: Kind) -> i64 {
    match kind {
        Kind::Message => 0,
        Kind::Member => 1,
        Kind::Room => 2,
        Kind::Void => 3,
        Kind::Edited => 4,
        Kind::Deleted => 5,
        Kind::Reaction => 6,
        Kind::Tombstone => 7,
    }
}

/// Inserts a row unless its place or its id is taken, and tells whether it did.
fn insert(
    connection: &Connection,
    event: &Event,
    kind: Kind,
    body: Option<&str>,
) -> Result<bool, StoreError> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO events (room, seq, version, epoch, kind, id, sender, at, body, target)
             VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            value::room_key(event.room()),
            event.seq().as_i64(),
            event.epoch().as_i64(),
            kind_code(kind),
            value::message_key(event.id()),
            value::user_key(event.sender()),
            event.at().millis(),
            body,
            event.target().filter(|_| kind != Kind::Void).map(value::message_key),
        ])?;
    Ok(inserted > 0)
}

fn place(
    connection: &Connection,
    room: RoomId,
    id: MessageId,
) -> Result<Option<StoredPlace>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT epoch, seq, sender, at FROM events WHERE room = ?1 AND id = ?2 AND kind <> 3",
        )?
        .query_row(params![value::room_key(room), value::message_key(id)], |row| {
            Ok(StoredPlace {
                position: Position::new(
                    Epoch::from_i64(row.get("epoch")?),
                    Seq::from_i64(row.get("seq")?),
                ),
                sender: value::user(row, "sender")?,
                at: value::time(row, "at")?,
            })
        })
        .optional()?)
}

/// The id that a place of the log bears.
fn holder(
    connection: &Connection,
    room: RoomId,
    seq: Seq,
) -> Result<Option<MessageId>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT id FROM events WHERE room = ?1 AND seq = ?2")?
        .query_row(params![value::room_key(room), seq.as_i64()], |row| value::message(row, 0))
        .optional()?)
}

fn append(connection: &Connection, event: &Event) -> Result<Appended, StoreError> {
    if let Some(reason) = refusal(event) {
        return Ok(Appended::Refused(reason));
    }
    let (kind, content) = Content::of(event);
    let body = serde_json::to_string(&content)
        .map_err(|error| StoreError::Failed(format!("an event's content: {error}")))?;
    if insert(connection, event, kind, Some(&body))? {
        changes::fold(connection, event)?;
        return Ok(Appended::Stored);
    }
    let Some(stored) = place(connection, event.room(), event.id())? else {
        return Ok(Appended::Fork);
    };
    if stored.position == event.position() {
        return Ok(Appended::Already);
    }
    let voided = insert(connection, event, Kind::Void, None)?
        || holder(connection, event.room(), event.seq())? == Some(event.id());
    Ok(if voided { Appended::Double(stored) } else { Appended::Fork })
}

fn highest(connection: &Connection, room: RoomId) -> Result<Seq, StoreError> {
    Ok(connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM events WHERE room = ?1")?
        .query_row([value::room_key(room)], |row| Ok(Seq::from_i64(row.get(0)?)))?)
}

fn head(connection: &Connection, room: RoomId) -> Result<Option<Position>, StoreError> {
    let epoch: Option<i64> = connection
        .prepare_cached("SELECT epoch FROM rooms WHERE id = ?1")?
        .query_row([value::room_key(room)], |row| row.get(0))
        .optional()?;
    let Some(epoch) = epoch else { return Ok(None) };
    Ok(Some(Position::new(Epoch::from_i64(epoch), highest(connection, room)?)))
}

#[async_trait]
impl EventStore for SqliteStore {
    async fn append(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let events = events.to_vec();
        let touched = self.touched.clone();
        self.write(move |connection| {
            let outcomes = events.iter().map(|event| append(connection, event)).collect();
            touched.note(&events);
            outcomes
        })
        .await
    }

    async fn places(
        &self,
        ids: &[(RoomId, MessageId)],
    ) -> Result<Vec<Option<StoredPlace>>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |connection| {
            ids.into_iter().map(|(room, id)| place(connection, room, id)).collect()
        })
        .await
    }

    async fn stored_head(&self, room: RoomId) -> Result<Option<Position>, StoreError> {
        self.read(move |connection| head(connection, room)).await
    }

    async fn open_epoch(&self, room: RoomId, after: Epoch) -> Result<Position, StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached("UPDATE rooms SET epoch = ?2 + 1 WHERE id = ?1 AND epoch <= ?2")?
                .execute(params![value::room_key(room), after.as_i64()])?;
            head(connection, room)?.ok_or(StoreError::NoSuchRoom)
        })
        .await
    }

    async fn destroyed_among(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>, StoreError> {
        self.find_destroyed(rooms).await
    }

    async fn history(
        &self,
        room: RoomId,
        page: Page,
        limit: usize,
    ) -> Result<HistoryPage, StoreError> {
        self.read(move |connection| {
            let window = Window::of(page, limit);
            let pivot = window.pivot;
            let below = messages::before(connection, room, pivot, window.read_below())?;
            let above = messages::from(connection, room, pivot, window.read_above())?;
            Ok(window.page(below, above))
        })
        .await
    }

    async fn messages(&self, room: RoomId, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |connection| {
            let found = ids.into_iter().map(|id| messages::by_id(connection, room, id));
            found.filter_map(Result::transpose).collect()
        })
        .await
    }

    async fn versions(
        &self,
        room: RoomId,
        id: MessageId,
        before: Seq,
        limit: usize,
    ) -> Result<Vec<Version>, StoreError> {
        self.read(move |connection| messages::versions(connection, room, id, before, limit)).await
    }

    async fn reactors(
        &self,
        room: RoomId,
        id: MessageId,
        emoji: &str,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Reactor>, StoreError> {
        let (emoji, limit) = (emoji.to_owned(), value::limit(limit));
        self.read(move |connection| messages::reactors(connection, room, id, &emoji, after, limit))
            .await
    }

    async fn changes(
        &self,
        room: RoomId,
        after: Seq,
        upto: Seq,
        limit: usize,
    ) -> Result<Option<Vec<Message>>, StoreError> {
        self.read(move |connection| {
            let one_more = value::limit(limit).saturating_add(1);
            let mut changed = messages::touched(connection, room, after, upto, one_more)?;
            changed.sort_unstable_by_key(|message| message.seq);
            Ok((changed.len() <= limit).then_some(changed))
        })
        .await
    }

    async fn count_events(&self, room: RoomId, after: Seq, upto: Seq) -> Result<u64, StoreError> {
        self.read(move |connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT count(*) FROM events WHERE room = ?1 AND seq > ?2 AND seq <= ?3",
                )?
                .query_row(
                    params![value::room_key(room), after.as_i64(), upto.as_i64()],
                    |row| value::count(row, 0),
                )?)
        })
        .await
    }
}
