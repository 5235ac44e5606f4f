//! What the first link of a message leads to, to those who may read the message.

use std::sync::Arc;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hubbub_protocol::http::{LinkPreview, PreviewImage};
use hubbub_protocol::{ErrorCode, MessageId, RoomId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::entity_tag;
use super::extract::{MessagePath, Query, RoomPath};
use super::limiter::Limiter;
use super::messages::find;
use super::openapi::about;
use super::problem::{ApiError, ApiResult};
use super::quotas::Kind;
use crate::app::App;
use crate::previews::{Overloaded, Preview, first_link};

/// When to try again who finds too many links looked at.
const RETRY_AFTER: Duration = Duration::from_secs(5);

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{MessageNotFound, Overloaded, PreviewNotFound, RoomNotFound};
    let text = json!({ "type": "string" });
    Endpoints::of("Messages")
        .get(
            "/rooms/{room}/messages/{message}/preview",
            get,
            about("What the first link of a message leads to")
                .description(
                    "The first link of http or https that is neither in code nor in a spoiler nor \
                     written in angle brackets. The server looks there itself, at addresses of the \
                     public internet only, and remembers what it finds for some hours. Where it \
                     finds nothing, `url` and `host` are all there is. A message without such a \
                     link, a deleted one, and any where `limits.link_previews` is not true, has no \
                     preview.",
                )
                .errors(&[RoomNotFound, MessageNotFound, PreviewNotFound, Overloaded]),
        )
        .get(
            "/rooms/{room}/messages/{message}/preview/image",
            image,
            about("The picture of what the first link of a message leads to")
                .description("Sides of 640 pixels at the most; where the preview has an `image`.")
                .header("if-none-match", false, &text, "Send nothing if this is the `ETag`.")
                .succeeds(&[200, 304])
                .answers_bytes("image/jpeg")
                .answers_bytes("image/webp")
                .answers_header("ETag", &text, "What names these bytes.")
                .answers_header("Cache-Control", &text, "For a day, if `v` named the picture.")
                .errors(&[RoomNotFound, MessageNotFound, PreviewNotFound, Overloaded]),
        )
}

/// `GET /rooms/{room}/messages/{message}/preview`.
async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    limiter: Limiter,
    RoomPath(room): RoomPath,
    MessagePath(message): MessagePath,
) -> ApiResult<Answer<LinkPreview>> {
    limiter.take(Kind::Preview, caller.user).await?;
    let (link, preview) = look(&app, caller, room, message).await?;
    let path = |version: &str| {
        format!("/api/v1/rooms/{room}/messages/{message}/preview/image?v={version}")
    };
    Ok(Answer(LinkPreview {
        host: link.host_str().unwrap_or_default().to_owned(),
        url: link.into(),
        title: preview.title.clone(),
        description: preview.description.clone(),
        site_name: preview.site_name.clone(),
        image: preview.picture.as_ref().map(|picture| PreviewImage {
            path: path(&picture.version),
            width: picture.width,
            height: picture.height,
        }),
    }))
}

/// The query of `GET /rooms/{room}/messages/{message}/preview/image`.
#[derive(Debug, Deserialize, JsonSchema)]
struct ImageQuery {
    /// Which picture, as its path has it. Of another than the present one, the present one is
    /// shown, not to be cached.
    v: Option<String>,
}

/// `GET /rooms/{room}/messages/{message}/preview/image`, and `HEAD`.
async fn image(
    State(app): State<Arc<App>>,
    caller: Caller,
    limiter: Limiter,
    RoomPath(room): RoomPath,
    MessagePath(message): MessagePath,
    Query(query): Query<ImageQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    limiter.take(Kind::Preview, caller.user).await?;
    let (_, preview) = look(&app, caller, room, message).await?;
    let picture = preview.picture.as_ref().ok_or(ErrorCode::PreviewNotFound)?;
    let is_named = query.v.as_ref() == Some(&picture.version);
    let caching = if is_named { "private, max-age=86400" } else { "private, no-cache" };
    let tag = format!("\"{}\"", picture.version);
    let common = [(CACHE_CONTROL, caching.to_owned()), (ETAG, tag.clone())];
    if entity_tag::is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let kind = [
        (CONTENT_TYPE, picture.file.media_type),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (CORP, "same-origin"),
    ];
    Ok((common, kind, picture.file.bytes.clone()).into_response())
}

/// The first link of a message that the caller may read, and what it leads to.
async fn look(
    app: &App,
    caller: Caller,
    room: RoomId,
    message: MessageId,
) -> ApiResult<(Url, Arc<Preview>)> {
    let message = find(app, caller, room, message).await?;
    let previews = app.previews.as_ref().ok_or(ErrorCode::PreviewNotFound)?;
    if message.deleted_at.is_some() {
        return Err(ErrorCode::PreviewNotFound.into());
    }
    let link = first_link(&message.body.text).ok_or(ErrorCode::PreviewNotFound)?;
    let preview = previews.of(&link).await?;
    Ok((link, preview))
}

impl From<Overloaded> for ApiError {
    fn from(_: Overloaded) -> Self {
        Self::new(ErrorCode::Overloaded).retry_after(RETRY_AFTER)
    }
}
