//! The site administrator's side.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::people::User;
use crate::http::rooms::RoomKind;
use crate::id::{RoomId, UserId};
use crate::time::Timestamp;

/// An account as a site administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// What others see.
    #[serde(flatten)]
    pub user: User,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether this is a site administrator.
    pub admin: bool,
    /// Since when it is suspended, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<Timestamp>,
}

/// `GET /admin/users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountList {
    /// The page.
    pub users: Vec<Account>,
    /// Where the next page starts (`?after=`), if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A room as the site's administrators see it: what it is, not what is said in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdminRoom {
    /// The id.
    pub id: RoomId,
    /// What kind.
    pub kind: RoomKind,
    /// The name; empty for a direct room.
    pub name: String,
    /// Members.
    pub members: u64,
    /// Who owns it; absent for a direct room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it is read-only.
    pub archived: bool,
}

/// `GET /admin/rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdminRoomList {
    /// The page.
    pub rooms: Vec<AdminRoom>,
    /// Where the next page starts (`?after=`), if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<RoomId>,
}

/// `PATCH /admin/users/{user}`. Absent fields stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct UpdateAccountRequest {
    /// Suspended: no login, no session, no socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<bool>,
    /// Whether this is a site administrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<bool>,
    /// Why, for the audit list: up to 200 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
