//! What Hubbub keeps: users, sessions, rooms, memberships, events, positions.
//!
//! One trait per concern, joined in [`Store`]; two implementations under one contract suite:
//! [`mongo`] for a cluster, [`sqlite`] for one process. What nodes share only while they run is not
//! here (see `hubbub-bus`); neither knows the other.
//!
//! - [`users`]: accounts as others see them, and how people are found
//! - [`accounts`]: accounts from the inside: secrets, administrators, suspension, deletion
//! - [`blocks`]: who does not want to hear from whom
//! - [`sessions`]: logins, each a family of refresh tokens
//! - [`rooms`]: rooms and their codes
//! - [`memberships`]: who is in which room
//! - [`moderation`]: roles, mutes, bans
//! - [`audit`]: what somebody with power did
//! - [`destruction`]: rooms that are gone for good, and the removal of what is left of them
//! - [`events`]: the rooms' logs as stored, history, state sync, epochs
//! - [`positions`]: how far each member has come
//! - [`inbox`]: what came for people while they were away
//! - [`search`]: full-text search
//! - [`inspection`]: looking at all that is stored, for operators
//! - [`fold`]: how names are compared
//! - [`attachments`]: files, all but their bytes
//! - [`blobs`]: the bytes of files and pictures
//! - [`mongo`], [`sqlite`]: the implementations
//!
//! What both do alike is in private modules: `content` (what of an event is stored, and what never
//! is), `change` (what edits, deletions and reactions make of a message), `history` (pages).

pub mod accounts;
pub mod attachments;
pub mod audit;
pub mod blobs;
pub mod blocks;
mod change;
mod content;
pub mod destruction;
pub mod events;
pub mod fold;
mod history;
pub mod inbox;
pub mod inspection;
pub mod memberships;
pub mod moderation;
pub mod mongo;
pub mod positions;
pub mod rooms;
pub mod search;
pub mod sessions;
pub mod sqlite;
pub mod users;

use std::fmt;

use async_trait::async_trait;

pub use accounts::{AccountStore, PrivateAccount};
pub use attachments::{
    AttachmentStore, FileClaim, FileContent, FileRecord, FileState, FinishedUpload, NewUpload,
};
pub use audit::AuditStore;
pub use blobs::{BlobKey, BlobStore, DiskBlobs, GridFsBlobs, S3Blobs, S3Options};
pub use blocks::BlockStore;
pub use change::EVERYBODY;
pub use destruction::{DestructionJob, DestructionStore, Remains};
pub use events::{Appended, EventStore, HistoryPage, Page, Reactor, StoredPlace};
pub use inbox::{InboxNote, InboxPart, InboxPlace, InboxStore};
pub use inspection::{InspectionStore, LogSpan, RoomSize, StrayMember};
pub use memberships::{MemberPage, Membership, MembershipStore};
pub use moderation::{BanRecord, ModerationStore};
pub use mongo::{MongoOptions, MongoStore};
pub use positions::{Moved, PositionChange, PositionRecord, PositionStore, Unread, UnreadRange};
pub use rooms::{CodeLimits, LOBBY, NewRoom, Opened, RoomRecord, RoomStore, RoomUpdate};
pub use search::{Has, Indexed, RoomsBehind, SearchCursor, SearchPage, SearchQuery, SearchStore};
pub use sessions::{NewSession, Rotation, SessionRecord, SessionStore};
pub use sqlite::SqliteStore;
pub use users::{NewUser, ProfileChange, UserRecord, UserStore};

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The user name belongs to somebody.
    #[error("user name taken")]
    UsernameTaken,
    /// The owner can't leave a room.
    #[error("the owner can't leave a room")]
    OwnerMustStay,
    /// It would leave the site without an administrator.
    #[error("the last site administrator must stay one")]
    LastAdmin,
    /// Somebody has blocked as many people as one may.
    #[error("too many people blocked")]
    TooManyBlocks,
    /// There is no such room.
    #[error("no such room")]
    NoSuchRoom,
    /// Somebody may not come into the room.
    #[error("banned from the room")]
    Banned,
    /// Somebody is no member of the room.
    #[error("no such member")]
    NoSuchMember,
    /// Somebody's role is not below the one that may do this to them.
    #[error("their role is not smaller")]
    Outranked,
    /// It takes more time than it may. A smaller question may be answered, or the same one later.
    #[error("store overloaded: {0}")]
    Overloaded(String),
    /// No answer in time, or no connection. The operation may or may not have happened; every
    /// operation here can be repeated.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// What is stored can't be read, or the store refused what it should take. Repeating does not
    /// help.
    #[error("store failed: {0}")]
    Failed(String),
}

/// Everything a process needs from the store.
#[async_trait]
pub trait Store:
    UserStore
    + AccountStore
    + BlockStore
    + SessionStore
    + RoomStore
    + MembershipStore
    + ModerationStore
    + AuditStore
    + DestructionStore
    + EventStore
    + PositionStore
    + InboxStore
    + SearchStore
    + AttachmentStore
    + InspectionStore
    + fmt::Debug
    + Send
    + Sync
    + 'static
{
    /// Whether the store answers, within a second.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Finishes what is under way. Nothing may be called afterwards.
    async fn close(&self);
}
