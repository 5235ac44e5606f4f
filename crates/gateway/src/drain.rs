//! Leaving quietly (P10): clients are told to move, at a paced rate, before the node goes.

use std::sync::Arc;
use std::time::Duration;

use hubbub_protocol::server::GoAwayReason;
use hubbub_protocol::{CloseCode, ServerFrame};
use rand::Rng;
use tokio::time::{Instant, sleep, sleep_until};

use crate::socket::Sockets;

/// How often to look whether everybody has gone.
const LOOK: Duration = Duration::from_millis(50);
/// How long a client has to go after its turn to move has come.
const MOVE_TIME: Duration = Duration::from_secs(5);
/// How long a client that did not go may take to be closed.
const CLOSE_TIME: Duration = Duration::from_secs(2);
/// What is kept of the grace for closing, and for storing what is left.
const LAST_STEPS: Duration = Duration::from_secs(5);

/// Tells every client to move within `window`, each at its own time, waits until they have gone,
/// closes those that have not, and gives up the node's presence in one go. Leaves some of `grace`,
/// the time for the whole stop, as far as `window` does.
pub async fn drain(sockets: &Arc<Sockets>, window: Duration, grace: Duration) {
    let hub = &sockets.hub;
    move_away(sockets, window);
    let moving = (window + MOVE_TIME).min(grace.saturating_sub(LAST_STEPS)).max(window);
    let latest = Instant::now() + moving;
    while hub.connection_count() > 0 && Instant::now() < latest {
        sleep(LOOK).await;
    }
    for connection in hub.connections() {
        connection.close(CloseCode::GoAway);
    }
    // The close frames are on their way when the sessions are gone.
    let closed = Instant::now() + CLOSE_TIME;
    while hub.connection_count() > 0 && Instant::now() < closed {
        sleep_until((Instant::now() + LOOK).min(closed)).await;
    }
    release_presence(sockets).await;
}

/// Takes no new clients from here on, and tells those that are there to move within `window`, each at
/// its own time.
pub fn move_away(sockets: &Sockets, window: Duration) {
    sockets.draining.cancel();
    sockets.hub.begin_leaving();
    let connections = sockets.hub.connections();
    tracing::info!(connections = connections.len(), "draining");
    for connection in &connections {
        let after = window.mul_f64(rand::rng().random_range(0.0..=1.0));
        connection.tell(&ServerFrame::GoAway {
            after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
            reason: GoAwayReason::Draining,
        });
    }
}

async fn release_presence(sockets: &Sockets) {
    let app = &sockets.app;
    match app.bus.release_node().await {
        // Most have moved; those who have not are shown as before until the grace is over, which
        // the reaper sees to.
        Ok(changed) => {
            if let Err(error) = app.bus.announce(&changed).await {
                tracing::warn!(%error, "can't tell of those who are shown differently");
            }
        }
        Err(error) => tracing::warn!(%error, "can't release presence; the lease will run out"),
    }
}
