//! What searching needs of SQLite. A scan reads the times of a room's blocks from their index, and
//! the filters one by one from the newest on, no more than it takes to fill its page.

use async_trait::async_trait;
use hubbub_protocol::{EditedBody, Message, MessageBody, MessageId, RoomId, Seq};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::events::messages;
use super::{SqliteStore, value};
use crate::StoreError;
use crate::search::backend::{
    BlockPage, BlockPlace, BlockScan, Logged, LoggedKind, Mark, SearchBackend,
};
use crate::search::block::{Block, has_bits};
use crate::search::touched::Touched;

/// Filters that one part of a scan looks at, so that no reader is held for long.
const FILTERS_MAX: usize = 4096;

fn mark(row: &Row<'_>) -> rusqlite::Result<Mark> {
    let holes: String = row.get("holes")?;
    Ok(Mark {
        indexed: Seq::from_i64(row.get("indexed")?),
        holes: serde_json::from_str(&holes).map_err(|_| value::unreadable("search mark"))?,
        revision: row.get("revision")?,
    })
}

fn logged(row: &Row<'_>, room: RoomId) -> rusqlite::Result<Logged> {
    let target: Option<[u8; 16]> = row.get("target")?;
    let target = target.map(uuid::Uuid::from_bytes).map(MessageId::from_uuid);
    let kind = match (row.get::<_, i64>("kind")?, target) {
        (0, _) => LoggedKind::Message,
        (4, Some(target)) => {
            let body: Option<String> = row.get("body")?;
            LoggedKind::Edited(target, edited(body.as_deref()))
        }
        (5, Some(target)) => LoggedKind::Deleted(target),
        (6, Some(target)) => LoggedKind::Reaction(target),
        _ => LoggedKind::Other,
    };
    Ok(Logged { room, seq: Seq::from_i64(row.get("seq")?), kind })
}

/// What an edit put in place; nothing once its message is deleted.
fn edited(body: Option<&str>) -> MessageBody {
    let body = body.and_then(|body| serde_json::from_str(body).ok());
    let EditedBody { text, mentions } = body.unwrap_or_default();
    MessageBody { text, mentions, ..MessageBody::default() }
}

/// Where a block is in the order of a scan (time, room, number), and its row.
type RowPlace = (i64, Vec<u8>, i64, i64);

/// The places of all blocks of a scan, in its order.
fn places(connection: &Connection, scan: &BlockScan) -> rusqlite::Result<Vec<RowPlace>> {
    let mut statement = connection.prepare_cached(
        "SELECT newest, number, rowid FROM search_blocks
         WHERE room = ?1 AND newest >= ?2 AND newest <= ?3 AND oldest <= ?4",
    )?;
    let after = scan.after.map(|after| place_key(&after));
    let latest = scan.after.map_or(i64::MAX, |after| after.newest.millis());
    let mut places = Vec::new();
    for room in &scan.rooms {
        let key = value::room_key(*room);
        let mut rows =
            statement.query(params![key, scan.since.millis(), latest, scan.upto.millis()])?;
        while let Some(row) = rows.next()? {
            let place = (row.get(0)?, key.clone(), row.get(1)?);
            if after.as_ref().is_none_or(|after| place < *after) {
                places.push((place.0, place.1, place.2, row.get(2)?));
            }
        }
    }
    places.sort_unstable_by(|a, b| b.cmp(a));
    Ok(places)
}

fn place_key(place: &BlockPlace) -> (i64, Vec<u8>, i64) {
    (place.newest.millis(), value::room_key(place.room), place.number.cast_signed())
}

fn blocks(
    connection: &Connection,
    scan: &BlockScan,
    limit: usize,
) -> Result<BlockPage, StoreError> {
    let mut filter_of =
        connection.prepare_cached("SELECT filter FROM search_blocks WHERE rowid = ?1")?;
    let mut rest_of = connection.prepare_cached(
        "SELECT room, number, oldest, newest, slots FROM search_blocks WHERE rowid = ?1",
    )?;
    let mut page = BlockPage { blocks: Vec::new(), next: None };
    for (seen, (_, _, _, rowid)) in places(connection, scan)?.into_iter().enumerate() {
        let filter: Vec<u8> = filter_of.query_row([rowid], |row| row.get(0))?;
        let passes = has_bits(&filter, &scan.bits);
        let last = seen + 1 >= FILTERS_MAX || (passes && page.blocks.len() + 1 >= limit);
        if !passes && !last {
            continue;
        }
        let (block, place) = rest_of.query_row([rowid], |row| {
            let room = value::room(row, "room")?;
            let number = row.get::<_, i64>("number")?.cast_unsigned();
            let (oldest, newest) = (value::time(row, "oldest")?, value::time(row, "newest")?);
            let slots: Vec<u8> = row.get("slots")?;
            let block = Block::read((room, number), (oldest, newest), filter, &slots)
                .ok_or_else(|| value::unreadable("search block"))?;
            Ok((block, BlockPlace { newest, room, number }))
        })?;
        if passes {
            page.blocks.push(block);
        }
        if last {
            page.next = Some(place);
            break;
        }
    }
    Ok(page)
}

