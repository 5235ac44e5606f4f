//! Documents that are made from the source are as the source says. `make docs` writes them anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Set by `make docs`: write instead of compare.
const UPDATE: &str = "HUBBUB_TEST_UPDATE";

fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// Compares `expected` (name → text) with all files of `dir` that have the given ending.
fn assert_current(dir: &Path, ending: &str, expected: &BTreeMap<String, String>) {
    if std::env::var_os(UPDATE).is_some() {
        fs::create_dir_all(dir).expect("the documents' directory");
        for name in files(dir, ending).keys().filter(|name| !expected.contains_key(*name)) {
            fs::remove_file(dir.join(name)).expect("an outdated document is removed");
        }
        for (name, text) in expected {
            fs::write(dir.join(name), text).expect("a document is written");
        }
    }
    let actual = files(dir, ending);
    for name in expected.keys().chain(actual.keys()) {
        assert!(
            actual.get(name) == expected.get(name),
            "{} is stale: run `make docs` and commit what it writes",
            dir.join(name).display()
        );
    }
}

fn files(dir: &Path, ending: &str) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(dir) else { return BTreeMap::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(ending))
        .map(|name| {
            let text = fs::read_to_string(dir.join(&name)).expect("a document is text");
            (name, text)
        })
        .collect()
}

#[test]
fn the_settings_reference_is_current() {
    let name = "SETTINGS.md".to_owned();
    let expected = BTreeMap::from([(name, hubbub_gateway::settings::reference())]);
    assert_current(&documents(), "SETTINGS.md", &expected);
}

#[test]
fn the_list_of_metrics_is_current() {
    let name = "METRICS.md".to_owned();
    let expected = BTreeMap::from([(name, hubbub_gateway::metric::reference())]);
    assert_current(&documents(), "METRICS.md", &expected);
}

#[test]
fn the_schemas_of_the_wire_are_current() {
    let expected = hubbub_protocol::schema::all()
        .into_iter()
        .map(|(name, schema)| {
            let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
            (format!("{name}.json"), text + "\n")
        })
        .collect();
    assert_current(&documents().join("schemas"), ".json", &expected);
}

#[test]
fn the_descriptions_of_the_http_api_and_the_socket_are_current() {
    for (name, document) in [
        ("openapi.json", hubbub_gateway::http::openapi::document()),
        ("asyncapi.json", hubbub_gateway::documents::asyncapi::document()),
    ] {
        let text = serde_json::to_string_pretty(&document).expect("a document is JSON") + "\n";
        assert_current(&documents(), name, &BTreeMap::from([(name.to_owned(), text)]));
    }
}

#[test]
fn the_typescript_types_of_the_wire_are_current() {
    let name = "wire.ts".to_owned();
    let expected = BTreeMap::from([(name, hubbub_gateway::documents::typescript::module())]);
    assert_current(&documents().join("../web/src/wire/generated"), ".ts", &expected);
}
