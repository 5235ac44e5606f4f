//! Rooms as documents.

use hubbub_protocol::RoomId;
use hubbub_protocol::http::{Role, RoomKind};
use mongodb::bson::{Document, doc};

use crate::mongo::value;
use crate::rooms::{CodeLimits, RoomRecord, RoomUpdate, role_code};
use crate::{StoreError, fold};

const fn kind_name(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Public => "public",
        RoomKind::Private => "private",
        RoomKind::Direct => "direct",
        RoomKind::Group => "group",
    }
}

pub(in crate::mongo) fn kind(document: &Document) -> Result<RoomKind, StoreError> {
    [RoomKind::Public, RoomKind::Private, RoomKind::Direct, RoomKind::Group]
        .into_iter()
        .find(|kind| document.get_str("kind").is_ok_and(|name| name == kind_name(*kind)))
        .ok_or_else(|| StoreError::Failed("the stored field kind is not readable".to_owned()))
}

pub(super) fn record(document: &Document, members: u64) -> Result<RoomRecord, StoreError> {
    let topic = value::optional(document, "topic", value::text)?.unwrap_or_default();
    let role = |field, default| {
        Ok::<_, StoreError>(value::optional(document, field, value::role)?.unwrap_or(default))
    };
    let uses_left = value::optional(document, "code_uses_left", value::count)?;
    Ok(RoomRecord {
        id: value::room(document, "_id")?,
        kind: kind(document)?,
        name: value::text(document, "name")?.to_owned(),
        description: value::text(document, "description")?.to_owned(),
        topic: topic.to_owned(),
        icon: value::optional(document, "icon", value::picture)?,
        code: value::optional(document, "code", value::code)?,
        code_limits: CodeLimits {
            expires_at: value::optional(document, "code_expires_at", value::time)?,
            uses_left: uses_left.map(|uses| u32::try_from(uses).unwrap_or(u32::MAX)),
        },
        owner: value::optional(document, "owner", value::user)?,
        created_at: value::time(document, "created_at")?,
        members,
        slow_mode_ms: value::optional(document, "slow_mode_ms", value::count)?.unwrap_or(0),
        links: role("links", Role::Member)?,
        mention_all: role("mention_all", Role::Moderator)?,
        archived: document.get_bool("archived").unwrap_or(false),
        people: value::optional(document, "people", value::users)?.unwrap_or_default(),
    })
}

/// A room in epoch 1, all but its id, not yet listed.
pub(super) fn document(room: &RoomRecord) -> Document {
    let mut document = doc! {
        "kind": kind_name(room.kind),
        "name": &room.name,
        "name_folded": fold::fold(&room.name),
        "description": &room.description,
        "created_at": value::of_time(room.created_at),
        "epoch": 1_i64,
        "listed": false,
        "mention_all": role_code(room.mention_all),
    };
    if let Some(code) = room.code {
        document.insert("code", value::of_code(code));
    }
    if let Some(owner) = room.owner {
        document.insert("owner", value::of_user(owner));
    }
    if !room.people.is_empty() {
        let people: Vec<_> = room.people.iter().copied().map(value::of_user).collect();
        document.insert("people", people);
        // Until all of them are members, whoever opens it lets them in.
        document.insert("opening", true);
    }
    document
}

/// What a change sets and takes away.
pub(super) fn changes(update: RoomUpdate) -> Document {
    let (mut set, mut unset) = (Document::new(), Document::new());
    if let Some(name) = update.name {
        set.insert("name_folded", fold::fold(&name));
        set.insert("name", name);
    }
    for (field, text) in [("description", update.description), ("topic", update.topic)] {
        if let Some(text) = text {
            set.insert(field, text);
        }
    }
    match update.icon {
        Some(Some(icon)) => drop(set.insert("icon", value::of_picture(icon))),
        Some(None) => drop(unset.insert("icon", "")),
        None => {}
    }
    if let Some(slow_mode_ms) = update.slow_mode_ms {
        set.insert("slow_mode_ms", slow_mode_ms.cast_signed());
    }
    for (field, role) in [("links", update.links), ("mention_all", update.mention_all)] {
        if let Some(role) = role {
            set.insert(field, role_code(role));
        }
    }
    if let Some(archived) = update.archived {
        set.insert("archived", archived);
    }
    if let Some(words) = update.refused_words {
        set.insert("refused_words", words);
    }
    let mut changes = Document::new();
    for (operator, fields) in [("$set", set), ("$unset", unset)] {
        if !fields.is_empty() {
            changes.insert(operator, fields);
        }
    }
    changes
}

/// `filter`, narrowed to rooms after `after` whose name contains `query`.
pub(super) fn named(mut filter: Document, query: &str, after: Option<RoomId>) -> Document {
    if let Some(after) = after {
        filter.insert("_id", doc! { "$gt": value::of_room(after) });
    }
    let query = fold::query(query);
    if !query.is_empty() {
        filter.insert("name_folded", doc! { "$regex": literally(&query) });
    }
    filter
}

/// A pattern that matches nothing but `text`.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
