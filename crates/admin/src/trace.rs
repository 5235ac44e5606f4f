//! Where a message has been: accepted, stored, delivered.
//!
//! That it is stored, and when it was accepted, the store knows for good; what waits is in the
//! write-ahead log. When it was stored and where it went is asked of the nodes, which remember what
//! passed through them lately.

use futures_util::{StreamExt, TryStreamExt, stream};
use hubbub_bus::{NodeTrace, Presence, RoomLog};
use hubbub_protocol::{Event, MessageId, NodeId, Position, RoomId, Timestamp, UserId};
use hubbub_store::{EventStore, InspectionStore};
use serde::Serialize;

use crate::dead_letters;
use crate::output::{Outcome, Output};
use crate::reach::{Failure, Reach};

/// Rooms that are looked at together.
const ROOMS: usize = 1_000;
/// Rooms of which the hot log is asked at a time.
const AT_ONCE: usize = 32;
/// How far an event has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// MongoDB has it.
    Stored,
    /// It waits in the write-ahead log.
    Waiting,
    /// It could not be stored.
    DeadLetter,
}

/// Where an event is.
#[derive(Debug, Clone, Copy)]
struct Found {
    room: RoomId,
    position: Position,
    sender: UserId,
    accepted: Timestamp,
    standing: Standing,
}

impl Found {
    fn unstored(event: &Event, standing: Standing) -> Self {
        Self {
            room: event.room(),
            position: event.position(),
            sender: event.sender(),
            accepted: event.at(),
            standing,
        }
    }
}

/// What a node knows, as it is shown.
#[derive(Debug, Serialize)]
struct AtNode {
    node: NodeId,
    #[serde(flatten)]
    trace: NodeTrace,
}

#[derive(Debug, Serialize)]
struct Answer {
    message: MessageId,
    room: RoomId,
    #[serde(flatten)]
    position: Position,
    sender: UserId,
    accepted: Timestamp,
    standing: Standing,
    nodes: Vec<AtNode>,
    silent: Vec<NodeId>,
}

/// Shows where a message, or any other event, has been. Without its room all rooms are looked at.
///
/// # Errors
/// [`Failure`].
pub async fn trace(
    reach: &Reach,
    message: MessageId,
    room: Option<RoomId>,
    out: &mut Output<'_>,
) -> Result<Outcome, Failure> {
    let found = match find(reach, message, room).await? {
        Some(found) => Some(found),
        None => buried(reach, message, room).await?,
    };
    let Some(found) = found else {
        let answer = serde_json::json!({ "message": message, "error": "not_found" });
        out.one(&answer, &format!("nobody knows a message {message}"))?;
        return Ok(Outcome::No);
    };
    let Found { room, position, sender, accepted, standing } = found;
    let mut silent: Vec<NodeId> =
        reach.bus.nodes().await?.into_iter().map(|lease| lease.node).collect();
    silent.sort();
    let mut nodes: Vec<AtNode> = reach
        .traces(&silent, room, position)
        .await?
        .into_iter()
        .map(|(node, trace)| AtNode { node, trace })
        .collect();
    nodes.sort_by(|a, b| a.node.cmp(&b.node));
    silent.retain(|node| nodes.iter().all(|answered| answered.node != *node));
    let answer = Answer { message, room, position, sender, accepted, standing, nodes, silent };
    out.one(&answer, &text(&answer))?;
    Ok(Outcome::Good)
}

fn text(answer: &Answer) -> String {
    let Answer { message, room, position, sender, accepted, standing, nodes, silent } = answer;
    let mut lines = vec![
        format!("message   {message}"),
        format!("room      {room}, at {position}"),
        format!("sender    {sender}"),
        format!("accepted  {accepted}"),
    ];
    let committed = nodes.iter().find_map(|at| Some((&at.node, at.trace.committed?)));
    if let Some((node, at)) = committed {
        lines.push(format!("committed {at} by {node}"));
    }
    let told = nodes.iter().find_map(|at| at.trace.told_stored);
    lines.push(match (standing, told) {
        (Standing::Stored, Some(at)) => format!("stored    {at} (when its node was told)"),
        (Standing::Stored, None) => "stored    yes; no node remembers when".to_owned(),
        (Standing::Waiting, _) => "stored    not yet: it waits in the write-ahead log".to_owned(),
        (Standing::DeadLetter, _) => "stored    no: see `dead-letters list`".to_owned(),
    });
    for AtNode { node, trace } in nodes {
        let passed = trace.head.is_some_and(|head| head >= *position);
        lines.push(match (trace.delivered, passed) {
            (Some(at), _) => {
                format!("delivered {at} by {node} to {} connections", trace.connections)
            }
            (None, true) => format!("passed    {node}, which no longer remembers when"),
            (None, false) => {
                format!("not at    {node}: {} connections hear the room there", trace.members)
            }
        });
    }
    lines.extend(silent.iter().map(|node| format!("silent    {node} has not answered")));
    lines.join("\n")
}

async fn find(
    reach: &Reach,
    message: MessageId,
    room: Option<RoomId>,
) -> Result<Option<Found>, Failure> {
    if let Some(room) = room {
        return find_in(reach, &[room], message).await;
    }
    let mut after = None;
    loop {
        let rooms = reach.store.room_ids(after, ROOMS).await?;
        let Some(last) = rooms.last() else { return Ok(None) };
        after = Some(*last);
        if let Some(found) = find_in(reach, &rooms, message).await? {
            return Ok(Some(found));
        }
    }
}

/// The store first: of what is in both, it knows more.
async fn find_in(
    reach: &Reach,
    rooms: &[RoomId],
    message: MessageId,
) -> Result<Option<Found>, Failure> {
    let ids: Vec<_> = rooms.iter().map(|room| (*room, message)).collect();
    let places = reach.store.places(&ids).await?;
    for (room, place) in rooms.iter().zip(places) {
        if let Some(place) = place {
            return Ok(Some(Found {
                room: *room,
                position: place.position,
                sender: place.sender,
                accepted: place.at,
                standing: Standing::Stored,
            }));
        }
    }
    let look = |room: RoomId| async move {
        let event = reach.bus.find(room, message).await?;
        Ok::<_, Failure>(event.and_then(|event| Event::parse(&event.frame).ok()))
    };
    let mut looks = stream::iter(rooms.iter().copied()).map(look).buffer_unordered(AT_ONCE);
    let mut event = None;
    while let Some(found) = looks.try_next().await? {
        event = event.or(found);
    }
    let Some(event) = event else { return Ok(None) };
    let buried = buried(reach, message, Some(event.room())).await?;
    Ok(buried.or_else(|| Some(Found::unstored(&event, Standing::Waiting))))
}

/// A message that is a dead letter, which the hot log need not have any more.
async fn buried(
    reach: &Reach,
    message: MessageId,
    room: Option<RoomId>,
) -> Result<Option<Found>, Failure> {
    let is_it =
        |event: &Event| event.id() == message && room.is_none_or(|room| room == event.room());
    let events = dead_letters::find(reach, is_it).await?;
    Ok(events.first().map(|event| Found::unstored(event, Standing::DeadLetter)))
}
