//! The Rust client of Hubbub, and hubbub-chat, the terminal client.
//!
//! - [`sync`]: the state machine without I/O: order, gaps, resume, outbox

pub mod sync;
