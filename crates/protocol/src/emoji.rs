//! What may be a reaction.

/// Whether `text` is one emoji and nothing else: sequences that are joined to one picture (people
/// with a skin tone, families, flags) count as one.
#[must_use]
pub fn is_emoji(text: &str) -> bool {
    // Digits and letters are no emoji by themselves, though some are the beginning of one.
    emojis::get(text).is_some_and(|emoji| !emoji.as_str().is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emoji_is_one_however_it_is_joined() {
        for emoji in ["👍", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "❤️", "❤", "👩🏿‍🚀", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🫠"]
        {
            assert!(is_emoji(emoji), "{emoji}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "", " ", "a", "1", "#", "👍👍", "👍 ", " 👍", ":+1:", "é", "👍a", "\u{fe0f}",
            "\u{200d}",
        ] {
            assert!(!is_emoji(text), "{text:?}");
        }
    }
}
