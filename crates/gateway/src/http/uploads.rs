//! Files on their way in: whole in one request, or in parts by tus 1.0 (<https://tus.io>).
//!
//! An upload may go on through any node: where it stands is in the store.

mod form;
mod single;
mod tus;

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hubbub_protocol::http::UploadedFile;
use hubbub_protocol::{AttachmentId, ErrorCode, Timestamp, UploadId};
use hubbub_store::{FileRecord, FileState};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{Query, RoomPath, UploadPath};
use super::limiter::Limiter;
use super::openapi::{About, about};
use super::problem::{ApiError, ApiResult};
use super::quotas::Kind;
use crate::app::App;
use crate::files::finish::finish;
use crate::files::name;

/// Where the finished file's id is told.
const ATTACHMENT: HeaderName = HeaderName::from_static("hubbub-attachment");

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{
        BadFrame, Blocked, ChecksumMismatch, Forbidden, InvalidField, Muted, OffsetMismatch,
        Overloaded, PayloadTooLarge, QuotaExceeded, RoomArchived, RoomNotFound, Timeout,
        TusVersion, UnsupportedMediaType, UploadIncomplete, UploadNotFound,
    };
    let number = json!({ "type": "integer", "minimum": 0 });
    let receiving = [BadFrame, ChecksumMismatch, Overloaded, PayloadTooLarge, Timeout];
    Endpoints::of("Files")
        .post(
            "/rooms/{room}/attachments",
            create,
            with_tus_headers(
                about("Upload a file, or begin to")
                    .description(
                        "The bytes as they are, with `?name=`; or `multipart/form-data` with one \
                         field `file`; or, with `Tus-Resumable: 1.0.0`, the creation of a tus \
                         upload, which `PATCH` continues at `Location`.",
                    )
                    .header("upload-length", false, &number, "tus: the bytes of the file.")
                    .header(
                        "upload-metadata",
                        false,
                        &json!({ "type": "string", "maxLength": tus::METADATA_MAX }),
                        "tus: `filename` and its base64.",
                    )
                    .takes_bytes("*/*")
                    .takes_bytes("multipart/form-data")
                    .answers::<UploadedFile>(),
            )
            .succeeds(&[201])
            .errors(&receiving)
            .errors(&[RoomNotFound, QuotaExceeded, TusVersion, UnsupportedMediaType])
            .errors(&[Blocked, Muted, RoomArchived])
            .errors(&[Forbidden, InvalidField, OffsetMismatch, ErrorCode::RateLimited]),
        )
        .options("/rooms/{room}/attachments", tus::options, about("What of tus is spoken"))
        .options("/uploads/{upload}", tus::upload_options, about("What of tus is spoken"))
        .get(
            "/uploads/{upload}",
            get,
            about("The file that an upload has become")
                .succeeds(&[200])
                .answers::<UploadedFile>()
                .errors(&[UploadNotFound, UploadIncomplete, Overloaded]),
        )
        .head(
            "/uploads/{upload}",
            tus::head,
            about("How far an upload has come")
                .succeeds(&[200])
                .answers_header("upload-offset", &number, "The bytes that have come.")
                .errors(&[UploadNotFound]),
        )
        .patch(
            "/uploads/{upload}",
            tus::patch,
            with_tus_headers(
                about("Go on with an upload")
                    .header("upload-offset", true, &number, "Where the bytes begin.")
                    .takes_bytes(tus::BYTES),
            )
            .answers_header("upload-offset", &number, "The bytes that have come.")
            .errors(&receiving)
            .errors(&[UploadNotFound, OffsetMismatch, TusVersion, UnsupportedMediaType])
            .errors(&[InvalidField]),
        )
        .delete(
            "/uploads/{upload}",
            tus::delete,
            about("Give an upload up").errors(&[UploadNotFound, TusVersion]),
        )
        .layered(|router| router.layer(DefaultBodyLimit::disable()))
}

fn with_tus_headers(about: About) -> About {
    let text = json!({ "type": "string" });
    about
        .header("tus-resumable", false, &json!({ "const": "1.0.0" }), "The version of tus.")
        .header("upload-checksum", false, &text, "tus: `sha1` or `sha256`, and its base64.")
}

/// The query of `POST /rooms/{room}/attachments`.
#[derive(Debug, Deserialize, JsonSchema)]
struct UploadQuery {
    /// The file's name, where the body is its bytes; up to 1 024 bytes.
    name: Option<String>,
}

/// Longest name that is looked at, in bytes; what is kept of it is shorter still.
const GIVEN_NAME_MAX: usize = 1024;

/// `POST /rooms/{room}/attachments`.
async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    limiter: Limiter,
    RoomPath(room): RoomPath,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> ApiResult<Response> {
    limiter.take(Kind::Upload, caller.user).await?;
    if request.headers().contains_key(tus::RESUMABLE) {
        return tus::create(&app, caller, room, request).await;
    }
    let file = single::upload(&app, caller, room, query.name, request).await?;
    let attachment = file.attachment();
    let place = [(LOCATION, location(&file)), (ATTACHMENT, id_value(file.id))];
    Ok((StatusCode::CREATED, place, Answer(UploadedFile { attachment })).into_response())
}

/// `GET /uploads/{upload}`.
async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    UploadPath(upload): UploadPath,
) -> ApiResult<Response> {
    let file = finish(&app, mine(&app, caller, upload).await?).await?;
    let attachment = file.attachment();
    Ok(([(ATTACHMENT, id_value(file.id))], Answer(UploadedFile { attachment })).into_response())
}

/// An upload of the caller's, or the file it has become.
///
/// # Errors
/// [`ErrorCode::UploadNotFound`], whether it does not exist or is not theirs.
async fn mine(app: &App, caller: Caller, upload: UploadId) -> ApiResult<FileRecord> {
    let id = AttachmentId::from_uuid(*upload.as_uuid());
    let file = app.store.file(id).await?.filter(|file| {
        let live = file.state != FileState::Gone;
        let in_time =
            file.state == FileState::Sent || file.expires_at.is_none_or(|at| at > Timestamp::now());
        file.owner == caller.user && live && in_time
    });
    file.ok_or_else(|| ErrorCode::UploadNotFound.into())
}

fn location(file: &FileRecord) -> HeaderValue {
    let path = format!("/api/v1/uploads/{}", file.id);
    HeaderValue::from_str(&path).expect("a UUID's text is hex digits and hyphens")
}

fn id_value(id: AttachmentId) -> HeaderValue {
    HeaderValue::from_str(&id.to_string()).expect("a UUID's text is hex digits and hyphens")
}

/// A name that a client gives.
///
/// # Errors
/// [`ErrorCode::InvalidField`] above the bound.
fn given_name(given: Option<&str>) -> ApiResult<String> {
    let given = given.unwrap_or_default();
    if given.len() > GIVEN_NAME_MAX {
        return Err(ApiError::field("name", "1024 bytes at the most"));
    }
    Ok(name::clean(given))
}
