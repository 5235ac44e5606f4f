//! The whole client: stays connected, keeps rooms in step, gets messages stored.
//!
//! [`Client::start`] starts a driver task that owns the [`Replica`](crate::sync::Replica) and its
//! connection. What happens comes out of a bounded channel. A person who does not read it stops
//! the driver from reading the socket, and hurts nobody else.

mod dial;
mod driver;

use hubbub_protocol::server::ReadyRoom;
use hubbub_protocol::{
    ClientFrame, Draft, ErrorCode, Message, MessageId, NodeId, RoomId, Seq, UserId,
};
use tokio::sync::{mpsc, oneshot};

use crate::http::Api;
use crate::sync::outbox::Saying;
use crate::sync::{Update, outbox};
use driver::{Command, Driver};

/// Commands that may wait for the driver.
const COMMANDS: usize = 64;

/// What can be chosen.
#[derive(Debug, Clone)]
pub struct Options {
    /// Events that may wait to be read.
    pub events: usize,
    /// Hear only these rooms; `None`: all of the user's.
    pub only: Option<Vec<RoomId>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { events: 1_024, only: None }
    }
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are updates")]
pub enum Event {
    /// Connected to a node, for the first time or again.
    Connected {
        /// The node.
        node: NodeId,
        /// The rooms that are heard.
        rooms: Vec<ReadyRoom>,
    },
    /// The connection is gone, or could not be made. The client tries again by itself.
    Disconnected {
        /// Why, for a person.
        cause: String,
        /// When it tries again.
        retry_in: std::time::Duration,
    },
    /// Something changed in a room or in the outbox.
    Update(Update),
    /// It is over, and nothing follows: the session has ended, or the server wants no more of this
    /// client.
    Ended {
        /// Why, for a person.
        cause: String,
    },
}

/// Why something was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It can't be said, or too much waits already.
    #[error("{}", .0.title())]
    Refused(ErrorCode),
    /// The client has ended.
    #[error("the client has ended")]
    Ended,
}

/// Something that is not stored yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    /// Its id.
    pub id: MessageId,
    /// Its room.
    pub room: RoomId,
    /// What is to be said.
    pub saying: Saying,
    /// How far it has come.
    pub state: outbox::State,
}

/// A running client. Clones are the same client; it ends when the last one is dropped, or with
/// [`Self::stop`].
#[derive(Debug, Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
}

impl Client {
    /// Starts a client for the session of `api`, which must be logged in.
    #[must_use]
    pub fn start(api: Api, options: Options) -> (Self, mpsc::Receiver<Event>) {
        let (commands, received) = mpsc::channel(COMMANDS);
        let (events, told) = mpsc::channel(options.events.max(1));
        tokio::spawn(Driver::new(api, options.only, events).run(received));
        (Self { commands }, told)
    }

    /// Says something. It is in the outbox when this returns, and goes out as soon as possible.
    ///
    /// # Errors
    /// [`SendError`] when the text can't be sent, the outbox is full or the client has ended.
    pub async fn send(&self, room: RoomId, text: &str) -> Result<MessageId, SendError> {
        let id = MessageId::new();
        self.send_as(id, room, Draft::text(text)).await?;
        Ok(id)
    }

    /// Says something under an id made before, with the same result however often it is done.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_as(&self, id: MessageId, room: RoomId, body: Draft) -> Result<(), SendError> {
        self.say(id, room, Saying::Message(body)).await
    }

    /// Puts another text in place of what one said.
    ///
    /// # Errors
    /// As [`Self::send`]; that the message is another's, or deleted, is told later.
    pub async fn edit(
        &self,
        room: RoomId,
        message: MessageId,
        text: &str,
    ) -> Result<MessageId, SendError> {
        let id = MessageId::new();
        self.say(id, room, Saying::Edit { message, text: text.to_owned() }).await?;
        Ok(id)
    }

    /// Deletes a message.
    ///
    /// # Errors
    /// As [`Self::edit`].
    pub async fn delete(&self, room: RoomId, message: MessageId) -> Result<MessageId, SendError> {
        let id = MessageId::new();
        self.say(id, room, Saying::Deletion { message }).await?;
        Ok(id)
    }

    /// Puts an emoji under a message, or takes it away.
    ///
    /// # Errors
    /// As [`Self::edit`].
    pub async fn react(
        &self,
        room: RoomId,
        message: MessageId,
        emoji: &str,
        on: bool,
    ) -> Result<MessageId, SendError> {
        let id = MessageId::new();
        self.say(id, room, Saying::Reaction { message, emoji: emoji.to_owned(), on }).await?;
        Ok(id)
    }

    async fn say(&self, id: MessageId, room: RoomId, saying: Saying) -> Result<(), SendError> {
        self.ask(|reply| Command::Say { id, room, saying, reply })
            .await
            .ok_or(SendError::Ended)?
            .map_err(SendError::Refused)
    }

    /// Sends a message that has failed once more, under its old id. Says whether there is one.
    pub async fn retry(&self, id: MessageId) -> bool {
        self.ask(|reply| Command::Retry { id, reply }).await.unwrap_or(false)
    }

    /// Forgets a message that has failed. Says whether there is one.
    pub async fn discard(&self, id: MessageId) -> bool {
        self.ask(|reply| Command::Discard { id, reply }).await.unwrap_or(false)
    }

    /// A room's messages as far as they are known here, in order, each once.
    pub async fn messages(&self, room: RoomId) -> Vec<Message> {
        self.ask(|reply| Command::Messages { room, reply }).await.unwrap_or_default()
    }

    /// What is not stored yet, in the order it was written.
    pub async fn unsent(&self) -> Vec<Unsent> {
        self.ask(|reply| Command::Unsent { reply }).await.unwrap_or_default()
    }

    /// Tells how far this user has read. Lost without a connection; the next one tells again.
    pub async fn mark_read(&self, room: RoomId, read: Seq) {
        let frame =
            ClientFrame::Mark { room, delivered: Some(read), read: Some(read), unread: None };
        // An ended client has nobody to tell.
        let _ = self.commands.send(Command::Volatile(frame)).await;
    }

    /// Tells that this user starts or stops typing. Lost without a connection.
    pub async fn typing(&self, room: RoomId, on: bool) {
        let _ = self.commands.send(Command::Volatile(ClientFrame::Typing { room, on })).await;
    }

    /// Watches these people from now on, over all reconnections, instead of those before: what they
    /// are doing comes as [`Update::Presence`]. No more than `limits.watched`.
    pub async fn watch(&self, users: Vec<UserId>) {
        // An ended client has nobody to tell.
        let _ = self.commands.send(Command::Watch(users)).await;
    }

    /// Closes the connection and ends the client. What is in the outbox is lost.
    pub async fn stop(&self) {
        self.ask(|reply| Command::Stop { reply }).await;
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}
