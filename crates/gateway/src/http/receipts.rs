//! Who has seen what, and what of a room reaches one.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use hubbub_protocol::ErrorCode;
use hubbub_protocol::http::{NotifyRequest, SeenBy};
use hubbub_store::{PositionChange, PositionRecord};

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{Json, MessagePath, RoomPath};
use super::openapi::about;
use super::problem::{ApiError, ApiResult};
use super::uninterrupted;
use crate::app::App;
use crate::reading;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{Forbidden, MessageNotFound, RoomNotFound};
    Endpoints::of("Receipts")
        .get(
            "/rooms/{room}/messages/{message}/seen",
            seen,
            about("Who has seen a message")
                .description(
                    "Its author, members who keep it to themselves and those who came after it are \
                     left out, and everybody in the room of two people of whom one has blocked the \
                     other. `forbidden` in rooms with more members than `limits.receipt_members`.",
                )
                .errors(&[RoomNotFound, MessageNotFound, Forbidden]),
        )
        .put(
            "/rooms/{room}/notify",
            notify,
            about("What of a room reaches you when you are not looking")
                .description("Your devices are told by `marks`.")
                .errors(&[RoomNotFound]),
        )
}

/// `GET /rooms/{room}/messages/{message}/seen`.
pub(super) async fn seen(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    MessagePath(message): MessagePath,
) -> ApiResult<Answer<SeenBy>> {
    let standing = app.permissions.standing(room, caller.user).await?;
    let most = app.limits.receipt_members;
    if standing.members > u64::from(most) {
        let detail = format!("Rooms with more than {most} members tell nobody who has seen what");
        return Err(ApiError::new(ErrorCode::Forbidden).detail(detail));
    }
    let ids = [(room, message)];
    let (places, members) =
        tokio::try_join!(app.store.places(&ids), app.store.members(room, None, most as usize))?;
    let place = places.into_iter().next().flatten().ok_or(ErrorCode::MessageNotFound)?;
    if standing.blocked {
        return Ok(Answer(SeenBy { read: Vec::new(), delivered: Vec::new() }));
    }
    let others: Vec<_> =
        members.iter().map(|member| member.user).filter(|user| *user != place.sender).collect();
    let pairs: Vec<_> = others.iter().map(|user| (room, *user)).collect();
    let (people, rows) =
        tokio::try_join!(app.store.users(&others), app.store.positions_among(&pairs))?;
    let open: HashSet<_> =
        people.into_iter().filter(|user| user.send_receipts).map(|user| user.id).collect();
    let mut seen = SeenBy { read: Vec::new(), delivered: Vec::new() };
    let seq = place.position.seq;
    // Those who came later have it behind them, which is not to have seen it.
    let was_there = |row: &PositionRecord| row.since < seq && open.contains(&row.user);
    for row in rows.into_iter().filter(was_there) {
        if row.read >= seq {
            seen.read.push(row.user);
        } else if row.delivered >= seq {
            seen.delivered.push(row.user);
        }
    }
    Ok(Answer(seen))
}

/// `PUT /rooms/{room}/notify`.
pub(super) async fn notify(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    Json(request): Json<NotifyRequest>,
) -> ApiResult<StatusCode> {
    let standing = app.permissions.standing(room, caller.user).await?;
    let change = PositionChange { notify: Some(request.notify), ..PositionChange::default() };
    uninterrupted(async move {
        reading::change(&app, room, caller.user, &standing, change).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
