//! Texts of other people's pages, made fit to stand in ours.

use unicode_segmentation::UnicodeSegmentation;

/// What stands for the rest.
const MORE: char = '…';

/// One line without anything that hides, reorders or controls, of at most `most` characters. `None`
/// if nothing is left.
pub(super) fn tidy(text: &str, most: usize) -> Option<String> {
    let visible: String = text.chars().map(|c| if is_space(c) { ' ' } else { c }).collect();
    let visible: String = visible.chars().filter(|c| !is_unseen(*c)).collect();
    let words: Vec<&str> = visible.split(' ').filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.is_empty() { None } else { Some(cut(line, most)) }
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\0'
}

/// Controls, marks that turn the direction of what follows, and characters without a width. Those
/// that join letters and emoji are none of these.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// Ends between two characters as a person sees them.
fn cut(line: String, most: usize) -> String {
    if line.chars().nth(most).is_none() {
        return line;
    }
    let mut count = 0;
    let kept = line.graphemes(true).take_while(|grapheme| {
        count += grapheme.chars().count();
        count < most
    });
    let mut kept: String = kept.collect();
    kept.truncate(kept.trim_end().len());
    kept.push(MORE);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_one_line() {
        assert_eq!(tidy(" a\n\t b\u{a0}c\0d ", 20).as_deref(), Some("a b c d"));
        assert_eq!(tidy(" \n\u{200b}\u{202e} ", 20), None);
    }

    #[test]
    fn what_hides_or_reorders_is_gone_and_what_joins_stays() {
        assert_eq!(tidy("a\u{202e}b\u{2066}c\u{200f}\u{7}", 20).as_deref(), Some("abc"));
        assert_eq!(tidy("👩‍👧 می‌خواهم", 20).as_deref(), Some("👩‍👧 می‌خواهم"));
    }

    #[test]
    fn a_long_text_ends_between_two_characters() {
        assert_eq!(tidy("abcdef", 6).as_deref(), Some("abcdef"));
        assert_eq!(tidy("abcdefg", 6).as_deref(), Some("abcde…"));
        assert_eq!(tidy("abc 👩‍👧‍👦 and", 6).as_deref(), Some("abc…"));
        let zalgo = format!("a{}", "\u{301}".repeat(5_000));
        assert_eq!(tidy(&zalgo, 200).as_deref(), Some("…"));
    }
}
