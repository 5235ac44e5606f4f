//! One's own sessions: where one is logged in.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use hubbub_protocol::http::{Session, SessionList};
use hubbub_protocol::{ErrorCode, Timestamp};

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::SessionPath;
use super::openapi::about;
use super::problem::ApiResult;
use super::uninterrupted;
use crate::app::App;
use crate::revocation;

pub(super) fn endpoints() -> Endpoints {
    Endpoints::of("Sessions")
        .get("/me/sessions", list, about("Where you are logged in"))
        .delete("/me/sessions", end_others, about("End all your other sessions and their sockets"))
        .delete(
            "/me/sessions/{session}",
            end,
            about("End one of your sessions and its sockets").errors(&[ErrorCode::SessionNotFound]),
        )
}

/// `GET /me/sessions`.
async fn list(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<Answer<SessionList>> {
    let sessions = app.store.sessions_of(caller.user, Timestamp::now()).await?;
    let sessions = sessions.into_iter().map(|session| Session {
        id: session.id,
        created_at: session.created_at,
        renewed_at: session.renewed_at,
        expires_at: session.expires_at,
        client: session.client,
        current: session.id == caller.session,
    });
    Ok(Answer(SessionList { sessions: sessions.collect() }))
}

/// `DELETE /me/sessions/{session}`; the one that asks may end itself. What is not one's own and
/// what has ended get the same answer.
async fn end(
    State(app): State<Arc<App>>,
    caller: Caller,
    SessionPath(session): SessionPath,
) -> ApiResult<StatusCode> {
    let sessions = app.store.sessions_of(caller.user, Timestamp::now()).await?;
    if !sessions.iter().any(|own| own.id == session) {
        return Err(ErrorCode::SessionNotFound.into());
    }
    uninterrupted(async move {
        revocation::end_session(&app, session).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `DELETE /me/sessions`: all but the one that asks.
async fn end_others(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<StatusCode> {
    uninterrupted(async move {
        revocation::end_sessions(&app, caller.user, Some(caller.session)).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
