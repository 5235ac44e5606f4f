//! Finding, making and leaving rooms.

use hubbub_protocol::http::{
    CodeResponse, CreateRoomRequest, DirectRequest, JoinRoomRequest, NotifyLevel, NotifyRequest,
    Room, RoomKind, RoomList, UserList,
};
use hubbub_protocol::{RoomId, UserId};
use reqwest::Method;

use super::{Api, ApiError};

impl Api {
    /// One's own rooms, from the start or after a page's `next`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn rooms(&self, after: Option<&str>) -> Result<RoomList, ApiError> {
        let parameters: Vec<_> =
            after.map(|after| ("after", after.to_owned())).into_iter().collect();
        self.get("rooms", &parameters).await
    }

    /// Makes a room.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn create_room(&self, name: &str, kind: RoomKind) -> Result<Room, ApiError> {
        let request = CreateRoomRequest { name: name.to_owned(), kind, description: None };
        self.post("rooms", Some(&request)).await
    }

    /// Joins the room that a code belongs to.
    ///
    /// # Errors
    /// [`ApiError`]; `room_not_found` for a code of no room.
    pub async fn join_room(&self, code: &str) -> Result<Room, ApiError> {
        let request = JoinRoomRequest { code: code.trim().to_owned() };
        self.post("rooms/join", Some(&request)).await
    }

    /// Opens the direct room with somebody, which is the same whoever opens it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn direct(&self, user: UserId) -> Result<Room, ApiError> {
        self.post("direct", Some(&DirectRequest { user: Some(user), users: None })).await
    }

    /// A room as it is now.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn room(&self, room: RoomId) -> Result<Room, ApiError> {
        self.get(&format!("rooms/{room}"), &[]).await
    }

    /// Leaves a room.
    ///
    /// # Errors
    /// [`ApiError`]; `owner_must_stay` for its owner.
    pub async fn leave(&self, room: RoomId) -> Result<(), ApiError> {
        self.call(Method::POST, &format!("rooms/{room}/leave"), None::<&()>).await.map(drop)
    }

    /// A room's members, from the start or after a page's `next`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn members(&self, room: RoomId, after: Option<&str>) -> Result<UserList, ApiError> {
        let parameters: Vec<_> =
            after.map(|after| ("after", after.to_owned())).into_iter().collect();
        self.get(&format!("rooms/{room}/members"), &parameters).await
    }

    /// Gives a room a new code. The old one no longer works.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn rotate_code(&self, room: RoomId) -> Result<CodeResponse, ApiError> {
        self.post(&format!("rooms/{room}/code"), None::<&()>).await
    }

    /// Says what of a room reaches one who is not looking.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn set_notify(&self, room: RoomId, notify: NotifyLevel) -> Result<(), ApiError> {
        let request = NotifyRequest { notify };
        self.call(Method::PUT, &format!("rooms/{room}/notify"), Some(&request)).await.map(drop)
    }
}
