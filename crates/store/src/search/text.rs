//! Text as searches compare it: folded, with the place of each character in the original.

use crate::fold::fold_char;

/// Terms shorter than this are looked for where words begin; longer ones everywhere.
pub(super) const GRAM: usize = 3;

/// A folded text. White space of any kind and length is one space in it.
#[derive(Debug)]
pub(super) struct Folded {
    chars: Vec<char>,
    /// Where the character's source begins and ends in the original, in UTF-16 code units.
    sources: Vec<[u32; 2]>,
}

impl Folded {
    pub(super) fn of(text: &str) -> Self {
        let mut folded = Self { chars: Vec::new(), sources: Vec::new() };
        let mut start = 0;
        for c in text.chars() {
            let end = start + u32::from(c.len_utf16() == 2) + 1;
            let before = folded.chars.len();
            if !is_ignorable(c) {
                for letter in fold_char(c) {
                    folded.push(letter, [start, end]);
                }
            }
            if folded.chars.len() == before
                && let Some(source) = folded.sources.last_mut()
            {
                // A mark, or one more space, belongs to what it follows.
                source[1] = end;
            }
            start = end;
        }
        folded
    }

    fn push(&mut self, c: char, source: [u32; 2]) {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c != ' ' || self.chars.last() != Some(&' ') {
            self.chars.push(c);
            self.sources.push(source);
        }
    }

    pub(super) fn chars(&self) -> &[char] {
        &self.chars
    }

    /// Whether a short term may be found at `at`.
    pub(super) fn begins(&self, at: usize) -> bool {
        let Some(&c) = self.chars.get(at) else { return false };
        let before = at.checked_sub(1).map(|before| self.chars[before]);
        is_alone(c) || before.is_none_or(is_alone)
    }
}

/// A word, a part of one, or a phrase that is looked for.
#[derive(Debug)]
pub(super) struct Term(Vec<char>);

impl Term {
    /// None of what folds to nothing.
    pub(super) fn new(text: &str) -> Option<Self> {
        let mut chars = Folded::of(text.trim()).chars;
        // What was there beside a mark alone.
        while chars.last() == Some(&' ') {
            chars.pop();
        }
        let start = usize::from(chars.first() == Some(&' '));
        let chars = chars.split_off(start.min(chars.len()));
        (!chars.is_empty()).then_some(Self(chars))
    }

    pub(super) fn chars(&self) -> &[char] {
        &self.0
    }

    /// Where it is in a text: indexes of folded characters.
    pub(super) fn places<'a>(&'a self, text: &'a Folded) -> impl Iterator<Item = usize> + 'a {
        let short = self.0.len() < GRAM;
        text.chars
            .windows(self.0.len())
            .enumerate()
            .filter(move |(at, window)| *window == self.0 && (!short || text.begins(*at)))
            .map(|(at, _)| at)
    }

    /// The part of the original that it matches at a place, in UTF-16 code units.
    pub(super) fn range(&self, text: &Folded, at: usize) -> [u32; 2] {
        [text.sources[at][0], text.sources[at + self.0.len() - 1][1]]
    }
}

/// Characters that change how others are shown and are no part of a word.
const fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{640}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Whether a character is a word of its own for short terms: it is no letter or digit, or of a
/// script that is written without spaces.
fn is_alone(c: char) -> bool {
    !c.is_alphanumeric()
        || matches!(c,
            // Thai, Lao, Tibetan, Burmese; letters of Hangul syllables; Khmer
            '\u{e00}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
            // Radicals, kana, bopomofo, ideographs
            | '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(term: &str, text: &str) -> Vec<[u32; 2]> {
        let (term, text) = (Term::new(term).unwrap(), Folded::of(text));
        term.places(&text).map(|at| term.range(&text, at)).collect()
    }

    #[test]
    fn parts_of_words_are_found_without_case_and_diacritics() {
        assert_eq!(found("RESUM", "my résumé"), [[3, 8]]);
        assert_eq!(found("ploy", "Deployment"), [[2, 6]]);
        assert_eq!(found("the cat", "see the\n\n  CAT"), [[4, 14]]);
    }

    #[test]
    fn ranges_are_of_the_original_where_folding_changes_lengths() {
        assert_eq!(found("strasse", "die Straße"), [[4, 10]]);
        assert_eq!(found("STRAẞE", "😀 strasse"), [[3, 10]]);
        assert_eq!(found("cafe", "cafe\u{301}!"), [[0, 5]]);
        assert_eq!(found("fin", "ﬁn"), [[0, 2]]);
    }

    #[test]
    fn short_terms_are_found_where_words_begin() {
        assert_eq!(found("re", "are (re)read Re"), [[5, 7], [8, 10], [13, 15]]);
        assert_eq!(found("a", "banana a"), [[7, 8]]);
    }

    #[test]
    fn scripts_without_spaces_and_emoji_are_found_anywhere() {
        assert_eq!(found("京", "東京都"), [[1, 2]]);
        assert_eq!(found("京都", "東京都"), [[1, 3]]);
        assert_eq!(found("か", "しかし"), [[1, 2]]);
        assert_eq!(found("🎉", "done🎉🎉"), [[4, 6], [6, 8]]);
        assert_eq!(found("❤", "a❤️b"), [[1, 3]]);
    }

    #[test]
    fn marks_of_direction_and_vowels_do_not_hide_a_word() {
        assert_eq!(found("שלום", "\u{200f}שָׁלוֹם"), [[1, 8]]);
        assert_eq!(found("مرحبا", "مَرْحَبًا"), [[0, 9]]);
    }

    #[test]
    fn a_term_of_marks_alone_is_none() {
        assert!(Term::new("\u{301}").is_none());
        assert!(Term::new(" \u{200d} ").is_none());
    }
}
