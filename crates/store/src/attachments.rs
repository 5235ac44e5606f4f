//! Files: what is known of each but its bytes, which are in [`crate::blobs`].
//!
//! A file is uploaded in parts, becomes ready once it is whole, and is sent with one message. Each of
//! these steps happens once, whichever nodes try it. A file whose time runs out before the next step,
//! and one that was discarded, is due for collection.

use async_trait::async_trait;
use hubbub_protocol::{Attachment, AttachmentId, MessageId, RoomId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::StoreError;
use crate::blobs::{self, Part};

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// Parts are missing, or nobody has looked at it yet.
    Uploading,
    /// Whole, and not sent.
    Ready,
    /// In a message.
    Sent,
    /// Discarded. Its bytes may still be there, for nobody.
    Gone,
}

impl FileState {
    /// The number under which it is stored.
    pub(crate) const fn code(self) -> i32 {
        match self {
            Self::Uploading => 0,
            Self::Ready => 1,
            Self::Sent => 2,
            Self::Gone => 3,
        }
    }

    pub(crate) const fn of_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Uploading),
            1 => Some(Self::Ready),
            2 => Some(Self::Sent),
            3 => Some(Self::Gone),
            _ => None,
        }
    }
}

/// What was found by looking at a whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileContent {
    /// The media type.
    pub media_type: String,
    /// Pixels across, of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels down, of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// What to show until a picture has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blurhash: Option<String>,
    /// Whether the blob `thumbnail` is a smaller picture of it.
    #[serde(default)]
    pub thumbnail: bool,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// The id.
    pub id: AttachmentId,
    /// The room it was uploaded to, and is sent in.
    pub room: RoomId,
    /// Who uploads and sends it.
    pub owner: UserId,
    /// How far it has come.
    pub state: FileState,
    /// Its name, without any path.
    pub name: String,
    /// Bytes: as announced until it is ready, as they are then.
    pub length: u64,
    /// The parts that have come.
    pub parts: Vec<Part>,
    /// What it is. Without effect until it is ready.
    pub content: FileContent,
    /// The message it is in.
    pub message: Option<MessageId>,
    /// When it is due for collection, if it is not kept.
    pub expires_at: Option<Timestamp>,
}

impl FileRecord {
    /// The folder of its blobs.
    #[must_use]
    pub const fn folder(&self) -> Uuid {
        *self.id.as_uuid()
    }

    /// Bytes that have come.
    #[must_use]
    pub fn offset(&self) -> u64 {
        blobs::size(&self.parts)
    }

    /// As readers of a message are told of it.
    #[must_use]
    pub fn attachment(&self) -> Attachment {
        let FileContent { media_type, width, height, blurhash, thumbnail } = self.content.clone();
        let (id, name, size) = (self.id, self.name.clone(), self.length);
        Attachment { id, name, media_type, size, width, height, blurhash, thumbnail }
    }
}

/// An upload to begin.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// The id of the file it becomes.
    pub id: AttachmentId,
    /// The room.
    pub room: RoomId,
    /// Who uploads it.
    pub owner: UserId,
    /// The file's name, without any path.
    pub name: String,
    /// Its bytes, or the most they may be.
    pub length: u64,
    /// When it is due for collection unless it is whole by then.
    pub expires_at: Timestamp,
}

/// What has become of an upload.
#[derive(Debug, Clone)]
pub struct FinishedUpload {
    /// The file's name, without any path.
    pub name: String,
    /// Its parts, the same as uploaded or others.
    pub parts: Vec<Part>,
    /// What it is.
    pub content: FileContent,
    /// When it is due for collection unless it is sent by then.
    pub expires_at: Timestamp,
}

/// A message that takes files.
#[derive(Debug, Clone)]
pub struct FileClaim {
    /// The files.
    pub files: Vec<AttachmentId>,
    /// The sender, who must have uploaded them,
    pub owner: UserId,
    /// to this room.
    pub room: RoomId,
    /// The message.
    pub message: MessageId,
    /// Now.
    pub at: Timestamp,
    /// When to look whether the message was stored.
    pub check_at: Timestamp,
}

impl FileClaim {
    /// Whether a file is there for the message, or the message's already.
    pub(crate) fn may_take(&self, file: &FileRecord) -> bool {
        let free = file.state == FileState::Ready && file.expires_at.is_some_and(|at| at > self.at);
        let taken = file.state == FileState::Sent && file.message == Some(self.message);
        file.owner == self.owner && file.room == self.room && (free || taken)
    }

    /// What becomes of a file that was free.
    pub(crate) const fn mark(&self, file: &mut FileRecord) {
        file.state = FileState::Sent;
        file.message = Some(self.message);
        file.expires_at = Some(self.check_at);
    }
}

/// Files.
#[async_trait]
pub trait AttachmentStore: Send + Sync {
    /// Begins an upload, unless the owner's files, gone ones left out, would be more than `quota`
    /// bytes with it. Whether it did. Of several at once that do not fit together, maybe none is
    /// begun, never too many. Can be repeated.
    async fn begin_upload(&self, upload: NewUpload, quota: u64) -> Result<bool, StoreError>;

    /// A file.
    async fn file(&self, id: AttachmentId) -> Result<Option<FileRecord>, StoreError>;

    /// Replaces the parts of an upload that has `from` bytes by more of them. Whether it had: of
    /// several at once, one wins.
    async fn extend_upload(
        &self,
        id: AttachmentId,
        from: u64,
        parts: &[Part],
    ) -> Result<bool, StoreError>;

    /// Makes an upload a file that is ready. Whether this call did.
    async fn finish_upload(
        &self,
        id: AttachmentId,
        finished: FinishedUpload,
    ) -> Result<bool, StoreError>;

    /// Takes files for a message, in the order asked; `None` if one of them does not exist, is
    /// somebody else's, of another room, not ready, or taken by another message. The same claim
    /// again gives the same files. A file that was refused the message may stay with it, and is
    /// collected when the message has not come.
    async fn claim_files(&self, claim: &FileClaim) -> Result<Option<Vec<FileRecord>>, StoreError>;

    /// Keeps files whose message was stored.
    async fn keep_files(&self, files: &[AttachmentId]) -> Result<(), StoreError>;

    /// Discards files, which are due for collection at once. How many were not gone before.
    async fn discard_files(
        &self,
        files: &[AttachmentId],
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Files that are due, and makes them due again at `again_at`: whoever else asks until then does
    /// not get them. Those that are not in a message are gone from now on.
    async fn due_files(
        &self,
        now: Timestamp,
        again_at: Timestamp,
        limit: usize,
    ) -> Result<Vec<FileRecord>, StoreError>;

    /// Forgets a file whose bytes are removed.
    async fn forget_file(&self, id: AttachmentId) -> Result<(), StoreError>;

    /// A room's files in whatever state, ascending by id, after `after`.
    async fn files_of(
        &self,
        room: RoomId,
        after: Option<AttachmentId>,
        limit: usize,
    ) -> Result<Vec<FileRecord>, StoreError>;
}
