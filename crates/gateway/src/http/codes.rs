//! Codes: what lets people into rooms.

use std::sync::Arc;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use hubbub_protocol::http::{AuditAction, AuditEntry, CodeRequest, CodeResponse, Role};
use hubbub_protocol::{ErrorCode, RoomCode, Timestamp};
use hubbub_store::CodeLimits;

use super::authority::require;
use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{OptionalJson, RoomPath};
use super::fields::Fields;
use super::openapi::about;
use super::problem::ApiResult;
use super::uninterrupted;
use crate::app::App;
use crate::audit;

/// How long a code may work, in seconds: from a minute to a year.
const EXPIRES_IN: std::ops::RangeInclusive<u64> = 60..=31_536_000;
/// How many people a code may let in.
const MAX_USES: std::ops::RangeInclusive<u32> = 1..=10_000;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{Forbidden, InvalidField, RoomNotFound};
    Endpoints::of("Rooms").post(
        "/rooms/{room}/code",
        rotate,
        about("A new code; moderators")
            .description(
                "The old one no longer works. Without a body it works for ever, for anybody.",
            )
            .errors(&[RoomNotFound, Forbidden, InvalidField]),
    )
}

/// `POST /rooms/{room}/code`: a new code, by a moderator. The old one no longer works.
async fn rotate(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    OptionalJson(request): OptionalJson<CodeRequest>,
) -> ApiResult<Answer<CodeResponse>> {
    let CodeRequest { expires_in, max_uses } = request.unwrap_or_default();
    let mut fields = Fields::default();
    if expires_in.is_some_and(|seconds| !EXPIRES_IN.contains(&seconds)) {
        fields.refuse("expires_in", "60 to 31536000 seconds");
    }
    if max_uses.is_some_and(|uses| !MAX_USES.contains(&uses)) {
        fields.refuse("max_uses", "1 to 10000");
    }
    fields.check()?;
    require(&app, caller.user, room, Role::Moderator).await?;
    let now = Timestamp::now();
    let code = RoomCode::new();
    let limits = CodeLimits {
        expires_at: expires_in.map(|seconds| now.after(Duration::from_secs(seconds))),
        uses_left: max_uses,
    };
    uninterrupted(async move {
        if !app.store.set_room_code(room, code, limits).await? {
            return Err(ErrorCode::RoomNotFound.into());
        }
        let lasts = expires_in.map(|seconds| format!("for {seconds} s"));
        let lets_in = max_uses.map(|uses| format!("for {uses} people"));
        let detail: Vec<_> = lasts.into_iter().chain(lets_in).collect();
        let entry = AuditEntry {
            detail: (!detail.is_empty()).then(|| detail.join(", ")),
            ..audit::entry(AuditAction::CodeRotated, caller.user, room)
        };
        audit::write_down(&*app.store, &entry).await?;
        let CodeLimits { expires_at, uses_left } = limits;
        Ok(Answer(CodeResponse { code, expires_at, uses_left }))
    })
    .await
}
