//! Ids and positions. Each is its own type, so that one can't stand in for another.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::time::Timestamp;

pub use room::{RoomCode, RoomId};

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct IdError(
    /// What was expected, in words: "message id", "room id", …
    pub &'static str,
);

impl IdError {
    /// How the error's text starts, by which it is told from other errors inside serde's.
    pub(crate) const PREFIX: &'static str = "not a valid ";
}

/// Reads the canonical hyphenated form only: braces, URNs and bare hex are other spellings of the
/// same number, and an id must have one spelling to be compared as text anywhere.
fn parse_uuid(text: &str, what: &'static str) -> Result<Uuid, IdError> {
    if text.len() != 36 {
        return Err(IdError(what));
    }
    Uuid::try_parse(text).map_err(|_| IdError(what))
}

macro_rules! text_serde {
    ($name:ident, $what:literal, $pattern:literal) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a ", $what))
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Visitor)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $what, "pattern": $pattern })
            }
        }
    };
}

// After the macro that it uses.
mod room;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, ordered by the time it was made (UUID version 7).
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a default id would be a random one")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id with these bytes.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bytes of the id.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_uuid(text, $what).map(Self)
            }
        }

        text_serde!(
            $name,
            $what,
            "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
        );
    };
}

uuid_id!(
    /// A person with an account.
    UserId,
    "user id (UUID)"
);
uuid_id!(
    /// One WebSocket, from upgrade to close. Never reused.
    ConnectionId,
    "connection id (UUID)"
);
uuid_id!(
    /// One login: the family of refresh tokens that descends from it.
    SessionId,
    "session id (UUID)"
);
uuid_id!(
    /// An event's name, made once by whoever causes it and kept over every retry.
    ///
    /// Unique within its room. Version 7 is expected; any other UUID works and costs a look-up in
    /// the store at each send.
    MessageId,
    "message id (UUID)"
);

uuid_id!(
    /// A file that was uploaded.
    AttachmentId,
    "attachment id (UUID)"
);
uuid_id!(
    /// An upload that goes on in parts.
    UploadId,
    "upload id (UUID)"
);
uuid_id!(
    /// An entry of an audit list.
    AuditId,
    "audit id (UUID)"
);
uuid_id!(
    /// One picture of a person or a room, in all its sizes. Another picture has another id, so what
    /// is found under one never changes.
    PictureId,
    "picture id (UUID)"
);

impl MessageId {
    /// When the id was made, by its maker's clock; `None` for anything but version 7.
    #[must_use]
    pub fn made_at(&self) -> Option<Timestamp> {
        if self.0.get_version_num() != 7 {
            return None;
        }
        let bytes = self.0.as_bytes();
        let mut millis = [0_u8; 8];
        millis[2..].copy_from_slice(&bytes[..6]);
        i64::try_from(u64::from_be_bytes(millis)).ok().map(Timestamp::from_millis)
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The one that follows.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }

            /// As the signed integer that databases keep. Values stay below 2^53, so that JSON
            /// numbers and Lua doubles hold them exactly.
            #[must_use]
            pub const fn as_i64(self) -> i64 {
                self.0.cast_signed()
            }

            /// From a database's signed integer; a negative one reads as 0.
            #[must_use]
            pub const fn from_i64(value: i64) -> Self {
                Self(if value < 0 { 0 } else { value.cast_unsigned() })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(
    /// An event's place in its room: starts at 1, only grows, contiguous within an [`Epoch`].
    Seq
);
counter!(
    /// One unbroken life of a room's counters: starts at 1, grows when Redis has lost data.
    Epoch
);

/// How far somebody has come in a room's log. Ordered by epoch, then by seq.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub struct Position {
    /// The epoch the seq belongs to.
    pub epoch: Epoch,
    /// The last event seen.
    pub seq: Seq,
}

impl Position {
    /// The position `seq` in `epoch`.
    #[must_use]
    pub const fn new(epoch: Epoch, seq: Seq) -> Self {
        Self { epoch, seq }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

/// A node's name: 1 to 63 characters of `a-z`, `A-Z`, `0-9`, `-`, `_` and `.`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(Box<str>);

impl NodeId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for NodeId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let fits = (1..=63).contains(&text.len())
            && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'));
        if fits { Ok(Self(text.into())) } else { Err(IdError("node name")) }
    }
}

text_serde!(NodeId, "node name", "^[A-Za-z0-9._-]{1,63}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_7_id_tells_its_time_and_others_do_not() {
        let before = Timestamp::now();
        let made = MessageId::new().made_at().expect("version 7");
        assert!(made >= before && made <= Timestamp::now());
        assert_eq!(MessageId::from_uuid(Uuid::new_v4()).made_at(), None);
    }

    #[test]
    fn node_names_are_bounded() {
        assert!("gateway-1.eu_west".parse::<NodeId>().is_ok());
        for bad in ["", "a b", "ä", &"x".repeat(64)] {
            assert!(bad.parse::<NodeId>().is_err(), "{bad}");
        }
    }
}
