//! Load on running processes, and what it costs them. The program is `hubbub-load`.
//!
//! Machines differ and are shared, so what counts is the CPU time of the process under test for
//! each unit of work, and ratios within one run. Times by the clock are a hint, except latencies.
//!
//! - [`usage`]: CPU time and memory of a process
//! - [`socket`]: a WebSocket client that costs next to nothing
//! - [`cluster`]: a cluster under test, and accounts and rooms made straight in its store
//! - [`percentile`]: what share of samples is how large
//! - [`idle`], [`fanout`], [`bare`], [`latency`], [`stored`], [`commit`], [`presence`]: the
//!   scenarios; each returns its figures

pub mod bare;
pub mod cluster;
pub mod commit;
pub mod fanout;
pub mod idle;
pub mod latency;
pub mod percentile;
pub mod presence;
pub mod socket;
pub mod stored;
pub mod usage;

/// Why a scenario came to no result.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A text of this many bytes.
#[must_use]
pub fn text(bytes: usize) -> String {
    "hubbub ".chars().cycle().take(bytes).collect()
}

/// A number for a quotient. Counts of a run are far below 2^52, so nothing is lost.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^52")]
#[must_use]
pub const fn number(count: u64) -> f64 {
    count as f64
}
