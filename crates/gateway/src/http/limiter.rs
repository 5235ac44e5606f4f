//! Counting a request towards quotas, and telling its client what is left of them.
//!
//! The headers are those of draft-ietf-httpapi-ratelimit-headers-10: a list of policies, each with
//! its quota `q` in a window of `w` seconds, and what is left of each, `r`, which is whole again
//! after `t` seconds.

use std::convert::Infallible;
use std::fmt::{Display, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use hubbub_bus::{Quota, Verdict};
use hubbub_protocol::ErrorCode;

use super::address::ClientAddress;
use super::openapi::{About, Schemas, Takes};
use super::problem::{ApiError, ApiResult};
use super::quotas::Kind;
use crate::app::App;
use crate::metric::exceeded;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What one request counted towards.
type Counted = Arc<Mutex<Vec<Standing>>>;

/// How a quota stands after a request.
#[derive(Debug, Clone, Copy)]
struct Standing {
    kind: Kind,
    quota: Quota,
    verdict: Verdict,
}

/// Counts the request it is extracted from.
#[derive(Debug, Clone)]
pub(super) struct Limiter {
    app: Arc<App>,
    address: ClientAddress,
    counted: Counted,
}

impl Limiter {
    /// Counts one for an account: an id, or a valid user name.
    ///
    /// # Errors
    /// [`ErrorCode::RateLimited`], and [`ErrorCode::Unavailable`] when the bus can't be asked.
    pub(super) async fn take(&self, kind: Kind, account: impl Display) -> ApiResult<()> {
        self.count(kind, account, self.app.http.quotas.get(kind)).await
    }

    /// Counts one for the address the request comes from.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(super) async fn take_for_address(&self, kind: Kind) -> ApiResult<()> {
        let quota = self.app.http.quotas.for_address(kind, self.address);
        self.count(kind, self.address, quota).await
    }

    async fn count(&self, kind: Kind, who: impl Display, quota: Quota) -> ApiResult<()> {
        let verdict = self.app.bus.take(&format!("{}:{who}", kind.name()), quota).await?;
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.push(Standing { kind, quota, verdict });
        match verdict {
            Verdict::Allowed { .. } => Ok(()),
            Verdict::Refused { retry_after } => {
                exceeded(kind);
                Err(ApiError::new(ErrorCode::RateLimited).retry_after(retry_after))
            }
        }
    }
}

impl FromRequestParts<Arc<App>> for Limiter {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let address = ClientAddress::from_request_parts(parts, app).await?;
        let counted = parts.extensions.get_or_insert_default::<Counted>();
        Ok(Self { app: Arc::clone(app), address, counted: Arc::clone(counted) })
    }
}

impl Takes for Limiter {
    fn takes(about: &mut About, _: &mut Schemas) {
        about.fails(ErrorCode::RateLimited);
    }
}

/// Tells in the answer's headers how the quotas stand that the request counted towards.
pub(super) async fn tell(mut request: Request, next: Next) -> Response {
    let counted = Counted::default();
    request.extensions_mut().insert(Arc::clone(&counted));
    let mut response = next.run(request).await;
    let counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((policy, limit)) = headers(&counted) {
        response.headers_mut().insert(POLICY, policy);
        response.headers_mut().insert(LIMIT, limit);
    }
    response
}

fn headers(counted: &[Standing]) -> Option<(HeaderValue, HeaderValue)> {
    let (mut policy, mut limit) = (String::new(), String::new());
    for Standing { kind, quota, verdict } in counted {
        let (remaining, wait) = match verdict {
            Verdict::Allowed { remaining } => {
                (*remaining, quota.every * quota.burst.saturating_sub(*remaining))
            }
            Verdict::Refused { retry_after } => (0, *retry_after),
        };
        let separator = if policy.is_empty() { "" } else { ", " };
        let name = kind.name();
        let window = seconds(quota.every.saturating_mul(quota.burst));
        // Writing to a string can't fail.
        let _ = write!(policy, "{separator}\"{name}\";q={};w={window}", quota.burst);
        let _ = write!(limit, "{separator}\"{name}\";r={remaining};t={}", seconds(wait));
    }
    if policy.is_empty() {
        return None;
    }
    Some((HeaderValue::try_from(policy).ok()?, HeaderValue::try_from(limit).ok()?))
}

/// Whole seconds, rounded up.
fn seconds(duration: Duration) -> u128 {
    duration.as_millis().div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(counted: &[(Kind, u32, u64, Verdict)]) -> Option<(String, String)> {
        let counted: Vec<_> = counted
            .iter()
            .map(|(kind, burst, seconds, verdict)| Standing {
                kind: *kind,
                quota: Quota { burst: *burst, every: Duration::from_secs(*seconds) },
                verdict: *verdict,
            })
            .collect();
        let (policy, limit) = headers(&counted)?;
        Some((policy.to_str().unwrap().to_owned(), limit.to_str().unwrap().to_owned()))
    }

    #[test]
    fn every_quota_is_told_with_what_is_left_of_it() {
        let (policy, limit) = told(&[
            (Kind::LoginAddress, 60, 1, Verdict::Allowed { remaining: 59 }),
            (Kind::LoginAccount, 10, 6, Verdict::Allowed { remaining: 7 }),
        ])
        .unwrap();
        assert_eq!(policy, r#""login-address";q=60;w=60, "login-account";q=10;w=60"#);
        assert_eq!(limit, r#""login-address";r=59;t=1, "login-account";r=7;t=18"#);
    }

    #[test]
    fn of_one_that_is_used_up_nothing_is_left_until_the_next_is_allowed() {
        let refused = Verdict::Refused { retry_after: Duration::from_millis(5_001) };
        let (_, limit) = told(&[(Kind::Search, 20, 6, refused)]).unwrap();
        assert_eq!(limit, r#""search";r=0;t=6"#);
    }

    #[test]
    fn what_counts_towards_nothing_is_told_nothing() {
        assert_eq!(told(&[]), None);
    }
}
