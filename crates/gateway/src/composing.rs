//! From what somebody wants to say to what everybody is told.

use hubbub_protocol::markdown::{Calls, calls};
use hubbub_protocol::{Draft, ErrorCode, Mentions, MessageBody, MessageId, RoomId, UserId};

use crate::app::App;
use crate::files::claim::claim;
use crate::permissions::RoomStanding;
use crate::refused::Refused;
use crate::unstored;

/// Whether a draft's text is within bounds. It may be empty where there are attachments.
///
/// # Errors
/// [`ErrorCode::EmptyText`], [`ErrorCode::TextTooLong`], [`ErrorCode::TooManyAttachments`].
pub fn check(app: &App, draft: &Draft) -> Result<(), ErrorCode> {
    if draft.attachments.len() > app.limits.attachments as usize {
        return Err(ErrorCode::TooManyAttachments);
    }
    check_text(app, &draft.text, !draft.attachments.is_empty())
}

/// As [`check`], of a message that has attachments or not.
///
/// # Errors
/// [`ErrorCode::EmptyText`], [`ErrorCode::TextTooLong`].
pub fn check_text(app: &App, text: &str, attached: bool) -> Result<(), ErrorCode> {
    match app.limits.check_text(text) {
        Err(ErrorCode::EmptyText) if attached => Ok(()),
        checked => checked,
    }
}

/// The body of a message: its files taken, the message it answers found, and whom it calls.
///
/// # Errors
/// [`ErrorCode::AttachmentNotFound`]; [`ErrorCode::MessageNotFound`] if it answers none of the room.
pub async fn body(
    app: &App,
    room: RoomId,
    id: MessageId,
    sender: UserId,
    standing: &RoomStanding,
    draft: Draft,
) -> Result<MessageBody, Refused> {
    if let Some(answered) = draft.reply_to {
        // A deleted one can be answered: whoever wrote the answer could not know.
        if unstored::message(app, room, answered).await?.is_none() {
            return Err(ErrorCode::MessageNotFound.into());
        }
    }
    let mentions = mentions(app, room, sender, standing, &draft.text).await?;
    // Last, so that a message that is refused for something else leaves its files for another one.
    let attachments = claim(app, sender, room, id, &draft.attachments).await?;
    Ok(MessageBody { text: draft.text, attachments, reply_to: draft.reply_to, mentions })
}

/// Whom a text calls: members of the room by their user names, up to `limits.mentions`, and
/// everybody if the sender may.
///
/// # Errors
/// When the store is away and the text holds names.
pub async fn mentions(
    app: &App,
    room: RoomId,
    sender: UserId,
    standing: &RoomStanding,
    text: &str,
) -> Result<Mentions, Refused> {
    let Calls { mut names, everybody } = calls(text);
    let all = everybody && standing.may_mention_all;
    names.truncate(app.limits.mentions as usize);
    if names.is_empty() {
        return Ok(Mentions { users: Vec::new(), all });
    }
    let named = app.store.users_by_name(&names).await?;
    let pairs: Vec<_> =
        named.iter().filter(|user| user.id != sender).map(|user| (room, user.id)).collect();
    let members = app.store.memberships_among(&pairs).await?;
    // In the order of the text.
    let called = names.iter().filter_map(|name| {
        let user = named.iter().find(|user| user.username == *name)?.id;
        members.contains(&(room, user)).then_some(user)
    });
    Ok(Mentions { users: called.collect(), all })
}
