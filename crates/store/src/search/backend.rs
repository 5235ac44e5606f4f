//! What a store gives for searching: its log, its messages, and a place for marks and blocks.

use async_trait::async_trait;
use hubbub_protocol::{Message, MessageBody, MessageId, RoomId, Seq, Timestamp};

use super::block::Block;
use super::touched::Touched;
use crate::{EventStore, StoreError};

/// Holes that a mark tells apart. Of more, the two nearest become one, which is looked through in
/// vain a little longer.
const HOLES_MAX: usize = 16;

/// How far a room's index reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// All that was stored up to here when it was set is in the blocks.
    pub(crate) indexed: Seq,
    /// Places below it that were empty then, as ranges with both ends, ascending. An event can
    /// still be stored there; most are what a new epoch has left out.
    pub(crate) holes: Vec<[Seq; 2]>,
    /// Counts its changes; 0 while there is none.
    pub(crate) revision: i64,
}

impl Mark {
    /// What is not in the blocks.
    pub(crate) fn unindexed(&self) -> impl Iterator<Item = [Seq; 2]> + '_ {
        let beyond = [Seq(self.indexed.0 + 1), Seq::from_i64(i64::MAX)];
        self.holes.iter().copied().chain([beyond])
    }

    /// The mark after these places, ascending, were indexed: all there are of what was not.
    pub(super) fn advanced(&self, places: impl IntoIterator<Item = Seq>) -> Self {
        let mut holes = Vec::new();
        let mut left = self.holes.iter().copied();
        let mut hole = left.next();
        let mut indexed = self.indexed;
        for seq in places {
            while hole.is_some_and(|[_, end]| end < seq) {
                holes.extend(hole);
                hole = left.next();
            }
            if seq <= self.indexed {
                if let Some([start, end]) = hole.as_mut().filter(|[start, _]| *start <= seq) {
                    if *start < seq {
                        holes.push([*start, Seq(seq.0 - 1)]);
                    }
                    *start = Seq(seq.0 + 1);
                    if *start > *end {
                        hole = left.next();
                    }
                }
                continue;
            }
            if seq.0 > indexed.0 + 1 {
                holes.push([Seq(indexed.0 + 1), Seq(seq.0 - 1)]);
            }
            indexed = seq;
        }
        holes.extend(hole);
        holes.extend(left);
        holes.sort_unstable();
        while holes.len() > HOLES_MAX {
            let gap = |at: &usize| holes[at + 1][0].0 - holes[*at][1].0;
            let nearest = (0..holes.len() - 1).min_by_key(gap).unwrap_or(0);
            let [_, end] = holes.remove(nearest + 1);
            holes[nearest][1] = end;
        }
        Self { indexed, holes, revision: self.revision }
    }
}

/// An event of a room's log, as far as the index is concerned.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) room: RoomId,
    pub(crate) seq: Seq,
    pub(crate) kind: LoggedKind,
}

#[derive(Debug, Clone)]
pub(crate) enum LoggedKind {
    /// A message, as it was said.
    Message,
    /// A message says something else.
    Edited(MessageId, MessageBody),
    /// A message is deleted.
    Deleted(MessageId),
    /// Something else about a message.
    Reaction(MessageId),
    /// Nothing that is searched.
    Other,
}

impl LoggedKind {
    /// The message that it changes.
    pub(crate) const fn target(&self) -> Option<MessageId> {
        match self {
            Self::Edited(id, _) | Self::Deleted(id) | Self::Reaction(id) => Some(*id),
            Self::Message | Self::Other => None,
        }
    }
}

/// Which blocks to read.
#[derive(Debug, Clone)]
pub(crate) struct BlockScan {
    /// Of which rooms; not more than a search asks for at a time.
    pub(crate) rooms: Vec<RoomId>,
    /// Bits that their filters have.
    pub(crate) bits: Vec<usize>,
    /// Those with a message from this time or before it.
    pub(crate) upto: Timestamp,
    /// Those with a message from this time or after it.
    pub(crate) since: Timestamp,
    /// Those that come after this block.
    pub(crate) after: Option<BlockPlace>,
}

