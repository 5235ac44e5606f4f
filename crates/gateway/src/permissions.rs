//! What somebody may do in a room (P6).

use std::sync::Arc;

use hubbub_protocol::http::{Role, RoomKind};
use hubbub_protocol::{ErrorCode, RoomId, UserId};
use hubbub_store::Store;

use crate::refused::Refused;

/// What a member is in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomStanding {
    /// What kind of room.
    pub kind: RoomKind,
    /// Their role; everybody is a member in a direct room.
    pub role: Role,
    /// How many members the room has.
    pub members: u64,
    /// Whether `@all` by them calls everybody.
    pub may_mention_all: bool,
}

impl RoomStanding {
    /// Whether they keep order here: may delete what others said.
    #[must_use]
    pub fn moderates(&self) -> bool {
        self.role >= Role::Moderator && !self.kind.is_direct()
    }
}

/// Answers what somebody may do in a room.
#[derive(Debug)]
pub struct Permissions {
    store: Arc<dyn Store>,
}

impl Permissions {
    /// Permissions as a store has them.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// What somebody is in a room.
    ///
    /// # Errors
    /// [`ErrorCode::RoomNotFound`] for those who are not members.
    pub async fn standing(&self, room: RoomId, user: UserId) -> Result<RoomStanding, Refused> {
        let ids = [room];
        let (membership, rooms) =
            tokio::try_join!(self.store.membership(room, user), self.store.rooms(&ids))?;
        let (Some(membership), Some(room)) = (membership, rooms.into_iter().next()) else {
            return Err(ErrorCode::RoomNotFound.into());
        };
        let role = membership.role;
        let may_mention_all = role >= Role::Moderator || room.kind.is_direct();
        Ok(RoomStanding { kind: room.kind, role, members: room.members, may_mention_all })
    }

    /// Whether somebody may say `text` in a room now: sends and edits ask this.
    ///
    /// # Errors
    /// [`ErrorCode::RoomNotFound`] for those who are not members.
    pub async fn writing(
        &self,
        room: RoomId,
        user: UserId,
        _text: &str,
    ) -> Result<RoomStanding, Refused> {
        self.standing(room, user).await
    }
}
