//! How often what may be done over HTTP.
//!
//! The counts are kept on the bus, so they hold over all nodes.

use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::{Bus, Quota, Verdict};
use hubbub_protocol::ErrorCode;

use super::address::ClientAddress;
use super::problem::{ApiError, ApiResult};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// The limits of the HTTP API. The defaults are for a service on the open internet.
#[derive(Debug, Clone)]
pub struct Quotas {
    /// Logins to one account, right or wrong: 10 a minute. Whoever knows a user name can use it up,
    /// which delays a new login but ends no session.
    pub login_per_account: Quota,
    /// Logins from one address: 60 a minute.
    pub login_per_address: Quota,
    /// Registrations from one address: 30 an hour.
    pub register_per_address: Quota,
    /// Rotations from one address: 120 a minute.
    pub token_per_address: Quota,
    /// Codes tried by one account: 20 a minute.
    pub join_per_account: Quota,
    /// Codes tried from one address: 60 a minute.
    pub join_per_address: Quota,
    /// Requests of one user, whatever they are: 50 a second after a burst of 200.
    pub requests_per_user: Quota,
    /// How many times more the loopback address may do: 1000. Either somebody is trying things out,
    /// or a proxy on this machine is not counted in `trusted_proxies` and stands for everybody.
    pub loopback_factor: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            login_per_account: Quota::new(10, 10, MINUTE),
            login_per_address: Quota::new(60, 60, MINUTE),
            register_per_address: Quota::new(30, 30, HOUR),
            token_per_address: Quota::new(120, 120, MINUTE),
            join_per_account: Quota::new(20, 20, MINUTE),
            join_per_address: Quota::new(60, 60, MINUTE),
            requests_per_user: Quota::new(200, 50, Duration::from_secs(1)),
            loopback_factor: 1000,
        }
    }
}

impl Quotas {
    /// Counts a login. `account` is a valid user name, so the key has a bound.
    pub(super) async fn login(
        &self,
        bus: &Arc<dyn Bus>,
        address: ClientAddress,
        account: Option<&str>,
    ) -> ApiResult<()> {
        self.by_address(bus, "login-address", address, self.login_per_address).await?;
        match account {
            Some(account) => take(bus, "login-account", account, self.login_per_account).await,
            None => Ok(()),
        }
    }

    /// Counts a registration.
    pub(super) async fn register(
        &self,
        bus: &Arc<dyn Bus>,
        address: ClientAddress,
    ) -> ApiResult<()> {
        self.by_address(bus, "register-address", address, self.register_per_address).await
    }

    /// Counts a rotation.
    pub(super) async fn token(&self, bus: &Arc<dyn Bus>, address: ClientAddress) -> ApiResult<()> {
        self.by_address(bus, "token-address", address, self.token_per_address).await
    }

    /// Counts a code that is tried.
    pub(super) async fn join(
        &self,
        bus: &Arc<dyn Bus>,
        address: ClientAddress,
        user: &str,
    ) -> ApiResult<()> {
        self.by_address(bus, "join-address", address, self.join_per_address).await?;
        take(bus, "join-account", user, self.join_per_account).await
    }

    /// Counts any request of a user.
    pub(super) async fn requests_per_user(&self, bus: &Arc<dyn Bus>, user: &str) -> ApiResult<()> {
        take(bus, "requests", user, self.requests_per_user).await
    }

    async fn by_address(
        &self,
        bus: &Arc<dyn Bus>,
        kind: &str,
        address: ClientAddress,
        quota: Quota,
    ) -> ApiResult<()> {
        let factor = if address.is_loopback() { self.loopback_factor.max(1) } else { 1 };
        let quota =
            Quota { burst: quota.burst.saturating_mul(factor), every: quota.every / factor };
        take(bus, kind, &address.to_string(), quota).await
    }
}

async fn take(bus: &Arc<dyn Bus>, kind: &str, who: &str, quota: Quota) -> ApiResult<()> {
    match bus.take(&format!("{kind}:{who}"), quota).await? {
        Verdict::Allowed { .. } => Ok(()),
        Verdict::Refused { retry_after } => {
            Err(ApiError::new(ErrorCode::RateLimited).retry_after(retry_after))
        }
    }
}
