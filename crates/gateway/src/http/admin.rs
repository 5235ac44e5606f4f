//! The site administrator's side. For everybody else there is nothing here.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use hubbub_protocol::http::{
    Account, AccountList, AdminRoom, AdminRoomList, AuditAction, AuditEntry, AuditList,
    UpdateAccountRequest,
};
use hubbub_protocol::limits::LIST_MAX;
use hubbub_protocol::{AuditId, ErrorCode, Timestamp, UserId};
use hubbub_store::{RoomRecord, UserRecord};
use schemars::JsonSchema;
use serde::Deserialize;

use super::caller::Admin;
use super::endpoints::Endpoints;
use super::extract::{Json, Query, UserPath, id};
use super::fields::Fields;
use super::openapi::about;
use super::problem::ApiResult;
use super::{LIST_DEFAULT, cut, lobby, uninterrupted, users};
use crate::app::App;
use crate::audit;
use crate::revocation;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{AccountSuspended, BadId, InvalidField, LastAdmin, UserNotFound};
    Endpoints::of("Administration")
        .get(
            "/admin/users",
            list,
            about("Find accounts, suspended ones too").errors(&[BadId, InvalidField]),
        )
        .patch(
            "/admin/users/{user}",
            update,
            about("Suspend or reinstate an account, make or unmake an administrator").errors(&[
                InvalidField,
                UserNotFound,
                AccountSuspended,
                LastAdmin,
            ]),
        )
        .get(
            "/admin/rooms",
            rooms,
            about("Every room of the site, the oldest first")
                .description(
                    "Of all kinds. Of direct rooms nothing is told but that they are there: \
                     neither who is in them nor what is said.",
                )
                .errors(&[BadId, InvalidField]),
        )
        .get(
            "/admin/audit",
            audit,
            about("What people with power did, the newest first").errors(&[BadId, InvalidField]),
        )
}

