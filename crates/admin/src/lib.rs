//! `hubbub-admin`: what an operator asks of a cluster.
//!
//! It reaches Redis and MongoDB by the same settings as a worker, and nodes over the bus: whoever may
//! write to Redis may ask anything. It shows no message texts, tokens, passwords, room codes or keys.
//!
//! - [`cli`]: the command line
//! - [`reach`]: the way to Redis, MongoDB and the nodes
//! - [`output`]: tables for people, or one JSON object a line
//! - [`nodes`]: nodes, their drain and their rebalance
//! - [`rooms`]: rooms by size
//! - [`kick`]: ending somebody's sessions
//! - [`keys`]: rotating signing keys
//! - [`dead_letters`]: looking for events among them
//! - [`trace`]: where a message has been
//! - [`check`]: whether what is stored is sound, and mending it

pub mod check;
pub mod cli;
pub mod dead_letters;
pub mod keys;
pub mod kick;
pub mod nodes;
pub mod output;
pub mod reach;
pub mod rooms;
pub mod trace;
