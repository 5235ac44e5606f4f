//! Accounts: register, log in, who am I.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum_extra::extract::CookieJar;
use hubbub_protocol::http::{LoginRequest, RegisterRequest, SessionResponse, Transport, User};
use hubbub_protocol::limits::PASSWORD_LENGTH;
use hubbub_protocol::{ErrorCode, Timestamp, UserId};
use hubbub_store::NewUser;

use super::caller::{Caller, check_page};
use super::endpoints::Endpoints;
use super::extract::Json;
use super::fields::{self, Fields};
use super::limiter::Limiter;
use super::openapi::about;
use super::problem::ApiResult;
use super::quotas::Kind;
use super::{sessions, users};
use crate::app::App;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{InvalidCredentials, InvalidField, OriginRefused, UsernameTaken};
    Endpoints::of("Accounts")
        .post(
            "/register",
            register,
            about("Make an account and begin its first session").errors(&[
                InvalidField,
                UsernameTaken,
                OriginRefused,
            ]),
        )
        .post(
            "/login",
            login,
            about("Begin a session")
                .description("A wrong password and an unknown user get the same answer.")
                .errors(&[InvalidCredentials, OriginRefused]),
        )
        .get("/me", me, about("Your account"))
}

/// `POST /register`.
pub(super) async fn register(
    State(app): State<Arc<App>>,
    limiter: Limiter,
    headers: HeaderMap,
    Json(request): Json<RegisterRequest>,
) -> ApiResult<(StatusCode, CookieJar, Answer<SessionResponse>)> {
    let RegisterRequest { username, password, display_name, email, transport } = request;
    check_transport(&app, &headers, transport)?;
    let mut fields = Fields::default();
    let username = fields.username(&username);
    fields.password(&password);
    let display_name = display_name.map(|text| fields.display_name(&text));
    let email = email.map(|text| fields.email(&text));
    fields.check()?;
    limiter.take_for_address(Kind::RegisterAddress).await?;

    let password_hash = app.auth.passwords().hash(password).await?;
    let user = app
        .store
        .create_user(NewUser {
            id: UserId::new(),
            display_name: display_name.unwrap_or_else(|| username.clone()),
            username,
            email,
            password_hash,
            created_at: Timestamp::now(),
        })
        .await?;
    let (cookies, response) = sessions::begin(&app, user, transport).await?;
    Ok((StatusCode::CREATED, cookies, response))
}

/// `POST /login`. A wrong password and an unknown user get the same answer for the same work.
pub(super) async fn login(
    State(app): State<Arc<App>>,
    limiter: Limiter,
    headers: HeaderMap,
    Json(request): Json<LoginRequest>,
) -> ApiResult<(CookieJar, Answer<SessionResponse>)> {
    let LoginRequest { username, password, transport } = request;
    check_transport(&app, &headers, transport)?;
    let username = fields::username(&username);
    limiter.take_for_address(Kind::LoginAddress).await?;
    if let Some(username) = &username {
        limiter.take(Kind::LoginAccount, username).await?;
    }
    // No account has such a password, so nothing is told about one.
    if password.len() > *PASSWORD_LENGTH.end() {
        return Err(ErrorCode::InvalidCredentials.into());
    }

    let found = match &username {
        Some(username) => app.store.credentials(username).await?,
        None => None,
    };
    let (user, hash) = found.unzip();
    let matches = app.auth.passwords().verify(password, hash).await?;
    match user {
        Some(user) if matches => sessions::begin(&app, user, transport).await,
        _ => Err(ErrorCode::InvalidCredentials.into()),
    }
}

/// `GET /me`.
pub(super) async fn me(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<Answer<User>> {
    // A token of a user who is gone is nobody's.
    users::one(&app, caller.user).await?.map(Answer).ok_or_else(|| ErrorCode::TokenInvalid.into())
}

/// A page of another site must not be able to log its visitors in as somebody else.
fn check_transport(app: &App, headers: &HeaderMap, transport: Transport) -> ApiResult<()> {
    match transport {
        Transport::Cookie => check_page(app, headers, false),
        Transport::Bearer => Ok(()),
    }
}
