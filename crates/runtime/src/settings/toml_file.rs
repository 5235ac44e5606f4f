//! The TOML file as a source: one flat table, each key a setting.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::environment::Environment;
use super::problem::Problem;

/// Reads the file into name → value as text. Of a file that can't be read or parsed the problem is
/// told, and nothing of it used.
pub(super) fn read(
    path: &Path,
    environment: &dyn Environment,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, String> {
    let subject = || format!("{}", path.display());
    let text = match environment.read(path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(Problem::new(
                subject(),
                format!("can't read the settings file ({error}); check --config or HUBBUB_CONFIG"),
            ));
            return BTreeMap::new();
        }
    };
    let table = match text.parse::<Table>() {
        Ok(table) => table,
        Err(error) => {
            // The error's own display quotes the line, which may hold a secret.
            let start = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
            problems
                .push(Problem::new(format!("{}:{line}", path.display()), error.message().trim()));
            return BTreeMap::new();
        }
    };
    let mut values = BTreeMap::new();
    for (key, value) in table {
        match as_text(&value) {
            Some(text) => {
                values.insert(key, text);
            }
            None => problems.push(Problem::new(
                subject(),
                format!(
                    "{key}: write a text, a number or an array of texts, not a {}",
                    value.type_str()
                ),
            )),
        }
    }
    values
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Array(entries) => {
            let entries: Option<Vec<String>> =
                entries.iter().map(|entry| entry.as_str().map(str::to_owned)).collect();
            Some(entries?.join(","))
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}
