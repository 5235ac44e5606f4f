//! Users as others see them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::time::Timestamp;

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

/// How a person wants to be seen while they are connected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// As their devices tell.
    #[default]
    Auto,
    /// Away, whatever they do.
    Away,
    /// Offline, with nothing about when they were last seen.
    Invisible,
}

impl Availability {
    /// What is shown of somebody who does this.
    #[must_use]
    pub const fn shown(self, status: UserStatus) -> UserStatus {
        match (self, status) {
            (Self::Auto, status) => status,
            (Self::Away, UserStatus::Online | UserStatus::Away) => UserStatus::Away,
            (Self::Away, UserStatus::Offline) | (Self::Invisible, _) => UserStatus::Offline,
        }
    }
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
    /// What they say they are doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_text: Option<String>,
    /// What they say about themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// Whether the account was deleted: the name is a stand-in then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// `GET /users`, `GET /me/blocks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserList {
    /// The page.
    pub users: Vec<User>,
    /// Where the next page starts (`?after=`), if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
