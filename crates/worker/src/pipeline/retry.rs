//! Waiting for a bus or a store that is away. The log holds the entries meanwhile.

use std::fmt::Display;
use std::time::Duration;

use metrics::counter;

use super::partition::Partition;
use crate::backoff::Backoff;
use crate::metric::Metric;

const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// The pipeline was told to stop while it could not go on. What it held stays on the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stopped;

/// Something that is tried until it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Read,
    Heads,
    LookUp,
    Append,
    Heed,
    Reset,
    Settle,
    Bury,
}

impl Step {
    /// Every one of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::Read,
        Self::Heads,
        Self::LookUp,
        Self::Append,
        Self::Heed,
        Self::Reset,
        Self::Settle,
        Self::Bury,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Heads => "heads",
            Self::LookUp => "look_up",
            Self::Append => "append",
            Self::Heed => "heed",
            Self::Reset => "reset",
            Self::Settle => "settle",
            Self::Bury => "bury",
        }
    }
}

/// The tries of one step in one partition.
pub(super) struct Retry<'a> {
    partition: &'a Partition,
    step: Step,
    backoff: Backoff,
    failures: u32,
}

impl<'a> Retry<'a> {
    pub(super) const fn new(partition: &'a Partition, step: Step) -> Self {
        let backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
        Self { partition, step, backoff, failures: 0 }
    }

    /// Waits before the next try.
    pub(super) async fn pause(&mut self, error: &(dyn Display + Sync)) -> Result<(), Stopped> {
        let Partition { number, shared, stop } = self.partition;
        let step = self.step.name();
        counter!(Metric::Retries.name(), "step" => step).increment(1);
        shared.progress.trouble(*number, error.to_string());
        self.failures = self.failures.saturating_add(1);
        // An outage is worth a line now and then, not one per try and partition.
        if self.failures.is_power_of_two() {
            tracing::warn!(partition = number, step, failures = self.failures, %error, "trying again");
        }
        tokio::select! {
            () = stop.cancelled() => Err(Stopped),
            () = tokio::time::sleep(self.backoff.delay()) => Ok(()),
        }
    }

    /// The step worked: the next failure is a first one again.
    pub(super) const fn succeeded(&mut self) {
        self.failures = 0;
        self.backoff.reset();
    }
}
