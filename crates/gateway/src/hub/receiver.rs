//! What the bus says, and what the hub makes of it. Called from the bus's dispatch tasks: nothing here
//! waits.

use bytes::Bytes;
use hubbub_bus::{Control, Receiver, StoredNotice};
use hubbub_protocol::{Event, Position, RoomId, UserId};

use super::frame::WireFrame;
use super::{Hub, MARKS_KEY, TYPING_KEY};
use crate::metric::Metric;

/// How an event frame starts that changes who hears the room.
const MEMBER_FRAME: &[u8] = b"{\"type\":\"member\"";
/// How an event frame starts that may be the room's last.
const ROOM_FRAME: &[u8] = b"{\"type\":\"room\"";

impl Hub {
    /// What an event means for who hears the room.
    pub(super) fn follow_member_event(&self, room: RoomId, frame: &[u8]) {
        if frame.starts_with(ROOM_FRAME)
            && let Ok(Event::Room(change)) = Event::parse(frame)
            && change.details.destroyed
        {
            self.close_room(room);
        }
        if !frame.starts_with(MEMBER_FRAME) {
            return;
        }
        let Ok(Event::Member(member)) = Event::parse(frame) else { return };
        // Out at once, in the very place of the log where the membership ended; the store then
        // tells whether it has begun again since.
        if member.change.ends_membership() {
            self.detach_user(member.user, room);
        }
        self.follow_membership(member.user, room);
    }
}

impl Receiver for Hub {
    fn event(&self, room: RoomId, position: Position, frame: Bytes) {
        let Some(held) = self.room(room) else { return };
        let arrival = held.arrive(position, &frame, self.tick());
        if arrival.fill {
            self.fill(held);
        }
        if let Some(readers) = arrival.readers {
            self.delivered(room, position, readers);
        }
        for connection in arrival.overflowed {
            self.catch_up(&connection);
        }
        self.follow_member_event(room, &frame);
    }

    fn reset(&self, room: RoomId, position: Position) {
        let Some(held) = self.room(room) else { return };
        for connection in held.reset(position, self.tick()) {
            self.catch_up(&connection);
        }
    }

    fn volatile(&self, room: RoomId, key: &str, frame: Bytes) {
        let Some(held) = self.room(room) else {
            self.about_watched(room, key, &frame);
            return;
        };
        let wire = WireFrame::text(&frame);
        let about = [TYPING_KEY, MARKS_KEY]
            .iter()
            .find_map(|kind| key.strip_prefix(kind))
            .and_then(|user| user.parse::<UserId>().ok());
        let key = format!("{room}:{key}");
        for (_, member) in &held.state().members {
            if Some(member.user) != about {
                member.outbound.volatile(&key, wire.clone());
            }
        }
    }

    fn for_users(&self, users: &[UserId], key: &str, frame: Bytes) {
        let wire = WireFrame::text(&frame);
        for connection in users.iter().flat_map(|user| self.connections_of(*user)) {
            // What a connection is told before `ready`, `ready` tells it too.
            if connection.is_greeted() {
                connection.outbound.volatile(key, wire.clone());
            }
        }
    }

    fn control(&self, control: Control) {
        self.permissions.hear(&control);
        match control {
            Control::SessionEnded { session } => self.end_session(session),
            Control::MemberJoined { room, user } | Control::MemberGone { room, user } => {
                self.follow_membership(user, room);
            }
            Control::MemberChanged { .. } => {}
            Control::RoomChanged { room } => self.follow_room(room),
            Control::Command { command } => self.obey(command),
            // For operators' programs.
            Control::Traced { .. } => {}
        }
    }

    fn stored(&self, notices: Vec<StoredNotice>) {
        for notice in notices {
            self.told_stored(&notice);
            self.acks.stored(&notice);
        }
    }

    fn subscribed(&self, rooms: &[RoomId]) {
        for room in rooms {
            if let Some(held) = self.room(*room) {
                let mut state = held.state();
                state.subscribed = true;
                if state.head.is_none() {
                    // The receiver is gone only when the hub has stopped.
                    let _ = self.heads_wanted.send(*room);
                }
            } else {
                self.watch.doubt(*room);
            }
        }
    }

    fn gap(&self, rooms: &[RoomId]) {
        let rooms: Vec<_> = rooms.iter().copied().filter(|room| !self.watch.doubt(*room)).collect();
        metrics::counter!(Metric::Gaps.name()).increment(rooms.len() as u64);
        self.check_for_gaps(rooms);
    }

    fn control_gap(&self) {
        self.permissions.forget_all();
        self.recheck_everybody();
    }
}
