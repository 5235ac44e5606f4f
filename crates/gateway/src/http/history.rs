//! A room's history.
//!
//! Members see a message before it is stored (P2), so a page read from the store alone could lack
//! some: its newest, and single ones in between that another worker still holds. Whatever is not
//! stored is in the room's hot log; a page is both, merged by seq (P5). The same holds for edits,
//! deletions and reactions: the page is as all of them up to its `seq` have left it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use hubbub_bus::LogRead;
use hubbub_protocol::http::History;
use hubbub_protocol::limits::{PAGE_DEFAULT, PAGE_MAX};
use hubbub_protocol::{ErrorCode, Event, Message, Position, RoomId, Seq};
use hubbub_store::{HistoryPage, Page};
use schemars::JsonSchema;
use serde::Deserialize;

use super::caller::Caller;
use super::endpoints::Endpoints;
use super::extract::{Query, RoomPath};
use super::fields::Fields;
use super::openapi::about;
use super::problem::ApiResult;
use super::room_view::mine;
use crate::app::App;
use crate::unstored::Unstored;

/// Events read from the hot log at a time, and how often at most. Past it the page ends early and
/// says that there is more.
const LOG_CHUNK: usize = 128;
const LOG_READS: usize = 16;

/// What a seq beyond all is taken for: the greatest integer that every JSON reader keeps exact.
pub(super) const SEQ_MAX: Seq = Seq((1 << 53) - 1);

pub(super) fn endpoints() -> Endpoints {
    Endpoints::of("Messages").get(
        "/rooms/{room}/messages",
        page,
        about("A page of a room's history, oldest first")
            .description("The latest, or what is `before`, `after` or `around` a seq: one of them.")
            .errors(&[ErrorCode::RoomNotFound, ErrorCode::InvalidField]),
    )
}

/// The query of `GET /rooms/{room}/messages`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct HistoryQuery {
    /// Messages before this seq.
    before: Option<Seq>,
    /// Messages after this seq.
    after: Option<Seq>,
    /// Messages on both sides of this seq.
    around: Option<Seq>,
    /// Messages of the page: 1 to 200, 50 if absent.
    limit: Option<u32>,
}

/// `GET /rooms/{room}/messages`.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    Query(query): Query<HistoryQuery>,
) -> ApiResult<Answer<History>> {
    let mut fields = Fields::default();
    let limit = fields.limit(query.limit, PAGE_DEFAULT, PAGE_MAX);
    let [before, after, around] =
        [query.before, query.after, query.around].map(|seq| seq.map(|seq| seq.min(SEQ_MAX)));
    let page = match (before, after, around) {
        (None, None, None) => Page::Latest,
        (Some(seq), None, None) => Page::Before(seq),
        (None, Some(seq), None) => Page::After(seq),
        (None, None, Some(seq)) => Page::Around(seq),
        _ => {
            fields.refuse("before", "one of `before`, `after` and `around`");
            Page::Latest
        }
    };
    fields.check()?;
    mine(&app, caller.user, room).await?;
    // First, so that what is stored in between is seen in the store.
    let mut unstored = Unstored::of(&app, room).await?;
    let stored = app.store.history(room, page, limit).await?;
    let recent = recent(&app, room, page, limit, span(page, &stored), &mut unstored).await?;
    let HistoryPage { mut messages, older, newer } = merge(page, limit, stored, recent);
    messages.iter_mut().for_each(|message| unstored.apply_to(message));
    let head = unstored.head;
    Ok(Answer(History {
        epoch: head.epoch,
        seq: head.seq,
        before: messages.first().filter(|_| older).map(|message| message.seq),
        after: messages.last().filter(|_| newer).map(|message| message.seq),
        messages,
    }))
}

/// The part of the log a page is about: after `after`, up to and including `upto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    after: Seq,
    /// None: the head.
    upto: Option<Seq>,
}

