//! Which rooms a connection hears.

use hubbub_protocol::{ErrorCode, Position, RoomId, ServerFrame};

use super::Session;
use crate::refused::Refused;

impl Session {
    pub(super) async fn subscribe(
        &self,
        room: RoomId,
        from: Option<Position>,
    ) -> Result<(), Refused> {
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

    pub(super) fn unsubscribe(&self, room: RoomId) -> Result<(), Refused> {
        if !self.sockets.hub.detach(&self.connection, room) {
            return Err(ErrorCode::RoomNotFound.into());
        }
        self.connection.tell(&ServerFrame::Unsubscribed { room });
        Ok(())
    }
}