/// A block's place in a scan: by the newest message, the newest first, then in an order of the
/// store's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockPlace {
    pub(crate) newest: Timestamp,
    pub(crate) room: RoomId,
    pub(crate) number: u64,
}

/// A part of a scan.
#[derive(Debug)]
pub(crate) struct BlockPage {
    pub(crate) blocks: Vec<Block>,
    /// Where to go on; none at the end.
    pub(crate) next: Option<BlockPlace>,
}

#[async_trait]
pub(crate) trait SearchBackend: EventStore + Sized {
    /// The rooms that this process has stored events of.
    fn touched(&self) -> &Touched;

    /// The marks of rooms, in the order asked.
    async fn marks(&self, rooms: &[RoomId]) -> Result<Vec<Mark>, StoreError>;

    /// Sets a room's mark, unless it has another revision than this one by now. Whether it did.
    async fn set_mark(&self, room: RoomId, mark: &Mark) -> Result<bool, StoreError>;

    /// All rooms, ascending by id, with their highest stored seq.
    async fn heads(
        &self,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<(RoomId, Seq)>, StoreError>;

    /// Events of these parts of the rooms' logs, both ends included. Ascending by seq if they are
    /// of one room.
    async fn logged(
        &self,
        parts: &[(RoomId, [Seq; 2])],
        limit: usize,
    ) -> Result<Vec<Logged>, StoreError>;

    /// Messages by place, in their latest state; what is no message, or a deleted one, may be left
    /// out. Order is not kept.
    async fn messages_at(&self, places: &[(RoomId, Seq)]) -> Result<Vec<Message>, StoreError>;

    /// Part of a scan, up to `limit` blocks, the newest first.
    async fn blocks(&self, scan: &BlockScan, limit: usize) -> Result<BlockPage, StoreError>;

    /// A block's revision, which counts its changes; 0 while there is none.
    async fn block_revision(&self, room: RoomId, number: u64) -> Result<i64, StoreError>;

    /// Keeps a block, unless it has another revision than this one by now. Whether it did.
    async fn put_block(&self, block: &Block, revision: i64) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(indexed: u64, holes: &[[u64; 2]]) -> Mark {
        let holes = holes.iter().map(|range| range.map(Seq)).collect();
        Mark { indexed: Seq(indexed), holes, revision: 0 }
    }

    fn advanced(from: &Mark, places: &[u64]) -> Mark {
        from.advanced(places.iter().map(|seq| Seq(*seq)))
    }

    #[test]
    fn places_that_are_left_out_become_holes() {
        assert_eq!(advanced(&mark(0, &[]), &[1, 2, 3]), mark(3, &[]));
        assert_eq!(advanced(&mark(3, &[]), &[5, 6, 10]), mark(10, &[[4, 4], [7, 9]]));
    }

    #[test]
    fn holes_shrink_and_close() {
        let from = mark(20, &[[2, 2], [5, 9], [12, 13]]);
        assert_eq!(advanced(&from, &[2]), mark(20, &[[5, 9], [12, 13]]));
        assert_eq!(advanced(&from, &[5, 9]), mark(20, &[[2, 2], [6, 8], [12, 13]]));
        assert_eq!(
            advanced(&from, &[7, 12, 13, 22]),
            mark(22, &[[2, 2], [5, 6], [8, 9], [21, 21]])
        );
        assert_eq!(advanced(&from, &[]), from);
    }

    #[test]
    fn many_holes_become_few_that_cover_them() {
        let sparse: Vec<u64> = (1..100).map(|n| n * 3).collect();
        let mark = advanced(&Mark::default(), &sparse);
        assert_eq!(mark.holes.len(), HOLES_MAX);
        let covered = |seq| mark.holes.iter().any(|[start, end]| (start.0..=end.0).contains(&seq));
        assert!((1..297).filter(|seq| seq % 3 != 0).all(covered));
    }
}
