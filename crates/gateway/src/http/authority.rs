//! Whether somebody may do something to a room.

use hubbub_protocol::http::Role;
use hubbub_protocol::{ErrorCode, RoomId, UserId};
use hubbub_store::{Membership, RoomRecord};

use super::problem::{ApiError, ApiResult};
use super::room_view::mine;
use crate::app::App;

/// A room in which somebody has at least a role.
///
/// # Errors
/// [`ErrorCode::RoomNotFound`] for those who are not members, [`ErrorCode::Forbidden`] for those
/// with a smaller role. A direct room belongs to its people alike: nobody owns it or keeps order.
pub(super) async fn require(
    app: &App,
    user: UserId,
    room: RoomId,
    least: Role,
) -> ApiResult<(RoomRecord, Membership)> {
    let (record, membership) = mine(app, user, room).await?;
    if record.kind.is_direct() {
        let detail = "Nobody owns a direct room or keeps order in it";
        return Err(ApiError::new(ErrorCode::Forbidden).detail(detail));
    }
    if membership.role < least {
        return Err(ErrorCode::Forbidden.into());
    }
    Ok((record, membership))
}
