//! Who makes a request.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use hubbub_protocol::{ErrorCode, SessionId, Timestamp, UserId};
use hubbub_store::StoreError;

use super::limiter::Limiter;
use super::problem::{ApiError, ApiResult};
use super::quotas::Kind;
use crate::app::App;
use crate::auth::{Access, csrf};

/// Somebody with a live session.
///
/// The token is the `Authorization: Bearer` header's, else the access cookie's; never one from the
/// URL. A change that a cookie speaks for needs an allowed `Origin` and the session's CSRF token.
/// Whether the session has ended is asked of the bus every time, and of the store every half minute,
/// should the bus have forgotten; while either can't be asked nobody is let in (503).
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// By which login.
    pub session: SessionId,
    /// Whether a cookie spoke for them.
    pub via_cookie: bool,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let (token, via_cookie) = match bearer(&parts.headers)? {
            Some(token) => (token.to_owned(), false),
            None => match app.auth.cookies().access_token(&parts.headers) {
                Some(token) => (token, true),
                None => return Err(ErrorCode::TokenRequired.into()),
            },
        };
        let access = app.auth.verify_access(&token)?;
        if via_cookie && !is_safe(&parts.method) {
            check_change_by_cookie(app, &parts.headers, access.session)?;
        }
        let limiter =
            Limiter::from_request_parts(parts, app).await.unwrap_or_else(|never| match never {});
        let (ended, within_limit, live) = tokio::join!(
            app.bus.session_ended(access.session),
            limiter.take(Kind::Requests, access.user),
            is_live(app, &access),
        );
        if ended? {
            return Err(ErrorCode::SessionEnded.into());
        }
        within_limit?;
        if !live? {
            return Err(ErrorCode::SessionEnded.into());
        }
        Ok(Self { user: access.user, session: access.session, via_cookie })
    }
}

/// A site administrator with a live session. Everybody else is told that there is nothing.
#[derive(Debug, Clone, Copy)]
pub struct Admin(
    /// Who.
    pub Caller,
);

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if is_admin(app, caller.user).await? {
            Ok(Self(caller))
        } else {
            Err(ErrorCode::NotFound.into())
        }
    }
}

/// Whether somebody administers the site.
pub(super) async fn is_admin(app: &App, user: UserId) -> Result<bool, StoreError> {
    Ok(app.store.users(&[user]).await?.iter().any(|user| user.admin && user.is_active()))
}

/// Whether the store called the session live lately, or does now.
async fn is_live(app: &App, access: &Access) -> Result<bool, StoreError> {
    let now = Instant::now();
    let liveness = app.auth.liveness();
    if liveness.is_fresh(access.session, now) {
        return Ok(true);
    }
    let session = app.store.session(access.session, Timestamp::now()).await?;
    let live = session.is_some_and(|session| session.user == access.user);
    if live {
        liveness.note(access.session, now);
    }
    Ok(live)
}

/// Whether a change that a cookie speaks for comes from a page of ours that belongs to `session`.
///
/// # Errors
/// [`ErrorCode::OriginRefused`] and [`ErrorCode::CsrfFailed`].
pub(super) fn check_change_by_cookie(
    app: &App,
    headers: &HeaderMap,
    session: SessionId,
) -> ApiResult<()> {
    check_page(app, headers, true)?;
    let matches =
        presented_csrf(headers).is_some_and(|presented| app.auth.csrf_matches(session, presented));
    if matches { Ok(()) } else { Err(ErrorCode::CsrfFailed.into()) }
}

/// The same for the rotation of `session`'s tokens, which must go on when the key of its CSRF token
/// has been retired: there the header may also repeat the CSRF cookie. That proves as much of the page
/// (it could read the cookie), if less of the session; the refresh cookie, which browsers send with
/// requests of this site only, names that.
///
/// # Errors
/// [`ErrorCode::OriginRefused`] and [`ErrorCode::CsrfFailed`].
pub(super) fn check_rotation_by_cookie(
    app: &App,
    headers: &HeaderMap,
    session: SessionId,
) -> ApiResult<()> {
    check_page(app, headers, true)?;
    let repeated = app.auth.cookies().csrf_token(headers);
    let repeats =
        presented_csrf(headers).is_some_and(|presented| repeated.as_deref() == Some(presented));
    if repeats { Ok(()) } else { check_change_by_cookie(app, headers, session) }
}

/// The CSRF token that a page sends.
fn presented_csrf(headers: &HeaderMap) -> Option<&str> {
    headers.get(csrf::HEADER).and_then(|value| value.to_str().ok())
}

/// Whether the page that makes the request may use cookies here.
///
/// # Errors
/// [`ErrorCode::OriginRefused`].
pub(super) fn check_page(app: &App, headers: &HeaderMap, cookie_in_use: bool) -> ApiResult<()> {
    app.http.origins.check(headers, cookie_in_use)?;
    // Fetch Metadata: the browser's own word, which no page can change.
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Err(ErrorCode::OriginRefused.into());
    }
    Ok(())
}

/// The token of the `Authorization` header. Another scheme than `Bearer`, or one that can't be
/// read, does not fall back to the cookie: the caller meant to say who they are.
fn bearer(headers: &HeaderMap) -> ApiResult<Option<&str>> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| Some(token.trim()))
        .ok_or_else(|| ErrorCode::TokenInvalid.into())
}

/// RFC 9110, section 9.2.1.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
