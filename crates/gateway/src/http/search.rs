//! Full-text search over the messages that the caller may read.
//!
//! Memberships are asked for with every request, before the search and again before its answer: who
//! has lost a room finds nothing of it, whatever the index says.

mod operators;
mod query;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::try_join_all;
use hubbub_protocol::http::{SearchHit, SearchResults};
use hubbub_protocol::{ErrorCode, RoomId, Seq, Timestamp};
use hubbub_store::{SearchCursor, SearchPage};
use schemars::JsonSchema;
use serde::Deserialize;

use self::operators::Understood;
use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{Query, id};
use super::fields::Fields;
use super::limiter::Limiter;
use super::openapi::about;
use super::problem::{ApiError, ApiResult};
use super::quotas::Kind;
use crate::app::App;
use crate::committer::CommitFailure;
use crate::unstored::Unstored;

/// Hits of a page when the caller names no number, and at the most.
const HITS_DEFAULT: u32 = 20;
const HITS_MAX: u32 = 50;

/// How long the store may search for one page.
const SEARCH_WITHIN: Duration = Duration::from_secs(2);

pub(super) fn endpoints() -> Endpoints {
    Endpoints::of("Messages").get(
        "/search",
        search,
        about("Find messages by what they say")
            .description(
                "The newest first, of the rooms that the caller is in. `q` holds words or parts of \
                 words, all of which must be in the message, in any order, without regard to case \
                 and diacritics; one or two letters are looked for at the beginning of words, in \
                 scripts that have spaces. `\"a phrase\"` is found as it stands, `-word` must not be \
                 there. `from:name`, `in:room`, `mentions:name` (`me` for oneself), \
                 `has:link|file|image|reaction|reply`, `before:`, `after:` and `on:` a day \
                 (`2026-11-01`, UTC) or a time narrow it down; unknown operators are words. \
                 A search that takes too long answers with what it has, which may be nothing: go on \
                 with `next`.",
            )
            .errors(&[
                ErrorCode::InvalidField,
                ErrorCode::BadId,
                ErrorCode::RoomNotFound,
                ErrorCode::Overloaded,
            ]),
    )
}

/// The query of `GET /search`. What it names and what `q` says must both be fulfilled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct SearchParameters {
    /// What to look for: up to 256 graphemes, 16 words and operators.
    q: Option<String>,
    /// Only in this room.
    room: Option<String>,
    /// Only by this person: a user name or an id.
    from: Option<String>,
    /// Only before this day (UTC) or time.
    before: Option<String>,
    /// Only after this day (UTC) or time.
    after: Option<String>,
    /// Only with this: `link`, `file`, `image`, `reaction` or `reply`; several with commas.
    has: Option<String>,
    /// Where the page starts: `next` of the one before.
    cursor: Option<String>,
    /// Hits of the page: 1 to 50, 20 if absent.
    limit: Option<u32>,
}

/// `GET /search`.
async fn search(
    State(app): State<Arc<App>>,
    caller: Caller,
    limiter: Limiter,
    Query(parameters): Query<SearchParameters>,
) -> ApiResult<Answer<SearchResults>> {
    let mut fields = Fields::default();
    let limit = fields.limit(parameters.limit, HITS_DEFAULT, HITS_MAX);
    let cursor = parameters.cursor.as_deref().map(read_cursor);
    if cursor == Some(None) {
        fields.refuse("cursor", "`next` of an earlier page");
    }
    let understood = Understood::of(&parameters, &mut fields);
    fields.check()?;
    let room: Option<RoomId> = parameters.room.as_deref().map(id).transpose()?;
    limiter.take(Kind::Search, caller.user).await?;

    let readable = app.store.room_ids_of(caller.user).await?;
    let rooms = match room {
        Some(room) if readable.contains(&room) => vec![room],
        Some(_) => return Err(ErrorCode::RoomNotFound.into()),
        None => readable,
    };
    let (query, rooms) = understood.resolve(&app, caller.user, rooms).await?;
    if !query.is_searchable() {
        let hopeless = "a word, a phrase, or one of `from:`, `mentions:` and `has:`";
        return Err(ApiError::field("q", hopeless));
    }
    let searched = app.store.search(&query, &rooms, cursor.flatten(), limit, SEARCH_WITHIN);
    let SearchPage { mut hits, next } = searched.await?;

    let mut pairs: Vec<_> = hits.iter().map(|hit| (hit.message.room, caller.user)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let still = app.store.memberships_among(&pairs).await?;
    hits.retain(|hit| still.contains(&(hit.message.room, caller.user)));
    let hits = as_they_are_now(&app, hits).await?;
    Ok(Answer(SearchResults { hits, next: next.map(write_cursor) }))
}

/// Those hits that still say what was found: what members were told is deleted or says something
/// else is not found, whether or not that is stored.
async fn as_they_are_now(app: &App, mut hits: Vec<SearchHit>) -> ApiResult<Vec<SearchHit>> {
    let rooms: BTreeSet<RoomId> = hits.iter().map(|hit| hit.message.room).collect();
    let reading = rooms.into_iter().map(async |room| {
        let unstored = Unstored::of(app, room).await?;
        Ok::<_, CommitFailure>((room, unstored))
    });
    let unstored: BTreeMap<RoomId, Unstored> = try_join_all(reading).await?.into_iter().collect();
    hits.retain_mut(|SearchHit { message, .. }| {
        let found = message.body.text.clone();
        if let Some(unstored) = unstored.get(&message.room) {
            unstored.apply_to(message);
        }
        message.deleted_at.is_none() && message.body.text == found
    });
    Ok(hits)
}

fn write_cursor(SearchCursor { at, room, seq }: SearchCursor) -> String {
    let parts = [&at.millis().to_be_bytes(), &seq.0.to_be_bytes()[..], room.as_bytes()];
    URL_SAFE_NO_PAD.encode(parts.concat())
}

fn read_cursor(text: &str) -> Option<SearchCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (at, rest) = bytes.split_first_chunk()?;
    let (seq, room) = rest.split_first_chunk()?;
    Some(SearchCursor {
        at: Timestamp::from_millis(i64::from_be_bytes(*at)),
        room: RoomId::from_bytes(room)?,
        seq: Seq(u64::from_be_bytes(*seq)),
    })
}

#[cfg(test)]
mod tests {
    use hubbub_protocol::UserId;

    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for room in [RoomId::new(), RoomId::direct(UserId::new(), UserId::new())] {
            let cursor = SearchCursor { at: Timestamp::now(), room, seq: Seq(7) };
            assert_eq!(read_cursor(&write_cursor(cursor)), Some(cursor));
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", "AAAA", "not base64!", &"A".repeat(1000)] {
            assert_eq!(read_cursor(text), None, "{text}");
        }
    }
}
