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
}
