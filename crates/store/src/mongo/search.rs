//! What searching needs of MongoDB. The filters of blocks are tested by the server, block after
//! block in the order of their index, which several rooms are merged in.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hubbub_protocol::{Message, MessageBody, RoomId, Seq, Timestamp};
use mongodb::bson::{Bson, Document, deserialize_from_document, doc};
use mongodb::options::Hint;

use super::error::is_duplicate;
use super::{MongoStore, schema, value};
use crate::StoreError;
use crate::search::backend::{
    BlockPage, BlockPlace, BlockScan, Logged, LoggedKind, Mark, SearchBackend,
};
use crate::search::block::Block;
use crate::search::touched::Touched;

/// How long the server may work on one part of a scan.
const SCAN_WITHIN: Duration = Duration::from_secs(2);

fn block_key(room: RoomId, number: u64) -> Bson {
    value::in_room(room, &number.to_be_bytes())
}

fn mark(document: &Document) -> Result<Mark, StoreError> {
    let unreadable = || StoreError::Failed("a search mark is not readable".to_owned());
    let holes = document.get_array("holes").map_err(|_| unreadable())?;
    let holes = holes.chunks(2).map(|range| match range {
        [Bson::Int64(start), Bson::Int64(end)] => Ok([*start, *end].map(Seq::from_i64)),
        _ => Err(unreadable()),
    });
    Ok(Mark {
        indexed: value::seq(document, "indexed")?,
        holes: holes.collect::<Result<_, _>>()?,
        revision: document.get_i64("revision").map_err(|_| unreadable())?,
    })
}

fn block(document: &Document) -> Result<Block, StoreError> {
    let room = value::room(document, "room")?;
    let number = number(document)?;
    let span = (value::time(document, "oldest")?, value::time(document, "newest")?);
    let filter = value::bytes(document, "filter")?.to_vec();
    Block::read((room, number), span, filter, value::bytes(document, "slots")?)
        .ok_or_else(|| StoreError::Failed("a search block is not readable".to_owned()))
}

fn number(document: &Document) -> Result<u64, StoreError> {
    let number = document.get_i64("number");
    number
        .map(i64::cast_unsigned)
        .map_err(|_| StoreError::Failed("a search block's number is not readable".to_owned()))
}

fn logged(document: &Document) -> Result<Logged, StoreError> {
    let target = value::optional(document, "target", value::message_in_room)?;
    let kind = match (value::text(document, "kind")?, target) {
        ("message", _) => LoggedKind::Message,
        ("edited", Some(target)) => LoggedKind::Edited(target, edited(document)),
        ("deleted", Some(target)) => LoggedKind::Deleted(target),
        ("reaction", Some(target)) => LoggedKind::Reaction(target),
        _ => LoggedKind::Other,
    };
    Ok(Logged { room: value::room(document, "room")?, seq: value::seq(document, "seq")?, kind })
}

/// What an edit put in place; nothing once its message is deleted.
fn edited(document: &Document) -> MessageBody {
    let body = document.get_document("body").ok().cloned();
    body.and_then(|body| deserialize_from_document(body).ok()).unwrap_or_default()
}

/// What a scan reads, for the whole of it.
fn scan_filter(scan: &BlockScan) -> Document {
    let rooms: Vec<_> = scan.rooms.iter().copied().map(value::of_room).collect();
    let bits: Vec<_> = scan.bits.iter().map(|bit| i64::try_from(*bit).unwrap_or(0)).collect();
    let mut newest = doc! { "$gte": bounded(scan.since) };
    let mut filter = doc! {
        "room": { "$in": rooms },
        "oldest": { "$lte": bounded(scan.upto) },
        "filter": { "$bitsAllSet": bits },
    };
    if let Some(BlockPlace { newest: at, room, number }) = scan.after {
        newest.insert("$lte", value::of_time(at));
        filter.insert(
            "$or",
            vec![
                doc! { "newest": { "$lt": value::of_time(at) } },
                doc! { "_id": { "$lt": block_key(room, number) } },
            ],
        );
    }
    filter.insert("newest", newest);
    filter
}

/// Times that BSON can hold as well as those that mean "any".
fn bounded(at: Timestamp) -> Bson {
    value::of_time(at)
}

#[async_trait]
impl SearchBackend for MongoStore {
    fn touched(&self) -> &Touched {
        &self.touched
    }

    async fn marks(&self, rooms: &[RoomId]) -> Result<Vec<Mark>, StoreError> {
        let keys: Vec<_> = rooms.iter().copied().map(value::of_room).collect();
        self.within(async {
            let mut found = self.search_marks.find(doc! { "_id": { "$in": keys } }).await?;
            let mut marks = HashMap::with_capacity(rooms.len());
            while let Some(document) = found.try_next().await? {
                marks.insert(value::room(&document, "_id")?, mark(&document)?);
            }
            Ok(rooms.iter().map(|room| marks.get(room).cloned().unwrap_or_default()).collect())
        })
        .await
    }

    async fn set_mark(&self, room: RoomId, mark: &Mark) -> Result<bool, StoreError> {
        let holes: Vec<i64> = mark.holes.iter().flatten().map(|seq| seq.as_i64()).collect();
        let next = doc! {
            "_id": value::of_room(room),
            "indexed": mark.indexed.as_i64(),
            "holes": holes,
            "revision": mark.revision + 1,
        };
        self.within(async {
            if mark.revision == 0 {
                return match self.search_marks.insert_one(next).await {
                    Ok(_) => Ok(true),
                    Err(error) if is_duplicate(&error) => Ok(false),
                    Err(error) => Err(error.into()),
                };
            }
            let expected = doc! { "_id": value::of_room(room), "revision": mark.revision };
            Ok(self.search_marks.replace_one(expected, next).await?.matched_count > 0)
        })
        .await
    }

