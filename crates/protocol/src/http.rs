//! Bodies of the HTTP API under `/api/v1`.
//!
//! - [`problem`]: the problem document
//! - [`accounts`]: registering, logging in, one's own account and sessions
//! - [`people`]: users as others see them, blocks
//! - [`rooms`]: rooms, codes, members, moderation
//! - [`history`]: pages of messages, earlier texts, who has seen what
//! - [`previews`]: what links lead to
//! - [`search`]: full-text search
//! - [`inbox`]: what came while one was away
//! - [`uploads`]: files that were uploaded
//! - [`admin`]: the site administrator's side

pub mod accounts;
pub mod admin;
pub mod history;
pub mod inbox;
pub mod people;
pub mod previews;
pub mod problem;
pub mod rooms;
pub mod search;
pub mod uploads;

pub use accounts::*;
pub use admin::*;
pub use history::*;
pub use inbox::*;
pub use people::*;
pub use previews::*;
pub use problem::*;
pub use rooms::*;
pub use search::*;
pub use uploads::*;
