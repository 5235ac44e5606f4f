//! The HTTP API under `/api/v1`: accounts, sessions, people, rooms, history.
//!
//! - [`problem`]: errors as clients see them
//! - [`address`]: where a request comes from
//! - [`caller`]: who makes it
//! - [`quotas`]: how often what may be done
//! - `limiter`: counting a request, and telling what is left
//! - [`openapi`]: the document that describes it
//! - `endpoints`: a route with its description
//! - `entity_tag`: what a client has already
//! - `extract`, `fields`: reading and judging what clients send
//! - `layers`: what every request passes through
//! - `me`, `avatars`, `logins`, `blocks`: one's own account
//! - `attachments`, `uploads`: files
//! - `previews`: what links lead to
//! - `pictures`: square pictures of people and rooms
//! - `lobby`: the room everybody is in
//! - `admin`: the site administrator's side
//! - `authority`: whether somebody may do something to a room
//! - `accounts`, `sessions`, `users`, `rooms`, `codes`, `icons`, `moderation`, `destruction`, `joining`,
//!   `direct`, `history`, `bounds`: the endpoints

mod accounts;
pub mod address;
mod admin;
mod attachments;
mod authority;
mod avatars;
mod blocks;
mod bounds;
pub mod caller;
mod codes;
mod destruction;
mod direct;
mod endpoints;
pub(crate) mod entity_tag;
mod extract;
mod fields;
mod history;
mod icons;
mod inbox;
mod joining;
pub(crate) mod layers;
mod limiter;
pub mod lobby;
mod logins;
mod me;
mod messages;
mod moderation;
pub mod openapi;
mod pictures;
mod previews;
pub mod problem;
pub mod quotas;
mod receipts;
mod room_view;
mod rooms;
mod search;
mod sessions;
mod uploads;
mod users;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use hubbub_protocol::ErrorCode;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::app::App;
use crate::auth::origin::Origins;
use endpoints::Endpoints;
pub(crate) use fields::{room_name, username};
use problem::{ApiError, ApiResult};
use quotas::Quotas;

/// Largest body of a request, in bytes.
pub const BODY_MAX: usize = 64 * 1024;

/// Rows of a list when the caller names no limit.
const LIST_DEFAULT: u32 = 50;

/// What the HTTP side needs to know.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Which pages may use cookies.
    pub origins: Origins,
    /// How many proxies in front add to `X-Forwarded-For`.
    pub trusted_proxies: u8,
    /// How long a request may take, reading its body included.
    pub request_timeout: Duration,
    /// How often what may be done.
    pub quotas: Quotas,
    /// User names, folded, whose accounts administer the site from the start.
    pub admins: Vec<String>,
    /// The name of the room that everybody who registers is in, if there is one.
    pub lobby: Option<String>,
}

impl HttpOptions {
    /// The defaults, for these origins.
    #[must_use]
    pub fn new(origins: Origins) -> Self {
        Self {
            origins,
            trusted_proxies: 0,
            request_timeout: Duration::from_secs(15),
            quotas: Quotas::default(),
            admins: Vec::new(),
            lobby: None,
        }
    }
}

/// Every endpoint of the API.
fn endpoints() -> Endpoints {
    prompt().and(uploads::endpoints())
}

/// Those that are to be done within the time for a request. The others bring files, which take as
/// long as they take, and look after their time themselves.
fn prompt() -> Endpoints {
    accounts::endpoints()
        .and(attachments::endpoints())
        .and(sessions::endpoints())
        .and(me::endpoints())
        .and(avatars::endpoints())
        .and(logins::endpoints())
        .and(blocks::endpoints())
        .and(users::endpoints())
        .and(admin::endpoints())
        .and(rooms::endpoints())
        .and(codes::endpoints())
        .and(icons::endpoints())
        .and(moderation::endpoints())
        .and(destruction::endpoints())
        .and(joining::endpoints())
        .and(direct::endpoints())
        .and(history::endpoints())
        .and(messages::endpoints())
        .and(previews::endpoints())
        .and(search::endpoints())
        .and(receipts::endpoints())
        .and(inbox::endpoints())
        .and(bounds::endpoints())
}

/// The API's routes, to be nested under `/api/v1`. Unknown paths and wrong methods below it are
/// answered here too. The peer's address is expected in the request's extensions, as
/// `ConnectInfo<SocketAddr>`.
pub fn router(app: Arc<App>) -> Router {
    let timed = from_fn_with_state(Arc::clone(&app), layers::limit_time);
    prompt()
        .into_router()
        .layer(timed)
        .merge(uploads::endpoints().into_router())
        .fallback(not_found)
        .method_not_allowed_fallback(async || ApiError::new(ErrorCode::MethodNotAllowed))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn(limiter::tell))
        .layer(from_fn(layers::observe))
        .with_state(app)
}

/// The answer for a path with nothing at it, for any router.
///
/// # Errors
/// Always [`ErrorCode::NotFound`].
pub async fn not_found() -> Result<(), ApiError> {
    Err(ErrorCode::NotFound.into())
}

/// Runs what must not stop halfway to its end, even if the client goes away or the time is up: a
/// change that the store has made and nobody has been told of yet.
async fn uninterrupted<T: Send + 'static>(
    work: impl Future<Output = ApiResult<T>> + Send + 'static,
) -> ApiResult<T> {
    tokio::spawn(work.in_current_span()).await.unwrap_or_else(|_| {
        tracing::error!("a request's task was lost");
        Err(ErrorCode::Internal.into())
    })
}

/// Cuts rows that were asked for with one more than `limit` back to it, and returns the last one if
/// there are more: where the next page starts.
fn cut<T>(rows: &mut Vec<T>, limit: usize) -> Option<&T> {
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last()
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_has_begun_is_finished_when_the_client_goes_away() {
        let (begun, has_begun) = oneshot::channel();
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let mut request = Box::pin(uninterrupted(async move {
            begun.send(()).unwrap();
            may_go_on.await.unwrap();
            done.send(()).unwrap();
            Ok(())
        }));
        tokio::select! {
            _ = &mut request => panic!("it can't be done yet"),
            begun = has_begun => begun.unwrap(),
        }
        drop(request);
        go_on.send(()).unwrap();
        is_done.await.unwrap();
    }

    #[tokio::test]
    async fn a_task_that_panics_is_a_fault_of_ours() {
        let failed = uninterrupted::<()>(async { panic!("lost") }).await;
        assert_eq!(failed.map_err(|error| error.code()), Err(ErrorCode::Internal));
    }

    #[test]
    fn the_next_page_starts_after_the_last_row_shown() {
        let mut rows = vec![1, 2, 3];
        assert_eq!(cut(&mut rows, 3), None);
        assert_eq!(cut(&mut rows, 2), Some(&2));
        assert_eq!(rows, [1, 2]);
    }
}
