//! Live connections follow memberships and sessions (P6).
//!
//! Every change arrives as a hint (a control word, a member event); the store is then asked, one
//! question after the other, so that the last answer acted on is the latest. A hint that is lost is
//! made up for by a re-check of everything: at once after a gap, and regularly besides.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use hubbub_protocol::{CloseCode, RoomId, SessionId, Timestamp, UserId};
use hubbub_store::StoreError;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Hub;
use super::connection::Connection;

/// How often everything is checked again without a reason.
const RECHECK: Duration = Duration::from_secs(30);
/// How long the news of an end in the room's own log may take after the hint: who is put out is told
/// so first. No longer, since the news may be lost.
const NEWS_WAIT: Duration = Duration::from_millis(300);
/// How long to wait before asking again when the store did not answer.
const RETRY: Duration = Duration::from_secs(1);
/// Memberships or sessions in one question.
const BATCH: usize = 1_000;
/// Users asked about at the same time in a full re-check.
const PARALLEL: usize = 16;

/// What to ask the store.
#[derive(Debug)]
pub(super) enum Follow {
    /// Whether a user is a member of a room now.
    Membership(UserId, RoomId, News),
    /// Whether a room is still there.
    Room(RoomId, News),
    /// Which rooms a user is in now.
    User(UserId),
    /// Everything about everybody here.
    Everybody,
}

/// Whether an end that a hint told of waits for the event that tells everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// It may still come.
    Awaited,
    /// It has had its time.
    Overdue,
}

impl Hub {
    /// A user's membership in a room may have changed.
    pub(super) fn follow_membership(&self, user: UserId, room: RoomId) {
        if !self.registry().by_user.contains_key(&user) {
            return;
        }
        self.ask(Follow::Membership(user, room, News::Awaited));
    }

    /// A room may be no more.
    pub(super) fn follow_room(&self, room: RoomId) {
        if self.room(room).is_some() || self.acks.waits_for(room) {
            self.ask(Follow::Room(room, News::Awaited));
        }
    }

    fn ask(&self, question: Follow) {
        // The receiver is gone only when the hub has stopped.
        let _ = self.follow.send(question);
    }

    /// Asks in a while, beside everything else.
    fn ask_after(&self, wait: Duration, question: Follow) {
        let Some(hub) = self.me.upgrade() else { return };
        self.spawn(async move {
            sleep(wait).await;
            hub.ask(question);
        });
    }

    /// Whether any of a user's connections hears a room.
    fn is_heard_by(&self, user: UserId, room: RoomId) -> bool {
        self.connections_of(user).iter().any(|connection| connection.hears(room))
    }

    /// Any of a user's memberships may have changed.
    pub fn recheck_user(&self, user: UserId) {
        self.ask(Follow::User(user));
    }

    /// Anything may have changed.
    pub(super) fn recheck_everybody(&self) {
        self.ask(Follow::Everybody);
    }

    /// Closes a session's connections.
    pub(super) fn end_session(&self, session: SessionId) {
        let held = self.registry().by_session.get(&session).cloned().unwrap_or_default();
        for connection in held {
            connection.close(CloseCode::SessionEnded);
        }
    }

    /// Lets a connection hear a room once its head is known. Beside the others: a room that can't
    /// be heard must not hold up somebody's removal from another.
    fn add_room(&self, connection: Arc<Connection>, room: RoomId) {
        let Some(hub) = self.me.upgrade() else { return };
        self.spawn(async move {
            match hub.heads(&[room]).await {
                Ok(heads) => {
                    let added = heads
                        .first()
                        .is_some_and(|head| hub.subscribe(&connection, room, *head, None));
                    if added {
                        // The membership may have ended while the head was waited for.
                        hub.follow_membership(connection.user, room);
                    }
                }
                Err(error) => {
                    tracing::warn!(%room, %error, "can't add a joined room to a connection");
                }
            }
        });
    }

    fn set_membership(&self, user: UserId, room: RoomId, member: bool, most_rooms: usize) {
        for connection in self.connections_of(user).into_iter().filter(|c| c.may_follow()) {
            if !member {
                self.detach_and_tell(&connection, room);
                continue;
            }
            let wants = connection.follows_memberships
                && !connection.hears(room)
                && connection.room_count() < most_rooms;
            if wants {
                self.add_room(connection, room);
            }
        }
    }
}

