//! Rooms: create, find, change.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use hubbub_protocol::http::{
    AuditAction, AuditEntry, CreateRoomRequest, Role, Room, RoomList, UpdateRoomRequest, WordList,
};
use hubbub_protocol::limits::LIST_MAX;
use hubbub_protocol::{
    Epoch, ErrorCode, Position, RoomCode, RoomDetails, RoomId, Seq, Timestamp, UserId,
};
use hubbub_store::{NewRoom, RoomUpdate};
use schemars::JsonSchema;
use serde::Deserialize;

use super::authority::require;
use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{Json, Query, RoomPath, id};
use super::fields::Fields;
use super::limiter::Limiter;
use super::openapi::about;
use super::problem::ApiResult;
use super::quotas::Kind;
use super::{LIST_DEFAULT, cut, joining, room_view, uninterrupted};
use crate::app::App;
use crate::audit;
use crate::room_changes;

/// Longest pause of a slow mode: 6 hours.
const SLOW_MODE_MAX_MS: u64 = 6 * 60 * 60 * 1000;

/// Where a new room stands.
pub(super) const BEGINNING: Position = Position::new(Epoch(1), Seq(0));

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{BadId, Forbidden, InvalidField, RoomNotFound};
    Endpoints::of("Rooms")
        .get("/rooms", list, about("Your rooms, or the directory").errors(&[BadId, InvalidField]))
        .post("/rooms", create, about("Make a room").errors(&[InvalidField]))
        .get("/rooms/{room}", get, about("A room of yours").errors(&[RoomNotFound]))
        .patch(
            "/rooms/{room}",
            update,
            about("Change a room; moderators")
                .description("`archived` is the owner's to change.")
                .errors(&[RoomNotFound, Forbidden, InvalidField]),
        )
        .get(
            "/rooms/{room}/words",
            words,
            about("Words nobody may use in a room; moderators").errors(&[RoomNotFound, Forbidden]),
        )
}

/// The query of `GET /rooms`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct RoomQuery {
    /// The directory of public rooms instead of yours.
    #[serde(default)]
    public: bool,
    /// A part of the name, for the directory: up to 100 graphemes.
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
    limiter: Limiter,
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
    limiter.take(Kind::CreateRoom, caller.user).await?;

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

/// `PATCH /rooms/{room}`, by a moderator; `archived` by the owner. Can be repeated if its news could
/// not be told.
pub(super) async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    Json(request): Json<UpdateRoomRequest>,
) -> ApiResult<Answer<Room>> {
    let mut fields = Fields::default();
    let update = read_update(&mut fields, request);
    fields.check()?;
    let least = if update.archived.is_some() { Role::Owner } else { Role::Moderator };
    require(&app, caller.user, room, least).await?;
    if update != RoomUpdate::default() {
        let app = Arc::clone(&app);
        uninterrupted(async move { change(&app, caller.user, room, update).await }).await?;
    }
    room_view::view(&app, caller.user, room).await.map(Answer)
}

fn read_update(fields: &mut Fields, request: UpdateRoomRequest) -> RoomUpdate {
    if request.slow_mode_ms.is_some_and(|pause| pause > SLOW_MODE_MAX_MS) {
        fields.refuse("slow_mode_ms", "0 to 21600000 (6 hours)");
    }
    RoomUpdate {
        name: request.name.map(|text| fields.room_name(&text)),
        description: request.description.map(|text| fields.room_description(&text)),
        topic: request.topic.map(|text| fields.room_topic(&text)),
        icon: None,
        slow_mode_ms: request.slow_mode_ms,
        links: request.links,
        mention_all: request.mention_all,
        archived: request.archived,
        refused_words: request.refused_words.map(|words| fields.refused_words(words)),
    }
}

/// Changes a room, writes it down and tells everybody. Refused words are told to nobody.
pub(super) async fn change(
    app: &App,
    actor: UserId,
    room: RoomId,
    update: RoomUpdate,
) -> ApiResult<()> {
    let details = RoomDetails {
        name: update.name.clone(),
        description: update.description.clone(),
        topic: update.topic.clone(),
        icon: update
            .icon
            .map(|icon| icon.map_or_else(String::new, |icon| room_view::icon_path(room, icon))),
        owner: None,
        slow_mode_ms: update.slow_mode_ms,
        links: update.links,
        mention_all: update.mention_all,
        archived: update.archived,
        destroyed: false,
    };
    let entry = AuditEntry {
        detail: Some(changed(&update).join(", ")),
        ..audit::entry(AuditAction::RoomChanged, actor, room)
    };
    app.store.update_room(room, update).await?;
    let news = async {
        if details == RoomDetails::default() {
            room_changes::tell_nodes(app, room).await
        } else {
            room_changes::announce(app, room, actor, details).await
        }
    };
    let (written, told) = tokio::join!(audit::write_down(&*app.store, &entry), news);
    told?;
    Ok(written?)
}

/// The names of what an update changes.
fn changed(update: &RoomUpdate) -> Vec<&'static str> {
    let fields = [
        ("name", update.name.is_some()),
        ("description", update.description.is_some()),
        ("topic", update.topic.is_some()),
        ("icon", update.icon.is_some()),
        ("slow_mode_ms", update.slow_mode_ms.is_some()),
        ("links", update.links.is_some()),
        ("mention_all", update.mention_all.is_some()),
        ("archived", update.archived.is_some()),
        ("refused_words", update.refused_words.is_some()),
    ];
    fields.into_iter().filter_map(|(name, changes)| changes.then_some(name)).collect()
}

/// `GET /rooms/{room}/words`, by a moderator.
async fn words(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> ApiResult<Answer<WordList>> {
    require(&app, caller.user, room, Role::Moderator).await?;
    let refused_words = app.store.refused_words(room).await?;
    Ok(Answer(WordList { refused_words }))
}
