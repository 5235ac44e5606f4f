//! The worker against real buses and real stores, with faults put in between.

mod epochs;
mod faults;
mod pipeline;
mod reaper;
mod rig;