pub(super) async fn run(hub: Arc<Hub>, mut follows: mpsc::UnboundedReceiver<Follow>) {
    let most_rooms = hub.limits.rooms as usize;
    let mut recheck = interval(RECHECK);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    recheck.tick().await;
    loop {
        let follow = tokio::select! {
            follow = follows.recv() => follow,
            _ = recheck.tick() => {
                recheck_present(&hub).await;
                continue;
            }
        };
        let Some(follow) = follow else { return };
        let again = match follow {
            Follow::Membership(user, room, news) => {
                follow_up_membership(&hub, user, room, news, most_rooms).await
            }
            Follow::Room(room, news) => follow_up_room(&hub, room, news).await,
            Follow::User(user) => recheck_user(&hub, user, most_rooms).await.err().map(|error| {
                tracing::warn!(%error, "can't re-check a user's memberships yet");
                (RETRY, Follow::User(user))
            }),
            Follow::Everybody => recheck_all(&hub, most_rooms).await.err().map(|error| {
                tracing::warn!(%error, "can't re-check memberships and sessions yet");
                (RETRY, Follow::Everybody)
            }),
        };
        if let Some((wait, question)) = again {
            hub.ask_after(wait, question);
        }
    }
}

/// What to ask again, and when.
type Again = Option<(Duration, Follow)>;

async fn follow_up_membership(
    hub: &Hub,
    user: UserId,
    room: RoomId,
    news: News,
    most_rooms: usize,
) -> Again {
    match hub.store.membership(room, user).await {
        Ok(None) if news == News::Awaited && hub.is_heard_by(user, room) => {
            Some((NEWS_WAIT, Follow::Membership(user, room, News::Overdue)))
        }
        Ok(membership) => {
            hub.set_membership(user, room, membership.is_some(), most_rooms);
            None
        }
        Err(error) => {
            // Out until the store says in: who was removed must not hear on because the store is
            // away.
            tracing::warn!(%room, %error, "can't check a membership; the room is silent for now");
            hub.detach_user(user, room);
            Some((RETRY, Follow::Membership(user, room, news)))
        }
    }
}

async fn follow_up_room(hub: &Hub, room: RoomId, news: News) -> Again {
    match hub.store.rooms(&[room]).await {
        Ok(found) if !found.is_empty() => None,
        Ok(_) if news == News::Awaited && hub.room(room).is_some_and(|held| held.has_members()) => {
            Some((NEWS_WAIT, Follow::Room(room, News::Overdue)))
        }
        Ok(_) => {
            hub.close_room(room);
            None
        }
        Err(error) => {
            tracing::warn!(%room, %error, "can't check whether a room is still there");
            Some((RETRY, Follow::Room(room, news)))
        }
    }
}

/// Takes out what no longer holds: memberships and sessions that ended unnoticed.
async fn recheck_present(hub: &Arc<Hub>) {
    let connections = hub.connections();
    let mut pairs = HashSet::new();
    for connection in &connections {
        pairs.extend(connection.room_ids().into_iter().map(|room| (room, connection.user)));
    }
    let pairs: Vec<_> = pairs.into_iter().collect();
    for batch in pairs.chunks(BATCH) {
        match hub.store.memberships_among(batch).await {
            Ok(held) => {
                let held: HashSet<_> = held.into_iter().collect();
                for (room, user) in batch.iter().filter(|pair| !held.contains(pair)) {
                    // Asked again on its own, in turn with the hints: it may have begun since.
                    hub.follow_membership(*user, *room);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "can't re-check memberships");
                return;
            }
        }
    }
    if let Err(error) = recheck_sessions(hub, &connections).await {
        tracing::warn!(%error, "can't re-check sessions");
    }
}

async fn recheck_sessions(
    hub: &Arc<Hub>,
    connections: &[Arc<Connection>],
) -> Result<(), StoreError> {
    let sessions: HashSet<_> = connections.iter().map(|c| c.session).collect();
    let sessions: Vec<_> = sessions.into_iter().collect();
    for batch in sessions.chunks(BATCH) {
        let live: HashSet<_> =
            hub.store.live_sessions(batch, Timestamp::now()).await?.into_iter().collect();
        for session in batch.iter().filter(|session| !live.contains(session)) {
            hub.end_session(*session);
        }
    }
    Ok(())
}

/// Brings every connection in line with the store, in both directions.
async fn recheck_all(hub: &Arc<Hub>, most_rooms: usize) -> Result<(), StoreError> {
    let connections = hub.connections();
    recheck_sessions(hub, &connections).await?;
    let users: HashSet<_> = connections.iter().map(|c| c.user).collect();
    let mut answers = stream::iter(users)
        .map(|user| recheck_user(hub, user, most_rooms))
        .buffer_unordered(PARALLEL);
    while let Some(answer) = answers.next().await {
        answer?;
    }
    Ok(())
}

/// Brings a user's connections in line with the store, in both directions.
async fn recheck_user(hub: &Arc<Hub>, user: UserId, most_rooms: usize) -> Result<(), StoreError> {
    // Noted before the store is asked: a room that is joined in between is not taken for a lost one.
    let heard: HashSet<_> =
        hub.connections_of(user).iter().flat_map(|connection| connection.room_ids()).collect();
    let rooms: HashSet<_> = hub.store.room_ids_of(user).await?.into_iter().collect();
    for room in heard.difference(&rooms) {
        hub.set_membership(user, *room, false, most_rooms);
    }
    for room in rooms {
        hub.set_membership(user, room, true, most_rooms);
    }
    Ok(())
}
