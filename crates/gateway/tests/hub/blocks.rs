//! Blocks that nobody heard of.

use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::Receiver;
use hubbub_bus::local::{LocalBus, LocalOptions};
use hubbub_gateway::committer::{Committer, Continuity};
use hubbub_gateway::hub::Hub;
use hubbub_gateway::hub::connection::Connection;
use hubbub_gateway::permissions::Permissions;
use hubbub_protocol::server::PresenceState;
use hubbub_protocol::{Limits, RoomId, ServerFrame, SessionId, Timestamp, UserId};
use hubbub_store::{BlockStore, SqliteStore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const PATIENCE: Duration = Duration::from_secs(10);

/// The next rows about watched people.
async fn presence(connection: &Connection) -> Vec<PresenceState> {
    let rows = async {
        loop {
            for frame in connection.outbound.next().await.frames {
                if let Ok(ServerFrame::Presence { users }) = serde_json::from_slice(frame.payload())
                {
                    return users;
                }
            }
        }
    };
    timeout(PATIENCE, rows).await.unwrap()
}

#[tokio::test]
async fn after_a_gap_who_was_blocked_no_longer_sees_the_blocker() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(dir.path()).unwrap());
    let bus = Arc::new(LocalBus::new(LocalOptions::new("hub".parse().unwrap())));
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let hub = Hub::start(
        Arc::clone(&bus) as _,
        Arc::clone(&store) as _,
        Arc::new(Committer::new(Arc::clone(&bus) as _, Arc::clone(&store) as _, Continuity::Kept)),
        Arc::new(Permissions::new(Arc::clone(&store) as _, Arc::clone(&bus) as _, &[])),
        Limits::default(),
        &tasks,
        &stop,
    );
    let _stop = stop.drop_guard();
    let (viewer, watched) = (UserId::new(), UserId::new());
    let expires = Timestamp::now().after(Duration::from_secs(3600));
    let connection = Arc::new(Connection::new(viewer, SessionId::new(), true, expires, 1 << 20));
    hub.register(&connection);
    hub.watch(&connection, vec![watched]).await.unwrap();
    assert_eq!(presence(&connection).await.len(), 1);

    // Blocks are looked at once more when the channel is heard; that is over then.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    store.block(watched, viewer).await.unwrap();
    hub.gap(&[RoomId::presence_of(watched)]);
    // Nothing else changes: that they are told again is that they were taken off.
    assert_eq!(presence(&connection).await[0].user, watched);
}
