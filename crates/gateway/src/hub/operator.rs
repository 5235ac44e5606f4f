//! What operators ask of this node: the hub hears it, and answers or hands it on.

use std::sync::PoisonError;

use hubbub_bus::{Control, NodeCommand, NodeTrace};
use hubbub_protocol::{NodeId, Position, RoomId};
use tokio::sync::mpsc;

use super::Hub;

/// Commands that wait for the node. What comes on top is dropped: whoever asked looks again.
pub(super) const COMMANDS: usize = 16;

impl Hub {
    /// The commands for this node that are not the hub's to carry out. For one caller.
    #[must_use]
    pub fn commands(&self) -> Option<mpsc::Receiver<NodeCommand>> {
        self.commanded.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn obey(&self, command: NodeCommand) {
        match command {
            NodeCommand::Trace { ask, room, position } => {
                if let Some(hub) = self.me.upgrade() {
                    self.spawn(async move { hub.report(&ask, hub.trace(room, position)).await });
                }
            }
            command => {
                if let Err(error) = self.commands.try_send(command) {
                    tracing::warn!(%error, "an operator's command is dropped");
                }
            }
        }
    }

    /// What this node knows of an event.
    #[must_use]
    pub fn trace(&self, room: RoomId, position: Position) -> NodeTrace {
        let mut trace = self.journal.recall(room, position);
        if let Some(held) = self.room(room) {
            let state = held.state();
            trace.head = state.head;
            trace.members = state.members.len() as u64;
        }
        trace
    }

    async fn report(&self, ask: &NodeId, trace: NodeTrace) {
        let node = self.bus.incarnation().clone();
        if let Err(error) = self.bus.tell_node(ask, &Control::Traced { node, trace }).await {
            tracing::warn!(%error, "can't answer an operator");
        }
    }
}
