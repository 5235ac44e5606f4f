//! Messages as their changes have left them.

use std::collections::{HashMap, HashSet};

use futures_util::TryStreamExt;
use hubbub_protocol::http::Version;
use hubbub_protocol::limits::REACTION_USERS;
use hubbub_protocol::{
    EditedBody, Mentions, Message, MessageBody, MessageId, ReactionCount, RoomId, Seq,
};
use mongodb::Cursor;
use mongodb::bson::{Bson, Document, deserialize_from_document, doc};
use mongodb::options::Hint;
use serde::de::DeserializeOwned;

use super::append::kind_name;
use super::event_key;
use crate::StoreError;
use crate::content::Kind;
use crate::events::Reactor;
use crate::mongo::schema::{places_index, reactions_index, target_index};
use crate::mongo::{MongoStore, value};

fn unreadable() -> StoreError {
    StoreError::Failed("a stored message's body is not readable".to_owned())
}

fn read<T: DeserializeOwned>(document: &Document, field: &str) -> Result<T, StoreError> {
    let body = document.get_document(field).ok().cloned();
    body.and_then(|body| deserialize_from_document(body).ok()).ok_or_else(unreadable)
}

fn message(document: &Document) -> Result<Message, StoreError> {
    let mut message = Message {
        room: value::room(document, "room")?,
        epoch: value::epoch(document, "epoch")?,
        seq: value::seq(document, "seq")?,
        id: value::message(document, "id")?,
        sender: value::user(document, "sender")?,
        at: value::time(document, "at")?,
        body: MessageBody::default(),
        edited_at: None,
        deleted_at: None,
        reactions: Vec::new(),
    };
    if let Ok(deleted) = document.get_document("deleted") {
        message.deleted_at = Some(value::time(deleted, "at")?);
        return Ok(message);
    }
    message.body = read(document, "body")?;
    if let Ok(edited) = document.get_document("edited") {
        message.body.text = value::text(edited, "text")?.to_owned();
        message.body.mentions =
            value::optional(edited, "mentions", read::<Mentions>)?.unwrap_or_default();
        message.edited_at = Some(value::time(edited, "at")?);
    }
    Ok(message)
}

impl MongoStore {
    /// Messages of a room that fulfil a condition, deleted ones among them.
    pub(super) async fn find_messages(
        &self,
        room: RoomId,
        condition: Document,
        sort: Document,
        limit: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let kinds = [kind_name(Kind::Message), kind_name(Kind::Tombstone)];
        let mut filter = doc! { "room": value::of_room(room), "kind": { "$in": &kinds[..] } };
        filter.extend(condition);
        self.read_messages(self.events.find(filter).sort(sort).limit(limit).await?).await
    }

    /// Messages by place, deleted ones left out.
    pub(in crate::mongo) async fn find_messages_at(
        &self,
        places: HashMap<RoomId, HashSet<i64>>,
    ) -> Result<Vec<Message>, StoreError> {
        let any = places.into_iter().map(|(room, seqs)| {
            let seqs: Vec<_> = seqs.into_iter().collect();
            doc! { "room": value::of_room(room), "seq": { "$in": seqs } }
        });
        let any: Vec<_> = any.collect();
        let filter = doc! { "$or": any, "kind": kind_name(Kind::Message) };
        let found = self.events.find(filter).hint(Hint::Keys(places_index())).await?;
        self.read_messages(found).await
    }

    async fn read_messages(&self, mut found: Cursor<Document>) -> Result<Vec<Message>, StoreError> {
        let mut messages = Vec::new();
        let mut reacted: HashMap<RoomId, Vec<MessageId>> = HashMap::new();
        while let Some(document) = found.try_next().await? {
            let message = message(&document)?;
            if document.contains_key("reacted") {
                reacted.entry(message.room).or_default().push(message.id);
            }
            messages.push(message);
        }
        for (room, ids) in reacted {
            let mut reactions = self.reactions(room, &ids).await?;
            for message in messages.iter_mut().filter(|message| message.room == room) {
                message.reactions = reactions.remove(&message.id).unwrap_or_default();
            }
        }
        Ok(messages)
    }

