//! Rate limits in memory: the twins of the scripts that run in Redis.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::{LocalBus, locked};
use crate::limit::gcra;
use crate::{BusError, Quota, RateLimits, Verdict};

/// Keys remembered at most. Past it some key is forgotten, which gives it a fresh quota.
const KEYS_MAX: usize = 200_000;
/// Keys remembered before those that are due again are looked for.
const KEYS_SWEEP: usize = 4096;

/// Theoretical arrival times by key, in microseconds since `start`.
pub(super) struct Buckets {
    start: Instant,
    due: HashMap<Box<str>, u64>,
    sweep_at: usize,
    last: HashMap<Box<str>, Last>,
    last_sweep_at: usize,
}

/// Who was let through last, when, and how long others were to wait then.
struct Last {
    name: Box<str>,
    at: Instant,
    until: Instant,
}

impl Default for Buckets {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            due: HashMap::new(),
            sweep_at: KEYS_SWEEP,
            last: HashMap::new(),
            last_sweep_at: KEYS_SWEEP,
        }
    }
}

impl Buckets {
    fn take(&mut self, key: &str, quota: Quota) -> Verdict {
        let now = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Some(due) = self.due.get_mut(key) {
            let (verdict, next) = gcra(*due, now, quota);
            *due = next;
            return verdict;
        }
        self.make_room(now);
        let (verdict, next) = gcra(0, now, quota);
        self.due.insert(key.into(), next);
        verdict
    }

    fn pace(&mut self, key: &str, name: &str, every: Duration) -> Verdict {
        let now = Instant::now();
        if let Some(last) = self.last.get(key).filter(|last| last.until > now) {
            if &*last.name == name {
                return Verdict::Allowed { remaining: 0 };
            }
            let until = last.until.min(last.at + every);
            if until > now {
                return Verdict::Refused { retry_after: until - now };
            }
        }
        if self.last.len() >= self.last_sweep_at {
            self.last.retain(|_, last| last.until > now);
            self.last_sweep_at = (self.last.len() * 2).clamp(KEYS_SWEEP, KEYS_MAX);
            if self.last.len() >= KEYS_MAX
                && let Some(key) = self.last.keys().next().cloned()
            {
                self.last.remove(&key);
            }
        }
        self.last.insert(key.into(), Last { name: name.into(), at: now, until: now + every });
        Verdict::Allowed { remaining: 0 }
    }

    fn make_room(&mut self, now: u64) {
        if self.due.len() < self.sweep_at {
            return;
        }
        // A key whose time has come again is the same as one never seen.
        self.due.retain(|_, due| *due > now);
        self.sweep_at = (self.due.len() * 2).clamp(KEYS_SWEEP, KEYS_MAX);
        if self.due.len() >= KEYS_MAX
            && let Some(key) = self.due.keys().next().cloned()
        {
            self.due.remove(&key);
        }
    }
}

#[async_trait]
impl RateLimits for LocalBus {
    async fn take(&self, key: &str, quota: Quota) -> Result<Verdict, BusError> {
        Ok(locked(&self.limits).take(key, quota))
    }

    async fn pace(&self, key: &str, name: &str, every: Duration) -> Result<Verdict, BusError> {
        Ok(locked(&self.limits).pace(key, name, every))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn keys_that_are_due_again_are_forgotten() {
        let mut buckets = Buckets::default();
        let quota = Quota { burst: 1, every: Duration::ZERO };
        for key in 0..3 * KEYS_SWEEP {
            buckets.take(&key.to_string(), quota);
        }
        assert!(buckets.due.len() <= KEYS_SWEEP);
    }

    #[test]
    fn keys_never_exceed_their_bound() {
        let mut buckets = Buckets::default();
        let quota = Quota { burst: 1, every: Duration::from_secs(3600) };
        for key in 0..KEYS_MAX + 10 {
            buckets.take(&key.to_string(), quota);
        }
        assert_eq!(buckets.due.len(), KEYS_MAX);
    }
}
