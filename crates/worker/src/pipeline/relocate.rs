//! Events that lost their place because the bus lost data.
//!
//! Their room goes on in a new epoch, and they are committed again there: members see them once
//! more in their new place, and nothing is lost even if the sender has gone. In this order, each
//! step of which can be repeated:
//!
//! 1. The store opens the next epoch, then the bus moves there ([`epoch::open_next`]). Both do
//!    nothing if it has happened already.
//! 2. The bus forgets the id, if it still remembers it at the lost place. A sender's own retry may
//!    have found a new place meanwhile; that one is kept.
//! 3. The event is committed again: same id, author and time. If the id has a place by now, this
//!    finds it and changes nothing.
//!
//! The lost entry itself is not settled here but left on the log. It comes back as a claim, and
//! only when the store has the copy is it settled, with a notice that tells the copy's place to the
//! node whose client still waits for it. So at every moment either the entry or its copy is on the
//! log, and whoever dies between two steps is followed by a consumer that begins with the first.

use hubbub_bus::{BusError, CommitError, CommitRequest};
use hubbub_store::StoreError;
use metrics::counter;

use super::batch::Pending;
use super::partition::Partition;
use super::retry::Stopped;
use crate::epoch::{self, EpochError};
use crate::metric::Metric;

/// Why events have no new place yet.
#[derive(Debug, thiserror::Error)]
enum RelocateError {
    #[error(transparent)]
    Epoch(#[from] EpochError),
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Partition {
    /// Commits lost events again, room by room, in their old order.
    pub(super) async fn relocate(&self, mut lost: Vec<Pending>) -> Result<(), Stopped> {
        lost.sort_by_key(|pending| (pending.event.room(), pending.event.position()));
        for of_room in lost.chunk_by(|a, b| a.event.room() == b.event.room()) {
            match self.relocate_room(of_room).await {
                Ok(()) => {}
                Err(RelocateError::Epoch(EpochError::Store(error @ StoreError::NoSuchRoom))) => {
                    for pending in of_room {
                        self.bury(&pending.entry, &error.to_string()).await?;
                    }
                }
                Err(error) => {
                    let room = of_room[0].event.room();
                    let events = of_room.len();
                    tracing::warn!(%room, events, %error, "lost events wait for their new place");
                }
            }
        }
        Ok(())
    }

    /// Stops at the first failure, so that later events do not overtake earlier ones.
    async fn relocate_room(&self, lost: &[Pending]) -> Result<(), RelocateError> {
        let Some(last) = lost.last() else { return Ok(()) };
        let (room, lost_at) = (last.event.room(), last.event.position());
        let shared = &*self.shared;
        let now_at = epoch::open_next(&*shared.log, &*shared.store, room, lost_at).await?;
        tracing::warn!(%room, %lost_at, %now_at, events = lost.len(), "the bus has lost data of a room; its events are committed again");
        for Pending { event, .. } in lost {
            shared.wal.forget(room, event.id(), event.position()).await?;
            let event = event.clone().without_place();
            shared.log.commit(CommitRequest { event: &event, checked: true }).await?;
            counter!(Metric::Relocated.name()).increment(1);
        }
        Ok(())
    }
}
