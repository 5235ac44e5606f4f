//! Faults between a pipeline and the real thing behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use hubbub_bus::{
    BusError, Commit, CommitError, CommitRequest, LogEvent, LogRead, Progress, RoomLog,
};
use hubbub_protocol::http::Version;
use hubbub_protocol::{Epoch, Event, Message, MessageId, NodeId, Position, RoomId, Seq};
use hubbub_store::{
    Appended, EventStore, HistoryPage, Page, Reactor, Store, StoreError, StoredPlace,
};
use tokio::sync::watch;

use crate::rig::soon;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The store can't be reached.
    Away,
    /// The store fails over any batch with this event in it.
    ChokesOn(MessageId),
    /// An append waits until this is lifted, then begins.
    HangsBeforeAppend,
    /// An append is done, but its answer waits until this is lifted.
    HangsAfterAppend,
    /// A task that appends panics.
    Panics,
}

/// A store behind faults.
pub(crate) struct FaultyStore {
    inner: Arc<dyn Store>,
    fault: watch::Sender<Fault>,
    appends: watch::Sender<usize>,
    stored: AtomicUsize,
}

impl FaultyStore {
    pub(crate) fn over(inner: Arc<dyn Store>, fault: Fault) -> Arc<Self> {
        Arc::new(Self {
            inner,
            fault: watch::Sender::new(fault),
            appends: watch::Sender::new(0),
            stored: AtomicUsize::new(0),
        })
    }

    /// Events that were given to the store through here.
    pub(crate) fn events(&self) -> usize {
        self.stored.load(Ordering::Relaxed)
    }

    async fn store(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        self.stored.fetch_add(events.len(), Ordering::Relaxed);
        self.inner.append(events).await
    }

    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Waits until appends have met the fault so many times.
    pub(crate) async fn met(&self, times: usize) {
        let mut appends = self.appends.subscribe();
        let met = appends.wait_for(|met| *met >= times);
        soon("an append", met).await.expect("the store lives");
    }

    async fn hang(&self, fault: Fault) {
        let mut now = self.fault.subscribe();
        self.appends.send_modify(|met| *met += 1);
        now.wait_for(|now| *now != fault).await.expect("the store lives");
    }
}

#[async_trait]
impl EventStore for FaultyStore {
    async fn append(&self, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        let fault = *self.fault.borrow();
        match fault {
            Fault::None => self.store(events).await,
            Fault::Away => {
                self.appends.send_modify(|met| *met += 1);
                Err(StoreError::Unavailable("cut off".into()))
            }
            Fault::ChokesOn(id) if events.iter().any(|event| event.id() == id) => {
                self.appends.send_modify(|met| *met += 1);
                Err(StoreError::Failed("choked".into()))
            }
            Fault::ChokesOn(_) => self.store(events).await,
            Fault::HangsBeforeAppend => {
                self.hang(fault).await;
                self.store(events).await
            }
            Fault::HangsAfterAppend => {
                let appended = self.store(events).await;
                self.hang(fault).await;
                appended
            }
            Fault::Panics => {
                self.appends.send_modify(|met| *met += 1);
                panic!("a fault of the test")
            }
        }
    }

    async fn places(
        &self,
        ids: &[(RoomId, MessageId)],
    ) -> Result<Vec<Option<StoredPlace>>, StoreError> {
        self.inner.places(ids).await
    }

    async fn stored_head(&self, room: RoomId) -> Result<Option<Position>, StoreError> {
        self.inner.stored_head(room).await
    }

    async fn open_epoch(&self, room: RoomId, after: Epoch) -> Result<Position, StoreError> {
        self.inner.open_epoch(room, after).await
    }

    async fn destroyed_among(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>, StoreError> {
        self.inner.destroyed_among(rooms).await
    }

    async fn history(
        &self,
        room: RoomId,
        page: Page,
        limit: usize,
    ) -> Result<HistoryPage, StoreError> {
        self.inner.history(room, page, limit).await
    }

    async fn messages(&self, room: RoomId, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
        self.inner.messages(room, ids).await
    }

    async fn versions(
        &self,
        room: RoomId,
        id: MessageId,
        before: Seq,
        limit: usize,
    ) -> Result<Vec<Version>, StoreError> {
        self.inner.versions(room, id, before, limit).await
    }

    async fn reactors(
        &self,
        room: RoomId,
        id: MessageId,
        emoji: &str,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Reactor>, StoreError> {
        self.inner.reactors(room, id, emoji, after, limit).await
    }

    async fn changes(
        &self,
        room: RoomId,
        after: Seq,
        upto: Seq,
        limit: usize,
    ) -> Result<Option<Vec<Message>>, StoreError> {
        self.inner.changes(room, after, upto, limit).await
    }

    async fn count_events(&self, room: RoomId, after: Seq, upto: Seq) -> Result<u64, StoreError> {
        self.inner.count_events(room, after, upto).await
    }
}

/// A room log whose commits never begin, until this is lifted.
pub(crate) struct HangingLog {
    inner: Arc<dyn RoomLog>,
    hanging: watch::Sender<bool>,
    met: watch::Sender<bool>,
}

impl HangingLog {
    pub(crate) fn over(inner: Arc<dyn RoomLog>) -> Arc<Self> {
        Arc::new(Self { inner, hanging: watch::Sender::new(true), met: watch::Sender::new(false) })
    }

    pub(crate) fn lift(&self) {
        self.hanging.send_replace(false);
    }

    /// Waits until a commit hangs.
    pub(crate) async fn met(&self) {
        let mut met = self.met.subscribe();
        soon("a commit", met.wait_for(|met| *met)).await.expect("the log lives");
    }
}

#[async_trait]
impl RoomLog for HangingLog {
    async fn commit(&self, request: CommitRequest<'_>) -> Result<Commit, CommitError> {
        self.met.send_replace(true);
        let mut hanging = self.hanging.subscribe();
        hanging.wait_for(|hanging| !hanging).await.expect("the log lives");
        self.inner.commit(request).await
    }

    async fn seed(
        &self,
        room: RoomId,
        at: Position,
        recovered: bool,
    ) -> Result<Position, BusError> {
        self.inner.seed(room, at, recovered).await
    }

    async fn reopen(
        &self,
        room: RoomId,
        expected: Epoch,
        to: Position,
    ) -> Result<Position, BusError> {
        self.inner.reopen(room, expected, to).await
    }

    async fn close(&self, room: RoomId) -> Result<(), BusError> {
        self.inner.close(room).await
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Option<Position>>, BusError> {
        self.inner.heads(rooms).await
    }

    async fn log_after(
        &self,
        room: RoomId,
        after: Position,
        limit: usize,
    ) -> Result<LogRead, BusError> {
        self.inner.log_after(room, after, limit).await
    }

    async fn find(&self, room: RoomId, id: MessageId) -> Result<Option<LogEvent>, BusError> {
        self.inner.find(room, id).await
    }

    async fn progress(&self, room: RoomId) -> Result<Option<Progress>, BusError> {
        self.inner.progress(room).await
    }

    fn origin(&self) -> &NodeId {
        self.inner.origin()
    }
}
