//! The tus protocol, version 1.0.0, with its extensions creation, creation-with-upload,
//! termination, expiration and checksum.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hubbub_protocol::{ErrorCode, RoomId, Timestamp};
use hubbub_store::{FileRecord, FileState};
use time::OffsetDateTime;
use time::macros::format_description;

use super::single::header_number;
use super::{ATTACHMENT, given_name, id_value, location, mine};
use crate::app::App;
use crate::files;
use crate::files::finish::finish;
use crate::files::receive::{Checksum, Taking, receive_detached};
use crate::http::caller::Caller;
use crate::http::extract::{RoomPath, UploadPath};
use crate::http::problem::{ApiError, ApiResult};

/// The header that says that tus is spoken.
pub(super) const RESUMABLE: &str = "tus-resumable";

/// The media type of a part of an upload.
pub(super) const BYTES: &str = "application/offset+octet-stream";

/// Longest `Upload-Metadata`, in bytes.
pub(super) const METADATA_MAX: usize = 4096;

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const EXTENSIONS: HeaderValue =
    HeaderValue::from_static("creation,creation-with-upload,termination,expiration,checksum");

/// `OPTIONS` of where uploads begin, for anybody.
pub(super) async fn options(State(app): State<Arc<App>>, _: RoomPath) -> Response {
    spoken(&app)
}

/// `OPTIONS` of an upload, for anybody.
pub(super) async fn upload_options(State(app): State<Arc<App>>, _: UploadPath) -> Response {
    spoken(&app)
}

fn spoken(app: &App) -> Response {
    let fields = [
        ("tus-resumable", VERSION),
        ("tus-version", VERSION),
        ("tus-extension", EXTENSIONS),
        ("tus-max-size", HeaderValue::from(app.limits.attachment_bytes)),
        ("tus-checksum-algorithm", HeaderValue::from_static(Checksum::ALGORITHMS)),
    ];
    (StatusCode::NO_CONTENT, fields).into_response()
}

/// Begins an upload, and takes its first bytes where there are some.
pub(super) async fn create(
    app: &Arc<App>,
    caller: Caller,
    room: RoomId,
    request: Request,
) -> ApiResult<Response> {
    if let Err(refusal) = check_version(request.headers()) {
        return Ok(refusal);
    }
    let length = header_number(&request, "upload-length")
        .ok_or_else(|| ApiError::field("Upload-Length", "the bytes of the file"))?;
    let name = given_name(filename(request.headers())?.as_deref())?;
    let brings_bytes = match request.headers().get(CONTENT_TYPE) {
        Some(kind) if kind == BYTES => true,
        // A client's library may name one though there is no body.
        Some(_) if header_number(&request, CONTENT_LENGTH.as_str()) > Some(0) => {
            return Err(ErrorCode::UnsupportedMediaType.into());
        }
        _ => false,
    };
    let taking = taking(request.headers())?;
    let mut file = files::begin(app, caller.user, room, name, length).await?;
    if brings_bytes {
        let body = request.into_body().into_data_stream();
        match receive_detached(app, file.clone(), taking, body).await {
            Ok(received) => file = received,
            // What is refused as a whole has not begun.
            Err(refused) if is_final(refused.code) => {
                files::discard(app, file.id).await?;
                return Err(refused.into());
            }
            // The client goes on where the upload stands.
            Err(_) => file = app.store.file(file.id).await?.unwrap_or(file),
        }
    }
    let place = [(LOCATION, location(&file))];
    Ok((StatusCode::CREATED, place, standing(app, file).await).into_response())
}

/// Whether the same bytes would be refused again.
const fn is_final(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::PayloadTooLarge | ErrorCode::ChecksumMismatch)
}

/// `HEAD /uploads/{upload}`.
pub(super) async fn head(
    State(app): State<Arc<App>>,
    caller: Caller,
    UploadPath(upload): UploadPath,
) -> ApiResult<Response> {
    let file = mine(&app, caller, upload).await?;
    let length = HeaderValue::from(file.length);
    let fields =
        [("upload-length", length), (CACHE_CONTROL.as_str(), HeaderValue::from_static("no-store"))];
    Ok((StatusCode::OK, fields, told(&file)).into_response())
}

