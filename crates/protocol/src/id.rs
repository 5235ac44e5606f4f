//! Ids and positions. Each is its own type, so that one can't stand in for another.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::time::Timestamp;

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

/// A room's id: a UUID, or for a direct room (of two or of a few) the SHA-256 of its members.
///
/// On the wire a UUID in its hyphenated form, or 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RoomId {
    /// A room that somebody created.
    Group(Uuid),
    /// The one room between two people, or among a few.
    Direct([u8; 32]),
}

impl RoomId {
    /// An id for a new room.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a default id would be a random one")]
    pub fn new() -> Self {
        Self::Group(Uuid::now_v7())
    }

    /// The room between `a` and `b`: the same whoever asks, on any node, at once.
    ///
    /// SHA-256 over the domain `hubbub.direct.v1` and the two user ids in ascending order, each
    /// preceded by its length as a big-endian u32.
    #[must_use]
    pub fn direct(a: UserId, b: UserId) -> Self {
        Self::of_members(b"hubbub.direct.v1", &mut [a, b])
    }

    /// The room among a few people (3 or more): the same whoever of them asks, on any node, at once.
    ///
    /// As [`Self::direct`], with the domain `hubbub.group.v1` and all the user ids.
    #[must_use]
    pub fn direct_group(members: &[UserId]) -> Self {
        Self::of_members(b"hubbub.group.v1", &mut members.to_vec())
    }

    fn of_members(domain: &[u8], members: &mut [UserId]) -> Self {
        members.sort_unstable();
        let ids = members.iter().map(|member| member.as_uuid().as_bytes().as_slice());
        let mut hash = Sha256::new();
        for part in std::iter::once(domain).chain(ids) {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            hash.update(length.to_be_bytes());
            hash.update(part);
        }
        Self::Direct(hash.finalize().into())
    }

    /// The channel on which what a person is doing is told to those who watch them. Not a room:
    /// nobody is a member, and no event is ever committed to it.
    #[must_use]
    pub const fn presence_of(user: UserId) -> Self {
        Self::Group(*user.as_uuid())
    }

    /// The person whose channel [`presence_of`](Self::presence_of) this would be.
    #[must_use]
    pub const fn presence_user(&self) -> Option<UserId> {
        match self {
            Self::Group(uuid) => Some(UserId::from_uuid(*uuid)),
            Self::Direct(_) => None,
        }
    }

    /// Whether this is a room between two people, or among a few.
    #[must_use]
    pub const fn is_direct(&self) -> bool {
        matches!(self, Self::Direct(_))
    }

    /// The id's bytes: 16 for a group room, 32 for a direct one.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Group(uuid) => uuid.as_bytes(),
            Self::Direct(hash) => hash,
        }
    }

    /// The id with these bytes, if there are 16 or 32 of them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if let Ok(uuid) = <[u8; 16]>::try_from(bytes) {
            return Some(Self::Group(Uuid::from_bytes(uuid)));
        }
        <[u8; 32]>::try_from(bytes).ok().map(Self::Direct)
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(uuid) => uuid.as_hyphenated().fmt(f),
            Self::Direct(hash) => hash.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RoomId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        const WHAT: &str = "room id";
        if text.len() != 64 {
            return parse_uuid(text, WHAT).map(Self::Group);
        }
        let mut hash = [0_u8; 32];
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |c: u8| (c as char).to_digit(16).ok_or(IdError(WHAT));
            let value = digit(pair[0])? * 16 + digit(pair[1])?;
            *byte = u8::try_from(value).map_err(|_| IdError(WHAT))?;
        }
        Ok(Self::Direct(hash))
    }
}

text_serde!(
    RoomId,
    "room id: a UUID, or 64 hex digits for a direct room",
    "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|[0-9a-fA-F]{64})$"
);

/// What lets a person into a room: a random UUID (version 4, 122 bits), shareable and rotatable.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RoomCode(Uuid);

impl RoomCode {
    /// A new code nobody can guess.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a default code would be a random one")]
    pub fn new() -> Self {
        Self(Uuid::new_v4())
    }

    /// The code with these bytes.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The bytes of the code.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for RoomCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// A code admits to a room, so it is not written to logs.
impl fmt::Debug for RoomCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomCode(…)")
    }
}

impl FromStr for RoomCode {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_uuid(text.trim(), "room code").map(Self)
    }
}

text_serde!(
    RoomCode,
    "room code (UUID)",
    "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
);

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
    fn a_direct_room_is_the_same_from_both_sides_and_differs_from_every_other() {
        let (a, b, c) = (UserId::new(), UserId::new(), UserId::new());
        assert_eq!(RoomId::direct(a, b), RoomId::direct(b, a));
        assert_ne!(RoomId::direct(a, b), RoomId::direct(a, c));
    }

    #[test]
    fn the_direct_room_hash_never_changes() {
        let user = |n: u128| UserId::from_uuid(Uuid::from_u128(n));
        assert_eq!(
            RoomId::direct(user(1), user(2)).to_string(),
            "e5e815e8a9862d8bf61020f4c1f2dcd47198fc05df959127dacb335330fe44ad"
        );
    }

    #[test]
    fn room_ids_survive_text_and_bytes() {
        for room in [RoomId::new(), RoomId::direct(UserId::new(), UserId::new())] {
            assert_eq!(room.to_string().parse(), Ok(room));
            assert_eq!(RoomId::from_bytes(room.as_bytes()), Some(room));
        }
        for bad in ["", "x", "00000000000000000000000000000000", &"g".repeat(64)] {
            assert!(bad.parse::<RoomId>().is_err(), "{bad}");
        }
    }

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
