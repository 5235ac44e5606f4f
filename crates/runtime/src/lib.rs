//! What every Hubbub process needs, whatever it does.
//!
//! - [`settings`]: one description per setting; flags, environment, secret files, TOML, `--help`
//!   and the reference page all come from it
//! - [`lifecycle`]: the soft stop, the hard stop, and the tasks that must end in between
//! - [`telemetry`]: logs and metrics, each installed once per process
//! - [`metric`]: one description per metric; what is exported and the reference page come from it
//! - [`health`]: readiness checks with reasons, liveness, and their routes
//! - [`healthcheck`]: asking a process from outside whether it is alive
//! - [`admin`]: the listener for operators: health and metrics

pub mod admin;
pub mod health;
pub mod healthcheck;
pub mod lifecycle;
pub mod metric;
pub mod settings;
pub mod telemetry;

pub use health::Health;
pub use lifecycle::Lifecycle;
pub use telemetry::Metrics;
