//! What the index keeps of 128 places of a room's log.

use hubbub_protocol::{Message, RoomId, Seq, Timestamp};

use super::feature::Feature;

/// Places of a block.
pub(crate) const PLACES: u64 = 128;
/// Bits of a filter. With about 2 500 features of two bits each a sixth of them are set.
pub(super) const FILTER_BITS: usize = 1 << 15;
/// Bitmaps of a block. A message of a line or two sets its place in a fifth of them.
pub(super) const ROWS: usize = 256;

const FILTER_BYTES: usize = FILTER_BITS / 8;
const ROW_BYTES: usize = 16;
const TIME_BYTES: usize = 8;
const SLOT_BYTES: usize = ROWS * ROW_BYTES + PLACES as usize * TIME_BYTES;

/// Which block of a room a place is in.
pub(crate) const fn number_of(seq: Seq) -> u64 {
    seq.0 / PLACES
}

/// A block, found or in the making.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) room: RoomId,
    pub(crate) number: u64,
    oldest: Timestamp,
    newest: Timestamp,
    /// Bit `n` is bit `n % 8` of byte `n / 8`, as MongoDB counts the bits of binary data.
    filter: Vec<u8>,
    rows: Vec<u128>,
    times: Vec<Timestamp>,
}

impl Block {
    pub(super) fn new(room: RoomId, number: u64) -> Self {
        Self {
            room,
            number,
            oldest: Timestamp::from_millis(i64::MAX),
            newest: Timestamp::from_millis(i64::MIN),
            filter: vec![0; FILTER_BYTES],
            rows: vec![0; ROWS],
            times: vec![Timestamp::default(); PLACES as usize],
        }
    }

    /// A block as it was kept; none if the lengths are not those of this program.
    pub(crate) fn read(
        (room, number): (RoomId, u64),
        (oldest, newest): (Timestamp, Timestamp),
        filter: Vec<u8>,
        slots: &[u8],
    ) -> Option<Self> {
        if filter.len() != FILTER_BYTES || slots.len() != SLOT_BYTES {
            return None;
        }
        let (rows, times) = slots.split_at(ROWS * ROW_BYTES);
        let rows = rows.as_chunks().0.iter().map(|bytes| u128::from_le_bytes(*bytes)).collect();
        let times = times.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes));
        let times = times.map(Timestamp::from_millis).collect();
        Some(Self { room, number, oldest, newest, filter, rows, times })
    }

    /// The times of its oldest and its newest message; zero if it has none.
    pub(crate) fn span(&self) -> (Timestamp, Timestamp) {
        if self.is_empty() { Default::default() } else { (self.oldest, self.newest) }
    }

    /// The filter as it is kept.
    pub(crate) fn filter(&self) -> &[u8] {
        &self.filter
    }

    /// The bitmaps and times as they are kept.
    pub(crate) fn slots(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        bytes.extend(self.rows.iter().flat_map(|row| row.to_le_bytes()));
        bytes.extend(self.times.iter().flat_map(|at| at.millis().to_le_bytes()));
        bytes
    }

    /// Whether there is no message in it.
    pub(super) fn is_empty(&self) -> bool {
        self.oldest > self.newest
    }

    /// Adds a message of one of its places with what it can be found by.
    pub(super) fn add(&mut self, message: &Message, features: &[Feature]) {
        let slot = (message.seq.0 % PLACES) as usize;
        self.oldest = self.oldest.min(message.at);
        self.newest = self.newest.max(message.at);
        self.times[slot] = message.at;
        for feature in features {
            self.rows[feature.row()] |= 1 << slot;
            for bit in feature.filter_bits() {
                self.filter[bit / 8] |= 1 << (bit % 8);
            }
        }
    }

    /// Places whose message may have all of the features, with its time.
    pub(super) fn candidates(
        &self,
        features: &[Feature],
    ) -> impl Iterator<Item = (Timestamp, Seq)> {
        let mut places =
            features.iter().fold(u128::MAX, |left, feature| left & self.rows[feature.row()]);
        std::iter::from_fn(move || {
            let slot = (places != 0).then(|| places.trailing_zeros())?;
            places &= places - 1;
            Some((self.times[slot as usize], Seq(self.number * PLACES + u64::from(slot))))
        })
    }
}

/// Whether a kept filter has all of these bits.
pub(crate) fn has_bits(filter: &[u8], bits: &[usize]) -> bool {
    bits.iter().all(|bit| filter.get(bit / 8).is_some_and(|byte| byte & (1 << (bit % 8)) != 0))
}
