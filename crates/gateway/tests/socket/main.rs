//! A standalone gateway on a real port, and what clients may send it wrongly.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod bucket;
mod connection;
mod frames;
mod handshake;
mod hello;
mod marks;
mod messages;
mod node;
mod operator;
mod presence;
mod tokens;
mod typing;
mod web_client;
mod writing;
