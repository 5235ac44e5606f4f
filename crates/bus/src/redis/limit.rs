//! Rate limits in Redis: one script a step, by Redis's clock.

use std::time::Duration;

use async_trait::async_trait;

use super::log::millis;
use super::{RedisBus, keys, script};
use crate::{BusError, Quota, RateLimits, Verdict};

#[async_trait]
impl RateLimits for RedisBus {
    async fn take(&self, key: &str, quota: Quota) -> Result<Verdict, BusError> {
        let key = keys::limit(key);
        let every = u64::try_from(quota.every.as_micros()).unwrap_or(u64::MAX);
        let call = script::TAKE.call(&[&key]).arg(quota.burst.max(1)).arg(every);
        let (allowed, value): (bool, u64) = self.servers.run(keys::slot(&key), &call).await?;
        Ok(if allowed {
            Verdict::Allowed { remaining: u32::try_from(value).unwrap_or(u32::MAX) }
        } else {
            Verdict::Refused { retry_after: Duration::from_micros(value) }
        })
    }

    async fn pace(&self, key: &str, name: &str, every: Duration) -> Result<Verdict, BusError> {
        let key = keys::pace(key);
        let call = script::PACE.call(&[&key]).arg(name).arg(millis(every).max(1));
        let wait: i64 = self.servers.run(keys::slot(&key), &call).await?;
        Ok(match u64::try_from(wait) {
            Ok(wait) => Verdict::Refused { retry_after: Duration::from_millis(wait) },
            Err(_) => Verdict::Allowed { remaining: 0 },
        })
    }
}
