//! Changing what was said, answering it, and what others do of the kind.

use hubbub_client::http::Page;
use hubbub_protocol::{Draft, Event, Message, MessageId, RoomId, UserId};

use super::{Chat, Own, explain};
use crate::screen::{self, plain};

/// How many of a room's newest messages are looked at for the one that is meant.
const LOOKED_AT: u32 = 100;

impl Chat {
    pub(super) async fn edit(&mut self, text: &str) -> Result<(), String> {
        let (room, me) = (self.room()?, self.session()?.me.id);
        let message = self.last(room, |sender| sender == me).await?;
        let client = &self.session()?.client;
        client.edit(room, message, text).await.map(drop).map_err(|error| error.to_string())
    }

    pub(super) async fn delete(&mut self) -> Result<(), String> {
        let (room, me) = (self.room()?, self.session()?.me.id);
        let message = self.last(room, |sender| sender == me).await?;
        let client = &self.session()?.client;
        client.delete(room, message).await.map(drop).map_err(|error| error.to_string())
    }

    pub(super) async fn react(&mut self, emoji: &str) -> Result<(), String> {
        let room = self.room()?;
        let message = self.last(room, |_| true).await?;
        let client = &self.session()?.client;
        client.react(room, message, emoji, true).await.map(drop).map_err(|error| error.to_string())
    }

    pub(super) async fn reply(&mut self, text: &str) -> Result<(), String> {
        let (room, me) = (self.room()?, self.session()?.me.id);
        let answered = self.last(room, |sender| sender != me).await?;
        let (id, text) = (MessageId::new(), text.to_owned());
        let body = Draft { reply_to: Some(answered), ..Draft::text(text.clone()) };
        let client = &self.session()?.client;
        client.send_as(id, room, body).await.map_err(|error| error.to_string())?;
        self.own.insert(id, Own { text, shown: false, stored: false, failed: false });
        Ok(())
    }

    /// The newest message of a room, by whom it is about.
    async fn last(&self, room: RoomId, by: impl Fn(UserId) -> bool) -> Result<MessageId, String> {
        let page = self.api.messages(room, Page::Latest, LOOKED_AT).await.map_err(explain)?;
        let meant = |message: &&Message| message.deleted_at.is_none() && by(message.sender);
        let found = page.messages.iter().rfind(meant);
        found.map(|message| message.id).ok_or_else(|| "there is no such message here".to_owned())
    }

    /// Shows what happened to a message of the current room.
    pub(super) async fn changed(&mut self, message: &Message, change: &Event) {
        let room = message.room;
        if self.current != Some(room) {
            return;
        }
        let who = self.directory.name(&self.api, room, change.sender()).await;
        let text = screen::excerpt(&message.body.text);
        let what = match change {
            Event::Edited(_) => format!("now says: {text}"),
            Event::Deleted(_) => "has deleted a message".to_owned(),
            Event::Reaction(reaction) if reaction.on => format!("{} {text}", reaction.emoji),
            Event::Reaction(reaction) => format!("no longer {} {text}", reaction.emoji),
            Event::Message(_) | Event::Member(_) | Event::Room(_) => return,
        };
        self.screen.line(&format!("  · {} {what}", plain(&who)));
    }
}
