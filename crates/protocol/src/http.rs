//! Bodies of the HTTP API under `/api/v1`, and the problem document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::event::Message;
use crate::id::{Epoch, RoomCode, RoomId, Seq, UserId};
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

/// What others see a person doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// At one device at least.
    Online,
    /// Connected, but at no device.
    Away,
    /// Not connected.
    #[default]
    Offline,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// Unique, lower case.
    pub username: String,
    /// What to show.
    pub display_name: String,
    /// Where the picture is, if there is one.
    pub avatar: Option<String>,
    /// What they are doing.
    pub status: UserStatus,
    /// When they were last connected; absent while they are, or if they never were.
    pub last_seen: Option<Timestamp>,
}

/// `GET /users`, `GET /rooms/{room}/members`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserList {
    /// The page.
    pub users: Vec<User>,
    /// Where the next page starts (`?after=`), if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What kind of room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// In the directory; anybody may join.
    Public,
    /// By code only.
    Private,
    /// Between two people.
    Direct,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Owner,
    /// Read and write.
    Member,
}

/// A room, as one user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Room {
    /// The id.
    pub id: RoomId,
    /// What kind.
    pub kind: RoomKind,
    /// The name; for a direct room the other person's.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// What lets others in; absent for a direct room and for those who are not members.
    pub code: Option<RoomCode>,
    /// Who owns it; absent for a direct room.
    pub owner: Option<UserId>,
    /// What you are in it; absent if you are not a member.
    pub role: Option<Role>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Members.
    pub members: u64,
    /// The current epoch.
    pub epoch: Epoch,
    /// The last event.
    pub seq: Seq,
    /// The last event you have read.
    pub read: Seq,
    /// The last event that reached one of your devices.
    pub delivered: Seq,
    /// Messages by others after `read`.
    pub unread: u64,
}

/// `POST /rooms`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CreateRoomRequest {
    /// 1 to 80 graphemes.
    pub name: String,
    /// `public` or `private`.
    pub kind: RoomKind,
    /// Up to 500 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// `POST /rooms/join`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct JoinRoomRequest {
    /// The room's code; a public room's id does as well.
    pub code: String,
}

/// `PATCH /rooms/{room}`. Absent fields stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct UpdateRoomRequest {
    /// 1 to 80 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Up to 500 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// `POST /direct`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct DirectRequest {
    /// The other person.
    pub user: UserId,
}

/// `GET /rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomList {
    /// The page.
    pub rooms: Vec<Room>,
    /// Where the next page starts (`?after=`), if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `POST /rooms/{room}/code`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CodeResponse {
    /// The new code. The old one no longer works.
    pub code: RoomCode,
}

/// `GET /rooms/{room}/messages`, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// The room's current epoch.
    pub epoch: Epoch,
    /// The room's last event.
    pub seq: Seq,
    /// The page.
    pub messages: Vec<Message>,
    /// Older messages: `?before=` this, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Seq>,
    /// Newer messages: `?after=` this, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Seq>,
}

/// A field that is out of bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldError {
    /// The field's name.
    pub field: String,
    /// What it must be.
    pub message: String,
}

/// An error of the HTTP API: RFC 9457, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `urn:hubbub:error:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for every occurrence of the code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: ErrorCode,
    /// This occurrence, for a person.
    pub detail: String,
    /// Milliseconds after which the same request may succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The fields that are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// The problem document of `code`.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self {
            kind: format!("urn:hubbub:error:{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: code.title().to_owned(),
            retry_after_ms: None,
            errors: Vec::new(),
        }
    }
}
