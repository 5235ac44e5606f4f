//! Whatever the bus does, each client's rooms continue without a hole or a double (P3, P4, P5).

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use hubbub_store::SqliteStore;

use crate::world::{World, owner};

/// Cases of a run, and the time after which no further ones are begun.
const CASES: u64 = 400;
const TIME: Duration = Duration::from_secs(15);
/// Cases under way at the same time: most of one is waiting.
const PARALLEL: usize = 8;
const STEPS: u32 = 80;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_sees_one_contiguous_log_and_arrives_at_its_head() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(dir.path()).unwrap());
    let owner = owner(&store).await;
    let chosen = std::env::var("HUB_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let seeds =
        chosen.map_or_else(|| (0..CASES).map(|_| rand::random()).collect(), |s| vec![s; 20]);
    let begun = Instant::now();
    let failed: Vec<u64> = stream::iter(seeds)
        .take_while(|_| std::future::ready(begun.elapsed() < TIME))
        .map(|seed| {
            let store = Arc::clone(&store);
            async move {
                let case = tokio::spawn(async move {
                    let mut world = World::new(seed, &store, owner).await;
                    for _ in 0..STEPS {
                        world.step().await;
                    }
                    world.settle().await;
                });
                case.await.err().map(|_| seed)
            }
        })
        .buffer_unordered(PARALLEL)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(failed.is_empty(), "again with HUB_SEED set to one of {failed:?}");
}
