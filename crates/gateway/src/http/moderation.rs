//! Keeping order in a room: roles, mutes, removals, bans, and the list of who did what.
//!
//! Nobody does any of it to somebody of the same or a greater role. The store makes the change, then
//! it is written down, then everybody is told; each event is a `member` event in the room's log.

use std::sync::Arc;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use hubbub_protocol::http::{
    AuditAction, AuditEntry, AuditList, Ban, BanList, MemberList, MemberView, ReasonRequest, Role,
    UpdateMemberRequest,
};
use hubbub_protocol::limits::LIST_MAX;
use hubbub_protocol::{ErrorCode, MemberChange, RoomId, Timestamp, UserId};
use hubbub_store::{BanRecord, MemberPage, Membership};
use schemars::JsonSchema;
use serde::Deserialize;

use super::authority::require;
use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{Json, OptionalJson, Query, RoomPath, UserPath, id};
use super::fields::Fields;
use super::limiter::Limiter;
use super::openapi::about;
use super::problem::ApiResult;
use super::quotas::Kind;
use super::room_view::mine;
use super::{LIST_DEFAULT, cut, uninterrupted, users};
use crate::app::App;
use crate::audit;
use crate::membership::{MembershipChange, announce};
use crate::room_changes;

/// Longest mute, in seconds: 28 days.
const MUTE_MAX: u64 = 28 * 24 * 60 * 60;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{BadId, Forbidden, InvalidField, RoomNotFound, UserNotFound};
    Endpoints::of("Moderation")
        .get(
            "/rooms/{room}/members",
            members,
            about("Who is in a room of yours")
                .description(
                    "With `q` those who have such a name, without regard to case and diacritics. A \
                     page of them may be shorter than asked, or empty, and still have a `next`. \
                     Counts as a search for people.",
                )
                .errors(&[RoomNotFound, InvalidField, BadId]),
        )
        .get(
            "/rooms/{room}/members/{user}",
            member,
            about("A member of a room of yours").errors(&[RoomNotFound, UserNotFound, BadId]),
        )
        .patch(
            "/rooms/{room}/members/{user}",
            update,
            about("Change a member's role, or mute them")
                .description(
                    "Roles are the owner's to give; `owner` hands the room over. Moderators mute \
                     those of a smaller role.",
                )
                .errors(&[RoomNotFound, UserNotFound, Forbidden, InvalidField]),
        )
        .delete(
            "/rooms/{room}/members/{user}",
            remove,
            about("Put a member out; moderators")
                .description("They may come back. Only those of a smaller role.")
                .errors(&[RoomNotFound, UserNotFound, Forbidden, InvalidField]),
        )
        .get(
            "/rooms/{room}/bans",
            bans,
            about("Who may not come into a room; moderators").errors(&[
                RoomNotFound,
                Forbidden,
                InvalidField,
                BadId,
            ]),
        )
        .put(
            "/rooms/{room}/bans/{user}",
            ban,
            about("Ban somebody; moderators")
                .description("A member is put out. Only those of a smaller role.")
                .errors(&[RoomNotFound, UserNotFound, Forbidden, InvalidField]),
        )
        .delete(
            "/rooms/{room}/bans/{user}",
            unban,
            about("Lift a ban; moderators").errors(&[RoomNotFound, Forbidden]),
        )
        .get(
            "/rooms/{room}/audit",
            audit,
            about("What was done in a room by those with power; moderators")
                .description("The newest first.")
                .errors(&[RoomNotFound, Forbidden, InvalidField, BadId]),
        )
}

/// The query of `GET /rooms/{room}/members`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct MemberQuery {
    /// What a user name, a display name or a word of it begins with: up to 100 graphemes.
    q: Option<String>,
    /// Where the page starts: `next` of the one before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

/// The query of lists of people.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct PeopleQuery {
    /// Where the page starts: `next` of the one before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

/// The query of `GET /rooms/{room}/audit`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct AuditQuery {
    /// Where the page starts: `next` of the one before.
    before: Option<String>,
    /// Rows of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

fn page(query: &PeopleQuery) -> ApiResult<(Option<UserId>, usize)> {
    let mut fields = Fields::default();
    let limit = fields.limit(query.limit, LIST_DEFAULT, LIST_MAX);
    fields.check()?;
    Ok((query.after.as_deref().map(id).transpose()?, limit))
}

