//! The vectors that hold for every client.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use hubbub_protocol::markdown::{Calls, calls, links, plain_text};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    about: String,
    input: String,
    plain: String,
    names: Vec<String>,
    everybody: bool,
    #[serde(default)]
    links: Vec<String>,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("markdown.json")).unwrap()
}

#[test]
fn every_vector_has_its_plain_text() {
    for Vector { about, input, plain, .. } in vectors() {
        assert_eq!(plain_text(&input), plain, "{about}");
    }
}

#[test]
fn every_vector_calls_whom_it_calls() {
    for Vector { about, input, names, everybody, .. } in vectors() {
        assert_eq!(calls(&input), Calls { names, everybody }, "{about}");
    }
}

#[test]
fn every_vector_leads_where_it_leads() {
    for Vector { about, input, links: expected, .. } in vectors() {
        assert_eq!(links(&input), expected, "{about}");
    }
}

proptest! {
    #[test]
    fn any_text_can_be_read(text in "[@|`*_~<>\\[\\]()#\\-+0-9. a-z\n\\PC]{0,200}") {
        let plain = plain_text(&text);
        prop_assert!(plain.len() <= 4 * text.len() + 16, "{}", plain.len());
        let _ = calls(&text);
    }

    #[test]
    fn links_are_read_out_of_any_text(text in "([@|`*_~<>\\[\\]()&;.,\\-+ a\n]|https?://|www\\.|\\PC){0,80}") {
        for link in links(&text) {
            prop_assert!(link.starts_with("http"), "{link}");
        }
    }
}
