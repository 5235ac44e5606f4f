//! Sessions: begin, rotate, end.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use hubbub_protocol::http::{SessionResponse, TokenRequest, Transport};
use hubbub_protocol::{ErrorCode, SessionId, Timestamp};
use hubbub_store::{NewSession, Rotation, UserRecord};

use super::caller::{Caller, check_rotation_by_cookie};
use super::endpoints::Endpoints;
use super::extract::OptionalJson;
use super::limiter::Limiter;
use super::openapi::about;
use super::problem::ApiResult;
use super::quotas::Kind;
use super::{uninterrupted, users};
use crate::app::App;
use crate::auth::cookies::SessionCookies;
use crate::auth::token::RefreshToken;
use crate::revocation;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{CsrfFailed, OriginRefused, SessionEnded, TokenInvalid, TokenRequired};
    Endpoints::of("Sessions")
        .post(
            "/token",
            token,
            about("Rotate the tokens")
                .description(
                    "A refresh token works once; one that comes a second time ends its session. \
                     Cookie clients leave the body out and send `X-CSRF-Token`.",
                )
                .answers::<SessionResponse>()
                .errors(&[TokenRequired, TokenInvalid, SessionEnded, CsrfFailed, OriginRefused]),
        )
        .post("/logout", logout, about("End this session and its sockets, on every node"))
}

/// Live sessions of one user. Beginning one more ends the one whose tokens were renewed longest
/// ago.
const SESSIONS_MAX: usize = 100;

/// Longest name of a client that is kept, in bytes.
const CLIENT_MAX: usize = 200;

/// Somebody who has shown that they know the password of an account.
pub(super) struct Proven {
    /// The account.
    pub user: UserRecord,
    /// The hash that their password matched.
    pub password_hash: String,
}

/// Begins a session.
pub(super) async fn begin(
    app: &App,
    proven: Proven,
    headers: &HeaderMap,
    transport: Transport,
) -> ApiResult<(CookieJar, Answer<SessionResponse>)> {
    let user = proven.user.clone();
    let now = Timestamp::now();
    let id = SessionId::new();
    let refresh = RefreshToken::generate(id);
    app.store
        .create_session(NewSession {
            id,
            user: user.id,
            token: refresh.hash(),
            created_at: now,
            expires_at: now.after(app.auth.refresh_token_ttl()),
            access_expires_at: app.auth.access_expires_at(now),
            client: client(headers),
        })
        .await?;
    settle(app, id, &proven).await?;
    answer(app, user, id, &refresh, now, transport).await
}

/// What a client calls itself, as far as that can be shown.
fn client(headers: &HeaderMap) -> Option<String> {
    let name = headers.get(USER_AGENT)?.to_str().ok()?.trim();
    // Header values that are text are ASCII.
    let name = name.get(..CLIENT_MAX).unwrap_or(name);
    (!name.is_empty()).then(|| name.to_owned())
}

/// Whether a session that has just begun may stay, and ends the oldest past the bound.
///
/// Whoever suspends or deletes an account, or changes its password, ends its sessions after that:
/// so one that began meanwhile is either among them, or finds the change here.
async fn settle(app: &App, session: SessionId, proven: &Proven) -> ApiResult<()> {
    let user = proven.user.id;
    let (account, mut sessions) =
        tokio::try_join!(app.store.account(user), app.store.sessions_of(user, Timestamp::now()))?;
    let refused = match account {
        Some(account) if account.user.suspended_at.is_some() => Some(ErrorCode::AccountSuspended),
        Some(account) if account.password_hash == proven.password_hash => None,
        _ => Some(ErrorCode::InvalidCredentials),
    };
    if let Some(code) = refused {
        revocation::end_session(app, session).await?;
        return Err(code.into());
    }
    sessions.sort_unstable_by_key(|session| Reverse(session.renewed_at));
    for old in sessions.iter().skip(SESSIONS_MAX).filter(|old| old.id != session) {
        revocation::end_session(app, old.id).await?;
    }
    Ok(())
}

