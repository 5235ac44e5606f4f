//! How far somebody has come, told at most once a second for each room.
//!
//! The first mark of a room is carried out at once. What comes within a second after it is merged,
//! and carried out when the second is over, even if the connection has closed by then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hubbub_protocol::server::ErrorFrame;
use hubbub_protocol::{RoomId, Seq, ServerFrame};
use hubbub_store::PositionChange;

use super::{Session, Sockets};
use crate::hub::connection::Connection;
use crate::reading;
use crate::refused::Refused;

/// Between two marks of one room.
const PACE: Duration = Duration::from_secs(1);

/// The marks of one connection. Holds the rooms it marked within the last second.
#[derive(Debug, Default)]
pub(super) struct Marks {
    recent: Mutex<HashMap<RoomId, Recent>>,
}

/// A room that was marked a moment ago.
#[derive(Debug, Default)]
struct Recent {
    /// What was read when it was.
    read: Seq,
    /// What is to be carried out next.
    next: Option<PositionChange>,
}

impl Marks {
    fn recent(&self) -> MutexGuard<'_, HashMap<RoomId, Recent>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a mark is to be carried out now. If not, it is merged with what waits.
    fn begin(&self, room: RoomId, change: PositionChange) -> bool {
        let mut recent = self.recent();
        let Some(held) = recent.get_mut(&room) else {
            recent.insert(room, Recent::default());
            return true;
        };
        held.next = Some(match held.next {
            Some(waiting) => merged(waiting, change, held.read),
            None => change,
        });
        false
    }

    fn carried_out(&self, room: RoomId, read: Seq) {
        if let Some(held) = self.recent().get_mut(&room) {
            held.read = read;
        }
    }

    /// What is to be carried out after the pause; without anything the room is forgotten.
    fn next(&self, room: RoomId) -> Option<PositionChange> {
        let mut recent = self.recent();
        let next = recent.get_mut(&room).and_then(|held| held.next.take());
        if next.is_none() {
            recent.remove(&room);
        }
        next
    }

    fn forget(&self, room: RoomId) {
        self.recent().remove(&room);
    }
}

/// Two changes in one: what both would have made, one after the other, of a row that has been read
/// up to `read`.
fn merged(first: PositionChange, then: PositionChange, read: Seq) -> PositionChange {
    let reads_on = then.read.is_some_and(|upto| Some(upto) > first.read && upto > read);
    let kept = first.unread_from.filter(|_| !reads_on);
    PositionChange {
        delivered: first.delivered.max(then.delivered),
        read: first.read.max(then.read),
        since: first.since.max(then.since),
        unread_from: then.unread_from.or(kept),
        notify: then.notify.or(first.notify),
    }
}

impl Session {
    pub(super) async fn mark(&self, room: RoomId, change: PositionChange) -> Result<(), Refused> {
        if !self.marks.begin(room, change) {
            return Ok(());
        }
        let (sockets, marks) = (&self.sockets, &self.marks);
        match carry_out(sockets, &self.connection, room, change).await {
            Ok(read) => marks.carried_out(room, read),
            Err(refused) => {
                marks.forget(room);
                return Err(refused);
            }
        }
        // Not the session: it would seem connected for as long as the task runs.
        let (sockets, marks) = (Arc::clone(sockets), Arc::clone(marks));
        let connection = Arc::clone(&self.connection);
        let tasks = sockets.tasks.clone();
        tasks.spawn(async move { keep_pace(&sockets, &marks, &connection, room).await });
        Ok(())
    }
}

/// Carries out what was marked within each second, until nothing was.
async fn keep_pace(sockets: &Sockets, marks: &Marks, connection: &Connection, room: RoomId) {
    loop {
        // A node that leaves does not wait for the second to be over.
        let _ = sockets.stop.run_until_cancelled(tokio::time::sleep(PACE)).await;
        let Some(change) = marks.next(room) else { return };
        match carry_out(sockets, connection, room, change).await {
            Ok(read) => marks.carried_out(room, read),
            Err(refused) => {
                marks.forget(room);
                let mut error = ErrorFrame::from(refused);
                error.room = Some(room);
                connection.tell(&ServerFrame::Error(error));
                return;
            }
        }
    }
}

/// Carries a mark out, and tells what is read then.
async fn carry_out(
    sockets: &Sockets,
    connection: &Connection,
    room: RoomId,
    change: PositionChange,
) -> Result<Seq, Refused> {
    let app = &sockets.app;
    let standing = app.permissions.standing(room, connection.user).await?;
    let row = reading::change(app, room, connection.user, &standing, change).await?;
    Ok(row.read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(upto: u64) -> PositionChange {
        PositionChange::read(Seq(upto))
    }

    fn unread(from: u64) -> PositionChange {
        PositionChange { unread_from: Some(Seq(from)), ..PositionChange::default() }
    }

    #[test]
    fn of_marks_within_a_second_the_greatest_count_and_the_rest_is_merged() {
        let (marks, room) = (Marks::default(), RoomId::new());
        assert!(marks.begin(room, read(1)));
        assert!(marks.begin(RoomId::new(), read(1)), "another room");
        for change in [read(4), read(2), PositionChange { delivered: Some(Seq(9)), ..read(3) }] {
            assert!(!marks.begin(room, change));
        }
        let expected = PositionChange { delivered: Some(Seq(9)), ..read(4) };
        assert_eq!(marks.next(room), Some(expected));
        assert_eq!(marks.next(room), None);
        assert!(marks.begin(room, read(5)), "the second is over");
    }

    #[test]
    fn a_merged_change_is_what_both_would_have_made() {
        // Nothing new is read: the mark stays.
        assert_eq!(merged(unread(3), read(7), Seq(7)).unread_from, Some(Seq(3)));
        // More is read: it is taken back, and what the row had before as well.
        assert_eq!(merged(unread(3), read(8), Seq(7)), read(8));
        let both = merged(read(8), unread(3), Seq(7));
        assert_eq!((both.read, both.unread_from), (Some(Seq(8)), Some(Seq(3))));
        assert_eq!(merged(unread(3), unread(0), Seq(7)), unread(0));
    }
}
