//! Settings: described once, read from five sources, checked all together.
//!
//! A binary declares each setting as a `const` [`Setting`] and lists them in a [`Spec`]. From that
//! come the flags and `--help` ([`Spec::command`]), the reference page ([`reference_page`]) and the
//! values ([`Reader`]). The first source that has a value wins:
//!
//! 1. the flag, `--signing-keys`
//! 2. the environment, `HUBBUB_SIGNING_KEYS`
//! 3. for secrets, the file named by `--signing-keys-file` or `HUBBUB_SIGNING_KEYS_FILE`
//! 4. the TOML file named by `--config` or `HUBBUB_CONFIG`, key `signing_keys`
//! 5. the default
//!
//! Nothing stops at the first mistake: a [`Reader`] collects every [`Problem`] and reports them in
//! one go. A variable or key that nobody knows is a problem too, since a misspelt setting that is
//! silently ignored is worse than one that is refused.
//!
//! - [`setting`]: what a setting is
//! - [`spec`]: all settings of a binary, and its command line
//! - [`environment`]: the process as seen from here, replaced in tests
//! - [`reader`]: sources → values
//! - [`value`]: how durations, sizes and the rest are written
//! - [`problem`]: what is wrong and how to fix it
//! - [`secret`]: text that is never shown
//! - [`mod@reference`]: the reference page

pub mod environment;
pub mod problem;
pub mod reader;
pub mod reference;
pub mod secret;
pub mod setting;
pub mod spec;
pub mod value;

mod toml_file;

pub use environment::{Environment, FixedEnvironment, ProcessEnvironment};
pub use problem::{LoadError, Problem, Problems};
pub use reader::Reader;
pub use reference::reference_page;
pub use secret::Secret;
pub use setting::{Fallback, Setting};
pub use spec::Spec;
