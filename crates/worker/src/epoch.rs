//! New epochs: how a room goes on when its counters on the bus can no longer be trusted.
//!
//! One order, whoever notices the loss (a gateway that finds no counters, a worker that finds a
//! place taken): first the store's epoch, durably, then the bus. A process that dies in between
//! leaves the bus in the old epoch, and the next one to notice does both again, with the same
//! result. The bus is never ahead of the store, so a second loss still finds the right epoch.

use hubbub_bus::{BusError, RoomLog};
use hubbub_protocol::{Position, RoomId, Seq};
use hubbub_store::{EventStore, StoreError};

/// How far above the highest known seq a new epoch starts.
///
/// Between reading that seq and moving the bus, events of the old epoch may still be stored by
/// other workers. The margin keeps the new epoch's places clear of them: it is far more than the
/// events of one room that can be on their way in that moment.
pub const MARGIN: u64 = 10_000;

/// How often the bus may turn out to be in yet another old epoch before it is given up on.
const ROUNDS: usize = 4;

/// Why a room could not be given a new epoch. Trying again is safe.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// The store did not open the epoch.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bus did not move on.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// The position from which a new epoch goes on, given the epoch and the highest known seq.
#[must_use]
pub const fn with_margin(opened: Position) -> Position {
    Position::new(opened.epoch, Seq(opened.seq.0 + MARGIN))
}

/// Begins the epoch after `lost.epoch`, unless that has happened already, and takes the bus there.
/// Returns where the room is then.
///
/// `lost` is the highest place known to have been given in the epoch that broke, whether or not its
/// event was stored. A room that has moved on by itself is left as it is, so any number of
/// processes may call this for the same loss.
///
/// # Errors
/// [`EpochError`]; [`StoreError::NoSuchRoom`] among them.
pub async fn open_next(
    log: &dyn RoomLog,
    store: &dyn EventStore,
    room: RoomId,
    lost: Position,
) -> Result<Position, EpochError> {
    let opened = store.open_epoch(room, lost.epoch).await?;
    let highest = Position::new(opened.epoch, opened.seq.max(lost.seq));
    Ok(raise(log, room, with_margin(highest)).await?)
}

/// Takes the bus to the epoch of `to`, from no counters or from any earlier epoch.
async fn raise(log: &dyn RoomLog, room: RoomId, to: Position) -> Result<Position, BusError> {
    let mut at = log.seed(room, to, true).await?;
    for _ in 0..ROUNDS {
        if at.epoch >= to.epoch {
            return Ok(at);
        }
        at = log.reopen(room, at.epoch, to).await?;
    }
    Err(BusError::Protocol(format!("room {room} stays in epoch {}", at.epoch)))
}

#[cfg(test)]
mod tests {
    use hubbub_protocol::Epoch;

    use super::*;

    #[test]
    fn a_new_epoch_starts_a_margin_above_the_highest_seq() {
        let opened = Position::new(Epoch(3), Seq(41));
        assert_eq!(with_margin(opened), Position::new(Epoch(3), Seq(10_041)));
    }
}
