//! Square pictures of people and rooms: three sizes of each, kept under a name that no other
//! picture ever has, so that whoever has one need not ask again.

use axum::body::{Body, Bytes};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hubbub_protocol::{ErrorCode, PictureId, UserId};
use hubbub_store::blobs::{BLOB_MAX, BlobKey};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::entity_tag;
use super::extract::PictureFile;
use super::limiter::Limiter;
use super::openapi::About;
use super::problem::{ApiError, ApiResult};
use super::quotas::Kind;
use crate::app::App;
use crate::files::places::Place;
use crate::media::kind;
use crate::refused::Refused;

/// Largest picture that is taken, in bytes of the file.
pub(super) const PICTURE_MAX: usize = 5 << 20;

/// The sizes that are kept, in pixels a side.
const SIDES: &[u32] = &[64, 128, 512];
/// The one that is shown when none is asked for.
const SIDE_DEFAULT: u32 = 128;

/// The query of a picture.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct PictureQuery {
    /// Pixels a side: 64, 128 or 512; 128 if absent.
    size: Option<u32>,
    /// Which picture, as its path has it. Of another than the present one, the present one is
    /// shown, not to be cached.
    v: Option<String>,
}

/// A picture's file in memory, in its place.
#[derive(Debug)]
pub(super) struct Received {
    file: Bytes,
    place: Place,
}

/// Reads a picture's file of somebody who may set it, if they do not set pictures too often or too
/// many at a time.
///
/// # Errors
/// [`ErrorCode::RateLimited`], [`ErrorCode::Overloaded`], [`ErrorCode::PayloadTooLarge`].
pub(super) async fn receive(
    app: &App,
    limiter: &Limiter,
    user: UserId,
    file: PictureFile,
) -> ApiResult<Received> {
    limiter.take(Kind::Upload, user).await?;
    let place = app.files.pictures.take(user)?;
    Ok(Received { file: file.read().await?, place })
}

/// Makes a picture's squares and keeps them. Nobody finds them before their name is noted
/// somewhere.
///
/// # Errors
/// [`ErrorCode::ImageUnreadable`], [`ErrorCode::ImageTooLarge`], [`ErrorCode::Overloaded`].
pub(super) async fn keep(app: &App, received: Received) -> ApiResult<PictureId> {
    let Received { file, place: _place } = received;
    let turn = app.media.turn().await.map_err(Refused::from)?;
    let squares = turn.squares(file, SIDES).await.map_err(Refused::from)?;
    // Noise with transparency is all that comes out so large.
    if squares.iter().any(|square| square.bytes.len() > BLOB_MAX) {
        return Err(ErrorCode::ImageTooLarge.into());
    }
    let picture = PictureId::new();
    for (side, square) in SIDES.iter().zip(squares) {
        app.blobs.put(&key(picture, *side), square.bytes).await?;
    }
    Ok(picture)
}

/// Removes a picture that is noted nowhere any more. What fails stays, unreachable.
pub(super) async fn discard(app: &App, picture: PictureId) {
    if let Err(error) = app.blobs.remove_all(*picture.as_uuid()).await {
        tracing::warn!(%error, %picture, "a picture that nobody sees could not be removed");
    }
}

fn key(picture: PictureId, side: u32) -> BlobKey {
    BlobKey::new(*picture.as_uuid(), &side.to_string())
}

/// A picture as an answer.
///
/// # Errors
/// [`ErrorCode::InvalidField`] for another size, [`ErrorCode::NotFound`] where there is no picture.
pub(super) async fn show(
    app: &App,
    picture: Option<PictureId>,
    query: &PictureQuery,
    headers: &HeaderMap,
) -> ApiResult<Response> {
    let side = query.size.unwrap_or(SIDE_DEFAULT);
    if !SIDES.contains(&side) {
        return Err(ApiError::field("size", "64, 128 or 512"));
    }
    let picture = picture.ok_or(ErrorCode::NotFound)?;
    let named = query.v.as_ref().is_some_and(|v| *v == picture.to_string());
    let caching = if named { "private, max-age=31536000, immutable" } else { "private, no-cache" };
    let tag = format!("\"{picture}-{side}\"");
    let common = [(CACHE_CONTROL, caching.to_owned()), (ETAG, tag.clone())];
    if entity_tag::is_known(headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let bytes = app.blobs.get(&key(picture, side)).await?.ok_or(ErrorCode::NotFound)?;
    let kind = [
        (CONTENT_TYPE, kind::sniff(&bytes[..bytes.len().min(kind::HEAD)])),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ];
    Ok((common, kind, Body::from(bytes)).into_response())
}

impl About {
    /// Answers with a picture.
    pub(super) fn answers_picture(self) -> Self {
        self.succeeds(&[200, 304])
            .answers_bytes("image/jpeg")
            .answers_bytes("image/webp")
            .answers_header("ETag", &json!({ "type": "string" }), "Which picture, in which size.")
            .answers_header(
                "Cache-Control",
                &json!({ "type": "string" }),
                "For ever, if `v` named the picture.",
            )
            .errors(&[ErrorCode::InvalidField, ErrorCode::NotFound])
    }
}
