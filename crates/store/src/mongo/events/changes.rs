//! What edits, deletions and reactions do to messages: guarded updates that come out the same in
//! any order, any number of times.
//!
//! Two workers may store a message and a change of it at the same time. Each first makes its own
//! event durable and then looks for the other's, so at least one of them sees both. The same holds
//! for a deletion and what it has to remove: a deletion marks the message and then removes, whoever
//! stores another change writes it and then looks for the mark.

use std::collections::HashSet;

use futures_util::TryStreamExt;
use hubbub_protocol::{Event, MessageId, RoomId};
use mongodb::bson::{Bson, Document, deserialize_from_document, doc, serialize_to_bson};
use mongodb::options::Hint;

use super::append::kind_name;
use super::event_key;
use crate::StoreError;
use crate::change::{Change, Reacted, What};
use crate::content::Kind;
use crate::mongo::schema::target_index;
use crate::mongo::{MongoStore, value};

/// Messages that one query looks for changes of.
const TARGETS_A_QUERY: usize = 1000;

/// Updates in one command.
const UPDATES_A_COMMAND: usize = 500;

/// What follows from events that are stored now.
pub(super) async fn fold(
    store: &MongoStore,
    events: impl Iterator<Item = &Event>,
) -> Result<(), StoreError> {
    let (mut changes, mut messages) = (Vec::new(), Vec::new());
    for event in events {
        match Change::of(event) {
            Some(change) => changes.push(change),
            None if matches!(event, Event::Message(_)) => {
                messages.push(event_key(event.room(), event.id()));
            }
            None => {}
        }
    }
    changes.extend(waiting(store, &messages).await?);
    if changes.is_empty() {
        return Ok(());
    }
    update(store, store.events.name(), changes.iter().flat_map(updates).collect()).await?;
    update(store, store.reactions.name(), changes.iter().filter_map(reaction).collect()).await?;
    forget(store, &changes).await
}

/// What was stored before the messages it changes.
async fn waiting(store: &MongoStore, messages: &[Bson]) -> Result<Vec<Change>, StoreError> {
    let mut changes = Vec::new();
    for part in messages.chunks(TARGETS_A_QUERY) {
        let mut found = store
            .events
            .find(doc! { "target": { "$in": part } })
            .hint(Hint::Keys(target_index()))
            .await?;
        while let Some(document) = found.try_next().await? {
            changes.extend(change(&document)?);
        }
    }
    Ok(changes)
}

/// `None` of one whose message is deleted, so that nothing is left of what it said.
fn change(document: &Document) -> Result<Option<Change>, StoreError> {
    let Ok(body) = document.get_document("body") else { return Ok(None) };
    let kind = value::text(document, "kind")?;
    let read = if kind == kind_name(Kind::Deleted) {
        Ok(What::Delete)
    } else if kind == kind_name(Kind::Edited) {
        deserialize_from_document(body.clone()).map(What::Edit)
    } else {
        deserialize_from_document::<Reacted>(body.clone()).map(What::React)
    };
    let what = read.map_err(|_| {
        StoreError::Failed("a stored change of a message is not readable".to_owned())
    })?;
    let room = value::room(document, "room")?;
    Ok(Some(Change {
        room,
        target: target(room, document)?,
        seq: value::seq(document, "seq")?,
        sender: value::user(document, "sender")?,
        at: value::time(document, "at")?,
        what,
    }))
}

/// The id at the end of a target's key.
fn target(room: RoomId, document: &Document) -> Result<MessageId, StoreError> {
    let key = value::bytes(document, "target")?;
    let id = key.get(room.as_bytes().len()..).and_then(|id| uuid::Uuid::from_slice(id).ok());
    id.map(MessageId::from_uuid)
        .ok_or_else(|| StoreError::Failed("the stored field target is not readable".to_owned()))
}

fn key(change: &Change) -> Bson {
    event_key(change.room, change.target)
}

