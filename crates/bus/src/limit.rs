//! Rate limits that count the same on every node: the generic cell rate algorithm (GCRA, ITU-T
//! I.371), which keeps one number per key.

use std::time::Duration;

use async_trait::async_trait;

use crate::BusError;

/// How much of something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many at once, at least 1.
    pub burst: u32,
    /// The time after which one more is allowed.
    pub every: Duration,
}

impl Quota {
    /// `burst` at once, then `rate` per `period`.
    #[must_use]
    pub fn new(burst: u32, rate: u32, period: Duration) -> Self {
        Self { burst: burst.max(1), every: period / rate.max(1) }
    }
}

/// Whether one more is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is, and was counted.
    Allowed {
        /// How many more are allowed right now.
        remaining: u32,
    },
    /// It is not, and was not counted.
    Refused {
        /// When one is.
        retry_after: Duration,
    },
}

/// Rate limits by key.
#[async_trait]
pub trait RateLimits: Send + Sync {
    /// Takes one from a key's quota. Keys are `kind:who`, up to 200 bytes.
    async fn take(&self, key: &str, quota: Quota) -> Result<Verdict, BusError>;

    /// Lets one through in each `every`. Whoever was let through last is let through again under
    /// the same `name`, so that a retry is not taken for another. What counts since the last one is
    /// the shorter of its `every` and this call's: a pause that was shortened is shorter for those who
    /// wait already. Keys and names are up to 200 bytes.
    async fn pace(&self, key: &str, name: &str, every: Duration) -> Result<Verdict, BusError>;
}

/// One step of GCRA. `due` is the key's theoretical arrival time (0 for a fresh key) and `now` the
/// time, both in microseconds of the same clock. Returns the verdict and the time to remember.
#[must_use]
pub fn gcra(due: u64, now: u64, quota: Quota) -> (Verdict, u64) {
    let every = u64::try_from(quota.every.as_micros()).unwrap_or(u64::MAX);
    let burst = u64::from(quota.burst.max(1));
    let next = due.max(now).saturating_add(every);
    let horizon = now.saturating_add(every.saturating_mul(burst));
    if next > horizon {
        return (Verdict::Refused { retry_after: Duration::from_micros(next - horizon) }, due);
    }
    let remaining = (horizon - next).checked_div(every).unwrap_or(burst - 1);
    (Verdict::Allowed { remaining: u32::try_from(remaining).unwrap_or(u32::MAX) }, next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quota_without_a_rate_allows_its_burst_for_ever() {
        let quota = Quota { burst: 3, every: Duration::ZERO };
        assert_eq!(gcra(0, 5, quota), (Verdict::Allowed { remaining: 2 }, 5));
    }

    proptest! {
        /// Whatever the arrivals, no window holds more than the burst and what the rate adds.
        #[test]
        fn no_window_exceeds_burst_plus_rate(
            burst in 1_u32..20,
            every in 1_u64..5_000,
            steps in prop::collection::vec(0_u64..10_000, 1..200),
        ) {
            let quota = Quota { burst, every: Duration::from_micros(every) };
            let (mut now, mut due, mut allowed) = (1_000_000, 0, Vec::new());
            for step in steps {
                now += step;
                let (verdict, next) = gcra(due, now, quota);
                due = next;
                if matches!(verdict, Verdict::Allowed { .. }) {
                    allowed.push(now);
                }
            }
            for (first, from) in allowed.iter().enumerate() {
                for (count, to) in (1_u64..).zip(&allowed[first..]) {
                    prop_assert!(count <= u64::from(burst) + (to - from) / every);
                }
            }
        }

        /// A refused caller who waits as long as told is allowed, and not a microsecond sooner.
        #[test]
        fn retry_after_is_exact(burst in 1_u32..20, every in 1_u64..5_000) {
            let quota = Quota { burst, every: Duration::from_micros(every) };
            let (now, mut due) = (1_000_000, 0);
            let wait = loop {
                match gcra(due, now, quota) {
                    (Verdict::Allowed { .. }, next) => due = next,
                    (Verdict::Refused { retry_after }, _) => break retry_after,
                }
            };
            let wait = u64::try_from(wait.as_micros()).unwrap();
            let allowed = |at| matches!(gcra(due, at, quota).0, Verdict::Allowed { .. });
            prop_assert!(allowed(now + wait));
            prop_assert!(!allowed(now + wait - 1));
        }
    }
}