/// `POST /token`: a new access token for the latest refresh token, which works once.
///
/// A refresh token that comes a second time has been copied: its session ends, with all tokens of
/// it and all its sockets.
pub(super) async fn token(
    State(app): State<Arc<App>>,
    limiter: Limiter,
    headers: HeaderMap,
    OptionalJson(request): OptionalJson<TokenRequest>,
) -> Response {
    let presented = request.and_then(|request| request.refresh_token);
    let transport = if presented.is_some() { Transport::Bearer } else { Transport::Cookie };
    let rotated = uninterrupted({
        let app = Arc::clone(&app);
        async move { rotate(&app, &limiter, &headers, presented).await }
    });
    match rotated.await {
        Ok(answer) => answer.into_response(),
        // What the browser keeps is of no more use.
        Err(error) if transport == Transport::Cookie && is_over(error.code()) => {
            (app.auth.cookies().clear(), error).into_response()
        }
        Err(error) => error.into_response(),
    }
}

const fn is_over(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::SessionEnded | ErrorCode::TokenInvalid)
}

async fn rotate(
    app: &App,
    limiter: &Limiter,
    headers: &HeaderMap,
    presented: Option<String>,
) -> ApiResult<(CookieJar, Answer<SessionResponse>)> {
    limiter.take_for_address(Kind::TokenAddress).await?;
    let (presented, transport) = match presented {
        Some(text) => (RefreshToken::parse(&text)?, Transport::Bearer),
        None => {
            let text = app.auth.cookies().refresh_token(headers).ok_or(ErrorCode::TokenRequired)?;
            let token = RefreshToken::parse(&text)?;
            check_rotation_by_cookie(app, headers, token.session())?;
            (token, Transport::Cookie)
        }
    };
    let next = RefreshToken::generate(presented.session());
    let now = Timestamp::now();
    let rotation = app
        .store
        .rotate_session(
            &presented.hash(),
            &next.hash(),
            now,
            now.after(app.auth.refresh_token_ttl()),
            app.auth.access_expires_at(now),
        )
        .await?;
    match rotation {
        Rotation::Rotated(session) => {
            let user = app.store.users(&[session.user]).await?.pop();
            let user = user.ok_or(ErrorCode::TokenInvalid)?;
            answer(app, user, session.id, &next, now, transport).await
        }
        Rotation::Reused(session) => {
            tracing::warn!(%session, "a used refresh token came back; its session has ended");
            // If this fails the same token can be presented again, and is reused again.
            app.bus.end_session(session, app.auth.ended_session_memory()).await?;
            Err(ErrorCode::SessionEnded.into())
        }
        Rotation::Unknown => Err(ErrorCode::TokenInvalid.into()),
    }
}

/// `POST /logout`: ends the session and its sockets on every node.
pub(super) async fn logout(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<Response> {
    let ending = Arc::clone(&app);
    uninterrupted(async move { Ok(revocation::end_session(&ending, caller.session).await?) })
        .await?;
    Ok(if caller.via_cookie {
        (StatusCode::NO_CONTENT, app.auth.cookies().clear()).into_response()
    } else {
        StatusCode::NO_CONTENT.into_response()
    })
}

async fn answer(
    app: &App,
    user: UserRecord,
    session: SessionId,
    refresh: &RefreshToken,
    now: Timestamp,
    transport: Transport,
) -> ApiResult<(CookieJar, Answer<SessionResponse>)> {
    let (access_token, access) = app.auth.issue_access(user.id, session, now);
    let expires_in = now.until(access.expires_at).as_secs();
    // The session has begun or moved on: that its user's presence can't be told must not take the
    // new tokens away.
    let user = users::view_or_offline(app, user).await;
    let mut response = SessionResponse {
        user,
        expires_in,
        access_token: None,
        refresh_token: None,
        csrf_token: None,
    };
    let cookies = match transport {
        Transport::Bearer => {
            response.access_token = Some(access_token);
            response.refresh_token = Some(refresh.to_text());
            CookieJar::new()
        }
        Transport::Cookie => {
            let csrf_token = app.auth.csrf_token(session);
            response.csrf_token = Some(csrf_token.clone());
            app.auth.cookies().set(SessionCookies {
                access_token,
                refresh_token: refresh.to_text(),
                csrf_token,
                ttl: app.auth.refresh_token_ttl(),
            })
        }
    };
    Ok((cookies, Answer(response)))
}
