//! The search's index follows what is stored, and can be made anew.

use std::sync::Arc;
use std::time::Duration;

use hubbub_protocol::{Epoch, Position, RoomId, Seq};
use hubbub_store::{Remains, SearchQuery, Store};
use hubbub_worker::search_indexer::{SearchIndexer, reindex};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::rig::{Kept, soon};

/// More than one block.
const MANY: u64 = 300;

/// Stores messages at these seqs, as a worker does.
async fn stored(kept: &Kept, seqs: impl Iterator<Item = u64>) {
    let at = |seq| Position::new(Epoch(1), Seq(seq));
    let events: Vec<_> = seqs.map(|seq| kept.says("some tea").at(at(seq))).collect();
    kept.store.append(&events).await.unwrap();
}

/// An indexer that runs until the guard is dropped.
fn running(store: &Arc<dyn Store>) -> DropGuard {
    let stop = CancellationToken::new();
    tokio::spawn(SearchIndexer::new(Arc::clone(store)).run(stop.clone()));
    stop.drop_guard()
}

async fn entries(store: &Arc<dyn Store>, room: RoomId) -> u64 {
    store.count_remains(room, Remains::SearchEntries).await.unwrap()
}

async fn forget_index(store: &Arc<dyn Store>, room: RoomId) {
    while store.remove_remains(room, Remains::SearchEntries, 100).await.unwrap() > 0 {}
}

/// Waits until the index of every room is level with its log. The store does not tell, so it is
/// asked.
async fn level(store: &Arc<dyn Store>) {
    soon("a level index", async {
        while !store.rooms_behind(None, 100).await.unwrap().behind.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

async fn found(store: &Arc<dyn Store>, room: RoomId) -> usize {
    let query = SearchQuery { terms: vec!["tea".to_owned()], ..SearchQuery::default() };
    let within = Duration::from_secs(10);
    store.search(&query, &[room], None, 1000, within).await.unwrap().hits.len()
}

#[tokio::test]
async fn what_is_stored_while_it_runs_is_indexed() {
    let kept = Kept::sqlite().await;
    let _indexer = running(&kept.store);
    level(&kept.store).await;
    stored(&kept, 1..=MANY).await;
    level(&kept.store).await;
    // Three blocks, and the mark of how far they reach.
    assert_eq!(entries(&kept.store, kept.room).await, 4);
    assert_eq!(found(&kept.store, kept.room).await, 300);
}

#[tokio::test]
async fn a_room_that_a_process_which_died_has_left_behind_is_met_by_the_sweep() {
    let kept = Kept::sqlite().await;
    stored(&kept, 1..=MANY).await;
    // Taken, and never done.
    assert_eq!(kept.store.rooms_to_index(), [kept.room]);
    assert_eq!(entries(&kept.store, kept.room).await, 0);
    assert_eq!(found(&kept.store, kept.room).await, 300, "it is found all the same");
    let _indexer = running(&kept.store);
    level(&kept.store).await;
    assert_eq!(entries(&kept.store, kept.room).await, 4);
}

#[tokio::test]
async fn an_index_that_is_lost_is_made_anew_room_by_room() {
    let first = Kept::sqlite().await;
    let second = Kept::over(Arc::clone(&first.store)).await;
    let store = &first.store;
    let mut rooms = [first.room, second.room];
    rooms.sort_unstable();
    for kept in [&first, &second] {
        stored(kept, 1..=MANY).await;
    }
    let mut told = Vec::new();
    reindex(&**store, None, |room| told.push(room)).await.unwrap();
    assert_eq!(told, rooms);
    for room in rooms {
        assert_eq!((entries(store, room).await, found(store, room).await), (4, 300));
        forget_index(store, room).await;
    }
    // Stopped after the first room, it goes on after that.
    told.clear();
    reindex(&**store, Some(rooms[0]), |room| told.push(room)).await.unwrap();
    assert_eq!(told, rooms[1..]);
    assert_eq!((entries(store, rooms[0]).await, entries(store, rooms[1]).await), (0, 4));
}
