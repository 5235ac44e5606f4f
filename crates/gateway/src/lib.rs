//! The Hubbub gateway: HTTP and WebSocket server.
//!
//! Inside, knowledge flows one way: `socket → hub → bus`; `http` and `socket` share [`app::App`].
//!
//! - [`settings`]: what can be set, checked
//! - [`app`]: what every request and every socket can reach
//! - [`server`]: the accept loop
//! - `lingering`: requests that are refused while their body still comes
//! - [`affinity`]: a cookie for load balancers
//! - [`auth`]: tokens, passwords, cookies and CSRF, allowed origins
//! - [`http`]: the HTTP API under `/api/v1`
//! - [`documents`]: what describes it all: OpenAPI, AsyncAPI, TypeScript
//! - [`web_client`]: the page people open, and its files
//! - [`socket`]: the WebSocket side, from upgrade to close
//! - [`hub`]: from the bus to the connections on this node
//! - [`committer`]: from a new event to its place, whatever the bus has forgotten
//! - [`membership`]: joining and leaving, told to every node
//! - [`composing`], [`unstored`]: from a draft to a message, and messages that are not stored yet
//! - [`audit`]: what is written down of who did what
//! - [`room_changes`]: what changes of a room itself, told to every node
//! - [`permissions`]: what somebody may do in a room
//! - [`presence`]: what is told to those who watch somebody
//! - [`revocation`]: ending sessions, told to every node
//! - [`erasure`]: the end of accounts
//! - [`administrators`]: those a setting names
//! - [`refused`]: why something was not done; `trying`: doing it again a moment later
//! - [`readiness`], [`drain`], [`rebalance`]: when this node gets clients, how it leaves, and how it
//!   gives some of them away
//! - [`files`]: files on their way in, and into messages
//! - [`media`]: what kind of file bytes are, and pictures made safe to show
//! - [`previews`]: what the links of messages lead to
//! - [`metric`]: the names of what is counted
//! - [`operator`]: what operators ask of this node
//! - [`standalone`]: bus, store and worker in this one process
//!
//! [`Gateway::start`] puts it together; tests start as many as they like in one process.

pub mod administrators;
pub mod affinity;
pub mod app;
pub mod audit;
pub mod auth;
pub mod committer;
pub mod composing;
pub mod documents;
pub mod drain;
pub mod erasure;
pub mod files;
pub mod http;
pub mod hub;
mod lingering;
pub mod media;
pub mod membership;
pub mod metric;
pub mod operator;
pub mod permissions;
pub mod presence;
pub mod previews;
pub mod readiness;
pub mod reading;
pub mod rebalance;
pub mod refused;
pub mod revocation;
pub mod room_changes;
pub mod server;
pub mod settings;
pub mod socket;
pub mod standalone;
mod start;
mod trying;
pub mod unstored;
pub mod web_client;

pub use settings::Settings;
pub use start::{Gateway, StartError};
