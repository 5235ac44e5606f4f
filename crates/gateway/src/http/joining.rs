//! Joining and leaving rooms, and opening direct ones.
//!
//! The store decides, then every node is told. If the telling fails the request answers 503, and
//! what has changed stays changed: live connections follow it at their next re-check. A repeated
//! join or opening tells again, under the same event id, so the room's log has the news once; a
//! repeated leave finds nobody to take out.

use std::sync::Arc;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use hubbub_protocol::http::{DirectRequest, JoinRoomRequest, Room, RoomKind};
use hubbub_protocol::{
    Epoch, ErrorCode, MemberChange, Position, RoomCode, RoomId, Seq, Timestamp, UserId,
};
use hubbub_store::RoomRecord;

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{Json, RoomPath};
use super::limiter::Limiter;
use super::openapi::about;
use super::problem::{ApiError, ApiResult};
use super::quotas::Kind;
use super::room_view::{self, mine};
use super::uninterrupted;
use crate::app::App;
use crate::committer::{CommitFailure, Committed};
use crate::membership::{MembershipChange, announce};

/// How long after a join its repetition tells the news again. Long enough for any retry, short
/// enough that the bus still knows the event's id and nobody has to ask the store.
const TELL_AGAIN_WITHIN: Duration = Duration::from_secs(300);

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{DirectWithSelf, Forbidden, OwnerMustStay, RoomNotFound, UserNotFound};
    Endpoints::of("Joining")
        .post(
            "/rooms/join",
            join,
            about("Join a room by its code, or a public one by its id")
                .description("Every code that lets in nowhere gets the same answer.")
                .errors(&[RoomNotFound]),
        )
        .post(
            "/rooms/{room}/leave",
            leave,
            about("Leave a room").errors(&[RoomNotFound, Forbidden, OwnerMustStay]),
        )
        .post(
            "/direct",
            direct,
            about("Open the direct room with somebody")
                .description("201 if this made it, 200 if it was there.")
                .succeeds(&[200, 201])
                .errors(&[DirectWithSelf, UserNotFound]),
        )
}

/// `POST /rooms/join`. A code of no room, what is no code, and a code that was replaced get the
/// same answer.
pub(super) async fn join(
    State(app): State<Arc<App>>,
    caller: Caller,
    limiter: Limiter,
    Json(request): Json<JoinRoomRequest>,
) -> ApiResult<Answer<Room>> {
    let user = caller.user;
    limiter.take_for_address(Kind::JoinAddress).await?;
    limiter.take(Kind::JoinAccount, user).await?;
    let room = find(&app, &request.code).await?.ok_or(ErrorCode::RoomNotFound)?.id;
    // What was said before they came is not unread.
    let read = app.committer.head(room).await?.seq;
    let joining = Arc::clone(&app);
    uninterrupted(async move {
        let now = Timestamp::now();
        let since = if joining.store.join(room, user, read, now).await? {
            now
        } else {
            let membership = joining.store.membership(room, user).await?;
            membership.ok_or(ErrorCode::RoomNotFound)?.joined_at
        };
        tell_if_young(&joining, room, &[user], since, now).await
    })
    .await?;
    room_view::view(&app, user, room).await.map(Answer)
}

/// The room a text lets into: by its code, or a public room by its id, which is all that the
/// directory tells of it.
async fn find(app: &App, text: &str) -> ApiResult<Option<RoomRecord>> {
    let Ok(code) = text.parse::<RoomCode>() else { return Ok(None) };
    if let Some(room) = app.store.room_by_code(code).await? {
        return Ok(Some(room));
    }
    let by_id = app.store.rooms(&[RoomId::Group(*code.as_uuid())]).await?;
    Ok(by_id.into_iter().find(|room| room.kind == RoomKind::Public))
}

/// `POST /rooms/{room}/leave`.
pub(super) async fn leave(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> ApiResult<StatusCode> {
    let user = caller.user;
    let (record, _) = mine(&app, user, room).await?;
    if record.kind == RoomKind::Direct {
        return Err(ApiError::new(ErrorCode::Forbidden).detail("A direct room can't be left"));
    }
    uninterrupted(async move {
        if !app.store.leave(room, user).await? {
            return Err(ErrorCode::RoomNotFound.into());
        }
        let (change, at) = (MemberChange::Left, Timestamp::now());
        let left =
            MembershipChange { room, actor: user, user, change, at, role: None, until: None };
        announce(&app.bus, &app.committer, &left).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `POST /direct`: 201 if this made the room, 200 if it was there.
pub(super) async fn direct(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(request): Json<DirectRequest>,
) -> ApiResult<(StatusCode, Answer<Room>)> {
    let user = caller.user;
    let other = request.user.ok_or(ErrorCode::BadFrame)?;
    if user == other {
        return Err(ErrorCode::DirectWithSelf.into());
    }
    if app.store.users(&[other]).await?.is_empty() {
        return Err(ErrorCode::UserNotFound.into());
    }
    let opening = Arc::clone(&app);
    let (room, made) = uninterrupted(async move {
        // Counters before the room: whoever finds the room finds them too, and if both sides open
        // it at once it does not matter whose they are.
        let room = RoomId::direct(user, other);
        if opening.store.rooms(&[room]).await?.is_empty() {
            opening.bus.seed(room, Position::new(Epoch(1), Seq(0)), false).await?;
        }
        let now = Timestamp::now();
        let (record, made) = opening.store.open_direct(user, other, now).await?;
        tell_if_young(&opening, record.id, &[user, other], record.created_at, now).await?;
        Ok((record.id, made))
    })
    .await?;
    let status = if made { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Answer(room_view::view(&app, user, room).await?)))
}

async fn tell_if_young(
    app: &App,
    room: RoomId,
    users: &[UserId],
    since: Timestamp,
    now: Timestamp,
) -> ApiResult<()> {
    if since.until(now) < TELL_AGAIN_WITHIN {
        for user in users {
            tell(app, room, *user, since).await?;
        }
    }
    Ok(())
}

/// Tells everybody that `user` is a member since `since`. Each counts as having come by themselves,
/// so that whoever tells it again, it is the same event.
pub(super) async fn tell(
    app: &App,
    room: RoomId,
    user: UserId,
    since: Timestamp,
) -> Result<Committed, CommitFailure> {
    let change = MemberChange::Joined;
    let joined =
        MembershipChange { room, actor: user, user, change, at: since, role: None, until: None };
    announce(&app.bus, &app.committer, &joined).await
}
