//! Joining and leaving, told to every node (P6).
//!
//! The store decides; the room's log carries the news in order; a control word makes live
//! connections on every node follow at once, even where nobody heard the room before.

use std::sync::Arc;

use hubbub_bus::{Bus, Control};
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{MemberChange, MessageId, NewEvent, RoomId, Timestamp, UserId};

use crate::committer::{CommitFailure, Committer};

/// Tells a room's members and every node that somebody's membership has changed in the store.
///
/// # Errors
/// When the news could not be committed; the change itself holds, and live connections follow at
/// their next re-check.
pub async fn announce(
    bus: &Arc<dyn Bus>,
    committer: &Committer,
    room: RoomId,
    actor: UserId,
    user: UserId,
    change: MemberChange,
) -> Result<(), CommitFailure> {
    let control = if change.is_member_after() {
        Control::MemberJoined { room, user }
    } else {
        Control::MemberGone { room, user }
    };
    let event = NewEvent {
        room,
        id: MessageId::new(),
        sender: actor,
        at: Timestamp::now(),
        kind: NewEventKind::Member { user, change },
    };
    // Both are tried whatever becomes of the other: either one moves the live connections.
    let (committed, told) = tokio::join!(committer.commit(&event), bus.publish_control(&control));
    committed?;
    told.map_err(CommitFailure::from)
}
