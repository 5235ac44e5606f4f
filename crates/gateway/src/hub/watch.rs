//! Who is watched by connections of this node, and what is shown of them.
//!
//! A node hears a person's presence channel while somebody here watches them. What arrives there is
//! only a hint that something changed: the person is looked at again, together with everybody else
//! of whom a hint came within the second, so news can neither overtake each other nor pile up. The
//! cost is a read for each watched person who changed, and a row for each of their watchers.
//!
//! - [`Watch`]: the table of watched people
//! - [`reader`]: the task that looks at them

mod reader;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hubbub_protocol::http::UserStatus;
use hubbub_protocol::server::PresenceState;
use hubbub_protocol::{RoomId, UserId};
use slab::Slab;
use tokio::sync::{mpsc, oneshot};

use super::Hub;
use super::connection::Connection;
use super::frame::WireFrame;
use super::outbound::PresenceRow;
use crate::presence::{HIDES_KEY, PROFILE_KEY};
use crate::refused::Refused;

pub(super) use reader::run;

/// Connections that wait for an answer to `watch` at the same time; more wait for a place.
const REQUESTS_MAX: usize = 1_024;
/// Heartbeat ticks (seconds) a person without watchers stays heard: long enough for a reload, and
/// for scrolling up and down.
const LINGER_TICKS: u32 = 10;
/// Heartbeat ticks within which each watched person, and whom they have blocked, is looked at again
/// without a reason, which makes up for a hint that was lost.
const RECHECK_TICKS: u32 = 60;

/// The people that one connection watches, each with the connection's place in the person's list.
pub(super) type Watching = HashMap<UserId, usize>;

/// A connection that has asked to watch people.
#[derive(Debug)]
pub(super) struct Request {
    connection: Arc<Connection>,
    users: Vec<UserId>,
    answered: oneshot::Sender<Result<(), Refused>>,
}

/// Every person that is watched here.
#[derive(Debug)]
pub(super) struct Watch {
    people: Mutex<HashMap<UserId, Watched>>,
    requests: mpsc::Sender<Request>,
}

/// Somebody who is watched, or was lately.
#[derive(Debug, Default)]
struct Watched {
    watchers: Slab<Arc<Connection>>,
    /// What the watchers were last told, unless nobody has looked yet.
    shown: Option<PresenceRow>,
    /// Something may have changed since.
    doubted: bool,
    /// They may have blocked a watcher without this node having heard of it.
    blocks_doubted: bool,
    /// The heartbeat tick since which nobody watches.
    idle_since: u32,
}

impl Watch {
    pub(super) fn new() -> (Self, mpsc::Receiver<Request>) {
        let (requests, asked) = mpsc::channel(REQUESTS_MAX);
        (Self { people: Mutex::default(), requests }, asked)
    }

    fn people(&self) -> MutexGuard<'_, HashMap<UserId, Watched>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Anything may have been said about somebody whose channel this is. False if it is nobody's who
    /// is watched.
    pub(super) fn doubt(&self, channel: RoomId) -> bool {
        let Some(user) = channel.presence_user() else { return false };
        let mut people = self.people();
        let Some(watched) = people.get_mut(&user) else { return false };
        watched.doubted = true;
        watched.blocks_doubted = true;
        true
    }

    /// Takes those who may have blocked somebody unheard, each with every user who watches them.
    fn take_blocks_doubted(&self) -> Vec<(UserId, UserId)> {
        let mut pairs = HashSet::new();
        for (user, watched) in self.people().iter_mut() {
            if std::mem::take(&mut watched.blocks_doubted) {
                pairs.extend(watched.watchers.iter().map(|(_, watcher)| (*user, watcher.user)));
            }
        }
        pairs.into_iter().collect()
    }

    /// Whom they have blocked could not be asked.
    fn doubt_blocks_again(&self, pairs: &[(UserId, UserId)]) {
        let mut people = self.people();
        for (user, _) in pairs {
            if let Some(watched) = people.get_mut(user) {
                watched.blocks_doubted = true;
            }
        }
    }

