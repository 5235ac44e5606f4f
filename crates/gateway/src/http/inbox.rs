//! What came while one was away.

use std::str::FromStr;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use hubbub_protocol::http::Inbox;
use hubbub_protocol::limits::LIST_MAX;
use hubbub_protocol::{ErrorCode, MessageId, RoomId, Timestamp};
use hubbub_store::{InboxPart, InboxPlace};
use schemars::JsonSchema;
use serde::Deserialize;

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::Query;
use super::fields::Fields;
use super::openapi::about;
use super::problem::{ApiError, ApiResult};
use super::{LIST_DEFAULT, cut, uninterrupted};
use crate::app::App;
use crate::reading;

pub(super) fn endpoints() -> Endpoints {
    use ErrorCode::{BadId, InvalidField};
    Endpoints::of("Inbox")
        .get(
            "/me/inbox",
            list,
            about("What came while you were away")
                .description(
                    "Mentions, replies to you and direct messages that came while none of your \
                     devices was connected, the newest first. What is read on any device goes.",
                )
                .errors(&[BadId, InvalidField]),
        )
        .delete("/me/inbox", clear, about("Empty your inbox").errors(&[]))
}

/// The query of `GET /me/inbox`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct InboxQuery {
    /// Where the page starts: `next` of the one before.
    after: Option<String>,
    /// Rows of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

/// `GET /me/inbox`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<InboxQuery>,
) -> ApiResult<Answer<Inbox>> {
    let mut fields = Fields::default();
    let limit = fields.limit(query.limit, LIST_DEFAULT, LIST_MAX);
    fields.check()?;
    let before = query.after.as_deref().map(read_cursor).transpose()?;
    let (entries, waiting) = tokio::try_join!(
        app.store.inbox(caller.user, before, limit + 1),
        reading::waiting(&app, caller.user),
    )?;
    let mut entries = entries;
    let next = cut(&mut entries, limit).map(|entry| cursor(InboxPlace::from(entry)));
    // What a room that was lost a moment ago left here is on its way out.
    let pairs: Vec<_> = entries.iter().map(|entry| (entry.room, caller.user)).collect();
    let mine = app.store.memberships_among(&pairs).await?;
    entries.retain(|entry| mine.contains(&(entry.room, caller.user)));
    Ok(Answer(Inbox { entries, next, waiting }))
}

/// `DELETE /me/inbox`.
pub(super) async fn clear(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<StatusCode> {
    uninterrupted(async move {
        reading::clear_inbox(&app, caller.user, InboxPart::Everything).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `millis.room.message`.
fn cursor(place: InboxPlace) -> String {
    format!("{}.{}.{}", place.at.millis(), place.room, place.message)
}

fn read_cursor(text: &str) -> ApiResult<InboxPlace> {
    let read = || {
        let (at, rest) = text.split_once('.')?;
        let (room, message) = rest.split_once('.')?;
        Some(InboxPlace {
            at: Timestamp::from_millis(at.parse().ok()?),
            room: RoomId::from_str(room).ok()?,
            message: MessageId::from_str(message).ok()?,
        })
    };
    read().ok_or_else(|| ApiError::new(ErrorCode::BadId).detail("Not a page's `next`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_nothing_else_is_one() {
        let (room, message) = (RoomId::new(), MessageId::new());
        let place = InboxPlace { at: Timestamp::from_millis(1_795_000_000_123), room, message };
        assert_eq!(read_cursor(&cursor(place)).unwrap(), place);
        for text in ["", "1", "1.2.3", &format!("x.{room}.{message}"), &format!("1.{room}")] {
            assert!(read_cursor(text).is_err(), "{text}");
        }
    }
}
