//! Files on their way in, and into messages.
//!
//! - [`name`]: what a file may be called
//! - [`places`]: how many requests bring bytes at the same time
//! - [`pace`]: how fast they must come
//! - [`receive`]: bytes into blobs, as they come
//! - [`finish`]: what a whole file is
//! - [`claim`]: the files of a message
//! - `leftover`: what was written and has no use
//!
//! A file is held in memory a part at a time ([`BLOB_MAX`](hubbub_store::blobs::BLOB_MAX), twice at
//! the most where a part is completed), by as many uploads as there are places. Only pictures are
//! read as a whole, each in its turn (see [`media`](crate::media)).

pub mod claim;
pub mod finish;
mod leftover;
pub mod name;
pub mod pace;
pub mod places;
pub mod receive;

use std::time::Duration;

use hubbub_protocol::{AttachmentId, ErrorCode, RoomId, Timestamp, UserId};
use hubbub_store::{FileRecord, FileState, NewUpload};

use crate::app::App;
use crate::refused::Refused;
use places::Places;

/// How files are taken.
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// Bytes of files that one account may have: uploads and what is in messages.
    pub quota: u64,
    /// How long an upload may take until it is whole, and how long it may wait then to be sent.
    pub unsent: Duration,
    /// How long the next bytes of an upload may take to come.
    pub idle: Duration,
    /// How long one request may take to bring its bytes.
    pub request: Duration,
    /// Requests that bring bytes of uploads at the same time.
    pub places: Places,
    /// Requests that bring pictures of people and rooms at the same time: each is in memory as a
    /// whole.
    pub pictures: Places,
}

impl Default for FileOptions {
    /// 1 GiB an account, a day, half a minute, an hour; of uploads 128 at a time, 6 of an account; of
    /// pictures 16, 2 of an account.
    fn default() -> Self {
        Self {
            quota: 1 << 30,
            unsent: Duration::from_secs(24 * 3600),
            idle: Duration::from_secs(30),
            request: Duration::from_secs(3600),
            places: Places::new(128, 6),
            pictures: Places::new(16, 2),
        }
    }
}

/// Begins an upload of up to `length` bytes, after asking whether `owner` may write in the room.
///
/// # Errors
/// [`ErrorCode::PayloadTooLarge`] above `limits.attachment_bytes`, [`ErrorCode::QuotaExceeded`], and
/// whatever writing in the room is refused for.
pub async fn begin(
    app: &App,
    owner: UserId,
    room: RoomId,
    name: String,
    length: u64,
) -> Result<FileRecord, Refused> {
    if length > app.limits.attachment_bytes {
        return Err(ErrorCode::PayloadTooLarge.into());
    }
    app.permissions.writing(room, owner, "").await?;
    let upload = NewUpload {
        id: AttachmentId::new(),
        room,
        owner,
        name,
        length,
        expires_at: Timestamp::now().after(app.files.unsent),
    };
    let begun = FileRecord {
        id: upload.id,
        room,
        owner,
        state: FileState::Uploading,
        name: upload.name.clone(),
        length,
        parts: Vec::new(),
        content: hubbub_store::FileContent::default(),
        message: None,
        expires_at: Some(upload.expires_at),
    };
    if app.store.begin_upload(upload, app.files.quota).await? {
        Ok(begun)
    } else {
        Err(ErrorCode::QuotaExceeded.into())
    }
}

/// Gives up a file that is not sent: nobody gets it any more, and its bytes are collected.
///
/// # Errors
/// When the store is away.
pub async fn discard(app: &App, file: AttachmentId) -> Result<(), Refused> {
    app.store.discard_files(&[file], Timestamp::now()).await?;
    Ok(())
}
