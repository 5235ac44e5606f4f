//! The reference page, made from the same descriptions as `--help`.

use std::fmt::Write;

use super::setting::{About, Fallback};
use super::spec::Spec;

const INTRODUCTION: &str = "\
# Settings

This page is generated from the descriptions in the source; `make docs` writes it anew.

Each setting has one name. `HUBBUB_ACCESS_TOKEN_TTL` in the environment, `--access-token-ttl` on the
command line and `access_token_ttl` in the TOML file are the same setting. The first of these that
has a value wins:

1. the flag
2. the environment variable (an empty one counts as not set)
3. for secrets (marked 🔒), the file named by the variable with `_FILE` at its end, or by the flag
   with `-file` at its end
4. the TOML file named by `--config` or `HUBBUB_CONFIG`: one flat table; lists may be arrays
5. the default

All values are checked before anything starts, and everything that is wrong is reported at once.
Names that no setting has are refused. Both binaries may share one environment and one file.

Durations are a whole number and a unit: `250ms`, `15s`, `10m`, `24h`, `30d`. Sizes are bytes, or a
number and `KiB`, `MiB` or `GiB`. A secret given as a flag can be seen by other users of the
machine; prefer a file.
";

/// The Markdown page that describes every setting of `specs`.
#[must_use]
pub fn reference_page(specs: &[Spec]) -> String {
    let mut page = INTRODUCTION.to_owned();
    for spec in specs {
        // Writing to a String can't fail.
        let _ = write!(page, "\n## {}\n\n{}\n", spec.program(), spec.about());
        for section in spec.sections() {
            let _ = write!(
                page,
                "\n### {}: {}\n\n| variable | accepts | default | meaning |\n|---|---|---|---|\n",
                spec.program(),
                section.title
            );
            for about in &section.settings {
                page.push_str(&row(about));
            }
        }
    }
    page
}

fn row(about: &About) -> String {
    let mark = if about.is_secret() { " 🔒" } else { "" };
    let default = match about.fallback() {
        Fallback::Value(text) => format!("`{text}`"),
        Fallback::Computed(how) => how.to_owned(),
        Fallback::Unset => "not set".to_owned(),
    };
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    format!(
        "| `{}`{mark} | {} | {} | {} |\n",
        about.variable(),
        cell(&about.accepts()),
        cell(&default),
        cell(about.help())
    )
}
