//! A file in one request: its bytes as they are, or in a [`form`].

use std::sync::Arc;

use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use futures_util::Stream;
use hubbub_protocol::{ErrorCode, RoomId};
use hubbub_store::FileRecord;

use super::{form, given_name, tus};
use crate::app::App;
use crate::files::receive::{Taking, receive_detached};
use crate::files::{self, finish::finish};
use crate::http::caller::Caller;
use crate::http::problem::{ApiError, ApiResult};

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
        return form::upload(app, caller, room, name, request).await;
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
pub(super) async fn conclude(
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
