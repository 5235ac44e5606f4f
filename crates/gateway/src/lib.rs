//! The Hubbub gateway: HTTP and WebSocket server.
//!
//! Inside, knowledge flows one way: `socket → hub → bus`; `http` and `socket` share [`app::App`].
//!
//! - [`app`]: what every request and every socket can reach
//! - [`auth`]: tokens, passwords, cookies and CSRF, allowed origins
//! - [`http`]: the HTTP API under `/api/v1`
//! - [`committer`]: from a new event to its place, whatever the bus has forgotten
//! - [`membership`]: joining and leaving, told to every node

pub mod app;
pub mod auth;
pub mod committer;
pub mod http;
pub mod membership;
