//! What each frame of a greeted connection does.
//!
//! No socket here: frames come in as text, answers go into the connection's lanes.

mod commit;
mod marks;
mod messages;
mod presence;
mod rooms;

use std::sync::Arc;

use hubbub_protocol::server::ErrorFrame;
use hubbub_protocol::{
    ClientFrame, CloseCode, ErrorCode, MessageId, Position, RoomId, ServerFrame, Timestamp,
};
use hubbub_store::PositionChange;

use self::marks::Marks;
use super::Sockets;
use crate::hub::connection::Connection;
use crate::refused::Refused;

/// One greeted connection. Dropped, it is taken out of the hub and the presence map.
#[derive(Debug)]
pub struct Session {
    sockets: Arc<Sockets>,
    connection: Arc<Connection>,
    marks: Arc<Marks>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.sockets.hub.unregister(&self.connection);
        if self.connection.is_greeted() {
            self.sockets.roster.remove(self.connection.user, self.connection.id);
        }
    }
}

impl Session {
    pub(super) fn new(sockets: Arc<Sockets>, connection: Arc<Connection>) -> Self {
        Self { sockets, connection, marks: Arc::default() }
    }

    /// The connection as the hub knows it.
    #[must_use]
    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// The heartbeat's tick, for noting when something was heard.
    pub(super) fn heard(&self) {
        self.connection.heard_at(self.sockets.hub.tick());
    }

    /// What is left of the access token, in milliseconds.
    pub(super) fn token_expires_in_ms(&self) -> u64 {
        let left = Timestamp::now().until(self.connection.token_expires_at());
        u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
    }

    /// Reads a frame. A malformed one is answered here and now.
    pub(super) fn parse(&self, text: &str) -> Option<ClientFrame> {
        let parsed = if text.len() > self.sockets.app.limits.frame_bytes as usize {
            Err(ErrorFrame::new(ErrorCode::FrameTooLarge))
        } else {
            ClientFrame::parse(text).map_err(ErrorFrame::from)
        };
        parsed.map_err(|error| self.connection.tell(&ServerFrame::Error(error))).ok()
    }

    /// Answers a frame that is no text.
    pub(super) fn refuse_binary(&self) {
        self.connection.tell(&ServerFrame::Error(ErrorFrame::new(ErrorCode::BinaryFrame)));
    }

    /// Carries out a frame; every answer goes into the connection's lanes.
    pub async fn handle(self: Arc<Self>, frame: ClientFrame) {
        let (id, room, outcome) = match frame {
            ClientFrame::Hello { .. } => (None, None, Err(ErrorCode::HelloRepeated.into())),
            ClientFrame::Refresh { token } => (None, None, self.refresh(token).await),
            ClientFrame::Subscribe { room, epoch, seq } => {
                let from = epoch.zip(seq).map(|(epoch, seq)| Position::new(epoch, seq));
                (None, Some(room), self.subscribe(room, from).await)
            }
            ClientFrame::Unsubscribe { room } => (None, Some(room), self.unsubscribe(room)),
            ClientFrame::Send { id, room, body } => {
                (Some(id), Some(room), self.send(id, room, body).await)
            }
            ClientFrame::Edit { id, room, message, body } => {
                (Some(id), Some(room), self.edit(id, room, message, body.text).await)
            }
            ClientFrame::Delete { id, room, message } => {
                (Some(id), Some(room), self.delete(id, room, message).await)
            }
            ClientFrame::React { id, room, message, emoji, on } => {
                (Some(id), Some(room), self.react(id, room, message, emoji, on).await)
            }
            ClientFrame::Mark { room, delivered, read, unread } => {
                let change = PositionChange {
                    delivered,
                    read,
                    unread_from: unread,
                    ..PositionChange::default()
                };
                (None, Some(room), self.mark(room, change).await)
            }
            ClientFrame::Typing { room, on } => (None, Some(room), self.typing(room, on).await),
            ClientFrame::Status { status } => {
                self.set_status(status);
                (None, None, Ok(()))
            }
            ClientFrame::Watch { users } => (None, None, self.watch(users).await),
            ClientFrame::Ping => {
                self.connection.tell(&ServerFrame::Pong);
                (None, None, Ok(()))
            }
        };
        if let Err(refused) = outcome {
            let mut error = ErrorFrame::from(refused);
            error.id = id.map(|id: MessageId| id.to_string());
            error.room = room;
            self.connection.tell(&ServerFrame::Error(error));
        }
    }

    /// Whether this user may read and write in a room. A connection that hears it is taken out when
    /// that ends; for other rooms the store is asked each time.
    async fn authorise(&self, room: RoomId) -> Result<(), Refused> {
        if self.connection.hears(room) {
            return Ok(());
        }
        self.require_membership(room).await
    }

    async fn require_membership(&self, room: RoomId) -> Result<(), Refused> {
        match self.sockets.app.store.membership(room, self.connection.user).await? {
            Some(_) => Ok(()),
            None => Err(ErrorCode::RoomNotFound.into()),
        }
    }

    /// Goes on with a new access token: the one given, or for cookie clients the one their
    /// session's latest rotation set.
    async fn refresh(&self, token: Option<String>) -> Result<(), Refused> {
        let app = &self.sockets.app;
        let connection = &self.connection;
        let until = match token {
            Some(token) => {
                let access = app.auth.verify_access(&token)?;
                if (access.user, access.session) != (connection.user, connection.session) {
                    return Err(ErrorCode::TokenInvalid.into());
                }
                access.expires_at
            }
            None => {
                let session = app.store.session(connection.session, Timestamp::now()).await?;
                let Some(session) = session else {
                    connection.close(CloseCode::SessionEnded);
                    return Err(ErrorCode::SessionEnded.into());
                };
                session.access_expires_at
            }
        };
        connection.extend(until);
        connection
            .tell(&ServerFrame::Refreshed { token_expires_in_ms: self.token_expires_in_ms() });
        Ok(())
    }
}
