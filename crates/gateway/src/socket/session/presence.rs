//! What somebody is doing, and whom they watch.

use hubbub_bus::{Quota, Verdict};
use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::{ErrorCode, RoomId, ServerFrame, UserId};

use super::Session;
use crate::http::quotas::Kind;
use crate::hub::typing::{TYPING_EVERY, typing_key};
use crate::metric::{Pace, exceeded};
use crate::refused::Refused;

impl Session {
    /// Others hear of it at most once in three seconds per person and room, whatever the number of
    /// devices; what comes more often is absorbed, as is what nobody is to be told.
    pub(super) async fn typing(&self, room: RoomId, on: bool) -> Result<(), Refused> {
        self.authorise(room).await?;
        if !on {
            self.sockets.hub.stop_typing(&self.connection, room);
            return Ok(());
        }
        if !self.connection.begin_typing(room) || !self.tells_typing(room).await? {
            return Ok(());
        }
        let (bus, user) = (&self.sockets.app.bus, self.connection.user);
        let quota = Quota::new(1, 1, TYPING_EVERY);
        if let Verdict::Refused { .. } = bus.take(&format!("typing:{user}:{room}"), quota).await? {
            Pace::Typing.exceeded();
            return Ok(());
        }
        self.connection.tell_typing(room);
        let frame = ServerFrame::Typing { room, user, on }.encode();
        Ok(bus.publish_volatile(room, &typing_key(user), &frame).await?)
    }

    /// Whether a room is told that this user types: not if it is too large, if one of its two people
    /// has blocked the other, or if the user does not want it.
    async fn tells_typing(&self, room: RoomId) -> Result<bool, Refused> {
        let (app, user) = (&self.sockets.app, self.connection.user);
        let standing = app.permissions.standing(room, user).await?;
        if standing.blocked || standing.members > u64::from(app.limits.typing_members) {
            return Ok(false);
        }
        let records = app.store.users(&[user]).await?;
        Ok(records.first().is_some_and(|record| record.send_typing))
    }

    pub(super) fn set_status(&self, status: DeviceStatus) {
        if self.connection.status() != status {
            self.connection.set_status(status);
            self.sockets.roster.put(&self.connection);
        }
    }

    pub(super) async fn watch(&self, mut users: Vec<UserId>) -> Result<(), Refused> {
        users.sort_unstable();
        users.dedup();
        let app = &self.sockets.app;
        if users.len() > app.limits.watched as usize {
            return Err(ErrorCode::TooManyWatched.into());
        }
        let taken = app.http.quotas.take(&*app.bus, Kind::Watch, self.connection.user).await?;
        if let Verdict::Refused { retry_after } = taken {
            exceeded(Kind::Watch);
            return Err(Refused::until(ErrorCode::RateLimited, retry_after));
        }
        self.sockets.hub.watch(&self.connection, users).await
    }
}
