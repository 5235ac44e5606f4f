//! Every bound of the protocol, in one place. `ready` tells a client those that concern it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::error::ErrorCode;

/// The bounds a client must keep to, as told in `ready` and by `GET /api/v1/limits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Largest frame a client may send, in bytes. A larger one is refused, and past four times this
    /// the connection is closed.
    pub frame_bytes: u32,
    /// Longest message text, in graphemes (what a person sees as one character).
    pub text_graphemes: u32,
    /// Longest message text, in bytes of UTF-8.
    pub text_bytes: u32,
    /// Most rooms one connection can hear.
    pub rooms: u32,
    /// Most sends of one connection that wait for their ack.
    pub in_flight: u32,
    /// Milliseconds within which `hello` must come.
    pub hello_ms: u32,
    /// Most attachments of one message.
    pub attachments: u32,
    /// Largest file, in bytes.
    pub attachment_bytes: u64,
    /// Most people that one message may mention by name. `@names` past it call nobody.
    pub mentions: u32,
    /// Most different emoji under one message.
    pub reactions: u32,
    /// Most people one connection can watch.
    pub watched: u32,
    /// Milliseconds after sending within which a message may be edited; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit_window_ms: Option<u64>,
    /// Rooms with more members tell nobody who is typing.
    pub typing_members: u32,
    /// Rooms with more members tell nobody how far others have read.
    pub receipt_members: u32,
    /// Sends a user may make in a burst, over all devices and nodes.
    pub send_burst: u32,
    /// Sends a user may make per second once the burst is used up.
    pub send_per_second: u32,
    /// Whether there are previews of links (`GET /rooms/{room}/messages/{message}/preview`); absent:
    /// there are none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub link_previews: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: 64 * 1024,
            text_graphemes: 4_000,
            text_bytes: 32 * 1024,
            rooms: 500,
            in_flight: 64,
            hello_ms: 10_000,
            attachments: 10,
            attachment_bytes: 50 * 1024 * 1024,
            mentions: 50,
            reactions: 20,
            watched: 500,
            edit_window_ms: None,
            typing_members: 100,
            receipt_members: 100,
            send_burst: 30,
            send_per_second: 10,
            link_previews: true,
        }
    }
}

impl Limits {
    /// Whether `text` may be a message's text.
    ///
    /// # Errors
    /// [`ErrorCode::EmptyText`] or [`ErrorCode::TextTooLong`].
    pub fn check_text(&self, text: &str) -> Result<(), ErrorCode> {
        if text.trim().is_empty() {
            return Err(ErrorCode::EmptyText);
        }
        if text.len() > self.text_bytes as usize {
            return Err(ErrorCode::TextTooLong);
        }
        // A grapheme has at least one byte, so short texts need no counting.
        let most = self.text_graphemes as usize;
        if text.len() > most && text.graphemes(true).nth(most).is_some() {
            return Err(ErrorCode::TextTooLong);
        }
        Ok(())
    }
}

/// Events in one page of history, at the most.
pub const PAGE_MAX: u32 = 200;
/// Events in one page of history when the caller names no limit.
pub const PAGE_DEFAULT: u32 = 50;
/// Rows in one page of users, rooms or members, at the most.
pub const LIST_MAX: u32 = 200;
/// User name: 3 to 32 characters of `a-z`, `0-9`, `_`, `-`, `.`.
pub const USERNAME_LENGTH: std::ops::RangeInclusive<usize> = 3..=32;
/// Password: 8 to 256 bytes. The upper bound keeps hashing cheap to refuse.
pub const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 8..=256;
/// Display name: 1 to 64 graphemes.
pub const DISPLAY_NAME_GRAPHEMES: std::ops::RangeInclusive<usize> = 1..=64;
/// Room name: 1 to 80 graphemes.
pub const ROOM_NAME_GRAPHEMES: std::ops::RangeInclusive<usize> = 1..=80;
/// Room description: up to 500 graphemes.
pub const ROOM_DESCRIPTION_GRAPHEMES: std::ops::RangeInclusive<usize> = 0..=500;

/// Room topic: up to 250 graphemes.
pub const ROOM_TOPIC_GRAPHEMES: std::ops::RangeInclusive<usize> = 0..=250;
/// What somebody says about themselves: up to 500 graphemes.
pub const BIO_GRAPHEMES: std::ops::RangeInclusive<usize> = 0..=500;
/// What somebody says they are doing: up to 80 graphemes.
pub const STATUS_TEXT_GRAPHEMES: std::ops::RangeInclusive<usize> = 0..=80;
/// Reason of a kick, a ban, a mute or a suspension: up to 200 graphemes.
pub const REASON_GRAPHEMES: std::ops::RangeInclusive<usize> = 0..=200;
/// People that each reaction of a message names, at the most.
pub const REACTION_USERS: usize = 100;
/// Unread messages of a room that are counted, and those among them that mention somebody. A count
/// of this many stands for this many or more.
pub const UNREAD_MAX: u64 = 1_000;
/// Entries of an inbox. The oldest go when there are more.
pub const INBOX_MAX: usize = 1_000;
/// Longest excerpt of a message in an inbox, in graphemes.
pub const EXCERPT_GRAPHEMES: usize = 200;
/// People in a direct room among a few, the one who opens it included.
pub const DIRECT_GROUP_MEMBERS: std::ops::RangeInclusive<usize> = 3..=10;

/// Whether `text` has a number of graphemes within `range`, looking no further than needed.
#[must_use]
pub fn graphemes_within(text: &str, range: &std::ops::RangeInclusive<usize>) -> bool {
    range.contains(&text.graphemes(true).take(range.end() + 1).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_counted_as_a_person_counts() {
        let limits = Limits { text_graphemes: 3, ..Limits::default() };
        assert_eq!(limits.check_text("👩‍👩‍👧‍👦🇩🇪é"), Ok(()));
        assert_eq!(limits.check_text("four"), Err(ErrorCode::TextTooLong));
        assert_eq!(limits.check_text(" \n\t\u{3000}"), Err(ErrorCode::EmptyText));
    }

    #[test]
    fn text_of_few_graphemes_and_many_bytes_is_refused() {
        let zalgo = format!("e{}", "\u{301}".repeat(40_000));
        assert_eq!(Limits::default().check_text(&zalgo), Err(ErrorCode::TextTooLong));
    }
}
