//! How long to wait before trying again.

use std::time::Duration;

use rand::Rng;

/// The longest the first wait can be.
const FIRST: Duration = Duration::from_millis(500);
/// The longest any wait can be.
const LONGEST: Duration = Duration::from_secs(30);

/// Exponential back-off with full jitter: a random time between nothing and a bound that doubles
/// with each attempt. Clients that lost their node together do not come back together.
///
/// Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The time to wait before the next attempt.
    pub fn wait(&mut self, random: &mut impl Rng) -> Duration {
        let bound = self.bound();
        self.attempts = self.attempts.saturating_add(1);
        random.random_range(Duration::ZERO..=bound)
    }

    /// An attempt has succeeded.
    pub const fn reset(&mut self) {
        self.attempts = 0;
    }

    fn bound(self) -> Duration {
        // 2^6 half seconds are past the longest.
        (FIRST * (1 << self.attempts.min(6))).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn waits_spread_below_a_bound_that_doubles_up_to_half_a_minute() {
        let mut random = StdRng::seed_from_u64(7);
        for attempts in 0..12 {
            let bound = Backoff { attempts }.bound();
            let waits: Vec<_> = (0..200).map(|_| Backoff { attempts }.wait(&mut random)).collect();
            assert!(waits.iter().all(|wait| *wait <= bound));
            assert!(waits.iter().any(|wait| *wait < bound / 4), "low waits occur");
            assert!(waits.iter().any(|wait| *wait > bound * 3 / 4), "high waits occur");
        }
        assert_eq!(Backoff { attempts: 1 }.bound(), FIRST * 2);
        assert_eq!(Backoff { attempts: 40 }.bound(), LONGEST);
    }
}
