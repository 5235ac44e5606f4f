//! Giving events to the store, and isolating those it can't take.

use std::time::Instant;

use hubbub_protocol::Event;
use hubbub_runtime::telemetry::MESSAGES;
use hubbub_store::{Appended, StoreError};
use metrics::{counter, histogram};
use tracing::Instrument;

use super::batch::{Pending, Verdict};
use super::partition::Partition;
use super::retry::{Retry, Step, Stopped};
use crate::metric::Metric;

impl Partition {
    /// Stores events, each with its verdict afterwards.
    ///
    /// A store that is away is waited for. A store that can't take a batch is given its halves, and
    /// theirs, until what it can't take stands alone: n events with one poisonous among them cost
    /// about 2·log₂ n writes more.
    pub(super) async fn append(
        &self,
        batch: Vec<Pending>,
    ) -> Result<Vec<(Pending, Verdict)>, Stopped> {
        let mut verdicts = Vec::with_capacity(batch.len());
        let mut waiting = vec![batch];
        while let Some(mut part) = waiting.pop() {
            if part.is_empty() {
                continue;
            }
            let (entries, events): (Vec<_>, Vec<_>) =
                part.drain(..).map(|pending| (pending.entry, pending.event)).unzip();
            let appended = self.append_until_answered(&events).await?;
            let pending =
                entries.into_iter().zip(events).map(|(entry, event)| Pending { entry, event });
            match appended {
                Ok(appended) => {
                    verdicts.extend(pending.zip(appended).map(|(pending, appended)| {
                        let verdict = Verdict::of(&pending.event, appended);
                        (pending, verdict)
                    }));
                }
                Err(reason) => {
                    let mut first: Vec<_> = pending.collect();
                    if first.len() == 1 {
                        let suspect = Verdict::Suspect(reason);
                        verdicts
                            .extend(first.into_iter().map(|pending| (pending, suspect.clone())));
                    } else {
                        let second = first.split_off(first.len() / 2);
                        waiting.push(second);
                        waiting.push(first);
                    }
                }
            }
        }
        Ok(verdicts)
    }

    /// One outcome per event, or why the store can't take them.
    async fn append_until_answered(
        &self,
        events: &[Event],
    ) -> Result<Result<Vec<Appended>, String>, Stopped> {
        let mut retry = Retry::new(self, Step::Append);
        loop {
            counter!(Metric::Batches.name()).increment(1);
            histogram!(Metric::BatchEvents.name()).record(events.len() as f64);
            let start = Instant::now();
            let span = tracing::debug_span!(target: MESSAGES, "append", events = events.len());
            let answer = self.shared.appends.append(events).instrument(span).await;
            histogram!(Metric::AppendSeconds.name()).record(start.elapsed());
            match answer {
                Ok(appended) if appended.len() == events.len() => return Ok(Ok(appended)),
                Ok(appended) => {
                    return Ok(Err(format!(
                        "the store told {} outcomes of {} events",
                        appended.len(),
                        events.len()
                    )));
                }
                Err(StoreError::Unavailable(reason)) => retry.pause(&reason).await?,
                Err(error) => return Ok(Err(error.to_string())),
            }
        }
    }
}
