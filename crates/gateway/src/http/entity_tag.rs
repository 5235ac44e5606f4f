//! Entity tags: what a client has already is not sent again (RFC 9110, section 13.1.2).

use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;

/// Whether the client says that it has what `tag` names. Weak tags count as well, and `*`.
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|held| held == "*" || held.strip_prefix("W/").unwrap_or(held) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knows(sent: &[&str]) -> bool {
        let sent = sent.iter().map(|value| (IF_NONE_MATCH, value.parse().unwrap()));
        is_known(&sent.collect(), "\"a\"")
    }

    #[test]
    fn a_tag_is_found_in_any_list() {
        assert!(knows(&["\"a\""]));
        assert!(knows(&["\"b\", W/\"a\""]));
        assert!(knows(&["\"b\"", "\"a\""]));
        assert!(knows(&["*"]));
        assert!(!knows(&[]));
        assert!(!knows(&["\"b\", a, \"A\""]));
    }
}
