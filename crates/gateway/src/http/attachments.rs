//! Files of messages, to those who may see them.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hubbub_protocol::{AttachmentId, ErrorCode};
use hubbub_store::{BlobKey, FileRecord, FileState, blobs};
use serde_json::json;

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::entity_tag;
use super::extract::AttachmentPath;
use super::openapi::about;
use super::problem::{ApiError, ApiResult};
use crate::app::App;
use crate::files::finish::THUMBNAIL;
use crate::media::kind;
use crate::unstored::Unstored;

/// Nothing a file holds may run, load or be framed elsewhere.
const POLICY: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A file never changes. A browser keeps it for the one who was allowed to see it.
const KEPT: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

pub(super) fn endpoints() -> Endpoints {
    let text = json!({ "type": "string" });
    Endpoints::of("Files")
        .get(
            "/attachments/{attachment}",
            download,
            about("A file")
                .description(
                    "For members of its room, as long as its message is there; before it is sent, \
                     for who uploaded it. One range at a time. Pictures, films and sounds may be \
                     shown in a page, all else is saved.",
                )
                .header("range", false, &text, "The bytes to send: one range of RFC 9110.")
                .header("if-range", false, &text, "Send all unless this is the `ETag`.")
                .header("if-none-match", false, &text, "Send nothing if this is the `ETag`.")
                .succeeds(&[200, 206, 304])
                .answers_bytes("*/*")
                .answers_header("etag", &text, "What names these bytes.")
                .errors(&[ErrorCode::AttachmentNotFound, ErrorCode::RangeNotSatisfiable]),
        )
        .get(
            "/attachments/{attachment}/thumbnail",
            thumbnail,
            about("A smaller picture of a picture")
                .description("Sides of 480 pixels at the most; where `thumbnail` is true.")
                .header("if-none-match", false, &text, "Send nothing if this is the `ETag`.")
                .succeeds(&[200, 304])
                .answers_bytes("image/*")
                .answers_header("etag", &text, "What names these bytes.")
                .errors(&[ErrorCode::AttachmentNotFound]),
        )
}

