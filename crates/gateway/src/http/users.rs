//! People, and what they are doing.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use hubbub_bus::UserPresence;
use hubbub_protocol::http::{User, UserList, UserStatus};
use hubbub_protocol::limits::LIST_MAX;
use hubbub_protocol::{ErrorCode, PictureId, ServerFrame, UserId};
use hubbub_store::UserRecord;
use schemars::JsonSchema;
use serde::Deserialize;

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{Query, UserPath, id};
use super::fields::Fields;
use super::limiter::Limiter;
use super::openapi::about;
use super::problem::{ApiError, ApiResult};
use super::quotas::Kind;
use super::{LIST_DEFAULT, cut};
use crate::app::App;
use crate::committer::UNAVAILABLE_RETRY;
use crate::presence;

/// How many pages of accounts one request looks through for those who are online. A page that
/// comes out short because of it still says where to go on.
const SEARCH_ROUNDS: usize = 5;
/// How often one request asks who is connected, and for how many people after the first time, to
/// find those whom the caller may see.
const ONLINE_ROUNDS: usize = 11;
const ONLINE_LOOK: usize = 1_000;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{BadId, InvalidField, Overloaded, UserNotFound};
    Endpoints::of("People")
        .get(
            "/users",
            list,
            about("Find people")
                .description(
                    "One row a user, whatever the number of their devices. Suspended and deleted \
                     accounts are left out. With `online`, `next` tells nothing of those who hide; \
                     if there are 10 000 of them in a row, the answer is `overloaded`.",
                )
                .errors(&[BadId, InvalidField, Overloaded]),
        )
        .get(
            "/users/{user}",
            get,
            about("One person")
                .description("A deleted account is shown as what it is.")
                .errors(&[UserNotFound]),
        )
}

/// The query of `GET /users`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct UserQuery {
    /// What a user name, a display name or a word of it begins with: up to 100 graphemes.
    q: Option<String>,
    /// Only those who are connected.
    #[serde(default)]
    online: bool,
    /// Where the page starts: `next` of the one before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

/// `GET /users`: one row a user, whatever the number of their devices.
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    limiter: Limiter,
    Query(query): Query<UserQuery>,
) -> ApiResult<Answer<UserList>> {
    let mut fields = Fields::default();
    let q = fields.search(query.q.as_deref().unwrap_or_default());
    let limit = fields.limit(query.limit, LIST_DEFAULT, LIST_MAX);
    fields.check()?;
    let after = query.after.as_deref().map(id).transpose()?;
    limiter.take(Kind::Users, caller.user).await?;
    let viewer = caller.user;
    let (users, next) = match (query.online, q.is_empty()) {
        (false, _) => find(&app, viewer, &q, after, limit).await?,
        (true, true) => online(&app, viewer, after, limit).await?,
        (true, false) => find_online(&app, viewer, &q, after, limit).await?,
    };
    Ok(Answer(UserList { users, next: next.map(|id| id.to_string()) }))
}

type Page = (Vec<User>, Option<UserId>);

async fn find(
    app: &App,
    viewer: UserId,
    q: &str,
    after: Option<UserId>,
    limit: usize,
) -> ApiResult<Page> {
    let mut found = app.store.find_users(q, after, limit + 1).await?;
    let next = cut(&mut found, limit).map(|user| user.id);
    Ok((views(app, viewer, found).await?, next))
}

/// Where the next page starts is told by somebody whom this one shows: a place further on would tell
/// who is connected and hides it.
async fn online(
    app: &App,
    viewer: UserId,
    mut after: Option<UserId>,
    limit: usize,
) -> ApiResult<Page> {
    let (mut users, mut size) = (Vec::new(), limit + 1);
    for _ in 0..ONLINE_ROUNDS {
        let ids = app.bus.online(after, size).await?;
        users.extend(seen_online(app, viewer, &ids).await?);
        if users.len() > limit {
            let next = cut(&mut users, limit).map(|user| user.id);
            return Ok((users, next));
        }
        if ids.len() < size {
            return Ok((users, None));
        }
        after = ids.last().copied();
        size = ONLINE_LOOK;
    }
    match users.last() {
        Some(last) => {
            let next = Some(last.id);
            Ok((users, next))
        }
        // Many in a row hide, or were on a node that has just died.
        None => Err(ApiError::new(ErrorCode::Overloaded).retry_after(UNAVAILABLE_RETRY)),
    }
}

