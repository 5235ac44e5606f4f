//! Pictures of people.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use hubbub_protocol::ErrorCode;
use hubbub_protocol::http::User;
use hubbub_store::UserRecord;

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{PictureFile, Query, UserPath};
use super::limiter::Limiter;
use super::openapi::about;
use super::pictures::{self, PICTURE_MAX, PictureQuery};
use super::problem::ApiResult;
use super::{uninterrupted, users};
use crate::app::App;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{ImageTooLarge, ImageUnreadable, UserNotFound};
    let own = Endpoints::of("Accounts")
        .put(
            "/me/avatar",
            put,
            about("Set your picture")
                .description(
                    "PNG, JPEG, WebP or GIF, told by its bytes, up to 5 MiB. The middle is cut out \
                     and written anew in three sizes, without metadata.",
                )
                .errors(&[ImageUnreadable, ImageTooLarge]),
        )
        .delete("/me/avatar", remove, about("Take your picture away"))
        .layered(|router| router.layer(DefaultBodyLimit::max(PICTURE_MAX)));
    let others = Endpoints::of("People").get(
        "/users/{user}/avatar",
        get,
        about("Somebody's picture")
            .description("A user's `avatar` is this path with the picture's `v`; add `size`.")
            .answers_picture()
            .errors(&[UserNotFound]),
    );
    own.and(others)
}

/// `PUT /me/avatar`.
async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    limiter: Limiter,
    file: PictureFile,
) -> ApiResult<Answer<User>> {
    let file = pictures::receive(&app, &limiter, caller.user, file).await?;
    uninterrupted(async move {
        let picture = pictures::keep(&app, file).await?;
        match app.store.set_avatar(caller.user, Some(picture)).await? {
            Some(before) => {
                if let Some(before) = before {
                    pictures::discard(&app, before).await;
                }
                Ok(Answer(told(&app, caller).await?))
            }
            // Deleted at the same moment.
            None => {
                pictures::discard(&app, picture).await;
                Err(ErrorCode::TokenInvalid.into())
            }
        }
    })
    .await
}

/// `DELETE /me/avatar`. Can be repeated.
async fn remove(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<StatusCode> {
    uninterrupted(async move {
        let before = app.store.set_avatar(caller.user, None).await?;
        if let Some(before) = before.ok_or(ErrorCode::TokenInvalid)? {
            pictures::discard(&app, before).await;
            told(&app, caller).await?;
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `GET /users/{user}/avatar`.
async fn get(
    State(app): State<Arc<App>>,
    _: Caller,
    UserPath(user): UserPath,
    Query(query): Query<PictureQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let UserRecord { avatar, .. } = users::require(&app, user).await?;
    pictures::show(&app, avatar, &query, &headers).await
}

/// The caller as they are now, of which everybody concerned is told.
async fn told(app: &App, caller: Caller) -> ApiResult<User> {
    let record = users::require(app, caller.user).await?;
    let mut views = users::views(app, caller.user, vec![record]).await?;
    let user = views.pop().ok_or(ErrorCode::UserNotFound)?;
    users::tell(app, &user).await;
    Ok(user)
}