/// `PATCH /uploads/{upload}`.
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    caller: Caller,
    UploadPath(upload): UploadPath,
    request: Request,
) -> ApiResult<Response> {
    if let Err(refusal) = check_version(request.headers()) {
        return Ok(refusal);
    }
    if request.headers().get(CONTENT_TYPE).is_none_or(|kind| kind != BYTES) {
        return Err(ErrorCode::UnsupportedMediaType.into());
    }
    let offset = header_number(&request, "upload-offset")
        .ok_or_else(|| ApiError::field("Upload-Offset", "where the bytes begin"))?;
    let taking = taking(request.headers())?;
    let file = mine(&app, caller, upload).await?;
    if file.offset() != offset {
        return Err(ErrorCode::OffsetMismatch.into());
    }
    let left = file.length - offset;
    if header_number(&request, CONTENT_LENGTH.as_str()).is_some_and(|length| length > left) {
        return Err(ErrorCode::PayloadTooLarge.into());
    }
    let file = if file.state == FileState::Uploading {
        let body = request.into_body().into_data_stream();
        receive_detached(&app, file, taking, body).await?
    } else {
        file
    };
    Ok((StatusCode::NO_CONTENT, standing(&app, file).await).into_response())
}

/// `DELETE /uploads/{upload}`.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    UploadPath(upload): UploadPath,
    headers: HeaderMap,
) -> ApiResult<Response> {
    if let Err(refusal) = check_version(&headers) {
        return Ok(refusal);
    }
    let file = mine(&app, caller, upload).await?;
    if file.state == FileState::Sent {
        // It is the message's now.
        return Err(ErrorCode::UploadNotFound.into());
    }
    files::discard(&app, file.id).await?;
    Ok((StatusCode::NO_CONTENT, [(RESUMABLE, VERSION)]).into_response())
}

/// Tells where an upload stands, after finishing it if it is whole. Where it can't be finished now
/// (too many pictures at a time), `GET` on the upload tries again.
async fn standing(app: &App, file: FileRecord) -> HeaderMap {
    if file.state == FileState::Uploading && file.offset() == file.length {
        let offset = file.offset();
        if let Ok(finished) = finish(app, file.clone()).await {
            let mut fields = told(&finished);
            // As the client counts: what the file has become may be smaller or larger.
            fields.insert("upload-offset", HeaderValue::from(offset));
            return fields;
        }
    }
    told(&file)
}

fn told(file: &FileRecord) -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.insert(RESUMABLE, VERSION);
    fields.insert("upload-offset", HeaderValue::from(file.offset()));
    match (file.state, file.expires_at) {
        (FileState::Uploading, Some(at)) => {
            fields.insert("upload-expires", http_date(at));
        }
        (FileState::Uploading, None) | (FileState::Gone, _) => {}
        (FileState::Ready | FileState::Sent, _) => {
            fields.insert(ATTACHMENT, id_value(file.id));
        }
    }
    fields
}

/// RFC 9110, section 5.6.7.
fn http_date(at: Timestamp) -> HeaderValue {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    OffsetDateTime::from_unix_timestamp(at.millis().div_euclid(1000))
        .ok()
        .and_then(|at| at.format(format).ok())
        .and_then(|text| HeaderValue::from_str(&text).ok())
        .unwrap_or(HeaderValue::from_static("0"))
}

/// The refusal tells which version is spoken.
#[expect(clippy::result_large_err, reason = "the refusal is the answer, made once")]
fn check_version(headers: &HeaderMap) -> Result<(), Response> {
    if headers.get(RESUMABLE) == Some(&VERSION) {
        return Ok(());
    }
    let mut refusal = ApiError::new(ErrorCode::TusVersion).into_response();
    refusal.headers_mut().insert("tus-version", VERSION);
    Err(refusal)
}

/// The file's name in `Upload-Metadata`: pairs of a key and base64, separated by commas.
fn filename(headers: &HeaderMap) -> ApiResult<Option<String>> {
    let bad = || ApiError::field("Upload-Metadata", "pairs of a key and base64, up to 4096 bytes");
    let Some(metadata) = headers.get("upload-metadata") else { return Ok(None) };
    let metadata = metadata.to_str().ok().filter(|text| text.len() <= METADATA_MAX);
    for pair in metadata.ok_or_else(bad)?.split(',') {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        let value = STANDARD.decode(value.trim()).map_err(|_| bad())?;
        if key == "filename" {
            return String::from_utf8(value).map(Some).map_err(|_| bad());
        }
    }
    Ok(None)
}

fn taking(headers: &HeaderMap) -> ApiResult<Taking> {
    let Some(checksum) = headers.get("upload-checksum") else { return Ok(Taking::default()) };
    let bad = || ApiError::field("Upload-Checksum", "`sha1` or `sha256`, a space, and base64");
    let (algorithm, sum) =
        checksum.to_str().ok().and_then(|text| text.trim().split_once(' ')).ok_or_else(bad)?;
    let sum = STANDARD.decode(sum.trim()).map_err(|_| bad())?;
    let checksum = Checksum::new(algorithm, sum).ok_or_else(bad)?;
    Ok(Taking { whole: true, checksum: Some(checksum) })
}