/// The query of `GET /admin/users`.
#[derive(Debug, Deserialize, JsonSchema)]
struct AccountQuery {
    /// What a user name, a display name or a word of it begins with: up to 100 graphemes.
    q: Option<String>,
    /// Where the page starts: `next` of the one before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

/// `GET /admin/users`: as `GET /users`, with suspended accounts.
async fn list(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Query(query): Query<AccountQuery>,
) -> ApiResult<Answer<AccountList>> {
    let mut fields = Fields::default();
    let q = fields.search(query.q.as_deref().unwrap_or_default());
    let limit = fields.limit(query.limit, LIST_DEFAULT, LIST_MAX);
    fields.check()?;
    let after = query.after.as_deref().map(id).transpose()?;
    let mut found = app.store.find_accounts(&q, after, limit + 1).await?;
    let next = cut(&mut found, limit).map(|user| user.id.to_string());
    Ok(Answer(AccountList { users: views(&app, caller.user, found).await?, next }))
}

/// `PATCH /admin/users/{user}`. Can be repeated.
async fn update(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    UserPath(user): UserPath,
    Json(request): Json<UpdateAccountRequest>,
) -> ApiResult<Answer<Account>> {
    let UpdateAccountRequest { suspended, admin, reason } = request;
    let mut fields = Fields::default();
    let reason = reason.map(|text| fields.reason(&text));
    if suspended == Some(true) && admin == Some(true) {
        fields.refuse("admin", "a suspended account administers nothing");
    }
    fields.check()?;
    let record = users::require(&app, user).await?;
    if admin == Some(true) && record.suspended_at.is_some() && suspended != Some(false) {
        return Err(ErrorCode::AccountSuspended.into());
    }
    let account = uninterrupted(async move {
        let note = async |action| {
            let entry = entry(action, caller.user, user, reason.clone());
            audit::write_down(&*app.store, &entry).await
        };
        let mut changed = record;
        match suspended {
            Some(true) => {
                let before = changed.suspended_at;
                changed = still(app.store.suspend(user, Timestamp::now()).await?)?;
                if before.is_none() {
                    note(AuditAction::UserSuspended).await?;
                }
                revocation::end_sessions(&app, user, None).await?;
            }
            Some(false) if changed.suspended_at.is_some() => {
                changed = still(app.store.reinstate(user).await?)?;
                note(AuditAction::UserReinstated).await?;
            }
            _ => {}
        }
        if let Some(on) = admin.filter(|on| *on != changed.admin) {
            changed = still(app.store.set_admin(user, on).await?)?;
            let action = if on { AuditAction::AdminGranted } else { AuditAction::AdminRevoked };
            note(action).await?;
            lobby::follow(&app, user, on).await?;
        }
        views(&app, caller.user, vec![changed]).await
    })
    .await?
    .pop();
    account.map(Answer).ok_or_else(|| ErrorCode::UserNotFound.into())
}

/// The query of `GET /admin/rooms`.
#[derive(Debug, Deserialize, JsonSchema)]
struct RoomQuery {
    /// A part of the name: up to 100 graphemes.
    q: Option<String>,
    /// Where the page starts: `next` of the one before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

/// `GET /admin/rooms`.
async fn rooms(
    State(app): State<Arc<App>>,
    _: Admin,
    Query(query): Query<RoomQuery>,
) -> ApiResult<Answer<AdminRoomList>> {
    let mut fields = Fields::default();
    let q = fields.search(query.q.as_deref().unwrap_or_default());
    let limit = fields.limit(query.limit, LIST_DEFAULT, LIST_MAX);
    fields.check()?;
    let after = query.after.as_deref().map(id).transpose()?;
    let mut rooms = app.store.all_rooms(&q, after, limit + 1).await?;
    let next = cut(&mut rooms, limit).map(|room| room.id);
    Ok(Answer(AdminRoomList { rooms: rooms.into_iter().map(room_view).collect(), next }))
}

fn room_view(room: RoomRecord) -> AdminRoom {
    let RoomRecord { id, kind, name, members, owner, created_at, archived, .. } = room;
    AdminRoom { id, kind, name, members, owner, created_at, archived }
}

/// The query of `GET /admin/audit`.
#[derive(Debug, Deserialize, JsonSchema)]
struct AuditQuery {
    /// Where the page starts: `next` of the one before.
    before: Option<String>,
    /// Rows of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

/// `GET /admin/audit`.
async fn audit(
    State(app): State<Arc<App>>,
    _: Admin,
    Query(query): Query<AuditQuery>,
) -> ApiResult<Answer<AuditList>> {
    let mut fields = Fields::default();
    let limit = fields.limit(query.limit, LIST_DEFAULT, LIST_MAX);
    fields.check()?;
    let before = query.before.as_deref().map(id).transpose()?;
    let mut entries = app.store.audit(None, before, limit + 1).await?;
    let next = cut(&mut entries, limit).map(|entry| entry.id);
    Ok(Answer(AuditList { entries, next }))
}

/// An account that was not deleted meanwhile.
fn still(account: Option<UserRecord>) -> ApiResult<UserRecord> {
    account.ok_or_else(|| ErrorCode::UserNotFound.into())
}

fn entry(action: AuditAction, actor: UserId, user: UserId, reason: Option<String>) -> AuditEntry {
    AuditEntry {
        id: AuditId::new(),
        at: Timestamp::now(),
        actor,
        action,
        room: None,
        user: Some(user),
        message: None,
        reason,
        detail: None,
    }
}

async fn views(app: &App, viewer: UserId, records: Vec<UserRecord>) -> ApiResult<Vec<Account>> {
    let inside: Vec<_> =
        records.iter().map(|user| (user.created_at, user.admin, user.suspended_at)).collect();
    let users = users::views(app, viewer, records).await?;
    let accounts =
        users.into_iter().zip(inside).map(|(user, (created_at, admin, suspended_at))| Account {
            user,
            created_at,
            admin,
            suspended_at,
        });
    Ok(accounts.collect())
}
