//! What somebody is doing.

use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::{RoomId, ServerFrame};

use super::Session;
use crate::hub::TYPING_KEY;
use crate::refused::Refused;

impl Session {
    pub(super) async fn typing(&self, room: RoomId, on: bool) -> Result<(), Refused> {
        self.authorise(room).await?;
        let user = self.connection.user;
        let frame = ServerFrame::Typing { room, user, on };
        let key = format!("{TYPING_KEY}{user}");
        Ok(self.sockets.app.bus.publish_volatile(room, &key, &frame.encode()).await?)
    }

    pub(super) fn set_status(&self, status: DeviceStatus) {
        if self.connection.status() != status {
            self.connection.set_status(status);
            self.sockets.roster.put(&self.connection);
        }
    }
}
