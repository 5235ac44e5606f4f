//! Rooms.

use async_trait::async_trait;
use hubbub_protocol::http::{Role, RoomKind};
use hubbub_protocol::{PictureId, RoomCode, RoomId, Timestamp, UserId};

use uuid::Uuid;

use crate::{Membership, StoreError};

/// The id of the lobby, the room that everybody comes into: the same in every store, so that
/// however many make it at once, there is one. A UUID of version 8 that spells `lobby` and `hubbub`.
pub const LOBBY: RoomId = RoomId::Group(Uuid::from_u128(0x6c6f_6262_7900_8000_8000_6875_6262_7562));

/// A room to make. Its maker becomes its owner and first member.
#[derive(Debug, Clone)]
pub struct NewRoom {
    /// The id.
    pub id: RoomId,
    /// Public or private.
    pub kind: RoomKind,
    /// The name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// What lets others in.
    pub code: RoomCode,
    /// Who makes it.
    pub owner: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// How long a room's code works, and for how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CodeLimits {
    /// When it stops working; none: never.
    pub expires_at: Option<Timestamp>,
    /// How many more people it lets in; none: any number.
    pub uses_left: Option<u32>,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRecord {
    /// The id.
    pub id: RoomId,
    /// What kind.
    pub kind: RoomKind,
    /// The name; empty for a direct room.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// What is going on at the moment.
    pub topic: String,
    /// Its picture, if it has one.
    pub icon: Option<PictureId>,
    /// What lets others in; none for a direct room.
    pub code: Option<RoomCode>,
    /// How long the code works, and for how many.
    pub code_limits: CodeLimits,
    /// Who owns it; none for a direct room.
    pub owner: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// How many members it has.
    pub members: u64,
    /// Milliseconds between two messages of a member; 0: no slow mode.
    pub slow_mode_ms: u64,
    /// The least role that may post links.
    pub links: Role,
    /// The least role whose `@all` calls everybody.
    pub mention_all: Role,
    /// Whether it is read-only.
    pub archived: bool,
    /// The people of a direct room, in ascending order, those who left included; none for others.
    pub people: Vec<UserId>,
}

impl RoomRecord {
    /// A room as it is made.
    pub(crate) fn new(room: NewRoom) -> Self {
        let NewRoom { id, kind, name, description, code, owner, created_at } = room;
        Self {
            id,
            kind,
            name,
            description,
            topic: String::new(),
            icon: None,
            code: Some(code),
            code_limits: CodeLimits::default(),
            owner: Some(owner),
            created_at,
            members: 1,
            slow_mode_ms: 0,
            links: Role::Member,
            mention_all: Role::Moderator,
            archived: false,
            people: Vec::new(),
        }
    }

    /// The lobby as it is made: nobody is in it, and nobody owns it.
    pub(crate) fn lobby(name: &str, code: RoomCode, now: Timestamp) -> Self {
        let owned = Self::new(NewRoom {
            id: LOBBY,
            kind: RoomKind::Public,
            name: name.to_owned(),
            description: String::new(),
            code,
            owner: UserId::from_uuid(Uuid::nil()),
            created_at: now,
        });
        Self { owner: None, members: 0, ..owned }
    }

    /// The direct room of two people, or of a few, as it is made.
    pub(crate) fn direct(people: &[UserId], now: Timestamp) -> Self {
        let mut people = people.to_vec();
        people.sort_unstable();
        people.dedup();
        let (id, kind) = match people[..] {
            [a, b] => (RoomId::direct(a, b), RoomKind::Direct),
            _ => (RoomId::direct_group(&people), RoomKind::Group),
        };
        Self {
            id,
            kind,
            name: String::new(),
            description: String::new(),
            topic: String::new(),
            icon: None,
            code: None,
            code_limits: CodeLimits::default(),
            owner: None,
            created_at: now,
            members: people.len() as u64,
            slow_mode_ms: 0,
            links: Role::Member,
            mention_all: Role::Member,
            archived: false,
            people,
        }
    }
}

/// What to change of a room; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomUpdate {
    /// The name.
    pub name: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// What is going on at the moment.
    pub topic: Option<String>,
    /// Its picture; `Some(None)` takes it away.
    pub icon: Option<Option<PictureId>>,
    /// Milliseconds between two messages of a member.
    pub slow_mode_ms: Option<u64>,
    /// The least role that may post links.
    pub links: Option<Role>,
    /// The least role whose `@all` calls everybody.
    pub mention_all: Option<Role>,
    /// Whether it is read-only.
    pub archived: Option<bool>,
    /// Words nobody may use, all of them.
    pub refused_words: Option<Vec<String>>,
}

