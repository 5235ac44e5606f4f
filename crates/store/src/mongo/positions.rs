//! Positions in MongoDB: one document per (room, user), replaced while it is as it was read.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use futures_util::future::try_join;
use futures_util::{StreamExt, TryStreamExt, stream};
use hubbub_protocol::http::NotifyLevel;
use hubbub_protocol::limits::UNREAD_MAX;
use hubbub_protocol::{RoomId, UserId};
use mongodb::bson::{Document, doc};
use mongodb::options::{Hint, ReadConcern};

use super::error::is_duplicate;
use super::schema::{mentions_index, messages_index};
use super::{MongoStore, value};
use crate::StoreError;
use crate::change::EVERYBODY;
use crate::positions::{
    COUNTED_MAX, Moved, PositionChange, PositionRecord, PositionStore, Unread, UnreadRange,
};

/// Rooms that one query counts, or rows that one query reads.
const A_QUERY: usize = 100;
/// Queries about single rooms under way at the same time.
const AT_ONCE: usize = 16;

const LEVELS: [(NotifyLevel, &str); 3] = [
    (NotifyLevel::All, "all"),
    (NotifyLevel::Mentions, "mentions"),
    (NotifyLevel::Nothing, "nothing"),
];

fn notify_name(level: NotifyLevel) -> &'static str {
    LEVELS.iter().find(|(known, _)| *known == level).map_or("mentions", |(_, name)| name)
}

/// The row of a document. Fields that came with a later version may not be there yet.
fn position(room: RoomId, user: UserId, found: &Document) -> Result<PositionRecord, StoreError> {
    let notify = found.get_str("notify").ok();
    Ok(PositionRecord {
        room,
        user,
        delivered: value::seq(found, "delivered")?,
        read: value::seq(found, "read")?,
        since: value::optional(found, "since", value::seq)?.unwrap_or_default(),
        unread_from: value::optional(found, "unread_from", value::seq)?,
        notify: LEVELS
            .iter()
            .find(|(_, name)| notify == Some(name))
            .map_or(NotifyLevel::default(), |(level, _)| *level),
        version: value::optional(found, "version", value::count)?.unwrap_or(1),
    })
}

fn document(row: &PositionRecord) -> Document {
    let mut document = doc! {
        "_id": value::of_member(row.room, row.user),
        "room": value::of_room(row.room),
        "user": value::of_user(row.user),
        "delivered": row.delivered.as_i64(),
        "read": row.read.as_i64(),
        "since": row.since.as_i64(),
        "notify": notify_name(row.notify),
        "version": row.version.cast_signed(),
    };
    if let Some(from) = row.unread_from {
        document.insert("unread_from", from.as_i64());
    }
    document
}

impl MongoStore {
    /// Changes a row: read, computed, written if it is still at the version that was read, and
    /// all of it again if not. Devices of one person are few.
    pub(super) async fn change_position(
        &self,
        room: RoomId,
        user: UserId,
        change: &PositionChange,
    ) -> Result<Moved, StoreError> {
        let key = value::of_member(room, user);
        loop {
            // Also what no majority has yet: another's change that is under way must be built on,
            // and what is built on it waits for its majority too.
            let found = self
                .positions
                .find_one(doc! { "_id": &key })
                .read_concern(ReadConcern::local())
                .await?;
            let from = match &found {
                Some(found) => position(room, user, found)?,
                None => PositionRecord::start(room, user),
            };
            let moved = Moved { from, to: from.changed(change) };
            if !moved.is_change() {
                return Ok(moved);
            }
            let written = match &found {
                Some(found) => {
                    let mut unchanged = doc! { "_id": &key };
                    match found.get("version") {
                        Some(version) => unchanged.insert("version", version.clone()),
                        None => unchanged.insert("version", doc! { "$exists": false }),
                    };
                    let replaced =
                        self.positions.replace_one(unchanged, document(&moved.to)).await?;
                    replaced.matched_count > 0
                }
                None => match self.positions.insert_one(document(&moved.to)).await {
                    Ok(_) => true,
                    Err(error) if is_duplicate(&error) => false,
                    Err(error) => return Err(error.into()),
                },
            };
            if written {
                return Ok(moved);
            }
        }
    }

    async fn rows(
        &self,
        pairs: &[(RoomId, UserId)],
    ) -> Result<HashMap<(RoomId, UserId), PositionRecord>, StoreError> {
        let mut rows = HashMap::with_capacity(pairs.len());
        for part in pairs.chunks(10 * A_QUERY) {
            let keys: Vec<_> =
                part.iter().map(|(room, user)| value::of_member(*room, *user)).collect();
            let mut found = self.positions.find(doc! { "_id": { "$in": keys } }).await?;
            while let Some(document) = found.try_next().await? {
                let (room, user) =
                    (value::room(&document, "room")?, value::user(&document, "user")?);
                rows.insert((room, user), position(room, user, &document)?);
            }
        }
        Ok(rows)
    }

