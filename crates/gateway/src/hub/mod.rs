//! The hub: from the bus to the connections on this node.
//!
//! - [`room`]: one room's head and members
//! - [`connection`], [`outbound`]: one connection and what waits to be written to it
//! - [`frame`]: frames encoded once
//! - [`reader`]: what follows a position, from hot log, store or reset
//! - [`catch_up`]: filling gaps, for a room on this node and for a connection
//! - [`acks`]: sends that wait to be stored
//! - [`followers`]: live connections follow memberships and sessions
//! - [`journal`]: what passed through lately, for operators
//! - [`operator`]: what operators ask
//! - [`heartbeat`]: one wheel for every connection's timers
//! - [`receiver`]: what the bus says
//! - [`roster`]: this node's part of the presence map
//! - [`watch`]: who is watched by connections of this node, and what is shown of them
//! - [`typing`]: who is typing
//!
//! The bus calls the hub from its dispatch tasks, so nothing here waits: what needs an answer from
//! Redis or MongoDB is handed to a task.

pub mod acks;
mod catch_up;
pub mod connection;
pub mod followers;
pub mod frame;
pub mod heartbeat;
mod journal;
mod operator;
pub mod outbound;
pub mod reader;
mod receiver;
pub mod room;
pub mod roster;
pub mod typing;
mod watch;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use hubbub_bus::{Bus, Control, NodeCommand, Receiver, StoredNotice};
use hubbub_protocol::{
    ConnectionId, Limits, MessageId, Position, RoomId, SessionId, Timestamp, UserId,
};
use hubbub_store::Store;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::acks::PendingAcks;
use self::connection::Connection;
use self::journal::{Journal, Step};
use self::reader::Reader;
use self::room::Room;
use self::watch::Watch;
use crate::committer::{CommitFailure, Committer};
use crate::permissions::Permissions;
use hubbub_runtime::telemetry::MESSAGES;

/// Locks the room map is spread over.
const SHARDS: usize = 64;
/// Heartbeat ticks (seconds) a room without members stays subscribed: long enough for a reload.
const LINGER_TICKS: u32 = 10;
/// Volatile keys that name a user whose own connections need not hear of it.
pub const TYPING_KEY: &str = "typing:";
/// As [`TYPING_KEY`]: one's own marks come by [`Receiver::for_users`], with more in them.
pub const MARKS_KEY: &str = "marks:";

type RoomShard = Mutex<HashMap<RoomId, Arc<Room>>>;

/// One node's rooms and connections.
#[derive(Debug)]
pub struct Hub {
    bus: Arc<dyn Bus>,
    store: Arc<dyn Store>,
    committer: Arc<Committer>,
    permissions: Arc<Permissions>,
    reader: Reader,
    /// Sends that wait to be stored.
    pub acks: PendingAcks,
    shards: Box<[RoomShard]>,
    hasher: RandomState,
    registry: Mutex<Registry>,
    watch: Watch,
    /// Rooms whose subscription was confirmed and whose head is to be asked for.
    heads_wanted: mpsc::UnboundedSender<RoomId>,
    /// Users and rooms whose membership is to be read again.
    follow: mpsc::UnboundedSender<followers::Follow>,
    /// What passed through lately.
    journal: Journal,
    /// What operators ask of the node.
    commands: mpsc::Sender<NodeCommand>,
    /// The other end, until somebody takes it.
    commanded: Mutex<Option<mpsc::Receiver<NodeCommand>>>,
    /// When the hub started.
    started: Timestamp,
    is_leaving: AtomicBool,
    /// Told when the node begins to leave.
    leaving: Notify,
    limits: Limits,
    tick: AtomicU32,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// The hub itself, for the tasks it starts.
    me: Weak<Self>,
}

/// Every connection of this node, found by whom and what it belongs to.
#[derive(Debug, Default)]
struct Registry {
    connections: HashMap<ConnectionId, Arc<Connection>>,
    by_user: HashMap<UserId, Vec<Arc<Connection>>>,
    by_session: HashMap<SessionId, Vec<Arc<Connection>>>,
}

