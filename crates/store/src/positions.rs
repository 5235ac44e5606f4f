//! How far each member has come, and what reaches them: one row per (room, user).

use async_trait::async_trait;
use hubbub_protocol::http::NotifyLevel;
use hubbub_protocol::limits::UNREAD_MAX;
use hubbub_protocol::{RoomId, Seq, UserId};

use crate::StoreError;

/// How far a member has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositionRecord {
    /// The room.
    pub room: RoomId,
    /// The member.
    pub user: UserId,
    /// The last event that reached one of their devices. Never below `read`.
    pub delivered: Seq,
    /// The last event they have read.
    pub read: Seq,
    /// The room's last event when they came in last; 0: they were there from the start.
    pub since: Seq,
    /// From where on they marked the room unread, if they did: at or below `read`, which has not
    /// moved since.
    pub unread_from: Option<Seq>,
    /// What of the room reaches them when they are not looking.
    pub notify: NotifyLevel,
    /// Grows with every change of the row.
    pub version: u64,
}

impl PositionRecord {
    /// Of a member who has come nowhere yet.
    #[must_use]
    pub const fn start(room: RoomId, user: UserId) -> Self {
        Self {
            room,
            user,
            delivered: Seq(0),
            read: Seq(0),
            since: Seq(0),
            unread_from: None,
            notify: NotifyLevel::Mentions,
            version: 0,
        }
    }

    /// What this member has not read comes after it.
    #[must_use]
    pub fn unread_after(&self) -> Seq {
        self.unread_from.map_or(self.read, |from| Seq(from.0.saturating_sub(1)))
    }

    /// The row after a change; the same row if the change changes nothing.
    #[must_use]
    pub(crate) fn changed(&self, change: &PositionChange) -> Self {
        let mut next = *self;
        if let Some(read) = change.read
            && read > self.read
        {
            next.read = read;
            next.unread_from = None;
        }
        next.delivered = self.delivered.max(change.delivered.unwrap_or_default()).max(next.read);
        if let Some(from) = change.unread_from {
            // What comes after `read` is unread anyway.
            next.unread_from = Some(from).filter(|from| (Seq(1)..=next.read).contains(from));
        }
        next.since = self.since.max(change.since.unwrap_or_default());
        next.notify = change.notify.unwrap_or(self.notify);
        if next != *self {
            next.version += 1;
        }
        next
    }
}

/// What is to change of a member's row. What is absent stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PositionChange {
    /// The last event that reached one of their devices. The greater counts.
    pub delivered: Option<Seq>,
    /// The last event they have read. The greater counts; it implies delivery, and where it moves
    /// forward it takes `unread_from` back.
    pub read: Option<Seq>,
    /// The room's last event as they come in. The greater counts.
    pub since: Option<Seq>,
    /// From where on to show everything as unread; 0 takes that back.
    pub unread_from: Option<Seq>,
    /// What of the room reaches them when they are not looking.
    pub notify: Option<NotifyLevel>,
}

impl PositionChange {
    /// That everything up to a place is read.
    #[must_use]
    pub fn read(upto: Seq) -> Self {
        Self { read: Some(upto), ..Self::default() }
    }

    /// That they come into a room that stands at `head`: what was said before is not unread.
    #[must_use]
    pub fn joined(head: Seq) -> Self {
        Self { since: Some(head), ..Self::read(head) }
    }
}

/// A row before and after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Before.
    pub from: PositionRecord,
    /// After.
    pub to: PositionRecord,
}

impl Moved {
    /// Whether the change changed anything.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        self.from.version != self.to.version
    }
}

/// A part of a room in which unread messages are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadRange {
    /// The room.
    pub room: RoomId,
    /// Everything up to here is read: [`PositionRecord::unread_after`].
    pub after: Seq,
    /// The room's last event.
    pub upto: Seq,
}

/// What is unread in a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    /// Messages by others that are not deleted; [`UNREAD_MAX`] stands for that many or more.
    pub messages: u64,
    /// Those among them that mention the reader or everybody; bounded alike.
    pub mentions: u64,
}

/// The most that is counted, as a query's limit.
pub(crate) const COUNTED_MAX: i64 = UNREAD_MAX as i64;

/// Positions and what follows from them.
#[async_trait]
pub trait PositionStore: Send + Sync {
    /// Changes a member's row, durably, in one atomic step.
    async fn mark(
        &self,
        room: RoomId,
        user: UserId,
        change: PositionChange,
    ) -> Result<Moved, StoreError>;

    /// Rows of members, in the order asked; [`PositionRecord::start`] where there is none.
    async fn positions_among(
        &self,
        pairs: &[(RoomId, UserId)],
    ) -> Result<Vec<PositionRecord>, StoreError>;

    /// A user's rows in rooms, in the order asked.
    async fn positions(
        &self,
        user: UserId,
        rooms: &[RoomId],
    ) -> Result<Vec<PositionRecord>, StoreError> {
        let pairs: Vec<_> = rooms.iter().map(|room| (*room, user)).collect();
        self.positions_among(&pairs).await
    }

    /// What a user has not read in parts of rooms, in the order asked. Counted each time, through
    /// indexes, up to [`UNREAD_MAX`] a room.
    async fn unread(&self, user: UserId, ranges: &[UnreadRange])
    -> Result<Vec<Unread>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(read: u64, unread_from: Option<u64>) -> PositionRecord {
        let start = PositionRecord::start(RoomId::new(), UserId::new());
        let (read, unread_from) = (Seq(read), unread_from.map(Seq));
        PositionRecord { delivered: read, read, unread_from, version: 1, ..start }
    }

    fn unread_from(from: u64) -> PositionChange {
        PositionChange { unread_from: Some(Seq(from)), ..PositionChange::default() }
    }

    #[test]
    fn marking_unread_sets_the_count_back_until_more_is_read() {
        let marked = row(7, None).changed(&unread_from(3));
        assert_eq!((marked.unread_from, marked.unread_after()), (Some(Seq(3)), Seq(2)));
        assert_eq!(marked.read, Seq(7), "others see no step back");
        assert_eq!(marked.changed(&PositionChange::read(Seq(7))), marked);
        let on = marked.changed(&PositionChange::read(Seq(8)));
        assert_eq!((on.unread_from, on.unread_after()), (None, Seq(8)));
    }

    #[test]
    fn zero_takes_the_mark_back_and_beyond_what_was_read_there_is_none() {
        assert_eq!(row(7, Some(3)).changed(&unread_from(0)).unread_from, None);
        assert_eq!(row(7, Some(3)).changed(&unread_from(8)).unread_from, None);
        assert_eq!(row(7, None).changed(&unread_from(7)).unread_from, Some(Seq(7)));
    }

    #[test]
    fn only_a_change_counts_as_a_version() {
        let row = row(7, None);
        assert_eq!(row.changed(&PositionChange::read(Seq(5))), row);
        assert_eq!(row.changed(&PositionChange::read(Seq(9))).version, row.version + 1);
    }
}