fn span(page: Page, stored: &HistoryPage) -> Span {
    let before = |seq: Seq| Seq(seq.0.saturating_sub(1));
    let first = stored.messages.first().filter(|_| stored.older).map(|first| before(first.seq));
    let last = stored.messages.last().filter(|_| stored.newer).map(|last| last.seq);
    let (after, upto) = match page {
        Page::Latest => (first, None),
        Page::Before(seq) => (first, Some(before(seq))),
        Page::After(seq) => (Some(seq), last),
        Page::Around(_) => (first, last),
    };
    Span { after: after.unwrap_or_default(), upto }
}

/// What the hot log has of a span.
struct Recent {
    head: Position,
    messages: Vec<Message>,
    /// Whether it has messages before these.
    older: bool,
    /// How far it was read, if not to the end of the span.
    cut_at: Option<Seq>,
}

/// Reads the hot log's part of a page, holding no more of it at a time than the page can have, and
/// what changes its messages.
async fn recent(
    app: &App,
    room: RoomId,
    page: Page,
    limit: usize,
    span: Span,
    unstored: &mut Unstored,
) -> ApiResult<Recent> {
    let head = app.committer.head(room).await?;
    let mut recent = Recent { head, messages: Vec::new(), older: false, cut_at: None };
    let end = |head: Position| span.upto.map_or(head.seq, |upto| upto.min(head.seq));
    let mut at = span.after;
    for _ in 0..LOG_READS {
        if at >= end(recent.head) {
            return Ok(recent);
        }
        let from = Position::new(recent.head.epoch, at);
        match app.bus.log_after(room, from, LOG_CHUNK).await? {
            LogRead::Events { head, events } => {
                recent.head = head;
                let Some(last) = events.last() else { break };
                at = last.seq;
                for event in events.iter().filter(|event| event.seq <= end(head)) {
                    match Event::parse(&event.frame) {
                        Ok(Event::Message(message)) => recent.messages.push(message),
                        Ok(change) => unstored.add(change),
                        Err(_) => {
                            tracing::error!(%room, seq = %event.seq, "an event of the hot log can't be read");
                            return Err(ErrorCode::Internal.into());
                        }
                    }
                }
                let surplus = surplus(page, limit, &recent.messages);
                recent.older |= surplus > 0;
                recent.messages.drain(..surplus);
                if recent.messages.len() > limit {
                    break;
                }
            }
            // What the log no longer has is stored.
            LogRead::Missed { head, oldest } => {
                recent.head = head;
                at = at.max(Seq(oldest.0.saturating_sub(1)));
            }
            LogRead::Foreign { head } => recent.head = head,
            LogRead::Unseeded => recent.head = app.committer.head(room).await?,
        }
    }
    recent.cut_at = (at < end(recent.head)).then_some(at);
    Ok(recent)
}

/// How many messages at the beginning are further from what the caller wants to be near to than a
/// page reaches. What is too much at the end is cut there.
fn surplus(page: Page, limit: usize, messages: &[Message]) -> usize {
    match page {
        Page::Latest | Page::Before(_) => messages.len().saturating_sub(limit),
        Page::After(_) => 0,
        Page::Around(seq) => {
            messages.partition_point(|message| message.seq < seq).saturating_sub(limit / 2)
        }
    }
}

/// One page out of what is stored and what is recent.
fn merge(page: Page, limit: usize, stored: HistoryPage, recent: Recent) -> HistoryPage {
    let HistoryPage { messages, mut older, mut newer } = stored;
    let known: HashSet<_> = messages.iter().map(|message| message.id).collect();
    // An id that the bus had forgotten can come to the log twice; the stored place counts.
    let fresh = recent.messages.into_iter().filter(|message| !known.contains(&message.id));
    let mut merged: BTreeMap<Seq, Message> =
        fresh.chain(messages).map(|message| (message.seq, message)).collect();
    if let Some(cut_at) = recent.cut_at {
        merged.retain(|seq, _| *seq <= cut_at);
        newer = true;
    }
    let mut messages: Vec<_> = merged.into_values().collect();
    let surplus = surplus(page, limit, &messages);
    older |= recent.older || surplus > 0;
    messages.drain(..surplus);
    newer |= messages.len() > limit;
    messages.truncate(limit);
    HistoryPage { messages, older, newer }
}