#[async_trait]
impl SearchBackend for SqliteStore {
    fn touched(&self) -> &Touched {
        &self.touched
    }

    async fn marks(&self, rooms: &[RoomId]) -> Result<Vec<Mark>, StoreError> {
        let rooms = rooms.to_vec();
        self.read(move |connection| {
            let mut of_room = connection.prepare_cached(
                "SELECT indexed, holes, revision FROM search_marks WHERE room = ?1",
            )?;
            let mut marks = Vec::with_capacity(rooms.len());
            for room in rooms {
                let found = of_room.query_row([value::room_key(room)], mark).optional()?;
                marks.push(found.unwrap_or_default());
            }
            Ok(marks)
        })
        .await
    }

    async fn set_mark(&self, room: RoomId, mark: &Mark) -> Result<bool, StoreError> {
        let (indexed, revision) = (mark.indexed.as_i64(), mark.revision);
        let holes = serde_json::to_string(&mark.holes)
            .map_err(|error| StoreError::Failed(format!("a search mark: {error}")))?;
        self.write(move |connection| {
            let changed = connection
                .prepare_cached(
                    "INSERT INTO search_marks (room, indexed, holes, revision)
                     SELECT ?1, ?2, ?3, 1 WHERE ?4 = 0
                        OR EXISTS (SELECT 1 FROM search_marks WHERE room = ?1)
                     ON CONFLICT (room) DO UPDATE
                     SET indexed = ?2, holes = ?3, revision = revision + 1 WHERE revision = ?4",
                )?
                .execute(params![value::room_key(room), indexed, holes, revision])?;
            Ok(changed > 0)
        })
        .await
    }

    async fn heads(
        &self,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<(RoomId, Seq)>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, (SELECT coalesce(max(seq), 0) FROM events WHERE room = rooms.id) AS head
                 FROM rooms WHERE id > coalesce(?1, x'') ORDER BY id LIMIT ?2",
            )?;
            let heads = statement
                .query_map(params![after.map(value::room_key), value::limit(limit)], |row| {
                    Ok((value::room(row, "id")?, Seq::from_i64(row.get("head")?)))
                })?;
            Ok(heads.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn logged(
        &self,
        parts: &[(RoomId, [Seq; 2])],
        limit: usize,
    ) -> Result<Vec<Logged>, StoreError> {
        let parts = parts.to_vec();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT seq, kind, target, iif(kind = 4, body, NULL) AS body FROM events
                 WHERE room = ?1 AND seq >= ?2 AND seq <= ?3 ORDER BY seq LIMIT ?4",
            )?;
            let mut found = Vec::new();
            for (room, [start, end]) in parts {
                let left = value::limit(limit - found.len());
                let part = params![value::room_key(room), start.as_i64(), end.as_i64(), left];
                for event in statement.query_map(part, |row| logged(row, room))? {
                    found.push(event?);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn messages_at(&self, places: &[(RoomId, Seq)]) -> Result<Vec<Message>, StoreError> {
        let places = places.to_vec();
        self.read(move |connection| {
            let mut found = Vec::with_capacity(places.len());
            for (room, seq) in places {
                found.extend(messages::at_place(connection, room, seq)?);
            }
            Ok(found)
        })
        .await
    }

    async fn blocks(&self, scan: &BlockScan, limit: usize) -> Result<BlockPage, StoreError> {
        let scan = scan.clone();
        self.read(move |connection| blocks(connection, &scan, limit)).await
    }

    async fn block_revision(&self, room: RoomId, number: u64) -> Result<i64, StoreError> {
        self.read(move |connection| {
            let revision = connection
                .prepare_cached(
                    "SELECT revision FROM search_blocks WHERE room = ?1 AND number = ?2",
                )?
                .query_row(params![value::room_key(room), number.cast_signed()], |row| row.get(0))
                .optional()?;
            Ok(revision.unwrap_or_default())
        })
        .await
    }

    async fn put_block(&self, block: &Block, revision: i64) -> Result<bool, StoreError> {
        let (room, number) = (value::room_key(block.room), block.number.cast_signed());
        let (oldest, newest) = block.span();
        let (filter, slots) = (block.filter().to_vec(), block.slots());
        self.write(move |connection| {
            let changed = connection
                .prepare_cached(
                    "INSERT INTO search_blocks
                       (room, number, oldest, newest, filter, slots, revision)
                     SELECT ?1, ?2, ?3, ?4, ?5, ?6, 1 WHERE ?7 = 0
                        OR EXISTS (SELECT 1 FROM search_blocks WHERE room = ?1 AND number = ?2)
                     ON CONFLICT (room, number) DO UPDATE
                     SET oldest = ?3, newest = ?4, filter = ?5, slots = ?6, revision = revision + 1
                     WHERE revision = ?7",
                )?
                .execute(params![
                    room,
                    number,
                    oldest.millis(),
                    newest.millis(),
                    filter,
                    slots,
                    revision
                ])?;
            Ok(changed > 0)
        })
        .await
    }
}