/// A role as both stores keep it: roles compare as these do.
pub(crate) const fn role_code(role: Role) -> i32 {
    match role {
        Role::Member => 0,
        Role::Moderator => 1,
        Role::Owner => 2,
    }
}

/// The role of a code.
pub(crate) const fn role_of(code: i32) -> Option<Role> {
    match code {
        0 => Some(Role::Member),
        1 => Some(Role::Moderator),
        2 => Some(Role::Owner),
        _ => None,
    }
}

/// What opening a direct room did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It made the room.
    Made,
    /// The room was there; whoever opens it had left it and is a member again.
    Rejoined,
    /// The room was there, and they were a member.
    Present,
}

/// Rooms.
#[async_trait]
pub trait RoomStore: Send + Sync {
    /// Makes a room in epoch 1, with its owner as member. Made again with the same id, it stays as
    /// it is.
    async fn create_room(&self, room: NewRoom) -> Result<RoomRecord, StoreError>;

    /// Makes the lobby ([`LOBBY`]) in epoch 1, empty and without an owner, and tells whether this
    /// call did: if it is there, it stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRoom`] when it was destroyed.
    async fn open_lobby(
        &self,
        name: &str,
        code: RoomCode,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The direct room of two different people, made if there is none, with both as members.
    /// Whether this call made it. Both sides at once get one room, and one of them made it.
    async fn open_direct(
        &self,
        a: UserId,
        b: UserId,
        now: Timestamp,
    ) -> Result<(RoomRecord, bool), StoreError>;

    /// The direct room of a few people, made if there is none, with all of them as members. `opener`
    /// is one of them; if they had left it, they are a member again, and whoever else left stays
    /// out. Whether this call made the room, and whether it brought the opener in.
    async fn open_group(
        &self,
        opener: UserId,
        people: &[UserId],
        now: Timestamp,
    ) -> Result<(RoomRecord, Opened), StoreError>;

    /// Rooms by id; those that do not exist are left out. Order is not kept.
    async fn rooms(&self, ids: &[RoomId]) -> Result<Vec<RoomRecord>, StoreError>;

    /// The room a code belongs to, whether or not it still lets anybody in.
    async fn room_by_code(&self, code: RoomCode) -> Result<Option<RoomRecord>, StoreError>;

    /// Replaces a room's code. Whether the room exists and has codes.
    async fn set_room_code(
        &self,
        room: RoomId,
        code: RoomCode,
        limits: CodeLimits,
    ) -> Result<bool, StoreError>;

    /// Changes a room's details.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRoom`].
    async fn update_room(&self, room: RoomId, update: RoomUpdate)
    -> Result<RoomRecord, StoreError>;

    /// Words nobody may use in a room; none if there is no such room.
    async fn refused_words(&self, room: RoomId) -> Result<Vec<String>, StoreError>;

    /// A user's rooms, ascending by id, after `after`.
    async fn rooms_of(
        &self,
        user: UserId,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<(RoomRecord, Membership)>, StoreError>;

    /// Public rooms whose name contains `query` (without regard to case or diacritics), ascending
    /// by id. Archived ones are left out.
    async fn directory(
        &self,
        query: &str,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomRecord>, StoreError>;

    /// Every room, of all kinds, ascending by id, after `after`: those whose name contains `query`, as
    /// in the [`directory`](Self::directory). Direct rooms have no name and contain only nothing.
    async fn all_rooms(
        &self,
        query: &str,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Vec<RoomRecord>, StoreError>;
}