/// `GET /attachments/{attachment}`, and `HEAD`.
async fn download(
    State(app): State<Arc<App>>,
    caller: Caller,
    AttachmentPath(id): AttachmentPath,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let file = visible(&app, caller, id).await?;
    let tag = format!("\"{id}\"");
    if entity_tag::is_known(&headers, &tag) {
        return Ok(not_modified(&tag));
    }
    let whole = 0..file.length;
    let (status, range) = match wanted(&headers, &tag, file.length) {
        Wanted::All => (StatusCode::OK, whole),
        Wanted::Range(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Beyond => return Ok(beyond(file.length)),
    };
    let bytes = blobs::read(Arc::clone(&app.blobs), file.folder(), &file.parts, range.clone());
    let mut response = (status, Body::from_stream(bytes)).into_response();
    let fields = response.headers_mut();
    fields.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if status == StatusCode::PARTIAL_CONTENT {
        let (first, last) = (range.start, range.end - 1);
        let shown = format!("bytes {first}-{last}/{}", file.length);
        fields.insert(CONTENT_RANGE, header(&shown));
    }
    fields.insert(CONTENT_DISPOSITION, header(&disposition(&file)));
    seal(fields, kind::served_as(&file.content.media_type), &tag);
    Ok(response)
}

/// `GET /attachments/{attachment}/thumbnail`, and `HEAD`.
async fn thumbnail(
    State(app): State<Arc<App>>,
    caller: Caller,
    AttachmentPath(id): AttachmentPath,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let file = visible(&app, caller, id).await?;
    if !file.content.thumbnail {
        return Err(ErrorCode::AttachmentNotFound.into());
    }
    let tag = format!("\"{id}-thumbnail\"");
    if entity_tag::is_known(&headers, &tag) {
        return Ok(not_modified(&tag));
    }
    let bytes = app.blobs.get(&BlobKey::new(file.folder(), THUMBNAIL)).await?;
    let bytes = bytes.ok_or(ErrorCode::AttachmentNotFound)?;
    let media_type = kind::sniff(&bytes[..bytes.len().min(kind::HEAD)]);
    let mut response = bytes.into_response();
    let fields = response.headers_mut();
    fields.insert(CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    seal(fields, media_type, &tag);
    Ok(response)
}

/// A file that the caller may see now.
///
/// # Errors
/// [`ErrorCode::AttachmentNotFound`], whether it does not exist or is not theirs to see.
async fn visible(app: &App, caller: Caller, id: AttachmentId) -> ApiResult<FileRecord> {
    let file = app.store.file(id).await?.ok_or(ErrorCode::AttachmentNotFound)?;
    let may_see = match file.state {
        FileState::Ready => file.owner == caller.user,
        FileState::Sent => {
            app.store.membership(file.room, caller.user).await?.is_some()
                && !is_deleted(app, &file).await?
        }
        FileState::Uploading | FileState::Gone => false,
    };
    if may_see { Ok(file) } else { Err(ErrorCode::AttachmentNotFound.into()) }
}

/// Whether members were told that the message with the file is deleted, before that is stored.
async fn is_deleted(app: &App, file: &FileRecord) -> ApiResult<bool> {
    let Some(message) = file.message else { return Ok(false) };
    Ok(Unstored::of(app, file.room).await?.deletes(message))
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// What every file is sent with.
fn seal(fields: &mut HeaderMap, media_type: &str, tag: &str) {
    fields.insert(CONTENT_TYPE, header(media_type));
    fields.insert(ETAG, header(tag));
    fields.insert(CACHE_CONTROL, KEPT);
    fields.insert(CONTENT_SECURITY_POLICY, POLICY);
    fields.insert(CORP, SAME_ORIGIN);
}

fn not_modified(tag: &str) -> Response {
    (StatusCode::NOT_MODIFIED, [(ETAG, header(tag)), (CACHE_CONTROL, KEPT)]).into_response()
}

fn beyond(length: u64) -> Response {
    let mut response = ApiError::new(ErrorCode::RangeNotSatisfiable).into_response();
    response.headers_mut().insert(CONTENT_RANGE, header(&format!("bytes */{length}")));
    response
}

/// Which bytes a request wants.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    /// At least one byte, within the file.
    Range(Range<u64>),
    /// None that the file has.
    Beyond,
}

/// RFC 9110, section 14. More ranges than one, and what can't be read, are as if there was none.
fn wanted(headers: &HeaderMap, tag: &str, length: u64) -> Wanted {
    let unchanged = headers.get(IF_RANGE).is_none_or(|known| known == tag);
    let range = headers.get(RANGE).and_then(|value| value.to_str().ok());
    let Some(range) = range.filter(|_| unchanged).and_then(|text| text.strip_prefix("bytes="))
    else {
        return Wanted::All;
    };
    let number = |text: &str| {
        text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match range.trim().split_once('-') {
        Some(("", "")) | None => return Wanted::All,
        Some(("", last)) => number(last).map(|last| (length.saturating_sub(last), length)),
        Some((first, "")) => number(first).map(|first| (first, length)),
        Some((first, last)) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => {
                Some((first, length.min(last.saturating_add(1))))
            }
            _ => None,
        },
    };
    match range {
        None => Wanted::All,
        Some((first, end)) if first < end => Wanted::Range(first..end),
        Some(_) => Wanted::Beyond,
    }
}

/// RFC 6266: shown in a page only if nothing in it can run, and a picture only if it was written
/// anew.
fn disposition(file: &FileRecord) -> String {
    let media_type = &file.content.media_type;
    let shown = kind::is_inline(media_type)
        && (!kind::is_picture(media_type) || file.content.width.is_some());
    let how = if shown { "inline" } else { "attachment" };
    let plain =
        |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') { c } else { '_' };
    let ascii: String = file.name.chars().map(plain).collect();
    let mut text = format!("{how}; filename=\"{ascii}\"");
    if ascii != file.name {
        text.push_str("; filename*=UTF-8''");
        for byte in file.name.bytes() {
            // The attr-char of RFC 8187, without its rarer signs.
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                text.push(char::from(byte));
            } else {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &'static str) -> Wanted {
        wanted(&HeaderMap::from_iter([(RANGE, HeaderValue::from_static(text))]), "\"t\"", 100)
    }

    #[test]
    fn a_range_is_within_the_file_or_beyond_it() {
        assert_eq!(range("bytes=0-0"), Wanted::Range(0..1));
        assert_eq!(range("bytes=10-19"), Wanted::Range(10..20));
        assert_eq!(range("bytes=90-"), Wanted::Range(90..100));
        assert_eq!(range("bytes=-10"), Wanted::Range(90..100));
        assert_eq!(range("bytes=-1000"), Wanted::Range(0..100));
        assert_eq!(range("bytes=99-99999999999999999999999"), Wanted::Range(99..100));
        assert_eq!(range("bytes=100-"), Wanted::Beyond);
        assert_eq!(range("bytes=-0"), Wanted::Beyond);
    }

    #[test]
    fn what_is_no_single_range_is_none() {
        for text in
            ["bytes=0-1,5-6", "bytes=a-b", "bytes=5-1", "bytes=-", "lines=1-2", "bytes=+1-2"]
        {
            assert_eq!(range(text), Wanted::All, "{text}");
        }
    }

    #[test]
    fn a_range_of_other_bytes_is_none() {
        let headers = |known: &'static str| {
            HeaderMap::from_iter([
                (RANGE, HeaderValue::from_static("bytes=1-2")),
                (IF_RANGE, HeaderValue::from_static(known)),
            ])
        };
        assert_eq!(wanted(&headers("\"t\""), "\"t\"", 9), Wanted::Range(1..3));
        assert_eq!(wanted(&headers("\"u\""), "\"t\"", 9), Wanted::All);
        assert_eq!(wanted(&headers("W/\"t\""), "\"t\"", 9), Wanted::All);
    }
}
