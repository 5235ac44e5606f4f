//! How fast one connection may send frames, of any kind, pings included.

use std::time::Duration;

use tokio::time::Instant;

/// Frames a connection may send at once.
const BURST: u32 = 200;
/// The time after which one more is allowed.
const EVERY: Duration = Duration::from_millis(10);

/// A connection that is too fast is read more slowly: the answer reaches its sender through TCP,
/// and costs nobody else anything.
#[derive(Debug)]
pub(super) struct Throttle {
    /// When the burst would be whole again (the theoretical arrival time of GCRA).
    whole_at: Instant,
}

impl Throttle {
    pub(super) fn new(now: Instant) -> Self {
        Self { whole_at: now }
    }

    /// Counts a frame. When it was one too many, the time until which not to read.
    pub(super) fn count(&mut self, now: Instant) -> Option<Instant> {
        self.whole_at = self.whole_at.max(now) + EVERY;
        let read_on = self.whole_at.checked_sub(EVERY * BURST)?;
        (read_on > now).then_some(read_on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_per_interval() {
        let now = Instant::now();
        let mut throttle = Throttle::new(now);
        for _ in 0..BURST {
            assert_eq!(throttle.count(now), None);
        }
        assert_eq!(throttle.count(now), Some(now + EVERY));
        assert_eq!(throttle.count(now + EVERY * (BURST + 1)), None);
    }
}
