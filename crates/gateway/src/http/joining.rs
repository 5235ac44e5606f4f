//! Joining and leaving rooms.
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
use hubbub_protocol::http::{JoinRoomRequest, Room, RoomKind};
use hubbub_protocol::{ErrorCode, MemberChange, RoomCode, RoomId, Timestamp, UserId};
use hubbub_store::{RoomRecord, StoreError};

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
    use ErrorCode::{Banned, Forbidden, OwnerMustStay, RoomNotFound};
    Endpoints::of("Joining")
        .post(
            "/rooms/join",
            join,
            about("Join a room by its code, or a public one by its id")
                .description("Every code that lets in nowhere gets the same answer.")
                .errors(&[RoomNotFound, Banned]),
        )
        .post(
            "/rooms/{room}/leave",
            leave,
            about("Leave a room").errors(&[RoomNotFound, Forbidden, OwnerMustStay]),
        )
}

/// `POST /rooms/join`. A code of no room, what is no code, and a code that was replaced, has run out
/// or is used up get the same answer; so does, in a private room, a ban.
pub(super) async fn join(
    State(app): State<Arc<App>>,
    caller: Caller,
    limiter: Limiter,
    Json(request): Json<JoinRoomRequest>,
) -> ApiResult<Answer<Room>> {
    let user = caller.user;
    limiter.take_for_address(Kind::JoinAddress).await?;
    limiter.take(Kind::JoinAccount, user).await?;
    let Entrance { record, code } =
        find(&app, &request.code).await?.ok_or(ErrorCode::RoomNotFound)?;
    let room = record.id;
    // What was said before they came is not unread.
    let read = app.committer.head(room).await?.seq;
    let joining = Arc::clone(&app);
    uninterrupted(async move {
        let (store, now) = (&joining.store, Timestamp::now());
        let joined = match code {
            Some(code) => store.join_by_code(room, code, user, read, now).await,
            None => store.join(room, user, read, now).await,
        };
        let since = match joined {
            Ok(true) => now,
            Ok(false) => {
                let membership = store.membership(room, user).await?;
                membership.ok_or(ErrorCode::RoomNotFound)?.joined_at
            }
            Err(StoreError::Banned) if record.kind != RoomKind::Public => {
                return Err(ErrorCode::RoomNotFound.into());
            }
            Err(error) => return Err(error.into()),
        };
        tell_if_young(&joining, room, &[user], since, now).await
    })
    .await?;
    room_view::view(&app, user, room).await.map(Answer)
}

/// A room, and the code that is to let somebody into it.
struct Entrance {
    record: RoomRecord,
    code: Option<RoomCode>,
}

/// The room a text lets into: by its code, or a public room by its id, which is all that the
/// directory tells of it.
async fn find(app: &App, text: &str) -> ApiResult<Option<Entrance>> {
    let Ok(code) = text.parse::<RoomCode>() else { return Ok(None) };
    if let Some(record) = app.store.room_by_code(code).await? {
        return Ok(Some(Entrance { record, code: Some(code) }));
    }
    let by_id = app.store.rooms(&[RoomId::Group(*code.as_uuid())]).await?;
    let public = by_id.into_iter().find(|room| room.kind == RoomKind::Public);
    Ok(public.map(|record| Entrance { record, code: None }))
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
        return Err(
            ApiError::new(ErrorCode::Forbidden).detail("The room of two people can't be left")
        );
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

pub(super) async fn tell_if_young(
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
