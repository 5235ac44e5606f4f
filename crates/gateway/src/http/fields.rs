//! Bounds of what clients send in bodies and query strings.

use std::ops::RangeInclusive;

use hubbub_protocol::http::FieldError;
use hubbub_protocol::limits::{
    BIO_GRAPHEMES, DISPLAY_NAME_GRAPHEMES, PASSWORD_LENGTH, REASON_GRAPHEMES,
    ROOM_DESCRIPTION_GRAPHEMES, ROOM_NAME_GRAPHEMES, ROOM_TOPIC_GRAPHEMES, STATUS_TEXT_GRAPHEMES,
    USERNAME_LENGTH, graphemes_within,
};

use super::problem::{ApiError, ApiResult};

/// Longest email address (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const EMAIL_MAX: usize = 254;
/// Most bytes for each grapheme that is allowed: emoji with modifiers pass, towers of accents
/// do not.
const BYTES_PER_GRAPHEME: usize = 32;
/// Words that a room refuses.
const REFUSED_WORDS_MAX: usize = 200;
/// A word that a room refuses, in graphemes.
const REFUSED_WORD_GRAPHEMES: RangeInclusive<usize> = 1..=50;
/// Longest search text, in graphemes.
const SEARCH_GRAPHEMES: RangeInclusive<usize> = 0..=100;

/// Collects what is wrong, so that one answer names all of it.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<FieldError>);

impl Fields {
    pub(super) fn refuse(&mut self, field: &str, message: &str) {
        self.0.push(FieldError { field: field.to_owned(), message: message.to_owned() });
    }

    /// The folded user name.
    pub(super) fn username(&mut self, text: &str) -> String {
        username(text).unwrap_or_else(|| {
            self.refuse("username", "3 to 32 of a-z, 0-9, `_`, `-`, `.`");
            String::new()
        })
    }

    pub(super) fn password(&mut self, text: &str) {
        if !PASSWORD_LENGTH.contains(&text.len()) {
            self.refuse("password", "8 to 256 bytes");
        }
    }

    pub(super) fn display_name(&mut self, text: &str) -> String {
        self.line("display_name", text, &DISPLAY_NAME_GRAPHEMES, "1 to 64 characters, in one line")
    }

    pub(super) fn email(&mut self, text: &str) -> String {
        let text = text.trim();
        if !is_email(text) {
            self.refuse("email", "an address like name@host.example");
        }
        text.to_owned()
    }

    pub(super) fn room_name(&mut self, text: &str) -> String {
        self.line("name", text, &ROOM_NAME_GRAPHEMES, "1 to 80 characters, in one line")
    }

    pub(super) fn room_description(&mut self, text: &str) -> String {
        self.lines("description", text, &ROOM_DESCRIPTION_GRAPHEMES, "up to 500 characters")
    }

    pub(super) fn bio(&mut self, text: &str) -> String {
        self.lines("bio", text, &BIO_GRAPHEMES, "up to 500 characters")
    }

    pub(super) fn status_text(&mut self, text: &str) -> String {
        let message = "up to 80 characters, in one line";
        self.line("status_text", text, &STATUS_TEXT_GRAPHEMES, message)
    }

    /// Why something was done to somebody; nothing counts as no reason.
    pub(super) fn optional_reason(&mut self, text: Option<String>) -> Option<String> {
        text.map(|text| self.reason(&text)).filter(|reason| !reason.is_empty())
    }

    pub(super) fn reason(&mut self, text: &str) -> String {
        self.line("reason", text, &REASON_GRAPHEMES, "up to 200 characters, in one line")
    }

    pub(super) fn room_topic(&mut self, text: &str) -> String {
        self.line("topic", text, &ROOM_TOPIC_GRAPHEMES, "up to 250 characters, in one line")
    }

    /// Each word once, as it was written first.
    pub(super) fn refused_words(&mut self, words: Vec<String>) -> Vec<String> {
        if words.len() > REFUSED_WORDS_MAX {
            self.refuse("refused_words", "up to 200 words");
            return Vec::new();
        }
        let mut list: Vec<String> = Vec::new();
        for word in words {
            let word = self.line(
                "refused_words",
                &word,
                &REFUSED_WORD_GRAPHEMES,
                "each 1 to 50 characters, in one line",
            );
            if !list.contains(&word) {
                list.push(word);
            }
        }
        list
    }

    pub(super) fn search(&mut self, text: &str) -> String {
        let text = text.trim();
        if !is_within(text, &SEARCH_GRAPHEMES) {
            self.refuse("q", "up to 100 characters");
        }
        text.to_owned()
    }

