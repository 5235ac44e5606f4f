//! What a message is, and what is in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{AttachmentId, Epoch, MessageId, RoomId, Seq, UserId};
use crate::time::Timestamp;

/// A file in a message, as every reader is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    /// The id: `GET /attachments/{id}` serves it to members of the room.
    pub id: AttachmentId,
    /// The file's name, without any path.
    pub name: String,
    /// The media type found by looking at the bytes, never the one that was claimed.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// Pixels across, of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels down, of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// What to show until an image has come (<https://blurha.sh>).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blurhash: Option<String>,
    /// Whether `GET /attachments/{id}/thumbnail` has a smaller picture of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub thumbnail: bool,
}

/// Whom a message calls by name. Found in its text by the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mentions {
    /// Members whose `@name` is in the text, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserId>,
    /// Whether it calls everybody (`@all`), by somebody who may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

impl Mentions {
    /// Whether nobody is called.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.users.is_empty() && !self.all
    }

    /// Whether `user` is called.
    #[must_use]
    pub fn call(&self, user: UserId) -> bool {
        self.all || self.users.contains(&user)
    }
}

/// The content of a message. Text, never HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageBody {
    /// The text, within `limits.text_graphemes` and `limits.text_bytes`; may be empty where there
    /// are attachments, and is empty once the message is deleted.
    pub text: String,
    /// Its files, in the sender's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The message of the same room that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Whom it calls.
    #[serde(default, skip_serializing_if = "Mentions::is_empty")]
    pub mentions: Mentions,
}

impl MessageBody {
    /// A body of nothing but text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// What an edit puts in place of a message's text. All else of the body stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EditedBody {
    /// The new text, within the same bounds.
    pub text: String,
    /// Whom it calls now.
    #[serde(default, skip_serializing_if = "Mentions::is_empty")]
    pub mentions: Mentions,
}

/// One emoji under a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionCount {
    /// The emoji.
    pub emoji: String,
    /// How many people.
    pub count: u64,
    /// The first of them, by when they reacted; [`REACTION_USERS`](crate::limits::REACTION_USERS)
    /// at the most.
    pub users: Vec<UserId>,
}

/// A message in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// The room it is in.
    pub room: RoomId,
    /// The epoch its seq belongs to.
    pub epoch: Epoch,
    /// Its place in the room.
    pub seq: Seq,
    /// Its name, given by the sender.
    pub id: MessageId,
    /// Who wrote it.
    pub sender: UserId,
    /// When the server took it.
    pub at: Timestamp,
    /// What it says. Empty once it is deleted.
    pub body: MessageBody,
    /// When it was last edited, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// When it was deleted, if it was. What is left is its place, its author and its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// What people think of it, in the order in which each emoji was first used.
    #[serde(default)]
    pub reactions: Vec<ReactionCount>,
}
