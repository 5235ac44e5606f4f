//! Joining and leaving, told to every node (P6).
//!
//! The store decides; the room's log carries the news in order; a control word makes live
//! connections on every node follow at once, even where nobody heard the room before.

use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::{Bus, Control};
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::http::Role;
use hubbub_protocol::{MemberChange, MessageId, NewEvent, RoomId, Timestamp, UserId};
use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::committer::{CommitFailure, Committed, Committer};
use crate::trying::trying;

/// Waits between the tries to tell news. After them a bus that restarts is back.
pub(crate) const NEWS_WAITS: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(200), Duration::from_millis(400)];

/// A membership change that the store has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MembershipChange {
    /// The room.
    pub room: RoomId,
    /// Who caused it.
    pub actor: UserId,
    /// Whose membership it is.
    pub user: UserId,
    /// What happened to it.
    pub change: MemberChange,
    /// When the store made the change.
    pub at: Timestamp,
    /// The new role, of a change of role.
    pub role: Option<Role>,
    /// Until when, of a mute.
    pub until: Option<Timestamp>,
}

impl MembershipChange {
    /// The event's name, made of the change itself: announced again, by whichever node, it is a
    /// retry of the same event and not a second one (P4).
    fn id(&self) -> MessageId {
        let mut hash = Sha256::new();
        hash.update(b"hubbub.membership.v1");
        hash.update([u8::try_from(self.room.as_bytes().len()).unwrap_or(u8::MAX)]);
        hash.update(self.room.as_bytes());
        hash.update(self.user.as_uuid().as_bytes());
        hash.update([match self.change {
            MemberChange::Joined => 0,
            MemberChange::Left => 1,
            MemberChange::Removed => 2,
            MemberChange::Banned => 3,
            MemberChange::Unbanned => 4,
            MemberChange::Role => 5,
            MemberChange::Muted => 6,
            MemberChange::Unmuted => 7,
        }]);
        let mut random = [0_u8; 10];
        random.copy_from_slice(&hash.finalize()[..10]);
        let millis = u64::try_from(self.at.millis()).unwrap_or(0);
        MessageId::from_uuid(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    fn event(&self) -> NewEvent {
        NewEvent {
            room: self.room,
            id: self.id(),
            sender: self.actor,
            at: self.at,
            kind: NewEventKind::Member {
                user: self.user,
                change: self.change,
                role: self.role,
                until: self.until,
            },
        }
    }

    const fn control(&self) -> Control {
        let (room, user) = (self.room, self.user);
        match self.change {
            MemberChange::Joined => Control::MemberJoined { room, user },
            MemberChange::Left | MemberChange::Removed | MemberChange::Banned => {
                Control::MemberGone { room, user }
            }
            MemberChange::Unbanned
            | MemberChange::Role
            | MemberChange::Muted
            | MemberChange::Unmuted => Control::MemberChanged { room, user },
        }
    }
}

/// Tells a room's members and every node that a membership has changed in the store. Tried a few
/// times, for up to a second and what the bus itself takes; the same change may be announced any
/// number of times and is one event.
///
/// # Errors
/// When the news could not be committed or told; the change itself holds, and live connections
/// follow at their next re-check.
pub async fn announce(
    bus: &Arc<dyn Bus>,
    committer: &Committer,
    change: &MembershipChange,
) -> Result<Committed, CommitFailure> {
    let (event, control) = (change.event(), change.control());
    let attempt = || announce_once(bus, committer, &event, &control);
    trying(&NEWS_WAITS, CommitFailure::passes, attempt).await
}

async fn announce_once(
    bus: &Arc<dyn Bus>,
    committer: &Committer,
    event: &NewEvent,
    control: &Control,
) -> Result<Committed, CommitFailure> {
    // Both are tried whatever becomes of the other: either one moves the live connections.
    let (committed, told) = tokio::join!(committer.commit(event), bus.publish_control(control));
    let committed = committed?;
    told?;
    Ok(committed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> MembershipChange {
        let user = UserId::new();
        MembershipChange {
            room: RoomId::new(),
            actor: user,
            user,
            change: MemberChange::Joined,
            at: Timestamp::now(),
            role: None,
            until: None,
        }
    }

    #[test]
    fn the_same_change_has_the_same_name_and_its_time() {
        let change = change();
        assert_eq!(change.id(), change.id());
        assert_eq!(change.id().made_at(), Some(change.at));
    }

    #[test]
    fn another_change_has_another_name() {
        let joined = change();
        let ids = [
            joined,
            MembershipChange { change: MemberChange::Left, ..joined },
            MembershipChange { user: UserId::new(), ..joined },
            MembershipChange { room: RoomId::new(), ..joined },
            MembershipChange { at: joined.at.after(Duration::from_millis(1)), ..joined },
        ]
        .map(|change| change.id());
        for (index, id) in ids.iter().enumerate() {
            assert!(!ids[..index].contains(id), "{index}");
        }
    }
}
