//! Whom a message calls, and why.

use std::collections::BTreeMap;

use hubbub_protocol::http::InboxReason;
use hubbub_protocol::{Mentions, MessageId, RoomId, Seq, UserId};
use hubbub_store::{Store, StoreError};

/// Members whom one `@all` reaches while they are away: the first by id. A room with more members
/// has other ways to reach all of them.
pub(super) const EVERYBODY_MAX: usize = 5_000;
/// People that are looked at together.
pub(super) const PAGE: usize = 500;
/// Most people in a direct room.
const DIRECT_MAX: usize = *hubbub_protocol::limits::DIRECT_GROUP_MEMBERS.end();

/// What may be of interest to people who are away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) room: RoomId,
    pub(super) message: MessageId,
    /// Who wrote it: never called by it.
    pub(super) sender: UserId,
    pub(super) mentions: &'a Mentions,
    pub(super) reply_to: Option<MessageId>,
    /// The place of the edit that made the message call these people, if it was one. People of a
    /// direct room and whoever is answered were called before.
    pub(super) edit: Option<Seq>,
}

/// People in ascending order, each with the first reason that holds.
pub(super) type Callees = BTreeMap<UserId, InboxReason>;

impl Call<'_> {
    /// Those who are called one by one; not those who are only meant as one of everybody.
    pub(super) async fn named(&self, store: &dyn Store) -> Result<Callees, StoreError> {
        let mut callees = Callees::new();
        let mut call = |user: UserId, reason: InboxReason| {
            callees.entry(user).and_modify(|held| *held = (*held).min(reason)).or_insert(reason);
        };
        if self.edit.is_none() {
            if self.room.is_direct() {
                for member in store.members(self.room, None, DIRECT_MAX).await? {
                    call(member.user, InboxReason::Direct);
                }
            }
            if let Some(answered) = self.reply_to {
                for message in store.messages(self.room, &[answered]).await? {
                    call(message.sender, InboxReason::Reply);
                }
            }
        }
        for user in &self.mentions.users {
            call(*user, InboxReason::Mention);
        }
        callees.remove(&self.sender);
        Ok(callees)
    }

    /// The next page of everybody, and where the one after it starts.
    pub(super) async fn everybody(
        &self,
        store: &dyn Store,
        after: Option<UserId>,
    ) -> Result<(Callees, Option<UserId>), StoreError> {
        let members = store.members(self.room, after, PAGE).await?;
        let next = members.last().filter(|_| members.len() == PAGE).map(|member| member.user);
        let others = members.into_iter().map(|member| member.user);
        let others = others.filter(|user| *user != self.sender);
        Ok((others.map(|user| (user, InboxReason::Mention)).collect(), next))
    }
}
