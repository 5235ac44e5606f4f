//! Keeps the search index level with the rooms' logs.
//!
//! Nothing depends on its pace: what is not indexed yet is found all the same, at a higher cost.
//! Any number of processes may run one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use hubbub_protocol::{RoomId, Seq};
use hubbub_store::search::{Indexed, RoomsBehind, SearchStore};
use hubbub_store::{Store, StoreError};
use metrics::counter;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::metric::Metric;

/// How often rooms that are due are looked for.
const TICK: Duration = Duration::from_millis(500);

/// How often all rooms are looked at, for those that a process which died has left behind.
const SWEEP_INTERVAL: Duration = Duration::from_secs(600);

/// Rooms of one look.
const ROOMS_A_LOOK: usize = 200;

/// Rooms that are indexed at a time.
const AT_ONCE: usize = 2;

/// Blocks that are made anew in one call.
const BLOCKS_A_STEP: usize = 64;

/// The indexer.
pub struct SearchIndexer {
    store: Arc<dyn Store>,
}

impl SearchIndexer {
    /// An indexer over a store: the one through which this process stores events.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Indexes until `stop`. At the beginning, and every ten minutes, all rooms are looked at.
    pub async fn run(self, stop: CancellationToken) {
        let _ = stop.run_until_cancelled(self.run_on()).await;
    }

    async fn run_on(self) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sweep = Sweep::default();
        loop {
            ticks.tick().await;
            self.index(self.store.rooms_to_index()).await;
            // A part of the sweep each time, so that rooms that are due do not wait for its end.
            if let Some(behind) = sweep.step(&*self.store).await {
                self.index(behind).await;
            }
        }
    }

    async fn index(&self, rooms: Vec<RoomId>) {
        let index = async |room| {
            if let Err(error) = level(&*self.store, room).await {
                // It is met again by a sweep.
                tracing::warn!(%error, "a room could not be indexed for the search");
                counter!(Metric::SearchFailures.name()).increment(1);
            }
        };
        stream::iter(rooms).for_each_concurrent(AT_ONCE, index).await;
    }
}

/// A look at all rooms, part by part.
#[derive(Default)]
struct Sweep {
    after: Option<RoomId>,
    done: Option<Instant>,
}

impl Sweep {
    /// The next rooms that are behind; none while there is nothing to do.
    async fn step(&mut self, store: &dyn Store) -> Option<Vec<RoomId>> {
        if self.done.is_some_and(|done| done.elapsed() < SWEEP_INTERVAL) {
            return None;
        }
        match store.rooms_behind(self.after, ROOMS_A_LOOK).await {
            Ok(RoomsBehind { seen, behind }) => {
                self.after = seen.last().copied();
                self.done = seen.is_empty().then(Instant::now);
                Some(behind)
            }
            Err(error) => {
                tracing::warn!(%error, "rooms to index could not be looked for");
                None
            }
        }
    }
}

/// Indexes a room until nothing is left.
async fn level(store: &dyn Store, room: RoomId) -> Result<(), StoreError> {
    while {
        counter!(Metric::SearchSteps.name()).increment(1);
        store.index_room(room).await? == Indexed::Behind
    } {}
    Ok(())
}

/// Makes the whole index anew, room by room in ascending order after `after`, and tells `progress`
/// each room that is done. Searches go on meanwhile, and whoever stops it can go on after the last
/// room told.
///
/// # Errors
/// [`StoreError`] of the room after the last one told.
pub async fn reindex(
    store: &dyn Store,
    after: Option<RoomId>,
    mut progress: impl FnMut(RoomId),
) -> Result<(), StoreError> {
    let mut after = after;
    loop {
        let RoomsBehind { seen, .. } = store.rooms_behind(after, ROOMS_A_LOOK).await?;
        if seen.is_empty() {
            return Ok(());
        }
        for room in seen {
            let mut from = Some(Seq(0));
            while let Some(seq) = from {
                from = SearchStore::reindex_room(store, room, seq, BLOCKS_A_STEP).await?;
            }
            level(store, room).await?;
            progress(room);
            after = Some(room);
        }
    }
}
