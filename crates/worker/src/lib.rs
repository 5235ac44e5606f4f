//! The persistence worker: write-ahead log to store, stored notices, dead letters, reaper.
//!
//! Used by two: the binary `hubbub-worker` of a cluster, and the standalone gateway, which runs the
//! same pipeline in its own process.
//!
//! - [`pipeline`]: from the write-ahead log to the store, and back as stored notices
//! - [`epoch`]: new epochs, for rooms whose counters on the bus can't be trusted
//! - [`reaper`]: clears the connections of dead nodes
//! - [`backlog`]: how full the write-ahead log is, as gauges
//! - [`metric`]: the names of what is counted and measured
//! - [`settings`]: how a worker is configured, and what it shares with the gateway there

pub mod backlog;
mod backoff;
pub mod epoch;
pub mod metric;
pub mod pipeline;
pub mod reaper;
pub mod settings;

pub use pipeline::{Pipeline, PipelineOptions};
pub use reaper::Reaper;
pub use settings::Settings;