    async fn heads(
        &self,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<(RoomId, Seq)>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let filter = after.map_or_else(Document::new, |after| {
            doc! { "_id": { "$gt": value::of_room(after) } }
        });
        self.within(async {
            let rooms = self.rooms.find(filter).projection(doc! { "_id": 1 });
            let rooms: Vec<Document> =
                rooms.sort(doc! { "_id": 1 }).limit(limit).await?.try_collect().await?;
            let mut heads = Vec::with_capacity(rooms.len());
            for document in rooms {
                let room = value::room(&document, "_id")?;
                let highest = self
                    .events
                    .find_one(doc! { "room": value::of_room(room) })
                    .sort(doc! { "seq": -1 })
                    .projection(doc! { "_id": 0, "seq": 1 })
                    .await?;
                let head = highest.map_or(Ok(Seq(0)), |event| value::seq(&event, "seq"))?;
                heads.push((room, head));
            }
            Ok(heads)
        })
        .await
    }

    async fn logged(
        &self,
        parts: &[(RoomId, [Seq; 2])],
        limit: usize,
    ) -> Result<Vec<Logged>, StoreError> {
        let one_room = parts.iter().all(|(room, _)| *room == parts[0].0);
        let any: Vec<_> = parts
            .iter()
            .map(|(room, [start, end])| {
                let range = doc! { "$gte": start.as_i64(), "$lte": end.as_i64() };
                doc! { "room": value::of_room(*room), "seq": range }
            })
            .collect();
        let Some(limit) = value::limit(limit).filter(|_| !any.is_empty()) else {
            return Ok(Vec::new());
        };
        // What was said is not needed, what edits say is.
        let body = doc! { "$cond": [{ "$eq": ["$kind", "edited"] }, "$body", "$$REMOVE"] };
        self.within(async {
            let mut found = self
                .events
                .find(doc! { "$or": any })
                .projection(
                    doc! { "_id": 0, "room": 1, "seq": 1, "kind": 1, "target": 1, "body": body },
                )
                .hint(Hint::Keys(schema::places_index()))
                .limit(limit);
            if one_room {
                found = found.sort(doc! { "room": 1, "seq": 1 });
            }
            let found = found.await?;
            found.err_into().and_then(async |document| logged(&document)).try_collect().await
        })
        .await
    }

    async fn messages_at(&self, places: &[(RoomId, Seq)]) -> Result<Vec<Message>, StoreError> {
        let mut rooms: HashMap<RoomId, HashSet<i64>> = HashMap::new();
        for (room, seq) in places {
            rooms.entry(*room).or_default().insert(seq.as_i64());
        }
        if rooms.is_empty() {
            return Ok(Vec::new());
        }
        self.within(self.find_messages_at(rooms)).await
    }

    async fn blocks(&self, scan: &BlockScan, limit: usize) -> Result<BlockPage, StoreError> {
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        self.within(async {
            let mut found = self
                .search_blocks
                .find(scan_filter(scan))
                .sort(doc! { "newest": -1, "_id": -1 })
                .hint(Hint::Keys(schema::blocks_index()))
                .limit(most)
                .batch_size(u32::try_from(limit).unwrap_or(u32::MAX))
                .max_time(SCAN_WITHIN.min(self.operation_timeout))
                .await
                .map_err(too_slow)?;
            let mut blocks = Vec::new();
            let mut last = None;
            while let Some(document) = found.try_next().await.map_err(too_slow)? {
                last = Some(BlockPlace {
                    newest: value::time(&document, "newest")?,
                    room: value::room(&document, "room")?,
                    number: number(&document)?,
                });
                blocks.push(block(&document)?);
            }
            let next = last.filter(|_| blocks.len() >= limit);
            Ok(BlockPage { blocks, next })
        })
        .await
    }

    async fn block_revision(&self, room: RoomId, number: u64) -> Result<i64, StoreError> {
        self.within(async {
            let found = self
                .search_blocks
                .find_one(doc! { "_id": block_key(room, number) })
                .projection(doc! { "revision": 1 })
                .await?;
            Ok(found.and_then(|block| block.get_i64("revision").ok()).unwrap_or_default())
        })
        .await
    }

    async fn put_block(&self, block: &Block, revision: i64) -> Result<bool, StoreError> {
        let key = block_key(block.room, block.number);
        let (oldest, newest) = block.span();
        let kept = doc! {
            "_id": key.clone(),
            "room": value::of_room(block.room),
            "number": block.number.cast_signed(),
            "oldest": value::of_time(oldest),
            "newest": value::of_time(newest),
            "revision": revision + 1,
            "filter": value::of_bytes(block.filter()),
            "slots": value::of_bytes(&block.slots()),
        };
        self.within(async {
            if revision == 0 {
                return match self.search_blocks.insert_one(kept).await {
                    Ok(_) => Ok(true),
                    Err(error) if is_duplicate(&error) => Ok(false),
                    Err(error) => Err(error.into()),
                };
            }
            let expected = doc! { "_id": key, "revision": revision };
            Ok(self.search_blocks.replace_one(expected, kept).await?.matched_count > 0)
        })
        .await
    }
}

/// A search that the server gave up is too much, not a fault of the server.
fn too_slow(error: mongodb::error::Error) -> StoreError {
    const MAX_TIME_EXPIRED: i32 = 50;
    match &*error.kind {
        mongodb::error::ErrorKind::Command(command) if command.code == MAX_TIME_EXPIRED => {
            StoreError::Overloaded("a search took too long".to_owned())
        }
        _ => error.into(),
    }
}
