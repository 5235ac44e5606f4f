//! The search: what is not indexed is looked at directly; of the rest, blocks and their candidates
//! are taken from the newest to the oldest until the page is full.

use std::collections::{BTreeMap, BinaryHeap};
use std::time::{Duration, Instant};

use hubbub_protocol::http::SearchHit;
use hubbub_protocol::{Message, RoomId, Seq, Timestamp};
use uuid::Uuid;

use super::backend::{BlockPlace, BlockScan, LoggedKind, Mark, SearchBackend};
use super::feature::{self, Feature};
use super::matching::matches;
use super::{Has, SearchCursor, SearchPage, SearchQuery};
use crate::StoreError;

/// Rooms of one scan: databases merge that many sorted ranges without sorting.
const ROOMS_A_SCAN: usize = 100;

/// Blocks of the first part of a scan; each further part has four times as many.
const BLOCKS_FIRST: usize = 16;
const BLOCKS_MAX: usize = 256;

/// Messages that are read at a time.
const MESSAGES_AT_ONCE: usize = 64;

/// Events beyond all marks that one search looks at.
const UNINDEXED_MAX: usize = 20_000;

/// How often blocks that were changed under the search are looked at again.
const ROUNDS: usize = 4;

pub(super) async fn find<B: SearchBackend>(
    backend: &B,
    query: &SearchQuery,
    rooms: &[RoomId],
    before: Option<SearchCursor>,
    limit: usize,
    within: Duration,
) -> Result<SearchPage, StoreError> {
    let features = feature::of_query(query);
    if features.is_empty() || rooms.is_empty() || limit == 0 {
        return Ok(SearchPage { hits: Vec::new(), next: None });
    }
    let deadline = Instant::now() + within;
    let mut search =
        Search { backend, query, features, before, limit, deadline, found: BTreeMap::new() };
    let searching = async {
        let mut marks = search.unindexed(rooms).await?;
        let mut left = rooms.to_vec();
        for _ in 0..ROUNDS {
            if let Some(unsettled) = search.indexed(&left).await? {
                return Ok(Some(unsettled));
            }
            // A block that was made anew may have moved past the scan.
            let now = backend.marks(rooms).await?;
            let moved = rooms.iter().zip(marks.iter().zip(&now));
            let moved = moved.filter(|(_, (then, now))| then.revision != now.revision);
            left = moved.map(|(room, _)| *room).collect();
            if left.is_empty() {
                return Ok(None);
            }
            marks = now;
        }
        Ok(Some(Timestamp::from_millis(i64::MAX)))
    };
    // What the database itself is slow with is bounded as well.
    let unsettled: Result<_, StoreError> =
        tokio::time::timeout(2 * within, searching).await.unwrap_or_else(|_| Err(out_of_time()));
    match unsettled? {
        None => Ok(search.full_page()),
        Some(unsettled) => search.cut_page(unsettled),
    }
}

fn out_of_time() -> StoreError {
    StoreError::Overloaded("a search took too long".to_owned())
}

struct Search<'a, B> {
    backend: &'a B,
    query: &'a SearchQuery,
    features: Vec<Feature>,
    before: Option<SearchCursor>,
    limit: usize,
    deadline: Instant,
    /// The newest hits so far: one more than a page has tells whether there are more.
    found: BTreeMap<SearchCursor, SearchHit>,
}

/// A scan over the blocks of some rooms.
struct Scan {
    next: BlockScan,
    /// No block to come is newer; none at the end.
    ahead: Option<Timestamp>,
    page: usize,
}