#[cfg(test)]
mod tests {
    use hubbub_protocol::{Epoch, MessageBody, MessageId, Timestamp, UserId};

    use super::*;

    fn message(seq: u64) -> Message {
        Message {
            room: RoomId::direct(UserId::new(), UserId::new()),
            epoch: Epoch(1),
            seq: Seq(seq),
            id: MessageId::new(),
            sender: UserId::new(),
            at: Timestamp::now(),
            body: MessageBody::text(seq.to_string()),
            edited_at: None,
            deleted_at: None,
            reactions: Vec::new(),
        }
    }

    fn stored(seqs: &[u64], older: bool, newer: bool) -> HistoryPage {
        HistoryPage { messages: seqs.iter().map(|seq| message(*seq)).collect(), older, newer }
    }

    fn recent(seqs: &[u64]) -> Recent {
        Recent {
            head: Position::new(Epoch(1), Seq(100)),
            messages: seqs.iter().map(|seq| message(*seq)).collect(),
            older: false,
            cut_at: None,
        }
    }

    fn seqs(page: &HistoryPage) -> Vec<u64> {
        page.messages.iter().map(|message| message.seq.0).collect()
    }

    #[test]
    fn messages_that_are_not_stored_yet_are_in_the_latest_page() {
        let page = merge(Page::Latest, 4, stored(&[5, 6, 8], true, false), recent(&[6, 7, 8, 9]));
        // 5 gives way to the newer ones.
        assert_eq!(seqs(&page), [6, 7, 8, 9]);
        assert!(page.older && !page.newer);
    }

    #[test]
    fn a_page_after_a_seq_keeps_the_nearest() {
        let page = merge(Page::After(Seq(4)), 3, stored(&[5, 8], false, false), recent(&[6, 9]));
        assert_eq!(seqs(&page), [5, 6, 8]);
        assert!(page.newer && !page.older);
    }

    #[test]
    fn a_page_around_a_seq_keeps_both_sides() {
        let page =
            merge(Page::Around(Seq(10)), 4, stored(&[7, 8, 10, 11], true, false), recent(&[9, 12]));
        assert_eq!(seqs(&page), [8, 9, 10, 11]);
        assert!(page.older && page.newer);
    }

    #[test]
    fn the_stored_state_of_a_message_counts() {
        let mut late = recent(&[5]);
        let page = stored(&[5], false, false);
        late.messages[0].id = page.messages[0].id;
        late.messages[0].seq = Seq(9);
        assert_eq!(merge(Page::Latest, 4, page.clone(), late).messages, page.messages);
    }

    #[test]
    fn past_what_was_read_of_the_log_nothing_is_shown() {
        let late = Recent { cut_at: Some(Seq(7)), ..recent(&[6, 7]) };
        let page = merge(Page::Latest, 9, stored(&[5, 9], false, false), late);
        assert_eq!(seqs(&page), [5, 6, 7]);
        assert!(page.newer);
    }

    #[test]
    fn what_the_log_has_before_its_part_is_older_than_the_page() {
        let late = Recent { older: true, ..recent(&[8, 9]) };
        let page = merge(Page::Latest, 2, stored(&[], false, false), late);
        assert_eq!(seqs(&page), [8, 9]);
        assert!(page.older);
    }

    #[test]
    fn the_span_is_what_the_page_covers() {
        let inner = stored(&[5, 9], true, true);
        let all = stored(&[5, 9], false, false);
        let span = |page, stored| {
            let Span { after, upto } = span(page, stored);
            (after.0, upto.map(|upto| upto.0))
        };
        assert_eq!(span(Page::Latest, &inner), (4, None));
        assert_eq!(span(Page::Latest, &all), (0, None));
        assert_eq!(span(Page::Before(Seq(20)), &inner), (4, Some(19)));
        assert_eq!(span(Page::After(Seq(3)), &inner), (3, Some(9)));
        assert_eq!(span(Page::After(Seq(3)), &all), (3, None));
        assert_eq!(span(Page::Around(Seq(7)), &inner), (4, Some(9)));
        assert_eq!(span(Page::Around(Seq(7)), &all), (0, None));
    }
}
