//! Names of keys and channels, and where in a Redis Cluster they live.
//!
//! Everything of a room carries its partition's hash tag, so that one script may touch all of it.

use std::fmt::Display;

use hubbub_protocol::{MessageId, RoomId, UserId};

use crate::{fnv1a, shard_of};

/// Slots of a Redis Cluster.
pub(super) const SLOTS: u16 = 16_384;

/// Where the number of partitions is recorded.
pub(super) const PARTITIONS: &str = "hubbub:partitions";

/// The leases of all nodes.
pub(super) const LEASES: &str = "hubbub:leases";

/// The channel that every node hears.
pub(super) const CONTROL: &str = "hubbub:control";

/// Shards of the presence map.
pub(super) const PRESENCE_SHARDS: usize = 16;

/// The slot of a key: CRC-16/XMODEM of its hash tag, if it has one, else of all of it (Redis
/// Cluster specification, "Hash tags").
pub(super) fn slot(key: &str) -> u16 {
    let tag = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map(|(tag, _)| tag)
        .filter(|tag| !tag.is_empty());
    crc16(tag.unwrap_or(key).as_bytes()) % SLOTS
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

/// A share of the rooms: what lives in one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Partition(pub(super) u16);

impl Partition {
    /// The partition of a room among `count`.
    pub(super) fn of(room: &RoomId, count: u16) -> Self {
        let at = fnv1a(room.as_bytes()) % u64::from(count.max(1));
        Self(u16::try_from(at).unwrap_or_default())
    }

    pub(super) fn slot(self) -> u16 {
        slot(&self.tag())
    }

    fn tag(self) -> String {
        format!("{{p{}}}", self.0)
    }

    fn key(self, kind: &str, rest: impl Display) -> String {
        format!("{{p{}}}:{kind}:{rest}", self.0)
    }

    /// Hash: epoch, seq, stored, began, recovered.
    pub(super) fn room(self, room: &RoomId) -> String {
        self.key("room", room)
    }

    /// String: `epoch:seq:at:sender` of a committed id.
    pub(super) fn id(self, room: &RoomId, id: &MessageId) -> String {
        self.key("id", format_args!("{room}:{id}"))
    }

    /// Stream: the hot log, entry id = seq.
    pub(super) fn log(self, room: &RoomId) -> String {
        self.key("log", room)
    }

    /// Sorted set: seqs that are stored while one before them is not.
    pub(super) fn ahead(self, room: &RoomId) -> String {
        self.key("ahead", room)
    }

    /// Stream: the write-ahead log.
    pub(super) fn wal(self) -> String {
        format!("{}:wal", self.tag())
    }

    /// Stream: the dead letters.
    pub(super) fn dead(self) -> String {
        format!("{}:dead", self.tag())
    }

    /// Channel: what is published in a room. Named like its counters, since that name is at hand
    /// wherever something is published; keys and channels do not meet.
    pub(super) fn channel(self, room: &RoomId) -> String {
        self.room(room)
    }

    /// Channel: a node's probe through the server of this partition.
    pub(super) fn probe(self, incarnation: &str) -> String {
        self.key("probe", incarnation)
    }
}

/// The room whose channel this is.
pub(super) fn room_of_channel(channel: &str) -> Option<RoomId> {
    channel.split_once("}:room:").and_then(|(_, room)| room.parse().ok())
}

/// Channel: what concerns one node.
pub(super) fn inbox(incarnation: &str) -> String {
    format!("node:{{{incarnation}}}")
}

/// String: what a node says of itself.
pub(super) fn status(incarnation: &str) -> String {
    format!("node:{{{incarnation}}}:status")
}

/// String: a session that ended.
pub(super) fn session(session: impl Display) -> String {
    format!("session:{{{session}}}")
}

/// String: the theoretical arrival time of a rate-limited key.
pub(super) fn limit(key: &str) -> String {
    format!("{{rl:{key}}}")
}

/// String: when somebody was let through last under a key that paces, and who.
pub(super) fn pace(key: &str) -> String {
    format!("{{pace:{key}}}")
}

/// A share of the presence map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PresenceShard(usize);

impl PresenceShard {
    pub(super) fn of(user: &UserId) -> Self {
        Self(shard_of(user.as_uuid().as_bytes(), PRESENCE_SHARDS))
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..PRESENCE_SHARDS).map(Self)
    }

    /// Hash: connection → `lease|status`, and `left` → `milliseconds|status` of the latest end of
    /// one.
    pub(super) fn user(self, user: impl Display) -> String {
        format!("{{u{:02}}}:presence:{user}", self.0)
    }

    /// Sorted set: users with connections or within the grace, by id.
    pub(super) fn online(self) -> String {
        format!("{{u{:02}}}:online", self.0)
    }

    /// Sorted set: users without connections, by when the last one ended.
    pub(super) fn leaving(self) -> String {
        format!("{{u{:02}}}:leaving", self.0)
    }

    /// String: the process that forgets those whose grace is over.
    pub(super) fn reaper(self) -> String {
        format!("{{u{:02}}}:reaper", self.0)
    }

    /// Hash: connection → user, of one lease.
    pub(super) fn lease(self, lease: &str) -> String {
        format!("{{u{:02}}}:node:{lease}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot("foo"), 12_182);
        assert_eq!(slot("{user1000}.following"), slot("{user1000}.followers"));
        assert_eq!(slot("foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot("foo{{bar}}zap"), crc16(b"{bar") % SLOTS);
    }

    #[test]
    fn everything_of_a_room_is_in_its_partitions_slot() {
        let room = RoomId::new();
        let partition = Partition::of(&room, 16);
        let id = MessageId::new();
        for key in [
            partition.room(&room),
            partition.id(&room, &id),
            partition.log(&room),
            partition.ahead(&room),
            partition.wal(),
            partition.dead(),
            partition.channel(&room),
            partition.probe("n.1"),
        ] {
            assert_eq!(slot(&key), partition.slot(), "{key}");
        }
    }

    #[test]
    fn a_channel_names_its_room() {
        let room = RoomId::direct(UserId::new(), UserId::new());
        assert_eq!(room_of_channel(&Partition(3).channel(&room)), Some(room));
        assert_eq!(room_of_channel(&inbox("n.1")), None);
    }

    #[test]
    fn rooms_spread_over_partitions() {
        let mut counts = [0; 16];
        for _ in 0..16_000 {
            counts[usize::from(Partition::of(&RoomId::new(), 16).0)] += 1;
        }
        assert!(counts.iter().all(|count| (700..1300).contains(count)), "{counts:?}");
    }
}