/// `GET /rooms/{room}/members`.
async fn members(
    State(app): State<Arc<App>>,
    caller: Caller,
    limiter: Limiter,
    RoomPath(room): RoomPath,
    Query(query): Query<MemberQuery>,
) -> ApiResult<Answer<MemberList>> {
    let mut fields = Fields::default();
    let q = fields.search(query.q.as_deref().unwrap_or_default());
    let limit = fields.limit(query.limit, LIST_DEFAULT, LIST_MAX);
    fields.check()?;
    let after = query.after.as_deref().map(id).transpose()?;
    mine(&app, caller.user, room).await?;
    let MemberPage { members, next } = if q.is_empty() {
        let mut members = app.store.members(room, after, limit + 1).await?;
        let next = cut(&mut members, limit).map(|member| member.user);
        MemberPage { members, next }
    } else {
        limiter.take(Kind::Users, caller.user).await?;
        app.store.find_members(room, &q, after, limit).await?
    };
    let users = member_views(&app, caller.user, members).await?;
    Ok(Answer(MemberList { users, next: next.map(|user| user.to_string()) }))
}

/// `GET /rooms/{room}/members/{user}`.
async fn member(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    UserPath(user): UserPath,
) -> ApiResult<Answer<MemberView>> {
    mine(&app, caller.user, room).await?;
    member_view(&app, caller.user, room, user).await.map(Answer)
}

/// A member as `viewer` sees them.
///
/// # Errors
/// [`ErrorCode::UserNotFound`].
async fn member_view(
    app: &App,
    viewer: UserId,
    room: RoomId,
    user: UserId,
) -> ApiResult<MemberView> {
    let member = app.store.membership(room, user).await?.ok_or(ErrorCode::UserNotFound)?;
    let view = member_views(app, viewer, vec![member]).await?.pop();
    view.ok_or_else(|| ErrorCode::UserNotFound.into())
}

async fn member_views(
    app: &App,
    viewer: UserId,
    members: Vec<Membership>,
) -> ApiResult<Vec<MemberView>> {
    let ids: Vec<_> = members.iter().map(|member| member.user).collect();
    let people = users::views(app, viewer, app.store.users(&ids).await?).await?;
    let now = Timestamp::now();
    let view = |member: Membership| {
        let user = people.iter().find(|user| user.id == member.user)?.clone();
        let Membership { role, joined_at, muted_until, .. } = member;
        let muted_until = muted_until.filter(|until| *until > now);
        Some(MemberView { user, role, joined_at, muted_until })
    };
    Ok(members.into_iter().filter_map(view).collect())
}

/// `PATCH /rooms/{room}/members/{user}`.
async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    UserPath(user): UserPath,
    Json(request): Json<UpdateMemberRequest>,
) -> ApiResult<Answer<MemberView>> {
    let mut fields = Fields::default();
    let reason = fields.optional_reason(request.reason);
    if request.mute_for.is_some_and(|seconds| seconds > MUTE_MAX) {
        fields.refuse("mute_for", "0 to 2419200 seconds");
    }
    fields.check()?;
    let least = if request.role.is_some() { Role::Owner } else { Role::Moderator };
    let (_, actor) = require(&app, caller.user, room, least).await?;
    let changing = Arc::clone(&app);
    uninterrupted(async move {
        let deed = Deed { app: &changing, room, actor: &actor, user, reason };
        if let Some(role) = request.role {
            deed.set_role(role).await?;
        }
        if let Some(seconds) = request.mute_for {
            deed.mute(seconds).await?;
        }
        Ok(())
    })
    .await?;
    member_view(&app, caller.user, room, user).await.map(Answer)
}

