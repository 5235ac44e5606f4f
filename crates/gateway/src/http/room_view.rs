//! A room as one user sees it.

use std::collections::HashMap;

use hubbub_protocol::http::{NotifyLevel, Role, Room};
use hubbub_protocol::{ErrorCode, Position, RoomId, Seq, UserId};
use hubbub_store::{PositionRecord, RoomRecord};

use super::problem::ApiResult;
use crate::app::App;

/// A room and what the viewer is in it; none if they are not a member.
pub(super) type Seen = (RoomRecord, Option<Role>);

/// A room the user is a member of.
///
/// # Errors
/// [`ErrorCode::RoomNotFound`], whether it does not exist or is not theirs.
pub(super) async fn mine(app: &App, user: UserId, room: RoomId) -> ApiResult<(RoomRecord, Role)> {
    let ids = [room];
    let (membership, rooms) =
        tokio::try_join!(app.store.membership(room, user), app.store.rooms(&ids))?;
    match (membership, rooms.into_iter().next()) {
        (Some(membership), Some(room)) => Ok((room, membership.role)),
        _ => Err(ErrorCode::RoomNotFound.into()),
    }
}

/// One room as `user` sees it now.
pub(super) async fn view(app: &App, user: UserId, room: RoomId) -> ApiResult<Room> {
    let (record, role) = mine(app, user, room).await?;
    let rooms = views(app, user, vec![(record, Some(role))]).await?;
    rooms.into_iter().next().ok_or_else(|| ErrorCode::RoomNotFound.into())
}

/// Rooms as `user` sees them, in the order given, with one question to each service for all.
pub(super) async fn views(app: &App, user: UserId, rooms: Vec<Seen>) -> ApiResult<Vec<Room>> {
    if rooms.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = rooms.iter().map(|(room, _)| room.id).collect();
    let heads = async { Ok(app.committer.heads(&ids).await?) };
    let (heads, places, names) =
        tokio::try_join!(heads, places(app, user, &rooms), other_names(app, user, &rooms))?;
    let views = rooms.into_iter().zip(heads).map(|((room, role), head)| {
        let place = places.get(&room.id).copied().unwrap_or_default();
        let name = names.get(&room.id).cloned();
        seen(room, role, head, place, name)
    });
    Ok(views.collect())
}

/// A room as its maker sees it.
pub(super) fn fresh(room: RoomRecord, head: Position) -> Room {
    seen(room, Some(Role::Owner), head, Place::default(), None)
}

/// `people` is what a direct room is called after.
fn seen(
    room: RoomRecord,
    role: Option<Role>,
    head: Position,
    place: Place,
    people: Option<String>,
) -> Room {
    Room {
        id: room.id,
        kind: room.kind,
        name: if room.kind.is_direct() { people.unwrap_or_default() } else { room.name },
        description: room.description,
        code: role.and(room.code),
        owner: room.owner,
        role,
        created_at: room.created_at,
        members: room.members,
        epoch: head.epoch,
        seq: head.seq,
        read: place.read,
        delivered: place.delivered,
        unread: place.unread,
        mentions: 0,
        unread_from: None,
        topic: String::new(),
        icon: None,
        slow_mode_ms: 0,
        links: Role::Member,
        mention_all: Role::Moderator,
        archived: false,
        notify: NotifyLevel::default(),
        muted_until: None,
        people: room.direct.into_iter().flatten().collect(),
        code_expires_at: None,
        code_uses_left: None,
    }
}

/// How far the viewer has come in a room; all zero for those who are not members.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    read: Seq,
    delivered: Seq,
    unread: u64,
}

async fn places(app: &App, user: UserId, rooms: &[Seen]) -> ApiResult<HashMap<RoomId, Place>> {
    let ids: Vec<_> =
        rooms.iter().filter(|(_, role)| role.is_some()).map(|(room, _)| room.id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let positions = app.store.positions(user, &ids).await?;
    let read: Vec<_> = positions.iter().map(|position| (position.room, position.read)).collect();
    let unread = app.store.unread(user, &read).await?;
    let place = |(position, unread): (PositionRecord, u64)| {
        let PositionRecord { room, read, delivered, .. } = position;
        (room, Place { read, delivered, unread })
    };
    Ok(positions.into_iter().zip(unread).map(place).collect())
}

/// What the direct rooms among these are called: the other person's display name.
async fn other_names(
    app: &App,
    user: UserId,
    rooms: &[Seen],
) -> ApiResult<HashMap<RoomId, String>> {
    let others: Vec<_> =
        rooms.iter().filter_map(|(room, _)| Some((room.id, other(room, user)?))).collect();
    if others.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<_> = others.iter().map(|(_, other)| *other).collect();
    let people = app.store.users(&ids).await?;
    let name =
        |id: UserId| people.iter().find(|user| user.id == id).map(|u| u.display_name.clone());
    Ok(others.into_iter().filter_map(|(room, other)| Some((room, name(other)?))).collect())
}

fn other(room: &RoomRecord, user: UserId) -> Option<UserId> {
    room.direct?.into_iter().find(|member| *member != user)
}
