//! Rooms: create, find, join, change, leave.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::http::{
    CodeResponse, CreateRoomRequest, Role, Room, RoomList, UpdateRoomRequest, UserList,
};
use hubbub_protocol::limits::LIST_MAX;
use hubbub_protocol::{
    Epoch, ErrorCode, MessageId, NewEvent, Position, RoomCode, RoomDetails, RoomId, Seq, Timestamp,
};
use hubbub_store::{CodeLimits, NewRoom, RoomUpdate};
use schemars::JsonSchema;
use serde::Deserialize;

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{Json, Query, RoomPath, id};
use super::fields::Fields;
use super::openapi::about;
use super::problem::{ApiError, ApiResult};
use super::room_view::{self, mine};
use super::{LIST_DEFAULT, cut, joining, uninterrupted, users};
use crate::app::App;

/// Where a new room stands.
const BEGINNING: Position = Position::new(Epoch(1), Seq(0));

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{BadId, Forbidden, InvalidField, RoomNotFound};
    Endpoints::of("Rooms")
        .get("/rooms", list, about("Your rooms, or the directory").errors(&[BadId, InvalidField]))
        .post("/rooms", create, about("Make a room").errors(&[InvalidField]))
        .get("/rooms/{room}", get, about("A room of yours").errors(&[RoomNotFound]))
        .patch(
            "/rooms/{room}",
            update,
            about("Change a room; its owner").errors(&[RoomNotFound, Forbidden, InvalidField]),
        )
        .post(
            "/rooms/{room}/code",
            rotate_code,
            about("A new code; the owner")
                .description("The old one no longer works.")
                .errors(&[RoomNotFound, Forbidden]),
        )
        .get(
            "/rooms/{room}/members",
            members,
            about("Who is in a room of yours").errors(&[RoomNotFound, InvalidField]),
        )
}

/// The query of `GET /rooms`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct RoomQuery {
    /// The directory of public rooms instead of yours.
    #[serde(default)]
    public: bool,
    /// What a word of the name begins with, for the directory: up to 100 graphemes.
    q: Option<String>,
    /// Where the page starts: `next` of the one before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

/// `GET /rooms`: the caller's, or with `public=true` the directory.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<RoomQuery>,
) -> ApiResult<Answer<RoomList>> {
    let mut fields = Fields::default();
    let q = fields.search(query.q.as_deref().unwrap_or_default());
    let limit = fields.limit(query.limit, LIST_DEFAULT, LIST_MAX);
    fields.check()?;
    let after = query.after.as_deref().map(id).transpose()?;

    let mut rooms = if query.public {
        directory(&app, caller, &q, after, limit + 1).await?
    } else {
        let mine = app.store.rooms_of(caller.user, after, limit + 1).await?;
        mine.into_iter().map(|(room, membership)| (room, Some(membership))).collect()
    };
    let next = cut(&mut rooms, limit).map(|(room, _)| room.id.to_string());
    let rooms = room_view::views(&app, caller.user, rooms).await?;
    Ok(Answer(RoomList { rooms, next }))
}

async fn directory(
    app: &App,
    caller: Caller,
    q: &str,
    after: Option<RoomId>,
    limit: usize,
) -> ApiResult<Vec<room_view::Seen>> {
    let rooms = app.store.directory(q, after, limit).await?;
    let ids: Vec<_> = rooms.iter().map(|room| room.id).collect();
    let mine = app.store.memberships_of(caller.user, &ids).await?;
    let mut mine: HashMap<_, _> = mine.into_iter().map(|mine| (mine.room, mine)).collect();
    let seen = rooms.into_iter().map(|room| {
        let membership = mine.remove(&room.id);
        (room, membership)
    });
    Ok(seen.collect())
}

