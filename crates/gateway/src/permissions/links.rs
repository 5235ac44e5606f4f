//! Whether a text has a link.

/// How links start that count wherever they stand.
const SCHEMES: &[&str] = &["https://", "http://", "mailto:"];

/// Whether a text has what clients show as a link: `https:`, `http:` or `mailto:` with something
/// after it, or a bare `www.` name at the start of a word. Names like `example.org` are no links.
#[must_use]
pub fn has_link(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let schemes = SCHEMES.iter().any(|scheme| {
        text.match_indices(scheme).any(|(at, _)| {
            text[at + scheme.len()..].starts_with(|c: char| !c.is_whitespace() && !c.is_control())
        })
    });
    schemes
        || text.match_indices("www.").any(|(at, _)| {
            let inside_word = text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '.');
            !inside_word && text[at + 4..].starts_with(char::is_alphanumeric)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_wherever_they_stand() {
        for text in [
            "https://example.org",
            "see HTTPS://EXAMPLE.ORG/x",
            "(http://a)",
            "[a](https://b)",
            "mailto:somebody@example.org",
            "www.example.org",
            "look: WWW.example.org",
            "文https://例え.jp",
        ] {
            assert!(has_link(text), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in
            ["", "https://", "http:// x", "mailto: me", "www.", "awww.cute", "example.org", "http"]
        {
            assert!(!has_link(text), "{text}");
        }
    }
}
