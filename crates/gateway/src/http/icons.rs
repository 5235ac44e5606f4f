//! Pictures of rooms.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use hubbub_protocol::http::{Role, Room, RoomKind};
use hubbub_protocol::{ErrorCode, PictureId, RoomId};
use hubbub_store::RoomUpdate;

use super::authority::require;
use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{PictureFile, Query, RoomPath};
use super::limiter::Limiter;
use super::openapi::about;
use super::pictures::{self, PICTURE_MAX, PictureQuery};
use super::problem::ApiResult;
use super::{room_view, rooms, uninterrupted};
use crate::app::App;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{Forbidden, ImageTooLarge, ImageUnreadable, RoomNotFound};
    let changes = Endpoints::of("Rooms")
        .put(
            "/rooms/{room}/icon",
            put,
            about("Set a room's picture; moderators")
                .description(
                    "PNG, JPEG, WebP or GIF, told by its bytes, up to 5 MiB. The middle is cut out \
                     and written anew in three sizes, without metadata.",
                )
                .errors(&[RoomNotFound, Forbidden, ImageUnreadable, ImageTooLarge]),
        )
        .delete(
            "/rooms/{room}/icon",
            remove,
            about("Take a room's picture away; moderators").errors(&[RoomNotFound, Forbidden]),
        )
        .layered(|router| router.layer(DefaultBodyLimit::max(PICTURE_MAX)));
    let shown = Endpoints::of("Rooms").get(
        "/rooms/{room}/icon",
        get,
        about("A room's picture")
            .description(
                "For members, and of a public room for everybody. A room's `icon` is this path with \
                 the picture's `v`; add `size`.",
            )
            .answers_picture()
            .errors(&[RoomNotFound]),
    );
    changes.and(shown)
}

/// `PUT /rooms/{room}/icon`.
async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    limiter: Limiter,
    RoomPath(room): RoomPath,
    file: PictureFile,
) -> ApiResult<Answer<Room>> {
    require(&app, caller.user, room, Role::Moderator).await?;
    let file = pictures::receive(&app, &limiter, caller.user, file).await?;
    uninterrupted(async move {
        let picture = pictures::keep(&app, file).await?;
        replace(&app, caller, room, Some(picture)).await?;
        room_view::view(&app, caller.user, room).await.map(Answer)
    })
    .await
}

/// `DELETE /rooms/{room}/icon`. Can be repeated.
async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> ApiResult<StatusCode> {
    uninterrupted(async move {
        replace(&app, caller, room, None).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Sets or takes away a picture, and removes the one before once nobody is shown it any more.
async fn replace(
    app: &App,
    caller: Caller,
    room: RoomId,
    icon: Option<PictureId>,
) -> ApiResult<()> {
    let (record, _) = require(app, caller.user, room, Role::Moderator).await?;
    if record.icon == icon {
        return Ok(());
    }
    let update = RoomUpdate { icon: Some(icon), ..RoomUpdate::default() };
    rooms::change(app, caller.user, room, update).await?;
    if let Some(before) = record.icon {
        pictures::discard(app, before).await;
    }
    Ok(())
}

/// `GET /rooms/{room}/icon`.
async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    Query(query): Query<PictureQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let ids = [room];
    let (membership, found) =
        tokio::try_join!(app.store.membership(room, caller.user), app.store.rooms(&ids))?;
    let visible = found.into_iter().next().filter(|record| {
        membership.is_some() || (record.kind == RoomKind::Public && !record.archived)
    });
    let record = visible.ok_or(ErrorCode::RoomNotFound)?;
    pictures::show(&app, record.icon, &query, &headers).await
}
