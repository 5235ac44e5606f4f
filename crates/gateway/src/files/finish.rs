//! What a whole file is.

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use hubbub_protocol::{ErrorCode, Timestamp};
use hubbub_store::blobs::{self, Part, put_parts};
use hubbub_store::{BlobKey, FileContent, FileRecord, FileState, FinishedUpload, StoreError};
use std::sync::Arc;

use super::{leftover, name};
use crate::app::App;
use crate::media::{MediaError, Picture, kind};
use crate::refused::Refused;

/// The blob of a file that is its thumbnail.
pub const THUMBNAIL: &str = "thumbnail";

/// Largest file that is tried as a picture, in bytes: it is read as a whole. Larger ones stay as
/// they are.
const PICTURE_MAX: u64 = 32 << 20;

/// Looks at an upload that is whole and makes it a file that can be sent. Can be repeated, and by
/// several at once.
///
/// # Errors
/// [`ErrorCode::UploadIncomplete`], [`ErrorCode::UploadNotFound`] when it is gone meanwhile, and
/// [`ErrorCode::Overloaded`].
pub async fn finish(app: &App, file: FileRecord) -> Result<FileRecord, Refused> {
    match file.state {
        FileState::Uploading if file.offset() == file.length => {}
        FileState::Uploading => return Err(ErrorCode::UploadIncomplete.into()),
        FileState::Ready | FileState::Sent => return Ok(file),
        FileState::Gone => return Err(ErrorCode::UploadNotFound.into()),
    }
    let mut written = file.parts.clone();
    let made = make(app, &file, &mut written).await;
    let found = leftover::remove(app, &file, &written).await?.ok_or(ErrorCode::UploadNotFound)?;
    if made? {
        tracing::debug!(file = %file.id, kind = found.content.media_type, "a file was uploaded");
    }
    match found.state {
        FileState::Ready | FileState::Sent => Ok(found),
        FileState::Uploading | FileState::Gone => Err(ErrorCode::UploadNotFound.into()),
    }
}

/// Makes an upload a file, and notes the parts that are written for it. Whether this call did.
async fn make(app: &App, file: &FileRecord, written: &mut Vec<Part>) -> Result<bool, Refused> {
    let finished = look(app, file).await?;
    written.extend_from_slice(&finished.parts);
    Ok(app.store.finish_upload(file.id, finished).await?)
}

async fn look(app: &App, file: &FileRecord) -> Result<FinishedUpload, Refused> {
    let head = read(app, file, kind::HEAD as u64).await?;
    let media_type = kind::sniff(&head);
    let expires_at = Timestamp::now().after(app.files.unsent);
    let as_it_is = FinishedUpload {
        name: file.name.clone(),
        parts: file.parts.clone(),
        content: FileContent { media_type: media_type.to_owned(), ..FileContent::default() },
        expires_at,
    };
    if !kind::is_picture(media_type) || file.length > PICTURE_MAX {
        return Ok(as_it_is);
    }
    let turn = app.media.turn().await?;
    let bytes = read(app, file, file.length).await?;
    let picture = match turn.picture(bytes).await {
        Ok(picture) if picture.full.bytes.len() as u64 <= app.limits.attachment_bytes => picture,
        // It can be kept, as a file like any other, but not be shown.
        Ok(_) | Err(MediaError::Unreadable | MediaError::TooLarge) => return Ok(as_it_is),
        Err(error @ MediaError::Overloaded) => return Err(error.into()),
    };
    let name = name::with_type(&file.name, media_type, picture.full.media_type);
    let (parts, content) = keep(app, file, picture).await?;
    Ok(FinishedUpload { name, parts, content, expires_at })
}

async fn keep(
    app: &App,
    file: &FileRecord,
    picture: Picture,
) -> Result<(Vec<Part>, FileContent), StoreError> {
    let content = FileContent {
        media_type: picture.full.media_type.to_owned(),
        width: Some(picture.width),
        height: Some(picture.height),
        blurhash: Some(picture.blurhash),
        thumbnail: picture.thumbnail.is_some(),
    };
    if let Some(thumbnail) = picture.thumbnail {
        let key = BlobKey::new(file.folder(), THUMBNAIL);
        app.blobs.put(&key, thumbnail.bytes).await?;
    }
    let parts = put_parts(&*app.blobs, file.folder(), picture.full.bytes).await?;
    Ok((parts, content))
}

/// The first bytes of a file, in one piece.
async fn read(app: &App, file: &FileRecord, most: u64) -> Result<Bytes, StoreError> {
    let pieces = blobs::read(Arc::clone(&app.blobs), file.folder(), &file.parts, 0..most);
    let whole = pieces.try_fold(BytesMut::new(), async |mut whole, piece| {
        whole.extend_from_slice(&piece);
        Ok(whole)
    });
    Ok(whole.await?.freeze())
}
