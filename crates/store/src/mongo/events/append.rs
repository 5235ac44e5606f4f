//! Writing the rooms' logs: one unordered insert, a look at what the unique indexes refused, and
//! what follows for the messages that were changed (see [`changes`]).

use std::collections::HashMap;

use futures_util::TryStreamExt;
use hubbub_protocol::{Event, MessageId, RoomId, Seq};
use mongodb::bson::{Bson, Document, doc, serialize_to_bson};
use mongodb::error::ErrorKind;
use mongodb::options::ReadConcern;

use super::{changes, event_key};
use crate::StoreError;
use crate::content::{Content, Kind, refusal};
use crate::events::{Appended, StoredPlace};
use crate::mongo::error::{DUPLICATE_KEY, is_passing};
use crate::mongo::{MongoStore, value};

/// Places that one query looks up.
const PLACES_A_QUERY: usize = 100;

pub(super) const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Message => "message",
        Kind::Tombstone => "tombstone",
        Kind::Edited => "edited",
        Kind::Deleted => "deleted",
        Kind::Reaction => "reaction",
        Kind::Member => "member",
        Kind::Room => "room",
        Kind::Void => "void",
    }
}

/// An event as stored, all but its key and its body.
fn header(event: &Event, key: Bson, kind: Kind) -> Document {
    doc! {
        "_id": key,
        "room": value::of_room(event.room()),
        "seq": event.seq().as_i64(),
        "version": event.seq().as_i64(),
        "epoch": event.epoch().as_i64(),
        "kind": kind_name(kind),
        "id": value::of_message(event.id()),
        "sender": value::of_user(event.sender()),
        "at": value::of_time(event.at()),
    }
}

fn document(event: &Event) -> Result<Document, StoreError> {
    let (kind, content) = Content::of(event);
    let mut body = serialize_to_bson(&content)
        .map_err(|error| StoreError::Failed(format!("an event's content: {error}")))?;
    if let (Content::Member { user, .. }, Some(body)) = (content, body.as_document_mut()) {
        // Inside a document as well, ids are binary.
        body.insert("user", value::of_user(user));
    }
    let mut document = header(event, event_key(event.room(), event.id()), kind);
    document.insert("body", body);
    if let Some(target) = event.target() {
        document.insert("target", event_key(event.room(), target));
    }
    if let Event::Message(message) = event
        && let Some(called) = value::of_called(&message.body.mentions)
    {
        document.insert("mentions", called);
    }
    Ok(document)
}

/// What stands in the place of a double. Its key is made of its place, so that it is made once; it
/// is shorter than any event's key, so that it never is one. Its `id` is the double's.
fn void(event: &Event) -> Document {
    let key = value::in_room(event.room(), &event.seq().0.to_be_bytes());
    header(event, key, Kind::Void)
}

enum Rejection {
    /// By a unique index.
    Duplicate,
    /// For good.
    Refused(String),
}

/// Inserts what can be inserted; what can't is told by its index.
async fn insert(
    store: &MongoStore,
    documents: &[Document],
) -> Result<Vec<(usize, Rejection)>, StoreError> {
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    let error = match store.events.insert_many(documents).ordered(false).await {
        Ok(_) => return Ok(Vec::new()),
        Err(error) => error,
    };
    let ErrorKind::InsertMany(failure) = &*error.kind else { return Err(error.into()) };
    if let Some(concern) = &failure.write_concern_error {
        let reason = format!("no majority: {} ({})", concern.code_name, concern.code);
        return Err(StoreError::Unavailable(reason));
    }
    let mut rejections = Vec::new();
    for write in failure.write_errors.iter().flatten() {
        let name = write.code_name.as_deref().unwrap_or("write error");
        let reason = format!("{name} ({})", write.code);
        let rejection = match write.code {
            DUPLICATE_KEY => Rejection::Duplicate,
            code if is_passing(code) => return Err(StoreError::Unavailable(reason)),
            _ => Rejection::Refused(reason),
        };
        rejections.push((write.index, rejection));
    }
    if rejections.is_empty() {
        return Err(error.into());
    }
    Ok(rejections)
}

