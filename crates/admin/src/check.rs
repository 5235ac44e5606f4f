//! Whether what is stored is sound, and mending what can be mended.
//!
//! It may run while everything does: what looks wrong is looked at again before it is told.

use std::collections::BTreeSet;
use std::time::Duration;

use hubbub_bus::{Progress, RoomLog, Wal};
use hubbub_protocol::{Epoch, Event, Position, RoomId, Seq, UserId};
use hubbub_store::{InspectionStore, LogSpan, MembershipStore, RoomStore, StrayMember};
use hubbub_worker::epoch;
use serde::Serialize;
use tokio::time::sleep;

use crate::dead_letters;
use crate::output::{Outcome, Output, Shown};
use crate::reach::{Failure, Reach};

/// Rooms of one page.
const ROOMS: usize = 500;
/// Stray memberships told at once.
const STRAYS: usize = 1_000;
/// What looks wrong is looked at again after this time: it may have been on its way.
const AGAIN: Duration = Duration::from_secs(2);

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The bus would give places that the store has given already.
    CountersBehind {
        /// The room.
        room: RoomId,
        /// What the bus has.
        bus: Position,
        /// What the store has.
        store: Position,
    },
    /// The bus says that events are stored which are not there.
    EventsMissing {
        /// The room.
        room: RoomId,
        /// The epoch they were in.
        epoch: Epoch,
        /// How many.
        missing: u64,
        /// How many of the epoch's are dead letters, which explains as many.
        dead_letters: u64,
    },
    /// A membership of a room that is not there.
    MembershipWithoutRoom {
        /// The room.
        room: RoomId,
        /// Who.
        user: UserId,
    },
    /// A room whose owner is no member.
    OwnerNoMember {
        /// The room.
        room: RoomId,
        /// Its owner.
        owner: UserId,
    },
    /// Events that could not be stored wait for an operator.
    DeadLetters {
        /// The partition.
        partition: u16,
        /// How many.
        letters: u64,
    },
}

impl Finding {
    /// What mending does about it.
    const fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::EventsMissing { missing, dead_letters, .. } if *missing <= *dead_letters => {
                Some("replay the dead letters first")
            }
            Self::CountersBehind { .. } | Self::EventsMissing { .. } => Some("a new epoch"),
            Self::MembershipWithoutRoom { .. } => Some("remove it"),
            Self::OwnerNoMember { .. } | Self::DeadLetters { .. } => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::CountersBehind { room, bus, store } => {
                format!("room {room}: the bus is at {bus}, the store at {store}")
            }
            Self::EventsMissing { room, epoch, missing, dead_letters } => format!(
                "room {room}: {missing} events of epoch {epoch} are missing, \
                 {dead_letters} of it are dead letters"
            ),
            Self::MembershipWithoutRoom { room, user } => {
                format!("{user} is a member of {room}, which is not there")
            }
            Self::OwnerNoMember { room, owner } => {
                format!("room {room}: its owner {owner} is no member")
            }
            Self::DeadLetters { partition, letters } => {
                format!("partition {partition}: {letters} dead letters; see `dead-letters list`")
            }
        }
    }
}

/// A finding as it is shown.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    finding: Finding,
    repair: Option<&'static str>,
    repaired: bool,
}

impl Shown for Row {
    const HEADINGS: &'static [&'static str] = &["finding", "repair"];

    fn cells(&self) -> Vec<String> {
        let repair = match (self.repaired, self.repair) {
            (true, Some(remedy)) => format!("done: {remedy}"),
            (false, Some(remedy)) => remedy.to_owned(),
            (_, None) => "by hand".to_owned(),
        };
        vec![self.finding.text(), repair]
    }
}

/// Looks at everything, or at one room, and shows what is wrong. With `repair` mends what can be
/// mended. Not sound is told as [`Outcome::No`]; after mending only what is left counts.
///
/// # Errors
/// [`Failure`].
pub async fn check(
    reach: &Reach,
    only: Option<RoomId>,
    repair: bool,
    out: &mut Output<'_>,
) -> Result<Outcome, Failure> {
    let mut rows = Vec::new();
    for finding in findings(reach, only).await? {
        let repaired = repair && mend(reach, finding).await?;
        rows.push(Row { finding, repair: finding.remedy(), repaired });
    }
    out.rows(&rows, "everything is sound")?;
    let sound = rows.iter().all(|row| row.repaired);
    Ok(if sound { Outcome::Good } else { Outcome::No })
}

