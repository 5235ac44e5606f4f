//! Whom one does not want to hear from.
//!
//! A block holds both ways for direct messages, and hides what one does from whom one has blocked.
//! Nobody is told that they are blocked; one's own devices are told whom one has blocked.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use hubbub_bus::BusError;
use hubbub_protocol::http::UserList;
use hubbub_protocol::limits::LIST_MAX;
use hubbub_protocol::{ErrorCode, ServerFrame, UserId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{Query, UserPath, id};
use super::fields::Fields;
use super::openapi::about;
use super::problem::ApiResult;
use super::{LIST_DEFAULT, cut, uninterrupted, users};
use crate::app::App;
use crate::{presence, room_changes};

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{BadId, BlockSelf, InvalidField, TooManyBlocks, UserNotFound};
    Endpoints::of("People")
        .get("/me/blocks", list, about("Whom you have blocked").errors(&[BadId, InvalidField]))
        .put(
            "/me/blocks/{user}",
            block,
            about("Block somebody")
                .description(
                    "No direct messages either way, and what you do is hidden from them. They are \
                     not told.",
                )
                .errors(&[UserNotFound, BlockSelf, TooManyBlocks]),
        )
        .delete("/me/blocks/{user}", unblock, about("Take a block back"))
}

/// The query of `GET /me/blocks`.
#[derive(Debug, Deserialize, JsonSchema)]
struct BlockQuery {
    /// Where the page starts: `next` of the one before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

/// `GET /me/blocks`.
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<BlockQuery>,
) -> ApiResult<Answer<UserList>> {
    let mut fields = Fields::default();
    let limit = fields.limit(query.limit, LIST_DEFAULT, LIST_MAX);
    fields.check()?;
    let after = query.after.as_deref().map(id).transpose()?;
    let mut blocked = app.store.blocked_by(caller.user, after, limit + 1).await?;
    let next = cut(&mut blocked, limit).map(ToString::to_string);
    let mut records = app.store.users(&blocked).await?;
    records.sort_unstable_by_key(|user| user.id);
    Ok(Answer(UserList { users: users::views(&app, caller.user, records).await?, next }))
}

/// `PUT /me/blocks/{user}`. Can be repeated.
async fn block(
    State(app): State<Arc<App>>,
    caller: Caller,
    UserPath(user): UserPath,
) -> ApiResult<StatusCode> {
    if user == caller.user {
        return Err(ErrorCode::BlockSelf.into());
    }
    users::require(&app, user).await?;
    uninterrupted(async move {
        app.store.block(caller.user, user).await?;
        room_changes::tell_nodes_of_pair(&app, [caller.user, user]).await?;
        presence::hide(&app, caller.user, user).await?;
        tell_own_devices(&app, caller.user, user, true).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `DELETE /me/blocks/{user}`. Can be repeated, and for people who never were blocked.
async fn unblock(
    State(app): State<Arc<App>>,
    caller: Caller,
    UserPath(user): UserPath,
) -> ApiResult<StatusCode> {
    uninterrupted(async move {
        app.store.unblock(caller.user, user).await?;
        room_changes::tell_nodes_of_pair(&app, [caller.user, user]).await?;
        tell_own_devices(&app, caller.user, user, false).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Who blocks somebody is told on all their devices. Who is blocked is not.
async fn tell_own_devices(
    app: &App,
    caller: UserId,
    user: UserId,
    blocked: bool,
) -> Result<(), BusError> {
    let frame = ServerFrame::Block { user, blocked };
    app.bus.tell_users(&[caller], &format!("block:{user}"), &frame.encode()).await
}
