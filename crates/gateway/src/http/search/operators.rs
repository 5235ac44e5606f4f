//! What a search's words and operators mean: their bounds, days and names.

use hubbub_protocol::limits::graphemes_within;
use hubbub_protocol::markdown::calls;
use hubbub_protocol::{RoomId, Timestamp, UserId};
use hubbub_store::{EVERYBODY, Has, SearchQuery};
use time::macros::{format_description, time};
use time::{Date, Duration};

use super::SearchParameters;
use super::query::{Operator, Part, Written};
use crate::app::App;
use crate::http::fields::{Fields, username};
use crate::http::problem::{ApiError, ApiResult};

/// Longest query, in graphemes, and the bytes that each may have.
const QUERY_GRAPHEMES: usize = 256;
const BYTES_PER_GRAPHEME: usize = 32;

/// Most words and operators of one query.
const PARTS_MAX: usize = 16;

/// Rooms of one look for a room's name.
const ROOMS_A_LOOK: usize = 500;

/// A search with nothing wrong about it, in which people and rooms are still names.
#[derive(Debug, Default)]
pub(super) struct Understood {
    query: SearchQuery,
    /// Who wrote it, and the field that says so.
    from: Vec<(&'static str, String)>,
    mentions: Vec<String>,
    /// Names of rooms, any of which it may be in.
    rooms: Vec<String>,
}

impl Understood {
    pub(super) fn of(parameters: &SearchParameters, fields: &mut Fields) -> Self {
        let mut understood = Self::default();
        let q = parameters.q.as_deref().unwrap_or_default();
        if q.len() > QUERY_GRAPHEMES * BYTES_PER_GRAPHEME
            || !graphemes_within(q, &(0..=QUERY_GRAPHEMES))
        {
            fields.refuse("q", "up to 256 characters");
            return understood;
        }
        let Written(parts) = Written::parse(q);
        if parts.len() > PARTS_MAX {
            fields.refuse("q", "up to 16 words and operators");
            return understood;
        }
        for part in parts {
            match part {
                Part::Term(text) => understood.query.terms.push(text),
                Part::Excluded(text) => understood.query.excluded.push(text),
                Part::Operator(operator, value) => {
                    understood.add("q", operator, value, fields);
                }
            }
        }
        let given = [
            ("from", Operator::From, &parameters.from),
            ("before", Operator::Before, &parameters.before),
            ("after", Operator::After, &parameters.after),
        ];
        for (field, operator, value) in given {
            if let Some(value) = value {
                understood.add(field, operator, value.clone(), fields);
            }
        }
        for value in parameters.has.iter().flat_map(|has| has.split(',')) {
            understood.add("has", Operator::Has, value.to_owned(), fields);
        }
        understood
    }

    fn add(&mut self, field: &'static str, operator: Operator, value: String, fields: &mut Fields) {
        match operator {
            Operator::From => self.from.push((field, value)),
            Operator::In => self.rooms.push(value),
            Operator::Mentions => self.mentions.push(value),
            Operator::Has => match has(&value) {
                Some(has) => self.query.has.push(has),
                None => fields.refuse(field, "has: link, file, image, reaction or reply"),
            },
            Operator::Before | Operator::After | Operator::On => match span(&value) {
                Some(span) => self.narrow(operator, span),
                None => {
                    let name = operator.name();
                    fields.refuse(field, &format!("{name}: a day, like 2026-11-01, or a time"));
                }
            },
        }
    }

    fn narrow(&mut self, operator: Operator, [start, end]: [Timestamp; 2]) {
        let (since, until) = match operator {
            Operator::Before => (None, Some(start)),
            Operator::After => (Some(end), None),
            _ => (Some(start), Some(end)),
        };
        self.query.since = self.query.since.max(since);
        self.query.until = [self.query.until, until].into_iter().flatten().min();
    }