impl<B: SearchBackend> Search<'_, B> {
    /// Looks at what is beyond the marks, and returns these.
    async fn unindexed(&mut self, rooms: &[RoomId]) -> Result<Vec<Mark>, StoreError> {
        let mut marks = Vec::with_capacity(rooms.len());
        let mut left = UNINDEXED_MAX;
        for rooms in rooms.chunks(ROOMS_A_SCAN) {
            let of_these = self.backend.marks(rooms).await?;
            let parts = rooms.iter().zip(&of_these);
            let parts = parts.flat_map(|(room, mark)| mark.unindexed().map(|range| (*room, range)));
            let logged = self.backend.logged(&parts.collect::<Vec<_>>(), left + 1).await?;
            left = left.checked_sub(logged.len()).ok_or_else(|| {
                StoreError::Overloaded("the search index lags too far behind".to_owned())
            })?;
            let mut places = Vec::new();
            let mut targets = Vec::new();
            for event in &logged {
                match &event.kind {
                    LoggedKind::Message => places.push((event.room, event.seq)),
                    LoggedKind::Edited(id, _) => targets.push((event.room, *id)),
                    LoggedKind::Reaction(id) if self.query.has.contains(&Has::Reaction) => {
                        targets.push((event.room, *id));
                    }
                    _ => {}
                }
            }
            if !targets.is_empty() {
                let stored = self.backend.places(&targets).await?;
                let stored = targets.iter().zip(stored);
                places.extend(stored.filter_map(|((room, _), at)| Some((*room, at?.position.seq))));
                places.sort_unstable();
                places.dedup();
            }
            self.consider(&places).await?;
            marks.extend(of_these);
        }
        Ok(marks)
    }

    /// Looks at what is in the blocks. If the time was over before, the time that it has come to:
    /// everything newer has been looked at.
    async fn indexed(&mut self, rooms: &[RoomId]) -> Result<Option<Timestamp>, StoreError> {
        let mut scans: Vec<_> = rooms.chunks(ROOMS_A_SCAN).map(|rooms| self.scan(rooms)).collect();
        let mut candidates: BinaryHeap<SearchCursor> = BinaryHeap::new();
        loop {
            let scan = scans.iter_mut().filter(|scan| scan.ahead.is_some()).max_by_key(|s| s.ahead);
            let ahead = scan.as_ref().and_then(|scan| scan.ahead);
            let mut batch = Vec::new();
            while batch.len() < MESSAGES_AT_ONCE
                && let Some(candidate) = candidates.peek()
                && ahead.is_none_or(|ahead| candidate.at > ahead)
            {
                batch.extend(candidates.pop());
            }
            let Some(at) = batch.first().map(|first| first.at).or(ahead) else { return Ok(None) };
            // Whatever is left is older than all that the page has room for.
            if self.floor().is_some_and(|floor| floor.at > at) {
                return Ok(None);
            }
            if Instant::now() >= self.deadline {
                return Ok(Some(at));
            }
            if !batch.is_empty() {
                let places: Vec<_> = batch.iter().map(|found| (found.room, found.seq)).collect();
                self.consider(&places).await?;
            } else if let Some(scan) = scan {
                self.advance(scan, &mut candidates).await?;
            }
        }
    }

    fn scan(&self, rooms: &[RoomId]) -> Scan {
        let bits = self.features.iter().flat_map(|feature| feature.filter_bits()).collect();
        let (earliest, latest) =
            (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        let until = self.query.until.map(|until| Timestamp::from_millis(until.millis() - 1));
        let bounds = [self.before.map(|before| before.at), until];
        Scan {
            next: BlockScan {
                rooms: rooms.to_vec(),
                bits,
                upto: bounds.into_iter().flatten().min().unwrap_or(latest),
                since: self.query.since.unwrap_or(earliest),
                after: None,
            },
            ahead: Some(latest),
            page: BLOCKS_FIRST,
        }
    }

    async fn advance(
        &self,
        scan: &mut Scan,
        candidates: &mut BinaryHeap<SearchCursor>,
    ) -> Result<(), StoreError> {
        let page = self.backend.blocks(&scan.next, scan.page).await?;
        for block in &page.blocks {
            let room = block.room;
            let places = block.candidates(&self.features);
            let places = places.map(|(at, seq)| SearchCursor { at, room, seq });
            candidates.extend(places.filter(|place| self.is_wanted(*place)));
        }
        scan.ahead = page.next.map(|BlockPlace { newest, .. }| newest);
        scan.next.after = page.next;
        scan.page = (scan.page * 4).min(BLOCKS_MAX);
        Ok(())
    }

    /// Whether a message at this place could be a hit of this page.
    fn is_wanted(&self, place: SearchCursor) -> bool {
        self.before.is_none_or(|before| place < before)
            && self.query.since.is_none_or(|since| place.at >= since)
            && self.query.until.is_none_or(|until| place.at < until)
            && self.floor().is_none_or(|floor| place > floor)
    }

    /// The oldest hit of a page that is full.
    fn floor(&self) -> Option<SearchCursor> {
        let full = self.found.len() > self.limit;
        full.then(|| self.found.first_key_value().map(|(place, _)| *place)).flatten()
    }

    /// Reads messages and keeps those that fulfil the query.
    async fn consider(&mut self, places: &[(RoomId, Seq)]) -> Result<(), StoreError> {
        for places in places.chunks(MESSAGES_AT_ONCE * 8) {
            for message in self.backend.messages_at(places).await? {
                self.judge(message);
            }
        }
        Ok(())
    }

    fn judge(&mut self, message: Message) {
        let Message { at, room, seq, .. } = message;
        let place = SearchCursor { at, room, seq };
        if !self.is_wanted(place) {
            return;
        }
        if let Some(highlights) = matches(self.query, &message) {
            self.found.insert(place, SearchHit { message, highlights });
            if self.found.len() > self.limit + 1 {
                self.found.pop_first();
            }
        }
    }

    fn full_page(mut self) -> SearchPage {
        let more = self.found.len() > self.limit;
        if more {
            self.found.pop_first();
        }
        let next = self.found.first_key_value().filter(|_| more).map(|(place, _)| *place);
        SearchPage { hits: self.found.into_values().rev().collect(), next }
    }

    /// What is newer than `unsettled`, and the rest for another time.
    fn cut_page(mut self, unsettled: Timestamp) -> Result<SearchPage, StoreError> {
        let least = RoomId::Group(Uuid::nil());
        let at = Timestamp::from_millis(unsettled.millis().saturating_add(1));
        let next = SearchCursor { at, room: least, seq: Seq(0) };
        if unsettled.millis() == i64::MAX || self.before.is_some_and(|before| before <= next) {
            return Err(out_of_time());
        }
        self.found.retain(|place, _| *place >= next);
        let mut page = self.full_page();
        page.next.get_or_insert(next);
        Ok(page)
    }
}
