//! A room as one user sees it.

use std::collections::HashMap;

use hubbub_protocol::http::{Role, Room};
use hubbub_protocol::{ErrorCode, PictureId, Position, RoomId, Timestamp, UserId};
use hubbub_store::{Membership, RoomRecord};

use super::problem::ApiResult;
use crate::app::App;
use crate::reading::{Reading, readings};

/// A room and the viewer's place in it; none if they are not a member.
pub(super) type Seen = (RoomRecord, Option<Membership>);

/// A room the user is a member of.
///
/// # Errors
/// [`ErrorCode::RoomNotFound`], whether it does not exist or is not theirs.
pub(super) async fn mine(
    app: &App,
    user: UserId,
    room: RoomId,
) -> ApiResult<(RoomRecord, Membership)> {
    let ids = [room];
    let (membership, rooms) =
        tokio::try_join!(app.store.membership(room, user), app.store.rooms(&ids))?;
    match (membership, rooms.into_iter().next()) {
        (Some(membership), Some(room)) => Ok((room, membership)),
        _ => Err(ErrorCode::RoomNotFound.into()),
    }
}

/// One room as `user` sees it now.
pub(super) async fn view(app: &App, user: UserId, room: RoomId) -> ApiResult<Room> {
    let (record, membership) = mine(app, user, room).await?;
    let rooms = views(app, user, vec![(record, Some(membership))]).await?;
    rooms.into_iter().next().ok_or_else(|| ErrorCode::RoomNotFound.into())
}

/// Rooms as `user` sees them, in the order given, with one question to each service for all.
pub(super) async fn views(app: &App, user: UserId, rooms: Vec<Seen>) -> ApiResult<Vec<Room>> {
    if rooms.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = rooms.iter().map(|(room, _)| room.id).collect();
    let places = async {
        let heads = app.committer.heads(&ids).await?;
        let places = places(app, user, &rooms, &heads).await?;
        Ok((heads, places))
    };
    let ((heads, places), names) = tokio::try_join!(places, people_names(app, user, &rooms))?;
    let views = rooms.into_iter().zip(heads).map(|((room, membership), head)| {
        let place = places.get(&room.id);
        let name = names.get(&room.id).cloned();
        seen(room, membership.as_ref(), head, place, name)
    });
    Ok(views.collect())
}

/// A room as its maker sees it.
pub(super) fn fresh(room: RoomRecord, owner: UserId, head: Position) -> Room {
    let membership = Membership {
        room: room.id,
        user: owner,
        role: Role::Owner,
        joined_at: room.created_at,
        muted_until: None,
    };
    seen(room, Some(&membership), head, None, None)
}

/// Where a room's picture is.
pub(super) fn icon_path(room: RoomId, icon: PictureId) -> String {
    format!("/api/v1/rooms/{room}/icon?v={icon}")
}

/// `people` is what a direct room is called after. The code and who can be in a direct room are for
/// members only.
fn seen(
    room: RoomRecord,
    membership: Option<&Membership>,
    head: Position,
    place: Option<&Reading>,
    people: Option<String>,
) -> Room {
    let is_member = membership.is_some();
    let now = Timestamp::now();
    let row = place.map(|place| &place.row);
    let unread = place.map(|place| place.unread).unwrap_or_default();
    Room {
        id: room.id,
        kind: room.kind,
        name: if room.kind.is_direct() { people.unwrap_or_default() } else { room.name },
        description: room.description,
        code: room.code.filter(|_| is_member),
        owner: room.owner,
        role: membership.map(|membership| membership.role),
        created_at: room.created_at,
        members: room.members,
        epoch: head.epoch,
        seq: head.seq,
        read: row.map(|row| row.read).unwrap_or_default(),
        delivered: row.map(|row| row.delivered).unwrap_or_default(),
        unread: unread.messages,
        mentions: unread.mentions,
        unread_from: row.and_then(|row| row.unread_from),
        topic: room.topic,
        icon: room.icon.map(|icon| icon_path(room.id, icon)),
        slow_mode_ms: room.slow_mode_ms,
        links: room.links,
        mention_all: room.mention_all,
        archived: room.archived,
        notify: row.map(|row| row.notify).unwrap_or_default(),
        muted_until: membership.and_then(|m| m.muted_until).filter(|until| *until > now),
        people: if is_member { room.people } else { Vec::new() },
        code_expires_at: room.code_limits.expires_at.filter(|_| is_member),
        code_uses_left: room.code_limits.uses_left.filter(|_| is_member),
    }
}

/// How far the viewer has come in the rooms they are a member of.
async fn places(
    app: &App,
    user: UserId,
    rooms: &[Seen],
    heads: &[Position],
) -> ApiResult<HashMap<RoomId, Reading>> {
    let mine = rooms.iter().zip(heads).filter(|((_, mine), _)| mine.is_some());
    let places: Vec<_> = mine.map(|((room, _), head)| (room.id, head.seq)).collect();
    let readings = readings(app, user, &places).await?;
    Ok(readings.into_iter().map(|reading| (reading.row.room, reading)).collect())
}

/// What the direct rooms among these are called: the other people's display names.
async fn people_names(
    app: &App,
    user: UserId,
    rooms: &[Seen],
) -> ApiResult<HashMap<RoomId, String>> {
    let others = |room: &RoomRecord| -> Vec<UserId> {
        room.people.iter().copied().filter(|member| *member != user).collect()
    };
    let mut ids: Vec<_> = rooms.iter().flat_map(|(room, _)| others(room)).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    ids.sort_unstable();
    ids.dedup();
    let people = app.store.users(&ids).await?;
    let names: HashMap<_, _> = people.iter().map(|user| (user.id, &*user.display_name)).collect();
    let name = |room: &RoomRecord| {
        let named = others(room).into_iter().filter_map(|id| names.get(&id).copied());
        named.collect::<Vec<_>>().join(", ")
    };
    let direct = rooms.iter().filter(|(room, _)| room.kind.is_direct());
    Ok(direct.map(|(room, _)| (room.id, name(room))).collect())
}
