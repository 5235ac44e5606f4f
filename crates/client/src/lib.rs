//! The Rust client of Hubbub.
//!
//! - [`client`]: the whole of it: stays connected, keeps rooms in step, gets messages stored
//! - [`sync`]: the state machine inside, without I/O: order, gaps, resume, outbox
//! - [`connection`]: one WebSocket, frame by frame
//! - [`http`]: the calls of the HTTP API, and the session's tokens
//! - [`server`]: where a server is, and how to speak TLS to it
//! - [`backoff`]: how long to wait before trying again
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use hubbub_client::client::{Client, Event, Options};
//! use hubbub_client::http::Api;
//! use hubbub_client::sync::Update;
//!
//! let api = Api::new("http://127.0.0.1:8080")?;
//! api.login("ada", "correct horse battery staple").await?;
//! let room = api.rooms(None).await?.rooms[0].id;
//! let (client, mut events) = Client::start(api, Options::default());
//! client.send(room, "hello").await?;
//! while let Some(event) = events.recv().await {
//!     if let Event::Update(Update::Message(message)) = event {
//!         println!("{}", message.body.text);
//!     }
//! }
//! # Ok(()) }
//! ```

pub mod backoff;
pub mod client;
pub mod connection;
pub mod http;
pub mod server;
pub mod sync;