/// `DELETE /rooms/{room}/members/{user}`.
async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    UserPath(user): UserPath,
    OptionalJson(request): OptionalJson<ReasonRequest>,
) -> ApiResult<StatusCode> {
    let reason = reason(request)?;
    let (_, actor) = require(&app, caller.user, room, Role::Moderator).await?;
    uninterrupted(async move {
        app.store.remove_member(room, user, actor.role).await?;
        let deed = Deed { app: &app, room, actor: &actor, user, reason };
        deed.tell(AuditAction::MemberRemoved, MemberChange::Removed, None, None, None).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `GET /rooms/{room}/bans`.
async fn bans(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    Query(query): Query<PeopleQuery>,
) -> ApiResult<Answer<BanList>> {
    let (after, limit) = page(&query)?;
    require(&app, caller.user, room, Role::Moderator).await?;
    let mut bans = app.store.bans(room, after, limit + 1).await?;
    let next = cut(&mut bans, limit).map(|ban| ban.user.to_string());
    Ok(Answer(BanList { bans: ban_views(&app, caller.user, bans).await?, next }))
}

async fn ban_views(app: &App, viewer: UserId, bans: Vec<BanRecord>) -> ApiResult<Vec<Ban>> {
    let ids: Vec<_> = bans.iter().map(|ban| ban.user).collect();
    let people = users::views(app, viewer, app.store.users(&ids).await?).await?;
    let view = |ban: BanRecord| {
        let user = people.iter().find(|user| user.id == ban.user)?.clone();
        Some(Ban { user, by: ban.by, at: ban.at, reason: ban.reason })
    };
    Ok(bans.into_iter().filter_map(view).collect())
}

/// `PUT /rooms/{room}/bans/{user}`.
async fn ban(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    UserPath(user): UserPath,
    OptionalJson(request): OptionalJson<ReasonRequest>,
) -> ApiResult<Answer<Ban>> {
    let reason = reason(request)?;
    let (_, actor) = require(&app, caller.user, room, Role::Moderator).await?;
    if app.store.users(&[user]).await?.is_empty() {
        return Err(ErrorCode::UserNotFound.into());
    }
    let record =
        BanRecord { room, user, by: caller.user, at: Timestamp::now(), reason: reason.clone() };
    let banning = Arc::clone(&app);
    let banned = record.clone();
    uninterrupted(async move {
        banning.store.ban(banned, actor.role).await?;
        let deed = Deed { app: &banning, room, actor: &actor, user, reason };
        deed.tell(AuditAction::MemberBanned, MemberChange::Banned, None, None, None).await
    })
    .await?;
    let view =
        ban_views(&app, caller.user, vec![record]).await?.pop().ok_or(ErrorCode::UserNotFound)?;
    Ok(Answer(view))
}

/// `DELETE /rooms/{room}/bans/{user}`. Whoever is not banned stays so.
async fn unban(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    UserPath(user): UserPath,
) -> ApiResult<StatusCode> {
    let (_, actor) = require(&app, caller.user, room, Role::Moderator).await?;
    uninterrupted(async move {
        if app.store.unban(room, user).await? {
            let deed = Deed { app: &app, room, actor: &actor, user, reason: None };
            deed.tell(AuditAction::MemberUnbanned, MemberChange::Unbanned, None, None, None)
                .await?;
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `GET /rooms/{room}/audit`.
async fn audit(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    Query(query): Query<AuditQuery>,
) -> ApiResult<Answer<AuditList>> {
    let mut fields = Fields::default();
    let limit = fields.limit(query.limit, LIST_DEFAULT, LIST_MAX);
    fields.check()?;
    let before = query.before.as_deref().map(id).transpose()?;
    require(&app, caller.user, room, Role::Moderator).await?;
    let mut entries = app.store.audit(Some(room), before, limit + 1).await?;
    let next = cut(&mut entries, limit).map(|entry| entry.id);
    Ok(Answer(AuditList { entries, next }))
}

fn reason(request: Option<ReasonRequest>) -> ApiResult<Option<String>> {
    let mut fields = Fields::default();
    let reason = fields.optional_reason(request.unwrap_or_default().reason);
    fields.check()?;
    Ok(reason)
}

/// Something that is done to somebody in a room.
struct Deed<'a> {
    app: &'a App,
    room: RoomId,
    actor: &'a Membership,
    user: UserId,
    reason: Option<String>,
}

impl Deed<'_> {
    async fn set_role(&self, role: Role) -> ApiResult<()> {
        let (app, room, user) = (self.app, self.room, self.user);
        if role == Role::Owner {
            let reason = self.reason.clone();
            return Ok(room_changes::hand_over(app, room, self.actor.user, user, reason).await?);
        }
        let before = app.store.set_role(room, user, role).await?;
        if before == role {
            return Ok(());
        }
        let detail = format!("role: {} → {}", name(before), name(role));
        self.tell(AuditAction::RoleChanged, MemberChange::Role, Some(role), None, Some(detail))
            .await
    }

    async fn mute(&self, seconds: u64) -> ApiResult<()> {
        let until = (seconds > 0).then(|| Timestamp::now().after(Duration::from_secs(seconds)));
        self.app.store.mute(self.room, self.user, self.actor.role, until).await?;
        match until {
            Some(until) => {
                let (action, change) = (AuditAction::MemberMuted, MemberChange::Muted);
                let detail = format!("for {seconds} s");
                self.tell(action, change, None, Some(until), Some(detail)).await
            }
            None => {
                let (action, change) = (AuditAction::MemberUnmuted, MemberChange::Unmuted);
                self.tell(action, change, None, None, None).await
            }
        }
    }

    /// Writes it down and tells everybody.
    async fn tell(
        &self,
        action: AuditAction,
        change: MemberChange,
        role: Option<Role>,
        until: Option<Timestamp>,
        detail: Option<String>,
    ) -> ApiResult<()> {
        let (app, room, user, actor) = (self.app, self.room, self.user, self.actor.user);
        let entry = audit::entry(action, actor, room);
        let at = entry.at;
        let entry = AuditEntry { user: Some(user), reason: self.reason.clone(), detail, ..entry };
        let change = MembershipChange { room, actor, user, change, at, role, until };
        // Both are tried, whatever becomes of the other.
        let (written, told) = tokio::join!(
            audit::write_down(&*app.store, &entry),
            announce(&app.bus, &app.committer, &change),
        );
        told?;
        Ok(written?)
    }
}

const fn name(role: Role) -> &'static str {
    match role {
        Role::Member => "member",
        Role::Moderator => "moderator",
        Role::Owner => "owner",
    }
}
