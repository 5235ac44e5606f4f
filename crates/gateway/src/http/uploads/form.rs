//! A file in a form (`multipart/form-data`).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use futures_util::Stream;
use hubbub_protocol::{ErrorCode, RoomId};
use hubbub_store::FileRecord;

use super::given_name;
use super::single::conclude;
use crate::app::App;
use crate::files;
use crate::files::pace::Pace;
use crate::files::receive::{Taking, receive};
use crate::http::caller::Caller;
use crate::http::problem::{ApiError, ApiResult};

/// What a form adds to a file at the most: boundaries, headers and other fields.
const EXTRA_MAX: u64 = 64 * 1024;

/// The field that is the file.
const FIELD: &str = "file";

/// Other fields before it that are passed over.
const OTHERS_MAX: usize = 16;

/// What is read of a form until the next field, or the next bytes of one, are found in it.
const AHEAD_MAX: u64 = 1 << 20;

/// Takes the file of a form, passing other fields over. It is there as a whole or not at all.
pub(super) async fn upload(
    app: &Arc<App>,
    caller: Caller,
    room: RoomId,
    name: Option<String>,
    request: Request,
) -> ApiResult<FileRecord> {
    let (most, length) = (app.limits.attachment_bytes, request.body().size_hint().upper());
    if length.is_some_and(|length| length > most.saturating_add(EXTRA_MAX)) {
        return Err(ErrorCode::PayloadTooLarge.into());
    }
    app.permissions.writing(room, caller.user, "").await?;
    let place = app.files.places.take(caller.user)?;
    let app = Arc::clone(app);
    let work = tokio::spawn(async move {
        let _place = place;
        let (ahead, pace) = (Ahead::default(), Pace::begin(&app.files));
        let request = request.map(|body| Body::from_stream(ahead.bound(body)));
        let mut form = Multipart::from_request(request, &()).await.map_err(|_| bad_form())?;
        let mut others = Others { fields: OTHERS_MAX, bytes: EXTRA_MAX };
        loop {
            let next = pace.keep(form.next_field()).await?.map_err(|_| ahead.refusal())?;
            let field = next.ok_or_else(|| ApiError::field(FIELD, "is missing"))?;
            if field.name() != Some(FIELD) {
                ahead.renew();
                others.pass_over(field, pace, &ahead).await?;
                continue;
            }
            ahead.lift();
            let name = given_name(field.file_name().or(name.as_deref()))?;
            let length = length.map_or(most, |length| length.min(most));
            let file = files::begin(&app, caller.user, room, name, length).await?;
            let taking = Taking { whole: true, ..Taking::default() };
            let received = receive(&app, file.clone(), taking, pace, field).await;
            return conclude(&app, &file, received.map_err(ApiError::from)).await;
        }
    });
    work.await.unwrap_or_else(|_| Err(ErrorCode::Internal.into()))
}

/// What may still come of fields that nobody asked for.
struct Others {
    fields: usize,
    bytes: u64,
}

impl Others {
    async fn pass_over(
        &mut self,
        mut field: Field<'_>,
        pace: Pace,
        ahead: &Ahead,
    ) -> ApiResult<()> {
        let too_many = || ApiError::field(FIELD, "comes behind more than 16 other fields");
        self.fields = self.fields.checked_sub(1).ok_or_else(too_many)?;
        while let Some(bytes) = pace.keep(field.chunk()).await?.map_err(|_| ahead.refusal())? {
            ahead.renew();
            let left = self.bytes.checked_sub(bytes.len() as u64);
            self.bytes = left.ok_or(ErrorCode::PayloadTooLarge)?;
        }
        Ok(())
    }
}

fn bad_form() -> ApiError {
    ApiError::new(ErrorCode::BadFrame).detail("The form can't be read")
}

/// How much may still be read of a form before something is found in it, in bytes.
#[derive(Debug, Clone)]
struct Ahead(Arc<AtomicU64>);

impl Default for Ahead {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(AHEAD_MAX)))
    }
}

impl Ahead {
    fn renew(&self) {
        self.0.store(AHEAD_MAX, Ordering::Relaxed);
    }

    fn bound(&self, body: Body) -> Bounded {
        Bounded { body: body.into_data_stream(), ahead: self.clone(), paused: false }
    }

    /// The file has begun: what comes now has bounds of its own.
    fn lift(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }

    fn is_used_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    fn count(&self, bytes: u64) {
        let left = self.0.load(Ordering::Relaxed);
        self.0.store(left.saturating_sub(bytes), Ordering::Relaxed);
    }

    /// Why a form can't be read on.
    fn refusal(&self) -> ApiError {
        if self.is_used_up() { ErrorCode::PayloadTooLarge.into() } else { bad_form() }
    }
}

/// The body of a form, in single pieces: its reader takes all there is at a time into memory, and would
/// not stop while the client is faster.
struct Bounded {
    body: BodyDataStream,
    ahead: Ahead,
    paused: bool,
}

impl Stream for Bounded {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.paused) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = ready!(Pin::new(&mut self.body).poll_next(context));
        if let Some(Ok(piece)) = &next {
            if self.ahead.is_used_up() {
                return Poll::Ready(Some(Err(axum::Error::new("a form without its file"))));
            }
            self.ahead.count(piece.len() as u64);
            self.paused = true;
        }
        Poll::Ready(next)
    }
}