/// `POST /rooms`.
///
/// From the moment the store has the room this succeeds, even where the news can't be told: a
/// repetition would make a second room.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(request): Json<CreateRoomRequest>,
) -> ApiResult<(StatusCode, Answer<Room>)> {
    let CreateRoomRequest { name, kind, description } = request;
    let mut fields = Fields::default();
    let name = fields.room_name(&name);
    let description = fields.room_description(description.as_deref().unwrap_or_default());
    if kind.is_direct() {
        fields.refuse("kind", "`public` or `private`; direct rooms are opened by `POST /direct`");
    }
    fields.check()?;

    let room = NewRoom {
        id: RoomId::new(),
        kind,
        name,
        description,
        code: RoomCode::new(),
        owner: caller.user,
        created_at: Timestamp::now(),
    };
    let owner = caller.user;
    let (room, head) = uninterrupted(async move {
        let room = app.store.create_room(room).await?;
        // Without it the first commit finds the room unseeded and takes care of that.
        if let Err(error) = app.bus.seed(room.id, BEGINNING, false).await {
            tracing::warn!(%error, room = %room.id, "a new room has no counters yet");
        }
        let head = match joining::tell(&app, room.id, owner, room.created_at).await {
            Ok(committed) => committed.position,
            Err(_) => BEGINNING,
        };
        Ok((room, head))
    })
    .await?;
    let view = room_view::fresh(room, owner, head);
    Ok((StatusCode::CREATED, Answer(view)))
}

/// `GET /rooms/{room}`.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> ApiResult<Answer<Room>> {
    room_view::view(&app, caller.user, room).await.map(Answer)
}

/// `PATCH /rooms/{room}`, by its owner. Can be repeated if its news could not be told.
pub(super) async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    Json(request): Json<UpdateRoomRequest>,
) -> ApiResult<Answer<Room>> {
    owned(&app, caller, room).await?;
    let mut fields = Fields::default();
    let name = request.name.map(|text| fields.room_name(&text));
    let description = request.description.map(|text| fields.room_description(&text));
    fields.check()?;
    if name.is_some() || description.is_some() {
        let app = Arc::clone(&app);
        uninterrupted(async move {
            let update = RoomUpdate {
                name: name.clone(),
                description: description.clone(),
                ..RoomUpdate::default()
            };
            app.store.update_room(room, update).await?;
            let change = NewEvent {
                room,
                id: MessageId::new(),
                sender: caller.user,
                at: Timestamp::now(),
                kind: NewEventKind::Room {
                    details: RoomDetails { name, description, ..RoomDetails::default() },
                },
            };
            app.committer.commit(&change).await?;
            Ok(())
        })
        .await?;
    }
    room_view::view(&app, caller.user, room).await.map(Answer)
}

/// `POST /rooms/{room}/code`: a new code, by the owner. The old one no longer works.
pub(super) async fn rotate_code(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> ApiResult<Answer<CodeResponse>> {
    owned(&app, caller, room).await?;
    let code = RoomCode::new();
    if app.store.set_room_code(room, code, CodeLimits::default()).await? {
        Ok(Answer(CodeResponse { code, expires_at: None, uses_left: None }))
    } else {
        Err(ErrorCode::RoomNotFound.into())
    }
}

/// `GET /rooms/{room}/members`.
pub(super) async fn members(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    Query(query): Query<MemberQuery>,
) -> ApiResult<Answer<UserList>> {
    let mut fields = Fields::default();
    let limit = fields.limit(query.limit, LIST_DEFAULT, LIST_MAX);
    fields.check()?;
    let after = query.after.as_deref().map(id).transpose()?;
    mine(&app, caller.user, room).await?;
    let mut members = app.store.members(room, after, limit + 1).await?;
    let next = cut(&mut members, limit).map(|member| member.user.to_string());
    let ids: Vec<_> = members.iter().map(|member| member.user).collect();
    let mut records = app.store.users(&ids).await?;
    records.sort_unstable_by_key(|user| user.id);
    Ok(Answer(UserList { users: users::views(&app, caller.user, records).await?, next }))
}

/// The query of `GET /rooms/{room}/members`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct MemberQuery {
    /// Where the page starts: `next` of the one before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

/// # Errors
/// [`ErrorCode::RoomNotFound`] for those who are not members, [`ErrorCode::Forbidden`] for members
/// who do not own it. Nobody owns a direct room.
async fn owned(app: &App, caller: Caller, room: RoomId) -> ApiResult<()> {
    let (record, membership) = mine(app, caller.user, room).await?;
    if record.kind.is_direct() {
        return Err(ApiError::new(ErrorCode::Forbidden).detail("Nobody owns a direct room"));
    }
    match membership.role {
        Role::Owner => Ok(()),
        Role::Moderator | Role::Member => Err(ErrorCode::Forbidden.into()),
    }
}
