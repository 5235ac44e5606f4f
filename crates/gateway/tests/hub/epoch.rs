//! A bus that has forgotten the latest epoch.

use std::sync::Arc;

use hubbub_bus::RoomLog;
use hubbub_bus::local::{LocalBus, LocalOptions};
use hubbub_gateway::committer::{Committer, Continuity};
use hubbub_protocol::{Epoch, Position, Seq};
use hubbub_runtime::telemetry::Metrics;
use hubbub_store::{EventStore, SqliteStore};

use crate::world::{owner, room};

#[tokio::test]
async fn a_bus_that_is_an_epoch_behind_is_taken_to_a_new_one() {
    let metrics = Metrics::install().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(dir.path()).unwrap());
    let owner = owner(&store).await;
    let room = room(&store, owner).await;
    let bus = Arc::new(LocalBus::new(LocalOptions::new("hub".parse().unwrap())));
    bus.seed(room, Position::new(Epoch(1), Seq(7)), false).await.unwrap();
    store.open_epoch(room, Epoch(1)).await.unwrap();
    let committer = Committer::new(Arc::clone(&bus) as _, store as _, Continuity::Lost);

    let seen = Position::new(Epoch(2), Seq(10_100));
    let head = committer.recover_if_behind(room, seen).await.unwrap();
    assert_eq!(head.epoch, Epoch(3));
    assert!(head.seq > seen.seq, "clear of what was handed out: {head}");
    assert_eq!(bus.heads(&[room]).await.unwrap(), [Some(head)]);
    let counted = metrics.render();
    assert!(counted.contains("\nhubbub_epochs_opened_total 1"), "{counted}");
}
