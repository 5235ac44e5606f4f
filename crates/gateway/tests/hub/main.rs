//! The hub over a bus that loses, doubles, delays and reorders what it delivers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blocks;
mod client;
mod epoch;
mod faulty;
mod order;
mod world;
