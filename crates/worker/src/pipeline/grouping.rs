//! Partitions that store at the same time share a write.
//!
//! At low load each partition has one event at a time, and a majority write costs MongoDB nearly as
//! much for one event as for a hundred. So while a few writes are under way, what other partitions
//! bring waits and goes together: nothing waits while the store is idle, and the busier it is, the
//! larger its writes.

use std::mem;
use std::sync::Arc;

use hubbub_protocol::Event;
use hubbub_store::{Appended, EventStore, StoreError};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Writes under way at the same time.
const WRITES: usize = 2;
/// Events in one write, unless a single batch has more.
const EVENTS_MAX: usize = 1_000;

type Answer = Result<Vec<Appended>, StoreError>;

/// A batch of one partition, and who waits for its outcome.
struct Batch {
    events: Vec<Event>,
    answer: oneshot::Sender<Answer>,
}

/// Where partitions bring their batches.
#[derive(Debug, Clone)]
pub(super) struct Grouping(mpsc::Sender<Batch>);

impl Grouping {
    /// Groups what up to `partitions` callers bring at the same time. Ends when it is dropped.
    pub(super) fn start(store: Arc<dyn EventStore>, partitions: u16) -> Self {
        let (sender, batches) = mpsc::channel(usize::from(partitions).max(1));
        tokio::spawn(group(store, batches));
        Self(sender)
    }

    /// As [`EventStore::append`], perhaps in one write with the batches of others. An answer that
    /// is an error is about these events, not about those of others.
    pub(super) async fn append(&self, events: &[Event]) -> Answer {
        let (answer, outcome) = oneshot::channel();
        let gone = || StoreError::Unavailable("storing has stopped".into());
        self.0.send(Batch { events: events.to_vec(), answer }).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}

async fn group(store: Arc<dyn EventStore>, mut batches: mpsc::Receiver<Batch>) {
    let writes = Arc::new(Semaphore::new(WRITES));
    let mut next = batches.recv().await;
    while let Some(first) = next.take() {
        // Waiting here is what lets others join.
        let Ok(write) = Arc::clone(&writes).acquire_owned().await else { return };
        let mut count = first.events.len();
        let mut together = vec![first];
        while let Ok(batch) = batches.try_recv() {
            if count + batch.events.len() > EVENTS_MAX {
                next = Some(batch);
                break;
            }
            count += batch.events.len();
            together.push(batch);
        }
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store_together(&*store, together).await;
            drop(write);
        });
        if next.is_none() {
            next = batches.recv().await;
        }
    }
}

async fn store_together(store: &dyn EventStore, mut batches: Vec<Batch>) {
    if batches.len() > 1 {
        let mut events = Vec::new();
        let counts: Vec<_> = batches
            .iter_mut()
            .map(|batch| {
                let count = batch.events.len();
                events.append(&mut batch.events);
                count
            })
            .collect();
        let answer = store.append(&events).await;
        let mut outcomes = match answer {
            Ok(outcomes) if outcomes.len() == events.len() => outcomes.into_iter(),
            Err(StoreError::Unavailable(reason)) => {
                for batch in batches {
                    let _ = batch.answer.send(Err(StoreError::Unavailable(reason.clone())));
                }
                return;
            }
            // Somebody's event is at fault: each batch on its own finds out whose.
            Ok(_) | Err(_) => {
                let mut events = events.into_iter();
                for (batch, count) in batches.iter_mut().zip(counts) {
                    batch.events = events.by_ref().take(count).collect();
                }
                return store_apart(store, batches).await;
            }
        };
        for (batch, count) in batches.into_iter().zip(counts) {
            // Who no longer waits has stopped; the entries come back as claims.
            let _ = batch.answer.send(Ok(outcomes.by_ref().take(count).collect()));
        }
        return;
    }
    store_apart(store, batches).await;
}