    /// Counts in many rooms at once, in ranges so short that none can hold too many.
    async fn count_short(
        &self,
        what: Counted,
        user: UserId,
        ranges: Vec<(usize, UnreadRange)>,
    ) -> Result<Vec<(usize, u64)>, StoreError> {
        let branches: Vec<_> = ranges.iter().map(|(_, range)| what.filter(range, user)).collect();
        let counts = self
            .events
            .aggregate([
                doc! { "$match": { "$or": branches } },
                doc! { "$group": { "_id": "$room", "count": { "$sum": 1 } } },
            ])
            // Without it the server would weigh all indexes against each other for every room.
            .hint(Hint::Keys(what.index()))
            .await?;
        let counts: HashMap<RoomId, u64> = counts
            .err_into()
            .and_then(async |counted| {
                Ok::<_, StoreError>((
                    value::room(&counted, "_id")?,
                    value::count(&counted, "count")?,
                ))
            })
            .try_collect()
            .await?;
        let count = |room| counts.get(&room).copied().unwrap_or(0);
        Ok(ranges.iter().map(|(at, range)| (*at, count(range.room))).collect())
    }

    /// Counts in one room, no further than [`COUNTED_MAX`].
    async fn count_long(
        &self,
        what: Counted,
        user: UserId,
        (at, range): (usize, UnreadRange),
    ) -> Result<(usize, u64), StoreError> {
        let count = self
            .events
            .count_documents(what.filter(&range, user))
            .limit(COUNTED_MAX.cast_unsigned())
            .hint(Hint::Keys(what.index()))
            .await?;
        Ok((at, count))
    }

    async fn count(
        &self,
        what: Counted,
        user: UserId,
        ranges: &[UnreadRange],
    ) -> Result<Vec<u64>, StoreError> {
        let (short, long) = apart(ranges);
        let short = stream::iter(short)
            .map(|part| self.count_short(what, user, part))
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>();
        let long = stream::iter(long)
            .map(|range| self.count_long(what, user, range))
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>();
        let (short, long) = try_join(short, long).await?;
        let mut counts = vec![0; ranges.len()];
        for (at, count) in short.into_iter().flatten().chain(long) {
            counts[at] = count.min(UNREAD_MAX);
        }
        Ok(counts)
    }
}

/// What of a range is counted.
#[derive(Debug, Clone, Copy)]
enum Counted {
    Messages,
    Mentions,
}

impl Counted {
    /// A deleted message is of another kind, and calls nobody.
    fn filter(self, range: &UnreadRange, user: UserId) -> Document {
        let mut filter = doc! {
            "room": value::of_room(range.room),
            "seq": { "$gt": range.after.as_i64() },
            "sender": { "$ne": value::of_user(user) },
        };
        match self {
            Self::Messages => filter.insert("kind", "message"),
            Self::Mentions => {
                let called = [value::of_user(user), value::of_user(EVERYBODY)];
                filter.insert("mentions", doc! { "$in": called.to_vec() })
            }
        };
        filter
    }

    fn index(self) -> Document {
        match self {
            Self::Messages => messages_index(),
            Self::Mentions => mentions_index(),
        }
    }
}

type Numbered = (usize, UnreadRange);

/// Ranges with their numbers: those that are too short to hold more than is counted, in parts that
/// one query counts together, and the others. No part has a room twice: a query's counts are told
/// apart by their rooms.
fn apart(ranges: &[UnreadRange]) -> (Vec<Vec<Numbered>>, Vec<Numbered>) {
    let is_short = |range: &UnreadRange| range.upto.0.saturating_sub(range.after.0) <= UNREAD_MAX;
    let (short, long): (Vec<Numbered>, Vec<Numbered>) =
        ranges.iter().copied().enumerate().partition(|(_, range)| is_short(range));
    let mut parts: Vec<Vec<Numbered>> = Vec::new();
    let mut seen = HashSet::new();
    for numbered in short {
        let is_new = seen.insert(numbered.1.room);
        match parts.last_mut().filter(|part| is_new && part.len() < A_QUERY) {
            Some(part) => part.push(numbered),
            None => {
                seen = HashSet::from([numbered.1.room]);
                parts.push(vec![numbered]);
            }
        }
    }
    (parts, long)
}

#[async_trait]
impl PositionStore for MongoStore {
    async fn mark(
        &self,
        room: RoomId,
        user: UserId,
        change: PositionChange,
    ) -> Result<Moved, StoreError> {
        self.within(self.change_position(room, user, &change)).await
    }

    async fn positions_among(
        &self,
        pairs: &[(RoomId, UserId)],
    ) -> Result<Vec<PositionRecord>, StoreError> {
        let rows = self.within(self.rows(pairs)).await?;
        let row = |(room, user): &(RoomId, UserId)| {
            rows.get(&(*room, *user)).copied().unwrap_or(PositionRecord::start(*room, *user))
        };
        Ok(pairs.iter().map(row).collect())
    }

    async fn unread(
        &self,
        user: UserId,
        ranges: &[UnreadRange],
    ) -> Result<Vec<Unread>, StoreError> {
        let counts = try_join(
            self.count(Counted::Messages, user, ranges),
            self.count(Counted::Mentions, user, ranges),
        );
        let (messages, mentions) = self.within(counts).await?;
        let unread = |(messages, mentions)| Unread { messages, mentions };
        Ok(messages.into_iter().zip(mentions).map(unread).collect())
    }
}
