//! WebSocket close codes. The range carries the policy: 4000 to 4499 reconnect, 4500 to 4999 do not.

use schemars::JsonSchema;
use serde::Serialize;

macro_rules! close_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:literal;)*) => {
        /// Why a gateway closed a connection.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum CloseCode { $($(#[$doc])* $name,)* }

        impl CloseCode {
            /// Every code, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> u16 { match self { $(Self::$name => $code,)* } }

            /// The reason text on the wire.
            #[must_use]
            pub const fn reason(self) -> &'static str { match self { $(Self::$name => $reason,)* } }
        }
    };
}

close_codes! {
    /// The frame broke the WebSocket protocol (RFC 6455).
    ProtocolError = 1002, "protocol_error";
    /// A text frame that is not UTF-8 (RFC 6455 demands the close).
    InvalidUtf8 = 1007, "invalid_utf8";
    /// A frame past even the hard limit.
    FrameTooLarge = 1009, "frame_too_large";
    /// The node is leaving. Reconnect now, anywhere.
    GoAway = 4000, "going_away";
    /// The access token ran out. Rotate it, then reconnect.
    TokenExpired = 4001, "token_expired";
    /// The client did not read for too long. Reconnect and resume.
    SlowConsumer = 4002, "slow_consumer";
    /// No `hello` in time. Reconnect.
    HelloTimeout = 4003, "hello_timeout";
    /// Nothing was heard for two heartbeats. Reconnect.
    HeartbeatTimeout = 4004, "heartbeat_timeout";
    /// Something the node needs is away. Reconnect after a back-off.
    Unavailable = 4005, "unavailable";
    /// Too many malformed or too-fast frames in a row. Reconnect after a back-off.
    TooManyErrors = 4006, "too_many_errors";
    /// The token is missing, forged, or not for this service.
    TokenInvalid = 4501, "token_invalid";
    /// The session was logged out or revoked.
    SessionEnded = 4502, "session_ended";
    /// The first frame was not `hello`.
    HelloRequired = 4503, "hello_required";
    /// The user holds as many connections as are allowed.
    TooManyConnections = 4504, "too_many_connections";
}

impl CloseCode {
    /// Whether a client should come back by itself after this code.
    #[must_use]
    pub const fn reconnect(code: u16) -> bool {
        !(code >= 4500 && code <= 4999)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_upper_range_forbids_coming_back() {
        assert!(CloseCode::reconnect(1006));
        assert!(CloseCode::reconnect(CloseCode::TokenExpired.code()));
        assert!(!CloseCode::reconnect(CloseCode::SessionEnded.code()));
    }

    #[test]
    fn codes_are_distinct_and_ascending() {
        assert!(CloseCode::ALL.windows(2).all(|w| w[0].code() < w[1].code()));
    }
}
