//! What each partition is doing, for readiness.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
enum State {
    Idle,
    Busy { since: Instant, trouble: Option<String> },
}

/// What the partitions are doing.
#[derive(Debug)]
pub(super) struct Progress {
    partitions: Vec<Mutex<State>>,
}

impl Progress {
    /// All idle.
    pub(super) fn new(partitions: u16) -> Self {
        Self { partitions: (0..partitions).map(|_| Mutex::new(State::Idle)).collect() }
    }

    fn state(&self, partition: u16) -> MutexGuard<'_, State> {
        self.partitions[usize::from(partition)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A partition has a batch in hand.
    pub(super) fn begin(&self, partition: u16) {
        let mut state = self.state(partition);
        if matches!(*state, State::Idle) {
            *state = State::Busy { since: Instant::now(), trouble: None };
        }
    }

    /// A partition can't go on for now.
    pub(super) fn trouble(&self, partition: u16, reason: String) {
        let mut state = self.state(partition);
        let since = match &*state {
            State::Idle => Instant::now(),
            State::Busy { since, .. } => *since,
        };
        *state = State::Busy { since, trouble: Some(reason) };
    }

    /// A partition's trouble is over, or its batch is done.
    pub(super) fn done(&self, partition: u16) {
        *self.state(partition) = State::Idle;
    }

    /// The first partition that has been at the same thing for longer than `patience`.
    pub(super) fn check(&self, patience: Duration) -> Result<(), String> {
        for (partition, state) in self.partitions.iter().enumerate() {
            let state = state.lock().unwrap_or_else(PoisonError::into_inner);
            if let State::Busy { since, trouble } = &*state
                && since.elapsed() > patience
            {
                let reason = trouble.as_deref().unwrap_or("no answer");
                let seconds = since.elapsed().as_secs();
                return Err(format!("partition {partition} is stuck for {seconds} s: {reason}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_that_is_stuck_is_named_with_its_reason_until_it_moves() {
        let progress = Progress::new(4);
        progress.begin(2);
        progress.trouble(2, "store unavailable".into());
        let reason = progress.check(Duration::ZERO).expect_err("a partition is stuck");
        assert!(reason.starts_with("partition 2 is stuck"), "{reason}");
        assert!(reason.ends_with("store unavailable"), "{reason}");
        progress.done(2);
        assert_eq!(progress.check(Duration::ZERO), Ok(()));
    }

    #[test]
    fn a_partition_at_work_is_healthy_within_the_patience() {
        let progress = Progress::new(1);
        progress.begin(0);
        assert_eq!(progress.check(Duration::from_secs(60)), Ok(()));
    }
}