async fn store_apart(store: &dyn EventStore, batches: Vec<Batch>) {
    for mut batch in batches {
        let events = mem::take(&mut batch.events);
        let _ = batch.answer.send(store.append(&events).await);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use hubbub_protocol::event::NewEventKind;
    use hubbub_protocol::http::Version;
    use hubbub_protocol::{
        Epoch, Message, MessageBody, MessageId, NewEvent, Position, RoomId, Seq, Timestamp, UserId,
    };
    use hubbub_store::{HistoryPage, Page, Reactor, SqliteStore, StoredPlace};
    use tokio::sync::Notify;

    use super::*;

    /// A real store whose writes are counted, begin when they may, and choke on one event.
    struct Watched {
        inner: SqliteStore,
        writes: AtomicUsize,
        may_write: Semaphore,
        writing: Notify,
        chokes_on: Option<MessageId>,
    }

    #[async_trait]
    impl EventStore for Watched {
        async fn append(&self, events: &[Event]) -> Answer {
            self.writes.fetch_add(1, Ordering::Relaxed);
            self.writing.notify_one();
            self.may_write.acquire().await.unwrap().forget();
            if events.iter().any(|event| Some(event.id()) == self.chokes_on) {
                return Err(StoreError::Failed("choked".into()));
            }
            self.inner.append(events).await
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
        async fn messages(
            &self,
            room: RoomId,
            ids: &[MessageId],
        ) -> Result<Vec<Message>, StoreError> {
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
        async fn count_events(
            &self,
            room: RoomId,
            after: Seq,
            upto: Seq,
        ) -> Result<u64, StoreError> {
            self.inner.count_events(room, after, upto).await
        }
    }

    fn said() -> Event {
        let new = NewEvent {
            room: RoomId::new(),
            id: MessageId::new(),
            sender: UserId::new(),
            at: Timestamp::now(),
            kind: NewEventKind::Message { body: MessageBody::text("hi") },
        };
        new.at(Position::new(Epoch(1), Seq(1)))
    }

    /// Brings each event as a batch of its own while [`WRITES`] writes are under way, then lets all
    /// writes happen. Returns the answers and how many writes there were.
    async fn brought_together(
        events: Vec<Event>,
        chokes_on: Option<MessageId>,
    ) -> (Vec<Answer>, usize) {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Watched {
            inner: SqliteStore::open(dir.path()).unwrap(),
            writes: AtomicUsize::new(0),
            may_write: Semaphore::new(0),
            writing: Notify::new(),
            chokes_on,
        });
        let grouping = Grouping::start(Arc::clone(&store) as _, 32);
        let bring = |event: Event| {
            let grouping = grouping.clone();
            tokio::spawn(async move { grouping.append(&[event]).await })
        };
        let mut first = Vec::new();
        for _ in 0..WRITES {
            first.push(bring(said()));
            store.writing.notified().await;
        }
        let brought: Vec<_> = events.into_iter().map(bring).collect();
        // Until all of them wait in line: nothing else is left to run.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        store.may_write.add_permits(1_000);
        let mut answers = Vec::new();
        for task in brought {
            answers.push(task.await.unwrap());
        }
        for task in first {
            assert!(matches!(task.await.unwrap().as_deref(), Ok([Appended::Stored])));
        }
        (answers, store.writes.load(Ordering::Relaxed) - WRITES)
    }

    #[tokio::test]
    async fn what_is_brought_while_writes_are_under_way_goes_together() {
        let events: Vec<_> = (0..16).map(|_| said()).collect();
        let (answers, writes) = brought_together(events, None).await;
        assert!(answers.iter().all(|answer| matches!(answer.as_deref(), Ok([Appended::Stored]))));
        assert!(writes <= 2, "{writes} writes");
    }

    #[tokio::test]
    async fn a_batch_that_the_store_cannot_take_does_not_fail_the_others() {
        let events: Vec<_> = (0..16).map(|_| said()).collect();
        let poison = events[7].id();
        let (answers, _) = brought_together(events, Some(poison)).await;
        for (n, answer) in answers.iter().enumerate() {
            match answer.as_deref() {
                Ok([Appended::Stored]) => assert_ne!(n, 7),
                Err(StoreError::Failed(_)) => assert_eq!(n, 7),
                other => panic!("{n}: {other:?}"),
            }
        }
    }
}
