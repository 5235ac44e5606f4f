//! One's own account: profile, password, and its end.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hubbub_protocol::http::{ChangePasswordRequest, DeleteMeRequest, Me, UpdateMeRequest};
use hubbub_protocol::limits::PASSWORD_LENGTH;
use hubbub_protocol::{ErrorCode, Timestamp};
use hubbub_store::{PrivateAccount, ProfileChange, UserRecord};

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::Json;
use super::fields::Fields;
use super::limiter::Limiter;
use super::openapi::about;
use super::problem::{ApiError, ApiResult};
use super::quotas::Kind;
use super::{uninterrupted, users};
use crate::app::App;
use crate::{erasure, revocation};

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{InvalidCredentials, InvalidField, LastAdmin};
    Endpoints::of("Accounts")
        .get("/me", get, about("Your account"))
        .patch(
            "/me",
            update,
            about("Change your profile")
                .description("Whoever watches you, and your own other devices, get a `user` frame.")
                .errors(&[InvalidField]),
        )
        .put(
            "/me/password",
            change_password,
            about("Change your password")
                .description("Ends all your other sessions.")
                .errors(&[InvalidField, InvalidCredentials]),
        )
        .delete(
            "/me",
            delete,
            about("Delete your account for good")
                .description(
                    "Your messages stay, by \"Deleted user\". Everything else of yours goes; the \
                     user name stays taken.",
                )
                .errors(&[InvalidCredentials, LastAdmin]),
        )
}

/// `GET /me`.
async fn get(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<Answer<Me>> {
    view(&app, own(&app, caller).await?).await.map(Answer)
}

/// `PATCH /me`. Whoever watches the user, and their own other devices, are told.
async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(request): Json<UpdateMeRequest>,
) -> ApiResult<Answer<Me>> {
    let mut fields = Fields::default();
    let change = ProfileChange {
        display_name: request.display_name.map(|text| fields.display_name(&text)),
        bio: request.bio.map(|text| fields.bio(&text)),
        status_text: request.status_text.map(|text| fields.status_text(&text)),
        send_receipts: request.send_receipts,
        send_typing: request.send_typing,
        availability: request.availability,
    };
    fields.check()?;
    uninterrupted(async move {
        app.store.update_profile(caller.user, change).await?.ok_or(ErrorCode::TokenInvalid)?;
        let me = view(&app, own(&app, caller).await?).await?;
        users::tell(&app, &me.user).await;
        Ok(Answer(me))
    })
    .await
}

/// `PUT /me/password`. Ends all other sessions.
async fn change_password(
    State(app): State<Arc<App>>,
    caller: Caller,
    limiter: Limiter,
    Json(request): Json<ChangePasswordRequest>,
) -> ApiResult<StatusCode> {
    let mut fields = Fields::default();
    fields.password(&request.password);
    fields.check()?;
    confirm(&app, caller, &limiter, request.current).await?;
    let hash = app.auth.passwords().hash(request.password).await?;
    uninterrupted(async move {
        if !app.store.set_password(caller.user, hash).await? {
            return Err(ErrorCode::TokenInvalid.into());
        }
        revocation::end_sessions(&app, caller.user, Some(caller.session)).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `DELETE /me`: the account ends for good. From the answer on nobody finds it and it lets nobody
/// in; what is left of it then, and the rooms it owned, is seen to at once or, should that be cut
/// off, by whichever node comes by.
async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    limiter: Limiter,
    Json(request): Json<DeleteMeRequest>,
) -> ApiResult<Response> {
    confirm(&app, caller, &limiter, request.password).await?;
    let ending = Arc::clone(&app);
    uninterrupted(async move {
        ending.store.begin_erasure(caller.user, Timestamp::now()).await?;
        if let Err(refused) = erasure::finish(&ending, caller.user).await {
            tracing::warn!(code = %refused.code, user = %caller.user, "an account's end is put off");
        }
        Ok(())
    })
    .await?;
    Ok(if caller.via_cookie {
        (StatusCode::NO_CONTENT, app.auth.cookies().clear()).into_response()
    } else {
        StatusCode::NO_CONTENT.into_response()
    })
}

async fn own(app: &App, caller: Caller) -> ApiResult<PrivateAccount> {
    // A token of a user who is gone is nobody's.
    app.store.account(caller.user).await?.ok_or_else(|| ErrorCode::TokenInvalid.into())
}

async fn view(app: &App, account: PrivateAccount) -> ApiResult<Me> {
    let PrivateAccount { user, email, password_hash: _ } = account;
    let UserRecord { id: viewer, admin, send_receipts, send_typing, availability, .. } = user;
    let user = users::views(app, viewer, vec![user]).await?.pop();
    let user = user.ok_or_else(|| ApiError::new(ErrorCode::Internal))?;
    Ok(Me { user, email, admin, send_receipts, send_typing, availability })
}

/// Whether whoever holds the token knows the password as well. Counts as a login, or tokens would
/// be a way to try passwords.
///
/// # Errors
/// [`ErrorCode::InvalidCredentials`], [`ErrorCode::RateLimited`].
async fn confirm(app: &App, caller: Caller, limiter: &Limiter, password: String) -> ApiResult<()> {
    let account = own(app, caller).await?;
    limiter.take_for_address(Kind::LoginAddress).await?;
    limiter.take(Kind::LoginAccount, &account.user.username).await?;
    if password.len() > *PASSWORD_LENGTH.end() {
        return Err(ErrorCode::InvalidCredentials.into());
    }
    if app.auth.passwords().verify(password, Some(account.password_hash)).await? {
        Ok(())
    } else {
        Err(ApiError::new(ErrorCode::InvalidCredentials).detail("Wrong password"))
    }
}
