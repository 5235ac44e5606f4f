//! A hub with a faulty bus, rooms, and clients that come and go.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::RoomLog;
use hubbub_bus::local::{LocalBus, LocalOptions};
use hubbub_gateway::committer::{Committer, Continuity};
use hubbub_gateway::hub::Hub;
use hubbub_gateway::permissions::Permissions;
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::http::RoomKind;
use hubbub_protocol::{
    Epoch, Limits, MessageBody, MessageId, NewEvent, Position, RoomCode, RoomId, Seq, Timestamp,
    UserId,
};
use hubbub_store::{NewRoom, NewUser, RoomStore, SqliteStore, UserStore};
use hubbub_worker::{Pipeline, PipelineOptions, epoch};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::client::{Client, Place};
use crate::faulty::FaultyBus;

/// How long clients may take to arrive once nothing goes wrong any more.
const ARRIVAL: Duration = Duration::from_secs(10);
const ROOMS: usize = 2;
const CLIENTS: usize = 3;

/// Somebody who owns the rooms of a test.
pub(crate) async fn owner(store: &SqliteStore) -> UserId {
    let id = UserId::new();
    let user = NewUser {
        id,
        username: "owner".to_owned(),
        display_name: "owner".to_owned(),
        email: None,
        password_hash: "none".to_owned(),
        created_at: Timestamp::now(),
    };
    store.create_user(user).await.unwrap();
    id
}

/// A new room in the store.
pub(crate) async fn room(store: &SqliteStore, owner: UserId) -> RoomId {
    let room = NewRoom {
        id: RoomId::new(),
        kind: RoomKind::Private,
        name: "room".to_owned(),
        description: String::new(),
        code: RoomCode::new(),
        owner,
        created_at: Timestamp::now(),
    };
    store.create_room(room).await.unwrap().id
}

/// One case: everything in it follows from the seed, except how tasks take turns.
pub(crate) struct World {
    random: StdRng,
    local: Arc<LocalBus>,
    bus: Arc<FaultyBus>,
    store: Arc<SqliteStore>,
    hub: Arc<Hub>,
    committer: Arc<Committer>,
    owner: UserId,
    rooms: Vec<RoomId>,
    clients: Vec<Client>,
    /// Every position of each room that a client may truly have.
    positions: HashMap<RoomId, Vec<Position>>,
    _stop: DropGuard,
}

impl World {
    pub(crate) async fn new(seed: u64, store: &Arc<SqliteStore>, owner: UserId) -> Self {
        let store = Arc::clone(store);
        let local = Arc::new(LocalBus::new(LocalOptions::new("hub".parse().unwrap())));
        let bus = Arc::new(FaultyBus::new(Arc::clone(&local), Arc::clone(&store), seed));
        let committer = Arc::new(Committer::new(
            Arc::clone(&bus) as _,
            Arc::clone(&store) as _,
            Continuity::Lost,
        ));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let hub = Hub::start(
            Arc::clone(&bus) as _,
            Arc::clone(&store) as _,
            Arc::clone(&committer),
            Arc::new(Permissions::new(Arc::clone(&store) as _, Arc::clone(&bus) as _, &[])),
            Limits::default(),
            &tasks,
            &stop,
        );
        let pipeline = Pipeline::new(
            Arc::clone(&local) as _,
            Arc::clone(&bus) as _,
            Arc::clone(&store) as _,
            PipelineOptions::default(),
        );
        tokio::spawn({
            let stop = stop.clone();
            async move { pipeline.run(stop).await }
        });
        let mut random = StdRng::seed_from_u64(seed);
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| Client::new(random.random_range(600..4_000))).collect();
        for client in &clients {
            hub.register(&client.connection);
        }
        let mut world = Self {
            random,
            local,
            bus,
            store,
            hub,
            committer,
            owner,
            rooms: Vec::new(),
            clients,
            positions: HashMap::new(),
            _stop: stop.drop_guard(),
        };
        for _ in 0..ROOMS {
            world.make_room().await;
        }
        world
    }

    async fn make_room(&mut self) {
        let room = room(&self.store, self.owner).await;
        let beginning = Position::new(Epoch(1), Seq(0));
        self.local.seed(room, beginning, false).await.unwrap();
        self.rooms.push(room);
        self.positions.insert(room, vec![beginning]);
    }

    /// Something happens.
    pub(crate) async fn step(&mut self) {
        let room = *self.rooms.choose(&mut self.random).unwrap();
        let who = self.random.random_range(0..CLIENTS);
        match self.random.random_range(0..100) {
            0..=49 => self.say(room).await,
            50..=64 => self.clients[who].read(),
            65..=76 => self.attach(who, room).await,
            77..=80 => {
                self.clients[who].places.remove(&room);
                self.hub.detach(&self.clients[who].connection, room);
            }
            81..=84 => self.bus.deafen(room),
            85..=90 => self.bus.hear(room),
            91 => self.open_epoch(room).await,
            92..=95 => tokio::time::sleep(Duration::from_millis(1)).await,
            _ => tokio::task::yield_now().await,
        }
    }

    async fn say(&mut self, room: RoomId) {
        let text = "x".repeat(self.random.random_range(1..200));
        let event = NewEvent {
            room,
            id: MessageId::new(),
            sender: self.owner,
            at: Timestamp::now(),
            kind: NewEventKind::Message { body: MessageBody::text(text) },
        };
        let at = self.committer.commit(&event).await.unwrap().position;
        self.positions.get_mut(&room).unwrap().push(at);
    }

    async fn attach(&mut self, who: usize, room: RoomId) {
        if !self.clients[who].places.contains_key(&room) {
            // As the greeting does: the room is heard before a position in it is talked about.
            self.bus.hear(room);
            self.hub.heads(&[room]).await.unwrap();
        }
        let true_one = *self.positions[&room].choose(&mut self.random).unwrap();
        let (at, may_reset) = match self.random.random_range(0..10) {
            0 => (Position::new(true_one.epoch, Seq(true_one.seq.0 + 5_000)), true),
            1 => (Position::new(Epoch(9), true_one.seq), true),
            _ => (true_one, false),
        };
        let client = &mut self.clients[who];
        client.places.insert(room, Place { at, may_reset });
        self.hub.attach(&client.connection, room, at);
    }

    async fn open_epoch(&mut self, room: RoomId) {
        let head = self.local.heads(&[room]).await.unwrap()[0].unwrap();
        let opened = epoch::open_next(&*self.local, &*self.store, room, head).await.unwrap();
        self.positions.get_mut(&room).unwrap().push(opened);
    }

    /// Nothing goes wrong any more: everybody arrives where the log ends.
    pub(crate) async fn settle(&mut self) {
        self.bus.heal();
        let deadline = Instant::now() + ARRIVAL;
        for client in &mut self.clients {
            while let Some((place, head)) = astray(&self.local, client).await {
                assert!(
                    Instant::now() < deadline,
                    "a client stays at {place}, its room is at {head}"
                );
                client.wait(Duration::from_millis(20)).await;
            }
        }
        let committed = self.bus.committed();
        for (room, at, id) in self.clients.iter().flat_map(|client| &client.seen) {
            assert_eq!(committed.get(&(*room, *at)), id.as_ref(), "what was committed at {at}");
        }
    }
}

/// Where a client is in a room and where that room is, if it is not the same.
async fn astray(bus: &LocalBus, client: &Client) -> Option<(Position, Position)> {
    for (room, place) in &client.places {
        let head = bus.heads(&[*room]).await.unwrap()[0].unwrap();
        if place.at != head {
            return Some((place.at, head));
        }
    }
    None
}
