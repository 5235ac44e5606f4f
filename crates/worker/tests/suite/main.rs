//! The worker against real buses and real stores, with faults put in between.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod away;
mod cluster;
mod epochs;
mod faults;
mod operator;
mod pipeline;
mod process;
mod reaper;
mod rig;
mod search;
