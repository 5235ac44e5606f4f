//! Pages of history.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{Mentions, Message};
use crate::id::{Epoch, Seq, UserId};
use crate::time::Timestamp;

/// `GET /rooms/{room}/messages`, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// The room's current epoch.
    pub epoch: Epoch,
    /// The room's last event when the page was begun. The page is as everything up to here has left
    /// it; what follows may be in it as well.
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

/// What a message said at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// The text.
    pub text: String,
    /// Whom it called.
    #[serde(default, skip_serializing_if = "Mentions::is_empty")]
    pub mentions: Mentions,
    /// Since when it said that.
    pub at: Timestamp,
    /// The place of the event that made it say that.
    pub seq: Seq,
}

/// `GET /rooms/{room}/messages/{message}/versions?before=&limit=`, oldest first: the last page, without
/// `before`, ends with what the message says now, and the first begins with the original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VersionList {
    /// The page; nothing once the message is deleted.
    pub versions: Vec<Version>,
    /// Older ones: `?before=` this, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Seq>,
}

/// `GET /rooms/{room}/messages/{message}/reactions?emoji=&after=&limit=`: who put one emoji there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionList {
    /// The page, by when they reacted.
    pub users: Vec<UserId>,
    /// Where the next page starts (`?after=`), if there is one: the place of this page's last
    /// reaction, so that whoever takes theirs back meanwhile moves nobody out of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Seq>,
}

/// `GET /rooms/{room}/messages/{message}/seen`: members who have read up to the message, its author
/// and those who keep that to themselves left out. For rooms up to `limits.receipt_members`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeenBy {
    /// Who has read it.
    pub read: Vec<UserId>,
    /// Whom it has reached, and who has not read it.
    pub delivered: Vec<UserId>,
}
