//! The indexes. Making one that exists changes nothing, so every process makes them all.

use std::time::Duration;

use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;

use super::MongoStore;
use crate::StoreError;

/// The index by which messages are read in order and unread ones are counted without looking at
/// a single message.
pub(super) fn messages_index() -> Document {
    doc! { "room": 1, "kind": 1, "seq": 1, "sender": 1 }
}

/// The index by which the messages that call somebody are counted without looking at one.
pub(super) fn mentions_index() -> Document {
    doc! { "room": 1, "mentions": 1, "seq": 1, "sender": 1 }
}

/// The index of the changes of a message.
pub(super) fn target_index() -> Document {
    doc! { "target": 1, "seq": 1 }
}

/// The index by which the reactions of messages are counted, and their people named in order.
pub(super) fn reactions_index() -> Document {
    doc! { "message": 1, "on": 1, "emoji": 1, "seq": 1, "user": 1 }
}

/// The fence, by which places are looked up as well.
pub(super) fn places_index() -> Document {
    doc! { "room": 1, "seq": 1 }
}

/// The index by which blocks of the search are read from the newest on. With the oldest time in it
/// those that are too new are passed over unread.
pub(super) fn blocks_index() -> Document {
    doc! { "room": 1, "newest": -1, "_id": -1, "oldest": 1 }
}

fn plain(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}

fn with(keys: Document, options: IndexOptions) -> IndexModel {
    IndexModel::builder().keys(keys).options(options).build()
}

fn unique(keys: Document) -> IndexModel {
    with(keys, IndexOptions::builder().unique(true).build())
}

/// Documents go when the time in the field has come.
fn expiring(field: &str) -> IndexModel {
    let options = IndexOptions::builder().expire_after(Duration::ZERO).build();
    with(doc! { field: 1 }, options)
}

/// Documents in which `field` is true.
fn only_where(field: &str, keys: Document) -> IndexModel {
    with(keys, IndexOptions::builder().partial_filter_expression(doc! { field: true }).build())
}

pub(super) async fn create_indexes(store: &MongoStore) -> Result<(), StoreError> {
    // Most events change no message, and have no entry.
    let changes = IndexOptions::builder()
        .partial_filter_expression(doc! { "target": { "$exists": true } })
        .build();
    let codes = IndexOptions::builder().unique(true).sparse(true).build();
    let to_announce = IndexOptions::builder()
        .partial_filter_expression(doc! { "announce": { "$exists": true } })
        .build();
    let calling = IndexOptions::builder()
        .partial_filter_expression(doc! { "mentions": { "$exists": true } })
        .build();
    let indexes = [
        (&store.users, vec![unique(doc! { "username": 1 }), plain(doc! { "search": 1, "_id": 1 })]),
        (&store.sessions, vec![expiring("expires_at"), plain(doc! { "user": 1 })]),
        (&store.session_tokens, vec![expiring("expires_at")]),
        (
            &store.blocks,
            vec![plain(doc! { "user": 1, "blocked": 1 }), plain(doc! { "blocked": 1 })],
        ),
        (
            &store.rooms,
            vec![
                with(doc! { "code": 1 }, codes),
                plain(doc! { "listed": 1, "_id": 1, "name_folded": 1 }),
                plain(doc! { "owner": 1, "_id": 1 }),
            ],
        ),
        (&store.bans, vec![plain(doc! { "room": 1, "user": 1 })]),
        (&store.audit, vec![plain(doc! { "room": 1, "_id": -1 })]),
        (&store.destructions, vec![only_where("open", doc! { "at": 1 })]),
        (
            &store.memberships,
            vec![plain(doc! { "room": 1, "user": 1 }), plain(doc! { "user": 1, "room": 1 })],
        ),
        (
            &store.inbox,
            vec![
                plain(doc! { "user": 1, "at": 1, "room": 1, "message": 1 }),
                plain(doc! { "user": 1, "room": 1, "seq": 1 }),
                plain(doc! { "room": 1, "message": 1 }),
                with(doc! { "announce": 1 }, to_announce),
            ],
        ),
        (
            &store.files,
            vec![
                plain(doc! { "owner": 1, "state": 1, "length": 1 }),
                plain(doc! { "room": 1, "_id": 1 }),
                plain(doc! { "room": 1, "message": 1 }),
                plain(doc! { "expires_at": 1 }),
            ],
        ),
        (
            &store.events,
            vec![
                // The fence: no place of a room is ever given twice.
                unique(places_index()),
                plain(doc! { "room": 1, "kind": 1, "version": 1 }),
                with(target_index(), changes),
                plain(messages_index()),
                with(mentions_index(), calling),
            ],
        ),
        (&store.reactions, vec![plain(reactions_index()), plain(doc! { "room": 1 })]),
        (&store.search_blocks, vec![plain(blocks_index())]),
    ];
    for (collection, models) in indexes {
        collection.create_indexes(models).await.map_err(|error| {
            let name = collection.name();
            match StoreError::from(error) {
                StoreError::Unavailable(why) => StoreError::Unavailable(why),
                other => StoreError::Failed(format!("can't make the indexes of {name}: {other}")),
            }
        })?;
    }
    Ok(())
}
