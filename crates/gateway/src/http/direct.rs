//! Opening direct rooms: of two people, or among a few.
//!
//! Which room it is follows from its people, so whoever opens it, on any node, at once, gets the same
//! one. Told as joins are.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use hubbub_protocol::http::{DirectRequest, Room};
use hubbub_protocol::limits::DIRECT_GROUP_MEMBERS;
use hubbub_protocol::{Epoch, ErrorCode, Position, RoomId, Seq, Timestamp, UserId};
use hubbub_store::Opened;

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::Json;
use super::joining::tell_if_young;
use super::limiter::Limiter;
use super::openapi::about;
use super::problem::{ApiError, ApiResult};
use super::quotas::Kind;
use super::{room_view, uninterrupted};
use crate::app::App;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{BadFrame, Blocked, DirectWithSelf, InvalidField, UserNotFound};
    Endpoints::of("Joining").post(
        "/direct",
        open,
        about("Open the direct room with somebody, or among a few")
            .description(
                "`user`, or 2 to 9 `users`. 201 if this made the room, 200 if it was there, which \
                 counts towards no quota of its own. Who left a room among a few comes back by \
                 opening it.",
            )
            .succeeds(&[200, 201])
            .errors(&[BadFrame, DirectWithSelf, InvalidField, UserNotFound, Blocked]),
    )
}

/// Who is to be in the room, the caller included, each once.
fn people(caller: UserId, request: DirectRequest) -> ApiResult<Vec<UserId>> {
    let mut people = match (request.user, request.users) {
        (Some(user), None) if user == caller => return Err(ErrorCode::DirectWithSelf.into()),
        (Some(user), None) => return Ok(vec![caller, user]),
        (None, Some(users)) => users,
        _ => return Err(ApiError::new(ErrorCode::BadFrame).detail("One of `user` and `users`")),
    };
    people.push(caller);
    people.sort_unstable();
    people.dedup();
    if DIRECT_GROUP_MEMBERS.contains(&people.len()) {
        Ok(people)
    } else {
        Err(ApiError::field("users", "2 to 9 other people"))
    }
}

/// `POST /direct`: 201 if this made the room, 200 if it was there.
async fn open(
    State(app): State<Arc<App>>,
    caller: Caller,
    limiter: Limiter,
    Json(request): Json<DirectRequest>,
) -> ApiResult<(StatusCode, Answer<Room>)> {
    let user = caller.user;
    let people = people(user, request)?;
    let others: Vec<_> = people.iter().copied().filter(|person| *person != user).collect();
    let found = app.store.users(&others).await?;
    if found.iter().filter(|user| user.is_active()).count() < others.len() {
        return Err(ErrorCode::UserNotFound.into());
    }
    if !app.store.blocked_between(user, &others).await?.is_empty() {
        return Err(ErrorCode::Blocked.into());
    }
    let room = match others[..] {
        [other] => RoomId::direct(user, other),
        _ => RoomId::direct_group(&people),
    };
    let is_there = !app.store.rooms(&[room]).await?.is_empty();
    if !is_there {
        limiter.take(Kind::OpenDirect, user).await?;
    }
    let opening = Arc::clone(&app);
    let made = uninterrupted(async move {
        // Counters before the room: whoever finds the room finds them too, and if several open it at
        // once it does not matter whose they are.
        if !is_there {
            opening.bus.seed(room, Position::new(Epoch(1), Seq(0)), false).await?;
        }
        let now = Timestamp::now();
        let (record, opened) = match others[..] {
            [other] => {
                let (record, made) = opening.store.open_direct(user, other, now).await?;
                (record, if made { Opened::Made } else { Opened::Present })
            }
            _ => opening.store.open_group(user, &people, now).await?,
        };
        if opened == Opened::Rejoined {
            tell_if_young(&opening, room, &[user], now, now).await?;
        } else {
            tell_if_young(&opening, room, &people, record.created_at, now).await?;
        }
        Ok(opened == Opened::Made)
    })
    .await?;
    let status = if made { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Answer(room_view::view(&app, user, room).await?)))
}
