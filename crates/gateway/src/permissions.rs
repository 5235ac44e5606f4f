//! What somebody may do in a room (P6).
//!
//! Asked for every frame, so the answers are remembered: by room and by member, a bounded number of
//! each, for a few seconds at the most. Control words forget them on every node as soon as something
//! changes, and a gap in the control words forgets everything. So a removal, a ban, a mute or an
//! archive takes effect everywhere at once, and in a quiet room nothing is asked of the store.
//!
//! - [`links`]: whether a text has a link
//! - [`words`]: words that are not allowed

pub mod links;
mod memory;
pub mod words;

use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::{Bus, Control, Verdict};
use hubbub_protocol::http::{Role, RoomKind};
use hubbub_protocol::{ErrorCode, MessageId, RoomId, Timestamp, UserId};
use hubbub_store::{Membership, RoomRecord, Store};

use self::memory::Memory;
use self::words::Words;
use crate::metric::Pace;
use crate::refused::Refused;

/// Rooms, and members of rooms, that are remembered. Some 100 bytes each, and the refused words.
const REMEMBERED: u64 = 100_000;

/// What a member is in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomStanding {
    /// What kind of room.
    pub kind: RoomKind,
    /// Their role; everybody is a member in a direct room.
    pub role: Role,
    /// How many members the room has. May be some seconds old.
    pub members: u64,
    /// Whether `@all` by them calls everybody.
    pub may_mention_all: bool,
    /// Whether this is the room of two people of whom one has blocked the other.
    pub blocked: bool,
}

impl RoomStanding {
    /// Whether they keep order here: may delete what others said.
    #[must_use]
    pub fn moderates(&self) -> bool {
        self.role >= Role::Moderator && !self.kind.is_direct()
    }
}

/// What holds for all members of a room.
#[derive(Debug)]
struct Rules {
    record: RoomRecord,
    words: Words,
}

/// What holds for one member of a room.
#[derive(Debug, Clone, Copy)]
struct Place {
    role: Role,
    muted_until: Option<Timestamp>,
    /// Whether this is the room of two people of whom one has blocked the other.
    blocked: bool,
}

/// Answers what somebody may do in a room.
#[derive(Debug)]
pub struct Permissions {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    /// Not allowed in any room.
    words: Words,
    rooms: Memory<RoomId, Option<Arc<Rules>>>,
    places: Memory<(RoomId, UserId), Option<Place>>,
}

