//! How far somebody has come.

use hubbub_protocol::server::Mark;
use hubbub_protocol::{RoomId, Seq, ServerFrame};

use super::Session;
use crate::refused::Refused;

impl Session {
    pub(super) async fn mark(
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
        let mark =
            Mark { user, delivered: now.delivered, read: now.read, unread_from: None, version: 0 };
        let frame = ServerFrame::Marks { room, marks: vec![mark] };
        app.bus.publish_volatile(room, &format!("marks:{user}"), &frame.encode()).await?;
        Ok(())
    }
}
