//! Destroying a room, and how far the removal of what is left has come.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use hubbub_protocol::http::{DestroyRoomRequest, Destruction, Role};
use hubbub_protocol::{ErrorCode, RoomId, UserId};
use hubbub_store::{DestructionJob, RoomRecord};

use super::caller::{Caller, is_admin};
use super::endpoints::Endpoints;
use super::extract::{Json, RoomPath};
use super::fields::Fields;
use super::openapi::about;
use super::problem::{ApiError, ApiResult};
use super::uninterrupted;
use crate::app::App;
use crate::room_changes;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{Forbidden, InvalidField, RoomNotFound};
    Endpoints::of("Rooms")
        .delete(
            "/rooms/{room}",
            destroy,
            about("Destroy a room for good; its owner, or a site administrator")
                .description(
                    "The room is gone at once for everybody; what it leaves is removed afterwards. \
                     `name` is the room's name, typed again.",
                )
                .succeeds(&[202])
                .errors(&[RoomNotFound, Forbidden, InvalidField]),
        )
        .get(
            "/rooms/{room}/destruction",
            progress,
            about("How far the removal of a room you destroyed has come").errors(&[RoomNotFound]),
        )
}

fn view(job: &DestructionJob) -> Destruction {
    let DestructionJob { room, at, finished_at, removed, .. } = *job;
    Destruction { room, at, finished_at, removed }
}

/// A room that somebody may destroy.
async fn destroyable(app: &App, user: UserId, room: RoomId) -> ApiResult<RoomRecord> {
    let ids = [room];
    let (membership, rooms) =
        tokio::try_join!(app.store.membership(room, user), app.store.rooms(&ids))?;
    let admin = is_admin(app, user).await?;
    let record = rooms.into_iter().next().filter(|_| membership.is_some() || admin);
    let record = record.ok_or(ErrorCode::RoomNotFound)?;
    if record.kind.is_direct() {
        let detail = "A direct room belongs to its people alike";
        return Err(ApiError::new(ErrorCode::Forbidden).detail(detail));
    }
    if !admin && membership.is_none_or(|membership| membership.role < Role::Owner) {
        return Err(ErrorCode::Forbidden.into());
    }
    Ok(record)
}

/// `DELETE /rooms/{room}`.
async fn destroy(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    Json(request): Json<DestroyRoomRequest>,
) -> ApiResult<(StatusCode, Answer<Destruction>)> {
    let mut fields = Fields::default();
    let reason = fields.optional_reason(request.reason);
    fields.check()?;
    let record = destroyable(&app, caller.user, room).await?;
    if request.name.trim() != record.name {
        return Err(ApiError::field("name", "the room's name, exactly"));
    }
    uninterrupted(async move {
        let job = room_changes::destroy(&app, room, caller.user, reason).await?;
        Ok((StatusCode::ACCEPTED, Answer(view(&job))))
    })
    .await
}

/// `GET /rooms/{room}/destruction`: for whoever destroyed it, and site administrators.
async fn progress(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> ApiResult<Answer<Destruction>> {
    let job = app.store.destruction(room).await?.ok_or(ErrorCode::RoomNotFound)?;
    if job.by != caller.user && !is_admin(&app, caller.user).await? {
        return Err(ErrorCode::RoomNotFound.into());
    }
    Ok(Answer(view(&job)))
}