impl Hub {
    /// A hub on a bus and a store. It hears from the bus at once, and until `stop`.
    #[must_use]
    pub fn start(
        bus: Arc<dyn Bus>,
        store: Arc<dyn Store>,
        committer: Arc<Committer>,
        permissions: Arc<Permissions>,
        limits: Limits,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Arc<Self> {
        // Unbounded in form only: at most one entry for each room of this node, and for each
        // membership change of its users, is under way.
        let (heads_wanted, heads) = mpsc::unbounded_channel();
        let (follow, follows) = mpsc::unbounded_channel();
        let (watch, watches) = Watch::new();
        let (commands, commanded) = mpsc::channel(operator::COMMANDS);
        let hub = Arc::new_cyclic(|me| Self {
            reader: Reader::new(Arc::clone(&bus), Arc::clone(&store), Arc::clone(&committer)),
            acks: PendingAcks::default(),
            shards: (0..SHARDS).map(|_| RoomShard::default()).collect(),
            hasher: RandomState::new(),
            registry: Mutex::default(),
            watch,
            heads_wanted,
            follow,
            journal: Journal::default(),
            commands,
            commanded: Mutex::new(Some(commanded)),
            started: Timestamp::now(),
            is_leaving: AtomicBool::new(false),
            leaving: Notify::new(),
            limits,
            tick: AtomicU32::new(1),
            tasks: tasks.clone(),
            stop: stop.clone(),
            me: me.clone(),
            bus,
            store,
            committer,
            permissions,
        });
        hub.bus.listen(Arc::clone(&hub) as Arc<dyn Receiver>, stop.clone());
        hub.spawn(catch_up::learn_heads(Arc::clone(&hub), heads));
        hub.spawn(followers::run(Arc::clone(&hub), follows));
        hub.spawn(acks::run(Arc::clone(&hub)));
        hub.spawn(watch::run(Arc::clone(&hub), watches));
        hub
    }

    /// Runs a task until the hub stops.
    fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let _ = stop.run_until_cancelled(task).await;
        });
    }

    /// The heartbeat's tick: seconds since the hub started.
    #[must_use]
    pub fn tick(&self) -> u32 {
        self.tick.load(Ordering::Relaxed)
    }

    fn shard(&self, room: RoomId) -> MutexGuard<'_, HashMap<RoomId, Arc<Room>>> {
        let shard = self.hasher.hash_one(room) as usize % SHARDS;
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn room(&self, room: RoomId) -> Option<Arc<Room>> {
        self.shard(room).get(&room).cloned()
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections this node holds.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.registry().connections.len()
    }

    /// How many people have a connection on this node.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.registry().by_user.len()
    }

    /// How many rooms this node is subscribed to.
    #[must_use]
    pub fn room_count(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len())
            .sum()
    }

    /// Every connection of this node.
    #[must_use]
    pub fn connections(&self) -> Vec<Arc<Connection>> {
        self.registry().connections.values().cloned().collect()
    }

    /// A connection of this node, unless it has closed.
    pub(crate) fn connection(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        self.registry().connections.get(&id).cloned()
    }

    /// A user's connections on this node.
    #[must_use]
    pub fn connections_of(&self, user: UserId) -> Vec<Arc<Connection>> {
        self.registry().by_user.get(&user).cloned().unwrap_or_default()
    }

    /// Makes a connection known, so that it follows its user's memberships and its session's end.
    /// Before its rooms are read: a change in between is then seen twice, never missed.
    pub fn register(&self, connection: &Arc<Connection>) {
        connection.heard_at(self.tick());
        let mut registry = self.registry();
        registry.connections.insert(connection.id, Arc::clone(connection));
        registry.by_user.entry(connection.user).or_default().push(Arc::clone(connection));
        registry.by_session.entry(connection.session).or_default().push(Arc::clone(connection));
    }

    /// Forgets a connection that has closed.
    pub fn unregister(&self, connection: &Arc<Connection>) {
        connection.mark_closed();
        self.stop_typing_everywhere(connection);
        self.unwatch(connection);
        for room in connection.room_ids() {
            self.detach(connection, room);
        }
        let mut registry = self.registry();
        registry.connections.remove(&connection.id);
        if let Some(held) = registry.by_user.get_mut(&connection.user) {
            held.retain(|c| c.id != connection.id);
            if held.is_empty() {
                registry.by_user.remove(&connection.user);
            }
        }
        if let Some(held) = registry.by_session.get_mut(&connection.session) {
            held.retain(|c| c.id != connection.id);
            if held.is_empty() {
                registry.by_session.remove(&connection.session);
            }
        }
    }

    /// Where rooms stand on this node, subscribing to those it did not hear yet, in the order
    /// asked. Everything after the positions returned reaches a connection attached from them.
    ///
    /// # Errors
    /// When Redis or MongoDB is away.
    pub async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Position>, CommitFailure> {
        let mut heads = Vec::with_capacity(rooms.len());
        for room in self.hear(rooms) {
            loop {
                let known = room.head_known.notified();
                if let Some(head) = room.head() {
                    heads.push(head);
                    break;
                }
                if tokio::time::timeout(catch_up::HEAD_WAIT, known).await.is_err()
                    && room.head().is_none()
                {
                    // The room may not exist (any more): the committer knows.
                    self.committer.head(room.id).await?;
                    return Err(CommitFailure::Unavailable("the room can't be heard".into()));
                }
            }
        }
        Ok(heads)
    }

    /// The rooms, subscribed to in one step where they are new here.
    fn hear(&self, ids: &[RoomId]) -> Vec<Arc<Room>> {
        let mut new = Vec::new();
        let rooms = ids
            .iter()
            .map(|id| {
                let mut shard = self.shard(*id);
                let room = shard.entry(*id).or_insert_with(|| {
                    new.push(*id);
                    Arc::new(Room::new(*id))
                });
                // Somebody wants it: not swept for another while.
                let mut state = room.state();
                if state.members.is_empty() {
                    state.empty_since = Some(self.tick());
                }
                drop(state);
                Arc::clone(room)
            })
            .collect();
        if !new.is_empty() {
            self.bus.subscribe(&new);
        }
        rooms
    }

    /// Lets a connection hear a room from a position on: first what follows it in the log, then
    /// live, with nothing in between lost or doubled. If it hears the room already, it is set back
    /// (or forward) to the position.
    pub fn attach(&self, connection: &Arc<Connection>, room: RoomId, from: Position) {
        self.enter(connection, connection.rooms(), room, from);
    }

    /// Lets a connection hear a room, whose head is at `head`, and says so: `from` a position on, or
    /// from the head. Without a position, one that hears the room already goes on where it is. False
    /// if it hears as many as it may.
    pub fn subscribe(
        &self,
        connection: &Arc<Connection>,
        room: RoomId,
        head: Position,
        from: Option<Position>,
    ) -> bool {
        let rooms = connection.rooms();
        let heard = rooms.contains_key(&room);
        if !heard && rooms.len() >= self.limits.rooms as usize {
            return false;
        }
        connection.tell_subscribed(room, head);
        if !heard || from.is_some() {
            self.enter(connection, rooms, room, from.unwrap_or(head));
        }
        true
    }

    /// The list is held throughout, so that the catch-up task, which looks the room up in it, sees
    /// both the position and the membership or neither.
    fn enter(
        &self,
        connection: &Arc<Connection>,
        mut rooms: MutexGuard<'_, connection::Rooms>,
        room: RoomId,
        from: Position,
    ) {
        connection.outbound.fall_behind(room, from);
        while !rooms.contains_key(&room) && !connection.is_closed() {
            let Some(held) = self.hear(&[room]).pop() else { break };
            let mut state = held.state();
            if state.retired {
                continue;
            }
            state.empty_since = None;
            let slot = state.members.insert(Arc::clone(connection));
            drop(state);
            rooms.insert(room, (held, slot));
        }
        drop(rooms);
        // It may have closed meanwhile, and what closes it looks at its rooms once.
        if connection.is_closed() {
            self.detach(connection, room);
            return;
        }
        self.catch_up(connection);
    }

    /// Stops a connection from hearing a room. Whether it did.
    pub fn detach(&self, connection: &Connection, room: RoomId) -> bool {
        self.stop_typing(connection, room);
        take_out(connection, &mut connection.rooms(), room, self.tick())
    }

    /// As [`detach`](Self::detach), and the connection is told. In one step, so that it can't be
    /// told of an end after the beginning that followed.
    pub fn detach_and_tell(&self, connection: &Connection, room: RoomId) -> bool {
        self.stop_typing(connection, room);
        let mut rooms = connection.rooms();
        let heard = take_out(connection, &mut rooms, room, self.tick());
        if heard {
            connection.tell_unsubscribed(room);
        }
        heard
    }

    /// Takes everybody out of a room that is no more, and tells those whose sends wait to be stored
    /// that they never will be.
    fn close_room(&self, room: RoomId) {
        self.permissions.hear(&Control::RoomChanged { room });
        if let Some(held) = self.room(room) {
            for connection in held.member_connections() {
                self.detach_and_tell(&connection, room);
            }
        }
        self.acks.room_gone(room);
    }

    /// Takes a user's connections out of a room.
    fn detach_user(&self, user: UserId, room: RoomId) {
        for connection in self.connections_of(user).into_iter().filter(|c| c.may_follow()) {
            self.detach_and_tell(&connection, room);
        }
    }

    /// Stops hearing rooms that nobody has wanted for a while.
    fn sweep_rooms(&self) {
        let now = self.tick();
        let mut silent = Vec::new();
        for shard in &self.shards {
            let mut rooms = shard.lock().unwrap_or_else(PoisonError::into_inner);
            rooms.retain(|id, room| {
                let mut state = room.state();
                let idle = state.members.is_empty()
                    && state
                        .empty_since
                        .is_some_and(|since| now.saturating_sub(since) > LINGER_TICKS);
                if idle {
                    state.retired = true;
                    silent.push(*id);
                }
                !idle
            });
            // Under the shard's lock, so that a new subscription can't come before its end.
            if !silent.is_empty() {
                self.bus.unsubscribe(&silent);
                silent.clear();
            }
        }
    }

    /// An event got its place for a connection of this node.
    pub fn committed(&self, by: &Connection, room: RoomId, id: MessageId, position: Position) {
        self.journal.note(room, position, Step::Committed);
        let connection = by.id;
        tracing::debug!(target: MESSAGES, %room, message_id = %id, %position, %connection, "committed");
    }

    /// An event that this node committed is stored.
    fn told_stored(&self, notice: &StoredNotice) {
        let StoredNotice { room, id, position, .. } = notice;
        self.journal.note(*room, *position, Step::ToldStored);
        tracing::debug!(target: MESSAGES, %room, message_id = %id, %position, "told that it is stored");
    }

    /// An event was handed to the connections that hear its room here.
    fn delivered(&self, room: RoomId, position: Position, readers: usize) {
        if readers == 0 {
            return;
        }
        let readers = u32::try_from(readers).unwrap_or(u32::MAX);
        self.journal.note(room, position, Step::Delivered(readers));
        tracing::debug!(target: MESSAGES, %room, %position, readers, "delivered");
    }
}

/// Takes a connection out of a room. Whether it was in.
fn take_out(
    connection: &Connection,
    rooms: &mut connection::Rooms,
    room: RoomId,
    tick: u32,
) -> bool {
    connection.outbound.let_go(room);
    let Some((held, slot)) = rooms.remove(&room) else { return false };
    let mut state = held.state();
    state.members.try_remove(slot);
    if state.members.is_empty() {
        state.members = slab::Slab::new();
        state.empty_since = Some(tick);
    }
    true
}
