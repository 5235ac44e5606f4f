//! One message: as it is, what it has said, and who thinks what of it.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use hubbub_protocol::http::{ReactionList, VersionList};
use hubbub_protocol::limits::LIST_MAX;
use hubbub_protocol::{ErrorCode, Message, MessageId, RoomId, Seq};
use schemars::JsonSchema;
use serde::Deserialize;

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{MessagePath, Query, RoomPath};
use super::fields::Fields;
use super::history::SEQ_MAX;
use super::openapi::about;
use super::problem::ApiResult;
use super::room_view::mine;
use super::{LIST_DEFAULT, cut};
use crate::app::App;
use crate::unstored;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{BadEmoji, InvalidField, MessageNotFound, RoomNotFound};
    Endpoints::of("Messages")
        .get(
            "/rooms/{room}/messages/{message}",
            get,
            about("One message as it is now")
                .description("Of a deleted one its place, its author and its time are left.")
                .errors(&[RoomNotFound, MessageNotFound]),
        )
        .get(
            "/rooms/{room}/messages/{message}/versions",
            versions,
            about("Every text a message has had")
                .description(
                    "Oldest first. The page without `before` ends with what the message says now; \
                     none of a deleted message. An edit is listed once it is stored.",
                )
                .errors(&[RoomNotFound, MessageNotFound, InvalidField]),
        )
        .get(
            "/rooms/{room}/messages/{message}/reactions",
            reactions,
            about("Who put one emoji under a message")
                .description(
                    "In the order in which they did; a reaction is listed once it is stored.",
                )
                .errors(&[RoomNotFound, MessageNotFound, BadEmoji, InvalidField]),
        )
}

/// A message of a room that the caller is in.
pub(super) async fn find(
    app: &App,
    caller: Caller,
    room: RoomId,
    id: MessageId,
) -> ApiResult<Message> {
    mine(app, caller.user, room).await?;
    let found = unstored::message(app, room, id).await?;
    found.ok_or_else(|| ErrorCode::MessageNotFound.into())
}

/// `GET /rooms/{room}/messages/{message}`.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    MessagePath(message): MessagePath,
) -> ApiResult<Answer<Message>> {
    Ok(Answer(find(&app, caller, room, message).await?))
}

/// The query of `GET /rooms/{room}/messages/{message}/versions`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct VersionQuery {
    /// Texts that the message had before this place: `before` of the newer page.
    before: Option<Seq>,
    /// Texts of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

/// `GET /rooms/{room}/messages/{message}/versions`.
pub(super) async fn versions(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    MessagePath(message): MessagePath,
    Query(query): Query<VersionQuery>,
) -> ApiResult<Answer<VersionList>> {
    let mut fields = Fields::default();
    let limit = fields.limit(query.limit, LIST_DEFAULT, LIST_MAX);
    fields.check()?;
    let found = find(&app, caller, room, message).await?;
    if found.deleted_at.is_some() {
        // Its deletion may not be stored yet, and what it said still be there.
        return Ok(Answer(VersionList { versions: Vec::new(), before: None }));
    }
    let before = query.before.unwrap_or(SEQ_MAX).min(SEQ_MAX);
    let mut versions = app.store.versions(room, message, before, limit + 1).await?;
    let older = versions.len() > limit;
    if older {
        versions.remove(0);
    }
    let before = versions.first().filter(|_| older).map(|oldest| oldest.seq);
    Ok(Answer(VersionList { versions, before }))
}

/// The query of `GET /rooms/{room}/messages/{message}/reactions`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ReactionQuery {
    /// One emoji.
    emoji: String,
    /// Where the page starts: `next` of the one before.
    after: Option<Seq>,
    /// Rows of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

/// `GET /rooms/{room}/messages/{message}/reactions`.
pub(super) async fn reactions(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    MessagePath(message): MessagePath,
    Query(query): Query<ReactionQuery>,
) -> ApiResult<Answer<ReactionList>> {
    let mut fields = Fields::default();
    let limit = fields.limit(query.limit, LIST_DEFAULT, LIST_MAX);
    fields.check()?;
    if !hubbub_protocol::emoji::is_emoji(&query.emoji) {
        return Err(ErrorCode::BadEmoji.into());
    }
    let found = find(&app, caller, room, message).await?;
    if found.deleted_at.is_some() {
        return Ok(Answer(ReactionList { users: Vec::new(), next: None }));
    }
    let after = query.after.unwrap_or_default().min(SEQ_MAX);
    let mut reactors = app.store.reactors(room, message, &query.emoji, after, limit + 1).await?;
    let next = cut(&mut reactors, limit).map(|last| last.seq);
    Ok(Answer(ReactionList {
        users: reactors.into_iter().map(|reactor| reactor.user).collect(),
        next,
    }))
}
