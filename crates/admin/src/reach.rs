//! The way to Redis, MongoDB and the nodes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hubbub_bus::redis::RedisBus;
use hubbub_bus::{
    BusError, Control, Fanout, NodeCommand, NodeTrace, Receiver, RoomLog, StoredNotice,
};
use hubbub_protocol::{NodeId, Position, RoomId, UserId};
use hubbub_store::{MongoStore, StoreError};
use hubbub_worker::ConnectError;
use hubbub_worker::connect::{connect_mongodb, connect_redis};
use hubbub_worker::settings::Cluster;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long the way back from the nodes may take to open.
const OPENING: Duration = Duration::from_secs(5);
/// How long nodes may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Redis or MongoDB can't be used.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Redis did not answer.
    #[error("Redis: {0}")]
    Bus(#[from] BusError),
    /// MongoDB did not answer.
    #[error("MongoDB: {0}")]
    Store(#[from] StoreError),
    /// A room could not be given a new epoch.
    #[error("a new epoch: {0}")]
    Epoch(#[from] hubbub_worker::epoch::EpochError),
    /// Dead letters could not be listed or put back.
    #[error(transparent)]
    Letters(#[from] hubbub_worker::operator::OperatorError),
    /// A key file can't be used.
    #[error(transparent)]
    Keys(#[from] crate::keys::KeysError),
    /// The answer could not be written.
    #[error("can't write the answer: {0}")]
    Output(#[from] std::io::Error),
}

/// A cluster.
pub struct Reach {
    /// Redis.
    pub bus: RedisBus,
    /// MongoDB.
    pub store: MongoStore,
}

impl Reach {
    /// Connects to both. Changes nothing there: a cluster that runs has been checked by its nodes.
    ///
    /// # Errors
    /// [`Failure::Connect`].
    pub async fn open(cluster: &Cluster, name: NodeId) -> Result<Self, Failure> {
        let bus = connect_redis(cluster, name).await?;
        Ok(Self { bus, store: connect_mongodb(cluster).await? })
    }

    /// Asks nodes for what they know of an event. Those that do not answer in time are left out.
    ///
    /// # Errors
    /// [`Failure::Bus`].
    pub async fn traces(
        &self,
        nodes: &[NodeId],
        room: RoomId,
        position: Position,
    ) -> Result<Vec<(NodeId, NodeTrace)>, Failure> {
        let (_ear, mut answers) = self.listen().await?;
        let ask = self.bus.origin();
        for node in nodes {
            let command = NodeCommand::Trace { ask: ask.clone(), room, position };
            self.bus.tell_node(node, &Control::Command { command }).await?;
        }
        let until = Instant::now() + PATIENCE;
        let mut traces = Vec::new();
        while traces.len() < nodes.len()
            && let Ok(Some(answer)) = timeout_at(until, answers.recv()).await
        {
            traces.push(answer);
        }
        Ok(traces)
    }

    /// Hears what nodes answer, until the guard is dropped.
    async fn listen(
        &self,
    ) -> Result<(DropGuard, mpsc::UnboundedReceiver<(NodeId, NodeTrace)>), Failure> {
        // Unbounded in form only: one answer for each node that is asked.
        let (heard, answers) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        self.bus.listen(Arc::new(Ear(heard)), stop.clone());
        let until = Instant::now() + OPENING;
        // A probe that has come back has come the same way as the answers will.
        while self.bus.probe_age().is_none() {
            if Instant::now() > until {
                let silent = "nothing comes back through a subscription".to_owned();
                return Err(BusError::Unavailable(silent).into());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok((stop.drop_guard(), answers))
    }
}

/// Hears answers, and nothing else.
struct Ear(mpsc::UnboundedSender<(NodeId, NodeTrace)>);

impl Receiver for Ear {
    fn event(&self, _: RoomId, _: Position, _: Bytes) {}

    fn reset(&self, _: RoomId, _: Position) {}

    fn volatile(&self, _: RoomId, _: &str, _: Bytes) {}

    fn for_users(&self, _: &[UserId], _: &str, _: Bytes) {}

    fn control(&self, control: Control) {
        if let Control::Traced { node, trace } = control {
            // Nobody waits any more: it was too late.
            let _ = self.0.send((node, trace));
        }
    }

    fn stored(&self, _: Vec<StoredNotice>) {}

    fn subscribed(&self, _: &[RoomId]) {}

    fn gap(&self, _: &[RoomId]) {}

    fn control_gap(&self) {}
}
