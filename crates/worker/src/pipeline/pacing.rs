//! When to wait for a batch to grow.
//!
//! A write costs the store about the same whether it holds one event or fifty, but waiting costs a
//! sender their ack. So a quiet partition never waits: what a read returns is stored at once, and
//! whatever arrives meanwhile is the next batch. Only when events come so fast that a short wait
//! gathers many of them is a wait made, and then no read comes sooner than the batch age after the
//! one before it. Time spent storing counts, so a slow store is never slowed down further.

use std::time::{Duration, Instant};

/// A wait must be worth this many events.
const WORTH: u32 = 8;

/// The pace of one partition's reads, from what the last one brought.
#[derive(Debug)]
pub(super) struct Pacing {
    age: Duration,
    full: usize,
    last: Option<Instant>,
    busy: bool,
}

impl Pacing {
    /// Batches of up to `full` events that may grow for `age`.
    pub(super) const fn new(age: Duration, full: usize) -> Self {
        Self { age, full, last: None, busy: false }
    }

    /// Notes that a read returned `events` at `now`.
    pub(super) fn took(&mut self, events: usize, now: Instant) {
        // Two events that come together are no rate yet, hence the lower bound.
        let over = self.last.map_or(Duration::MAX, |last| now - last).max(self.age / 4);
        let events_now = u32::try_from(events).unwrap_or(u32::MAX);
        // A full batch means that more is there already.
        self.busy =
            events < self.full && self.age.saturating_mul(events_now) >= over.saturating_mul(WORTH);
        self.last = Some(now);
    }

    /// How long to let the next batch grow.
    pub(super) fn pause(&self, now: Instant) -> Duration {
        match self.last {
            Some(last) if self.busy => self.age.saturating_sub(now - last),
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: Duration = Duration::from_millis(20);

    fn after(reads: &[(u64, usize)]) -> (Pacing, Instant) {
        let start = Instant::now();
        let mut pacing = Pacing::new(AGE, 500);
        let mut now = start;
        for (millis, events) in reads {
            now = start + Duration::from_millis(*millis);
            pacing.took(*events, now);
        }
        (pacing, now)
    }

    #[test]
    fn a_single_event_is_followed_by_no_wait() {
        let (pacing, now) = after(&[(0, 1), (1_000, 1)]);
        assert_eq!(pacing.pause(now), Duration::ZERO);
    }

    #[test]
    fn two_events_in_quick_succession_are_no_busy_stream() {
        let (pacing, now) = after(&[(0, 1), (1, 1)]);
        assert_eq!(pacing.pause(now), Duration::ZERO);
    }

    #[test]
    fn a_busy_stream_is_read_once_per_batch_age() {
        let (pacing, now) = after(&[(0, 10), (5, 10)]);
        assert_eq!(pacing.pause(now), AGE);
        assert_eq!(pacing.pause(now + Duration::from_millis(15)), Duration::from_millis(5));
        assert_eq!(pacing.pause(now + Duration::from_millis(40)), Duration::ZERO);
    }

    #[test]
    fn a_full_batch_is_followed_by_no_wait() {
        let (pacing, now) = after(&[(0, 500), (5, 500)]);
        assert_eq!(pacing.pause(now), Duration::ZERO);
    }

    #[test]
    fn a_stream_that_has_calmed_down_is_no_longer_waited_for() {
        let (pacing, now) = after(&[(0, 10), (5, 10), (25, 3)]);
        assert_eq!(pacing.pause(now), Duration::ZERO);
    }
}
