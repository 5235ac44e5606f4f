//! Ending sessions, told to every node (P6): their tokens no longer let anybody in, and their
//! sockets are closed.

use futures_util::{StreamExt, TryStreamExt, stream};
use hubbub_protocol::{SessionId, Timestamp, UserId};

use crate::app::App;
use crate::refused::Refused;

/// Sessions of which the nodes are told at a time.
const TOLD_AT_A_TIME: usize = 16;

/// Ends one session.
///
/// # Errors
/// When store or bus are away. Until it has succeeded the session's tokens may still pass, so the
/// same call can be made again.
pub async fn end_session(app: &App, session: SessionId) -> Result<(), Refused> {
    app.store.end_session(session).await?;
    tell(app, session).await
}

/// Ends all of somebody's sessions but one.
///
/// # Errors
/// As for [`end_session`].
pub async fn end_sessions(app: &App, user: UserId, but: Option<SessionId>) -> Result<(), Refused> {
    let ended = app.store.end_sessions(user, but, Timestamp::now()).await?;
    stream::iter(ended.into_iter().map(|session| tell(app, session)))
        .buffer_unordered(TOLD_AT_A_TIME)
        .try_collect()
        .await
}

async fn tell(app: &App, session: SessionId) -> Result<(), Refused> {
    Ok(app.bus.end_session(session, app.auth.ended_session_memory()).await?)
}
