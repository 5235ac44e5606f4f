//! Accounts, logins and people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::people::{Availability, User};
use crate::id::SessionId;
use crate::time::Timestamp;

/// How a client wants to carry its tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// In bodies and the `Authorization` header.
    #[default]
    Bearer,
    /// In httpOnly cookies, with a CSRF token for every change.
    Cookie,
}

/// `POST /register`.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct RegisterRequest {
    /// 3 to 32 of `a-z 0-9 _ - .`; upper case is folded.
    pub username: String,
    /// 8 to 256 bytes.
    pub password: String,
    /// 1 to 64 graphemes; absent: the user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Kept, not verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// How to carry the tokens.
    #[serde(default)]
    pub transport: Transport,
}

/// `POST /login`.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct LoginRequest {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
    /// How to carry the tokens.
    #[serde(default)]
    pub transport: Transport,
}

/// `POST /token`. Empty for cookie clients.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct TokenRequest {
    /// The latest refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// The answer to register, login and token rotation.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct SessionResponse {
    /// Who is logged in.
    pub user: User,
    /// Seconds until the access token runs out.
    pub expires_in: u64,
    /// The access token (bearer clients).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// The token for the next rotation (bearer clients). Each works once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// To send as `X-CSRF-Token` with every change (cookie clients).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf_token: Option<String>,
}

/// `GET /me`, `PATCH /me`: one's own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Me {
    /// What others see.
    #[serde(flatten)]
    pub user: User,
    /// As given, not verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether this is a site administrator.
    #[serde(default)]
    pub admin: bool,
    /// Whether others are told how far this user has read.
    pub send_receipts: bool,
    /// Whether others are told when this user is typing.
    pub send_typing: bool,
    /// How this user wants to be seen while they are connected.
    #[serde(default)]
    pub availability: Availability,
}

/// `PATCH /me`. Absent fields stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct UpdateMeRequest {
    /// 1 to 64 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Up to 500 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// Up to 80 graphemes; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_text: Option<String>,
    /// Whether others are told how far this user has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_receipts: Option<bool>,
    /// Whether others are told when this user is typing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_typing: Option<bool>,
    /// How this user wants to be seen while they are connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Availability>,
}

/// `DELETE /me`: the account ends for good.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct DeleteMeRequest {
    /// The password, again.
    pub password: String,
}

/// `PUT /me/password`. Ends all other sessions.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct ChangePasswordRequest {
    /// The present password.
    pub current: String,
    /// The new one: 8 to 256 bytes.
    pub password: String,
}

/// One login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// The id.
    pub id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When its tokens were last renewed.
    pub renewed_at: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
    /// What the client called itself when it logged in (`User-Agent`), up to 200 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Whether this is the session that asks.
    pub current: bool,
}

/// `GET /me/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionList {
    /// All live ones, the newest first.
    pub sessions: Vec<Session>,
}
