//! Whether a message fulfils a query: what decides about every hit.

use hubbub_protocol::Message;

use super::feature::body_has;
use super::text::{Folded, Term};
use super::{Has, SearchQuery};
use crate::change::called;

/// Ranges that are told of one message, at the most.
const HIGHLIGHTS_MAX: usize = 100;

/// Whether `message` fulfils `query`, and if so where its terms are in the text: ascending pairs of
/// start and end in UTF-16 code units, apart from each other, the first 100.
///
/// This is the whole meaning of a search; the index only makes it quick.
#[must_use]
pub fn matches(query: &SearchQuery, message: &Message) -> Option<Vec<[u32; 2]>> {
    let body = &message.body;
    let fulfilled = message.deleted_at.is_none()
        && query.from.is_none_or(|user| message.sender == user)
        && query.mentions.is_none_or(|user| called(&body.mentions).any(|called| called == user))
        && query.since.is_none_or(|since| message.at >= since)
        && query.until.is_none_or(|until| message.at < until)
        && query.has.iter().all(|has| match has {
            Has::Reaction => !message.reactions.is_empty(),
            other => body_has(body, *other),
        });
    if !fulfilled {
        return None;
    }
    let text = Folded::of(&body.text);
    let found =
        |term: &String| Term::new(term).is_some_and(|term| term.places(&text).next().is_some());
    if query.excluded.iter().any(found) {
        return None;
    }
    let mut ranges = Vec::new();
    for term in query.terms.iter().filter_map(|term| Term::new(term)) {
        let before = ranges.len();
        ranges.extend(term.places(&text).map(|at| term.range(&text, at)));
        if ranges.len() == before {
            return None;
        }
    }
    ranges.sort_unstable();
    let mut highlights: Vec<[u32; 2]> = Vec::new();
    for [start, end] in ranges {
        match highlights.last_mut() {
            Some(last) if start <= last[1] => last[1] = last[1].max(end),
            _ => highlights.push([start, end]),
        }
    }
    highlights.truncate(HIGHLIGHTS_MAX);
    Some(highlights)
}