    /// The reactions of messages, each message's in the order in which its emoji were first used.
    async fn reactions(
        &self,
        room: RoomId,
        ids: &[MessageId],
    ) -> Result<HashMap<MessageId, Vec<ReactionCount>>, StoreError> {
        let mut reactions: HashMap<MessageId, Vec<ReactionCount>> = HashMap::new();
        if ids.is_empty() {
            return Ok(reactions);
        }
        let names: HashMap<Vec<u8>, MessageId> =
            ids.iter().map(|id| (super::key_bytes(room, *id), *id)).collect();
        let keys: Vec<Bson> = ids.iter().map(|id| event_key(room, *id)).collect();
        let named = i64::try_from(REACTION_USERS).unwrap_or(i64::MAX);
        let mut counted = self
            .reactions
            .aggregate([
                doc! { "$match": { "message": { "$in": keys }, "on": true } },
                doc! { "$sort": { "message": 1, "emoji": 1, "seq": 1 } },
                doc! { "$group": {
                    "_id": { "message": "$message", "emoji": "$emoji" },
                    "first": { "$min": "$seq" },
                    "count": { "$sum": 1 },
                    "users": { "$firstN": { "input": "$user", "n": named } },
                } },
                doc! { "$sort": { "first": 1 } },
            ])
            .hint(Hint::Keys(reactions_index()))
            .await?;
        while let Some(group) = counted.try_next().await? {
            let of = group.get_document("_id").map_err(|_| unreadable())?;
            let Some(id) = names.get(value::bytes(of, "message")?) else { continue };
            let users = group.get_array("users").map_err(|_| unreadable())?;
            reactions.entry(*id).or_default().push(ReactionCount {
                emoji: value::text(of, "emoji")?.to_owned(),
                count: value::count(&group, "count")?,
                users: users
                    .iter()
                    .map(|user| value::user(&doc! { "user": user.clone() }, "user"))
                    .collect::<Result<_, _>>()?,
            });
        }
        Ok(reactions)
    }

    pub(super) async fn find_versions(
        &self,
        room: RoomId,
        id: MessageId,
        before: Seq,
        limit: usize,
    ) -> Result<Vec<Version>, StoreError> {
        let key = event_key(room, id);
        let original = doc! { "_id": key.clone(), "kind": kind_name(Kind::Message) };
        let Some(original) = self.events.find_one(original).await? else { return Ok(Vec::new()) };
        let mut versions = Vec::new();
        let mut edits = self
            .events
            .find(doc! {
                "target": key,
                "seq": { "$lt": before.as_i64() },
                "kind": kind_name(Kind::Edited),
                "sender": value::of_user(value::user(&original, "sender")?),
                // Deleted meanwhile, a message has none.
                "body": { "$exists": true },
            })
            .hint(Hint::Keys(target_index()))
            .sort(doc! { "target": -1, "seq": -1 })
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .await?;
        while let Some(edit) = edits.try_next().await? {
            let EditedBody { text, mentions } = read(&edit, "body")?;
            let (at, seq) = (value::time(&edit, "at")?, value::seq(&edit, "seq")?);
            versions.push(Version { text, mentions, at, seq });
        }
        let seq = value::seq(&original, "seq")?;
        if versions.len() < limit && seq < before {
            let MessageBody { text, mentions, .. } = read(&original, "body")?;
            versions.push(Version { text, mentions, at: value::time(&original, "at")?, seq });
        }
        versions.reverse();
        Ok(versions)
    }

    pub(super) async fn find_reactors(
        &self,
        room: RoomId,
        id: MessageId,
        emoji: &str,
        after: Seq,
        limit: i64,
    ) -> Result<Vec<Reactor>, StoreError> {
        let mut found = self
            .reactions
            .find(doc! {
                "message": event_key(room, id),
                "on": true,
                "emoji": emoji,
                "seq": { "$gt": after.as_i64() },
            })
            .hint(Hint::Keys(reactions_index()))
            .sort(doc! { "seq": 1 })
            .limit(limit)
            .await?;
        let mut reactors = Vec::new();
        while let Some(reaction) = found.try_next().await? {
            let (user, seq) = (value::user(&reaction, "user")?, value::seq(&reaction, "seq")?);
            reactors.push(Reactor { user, seq });
        }
        Ok(reactors)
    }
}
