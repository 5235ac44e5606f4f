//! How long to wait before trying again.

use std::time::Duration;

/// Delays that double from the first to the longest, each shortened at random by up to half, so
/// that many who failed together do not come back together.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// Starts at `first`; no delay is longer than `longest`.
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// The next delay.
    pub(crate) fn delay(&mut self) -> Duration {
        let full = self.next;
        self.next = (full * 2).min(self.longest);
        full.mul_f64(rand::random_range(0.5..=1.0))
    }

    /// Starts over: the trouble is gone.
    pub(crate) const fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_longest_and_start_over_after_a_success() {
        let second = Duration::from_secs(1);
        let mut backoff = Backoff::new(second, 4 * second);
        for full in [1, 2, 4, 4] {
            let delay = backoff.delay();
            assert!(delay >= full * second / 2 && delay <= full * second, "{delay:?}");
        }
        backoff.reset();
        assert!(backoff.delay() <= second);
    }
}
