//! The persistence worker: write-ahead log to store, stored notices, dead letters, reaper.
//!
//! Used by two: the binary `hubbub-worker` of a cluster, and the standalone gateway, which runs the
//! same pipeline in its own process.
//!
//! - [`pipeline`]: from the write-ahead log to the store, and back as stored notices
//! - [`mod@connect`]: reaching Redis and MongoDB, and refusing what would lose messages
//! - [`epoch`]: new epochs, for rooms whose counters on the bus can't be trusted
//! - [`reaper`]: clears the connections of dead nodes
//! - [`search_indexer`]: keeps the search index level with the logs
//! - [`destruction`]: removes what destroyed rooms have left
//! - [`collector`]: removes files that nobody can get any more
//! - [`backlog`]: how full the write-ahead log is, as gauges
//! - [`away`]: inboxes of people who are away, and the hook for those who send notifications
//! - [`metric`]: the names of what is counted and measured
//!
//! The process around them:
//!
//! - [`settings`]: what can be set
//! - [`worker`]: start, run, stop
//! - [`readiness`]: whether it does its work
//! - [`cli`], [`operator`]: the command line, and what it answers to operators

pub mod away;
pub mod backlog;
mod backoff;
pub mod cli;
pub mod collector;
pub mod connect;
pub mod destruction;
pub mod epoch;
pub mod metric;
pub mod operator;
pub mod pipeline;
pub mod readiness;
pub mod reaper;
pub mod search_indexer;
pub mod settings;
pub mod worker;

pub use away::{Away, Sink, SinkError};
pub use collector::Collector;
pub use connect::{ConnectError, Connected, connect, open_blobs};
pub use destruction::{Remover, RemoverOptions};
pub use pipeline::{Pipeline, PipelineOptions};
pub use reaper::Reaper;
pub use search_indexer::SearchIndexer;
pub use settings::Settings;
pub use worker::{StartError, Worker};
