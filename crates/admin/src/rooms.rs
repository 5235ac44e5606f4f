//! Rooms by size.

use hubbub_protocol::RoomId;
use hubbub_protocol::http::RoomKind;
use hubbub_store::{InspectionStore, RoomStore};
use serde::Serialize;

use crate::output::{Outcome, Output, Shown};
use crate::reach::{Failure, Reach};

#[derive(Serialize)]
struct Row {
    room: RoomId,
    members: u64,
    kind: Option<RoomKind>,
    name: Option<String>,
}

impl Shown for Row {
    const HEADINGS: &'static [&'static str] = &["room", "members", "kind", "name"];

    fn cells(&self) -> Vec<String> {
        let kind = self.kind.and_then(|kind| serde_json::to_value(kind).ok());
        vec![
            self.room.to_string(),
            self.members.to_string(),
            kind.and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default(),
            self.name.clone().unwrap_or_default(),
        ]
    }
}

/// Shows the rooms with the most members.
///
/// # Errors
/// [`Failure`].
pub async fn show(reach: &Reach, limit: usize, out: &mut Output<'_>) -> Result<Outcome, Failure> {
    let sizes = reach.store.largest_rooms(limit).await?;
    let ids: Vec<RoomId> = sizes.iter().map(|size| size.room).collect();
    let records = reach.store.rooms(&ids).await?;
    let rows: Vec<Row> = sizes
        .into_iter()
        .map(|size| {
            let record = records.iter().find(|record| record.id == size.room);
            Row {
                room: size.room,
                members: size.members,
                kind: record.map(|record| record.kind),
                name: record.map(|record| record.name.clone()),
            }
        })
        .collect();
    out.rows(&rows, "there are no rooms")?;
    Ok(Outcome::Good)
}
