//! Accounts: register, log in, who am I.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum_extra::extract::CookieJar;
use hubbub_protocol::http::{LoginRequest, RegisterRequest, SessionResponse, Transport};
use hubbub_protocol::limits::PASSWORD_LENGTH;
use hubbub_protocol::{ErrorCode, Timestamp, UserId};
use hubbub_store::NewUser;

use super::caller::check_page;
use super::endpoints::Endpoints;
use super::extract::Json;
use super::fields::{self, Fields};
use super::limiter::Limiter;
use super::lobby;
use super::openapi::about;
use super::problem::ApiResult;
use super::quotas::Kind;
use super::sessions::{self, Proven};
use crate::app::App;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{
        AccountSuspended, InvalidCredentials, InvalidField, OriginRefused, UsernameTaken,
    };
    Endpoints::of("Accounts")
        .post(
            "/register",
            register,
            about("Make an account and begin its first session")
                .description("Where there is a lobby, the account is a member of it.")
                .errors(&[InvalidField, UsernameTaken, OriginRefused]),
        )
        .post(
            "/login",
            login,
            about("Begin a session")
                .description("A wrong password and an unknown user get the same answer.")
                .errors(&[InvalidCredentials, AccountSuspended, OriginRefused]),
        )
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
    let mut user = app
        .store
        .create_user(NewUser {
            id: UserId::new(),
            display_name: display_name.unwrap_or_else(|| username.clone()),
            username,
            email,
            password_hash: password_hash.clone(),
            created_at: Timestamp::now(),
        })
        .await?;
    if !user.admin && app.http.admins.contains(&user.username) {
        user = app.store.set_admin(user.id, true).await?.unwrap_or(user);
    }
    lobby::welcome(&app, &user).await;
    let proven = Proven { user, password_hash };
    let (cookies, response) = sessions::begin(&app, proven, &headers, transport).await?;
    Ok((StatusCode::CREATED, cookies, response))
}

/// `POST /login`. A wrong password and an unknown user get the same answer for the same work; that
/// an account is suspended is told to whoever knows its password only.
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
    let matches = app.auth.passwords().verify(password, hash.clone()).await?;
    match user.zip(hash) {
        Some((user, password_hash)) if matches => {
            if user.suspended_at.is_some() {
                return Err(ErrorCode::AccountSuspended.into());
            }
            sessions::begin(&app, Proven { user, password_hash }, &headers, transport).await
        }
        _ => Err(ErrorCode::InvalidCredentials.into()),
    }
}

/// A page of another site must not be able to log its visitors in as somebody else.
fn check_transport(app: &App, headers: &HeaderMap, transport: Transport) -> ApiResult<()> {
    match transport {
        Transport::Cookie => check_page(app, headers, false),
        Transport::Bearer => Ok(()),
    }
}