    /// Finds the people and rooms that are named. Of `rooms`, those that it may be in are left.
    ///
    /// # Errors
    /// [`hubbub_protocol::ErrorCode::InvalidField`] for a name that nobody or nothing has.
    pub(super) async fn resolve(
        self,
        app: &App,
        caller: UserId,
        rooms: Vec<RoomId>,
    ) -> ApiResult<(SearchQuery, Vec<RoomId>)> {
        let mut query = self.query;
        for (field, name) in self.from {
            let user = person(app, caller, &name).await?;
            match (query.from, user) {
                (_, None) => return Err(ApiError::field(field, "from: nobody has this name")),
                (Some(other), Some(user)) if other != user => {
                    return Err(ApiError::field(field, "from: a message has one author"));
                }
                _ => query.from = user,
            }
        }
        for name in self.mentions {
            let called = if calls_everybody(&name) {
                Some(EVERYBODY)
            } else {
                person(app, caller, &name).await?
            };
            match called {
                None => return Err(ApiError::field("q", "mentions: nobody has this name")),
                Some(user) if query.mentions.is_some_and(|other| other != user) => {
                    return Err(ApiError::field("q", "mentions: one name"));
                }
                user => query.mentions = user,
            }
        }
        if self.rooms.is_empty() {
            return Ok((query, rooms));
        }
        let named = named(app, &rooms, &self.rooms).await?;
        if named.is_empty() {
            return Err(ApiError::field("q", "in: you are in no room of this name"));
        }
        Ok((query, named))
    }
}

/// Whether a name is that of everybody, as it is in a text.
fn calls_everybody(name: &str) -> bool {
    calls(&format!("@{}", name.strip_prefix('@').unwrap_or(name))).everybody
}

/// The account that is meant by a name.
async fn person(app: &App, caller: UserId, name: &str) -> ApiResult<Option<UserId>> {
    let name = name.strip_prefix('@').unwrap_or(name);
    if name.eq_ignore_ascii_case("me") {
        return Ok(Some(caller));
    }
    if let Ok(id) = name.parse() {
        return Ok(Some(id));
    }
    let Some(name) = username(name) else { return Ok(None) };
    Ok(app.store.credentials(&name).await?.map(|(user, _)| user.id))
}

/// Of these rooms, those whose id or name is among `names`.
async fn named(app: &App, rooms: &[RoomId], names: &[String]) -> ApiResult<Vec<RoomId>> {
    let wanted: Vec<_> = names.iter().map(|name| name.trim().to_lowercase()).collect();
    let mut found: Vec<_> =
        rooms.iter().copied().filter(|room| wanted.contains(&room.to_string())).collect();
    if found.len() == wanted.len() {
        return Ok(found);
    }
    for rooms in rooms.chunks(ROOMS_A_LOOK) {
        let records = app.store.rooms(rooms).await?;
        let named = records.iter().filter(|room| wanted.contains(&room.name.to_lowercase()));
        found.extend(named.map(|room| room.id));
    }
    Ok(found)
}

fn has(value: &str) -> Option<Has> {
    Some(match value.to_ascii_lowercase().as_str() {
        "link" => Has::Link,
        "file" => Has::File,
        "image" => Has::Image,
        "reaction" => Has::Reaction,
        "reply" => Has::Reply,
        _ => return None,
    })
}

/// The first moment of a day (UTC) or of a time, and the first one after it.
fn span(value: &str) -> Option<[Timestamp; 2]> {
    if let Ok(day) = Date::parse(value, format_description!("[year]-[month]-[day]")) {
        let moment = |day: Date| {
            let seconds = day.with_time(time!(0:00)).assume_utc().unix_timestamp();
            Timestamp::from_millis(seconds * 1000)
        };
        return Some([moment(day), moment(day.checked_add(Duration::DAY)?)]);
    }
    let moment: Timestamp = value.parse().ok()?;
    Some([moment, Timestamp::from_millis(moment.millis() + 1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(q: &str) -> Result<SearchQuery, ApiError> {
        let mut fields = Fields::default();
        let parameters = SearchParameters { q: Some(q.to_owned()), ..SearchParameters::default() };
        let understood = Understood::of(&parameters, &mut fields);
        fields.check().map(|()| understood.query)
    }

    fn moment(text: &str) -> Option<Timestamp> {
        text.parse().ok()
    }

    #[test]
    fn days_begin_and_end_in_utc() {
        let on = understood("on:2026-02-28").unwrap();
        assert_eq!(on.since, moment("2026-02-28T00:00:00Z"));
        assert_eq!(on.until, moment("2026-03-01T00:00:00Z"));
        let between = understood("after:2026-02-28 before:2026-03-02").unwrap();
        assert_eq!(between.since, moment("2026-03-01T00:00:00Z"));
        assert_eq!(between.until, moment("2026-03-02T00:00:00Z"));
        let times = understood("after:2026-02-28T12:00:00Z").unwrap();
        assert_eq!(times.since, moment("2026-02-28T12:00:00.001Z"));
    }

    #[test]
    fn the_narrowest_of_several_days_counts() {
        let query = understood("before:2026-03-02 before:2026-03-01 after:2026-01-01").unwrap();
        assert_eq!(query.until, moment("2026-03-01T00:00:00Z"));
    }

    #[test]
    fn values_that_mean_nothing_are_refused() {
        for q in ["has:everything", "before:soon", "on:2026-02-30", "after:9999-12-31"] {
            assert!(understood(q).is_err(), "{q}");
        }
    }

    #[test]
    fn queries_are_bounded() {
        assert!(understood(&"a".repeat(256)).is_ok());
        assert!(understood(&"a".repeat(257)).is_err());
        assert!(understood(&"a ".repeat(16)).is_ok());
        assert!(understood(&"a ".repeat(17)).is_err());
        assert!(understood(&format!("e{}", "\u{301}".repeat(10_000))).is_err());
    }
}
