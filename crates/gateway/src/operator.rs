//! Carrying out what operators ask of this node over the bus.

use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::NodeCommand;

use crate::drain;
use crate::socket::Sockets;

/// Carries out commands, one after the other, until the node stops.
pub async fn run(sockets: Arc<Sockets>, window: Duration) {
    let Some(mut commands) = sockets.hub.commands() else { return };
    while let Some(command) = commands.recv().await {
        tracing::info!(?command, "an operator asks");
        match command {
            NodeCommand::Drain => drain::move_away(&sockets, window),
            NodeCommand::Rebalance => tracing::warn!("this node can't rebalance"),
            // The hub has answered it.
            NodeCommand::Trace { .. } => {}
        }
    }
}
