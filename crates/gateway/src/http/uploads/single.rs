//! A file in one request: its bytes as they are, or in a form.

use std::sync::Arc;

use axum::body::HttpBody;
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use futures_util::Stream;
use hubbub_protocol::{ErrorCode, RoomId};
use hubbub_store::FileRecord;

use super::{given_name, tus};
use crate::app::App;
use crate::files::receive::{Taking, receive, receive_detached};
use crate::files::{self, finish::finish};
use crate::http::caller::Caller;
use crate::http::problem::{ApiError, ApiResult};

/// What a form adds to a file at the most: boundaries, headers and other fields.
const FORM_EXTRA: u64 = 64 * 1024;

/// The form's field.
const FIELD: &str = "file";

/// Takes a file. It is there as a whole or not at all.
pub(super) async fn upload(
    app: &Arc<App>,
    caller: Caller,
    room: RoomId,
    name: Option<String>,
    request: Request,
) -> ApiResult<FileRecord> {
    // Of a body in chunks nobody knows: it may be as long as files may be.
    let length = request.body().size_hint().upper();
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with("multipart/form-data") {
        return form(app, caller, room, name, length, request).await;
    }
    if kind.starts_with(tus::BYTES) || kind.starts_with("multipart/") {
        return Err(ErrorCode::UnsupportedMediaType.into());
    }
    let most = app.limits.attachment_bytes;
    let name = given_name(name.as_deref())?;
    let file = files::begin(app, caller.user, room, name, length.unwrap_or(most)).await?;
    let body = request.into_body().into_data_stream();
    keep(app, file, body).await
}

/// Another form's fields are passed over, up to the bound of the whole.
async fn form(
    app: &Arc<App>,
    caller: Caller,
    room: RoomId,
    name: Option<String>,
    length: Option<u64>,
    request: Request,
) -> ApiResult<FileRecord> {
    let most = app.limits.attachment_bytes;
    if length.is_some_and(|length| length > most.saturating_add(FORM_EXTRA)) {
        return Err(ErrorCode::PayloadTooLarge.into());
    }
    let (app, idle) = (Arc::clone(app), app.files.idle);
    let place = app.files.place()?;
    let work = tokio::spawn(async move {
        let _place = place;
        let mut form = Multipart::from_request(request, &()).await.map_err(|_| bad_form())?;
        let mut passed_over = 0;
        loop {
            let next = tokio::time::timeout(idle, form.next_field()).await;
            let field = next.map_err(|_| ErrorCode::Timeout)?.map_err(|_| bad_form())?;
            let field = field.ok_or_else(|| ApiError::field(FIELD, "is missing"))?;
            if field.name() != Some(FIELD) {
                passed_over += skip(field, FORM_EXTRA - passed_over, idle).await?;
                continue;
            }
            let name = given_name(field.file_name().or(name.as_deref()))?;
            let length = length.map_or(most, |length| length.min(most));
            let file = files::begin(&app, caller.user, room, name, length).await?;
            let received =
                receive(&app, file.clone(), Taking { whole: true, ..Taking::default() }, field);
            return conclude(&app, &file, received.await.map_err(ApiError::from)).await;
        }
    });
    work.await.unwrap_or_else(|_| Err(ErrorCode::Internal.into()))
}

fn bad_form() -> ApiError {
    ApiError::new(ErrorCode::BadFrame).detail("The form can't be read")
}

/// Reads what nobody asked for, and tells its bytes.
async fn skip(mut field: Field<'_>, most: u64, idle: std::time::Duration) -> ApiResult<u64> {
    let mut passed = 0;
    loop {
        let chunk = tokio::time::timeout(idle, field.chunk()).await;
        match chunk.map_err(|_| ErrorCode::Timeout)?.map_err(|_| bad_form())? {
            Some(chunk) => passed += chunk.len() as u64,
            None => return Ok(passed),
        }
        if passed > most {
            return Err(ErrorCode::PayloadTooLarge.into());
        }
    }
}

async fn keep(
    app: &Arc<App>,
    file: FileRecord,
    body: impl Stream<Item = Result<Bytes, axum::Error>> + Send + 'static,
) -> ApiResult<FileRecord> {
    let taking = Taking { whole: true, ..Taking::default() };
    let received = receive_detached(app, file.clone(), taking, body).await;
    conclude(app, &file, received.map_err(ApiError::from)).await
}

/// Nothing stays of a file that did not come as a whole: nobody knows its id.
async fn conclude(
    app: &App,
    begun: &FileRecord,
    received: ApiResult<FileRecord>,
) -> ApiResult<FileRecord> {
    let finished = match received {
        // It was announced with the most it might be.
        Ok(file) => {
            finish(app, FileRecord { length: file.offset(), ..file }).await.map_err(ApiError::from)
        }
        Err(error) => Err(error),
    };
    if finished.is_err() {
        files::discard(app, begun.id).await?;
    }
    finished
}

/// A header that is a number; one that is none counts as absent.
pub(super) fn header_number(request: &Request, name: &str) -> Option<u64> {
    request.headers().get(name)?.to_str().ok()?.parse().ok()
}
