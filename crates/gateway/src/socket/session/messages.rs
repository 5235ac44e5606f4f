//! Saying something, and changing what was said.
//!
//! Each of these is an event with an id of its own, and is answered when it is stored. Whatever is
//! in the way of one now was not in the way of its first try, so an id that is known already is
//! answered with its place before anything else is held against it.

use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::http::{AuditAction, AuditEntry};
use hubbub_protocol::{
    AuditId, Draft, EditedBody, ErrorCode, Message, MessageId, RoomId, Timestamp, UserId, emoji,
};
use sha2::{Digest, Sha256};
use uuid::Builder;

use super::Session;
use crate::committer::Committed;
use crate::refused::Refused;
use crate::{composing, unstored};

impl Session {
    pub(super) async fn send(
        &self,
        id: MessageId,
        room: RoomId,
        draft: Draft,
    ) -> Result<(), Refused> {
        let app = &self.sockets.app;
        composing::check(app, &draft)?;
        self.commit(room, id, async {
            let user = self.connection.user;
            let standing = app.permissions.writing(room, user, &draft.text).await?;
            app.permissions.pace(room, user, id).await?;
            let body = composing::body(app, room, id, user, &standing, draft).await?;
            Ok(NewEventKind::Message { body })
        })
        .await?;
        self.sockets.hub.stop_typing(&self.connection, room);
        Ok(())
    }

    /// Puts another text in place of what one said. All else of the body stays.
    pub(super) async fn edit(
        &self,
        id: MessageId,
        room: RoomId,
        message: MessageId,
        text: String,
    ) -> Result<(), Refused> {
        let app = &self.sockets.app;
        // Whether it may be empty is known once the message is.
        composing::check_text(app, &text, true)?;
        self.commit(room, id, async {
            let user = self.connection.user;
            let standing = app.permissions.writing(room, user, &text).await?;
            let target = self.target(room, message).await?;
            if target.sender != user {
                return Err(ErrorCode::Forbidden.into());
            }
            let age = target.at.until(Timestamp::now()).as_millis();
            if app.limits.edit_window_ms.is_some_and(|window| age > u128::from(window)) {
                return Err(ErrorCode::EditTooLate.into());
            }
            composing::check_text(app, &text, !target.body.attachments.is_empty())?;
            let mentions = composing::mentions(app, room, user, &standing, &text).await?;
            Ok(NewEventKind::Edited { message, body: EditedBody { text, mentions } })
        })
        .await
        .map(drop)
    }

    /// Deletes one's own message, or as somebody who keeps order in the room another's, which the
    /// room's audit list tells.
    pub(super) async fn delete(
        &self,
        id: MessageId,
        room: RoomId,
        message: MessageId,
    ) -> Result<(), Refused> {
        let app = &self.sockets.app;
        let mut moderated = None;
        let committed = self
            .commit(room, id, async {
                self.authorise(room).await?;
                let user = self.connection.user;
                let target = self.find(room, message).await?;
                if target.sender != user {
                    if !app.permissions.standing(room, user).await?.moderates() {
                        return Err(ErrorCode::Forbidden.into());
                    }
                    // Also where a retry finds it deleted: its first try may not have got so far.
                    moderated = Some(target.sender);
                }
                not_deleted(target)?;
                Ok(NewEventKind::Deleted { message })
            })
            .await?;
        if let (Some(author), Some(committed)) = (moderated, committed) {
            let entry = self.audit_entry(id, room, message, author, committed);
            app.store.append_audit(&entry).await?;
        }
        Ok(())
    }

    /// Reacts to a message, or takes that back.
    pub(super) async fn react(
        &self,
        id: MessageId,
        room: RoomId,
        message: MessageId,
        emoji: String,
        on: bool,
    ) -> Result<(), Refused> {
        if !emoji::is_emoji(&emoji) {
            return Err(ErrorCode::BadEmoji.into());
        }
        let app = &self.sockets.app;
        self.commit(room, id, async {
            app.permissions.writing(room, self.connection.user, "").await?;
            let held = self.target(room, message).await?.reactions;
            let is_new = held.iter().all(|count| count.emoji != emoji);
            if on && is_new && held.len() >= app.limits.reactions as usize {
                return Err(ErrorCode::TooManyReactions.into());
            }
            Ok(NewEventKind::Reaction { message, emoji, on })
        })
        .await
        .map(drop)
    }

    /// The message that is to be changed.
    async fn target(&self, room: RoomId, id: MessageId) -> Result<Message, Refused> {
        not_deleted(self.find(room, id).await?)
    }

    async fn find(&self, room: RoomId, id: MessageId) -> Result<Message, Refused> {
        let found = unstored::message(&self.sockets.app, room, id).await?;
        found.ok_or_else(|| ErrorCode::MessageNotFound.into())
    }

    fn audit_entry(
        &self,
        event: MessageId,
        room: RoomId,
        message: MessageId,
        author: UserId,
        committed: Committed,
    ) -> AuditEntry {
        AuditEntry {
            id: audit_id(room, event, committed.at),
            at: committed.at,
            actor: self.connection.user,
            action: AuditAction::MessageDeleted,
            room: Some(room),
            user: Some(author),
            message: Some(message),
            reason: None,
            detail: None,
        }
    }
}

fn not_deleted(message: Message) -> Result<Message, Refused> {
    if message.deleted_at.is_some() {
        return Err(ErrorCode::MessageDeleted.into());
    }
    Ok(message)
}

/// An audit entry's name, made of the event it tells of: told again, it is the same entry.
fn audit_id(room: RoomId, event: MessageId, at: Timestamp) -> AuditId {
    let mut hash = Sha256::new();
    hash.update(b"hubbub.deletion.v1");
    hash.update(room.as_bytes());
    hash.update(event.as_uuid().as_bytes());
    let mut random = [0_u8; 10];
    random.copy_from_slice(&hash.finalize()[..10]);
    let millis = u64::try_from(at.millis()).unwrap_or(0);
    AuditId::from_uuid(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}
