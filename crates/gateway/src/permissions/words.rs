//! Words that are not allowed.

use aho_corasick::{AhoCorasick, MatchKind};
use hubbub_store::fold::fold;

/// A list of words, ready to be looked for.
///
/// Compared without case and diacritics. Where words are written with something between them, only
/// a whole word counts; where they are not (Chinese, Japanese, Thai, …), any place does.
#[derive(Debug)]
pub struct Words(Option<AhoCorasick>);

impl Words {
    /// The list of these words; empty ones are passed over.
    #[must_use]
    pub fn new(words: &[String]) -> Self {
        let folded: Vec<_> =
            words.iter().map(|word| fold(word.trim())).filter(|word| !word.is_empty()).collect();
        if folded.is_empty() {
            return Self(None);
        }
        let list = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&folded);
        if let Err(error) = &list {
            tracing::error!(%error, words = folded.len(), "a list of refused words can't be used");
        }
        Self(list.ok())
    }

    /// Whether a text has one of the words.
    #[must_use]
    pub fn refuse(&self, text: &str) -> bool {
        let Some(list) = &self.0 else { return false };
        let text = fold(text);
        list.find_overlapping_iter(&text).any(|found| is_whole(&text, found.start(), found.end()))
    }
}

/// Whether what stands from `start` to `end` is not part of a longer word.
fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let (before, word, after) = (&text[..start], &text[start..end], &text[end..]);
    let apart = |inner: Option<char>, outer: Option<char>| match (inner, outer) {
        (Some(inner), Some(outer)) => {
            !outer.is_alphanumeric()
                || !inner.is_alphanumeric()
                || is_unspaced(inner)
                || is_unspaced(outer)
        }
        _ => true,
    };
    apart(word.chars().next(), before.chars().next_back())
        && apart(word.chars().next_back(), after.chars().next())
        && !after.starts_with(is_inside_syllable)
}

/// Letters of scripts that put nothing between words.
const fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}'       // Thai, Lao
        | '\u{1000}'..='\u{109F}'     // Myanmar
        | '\u{1100}'..='\u{11FF}'     // Hangul, taken apart by folding
        | '\u{1780}'..='\u{17FF}'     // Khmer
        | '\u{3040}'..='\u{30FF}'     // kana
        | '\u{3400}'..='\u{4DBF}'     // Han
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7AF}'
        | '\u{20000}'..='\u{323AF}')
}

/// Vowels and final consonants of a Hangul syllable that began before, and marks.
const fn is_inside_syllable(c: char) -> bool {
    matches!(c, '\u{1160}'..='\u{11FF}' | '\u{3099}' | '\u{309A}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(word: &str, text: &str) -> bool {
        Words::new(&[word.to_owned()]).refuse(text)
    }

    #[test]
    fn whole_words_are_found_without_case_or_diacritics() {
        for text in ["darn", "oh DARN!", "dárn it", "(darn)", "a-darn-b", "ｄａｒｎ"] {
            assert!(refuses("Darn", text), "{text}");
        }
        for text in ["darning", "xdarn", "darn1", "d arn", ""] {
            assert!(!refuses("darn", text), "{text}");
        }
    }

    #[test]
    fn scripts_without_spaces_are_searched_anywhere() {
        assert!(refuses("馬鹿", "この馬鹿者"));
        assert!(refuses("バカ", "おバカさん"));
        assert!(refuses("바보", "이바보야"));
        assert!(!refuses("가", "각"), "a part of a syllable is not a word");
    }

    #[test]
    fn a_word_inside_a_longer_match_is_found_as_well() {
        let words = Words::new(&["ab cd".to_owned(), "cd".to_owned()]);
        assert!(words.refuse("xab cd"));
        assert!(!words.refuse("ab cde"));
    }

    #[test]
    fn a_list_of_nothing_refuses_nothing() {
        assert!(!Words::new(&[]).refuse("anything"));
        assert!(!Words::new(&[" ".to_owned()]).refuse("any thing"));
    }
}
