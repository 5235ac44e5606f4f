//! Stable error codes: the same word in a socket's `error` frame and in HTTP's problem document.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:literal, $title:literal;)*) => {
        /// What went wrong, for a program to act on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum ErrorCode { $($(#[$doc])* #[serde(rename = $word)] $name,)* }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word on the wire. Never changes once released.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $word,)* } }

            /// The HTTP status a problem document with this code has.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Self::$name => $status,)* } }

            /// A short text for people, the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str { match self { $(Self::$name => $title,)* } }
        }
    };
}

error_codes! {
    /// The text is not JSON.
    BadJson = "bad_json", 400, "Malformed JSON";
    /// JSON, but not the shape this type or endpoint takes.
    BadFrame = "bad_frame", 400, "Wrong shape";
    /// A frame `type` this server does not know.
    UnknownType = "unknown_type", 400, "Unknown frame type";
    /// A binary frame; the protocol is text.
    BinaryFrame = "binary_frame", 400, "Binary frames are not part of the protocol";
    /// Not UTF-8.
    InvalidUtf8 = "invalid_utf8", 400, "Invalid UTF-8";
    /// A frame above `limits.frame_bytes`.
    FrameTooLarge = "frame_too_large", 413, "Frame too large";
    /// An id that is not of its kind.
    BadId = "bad_id", 400, "Malformed id";
    /// A message id whose time is more than a day ahead of the server's clock.
    IdInFuture = "id_in_future", 400, "Message id is from the future";
    /// The message id is taken by somebody else's message in this room.
    IdConflict = "id_conflict", 409, "Message id already used";
    /// Nothing but white space.
    EmptyText = "empty_text", 400, "Empty text";
    /// Above `limits.text_graphemes` or `limits.text_bytes`.
    TextTooLong = "text_too_long", 400, "Text too long";
    /// Fields of an HTTP body are out of bounds; `errors` names each.
    InvalidField = "invalid_field", 422, "Invalid field";
    /// The HTTP body is above the endpoint's limit.
    PayloadTooLarge = "payload_too_large", 413, "Payload too large";
    /// The HTTP body is not `application/json`.
    UnsupportedMediaType = "unsupported_media_type", 415, "Unsupported media type";
    /// The path exists, but not for this method.
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed";
    /// There is nothing at this path.
    NotFound = "not_found", 404, "Not found";
    /// No such room, or not one of yours: the same answer for both.
    RoomNotFound = "room_not_found", 404, "Room not found";
    /// No such user.
    UserNotFound = "user_not_found", 404, "User not found";
    /// You may see it, but not do that.
    Forbidden = "forbidden", 403, "Not allowed";
    /// A direct room needs somebody else.
    DirectWithSelf = "direct_with_self", 400, "A direct room needs another person";
    /// The last owner can't leave a room that has other members.
    OwnerMustStay = "owner_must_stay", 409, "The owner can't leave: hand the room over, or destroy it";
    /// No such message in this room.
    MessageNotFound = "message_not_found", 404, "Message not found";
    /// The message is deleted.
    MessageDeleted = "message_deleted", 409, "Message is deleted";
    /// The message is older than `limits.edit_window_ms`.
    EditTooLate = "edit_too_late", 403, "Too late to edit";
    /// Not one emoji.
    BadEmoji = "bad_emoji", 400, "Not an emoji";
    /// The message has `limits.reactions` different emoji already.
    TooManyReactions = "too_many_reactions", 409, "Too many different reactions";
    /// More attachments than `limits.attachments`.
    TooManyAttachments = "too_many_attachments", 400, "Too many attachments";
    /// No such file, or not one you may see: the same answer for both.
    AttachmentNotFound = "attachment_not_found", 404, "Attachment not found";
    /// The message has no link to be shown more of, or what it leads to has no picture.
    PreviewNotFound = "preview_not_found", 404, "Nothing to preview";
    /// No such upload, or not one of yours: the same answer for both.
    UploadNotFound = "upload_not_found", 404, "Upload not found";
    /// The upload is not whole yet.
    UploadIncomplete = "upload_incomplete", 409, "Upload is not complete";
    /// The upload does not stand where this part begins; `HEAD` tells where.
    OffsetMismatch = "offset_mismatch", 409, "Offset does not match";
    /// The bytes are not those that the checksum was made of.
    ChecksumMismatch = "checksum_mismatch", 460, "Checksum does not match";
    /// Only version 1.0.0 of the tus protocol is spoken.
    TusVersion = "tus_version", 412, "Protocol version not supported";
    /// More bytes of files than one account may have.
    QuotaExceeded = "quota_exceeded", 403, "Storage used up";
    /// The file does not reach as far as the range that was asked for.
    RangeNotSatisfiable = "range_not_satisfiable", 416, "Range not satisfiable";
    /// Not a PNG, JPEG, WebP or GIF that can be read.
    ImageUnreadable = "image_unreadable", 422, "Not a readable image";
    /// A picture with too many pixels.
    ImageTooLarge = "image_too_large", 413, "Image has too many pixels";
    /// More people than `limits.watched`.
    TooManyWatched = "too_many_watched", 400, "Too many people watched";
    /// You may not write in this room for a while; `retry_after_ms` tells how long.
    Muted = "muted", 403, "Muted";
    /// The room is in slow mode; `retry_after_ms` tells when you may write again.
    SlowMode = "slow_mode", 429, "Slow mode";
    /// You may not come back into this room.
    Banned = "banned", 403, "Banned";
    /// The room is read-only.
    RoomArchived = "room_archived", 409, "Room is archived";
    /// One of you has blocked the other.
    Blocked = "blocked", 403, "Blocked";
    /// The text holds a word that is not allowed here.
    WordRefused = "word_refused", 400, "Word not allowed";
    /// Links are not for everybody in this room.
    LinksRefused = "links_refused", 403, "Links not allowed";
    /// The account is suspended.
    AccountSuspended = "account_suspended", 403, "Account suspended";
    /// The site would be left without an administrator.
    LastAdmin = "last_admin", 409, "Last site administrator";
    /// You have blocked 1 000 people already.
    TooManyBlocks = "too_many_blocks", 409, "Too many people blocked";
    /// Nobody can block themselves.
    BlockSelf = "block_self", 400, "You can't block yourself";
    /// The user name belongs to somebody.
    UsernameTaken = "username_taken", 409, "User name taken";
    /// Wrong user name or wrong password: the same answer for both.
    InvalidCredentials = "invalid_credentials", 401, "Wrong user name or password";
    /// There is no token, and this needs one.
    TokenRequired = "token_required", 401, "Authentication required";
    /// Forged, malformed, for another service, or signed with another algorithm.
    TokenInvalid = "token_invalid", 401, "Invalid token";
    /// The access token's time is over; rotate it.
    TokenExpired = "token_expired", 401, "Token expired";
    /// The session was logged out, or a used refresh token came back.
    SessionEnded = "session_ended", 401, "Session ended";
    /// No such session, or not one of yours: the same answer for both.
    SessionNotFound = "session_not_found", 404, "Session not found";
    /// A cookie came without the CSRF token that belongs to its session.
    CsrfFailed = "csrf_failed", 403, "CSRF check failed";
    /// The `Origin` is missing where a cookie is used, or is not an allowed one.
    OriginRefused = "origin_refused", 403, "Origin refused";
    /// Not a valid WebSocket upgrade.
    UpgradeRequired = "upgrade_required", 426, "WebSocket upgrade required";
    /// The first frame must be `hello`.
    HelloRequired = "hello_required", 400, "hello required";
    /// A second `hello`.
    HelloRepeated = "hello_repeated", 400, "hello was already sent";
    /// No `hello` within `limits.hello_ms`.
    HelloTimeout = "hello_timeout", 408, "No hello in time";
    /// More rooms on this connection than `limits.rooms`.
    TooManySubscriptions = "too_many_subscriptions", 400, "Too many subscriptions";
    /// Too fast; `retry_after_ms` tells when.
    RateLimited = "rate_limited", 429, "Too many requests";
    /// The cluster can't take more right now; `retry_after_ms` tells when to try again.
    Overloaded = "overloaded", 503, "Overloaded";
    /// Redis or MongoDB can't be reached; `retry_after_ms` tells when to try again.
    Unavailable = "unavailable", 503, "Temporarily unavailable";
    /// This node is leaving; another will serve.
    Draining = "draining", 503, "Node is leaving";
    /// The request took longer than it may.
    Timeout = "timeout", 408, "Timed out";
    /// A fault of ours. It is in the log under the request id.
    Internal = "internal", 500, "Internal error";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_distinct_and_survive_json() {
        let mut seen = std::collections::HashSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{code} twice");
            let json = serde_json::to_string(code).expect("a word");
            assert_eq!(json, format!("\"{code}\""));
            assert_eq!(serde_json::from_str::<ErrorCode>(&json).ok(), Some(*code));
        }
    }
}