/// What a change makes of the message itself, if that is stored.
fn updates(change: &Change) -> Vec<Document> {
    let seq = change.seq.as_i64();
    let message = kind_name(Kind::Message);
    let tombstone = kind_name(Kind::Tombstone);
    let mut updates = Vec::with_capacity(2);
    match &change.what {
        What::Edit(body) => {
            let mut edited =
                doc! { "text": &body.text, "at": value::of_time(change.at), "seq": seq };
            if let Ok(mentions) = serialize_to_bson(&body.mentions) {
                edited.insert("mentions", mentions);
            }
            let mut set = doc! { "edited": edited };
            let called = value::of_called(&body.mentions);
            let mut unset = Document::new();
            match called {
                Some(called) => set.insert("mentions", called),
                None => unset.insert("mentions", ""),
            };
            let mut edit = doc! { "$set": set };
            if !unset.is_empty() {
                edit.insert("$unset", unset);
            }
            updates.push(doc! {
                "q": {
                    "_id": key(change),
                    "kind": message,
                    "sender": value::of_user(change.sender),
                    // Absent, or of an earlier edit.
                    "edited.seq": { "$not": { "$gte": seq } },
                },
                "u": edit,
            });
        }
        What::Delete => updates.push(doc! {
            "q": {
                "_id": key(change),
                "kind": { "$in": [message, tombstone] },
                // Absent, or of a later deletion.
                "deleted.seq": { "$not": { "$lte": seq } },
            },
            "u": {
                "$set": {
                    "kind": tombstone,
                    "deleted": { "at": value::of_time(change.at), "seq": seq },
                },
                "$unset": { "body": "", "edited": "", "mentions": "", "reacted": "" },
            },
        }),
        What::React(_) => updates.push(doc! {
            "q": { "_id": key(change), "kind": message },
            "u": { "$set": { "reacted": true } },
        }),
    }
    updates.push(doc! {
        "q": { "_id": key(change), "kind": { "$in": [message, tombstone] } },
        "u": { "$max": { "version": seq } },
    });
    updates
}

/// What a reaction makes of its person's last word about the emoji. By its key alone, so that of two
/// first ones at once the server lets one wait for the other.
fn reaction(change: &Change) -> Option<Document> {
    let What::React(Reacted { emoji, on }) = &change.what else { return None };
    let seq = change.seq.as_i64();
    let user = change.sender.as_uuid().as_bytes();
    let target = change.target.as_uuid().as_bytes();
    let key = value::in_room(change.room, &[target, user.as_slice(), emoji.as_bytes()].concat());
    Some(doc! {
        "q": { "_id": key },
        "u": [{ "$set": {
            "room": value::of_room(change.room),
            "message": event_key(change.room, change.target),
            "emoji": { "$literal": emoji },
            "user": value::of_user(change.sender),
            "on": { "$cond": [{ "$gt": [seq, { "$ifNull": ["$seq", 0_i64] }] }, *on, "$on"] },
            "seq": { "$max": ["$seq", seq] },
        } }],
        "upsert": true,
    })
}

/// Runs updates, with a majority. Any of them that fails fails all: they can be repeated.
async fn update(
    store: &MongoStore,
    collection: &str,
    updates: Vec<Document>,
) -> Result<(), StoreError> {
    for part in updates.chunks(UPDATES_A_COMMAND) {
        let wait = i64::try_from(store.operation_timeout.as_millis()).unwrap_or(i64::MAX);
        let answer = store
            .database
            .run_command(doc! {
                "update": collection,
                "updates": part,
                "ordered": false,
                "writeConcern": { "w": "majority", "wtimeout": wait },
            })
            .await?;
        for failure in ["writeErrors", "writeConcernError"] {
            if answer.contains_key(failure) {
                let why = format!("changes of messages: {failure}");
                return Err(StoreError::Unavailable(why));
            }
        }
    }
    Ok(())
}

/// Removes what the changes of deleted messages said.
async fn forget(store: &MongoStore, changes: &[Change]) -> Result<(), StoreError> {
    let mut seen = HashSet::new();
    let targets = changes.iter().filter(|c| seen.insert((c.room, c.target))).map(key);
    let targets: Vec<Bson> = targets.collect();
    for part in targets.chunks(TARGETS_A_QUERY) {
        let tombstones = doc! { "_id": { "$in": part }, "kind": kind_name(Kind::Tombstone) };
        let found = store.events.find(tombstones).projection(doc! { "_id": 1 }).await?;
        let found: Vec<Document> = found.try_collect().await?;
        let deleted: Vec<_> =
            found.into_iter().filter_map(|mut found| found.remove("_id")).collect();
        if deleted.is_empty() {
            continue;
        }
        let gone: Vec<_> = changes
            .iter()
            .filter(|change| deleted.contains(&key(change)))
            .map(|change| (change.room, change.target, change.at))
            .collect();
        store.discard_of_messages(&gone).await?;
        let said = [kind_name(Kind::Edited), kind_name(Kind::Reaction)];
        store
            .events
            .update_many(
                doc! { "target": { "$in": &deleted }, "kind": { "$in": &said[..] } },
                doc! { "$unset": { "body": "" } },
            )
            .hint(Hint::Keys(target_index()))
            .await?;
        store.reactions.delete_many(doc! { "message": { "$in": deleted } }).await?;
    }
    Ok(())
}
