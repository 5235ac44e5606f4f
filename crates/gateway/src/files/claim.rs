//! The files of a message.

use std::collections::HashSet;

use hubbub_protocol::{Attachment, AttachmentId, ErrorCode, MessageId, RoomId, Timestamp, UserId};
use hubbub_store::{FileClaim, FileRecord};

use crate::app::App;
use crate::refused::Refused;

/// Takes files for a message that is about to be committed, in the sender's order.
///
/// A file is sent once; the same message tried again gets the same files, until it is deleted. What is
/// taken for a message that never comes is collected later.
///
/// # Errors
/// [`ErrorCode::TooManyAttachments`] above `limits.attachments`; [`ErrorCode::AttachmentNotFound`] for
/// a file that does not exist, is named twice, or that the sender has not uploaded to this room or
/// has sent before: the same answer for all.
pub async fn claim(
    app: &App,
    sender: UserId,
    room: RoomId,
    message: MessageId,
    files: &[AttachmentId],
) -> Result<Vec<Attachment>, Refused> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    if files.len() > app.limits.attachments as usize {
        return Err(ErrorCode::TooManyAttachments.into());
    }
    if files.iter().collect::<HashSet<_>>().len() < files.len() {
        return Err(ErrorCode::AttachmentNotFound.into());
    }
    let now = Timestamp::now();
    let claim = FileClaim {
        files: files.to_vec(),
        owner: sender,
        room,
        message,
        at: now,
        check_at: now.after(app.files.unsent),
    };
    match app.store.claim_files(&claim).await? {
        Some(files) => Ok(files.iter().map(FileRecord::attachment).collect()),
        None => Err(ErrorCode::AttachmentNotFound.into()),
    }
}
