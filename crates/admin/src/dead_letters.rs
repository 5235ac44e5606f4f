//! Looking for events among the dead letters.

use hubbub_bus::Wal;
use hubbub_protocol::Event;

use crate::reach::{Failure, Reach};

/// Dead letters of a partition that are looked through.
const LETTERS: usize = 10_000;

/// The dead letters that `is_it` picks, as events. One that can't be read as an event is none.
///
/// # Errors
/// [`Failure`].
pub async fn find(reach: &Reach, is_it: impl Fn(&Event) -> bool) -> Result<Vec<Event>, Failure> {
    let mut found = Vec::new();
    for depth in reach.bus.depth().await?.iter().filter(|depth| depth.dead > 0) {
        let letters = reach.bus.dead_letters(depth.partition, LETTERS).await?;
        let events = letters.iter().filter_map(|held| Event::parse(held.frame.as_bytes()).ok());
        found.extend(events.filter(&is_it));
    }
    Ok(found)
}