impl Permissions {
    /// Permissions as a store has them. `refused_words` are not allowed in any room.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, bus: Arc<dyn Bus>, refused_words: &[String]) -> Self {
        Self {
            store,
            bus,
            words: Words::new(refused_words),
            rooms: Memory::new(REMEMBERED),
            places: Memory::new(REMEMBERED),
        }
    }

    /// Forgets what a control word says has changed.
    pub fn hear(&self, control: &Control) {
        match control {
            Control::MemberJoined { room, user }
            | Control::MemberGone { room, user }
            | Control::MemberChanged { room, user } => self.places.forget(&(*room, *user)),
            Control::RoomChanged { room } => self.rooms.forget(room),
            Control::SessionEnded { .. } | Control::Command { .. } | Control::Traced { .. } => {}
        }
    }

    /// Forgets everything: a control word may have been lost.
    pub fn forget_all(&self) {
        self.rooms.forget_all();
        self.places.forget_all();
    }

    /// What somebody is in a room.
    ///
    /// # Errors
    /// [`ErrorCode::RoomNotFound`] for those who are not members.
    pub async fn standing(&self, room: RoomId, user: UserId) -> Result<RoomStanding, Refused> {
        let (rules, place) = self.look(room, user).await?;
        Ok(standing(&rules.record, place))
    }

    /// Whether somebody may say `text` in a room now. Sends and edits ask this; sends ask
    /// [`Self::pace`] as well.
    ///
    /// # Errors
    /// [`ErrorCode::RoomNotFound`] for those who are not members; [`ErrorCode::Muted`],
    /// [`ErrorCode::RoomArchived`], [`ErrorCode::Blocked`], [`ErrorCode::LinksRefused`],
    /// [`ErrorCode::WordRefused`].
    pub async fn writing(
        &self,
        room: RoomId,
        user: UserId,
        text: &str,
    ) -> Result<RoomStanding, Refused> {
        let (rules, place) = self.look(room, user).await?;
        let now = Timestamp::now();
        if rules.record.archived {
            return Err(ErrorCode::RoomArchived.into());
        }
        if let Some(until) = place.muted_until.filter(|until| *until > now) {
            return Err(Refused::until(ErrorCode::Muted, now.until(until)));
        }
        if place.blocked {
            return Err(ErrorCode::Blocked.into());
        }
        if place.role < rules.record.links && links::has_link(text) {
            return Err(ErrorCode::LinksRefused.into());
        }
        if self.words.refuse(text) || rules.words.refuse(text) {
            return Err(ErrorCode::WordRefused.into());
        }
        Ok(standing(&rules.record, place))
    }

    /// Whether the room's slow mode lets a member send now. Who may is counted, under the message's
    /// id, so that a retry of that message is let through again. Moderators are exempt.
    ///
    /// # Errors
    /// [`ErrorCode::SlowMode`]; [`ErrorCode::RoomNotFound`] for those who are not members.
    pub async fn pace(&self, room: RoomId, user: UserId, id: MessageId) -> Result<(), Refused> {
        let (rules, place) = self.look(room, user).await?;
        let pause = rules.record.slow_mode_ms;
        if pause == 0 || place.role >= Role::Moderator {
            return Ok(());
        }
        let key = format!("slow:{room}:{user}");
        match self.bus.pace(&key, &id.to_string(), Duration::from_millis(pause)).await? {
            Verdict::Allowed { .. } => Ok(()),
            Verdict::Refused { retry_after } => {
                Pace::SlowMode.exceeded();
                Err(Refused::until(ErrorCode::SlowMode, retry_after))
            }
        }
    }

    async fn look(&self, room: RoomId, user: UserId) -> Result<(Arc<Rules>, Place), Refused> {
        let rules = self.rooms.get(room, self.load_rules(room));
        let place = self.places.get((room, user), self.load_place(room, user));
        match tokio::try_join!(rules, place)? {
            (Some(rules), Some(place)) => Ok((rules, place)),
            _ => Err(ErrorCode::RoomNotFound.into()),
        }
    }

    async fn load_rules(&self, room: RoomId) -> Result<Option<Arc<Rules>>, Refused> {
        let ids = [room];
        let (records, words) =
            tokio::try_join!(self.store.rooms(&ids), self.store.refused_words(room))?;
        let rules = |record| Arc::new(Rules { record, words: Words::new(&words) });
        Ok(records.into_iter().next().map(rules))
    }

    async fn load_place(&self, room: RoomId, user: UserId) -> Result<Option<Place>, Refused> {
        let Some(Membership { role, muted_until, .. }) = self.store.membership(room, user).await?
        else {
            return Ok(None);
        };
        let blocked = room.is_direct() && self.is_blocked(room, user).await?;
        Ok(Some(Place { role, muted_until, blocked }))
    }

    async fn is_blocked(&self, room: RoomId, user: UserId) -> Result<bool, Refused> {
        let rooms = self.store.rooms(&[room]).await?;
        let Some(record) = rooms.first().filter(|room| room.kind == RoomKind::Direct) else {
            return Ok(false);
        };
        let others: Vec<_> =
            record.people.iter().copied().filter(|person| *person != user).collect();
        Ok(!self.store.blocked_between(user, &others).await?.is_empty())
    }
}

fn standing(room: &RoomRecord, place: Place) -> RoomStanding {
    RoomStanding {
        kind: room.kind,
        role: place.role,
        members: room.members,
        may_mention_all: place.role >= room.mention_all,
        blocked: place.blocked,
    }
}
