//! How names are compared in searches: without case, without diacritics, word by word.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// Characters of a search key that are kept. Longer names are found by their first ones; longer
/// queries are cut likewise.
const KEY_CHARS: usize = 128;

/// Words of a display name by which it is found.
const WORDS_MAX: usize = 16;

/// The text without case and diacritics: NFKD, the marks dropped, lower case.
///
/// NUL is dropped as well, which a database's patterns can't hold.
///
/// Marks that make another letter rather than adorn one stay: nuktas, the voicing of kana and
/// viramas (combining classes 7 to 9).
#[must_use]
pub fn fold(text: &str) -> String {
    text.nfkd().flat_map(letters).collect()
}

/// One character as [`fold`] compares it: none, one, or several.
pub(crate) fn fold_char(c: char) -> impl Iterator<Item = char> {
    c.nfkd().flat_map(letters)
}

/// What is left of a decomposed character.
fn letters(c: char) -> impl Iterator<Item = char> {
    let kept = c != '\0' && matches!(canonical_combining_class(c), 0 | 7..=9);
    kept.then(|| c.to_lowercase()).into_iter().flatten().flat_map(|c| {
        // What neither NFKD nor lower case makes alike, and people type either way.
        let (first, second) = match c {
            'ß' => ('s', Some('s')),
            'ς' => ('σ', None),
            'ı' => ('i', None),
            'ø' => ('o', None),
            'ł' => ('l', None),
            'đ' => ('d', None),
            'æ' => ('a', Some('e')),
            'œ' => ('o', Some('e')),
            other => (other, None),
        };
        [Some(first), second].into_iter().flatten()
    })
}

/// What a search for a person compares keys with.
pub(crate) fn query(text: &str) -> String {
    fold(text.trim()).chars().take(KEY_CHARS).collect()
}

/// The keys that start with a query lie from its first bound on, and before the second: the query
/// with the last character there is.
pub(crate) fn key_range(query: String) -> (String, String) {
    let end = format!("{query}{}", char::MAX);
    (query, end)
}

/// The keys a person is found under: a search matches when one of them starts with the query.
///
/// The user name, and the display name from each of its words on, so that both "van" and
/// "van der" find "Jan van der Berg".
pub(crate) fn user_keys(username: &str, display_name: &str) -> Vec<String> {
    let name = fold(display_name.trim());
    let mut inside_word = false;
    let starts = name.char_indices().filter_map(|(at, c)| {
        let begins = c.is_alphanumeric() && !inside_word;
        inside_word = c.is_alphanumeric();
        begins.then_some(at)
    });
    let mut keys = vec![query(username), query(&name)];
    keys.extend(starts.take(WORDS_MAX).map(|at| query(&name[at..])));
    keys.retain(|key| !key.is_empty());
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_diacritics_do_not_count() {
        for (a, b) in [
            ("Zoë", "zoe"),
            ("ÅNGSTRÖM", "angstrom"),
            ("straße", "STRASSE"),
            ("İstanbul", "ISTANBUL"),
            ("ışık", "IŞIK"),
            ("ﬁne", "FINE"),
            ("ΟΔΟΣ", "οδος"),
            ("Łódź", "lodz"),
        ] {
            assert_eq!(fold(a), fold(b));
        }
    }

    #[test]
    fn marks_that_make_another_letter_count() {
        assert_ne!(fold("か"), fold("が"));
        assert_ne!(fold("कि"), fold("कु"));
    }

    #[test]
    fn a_person_is_found_by_user_name_and_from_each_word_of_the_name() {
        let keys = user_keys("jvdb", "Jan van-der  Bérg");
        assert_eq!(keys, ["berg", "der  berg", "jan van-der  berg", "jvdb", "van-der  berg"]);
    }

    #[test]
    fn keys_are_bounded_in_number_and_length() {
        let keys = user_keys("u", &"long ".repeat(10_000));
        assert!(keys.len() <= WORDS_MAX + 2);
        assert!(keys.iter().all(|key| key.chars().count() <= KEY_CHARS));
    }
}
