//! People, and what they are doing.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use hubbub_bus::UserPresence;
use hubbub_protocol::http::{User, UserList, UserStatus};
use hubbub_protocol::limits::LIST_MAX;
use hubbub_protocol::{ErrorCode, UserId};
use hubbub_store::UserRecord;
use schemars::JsonSchema;
use serde::Deserialize;

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{Query, id};
use super::fields::Fields;
use super::limiter::Limiter;
use super::openapi::about;
use super::problem::ApiResult;
use super::quotas::Kind;
use super::{LIST_DEFAULT, cut};
use crate::app::App;

/// How many pages of accounts one request looks through for those who are online. A page that
/// comes out short because of it still says where to go on.
const SEARCH_ROUNDS: usize = 5;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{BadId, InvalidField};
    Endpoints::of("People").get(
        "/users",
        list,
        about("Find people")
            .description("One row a user, whatever the number of their devices.")
            .errors(&[BadId, InvalidField]),
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
pub(super) async fn list(
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
    let (users, next) = match (query.online, q.is_empty()) {
        (false, _) => find(&app, &q, after, limit).await?,
        (true, true) => online(&app, after, limit).await?,
        (true, false) => find_online(&app, &q, after, limit).await?,
    };
    Ok(Answer(UserList { users, next: next.map(|id| id.to_string()) }))
}

type Page = (Vec<User>, Option<UserId>);

async fn find(app: &App, q: &str, after: Option<UserId>, limit: usize) -> ApiResult<Page> {
    let mut found = app.store.find_users(q, after, limit + 1).await?;
    let next = cut(&mut found, limit).map(|user| user.id);
    Ok((views(app, found).await?, next))
}

async fn online(app: &App, after: Option<UserId>, limit: usize) -> ApiResult<Page> {
    let mut ids = app.bus.online(after, limit + 1).await?;
    let next = cut(&mut ids, limit).copied();
    let mut records = app.store.users(&ids).await?;
    records.sort_unstable_by_key(|user| user.id);
    let mut users = views(app, records).await?;
    // Those whose node has just died are still listed.
    users.retain(is_online);
    Ok((users, next))
}

async fn find_online(
    app: &App,
    q: &str,
    mut after: Option<UserId>,
    limit: usize,
) -> ApiResult<Page> {
    let mut users = Vec::new();
    for _ in 0..SEARCH_ROUNDS {
        let (page, next) = find(app, q, after, LIST_MAX as usize).await?;
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

/// One user.
pub(super) async fn one(app: &App, user: UserId) -> ApiResult<Option<User>> {
    Ok(views(app, app.store.users(&[user]).await?).await?.pop())
}

/// Users as others see them, in the order given.
pub(super) async fn views(app: &App, records: Vec<UserRecord>) -> ApiResult<Vec<User>> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = records.iter().map(|user| user.id).collect();
    let presence = app.bus.presence(&ids).await?;
    Ok(records.into_iter().zip(&presence).map(|(user, presence)| view(user, presence)).collect())
}

/// A user as others see them; offline if that can't be told.
pub(super) async fn view_or_offline(app: &App, record: UserRecord) -> User {
    let presence = app.bus.presence(&[record.id]).await.unwrap_or_default().pop();
    view(record, &presence.unwrap_or_default())
}

fn view(user: UserRecord, presence: &UserPresence) -> User {
    let status = presence.status();
    User {
        id: user.id,
        username: user.username,
        display_name: user.display_name,
        avatar: None,
        status,
        last_seen: user.last_seen.filter(|_| status == UserStatus::Offline),
        status_text: None,
        bio: None,
        deleted: false,
    }
}
