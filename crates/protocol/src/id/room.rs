//! Which room, and what lets somebody in.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{IdError, UserId, parse_uuid};

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
}
