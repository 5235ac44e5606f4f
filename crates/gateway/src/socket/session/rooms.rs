//! Which rooms a connection hears.

use hubbub_protocol::{ErrorCode, Position, RoomId};

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
        if !hub.subscribe(&self.connection, room, head, from) {
            return Err(ErrorCode::TooManySubscriptions.into());
        }
        // The membership may have ended between the look and the subscription.
        let still = self.require_membership(room).await;
        if still.is_err() {
            hub.detach_and_tell(&self.connection, room);
        }
        still
    }

    pub(super) fn unsubscribe(&self, room: RoomId) -> Result<(), Refused> {
        if !self.sockets.hub.detach_and_tell(&self.connection, room) {
            return Err(ErrorCode::RoomNotFound.into());
        }
        Ok(())
    }
}