/// The ids that places bear; places without any event are left out. Linearizable.
async fn holders(
    store: &MongoStore,
    places: &[(RoomId, Seq)],
) -> Result<HashMap<(RoomId, Seq), MessageId>, StoreError> {
    let mut holders = HashMap::with_capacity(places.len());
    for part in places.chunks(PLACES_A_QUERY) {
        let any: Vec<_> = part
            .iter()
            .map(|(room, seq)| doc! { "room": value::of_room(*room), "seq": seq.as_i64() })
            .collect();
        let found = store
            .events
            .find(doc! { "$or": any })
            .projection(doc! { "_id": 0, "room": 1, "seq": 1, "id": 1 })
            .read_concern(ReadConcern::linearizable())
            // All in one batch: later ones are not read linearizably.
            .batch_size(u32::try_from(part.len() + 1).unwrap_or(u32::MAX))
            .max_time(store.operation_timeout)
            .await?;
        let found: Vec<Document> = found.try_collect().await?;
        for document in found {
            let place = (value::room(&document, "room")?, value::seq(&document, "seq")?);
            holders.insert(place, value::message(&document, "id")?);
        }
    }
    Ok(holders)
}

pub(super) async fn append(
    store: &MongoStore,
    events: &[Event],
) -> Result<Vec<Appended>, StoreError> {
    let mut outcomes: Vec<Appended> = Vec::with_capacity(events.len());
    let mut inserted = Vec::with_capacity(events.len());
    let mut documents = Vec::with_capacity(events.len());
    for (i, event) in events.iter().enumerate() {
        outcomes.push(match refusal(event) {
            Some(reason) => Appended::Refused(reason),
            None => {
                inserted.push(i);
                documents.push(document(event)?);
                Appended::Stored
            }
        });
    }
    let mut duplicates = Vec::new();
    for (index, rejection) in insert(store, &documents).await? {
        let i = inserted[index];
        match rejection {
            Rejection::Duplicate => duplicates.push(i),
            Rejection::Refused(reason) => outcomes[i] = Appended::Refused(reason),
        }
    }
    let ids: Vec<_> = duplicates.iter().map(|&i| (events[i].room(), events[i].id())).collect();
    let stored = store.stored_places(&ids).await?;
    let mut doubles = Vec::new();
    for i in duplicates {
        let event = &events[i];
        match stored.get(&(event.room(), event.id())) {
            None => outcomes[i] = Appended::Fork,
            Some(place) if place.position == event.position() => outcomes[i] = Appended::Already,
            Some(place) => doubles.push((i, *place)),
        }
    }
    for (i, outcome) in fill_with_voids(store, events, doubles).await? {
        outcomes[i] = outcome;
    }
    // Also what was stored before: whoever stored it may have died before the next line.
    let stored = events.iter().zip(&outcomes).filter_map(|(event, outcome)| {
        matches!(outcome, Appended::Stored | Appended::Already).then_some(event)
    });
    changes::fold(store, stored).await?;
    Ok(outcomes)
}

/// Fills the places of doubles, given by their index and where their event is stored.
async fn fill_with_voids(
    store: &MongoStore,
    events: &[Event],
    doubles: Vec<(usize, StoredPlace)>,
) -> Result<Vec<(usize, Appended)>, StoreError> {
    let voids: Vec<_> = doubles.iter().map(|&(i, _)| void(&events[i])).collect();
    let taken: Vec<usize> =
        insert(store, &voids).await?.into_iter().map(|(index, _)| doubles[index].0).collect();
    let places: Vec<_> = taken.iter().map(|&i| (events[i].room(), events[i].seq())).collect();
    let holders = holders(store, &places).await?;
    let outcome = |i: usize, stored: StoredPlace| {
        let event = &events[i];
        let bearer = holders.get(&(event.room(), event.seq()));
        if !taken.contains(&i) || bearer == Some(&event.id()) {
            Appended::Double(stored)
        } else {
            Appended::Fork
        }
    };
    Ok(doubles.into_iter().map(|(i, stored)| (i, outcome(i, stored))).collect())
}
