//! What a connection costs a gateway in memory while nothing happens, and after a busy moment.

use std::sync::Arc;

use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use super::cluster::{Cluster, settled_kib};
use super::socket::Counts;
use super::{Failure, number, text};

/// Messages to each room in the busy moment.
const BURST: usize = 20;
/// Messages under way at the same time.
const PUBLISHERS: usize = 64;

/// How many connections.
#[derive(Debug, Clone, Copy, Args)]
pub struct IdleOptions {
    /// Connections, each of its own user.
    #[arg(long, default_value_t = 10_000)]
    pub connections: usize,
    /// Members of a room.
    #[arg(long, default_value_t = 10)]
    pub room_size: usize,
}

/// Connects everybody, waits, sends everybody some messages, waits.
///
/// # Errors
/// When the cluster fails or closes a connection.
pub async fn run(cluster: &Cluster, options: IdleOptions) -> Result<Value, Failure> {
    let IdleOptions { connections, room_size } = options;
    let gateway = cluster.measured()?;
    let accounts = cluster.accounts(connections).await?;
    let rooms = cluster.rooms(&accounts, room_size).await?;

    let before = settled_kib(gateway.process).await?;
    let counts = Arc::new(Counts::default());
    Cluster::listen(gateway, &accounts, &counts).await?;
    let greeted = settled_kib(gateway.process).await?;

    let body = &text(256);
    let sends = rooms.iter().zip(accounts.chunks(room_size)).flat_map(|(room, members)| {
        (0..BURST).map(move |n| cluster.publish(*room, members[n % members.len()].user, body))
    });
    stream::iter(sends).buffer_unordered(PUBLISHERS).try_collect::<()>().await?;
    counts.reach((connections * BURST) as u64).await?;
    let after = settled_kib(gateway.process).await?;

    let each = |kib: f64| ((kib - before) / number(connections as u64) * 100.0).round() / 100.0;
    Ok(json!({
        "scenario": "idle",
        "connections": connections,
        "room_size": room_size,
        "empty_gateway_kib": before,
        "kib_per_connection": each(greeted),
        "kib_per_connection_after_burst": each(after),
        "burst_messages_per_connection": BURST,
    }))
}