    /// How many rows to answer with.
    pub(super) fn limit(&mut self, asked: Option<u32>, default: u32, most: u32) -> usize {
        let limit = asked.unwrap_or(default);
        if !(1..=most).contains(&limit) {
            self.refuse("limit", &format!("1 to {most}"));
        }
        // Capped as well, so that what is refused only later can't allocate.
        limit.min(most) as usize
    }

    fn line(
        &mut self,
        field: &str,
        text: &str,
        graphemes: &RangeInclusive<usize>,
        message: &str,
    ) -> String {
        let text = text.trim();
        if text.chars().any(char::is_control) || !is_within(text, graphemes) {
            self.refuse(field, message);
        }
        text.to_owned()
    }

    fn lines(
        &mut self,
        field: &str,
        text: &str,
        graphemes: &RangeInclusive<usize>,
        message: &str,
    ) -> String {
        let text = text.trim();
        let has_control = text.chars().any(|c| c.is_control() && c != '\n');
        if has_control || !is_within(text, graphemes) {
            self.refuse(field, message);
        }
        text.to_owned()
    }

    /// # Errors
    /// [`hubbub_protocol::ErrorCode::InvalidField`], if anything was refused.
    pub(super) fn check(self) -> ApiResult<()> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::fields(self.0)) }
    }
}

/// A user name folded to lower case, if it can be one.
pub(crate) fn username(text: &str) -> Option<String> {
    let valid = USERNAME_LENGTH.contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    valid.then(|| text.to_ascii_lowercase())
}

/// A room's name, tidied, if it can be one.
pub(crate) fn room_name(text: &str) -> Option<String> {
    let mut fields = Fields::default();
    let name = fields.room_name(text);
    fields.check().ok().map(|()| name)
}

fn is_within(text: &str, graphemes: &RangeInclusive<usize>) -> bool {
    text.len() <= graphemes.end() * BYTES_PER_GRAPHEME && graphemes_within(text, graphemes)
}

/// The shape only; whether it arrives is not tried.
fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    text.len() <= EMAIL_MAX
        && !name.is_empty()
        && !name.contains('@')
        && host.contains('.')
        && host.split('.').all(|label| !label.is_empty())
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(check: impl FnOnce(&mut Fields)) -> bool {
        let mut fields = Fields::default();
        check(&mut fields);
        fields.check().is_err()
    }

    #[test]
    fn user_names_are_folded_and_bounded() {
        assert_eq!(username("Ada_Lovelace-1.0").as_deref(), Some("ada_lovelace-1.0"));
        for text in ["ab", "a b", "ада", "a@b", "", &"a".repeat(33)] {
            assert_eq!(username(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_counted_in_graphemes_and_bounded_in_bytes() {
        assert!(!refused(|f| drop(f.display_name(&"👩‍👩‍👧‍👦".repeat(64)))));
        assert!(refused(|f| drop(f.display_name(&"a".repeat(65)))));
        assert!(refused(|f| drop(f.display_name("  "))));
        assert!(refused(|f| drop(f.display_name("two\nlines"))));
        let tower = format!("e{}", "\u{301}".repeat(10_000));
        assert!(refused(|f| drop(f.room_name(&tower))));
        assert_eq!(Fields::default().room_name("  Tea  "), "Tea");
    }

    #[test]
    fn a_description_may_have_lines_but_no_other_control_characters() {
        assert!(!refused(|f| drop(f.room_description("one\ntwo"))));
        assert!(!refused(|f| drop(f.room_description(""))));
        assert!(refused(|f| drop(f.room_description("a\u{7}b"))));
        assert!(refused(|f| drop(f.room_description(&"a".repeat(501)))));
    }

    #[test]
    fn email_addresses_are_judged_by_their_shape() {
        for text in ["a@b.example", "first.last+tag@mail.b.example"] {
            assert!(is_email(text), "{text}");
        }
        let long = format!("{}@b.example", "a".repeat(250));
        for text in ["", "a", "a@b", "@b.example", "a@b.", "a@@b.example", "a b@c.example", &long] {
            assert!(!is_email(text), "{text}");
        }
    }

    #[test]
    fn every_wrong_field_is_named_in_one_answer() {
        let mut fields = Fields::default();
        fields.username("x");
        fields.password("short");
        fields.limit(Some(0), 50, 200);
        let named: Vec<_> = fields.0.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(named, ["username", "password", "limit"]);
    }
}