    /// Takes those of whom something may have changed, as settled, unless nobody watches them.
    fn take_doubted(&self) -> Vec<UserId> {
        let doubted = |(user, watched): (&UserId, &mut Watched)| {
            let look = watched.doubted && !watched.watchers.is_empty();
            watched.doubted &= !look;
            look.then_some(*user)
        };
        self.people().iter_mut().filter_map(doubted).collect()
    }

    /// They could not be looked at.
    fn doubt_again(&self, users: &[UserId]) {
        let mut people = self.people();
        for user in users {
            if let Some(watched) = people.get_mut(user) {
                watched.doubted = true;
            }
        }
    }

    /// Takes those among `users` whom nobody here has looked at yet, or since a hint came.
    fn take_stale(&self, users: impl Iterator<Item = UserId>) -> Vec<UserId> {
        let mut people = self.people();
        let mut stale = HashSet::new();
        for user in users {
            if let Some(watched) = people.get_mut(&user)
                && (std::mem::take(&mut watched.doubted) || watched.shown.is_none())
            {
                stale.insert(user);
            }
        }
        stale.into_iter().collect()
    }

    /// Notes what was seen, and gathers for each watcher the rows that are news.
    fn show(&self, rows: Vec<PresenceRow>) -> Vec<(Arc<Connection>, Vec<PresenceRow>)> {
        let mut news: HashMap<_, (Arc<Connection>, Vec<PresenceRow>)> = HashMap::new();
        let mut people = self.people();
        for row in rows {
            let Some(watched) = people.get_mut(&row.user) else { continue };
            if watched.shown.replace(row.clone()).is_some_and(|told| told == row) {
                continue;
            }
            for (_, watcher) in &watched.watchers {
                let (_, rows) =
                    news.entry(watcher.id).or_insert_with(|| (Arc::clone(watcher), Vec::new()));
                rows.push(row.clone());
            }
        }
        news.into_values().collect()
    }

    /// What a connection sees of people: of those it does not watch, that they are not there.
    fn seen_by(&self, connection: &Connection, users: &[UserId]) -> Vec<PresenceRow> {
        let watching = connection.watching();
        let people = self.people();
        let row = |user: &UserId| {
            let watched = watching.as_ref().is_some_and(|watching| watching.contains_key(user));
            let shown = people.get(user).filter(|_| watched).and_then(|held| held.shown.clone());
            shown.unwrap_or_else(|| unknown(*user))
        };
        users.iter().map(row).collect()
    }
}

/// The row of somebody who does not exist, or hides: these two look the same.
fn unknown(user: UserId) -> PresenceRow {
    let status = UserStatus::Offline;
    PresenceRow::new(&PresenceState { user, status, status_text: None, last_seen: None })
}

impl Hub {
    /// Lets a connection watch these people, each once, instead of those before, and queues what
    /// they are doing now.
    ///
    /// # Errors
    /// When they can't be looked at; the connection watches nobody then.
    pub async fn watch(
        &self,
        connection: &Arc<Connection>,
        users: Vec<UserId>,
    ) -> Result<(), Refused> {
        connection.outbound.forget_presence();
        if users.is_empty() {
            self.unwatch(connection);
            return Ok(());
        }
        let (answered, answer) = oneshot::channel();
        let request = Request { connection: Arc::clone(connection), users, answered };
        // Both ends are gone only when the hub has stopped.
        if self.watch.requests.send(request).await.is_err() {
            return Ok(());
        }
        answer.await.unwrap_or(Ok(()))
    }

    /// Lets a connection watch nobody.
    pub(super) fn unwatch(&self, connection: &Connection) {
        let Some(watching) = connection.watching().take() else { return };
        let mut people = self.watch.people();
        for (user, slot) in *watching {
            leave(&mut people, user, slot, self.tick());
        }
    }

    /// Takes people off those whom a connection watches.
    fn stop_watching(&self, connection: &Connection, users: &[UserId]) {
        let mut held = connection.watching();
        let Some(watching) = held.as_mut() else { return };
        let mut people = self.watch.people();
        for user in users {
            if let Some(slot) = watching.remove(user) {
                leave(&mut people, *user, slot, self.tick());
            }
        }
    }

