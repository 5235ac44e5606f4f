//! What each frame of a greeted connection does.
//!
//! No socket here: frames come in as text, answers go into the connection's lanes.

use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::{Quota, Verdict};
use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::server::{ErrorFrame, Mark};
use hubbub_protocol::{
    ClientFrame, CloseCode, ErrorCode, MessageBody, MessageId, NewEvent, Position, RoomId, Seq,
    ServerFrame, Timestamp,
};
use hubbub_store::StoreError;

use super::Sockets;
use crate::committer::{CommitFailure, Standing, UNAVAILABLE_RETRY};
use crate::hub::TYPING_KEY;
use crate::hub::acks::ack;
use crate::hub::connection::Connection;

/// One greeted connection. Dropped, it is taken out of the hub and the presence map.
#[derive(Debug)]
pub struct Session {
    sockets: Arc<Sockets>,
    connection: Arc<Connection>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.sockets.hub.unregister(&self.connection);
        if self.connection.is_greeted() {
            self.sockets.roster.remove(self.connection.user, self.connection.id);
        }
    }
}

/// A frame that can't be carried out.
struct Refused {
    code: ErrorCode,
    retry_after: Option<Duration>,
}

impl From<ErrorCode> for Refused {
    fn from(code: ErrorCode) -> Self {
        Self { code, retry_after: None }
    }
}

impl From<CommitFailure> for Refused {
    fn from(failure: CommitFailure) -> Self {
        if let CommitFailure::Unavailable(cause) = &failure {
            tracing::warn!(%cause, "can't carry out a frame");
        }
        Self { code: failure.code(), retry_after: failure.retry_after() }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        CommitFailure::from(error).into()
    }
}

impl From<hubbub_bus::BusError> for Refused {
    fn from(error: hubbub_bus::BusError) -> Self {
        CommitFailure::from(error).into()
    }
}

impl Session {
    pub(super) fn new(sockets: Arc<Sockets>, connection: Arc<Connection>) -> Self {
        Self { sockets, connection }
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
            ClientFrame::Mark { room, delivered, read } => {
                (None, Some(room), self.mark(room, delivered, read).await)
            }
            ClientFrame::Typing { room, on } => (None, Some(room), self.typing(room, on).await),
            ClientFrame::Status { status } => {
                self.set_status(status);
                (None, None, Ok(()))
            }
            ClientFrame::Ping => {
                self.connection.tell(&ServerFrame::Pong);
                (None, None, Ok(()))
            }
        };
        if let Err(Refused { code, retry_after }) = outcome {
            let mut error = ErrorFrame::new(code);
            error.id = id.map(|id: MessageId| id.to_string());
            error.room = room;
            error.retry_after_ms = retry_after
                .map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX).max(1));
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

    async fn send(&self, id: MessageId, room: RoomId, body: MessageBody) -> Result<(), Refused> {
        let app = &self.sockets.app;
        let connection = &self.connection;
        app.limits.check_text(&body.text)?;
        self.authorise(room).await?;
        let quota =
            Quota::new(app.limits.send_burst, app.limits.send_per_second, Duration::from_secs(1));
        match app.bus.take(&format!("send:{}", connection.user), quota).await? {
            Verdict::Allowed { .. } => {}
            Verdict::Refused { retry_after } => {
                return Err(Refused {
                    code: ErrorCode::RateLimited,
                    retry_after: Some(retry_after),
                });
            }
        }
        if !connection.begin_send(app.limits.in_flight) {
            return Err(Refused {
                code: ErrorCode::Overloaded,
                retry_after: Some(UNAVAILABLE_RETRY),
            });
        }
        let event = NewEvent {
            room,
            id,
            sender: connection.user,
            at: Timestamp::now(),
            kind: NewEventKind::Message { body },
        };
        let hub = &self.sockets.hub;
        let first = hub.acks.expect(connection, room, id);
        if !first {
            // One ack answers both, and counts for one.
            connection.end_send();
        }
        match app.committer.commit(&event).await {
            Ok(committed) => match committed.standing {
                // The notice, or the look-up of what waits too long, answers it.
                Standing::Fresh => {}
                Standing::Repeated => hub.look_up_acks(&[(room, id)]).await,
                Standing::Stored => {
                    // Unless a notice of another device's try was faster.
                    if hub.acks.forget(connection, room, id) {
                        connection.tell(&ack(room, id, committed.position, committed.at));
                    }
                }
            },
            Err(failure) => {
                if first && !hub.acks.forget(connection, room, id) {
                    // A notice of another device's try has answered it.
                    return Ok(());
                }
                return Err(failure.into());
            }
        }
        Ok(())
    }

    async fn subscribe(&self, room: RoomId, from: Option<Position>) -> Result<(), Refused> {
        self.require_membership(room).await?;
        let most = self.sockets.app.limits.rooms as usize;
        if !self.connection.hears(room) && self.connection.room_count() >= most {
            return Err(ErrorCode::TooManySubscriptions.into());
        }
        let hub = &self.sockets.hub;
        let heads = hub.heads(&[room]).await?;
        let Some(head) = heads.first().copied() else { return Ok(()) };
        if let Some(from) = from {
            let Position { epoch, seq } = head;
            self.connection.tell(&ServerFrame::Subscribed { room, epoch, seq });
            hub.attach(&self.connection, room, from);
        } else if !hub.add(&self.connection, room, head) {
            return Err(ErrorCode::TooManySubscriptions.into());
        }
        // The membership may have ended between the look and the subscription.
        let still = self.require_membership(room).await;
        if still.is_err() {
            hub.detach(&self.connection, room);
        }
        still
    }

    fn unsubscribe(&self, room: RoomId) -> Result<(), Refused> {
        if !self.sockets.hub.detach(&self.connection, room) {
            return Err(ErrorCode::RoomNotFound.into());
        }
        self.connection.tell(&ServerFrame::Unsubscribed { room });
        Ok(())
    }

    async fn mark(
        &self,
        room: RoomId,
        delivered: Option<Seq>,
        read: Option<Seq>,
    ) -> Result<(), Refused> {
        self.authorise(room).await?;
        let app = &self.sockets.app;
        // Nobody has read what was not said.
        let head = app.committer.head(room).await?.seq;
        let (delivered, read) = (delivered.map(|seq| seq.min(head)), read.map(|seq| seq.min(head)));
        let user = self.connection.user;
        let now = app.store.mark(room, user, delivered, read).await?;
        let mark = Mark { user, delivered: now.delivered, read: now.read };
        let frame = ServerFrame::Marks { room, marks: vec![mark] };
        app.bus.publish_volatile(room, &format!("marks:{user}"), &frame.encode()).await?;
        Ok(())
    }

    async fn typing(&self, room: RoomId, on: bool) -> Result<(), Refused> {
        self.authorise(room).await?;
        let user = self.connection.user;
        let frame = ServerFrame::Typing { room, user, on };
        let key = format!("{TYPING_KEY}{user}");
        Ok(self.sockets.app.bus.publish_volatile(room, &key, &frame.encode()).await?)
    }

    fn set_status(&self, status: DeviceStatus) {
        if self.connection.status() != status {
            self.connection.set_status(status);
            self.sockets.roster.put(&self.connection);
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
