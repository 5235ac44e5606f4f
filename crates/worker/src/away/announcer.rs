//! Giving new inbox entries to those who send notifications.
//!
//! Entries are marked in the store as not announced in the same write that makes them. They are
//! handed over through a bounded queue; what finds it full, and what a worker that died had in
//! hand, is found in the store again after a while. So storage never waits for a sink, and nothing
//! is forgotten. A sink may get an entry twice, and one that has been read meanwhile not at all.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hubbub_protocol::Timestamp;
use hubbub_store::{InboxNote, Store};
use metrics::counter;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::metric::Metric;

/// Batches that wait for the sinks.
const QUEUE: usize = 64;
/// Entries in a batch that was found in the store.
const BATCH: usize = 500;
/// Time between looks for entries that nobody has announced.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How often a sink is given the same batch.
const TRIES: u32 = 4;
/// How long a sink may take for a batch.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// Why a sink did not take a batch. It is given it again, a few times.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// Somebody who sends notifications.
#[async_trait]
pub trait Sink: fmt::Debug + Send + Sync + 'static {
    /// What it is called in logs and metrics.
    fn name(&self) -> &'static str;

    /// Takes new entries with the people whose they are. At least once: the same may come again.
    /// A call that takes longer than ten seconds is given up; after four tries the batch is.
    async fn announce(&self, notes: &[InboxNote]) -> Result<(), SinkError>;
}

/// Hands entries to sinks.
#[derive(Debug)]
pub(super) struct Announcer {
    store: Arc<dyn Store>,
    sinks: Vec<Arc<dyn Sink>>,
    queue: mpsc::Sender<Vec<InboxNote>>,
    /// Taken by whoever runs.
    batches: Mutex<Option<mpsc::Receiver<Vec<InboxNote>>>>,
}

impl Announcer {
    pub(super) fn new(store: Arc<dyn Store>, sinks: Vec<Arc<dyn Sink>>) -> Self {
        let (queue, batches) = mpsc::channel(QUEUE);
        Self { store, sinks, queue, batches: Mutex::new(Some(batches)) }
    }

    /// Hands entries over. What finds the queue full is found in the store later.
    pub(super) fn hand_over(&self, notes: Vec<InboxNote>) {
        if self.queue.try_send(notes).is_err() {
            counter!(Metric::AnnouncementsPutOff.name()).increment(1);
        }
    }

    pub(super) async fn run(&self, stop: CancellationToken) {
        let taken = self.batches.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut batches) = taken else {
            tracing::error!("the announcer runs already");
            return stop.cancelled().await;
        };
        for metric in [Metric::Announced, Metric::NotAnnounced] {
            metric.about().begin(self.sinks.iter().map(|sink| sink.name()));
        }
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let announcing = async {
                tokio::select! {
                    Some(notes) = batches.recv() => self.announce(&notes).await,
                    _ = looks.tick() => self.announce_forgotten().await,
                }
            };
            // What is cut off here is found in the store again.
            if stop.run_until_cancelled(announcing).await.is_none() {
                return;
            }
        }
    }

    async fn announce_forgotten(&self) {
        loop {
            match self.store.unannounced(Timestamp::now(), BATCH).await {
                Ok(notes) if notes.is_empty() => return,
                Ok(notes) => self.announce(&notes).await,
                Err(error) => {
                    tracing::warn!(%error, "can't look for entries that nobody has announced");
                    return;
                }
            }
        }
    }

    async fn announce(&self, notes: &[InboxNote]) {
        for sink in &self.sinks {
            give(sink.as_ref(), notes).await;
        }
        if let Err(error) = self.store.announced(notes).await {
            tracing::warn!(%error, entries = notes.len(), "entries will be announced again");
        }
    }
}

/// Gives a batch to a sink until it takes it, or not.
async fn give(sink: &dyn Sink, notes: &[InboxNote]) {
    let name = sink.name();
    let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
    for attempt in 1..=TRIES {
        let outcome = timeout(PATIENCE, sink.announce(notes)).await;
        let error = match outcome {
            Ok(Ok(())) => {
                counter!(Metric::Announced.name(), "sink" => name).increment(notes.len() as u64);
                return;
            }
            Ok(Err(error)) => error,
            Err(_) => SinkError(format!("no answer in {PATIENCE:?}")),
        };
        tracing::warn!(sink = name, attempt, %error, entries = notes.len(), "not announced");
        if attempt < TRIES {
            tokio::time::sleep(backoff.delay()).await;
        }
    }
    counter!(Metric::NotAnnounced.name(), "sink" => name).increment(notes.len() as u64);
}
