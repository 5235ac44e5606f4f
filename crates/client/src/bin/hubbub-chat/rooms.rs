//! The rooms and people that are known by name.

use std::collections::HashMap;

use hubbub_client::http::{Api, ApiError};
use hubbub_protocol::http::{Room, RoomKind};
use hubbub_protocol::{RoomId, UserId};

/// Rooms and members that are looked at, at the most.
const KNOWN_MAX: usize = 2_000;

/// Who and what goes by which name.
#[derive(Default)]
pub(crate) struct Directory {
    rooms: Vec<Room>,
    people: HashMap<UserId, String>,
}

impl Directory {
    /// This user's rooms, in the order of their numbers.
    pub(crate) fn rooms(&self) -> &[Room] {
        &self.rooms
    }

    /// A room.
    pub(crate) fn room(&self, room: RoomId) -> Option<&Room> {
        self.rooms.iter().find(|known| known.id == room)
    }

    /// Adds a room, or what is new about it, and returns its number.
    pub(crate) fn add(&mut self, room: Room) -> usize {
        if let Some(at) = self.rooms.iter().position(|known| known.id == room.id) {
            self.rooms[at] = room;
            return at + 1;
        }
        self.rooms.push(room);
        self.rooms.len()
    }

    /// Forgets a room and returns its name.
    pub(crate) fn remove(&mut self, room: RoomId) -> Option<String> {
        let at = self.rooms.iter().position(|known| known.id == room)?;
        Some(self.rooms.remove(at).name)
    }

    /// The room with this number or name. A name may be given in part if only one room fits.
    pub(crate) fn find(&self, text: &str) -> Result<RoomId, String> {
        if let Some(room) = text.parse().ok().and_then(|n: usize| self.rooms.get(n.wrapping_sub(1)))
        {
            return Ok(room.id);
        }
        let wanted = text.to_lowercase();
        let fits = |fit: &dyn Fn(&str) -> bool| -> Vec<RoomId> {
            let named = |room: &&Room| fit(&room.name.to_lowercase());
            self.rooms.iter().filter(named).map(|room| room.id).collect()
        };
        let exact = fits(&|name| name == wanted);
        let found = if exact.is_empty() { fits(&|name| name.contains(&wanted)) } else { exact };
        match found[..] {
            [room] => Ok(room),
            [] => Err(format!("you are in no room called {text}; /rooms lists yours")),
            _ => Err(format!("more than one room is called {text}; use its number in /rooms")),
        }
    }

    /// Reads this user's rooms anew.
    pub(crate) async fn load(&mut self, api: &Api) -> Result<(), ApiError> {
        let mut rooms = Vec::new();
        let mut after = None;
        loop {
            let page = api.rooms(after.as_deref()).await?;
            rooms.extend(page.rooms);
            after = page.next;
            if after.is_none() || rooms.len() >= KNOWN_MAX {
                break;
            }
        }
        self.rooms = rooms;
        Ok(())
    }

    /// Takes note of somebody.
    pub(crate) fn meet(&mut self, user: UserId, name: String) {
        if self.people.len() >= KNOWN_MAX {
            self.people.clear();
        }
        self.people.insert(user, name);
    }

    /// Somebody's name, if they were met.
    pub(crate) fn known(&self, user: UserId) -> Option<&str> {
        self.people.get(&user).map(String::as_str)
    }

    /// Somebody's name, who is or was in `room`.
    pub(crate) async fn name(&mut self, api: &Api, room: RoomId, user: UserId) -> String {
        if let Some(name) = self.people.get(&user) {
            return name.clone();
        }
        // Without an answer the person keeps their id for a name.
        let _ = self.meet_members(api, room).await;
        if let Some(name) = self.people.get(&user) {
            return name.clone();
        }
        let stand_in = format!("user {}", &user.to_string()[..8]);
        self.meet(user, stand_in.clone());
        stand_in
    }

    async fn meet_members(&mut self, api: &Api, room: RoomId) -> Result<(), ApiError> {
        let mut after = None;
        let mut met = 0;
        loop {
            let page = api.members(room, after.as_deref()).await?;
            met += page.users.len();
            for user in page.users {
                self.meet(user.id, user.display_name);
            }
            after = page.next;
            if after.is_none() || met >= KNOWN_MAX / 2 {
                return Ok(());
            }
        }
    }
}

/// What kind of room, in a word.
pub(crate) const fn kind(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Public => "public",
        RoomKind::Private => "private",
        RoomKind::Direct => "direct",
        RoomKind::Group => "group",
    }
}

#[cfg(test)]
mod tests {
    use hubbub_protocol::http::{NotifyLevel, Role};
    use hubbub_protocol::{Epoch, Seq, Timestamp};

    use super::*;

    fn room(name: &str) -> Room {
        Room {
            id: RoomId::new(),
            kind: RoomKind::Public,
            name: name.into(),
            description: String::new(),
            code: None,
            owner: None,
            role: None,
            created_at: Timestamp::default(),
            members: 1,
            epoch: Epoch(1),
            seq: Seq(0),
            read: Seq(0),
            delivered: Seq(0),
            unread: 0,
            mentions: 0,
            unread_from: None,
            topic: String::new(),
            icon: None,
            slow_mode_ms: 0,
            links: Role::Member,
            mention_all: Role::Moderator,
            archived: false,
            notify: NotifyLevel::default(),
            muted_until: None,
            people: Vec::new(),
            code_expires_at: None,
            code_uses_left: None,
        }
    }

    #[test]
    fn a_room_is_found_by_number_by_name_or_by_a_part_that_fits_one_only() {
        let mut directory = Directory::default();
        for name in ["Tea", "Tea and Cake", "Garden"] {
            directory.add(room(name));
        }
        let found = |text: &str| directory.find(text).ok();
        assert_eq!(found("3"), Some(directory.rooms()[2].id));
        assert_eq!(found("tea"), Some(directory.rooms()[0].id));
        assert_eq!(found("cake"), Some(directory.rooms()[1].id));
        assert!(directory.find("e").unwrap_err().contains("more than one"));
        assert!(directory.find("0").is_err());
    }
}
