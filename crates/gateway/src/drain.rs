//! Leaving quietly (P10): the node becomes unready, load balancers get time to notice, clients are
//! told to move at a paced rate, and only then it goes.

use std::sync::Arc;
use std::time::Duration;

use hubbub_protocol::server::GoAwayReason;
use hubbub_protocol::{CloseCode, ServerFrame};
use rand::Rng;
use tokio::time::{Instant, sleep, sleep_until};

use crate::hub::connection::Connection;
use crate::socket::Sockets;

/// How often to look whether everybody has gone.
const LOOK: Duration = Duration::from_millis(50);
/// How long a client has to go after its turn to move has come.
const MOVE_TIME: Duration = Duration::from_secs(5);
/// How long a client that did not go may take to be closed.
const CLOSE_TIME: Duration = Duration::from_secs(2);
/// What is kept of the grace for closing, and for storing what is left.
const LAST_STEPS: Duration = Duration::from_secs(5);

/// How a node leaves. The first two together are shorter than the third.
#[derive(Debug, Clone, Copy)]
pub struct DrainOptions {
    /// How long the node is unready before it refuses anybody.
    pub notice: Duration,
    /// The time over which clients are told to move.
    pub window: Duration,
    /// The time for the whole stop.
    pub grace: Duration,
}

/// Empties the node: see [`empty`]. Then gives up its presence in one go, since it ends.
pub async fn drain(sockets: &Sockets, options: DrainOptions) {
    empty(sockets, options).await;
    release_presence(sockets).await;
}

/// Leaves: see [`leave`]. Then waits until the clients have gone, and closes those that have not.
/// Leaves some of the grace to what follows, as far as notice and window do.
pub async fn empty(sockets: &Sockets, options: DrainOptions) {
    let end = Instant::now() + options.grace.saturating_sub(LAST_STEPS);
    leave(sockets, options).await;
    let hub = &sockets.hub;
    let told = Instant::now() + options.window;
    let latest = (told + MOVE_TIME).min(end).max(told);
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
}

/// Becomes unready, serves as before for the notice, then takes no new clients and tells those that
/// are there to move, each at its own time. Done again, it adds nothing.
async fn leave(sockets: &Sockets, DrainOptions { notice, window, .. }: DrainOptions) {
    if sockets.leaving.is_cancelled() {
        // Somebody else has begun; what follows needs it done.
        return sockets.draining.cancelled().await;
    }
    sockets.leaving.cancel();
    sockets.hub.begin_leaving();
    tracing::info!(notice_ms = notice.as_millis(), "leaving");
    sleep(notice).await;
    sockets.draining.cancel();
    let connections = sockets.hub.connections();
    tracing::info!(connections = connections.len(), "draining");
    tell_to_move(&connections, window, GoAwayReason::Draining);
}

/// Tells connections to move within `window`, each at its own time.
pub(crate) fn tell_to_move(
    connections: &[Arc<Connection>],
    window: Duration,
    reason: GoAwayReason,
) {
    for connection in connections {
        let after = window.mul_f64(rand::rng().random_range(0.0..=1.0));
        connection.tell(&ServerFrame::GoAway {
            after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
            reason,
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
