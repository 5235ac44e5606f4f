//! Files on their way in, and into messages.
//!
//! - [`name`]: what a file may be called
//! - [`receive`]: bytes into blobs, as they come
//! - [`finish`]: what a whole file is
//! - [`claim`]: the files of a message
//!
//! A file is held in memory a part at a time ([`BLOB_MAX`](hubbub_store::blobs::BLOB_MAX), twice at
//! the most where a part is completed), by as many uploads as there are places. Only pictures are
//! read as a whole, each in its turn (see [`media`](crate::media)).

pub mod claim;
pub mod finish;
pub mod name;
pub mod receive;

use std::sync::Arc;
use std::time::Duration;

use hubbub_protocol::{AttachmentId, ErrorCode, RoomId, Timestamp, UserId};
use hubbub_store::{FileRecord, FileState, NewUpload};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::refused::Refused;

/// When to try again who found no place.
const PLACE_RETRY: Duration = Duration::from_secs(2);

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
    /// Requests that bring bytes at the same time.
    pub places: Arc<Semaphore>,
}

impl Default for FileOptions {
    /// 1 GiB an account, a day, half a minute, an hour, 128 at a time.
    fn default() -> Self {
        Self {
            quota: 1 << 30,
            unsent: Duration::from_secs(24 * 3600),
            idle: Duration::from_secs(30),
            request: Duration::from_secs(3600),
            places: Arc::new(Semaphore::new(128)),
        }
    }
}

impl FileOptions {
    /// A place for a request that brings bytes.
    ///
    /// # Errors
    /// [`ErrorCode::Overloaded`] when all are taken.
    pub fn place(&self) -> Result<OwnedSemaphorePermit, Refused> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| Refused::until(ErrorCode::Overloaded, PLACE_RETRY))
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
