//! The persistence worker: write-ahead log to store, stored notices, dead letters, reaper.

pub mod epoch;
