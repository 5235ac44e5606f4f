//! The Hubbub wire: frames, ids, limits, errors and close codes.
//!
//! No I/O and no runtime: everything here is a value that two sides agree on.
//!
//! - [`id`]: ids and positions (`RoomId`, `UserId`, `MessageId`, `Seq`, `Epoch`, …)
//! - [`time`]: `Timestamp`, milliseconds that read as RFC 3339
//! - [`client`]: frames a client sends, and their validation
//! - [`server`]: frames a gateway sends
//! - [`event`]: what has a seq: messages, membership and room changes, and their frame template
//! - [`fold`]: what edits, deletions and reactions do to a message
//! - [`markdown`]: text without its marks, and who is mentioned in it
//! - [`emoji`]: what may be a reaction
//! - [`http`]: bodies of the HTTP API and the problem document
//! - [`error`]: stable error codes, shared by the socket and HTTP
//! - [`close`]: WebSocket close codes and the policy they carry
//! - [`limits`]: every bound, in one place
//! - [`schema`]: JSON Schemas of all of it

pub mod client;
pub mod close;
pub mod emoji;
pub mod error;
pub mod event;
pub mod fold;
pub mod http;
pub mod id;
pub mod limits;
pub mod markdown;
pub mod schema;
pub mod server;
pub mod time;

pub use client::{ClientFrame, Draft};
pub use close::CloseCode;
pub use error::ErrorCode;
pub use event::{
    Attachment, Deleted, Edited, EditedBody, Event, Member, MemberChange, Mentions, Message,
    MessageBody, NewEvent, Reaction, ReactionCount, RoomChange, RoomDetails,
};
pub use id::{
    AttachmentId, AuditId, ConnectionId, Epoch, IdError, MessageId, NodeId, PictureId, Position,
    RoomCode, RoomId, Seq, SessionId, UploadId, UserId,
};
pub use limits::Limits;
pub use server::ServerFrame;
pub use time::Timestamp;

/// The WebSocket subprotocol this crate describes.
pub const SUBPROTOCOL: &str = "hubbub.v1";
