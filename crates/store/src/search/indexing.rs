//! Making blocks and moving marks.
//!
//! A block is always made whole, of the messages as they are stored then. So it does not matter how
//! often, in which order or by how many processes it is done; a block's revision keeps one that was
//! read earlier from replacing one that was read later. The mark moves after the blocks are kept: a
//! crash in between means the same work again.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use hubbub_protocol::{MessageBody, MessageId, RoomId, Seq};

use super::backend::{LoggedKind, SearchBackend};
use super::block::{Block, PLACES, number_of};
use super::feature;
use super::{Indexed, RoomsBehind};
use crate::{Page, StoreError};

/// Events that one step looks at.
const EVENTS_A_STEP: usize = 1024;

/// Blocks of a room that are made at a time.
const AT_ONCE: usize = 4;

/// What the log says about a block that the stored messages may not say yet: an event and what it
/// does to its message are two writes.
#[derive(Debug, Default)]
struct Changes {
    deleted: HashSet<MessageId>,
    edited: Vec<(MessageId, MessageBody)>,
}

pub(super) async fn index<B: SearchBackend>(
    backend: &B,
    room: RoomId,
) -> Result<Indexed, StoreError> {
    let mark = backend.marks(&[room]).await?.pop().unwrap_or_default();
    let parts: Vec<_> = mark.unindexed().map(|range| (room, range)).collect();
    let logged = backend.logged(&parts, EVENTS_A_STEP).await?;
    if logged.is_empty() {
        return Ok(Indexed::Level);
    }
    let targets: Vec<_> =
        logged.iter().filter_map(|event| Some((room, event.kind.target()?))).collect();
    let places = backend.places(&targets).await?;
    // A change that is stored before its message is part of the message when that is indexed.
    let places: HashMap<_, _> = targets
        .iter()
        .zip(places)
        .filter_map(|((_, id), place)| Some((*id, number_of(place?.position.seq))))
        .collect();
    let mark = mark.advanced(logged.iter().map(|event| event.seq));
    let more = logged.len() == EVENTS_A_STEP;
    let mut blocks: BTreeMap<u64, Changes> = BTreeMap::new();
    for event in logged {
        let number = match event.kind.target() {
            Some(id) => places.get(&id).copied(),
            None => matches!(event.kind, LoggedKind::Message).then(|| number_of(event.seq)),
        };
        let Some(number) = number else { continue };
        let changes = blocks.entry(number).or_default();
        match event.kind {
            LoggedKind::Edited(id, body) => changes.edited.push((id, body)),
            LoggedKind::Deleted(id) => drop(changes.deleted.insert(id)),
            LoggedKind::Message | LoggedKind::Reaction(_) | LoggedKind::Other => {}
        }
    }
    let kept: Vec<bool> = stream::iter(blocks)
        .map(|(number, changes)| make_block(backend, room, number, changes))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let moved = kept.iter().all(|kept| *kept) && backend.set_mark(room, &mark).await?;
    // If somebody else was at it too, the next step starts from what they have done.
    Ok(if moved && !more { Indexed::Level } else { Indexed::Behind })
}

/// Makes a block of what is stored. Whether it was kept: not if another process did the same since.
async fn make_block<B: SearchBackend>(
    backend: &B,
    room: RoomId,
    number: u64,
    changes: Changes,
) -> Result<bool, StoreError> {
    let revision = backend.block_revision(room, number).await?;
    let after = Seq((number * PLACES).saturating_sub(1));
    let page = backend.history(room, Page::After(after), PLACES as usize).await?;
    let mut block = Block::new(room, number);
    for message in page.messages {
        if number_of(message.seq) != number
            || message.deleted_at.is_some()
            || changes.deleted.contains(&message.id)
        {
            continue;
        }
        let mut features = feature::of_message(&message);
        for (_, body) in changes.edited.iter().filter(|(id, _)| *id == message.id) {
            feature::add_body(body, &mut features);
        }
        block.add(&message, &features);
    }
    if block.is_empty() && revision == 0 {
        return Ok(true);
    }
    backend.put_block(&block, revision).await
}

pub(super) async fn reindex<B: SearchBackend>(
    backend: &B,
    room: RoomId,
    from: Seq,
    limit: usize,
) -> Result<Option<Seq>, StoreError> {
    let mut from = from;
    for _ in 0..limit {
        // Straight to the next message, over what an epoch has left out.
        let after = Seq(from.0.saturating_sub(1));
        let page = backend.history(room, Page::After(after), 1).await?;
        let Some(next) = page.messages.first() else { return Ok(None) };
        let number = number_of(next.seq);
        while !make_block(backend, room, number, Changes::default()).await? {}
        from = Seq((number + 1) * PLACES);
    }
    Ok(Some(from))
}

pub(super) async fn behind<B: SearchBackend>(
    backend: &B,
    after: Option<RoomId>,
    limit: usize,
) -> Result<RoomsBehind, StoreError> {
    let heads = backend.heads(after, limit).await?;
    let seen: Vec<_> = heads.iter().map(|(room, _)| *room).collect();
    let marks = backend.marks(&seen).await?;
    // Something may have come into a hole since.
    let behind = heads
        .iter()
        .zip(&marks)
        .filter(|((_, head), mark)| *head > mark.indexed || !mark.holes.is_empty());
    let behind = behind.map(|((room, _), _)| *room).collect();
    Ok(RoomsBehind { seen, behind })
}
