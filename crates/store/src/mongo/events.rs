//! The rooms' logs in MongoDB: places, epochs and pages. Writing them is in [`append`], what edits,
//! deletions and reactions do to messages in [`changes`], reading messages in [`messages`].

mod append;
mod changes;
mod messages;

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use futures_util::future::try_join;
use hubbub_protocol::http::Version;
use hubbub_protocol::{Epoch, Event, Message, MessageId, Position, RoomId, Seq};
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReadConcern;

use super::{MongoStore, value};
use crate::StoreError;
use crate::events::{Appended, EventStore, HistoryPage, Page, Reactor, StoredPlace};
use crate::history::Window;

/// Ids that one query looks up.
const IDS_A_QUERY: usize = 1000;

/// An event's `_id`. An id is unique in its room only: were it the whole key, somebody could take
/// another's pending id in another room.
fn event_key(room: RoomId, id: MessageId) -> Bson {
    value::of_bytes(&key_bytes(room, id))
}

fn key_bytes(room: RoomId, id: MessageId) -> Vec<u8> {
    [room.as_bytes(), id.as_uuid().as_bytes()].concat()
}

fn place(document: &Document) -> Result<StoredPlace, StoreError> {
    Ok(StoredPlace {
        position: Position::new(value::epoch(document, "epoch")?, value::seq(document, "seq")?),
        sender: value::user(document, "sender")?,
        at: value::time(document, "at")?,
    })
}

impl MongoStore {
    /// Where ids are stored; those that are not are left out. Linearizable.
    async fn stored_places(
        &self,
        ids: &[(RoomId, MessageId)],
    ) -> Result<HashMap<(RoomId, MessageId), StoredPlace>, StoreError> {
        let mut places = HashMap::with_capacity(ids.len());
        for part in ids.chunks(IDS_A_QUERY) {
            let keys: Vec<_> = part.iter().map(|(room, id)| event_key(*room, *id)).collect();
            let found = self
                .events
                .find(doc! { "_id": { "$in": keys } })
                .projection(doc! { "room": 1, "id": 1, "epoch": 1, "seq": 1, "sender": 1, "at": 1 })
                .read_concern(ReadConcern::linearizable())
                // All in one batch: later ones are not read linearizably.
                .batch_size(u32::try_from(part.len() + 1).unwrap_or(u32::MAX))
                .max_time(self.operation_timeout)
                .await?;
            let found: Vec<Document> = found.try_collect().await?;
            for document in found {
                let key = (value::room(&document, "room")?, value::message(&document, "id")?);
                places.insert(key, place(&document)?);
            }
        }
        Ok(places)
    }

    /// A room's epoch and its highest stored seq. Linearizable.
    async fn head(&self, room: RoomId) -> Result<Option<Position>, StoreError> {
        let room = value::of_room(room);
        let epoch = self
            .rooms
            .find_one(doc! { "_id": room.clone() })
            .projection(doc! { "epoch": 1 })
            .read_concern(ReadConcern::linearizable())
            .max_time(self.operation_timeout);
        let highest = self
            .events
            .find_one(doc! { "room": room })
            .sort(doc! { "seq": -1 })
            .projection(doc! { "_id": 0, "seq": 1 })
            .read_concern(ReadConcern::linearizable())
            .max_time(self.operation_timeout);
        let (epoch, highest) = try_join(epoch.into_future(), highest.into_future()).await?;
        let Some(epoch) = epoch else { return Ok(None) };
        let seq = highest.map_or(Ok(Seq(0)), |event| value::seq(&event, "seq"))?;
        Ok(Some(Position::new(value::epoch(&epoch, "epoch")?, seq)))
    }
}

#[async_trait]
impl EventStore for MongoStore {
    async fn append(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        let outcomes = self.within(append::append(self, events)).await?;
        self.touched.note(events);
        Ok(outcomes)
    }

    async fn places(
        &self,
        ids: &[(RoomId, MessageId)],
    ) -> Result<Vec<Option<StoredPlace>>, StoreError> {
        let places = self.within(self.stored_places(ids)).await?;
        Ok(ids.iter().map(|id| places.get(id).copied()).collect())
    }

    async fn stored_head(&self, room: RoomId) -> Result<Option<Position>, StoreError> {
        self.within(self.head(room)).await
    }

    async fn open_epoch(&self, room: RoomId, after: Epoch) -> Result<Position, StoreError> {
        self.within(async {
            self.rooms
                .update_one(
                    doc! { "_id": value::of_room(room), "epoch": { "$lte": after.as_i64() } },
                    doc! { "$set": { "epoch": after.next().as_i64() } },
                )
                .await?;
            // After the epoch: what an earlier one still stores meanwhile is counted in.
            self.head(room).await?.ok_or(StoreError::NoSuchRoom)
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
        let window = Window::of(page, limit);
        let pivot = window.pivot.as_i64();
        let below = self.find_messages(
            room,
            doc! { "seq": { "$lt": pivot } },
            doc! { "seq": -1 },
            window.read_below(),
        );
        let above = self.find_messages(
            room,
            doc! { "seq": { "$gte": pivot } },
            doc! { "seq": 1 },
            window.read_above(),
        );
        let (below, above) = self.within(try_join(below, above)).await?;
        Ok(window.page(below, above))
    }

    async fn messages(&self, room: RoomId, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
        let mut messages = Vec::with_capacity(ids.len());
        for part in ids.chunks(IDS_A_QUERY) {
            let keys: Vec<_> = part.iter().map(|id| event_key(room, *id)).collect();
            let condition = doc! { "_id": { "$in": keys } };
            let found = self.find_messages(room, condition, Document::new(), 0);
            messages.append(&mut self.within(found).await?);
        }
        Ok(messages)
    }

    async fn versions(
        &self,
        room: RoomId,
        id: MessageId,
        before: Seq,
        limit: usize,
    ) -> Result<Vec<Version>, StoreError> {
        self.within(self.find_versions(room, id, before, limit)).await
    }

    async fn reactors(
        &self,
        room: RoomId,
        id: MessageId,
        emoji: &str,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Reactor>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        self.within(self.find_reactors(room, id, emoji, after, limit)).await
    }

    async fn changes(
        &self,
        room: RoomId,
        after: Seq,
        upto: Seq,
        limit: usize,
    ) -> Result<Option<Vec<Message>>, StoreError> {
        let range = doc! {
            "version": { "$gt": after.as_i64() },
            "seq": { "$lte": upto.as_i64() },
        };
        let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let changed = self.find_messages(room, range, doc! { "version": 1 }, one_more);
        let mut changed = self.within(changed).await?;
        changed.sort_unstable_by_key(|message| message.seq);
        Ok((changed.len() <= limit).then_some(changed))
    }

    async fn count_events(&self, room: RoomId, after: Seq, upto: Seq) -> Result<u64, StoreError> {
        let range = doc! {
            "room": value::of_room(room),
            "seq": { "$gt": after.as_i64(), "$lte": upto.as_i64() },
        };
        self.within(async { Ok(self.events.count_documents(range).await?) }).await
    }
}
