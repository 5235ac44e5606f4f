//! What owners and moderators do with rooms and their members.

use hubbub_protocol::http::{
    AuditList, Ban, CodeRequest, CodeResponse, DestroyRoomRequest, Destruction, MemberView,
    ReasonRequest, Room, UpdateMemberRequest, UpdateRoomRequest,
};
use hubbub_protocol::{RoomId, UserId};
use reqwest::Method;

use super::{Api, ApiError, read};

impl Api {
    /// Changes a room's details and rules.
    ///
    /// # Errors
    /// [`ApiError`]; `forbidden` for those without the role it takes.
    pub async fn update_room(
        &self,
        room: RoomId,
        change: &UpdateRoomRequest,
    ) -> Result<Room, ApiError> {
        read(self.call(Method::PATCH, &format!("rooms/{room}"), Some(change)).await?).await
    }

    /// Gives a room a new code that ends after a time, or after it has let some people in.
    ///
    /// # Errors
    /// [`ApiError`]; `forbidden` for members.
    pub async fn limited_code(
        &self,
        room: RoomId,
        limits: &CodeRequest,
    ) -> Result<CodeResponse, ApiError> {
        self.post(&format!("rooms/{room}/code"), Some(limits)).await
    }

    /// What was done in a room by those with power, the newest first.
    ///
    /// # Errors
    /// [`ApiError`]; `forbidden` for members.
    pub async fn audit(&self, room: RoomId) -> Result<AuditList, ApiError> {
        self.get(&format!("rooms/{room}/audit"), &[]).await
    }

    /// Changes a member's role, or mutes them.
    ///
    /// # Errors
    /// [`ApiError`]; `forbidden` for those without the role it takes.
    pub async fn update_member(
        &self,
        room: RoomId,
        user: UserId,
        change: &UpdateMemberRequest,
    ) -> Result<MemberView, ApiError> {
        let path = format!("rooms/{room}/members/{user}");
        read(self.call(Method::PATCH, &path, Some(change)).await?).await
    }

    /// Puts a member out. They may come back.
    ///
    /// # Errors
    /// [`ApiError`]; `forbidden` for somebody of the same or a greater role.
    pub async fn remove_member(&self, room: RoomId, user: UserId) -> Result<(), ApiError> {
        let path = format!("rooms/{room}/members/{user}");
        self.call(Method::DELETE, &path, Some(&ReasonRequest::default())).await.map(drop)
    }

    /// Bans somebody from a room.
    ///
    /// # Errors
    /// [`ApiError`]; `forbidden` for somebody of the same or a greater role.
    pub async fn ban(&self, room: RoomId, user: UserId) -> Result<Ban, ApiError> {
        let path = format!("rooms/{room}/bans/{user}");
        read(self.call(Method::PUT, &path, Some(&ReasonRequest::default())).await?).await
    }

    /// Lifts a ban.
    ///
    /// # Errors
    /// [`ApiError`]; `forbidden` for members.
    pub async fn unban(&self, room: RoomId, user: UserId) -> Result<(), ApiError> {
        let path = format!("rooms/{room}/bans/{user}");
        self.call(Method::DELETE, &path, None::<&()>).await.map(drop)
    }

    /// Destroys a room for good. `name` is its name, typed again.
    ///
    /// # Errors
    /// [`ApiError`]; `forbidden` for all but its owner.
    pub async fn destroy_room(&self, room: RoomId, name: &str) -> Result<Destruction, ApiError> {
        let request = DestroyRoomRequest { name: name.to_owned(), reason: None };
        read(self.call(Method::DELETE, &format!("rooms/{room}"), Some(&request)).await?).await
    }

    /// How far the removal of a room has come that one has destroyed.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn destruction(&self, room: RoomId) -> Result<Destruction, ApiError> {
        self.get(&format!("rooms/{room}/destruction"), &[]).await
    }
}