async fn findings(reach: &Reach, only: Option<RoomId>) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let mut after = None;
    loop {
        let rooms = match only {
            Some(room) => vec![room],
            None => reach.store.room_ids(after, ROOMS).await?,
        };
        after = rooms.last().copied();
        findings.extend(of_rooms(reach, &rooms).await?);
        if after.is_none() || only.is_some() {
            break;
        }
    }
    if only.is_none() {
        let strays = reach.store.stray_members(STRAYS).await?;
        let stray = |StrayMember { room, user }| Finding::MembershipWithoutRoom { room, user };
        findings.extend(strays.into_iter().map(stray));
        for depth in reach.bus.depth().await?.iter().filter(|depth| depth.dead > 0) {
            let (partition, letters) = (depth.partition, depth.dead);
            findings.push(Finding::DeadLetters { partition, letters });
        }
    }
    Ok(findings)
}

async fn of_rooms(reach: &Reach, rooms: &[RoomId]) -> Result<Vec<Finding>, Failure> {
    let mut doubtful = BTreeSet::new();
    for room in rooms {
        if !of_log(reach, *room).await?.is_empty() {
            doubtful.insert(*room);
        }
    }
    let mut findings = Vec::new();
    if !doubtful.is_empty() {
        sleep(AGAIN).await;
    }
    for room in doubtful {
        findings.extend(of_log(reach, room).await?);
    }
    for record in reach.store.rooms(rooms).await? {
        let Some(owner) = record.owner else { continue };
        let room = record.id;
        if reach.store.membership(room, owner).await?.is_none() {
            findings.push(Finding::OwnerNoMember { room, owner });
        }
    }
    Ok(findings)
}

/// What is wrong with a room's log. What the bus says is asked first for what must be stored, and last
/// for what must not be behind: the room may go on meanwhile.
async fn of_log(reach: &Reach, room: RoomId) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let progress = reach.bus.progress(room).await?;
    let spans = reach.store.log_spans(room).await?;
    if let Some(progress) = progress
        && let missing @ 1.. = missing(&spans, progress)
    {
        let epoch = progress.head.epoch;
        let dead_letters = dead_letters_of(reach, room, epoch).await?;
        findings.push(Finding::EventsMissing { room, epoch, missing, dead_letters });
    }
    let last = spans.last().map(|span| Position::new(span.epoch, span.last));
    let bus = reach.bus.heads(&[room]).await?.into_iter().next().flatten();
    if let (Some(store), Some(bus)) = (last, bus)
        && (bus.epoch < store.epoch || bus.seq < store.seq)
    {
        findings.push(Finding::CountersBehind { room, bus, store });
    }
    Ok(findings)
}

/// How many events of the room's present epoch are not there though the bus was told that they are.
/// What an earlier epoch lacks was lost with the bus's memory and never acked.
fn missing(spans: &[LogSpan], Progress { head, began, stored }: Progress) -> u64 {
    let span = spans.iter().find(|span| span.epoch == head.epoch);
    // The first epoch begins with the first event; a later one somewhere above what was known.
    let began = if head.epoch == Epoch(1) { Some(Seq(0)) } else { began };
    let began = match (began, span) {
        (Some(began), Some(span)) => began.0.min(span.first.0.saturating_sub(1)),
        (Some(began), None) => began.0,
        (None, Some(span)) => span.first.0.saturating_sub(1),
        (None, None) => return 0,
    };
    let (last, events) = span.map_or((0, 0), |span| (span.last.0, span.events));
    let should = stored.0.max(last).saturating_sub(began);
    // Beyond `stored` there may be holes that are about to be filled.
    let beyond = last.saturating_sub(stored.0.max(began));
    should.saturating_sub(events).saturating_sub(beyond)
}

