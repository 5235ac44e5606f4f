//! Order in the current room, and its end.

use std::time::Duration;

use hubbub_protocol::http::UpdateMemberRequest;

use super::{Chat, explain};
use crate::screen::plain;

impl Chat {
    pub(super) async fn kick(&mut self, name: &str) -> Result<(), String> {
        let (room, user) = (self.room()?, self.person(name).await?);
        self.api.remove_member(room, user.id).await.map_err(explain)
    }

    pub(super) async fn ban(&mut self, name: &str) -> Result<(), String> {
        let (room, user) = (self.room()?, self.person(name).await?);
        self.api.ban(room, user.id).await.map(drop).map_err(explain)
    }

    pub(super) async fn unban(&mut self, name: &str) -> Result<(), String> {
        let (room, user) = (self.room()?, self.person(name).await?);
        self.api.unban(room, user.id).await.map_err(explain)
    }

    /// For so many minutes; 0 lets them write again.
    pub(super) async fn mute(&mut self, name: &str, minutes: u64) -> Result<(), String> {
        let (room, user) = (self.room()?, self.person(name).await?);
        let mute_for = Some(Duration::from_secs(60 * minutes).as_secs());
        let change = UpdateMemberRequest { mute_for, ..UpdateMemberRequest::default() };
        self.api.update_member(room, user.id, &change).await.map(drop).map_err(explain)
    }

    pub(super) async fn destroy(&mut self, name: &str) -> Result<(), String> {
        let room = self.room()?;
        self.api.destroy_room(room, name).await.map_err(explain)?;
        self.screen.line(&format!("{} is destroyed.", plain(name)));
        self.left(room);
        Ok(())
    }
}
