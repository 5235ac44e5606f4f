//! Into whose inbox a message goes: of those it calls, the ones who are away, may read it now, have
//! not read it, and want to know.

use std::collections::HashSet;

use hubbub_protocol::http::{InboxEntry, NotifyLevel};
use hubbub_protocol::limits::EXCERPT_GRAPHEMES;
use hubbub_protocol::{Event, Message, MessageId, RoomId, Seq, ServerFrame, UserId, markdown};
use hubbub_store::inbox::ANNOUNCED_WITHIN;
use hubbub_store::{InboxNote, InboxPart};
use unicode_segmentation::UnicodeSegmentation;

use super::callees::{Call, Callees, EVERYBODY_MAX, PAGE};
use super::{Away, AwayError};

impl Away {
    /// Does for an event that is stored what must be done about people who are away. Doing it again
    /// changes nothing.
    pub(crate) async fn heed(&self, event: &Event) -> Result<(), AwayError> {
        match event {
            Event::Message(message) => {
                let call = Call {
                    room: message.room,
                    message: message.id,
                    sender: message.sender,
                    mentions: &message.body.mentions,
                    reply_to: message.body.reply_to,
                    edit: None,
                };
                self.call(&call).await
            }
            Event::Edited(edited) => {
                self.change_excerpt(edited.room, edited.message).await?;
                let call = Call {
                    room: edited.room,
                    message: edited.message,
                    sender: edited.sender,
                    mentions: &edited.body.mentions,
                    reply_to: None,
                    edit: Some(edited.seq),
                };
                self.call(&call).await
            }
            Event::Deleted(deleted) => {
                let robbed = self.store.withdraw(deleted.room, deleted.message).await?;
                self.tell_counts(&robbed).await
            }
            Event::Member(member) if member.change.ends_membership() => {
                // Up to its own place: they may have come back since.
                let part = InboxPart::Read(member.room, member.seq);
                if self.store.clear_inbox(member.user, part).await? > 0 {
                    self.tell_counts(&[member.user]).await?;
                }
                Ok(())
            }
            Event::Member(_) | Event::Reaction(_) | Event::Room(_) => Ok(()),
        }
    }

    async fn call(&self, call: &Call<'_>) -> Result<(), AwayError> {
        let named = self.away(call.named(&*self.store).await?).await?;
        if !named.is_empty() {
            self.put(call, named).await?;
        }
        if !call.mentions.all {
            return Ok(());
        }
        let mut after = None;
        for _ in 0..EVERYBODY_MAX / PAGE {
            let (page, next) = call.everybody(&*self.store, after).await?;
            let away = self.away(page).await?;
            if !away.is_empty() {
                self.put(call, away).await?;
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Those without a live connection.
    async fn away(&self, callees: Callees) -> Result<Callees, AwayError> {
        if callees.is_empty() {
            return Ok(callees);
        }
        let users: Vec<UserId> = callees.keys().copied().collect();
        let present = self.bus.presence(&users).await?;
        let is_away = callees.into_iter().zip(present).filter(|(_, at)| at.connections.is_empty());
        Ok(is_away.map(|(callee, _)| callee).collect())
    }

    async fn put(&self, call: &Call<'_>, mut callees: Callees) -> Result<(), AwayError> {
        let room = call.room;
        let found = self.store.messages(room, &[call.message]).await?.pop();
        // As it is now: it may have been deleted, or say something else by now.
        let Some(message) = found.filter(|message| message.deleted_at.is_none()) else {
            return Ok(());
        };
        if let Some(edit) = call.edit {
            self.keep_newly_called(call, edit, &mut callees).await?;
        }
        let pairs: Vec<_> = callees.keys().map(|user| (room, *user)).collect();
        let members = self.store.memberships_among(&pairs).await?;
        let members: HashSet<UserId> = members.into_iter().map(|(_, user)| user).collect();
        let rows = self.store.positions_among(&pairs).await?;
        let wants = rows.iter().filter(|row| {
            members.contains(&row.user)
                && row.unread_after() < message.seq
                && row.notify != NotifyLevel::Nothing
        });
        let excerpt = excerpt(&message);
        let notes: Vec<InboxNote> = wants
            .filter_map(|row| Some((row.user, *callees.get(&row.user)?)))
            .map(|(user, reason)| InboxNote {
                user,
                entry: InboxEntry {
                    room,
                    seq: message.seq,
                    message: message.id,
                    sender: message.sender,
                    at: message.at,
                    reason,
                    excerpt: excerpt.clone(),
                },
            })
            .collect();
        if notes.is_empty() {
            return Ok(());
        }
        let announce = self
            .announcer
            .as_ref()
            .map(|_| hubbub_protocol::Timestamp::now().after(ANNOUNCED_WITHIN));
        let new = self.store.put_inbox(&notes, announce).await?;
        // Who has come meanwhile was told a count without these.
        let users: Vec<UserId> = new.iter().map(|note| note.user).collect();
        self.tell_counts(&users).await?;
        if let Some(announcer) = &self.announcer
            && !new.is_empty()
        {
            announcer.hand_over(new);
        }
        Ok(())
    }

    /// Takes out those whom the message called before the edit as well: they were told then.
    async fn keep_newly_called(
        &self,
        call: &Call<'_>,
        edit: Seq,
        callees: &mut Callees,
    ) -> Result<(), AwayError> {
        let before = self.store.versions(call.room, call.message, edit, 1).await?.pop();
        let called = before.map(|version| version.mentions).unwrap_or_default();
        if called.all {
            callees.clear();
        }
        for user in called.users {
            callees.remove(&user);
        }
        Ok(())
    }

    async fn change_excerpt(&self, room: RoomId, message: MessageId) -> Result<(), AwayError> {
        if let Some(message) = self.store.messages(room, &[message]).await?.pop() {
            self.store.change_excerpt(room, message.id, &excerpt(&message)).await?;
        }
        Ok(())
    }

    /// Tells those of these people who are connected how much waits for them.
    async fn tell_counts(&self, users: &[UserId]) -> Result<(), AwayError> {
        if users.is_empty() {
            return Ok(());
        }
        let present = self.bus.presence(users).await?;
        let here = users.iter().zip(present).filter(|(_, at)| !at.connections.is_empty());
        let here: Vec<UserId> = here.map(|(user, _)| *user).collect();
        let counts = self.store.inbox_counts(&here).await?;
        for (user, waiting) in here.into_iter().zip(counts) {
            let frame = ServerFrame::Inbox { waiting };
            self.bus.tell_users(&[user], "inbox", &frame.encode()).await?;
        }
        Ok(())
    }
}

/// How a message begins, as plain text.
fn excerpt(message: &Message) -> String {
    let plain = markdown::plain_text(&message.body.text);
    match plain.grapheme_indices(true).nth(EXCERPT_GRAPHEMES) {
        Some((end, _)) => plain[..end].to_owned(),
        None => plain,
    }
}
