//! The WebSocket side: from an upgrade request to a closed connection.
//!
//! - [`upgrade`]: the HTTP request that becomes a socket
//! - [`greeting`]: from the first byte to `ready`
//! - [`pump`]: one task per socket: reads frames, writes what is queued
//! - [`session`]: what each frame does
//! - [`throttle`]: how fast a client may send frames

mod greeting;
mod pump;
mod session;
mod throttle;
pub mod upgrade;

use std::sync::Arc;
use std::time::Duration;

use hubbub_protocol::NodeId;
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::auth::origin::Origins;
use crate::hub::Hub;
use crate::hub::roster::Roster;

pub use self::session::Session;

/// How sockets are to be held.
#[derive(Debug, Clone)]
pub struct SocketOptions {
    /// This node's name, as `ready` tells it.
    pub node: NodeId,
    /// How often each connection is told where its rooms stand.
    pub heartbeat: Duration,
    /// Bound of a connection's event lane, in bytes.
    pub outbound_bytes: usize,
    /// Most connections of one user on this node.
    pub max_connections_per_user: usize,
}

/// How many sockets are greeted at a time, each with a few questions to the store. When a whole
/// node's clients come at once the others wait for their turn, first come first served: were all
/// begun together, all would be slow together, be given up, and come again.
pub const GREETED_AT_ONCE: usize = 64;

/// Everything a socket needs.
#[derive(Debug)]
pub struct Sockets {
    /// The services shared with the HTTP side.
    pub app: Arc<App>,
    /// The node's rooms and connections.
    pub hub: Arc<Hub>,
    /// The node's part of the presence map.
    pub roster: Roster,
    /// How sockets are to be held.
    pub options: SocketOptions,
    /// Places for sockets, greeted or not.
    pub places: Arc<Semaphore>,
    /// Turns to be greeted: [`GREETED_AT_ONCE`].
    pub greetings: Semaphore,
    /// Which origins may open one.
    pub origins: Origins,
    /// Every socket's task.
    pub tasks: TaskTracker,
    /// Unready from here on, and about to drain.
    pub leaving: CancellationToken,
    /// Held while connections are being given away.
    pub rebalancing: Mutex<()>,
    /// No new sockets from here on.
    pub draining: CancellationToken,
    /// Every socket is dropped from here on.
    pub stop: CancellationToken,
}

impl Sockets {
    /// Runs something until the node stops.
    pub(crate) fn until_stop(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let _ = stop.run_until_cancelled(work).await;
        });
    }
}