async fn dead_letters_of(reach: &Reach, room: RoomId, epoch: Epoch) -> Result<u64, Failure> {
    let is_its = |event: &Event| event.room() == room && event.position().epoch == epoch;
    Ok(dead_letters::find(reach, is_its).await?.len() as u64)
}

/// Mends a finding. Whether it could be.
async fn mend(reach: &Reach, finding: Finding) -> Result<bool, Failure> {
    match finding {
        Finding::CountersBehind { room, bus, store } => {
            let seen = Position::new(store.epoch.max(bus.epoch), store.seq.max(bus.seq));
            epoch::open_next(&reach.bus, &reach.store, room, seen).await?;
            Ok(true)
        }
        // Replayed, they fill the holes that a new epoch would make final.
        Finding::EventsMissing { missing, dead_letters, .. } if missing <= dead_letters => {
            Ok(false)
        }
        Finding::EventsMissing { room, .. } => {
            // What is gone is gone. In a new epoch nobody waits for it: clients reload once.
            let Some(head) = reach.bus.heads(&[room]).await?.into_iter().next().flatten() else {
                return Ok(false);
            };
            epoch::open_next(&reach.bus, &reach.store, room, head).await?;
            Ok(true)
        }
        Finding::MembershipWithoutRoom { room, user } => {
            let stray = StrayMember { room, user };
            Ok(reach.store.remove_stray_members(&[stray]).await? > 0)
        }
        Finding::OwnerNoMember { .. } | Finding::DeadLetters { .. } => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(epoch: u64, first: u64, last: u64, events: u64) -> LogSpan {
        LogSpan { epoch: Epoch(epoch), first: Seq(first), last: Seq(last), events }
    }

    fn lacks(spans: &[LogSpan], epoch: u64, stored: u64) -> u64 {
        lacks_since(None, spans, epoch, stored)
    }

    fn lacks_since(began: Option<u64>, spans: &[LogSpan], epoch: u64, stored: u64) -> u64 {
        let head = Position::new(Epoch(epoch), Seq(stored));
        missing(spans, Progress { head, began: began.map(Seq), stored: Seq(stored) })
    }

    #[test]
    fn a_whole_log_lacks_nothing() {
        assert_eq!(lacks(&[span(1, 1, 9, 9)], 1, 9), 0);
        assert_eq!(lacks(&[span(1, 1, 9, 4), span(2, 10_010, 10_012, 3)], 2, 10_012), 0);
        assert_eq!(lacks(&[], 1, 0), 0);
    }

    #[test]
    fn what_is_said_to_be_stored_and_is_not_is_missing() {
        assert_eq!(lacks(&[span(1, 1, 9, 8)], 1, 9), 1);
        assert_eq!(lacks(&[span(1, 3, 9, 7)], 1, 9), 2, "the beginning");
        assert_eq!(lacks(&[span(1, 1, 7, 7)], 1, 9), 2, "the end");
        assert_eq!(lacks(&[span(2, 10_010, 10_012, 2)], 2, 10_012), 1);
    }

    #[test]
    fn an_epoch_of_which_nothing_is_left_is_missing() {
        assert_eq!(lacks(&[], 1, 9), 9);
        let old = [span(1, 1, 9, 9)];
        assert_eq!(lacks_since(Some(10_009), &old, 2, 10_012), 3);
        assert_eq!(lacks_since(Some(10_009), &old, 2, 10_009), 0, "nothing was said in it yet");
        assert_eq!(lacks(&old, 2, 10_012), 0, "nobody knows where it began");
        let beginning = [span(2, 10_012, 10_013, 2)];
        assert_eq!(lacks_since(Some(10_009), &beginning, 2, 10_013), 2);
        let earlier = [span(2, 10_001, 10_013, 13)];
        assert_eq!(lacks_since(Some(10_009), &earlier, 2, 10_013), 0);
    }

    #[test]
    fn what_is_stored_ahead_of_a_hole_that_is_still_open_is_no_loss() {
        assert_eq!(lacks(&[span(1, 1, 9, 7)], 1, 5), 0);
        assert_eq!(lacks(&[span(1, 4, 9, 6)], 1, 0), 0, "the first are on their way");
    }
}
