//! What is done with what arrives.

use hubbub_client::client::Event;
use hubbub_client::sync::Update;
use hubbub_protocol::http::RoomKind;
use hubbub_protocol::server::PresenceState;
use hubbub_protocol::{
    Member, MemberChange, Message, MessageId, RoomChange, RoomDetails, RoomId, Seq,
};

use super::{Chat, Own};
use crate::screen::{self, plain};

impl Chat {
    pub(super) async fn happened(&mut self, event: Option<Event>) {
        match event {
            Some(Event::Connected { node, .. }) => {
                let before = self.session.as_mut().and_then(|s| s.connected.replace(true));
                self.screen.line(&match before {
                    None => format!("✓ connected to {node}"),
                    Some(false) => format!("✓ connected again, to {node}"),
                    Some(true) => format!("✓ moved to {node}"),
                });
            }
            Some(Event::Disconnected { cause, .. }) => {
                let before = self.session.as_mut().and_then(|s| s.connected.replace(false));
                // Once an outage is enough.
                if before != Some(false) {
                    self.screen.line(&format!("✗ no connection ({cause}); trying again"));
                }
            }
            Some(Event::Update(update)) => self.updated(update).await,
            Some(Event::Ended { cause }) => {
                self.screen.line(&format!("✗ the session has ended ({cause}); /login NAME"));
                self.session = None;
            }
            None => self.session = None,
        }
    }

    async fn updated(&mut self, update: Update) {
        match update {
            Update::Message(message) => self.show(message).await,
            Update::Reloaded { messages, .. } => {
                for message in messages {
                    self.show(message).await;
                }
            }
            Update::Changed { message, change } => self.changed(&message, &change).await,
            Update::Stored { id, .. } => self.stored(id),
            Update::Failed { id, detail, .. } => {
                if let Some(own) = self.own.get_mut(&id) {
                    own.failed = true;
                    let text = screen::excerpt(&own.text);
                    self.screen.line(&format!("✗ not sent: {text} ({detail}); /retry"));
                } else {
                    self.screen.line(&format!("✗ not changed: {}", plain(&detail)));
                }
            }
            Update::Member(member) => self.member(member).await,
            Update::Room(RoomChange {
                room,
                details: RoomDetails { name: Some(name), .. },
                ..
            }) => {
                if let Some(mut known) = self.directory.room(room).cloned() {
                    let (before, after) = (plain(&known.name), plain(&name));
                    self.screen.line(&format!("{before} is called {after} now"));
                    known.name = name;
                    self.directory.add(known);
                }
            }
            Update::Heard { room, .. } if self.directory.room(room).is_none() => {
                if let Ok(room) = self.api.room(room).await {
                    let (name, direct) = (plain(&room.name), room.kind == RoomKind::Direct);
                    let number = self.directory.add(room);
                    let news =
                        if direct { "wants to talk to you" } else { "is one of your rooms now" };
                    self.screen.line(&format!("  · {name} {news}: /room {number}"));
                }
            }
            Update::Gone { room } => self.left(room),
            Update::Refused(error) => {
                self.screen.line(&format!("✗ {}", plain(&error.message)));
            }
            Update::Presence { people } => {
                for PresenceState { user, status, .. } in people {
                    let before = self.listed.insert(user, status);
                    if before.is_some_and(|before| before != status)
                        && let Some(name) = self.directory.known(user)
                    {
                        let (name, status) = (plain(name), screen::status(status));
                        self.screen.line(&format!("  · {name} is {status}"));
                    }
                }
            }
            Update::Room(_)
            | Update::Heard { .. }
            | Update::Marks { .. }
            | Update::Typing { .. } => {}
        }
    }

    async fn show(&mut self, message: Message) {
        let Message { room, seq, id, sender, at, body, .. } = message;
        if !self.has_shown(room, seq) {
            return;
        }
        let name = self.directory.name(&self.api, room, sender).await;
        let elsewhere = (self.current != Some(room)).then_some(room);
        let elsewhere = elsewhere.and_then(|room| self.directory.room(room));
        let line = screen::message(
            elsewhere.map(|room| room.name.as_str()),
            at,
            &name,
            &screen::said(&body),
        );
        match self.own.get_mut(&id) {
            Some(Own { stored: true, .. }) => {
                self.own.remove(&id);
                self.screen.sent(&line);
            }
            Some(own) => {
                own.shown = true;
                self.screen.sending(id, &line);
            }
            None => self.screen.line(&line),
        }
    }

    fn stored(&mut self, id: MessageId) {
        let Some(own) = self.own.get_mut(&id) else { return };
        own.stored = true;
        if own.shown {
            self.screen.stored(id, &own.text);
            self.own.remove(&id);
        }
    }

    async fn member(&mut self, member: Member) {
        let Member { room, user, change, .. } = member;
        if self.current != Some(room) {
            return;
        }
        let name = self.directory.name(&self.api, room, user).await;
        let has = match change {
            MemberChange::Joined => "has joined",
            MemberChange::Left => "has left",
            MemberChange::Removed => "was removed",
            MemberChange::Banned => "was banned",
            MemberChange::Unbanned => "may come back",
            MemberChange::Role => "has another role",
            MemberChange::Muted => "was muted",
            MemberChange::Unmuted => "may write again",
        };
        self.screen.line(&format!("  · {} {has}", plain(&name)));
    }

    pub(super) fn left(&mut self, room: RoomId) {
        if let Some(name) = self.directory.remove(room) {
            self.screen.line(&format!("You are no longer in {}.", plain(&name)));
        }
        self.shown.remove(&room);
        self.read.remove(&room);
        if self.current == Some(room) {
            self.current = None;
        }
    }

    /// Takes note that a message is shown. Says no if it was shown before.
    pub(super) fn has_shown(&mut self, room: RoomId, seq: Seq) -> bool {
        let last = self.shown.entry(room).or_default();
        if seq <= *last {
            return false;
        }
        *last = seq;
        if self.current == Some(room) {
            self.read.insert(room, seq);
        }
        true
    }

    pub(super) async fn mark(&mut self) {
        let Some(session) = self.session.as_ref().filter(|s| s.connected == Some(true)) else {
            return;
        };
        for (room, read) in self.read.drain() {
            session.client.mark_read(room, read).await;
        }
    }
}
