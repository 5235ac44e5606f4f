//! What an operator asks of the write-ahead log: how full it is, what could not be stored and why,
//! and to try that again. Bodies of messages are shown only when they are asked for.

use std::io::{self, Write};

use hubbub_bus::wal::WalDepth;
use hubbub_bus::{BusError, DeadLetter, Wal};
use hubbub_protocol::{Event, MessageId, NodeId, Position, RoomId, Timestamp};
use serde::Serialize;

/// Dead letters that are held in memory at a time.
const PAGE: usize = 200;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Redis did not answer.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The answer could not be written.
    #[error("can't write the answer: {0}")]
    Output(#[from] io::Error),
    /// The partition is not one.
    #[error("there is no partition {partition}: they are numbered 0 to {last}")]
    NoSuchPartition {
        /// The partition.
        partition: u16,
        /// The last one there is.
        last: u16,
    },
    /// The dead letter is not there.
    #[error("there is no dead letter {id} in partition {partition}; see `dead-letters list`")]
    NoSuchLetter {
        /// The partition.
        partition: u16,
        /// The id.
        id: String,
    },
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON object a line.
    Json,
}

/// Which dead letters, and how much of them.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    /// Only of this partition.
    pub partition: Option<u16>,
    /// So many of each partition, the oldest.
    pub limit: usize,
    /// With the frames, and in them what people wrote.
    pub show_frames: bool,
    /// How to write them.
    pub format: Format,
}

/// A dead letter as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    partition: u16,
    id: &'a str,
    at: Timestamp,
    origin: &'a NodeId,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<ShownEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<&'a str>,
}

/// Which event it is, where the frame can be read at all.
#[derive(Serialize)]
struct ShownEvent {
    room: RoomId,
    #[serde(flatten)]
    position: Position,
    message: MessageId,
}

impl<'a> Shown<'a> {
    fn of(letter: &'a DeadLetter, with_frame: bool) -> Self {
        let event = Event::parse(letter.frame.as_bytes()).ok().map(|event| ShownEvent {
            room: event.room(),
            position: event.position(),
            message: event.id(),
        });
        Self {
            partition: letter.partition,
            id: &letter.id,
            at: letter.at,
            origin: &letter.origin,
            reason: &letter.reason,
            event,
            frame: with_frame.then_some(letter.frame.as_str()),
        }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "partition {}  id {}", self.partition, self.id)?;
        writeln!(out, "  set aside  {}, committed by {}", self.at, self.origin)?;
        writeln!(out, "  reason     {}", self.reason)?;
        match &self.event {
            Some(ShownEvent { room, position, message }) => {
                writeln!(out, "  event      {message} at {position} in room {room}")?;
            }
            None => writeln!(out, "  event      not readable")?,
        }
        if let Some(frame) = self.frame {
            writeln!(out, "  frame      {frame}")?;
        }
        Ok(())
    }
}

/// Writes how full each partition is.
///
/// # Errors
/// [`OperatorError::Bus`], [`OperatorError::Output`].
pub async fn show_depth(
    wal: &dyn Wal,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), OperatorError> {
    let depths = wal.depth().await?;
    if format == Format::Json {
        return Ok(depths.iter().try_for_each(|depth| write_json(out, depth))?);
    }
    writeln!(
        out,
        "{:>9}  {:>9}  {:>10}  {:>12}",
        "partition", "waiting", "oldest", "dead letters"
    )?;
    for WalDepth { partition, entries, oldest, dead } in &depths {
        let oldest =
            oldest.map_or_else(|| "-".to_owned(), |age| format!("{:.1} s", age.as_secs_f64()));
        writeln!(out, "{partition:>9}  {entries:>9}  {oldest:>10}  {dead:>12}")?;
    }
    let entries: u64 = depths.iter().map(|depth| depth.entries).sum();
    let dead: u64 = depths.iter().map(|depth| depth.dead).sum();
    writeln!(out, "{:>9}  {entries:>9}  {:>10}  {dead:>12}", "all", "")?;
    Ok(())
}

/// Writes dead letters, oldest first.
///
/// # Errors
/// [`OperatorError`].
pub async fn list_dead_letters(
    wal: &dyn Wal,
    listing: Listing,
    out: &mut dyn Write,
) -> Result<(), OperatorError> {
    let depths = depths(wal, listing.partition).await?;
    for WalDepth { partition, dead, .. } in &depths {
        let letters = wal.dead_letters(*partition, listing.limit).await?;
        for letter in &letters {
            let shown = Shown::of(letter, listing.show_frames);
            match listing.format {
                Format::Table => shown.write(out)?,
                Format::Json => write_json(out, &shown)?,
            }
        }
        let more = dead.saturating_sub(letters.len() as u64);
        if more > 0 && listing.format == Format::Table {
            writeln!(out, "partition {partition}  {more} more; raise --limit to see them")?;
        }
    }
    if listing.format == Format::Table && depths.iter().all(|depth| depth.dead == 0) {
        writeln!(out, "no dead letters")?;
    }
    Ok(())
}

/// Puts one dead letter back on the log.
///
/// # Errors
/// [`OperatorError`].
pub async fn replay(
    wal: &dyn Wal,
    partition: u16,
    id: &str,
    out: &mut dyn Write,
) -> Result<(), OperatorError> {
    check_partition(wal, partition)?;
    if !wal.replay(partition, id).await? {
        return Err(OperatorError::NoSuchLetter { partition, id: id.to_owned() });
    }
    writeln!(out, "1 dead letter is back on the log")?;
    Ok(())
}

/// Puts every dead letter (of a partition) that is there now back on the log. Those that fail again
/// meanwhile stay dead letters.
///
/// # Errors
/// [`OperatorError`].
pub async fn replay_all(
    wal: &dyn Wal,
    partition: Option<u16>,
    out: &mut dyn Write,
) -> Result<(), OperatorError> {
    let mut replayed: u64 = 0;
    for WalDepth { partition, dead, .. } in depths(wal, partition).await? {
        let mut left = usize::try_from(dead).unwrap_or(usize::MAX);
        while left > 0 {
            let letters = wal.dead_letters(partition, left.min(PAGE)).await?;
            if letters.is_empty() {
                break;
            }
            left = left.saturating_sub(letters.len());
            for letter in letters {
                // Another operator may have been quicker.
                replayed += u64::from(wal.replay(partition, &letter.id).await?);
            }
        }
    }
    let noun = if replayed == 1 { "dead letter is" } else { "dead letters are" };
    writeln!(out, "{replayed} {noun} back on the log")?;
    Ok(())
}

async fn depths(wal: &dyn Wal, only: Option<u16>) -> Result<Vec<WalDepth>, OperatorError> {
    if let Some(partition) = only {
        check_partition(wal, partition)?;
    }
    let mut depths = wal.depth().await?;
    depths.retain(|depth| only.is_none_or(|only| only == depth.partition));
    Ok(depths)
}

fn check_partition(wal: &dyn Wal, partition: u16) -> Result<(), OperatorError> {
    let last = wal.partitions().saturating_sub(1);
    if partition > last {
        return Err(OperatorError::NoSuchPartition { partition, last });
    }
    Ok(())
}

fn write_json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}