/// Those among connected people whom `viewer` sees so, ascending by id.
async fn seen_online(app: &App, viewer: UserId, ids: &[UserId]) -> ApiResult<Vec<User>> {
    let mut records = app.store.users(ids).await?;
    records.retain(UserRecord::is_active);
    records.sort_unstable_by_key(|user| user.id);
    let mut users = views(app, viewer, records).await?;
    // Those whose node has just died are still listed.
    users.retain(is_online);
    Ok(users)
}

async fn find_online(
    app: &App,
    viewer: UserId,
    q: &str,
    mut after: Option<UserId>,
    limit: usize,
) -> ApiResult<Page> {
    let mut users = Vec::new();
    for _ in 0..SEARCH_ROUNDS {
        let (page, next) = find(app, viewer, q, after, LIST_MAX as usize).await?;
        users.extend(page.into_iter().filter(is_online));
        if users.len() > limit {
            let next = cut(&mut users, limit).map(|user| user.id);
            return Ok((users, next));
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    Ok((users, after))
}

fn is_online(user: &User) -> bool {
    user.status != UserStatus::Offline
}

/// `GET /users/{user}`. A deleted account is shown as what it is, for the sake of its messages.
async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    UserPath(user): UserPath,
) -> ApiResult<Answer<User>> {
    let records = app.store.users(&[user]).await?;
    let user = views(&app, caller.user, records).await?.pop();
    user.map(Answer).ok_or_else(|| ErrorCode::UserNotFound.into())
}

/// An account that is not deleted.
///
/// # Errors
/// [`ErrorCode::UserNotFound`].
pub(super) async fn require(app: &App, user: UserId) -> ApiResult<UserRecord> {
    let found = app.store.users(&[user]).await?.pop();
    found.filter(|user| user.deleted_at.is_none()).ok_or_else(|| ErrorCode::UserNotFound.into())
}

/// Users as `viewer` sees them, in the order given. What those do who have blocked the viewer is
/// hidden.
pub(super) async fn views(
    app: &App,
    viewer: UserId,
    records: Vec<UserRecord>,
) -> ApiResult<Vec<User>> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = records.iter().map(|user| user.id).collect();
    let presence = async { Ok::<_, ApiError>(app.bus.presence(&ids).await?) };
    let hidden = async { Ok(app.store.blockers_among(viewer, &ids).await?) };
    let (presence, hidden) = tokio::try_join!(presence, hidden)?;
    let views = records.into_iter().zip(presence).map(|(record, presence)| {
        if hidden.binary_search(&record.id).is_ok() {
            hide(view(record, &UserPresence::default()))
        } else {
            view(record, &presence)
        }
    });
    Ok(views.collect())
}

/// A user as they see themselves; offline if that can't be told.
pub(super) async fn view_or_offline(app: &App, record: UserRecord) -> User {
    let presence = app.bus.presence(&[record.id]).await.unwrap_or_default().pop();
    view(record, &presence.unwrap_or_default())
}

fn view(user: UserRecord, presence: &UserPresence) -> User {
    let (status, last_seen) = presence::shown(&user, presence.status());
    let deleted = user.deleted_at.is_some();
    User {
        id: user.id,
        avatar: user.avatar.filter(|_| !deleted).map(|picture| avatar_path(user.id, picture)),
        username: user.username,
        display_name: user.display_name,
        status,
        last_seen,
        status_text: Some(user.status_text).filter(|text| !text.is_empty()),
        bio: Some(user.bio).filter(|text| !text.is_empty()),
        deleted,
    }
}

/// Nothing of what somebody does: offline, without a trace of when or why.
fn hide(user: User) -> User {
    User { status: UserStatus::Offline, last_seen: None, status_text: None, ..user }
}

/// Where a user's picture is. Another picture has another path, so each can be cached for ever.
fn avatar_path(user: UserId, picture: PictureId) -> String {
    format!("/api/v1/users/{user}/avatar?v={picture}")
}

/// Tells those who watch a user, and the user's own devices, that their profile has changed. What
/// can't be told is found by whoever asks again.
pub(super) async fn tell(app: &App, user: &User) {
    let frame = ServerFrame::User { user: user.clone() }.encode();
    let (devices, key) = ([user.id], format!("user:{}", user.id));
    let told = tokio::try_join!(
        presence::announce_profile(app, user),
        app.bus.tell_users(&devices, &key, &frame),
    );
    if let Err(error) = told {
        tracing::warn!(%error, "a changed profile could not be told");
    }
}