    /// Takes somebody off those whom a viewer's connections watch, who see them go.
    fn hide_from(&self, viewer: UserId, user: UserId) {
        for connection in self.connections_of(viewer) {
            let watches = connection.watching().as_ref().is_some_and(|w| w.contains_key(&user));
            if watches {
                self.stop_watching(&connection, &[user]);
                connection.outbound.presence([unknown(user)]);
            }
        }
    }

    /// Something came on a person's presence channel.
    pub(super) fn about_watched(&self, channel: RoomId, key: &str, frame: &[u8]) {
        let Some(user) = channel.presence_user() else { return };
        if let Some(viewer) = key.strip_prefix(HIDES_KEY) {
            if let Ok(viewer) = viewer.parse() {
                self.hide_from(viewer, user);
            }
            return;
        }
        let mut people = self.watch.people();
        let Some(watched) = people.get_mut(&user) else { return };
        watched.doubted = true;
        if key == PROFILE_KEY {
            let (key, wire) = (format!("{PROFILE_KEY}:{user}"), WireFrame::text(frame));
            for (_, watcher) in &watched.watchers {
                watcher.outbound.volatile(&key, wire.clone());
            }
        }
    }

    /// Makes these people the ones that a connection watches, subscribing to those that are new
    /// here. Subscribing comes before reading.
    fn set_watched(&self, connection: &Arc<Connection>, users: &[UserId]) {
        let mut held = connection.watching();
        let mut before = held.take().unwrap_or_default();
        let mut watching = Box::new(Watching::with_capacity(users.len()));
        let mut new = Vec::new();
        let mut people = self.watch.people();
        for user in users {
            let slot = before.remove(user).unwrap_or_else(|| {
                let watched = people.entry(*user).or_insert_with(|| {
                    new.push(RoomId::presence_of(*user));
                    Watched::default()
                });
                watched.watchers.insert(Arc::clone(connection))
            });
            watching.insert(*user, slot);
        }
        for (user, slot) in *before {
            leave(&mut people, user, slot, self.tick());
        }
        // Under the lock, so that an end of the subscription can't come after its beginning.
        if !new.is_empty() {
            self.bus.subscribe(&new);
        }
        drop(people);
        if !watching.is_empty() {
            *held = Some(watching);
        }
        drop(held);
        // It may have closed meanwhile, and what closes it looks at this once.
        if connection.is_closed() {
            self.unwatch(connection);
        }
    }

    /// Stops hearing people whom nobody has watched for a while, and lets some of the others be
    /// looked at without a reason.
    pub(super) fn sweep_watched(&self) {
        let now = self.tick();
        let mut silent = Vec::new();
        let mut people = self.watch.people();
        people.retain(|user, watched| {
            let idle = watched.watchers.is_empty();
            if idle && now.saturating_sub(watched.idle_since) > LINGER_TICKS {
                silent.push(RoomId::presence_of(*user));
                return false;
            }
            // The random half of a version 7 id spreads them over the time.
            let turn = user.as_uuid().as_u64_pair().1 % u64::from(RECHECK_TICKS);
            let is_due = turn == u64::from(now % RECHECK_TICKS);
            watched.doubted |= is_due;
            watched.blocks_doubted |= is_due;
            true
        });
        if people.is_empty() && people.capacity() > 0 {
            *people = HashMap::new();
        }
        if !silent.is_empty() {
            self.bus.unsubscribe(&silent);
        }
    }

    /// How many people are watched here.
    #[must_use]
    pub fn watched_count(&self) -> usize {
        self.watch.people().len()
    }
}

fn leave(people: &mut HashMap<UserId, Watched>, user: UserId, slot: usize, now: u32) {
    if let Some(watched) = people.get_mut(&user) {
        watched.watchers.try_remove(slot);
        if watched.watchers.is_empty() {
            watched.watchers = Slab::new();
            watched.idle_since = now;
        }
    }
}
