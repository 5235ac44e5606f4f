//! What came while one was away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{MessageId, RoomId, Seq, UserId};
use crate::time::Timestamp;

/// Why a message is in somebody's inbox. Of several reasons, the first here.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum InboxReason {
    /// It came in a direct room.
    Direct,
    /// It mentions them.
    Mention,
    /// It answers a message of theirs.
    Reply,
}

/// A message that came while its reader was away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InboxEntry {
    /// The room.
    pub room: RoomId,
    /// The message's place.
    pub seq: Seq,
    /// The message.
    pub message: MessageId,
    /// Who wrote it.
    pub sender: UserId,
    /// When the server took it.
    pub at: Timestamp,
    /// Why it is here.
    pub reason: InboxReason,
    /// How it begins, as plain text without any Markdown: up to 200 graphemes.
    pub excerpt: String,
}

/// `GET /me/inbox`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inbox {
    /// The newest first. What is read on any device is gone from here.
    pub entries: Vec<InboxEntry>,
    /// Where the next page starts (`?after=`), if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many entries there are in all.
    pub waiting: u64,
}
