//! Who is typing, as far as this node's connections tell.
//!
//! Others are told at most once in [`TYPING_EVERY`] that somebody types, and forget it by themselves
//! after [`TYPING_LASTS`]. Whatever ends it before is told as well: a message, leaving the room, the
//! end of the connection.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hubbub_protocol::{RoomId, ServerFrame};

use super::connection::Connection;
use super::{Hub, TYPING_KEY};

/// How often others are told that somebody types, at the most. More is absorbed.
pub const TYPING_EVERY: Duration = Duration::from_secs(3);
/// How long others believe it without hearing of it again.
pub const TYPING_LASTS: Duration = Duration::from_secs(6);
/// Rooms in which one connection may be typing at the same time. More are absorbed.
const ROOMS_MAX: usize = 16;

/// The rooms in which a connection said lately that its person types.
#[derive(Debug, Default)]
pub(super) struct Typing(HashMap<RoomId, Started>);

#[derive(Debug, Clone, Copy)]
struct Started {
    at: Instant,
    /// Whether others were told.
    told: bool,
}

impl Typing {
    /// Notes that the person types. False if that was said a moment ago.
    fn begin(&mut self, room: RoomId, now: Instant) -> bool {
        self.0.retain(|_, started| now.duration_since(started.at) < TYPING_LASTS);
        match self.0.get(&room) {
            Some(started) if now.duration_since(started.at) < TYPING_EVERY => return false,
            None if self.0.len() >= ROOMS_MAX => return false,
            Some(_) | None => {}
        }
        self.0.insert(room, Started { at: now, told: false });
        true
    }

    /// Notes that the person no longer types. Whether others believe they do.
    ///
    /// What was told stays noted, since it counts for how often it may be told.
    fn end(&mut self, room: RoomId, now: Instant) -> bool {
        self.0.get_mut(&room).is_some_and(|started| {
            std::mem::take(&mut started.told) && now.duration_since(started.at) < TYPING_LASTS
        })
    }
}

impl Connection {
    /// Notes that its person types in a room. False if others need not be told, for now.
    #[must_use]
    pub fn begin_typing(&self, room: RoomId) -> bool {
        self.typing().get_or_insert_default().begin(room, Instant::now())
    }

    /// Others are about to be told that its person types in a room.
    pub fn tell_typing(&self, room: RoomId) {
        if let Some(typing) = self.typing().as_mut()
            && let Some(started) = typing.0.get_mut(&room)
        {
            started.told = true;
        }
    }
}

impl Hub {
    /// A connection's person no longer types in a room: others are told if they believe so.
    pub fn stop_typing(&self, connection: &Connection, room: RoomId) {
        let now = Instant::now();
        if connection.typing().as_mut().is_some_and(|typing| typing.end(room, now)) {
            self.publish_typing_end(connection, room);
        }
    }

    /// The same for all rooms, when the connection ends.
    pub(super) fn stop_typing_everywhere(&self, connection: &Connection) {
        let Some(mut typing) = connection.typing().take() else { return };
        let now = Instant::now();
        for room in typing.0.keys().copied().collect::<Vec<_>>() {
            if typing.end(room, now) {
                self.publish_typing_end(connection, room);
            }
        }
    }

    fn publish_typing_end(&self, connection: &Connection, room: RoomId) {
        let (bus, user) = (self.bus.clone(), connection.user);
        self.spawn(async move {
            let frame = ServerFrame::Typing { room, user, on: false }.encode();
            // Volatile: if it is lost, others forget it by themselves.
            if let Err(error) = bus.publish_volatile(room, &typing_key(user), &frame).await {
                tracing::debug!(%error, "can't tell that somebody stopped typing");
            }
        });
    }
}

/// The volatile key of somebody's typing.
#[must_use]
pub fn typing_key(user: hubbub_protocol::UserId) -> String {
    format!("{TYPING_KEY}{user}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_is_told_once_in_three_seconds_per_room() {
        let (mut typing, now) = (Typing::default(), Instant::now());
        let (room, other) = (RoomId::new(), RoomId::new());
        assert!(typing.begin(room, now));
        assert!(!typing.begin(room, now + TYPING_EVERY / 2));
        assert!(typing.begin(other, now));
        assert!(typing.begin(room, now + TYPING_EVERY));
    }

    #[test]
    fn an_end_is_told_only_while_others_believe_in_the_beginning() {
        let (mut typing, now) = (Typing::default(), Instant::now());
        let room = RoomId::new();
        assert!(!typing.end(room, now), "it never began");
        let begun = |typing: &mut Typing, at| {
            assert!(typing.begin(room, at));
            typing.0.get_mut(&room).unwrap().told = true;
        };
        begun(&mut typing, now);
        assert!(typing.end(room, now));
        assert!(!typing.end(room, now), "it was told");
        assert!(!typing.begin(room, now), "ending it is no way to tell it more often");
        begun(&mut typing, now + TYPING_EVERY);
        assert!(!typing.end(room, now + TYPING_EVERY + TYPING_LASTS), "forgotten already");
    }

    #[test]
    fn rooms_are_bounded_and_forgotten() {
        let (mut typing, now) = (Typing::default(), Instant::now());
        for _ in 0..ROOMS_MAX {
            assert!(typing.begin(RoomId::new(), now));
        }
        assert!(!typing.begin(RoomId::new(), now));
        assert!(typing.begin(RoomId::new(), now + TYPING_LASTS));
        assert_eq!(typing.0.len(), 1);
    }
}
