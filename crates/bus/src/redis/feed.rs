//! One server's subscriptions: a connection, kept, watched and built anew.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hubbub_protocol::RoomId;
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, PushInfo, PushKind, RedisResult, Value};
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use super::keys::{self, Partition};
use super::node::{Node, breaks_connection};
use super::servers::Topology;
use super::subscriber::Hearing;
use super::subscriptions::Serial;
use super::{payload, servers::bus_error};
use crate::BusError;
use crate::dispatch::Delivery;

/// Commands in one pipeline.
const BATCH: usize = 500;
/// Time between probes.
const PROBE_EVERY: Duration = Duration::from_secs(2);
/// A connection that no probe came back through for this long is deaf.
const DEAF_AFTER: Duration = Duration::from_secs(6);
/// Time between comparisons of what is wanted with what is confirmed.
const RECONCILE_EVERY: Duration = Duration::from_secs(10);
/// The same, once something was refused: the cluster is moving a slot.
const RECONCILE_SOON: Duration = Duration::from_millis(250);
/// First pause before a new connection; it doubles.
const PAUSE: Duration = Duration::from_millis(50);
/// Longest pause before a new connection.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Why a connection was given up.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("connection lost")]
    Lost,
    #[error("no probe came back")]
    Deaf,
    #[error(transparent)]
    Failed(BusError),
    #[error("the server has no slot that matters here")]
    Retired,
}

/// What the connection's read loop shares with the feed.
struct Ear {
    hearing: Arc<Hearing>,
    serial: Serial,
    probe: Option<String>,
    /// Confirmed channels that are not a room's.
    channels: Mutex<HashSet<String>>,
    probed: Mutex<Option<Instant>>,
    lost: Notify,
    /// Something that is wanted was taken away.
    moved: Notify,
    over: AtomicBool,
}

impl Ear {
    /// Called by the read loop, so it only sorts.
    fn hear(&self, push: PushInfo) {
        // A connection that was given up may still have something to say.
        if self.over.load(Ordering::Acquire) {
            return;
        }
        match push.kind {
            PushKind::Message | PushKind::SMessage => self.message(push.data),
            PushKind::Subscribe | PushKind::SSubscribe => {
                if let Some(channel) = channel_of(&push.data) {
                    self.confirmed(channel);
                }
            }
            PushKind::Unsubscribe | PushKind::SUnsubscribe => {
                if let Some(channel) = channel_of(&push.data) {
                    self.unsubscribed(channel);
                }
            }
            PushKind::Disconnection => self.lost.notify_one(),
            _ => {}
        }
    }

    fn message(&self, mut data: Vec<Value>) {
        let (Some(Value::BulkString(payload)), Some(Value::BulkString(channel))) =
            (data.pop(), data.pop())
        else {
            return;
        };
        let Ok(channel) = std::str::from_utf8(&channel) else { return };
        let delivery = if let Some(room) = keys::room_of_channel(channel) {
            payload::of_room(room, &Bytes::from(payload))
        } else if self.probe.as_deref() == Some(channel) {
            let now = Instant::now();
            *self.probed.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
            return self.hearing.probes.came_back(self.serial, now);
        } else {
            payload::of_node(&Bytes::from(payload))
        };
        match delivery {
            Some(delivery) => self.hearing.dispatcher.offer(delivery),
            None => tracing::warn!(channel, "unreadable payload"),
        }
    }

    fn confirmed(&self, channel: &str) {
        if let Some(room) = keys::room_of_channel(channel) {
            if let Some(again) = self.hearing.subscriptions.confirm(&room, self.serial) {
                self.hearing.dispatcher.offer(Delivery::Subscribed { room, again });
            }
            return;
        }
        self.channels.lock().unwrap_or_else(PoisonError::into_inner).insert(channel.to_owned());
        if self.hearing.confirmed_again(channel) {
            self.hearing.dispatcher.offer(Delivery::ControlGap);
        }
    }

    fn unsubscribed(&self, channel: &str) {
        let wanted = match keys::room_of_channel(channel) {
            Some(room) => self.hearing.subscriptions.lose(&room, self.serial),
            None => self.channels.lock().unwrap_or_else(PoisonError::into_inner).remove(channel),
        };
        if wanted {
            self.moved.notify_one();
        }
    }
}

fn channel_of(data: &[Value]) -> Option<&str> {
    match data.first()? {
        Value::BulkString(channel) => std::str::from_utf8(channel).ok(),
        Value::SimpleString(channel) => Some(channel),
        _ => None,
    }
}

/// One server's subscriptions.
pub(super) struct Feed {
    pub(super) hearing: Arc<Hearing>,
    pub(super) node: Arc<Node>,
}

impl Feed {
    /// Keeps a connection until the server has nothing any more that matters here.
    pub(super) async fn run(self) {
        let (host, port) = self.node.address();
        let mut pause = PAUSE;
        loop {
            let serial = self.hearing.next_serial();
            self.hearing.probes.expect(serial, self.node.address());
            let since = Instant::now();
            match self.listen(serial).await {
                End::Retired => break,
                end => tracing::warn!(host, port, %end, "subscriber connection ended"),
            }
            metrics::counter!(crate::metric::SUBSCRIBER_RECONNECTS).increment(1);
            self.hearing.trouble.notify_one();
            if since.elapsed() > DEAF_AFTER {
                pause = PAUSE;
            }
            // With jitter, so that not every node comes back in the same instant.
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        self.hearing.probes.retire(self.node.address());
    }

    async fn listen(&self, serial: Serial) -> End {
        let mut topology = self.hearing.servers.watch();
        let Some(probe) = self.probe_channel(&topology.borrow()) else { return End::Retired };
        let ear = Arc::new(Ear {
            hearing: Arc::clone(&self.hearing),
            serial,
            probe: Some(probe.clone()),
            channels: Mutex::default(),
            probed: Mutex::default(),
            lost: Notify::new(),
            moved: Notify::new(),
            over: AtomicBool::new(false),
        });
        let pushes = Arc::clone(&ear);
        let connection = match self.node.pushing(move |push| pushes.hear(push)).await {
            Ok(connection) => connection,
            Err(error) => return End::Failed(bus_error(&error)),
        };
        let mut line = Line {
            feed: self,
            ear: Arc::clone(&ear),
            connection,
            probe,
            partitions: BTreeSet::new(),
            refused: false,
        };
        let end = tokio::select! {
            end = line.keep(&mut topology) => end,
            () = ear.lost.notified() => End::Lost,
        };
        ear.over.store(true, Ordering::Release);
        end
    }

    /// The channel through which this server is probed: the first of the node's own inbox and a
    /// channel per partition that is in one of its slots.
    fn probe_channel(&self, topology: &Topology) -> Option<String> {
        let incarnation = self.hearing.incarnation.as_str();
        let inbox = self.owns(topology, keys::slot(&keys::inbox(incarnation)));
        if inbox {
            return Some(format!("{}:probe", keys::inbox(incarnation)));
        }
        let partition = self.owned(topology).next();
        partition.map(|partition| partition.probe(incarnation)).or_else(|| {
            let control = self.owns(topology, keys::slot(keys::CONTROL));
            control.then(|| format!("{{{}}}:probe:{incarnation}", keys::CONTROL))
        })
    }

    fn owns(&self, topology: &Topology, slot: u16) -> bool {
        topology.owner(slot).is_some_and(|node| node.address() == self.node.address())
    }

    fn owned<'a>(&'a self, topology: &'a Topology) -> impl Iterator<Item = Partition> + 'a {
        let partitions = (0..self.hearing.partitions).map(Partition);
        partitions.filter(|partition| self.owns(topology, partition.slot()))
    }
}

/// A feed's connection.
struct Line<'a> {
    feed: &'a Feed,
    ear: Arc<Ear>,
    connection: MultiplexedConnection,
    probe: String,
    /// The partitions subscribed here.
    partitions: BTreeSet<Partition>,
    /// Whether the server refused something, which it does while a slot moves.
    refused: bool,
}

impl Line<'_> {
    async fn keep(&mut self, topology: &mut tokio::sync::watch::Receiver<Arc<Topology>>) -> End {
        let opened = Instant::now();
        let mut wanted = self.feed.hearing.subscriptions.watch();
        let mut probe = tokio::time::interval(PROBE_EVERY);
        probe.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut adopted = self.adopt(topology).await;
        loop {
            match adopted {
                Ok(true) => {}
                Ok(false) => return End::Retired,
                Err(end) => return end,
            }
            let reconcile = if self.refused { RECONCILE_SOON } else { RECONCILE_EVERY };
            adopted = tokio::select! {
                _ = topology.changed() => self.adopt(topology).await,
                _ = wanted.changed() => self.follow().await.map(|()| true),
                () = self.ear.moved.notified() => {
                    self.refused = true;
                    self.feed.hearing.trouble.notify_one();
                    Ok(true)
                }
                _ = probe.tick() => {
                    let heard = *self.ear.probed.lock().unwrap_or_else(PoisonError::into_inner);
                    if heard.unwrap_or(opened).elapsed() > DEAF_AFTER {
                        return End::Deaf;
                    }
                    self.send_probe();
                    Ok(true)
                }
                () = tokio::time::sleep(reconcile) => {
                    if self.refused {
                        self.feed.hearing.trouble.notify_one();
                    }
                    self.reconcile().await.map(|()| true)
                }
            };
        }
    }

    /// Takes on what the topology says is this server's. Returns whether there is anything.
    async fn adopt(
        &mut self,
        topology: &mut tokio::sync::watch::Receiver<Arc<Topology>>,
    ) -> Result<bool, End> {
        let topology = Arc::clone(&topology.borrow_and_update());
        if self.feed.probe_channel(&topology).as_ref() != Some(&self.probe) {
            // The probe's slot is elsewhere now. A new connection chooses another.
            return if self.feed.probe_channel(&topology).is_some() {
                Err(End::Lost)
            } else {
                Ok(false)
            };
        }
        self.partitions = self.feed.owned(&topology).collect();
        self.reconcile().await?;
        Ok(true)
    }

    /// Subscribes what is wanted of this server and not confirmed on this connection.
    async fn reconcile(&mut self) -> Result<(), End> {
        self.refused = false;
        let topology = self.feed.hearing.servers.topology();
        let incarnation = self.feed.hearing.incarnation.as_str();
        let mut channels = vec![self.probe.clone()];
        for channel in [keys::inbox(incarnation), keys::CONTROL.to_owned()] {
            if self.feed.owns(&topology, keys::slot(&channel)) {
                channels.push(channel);
            }
        }
        {
            let confirmed = self.ear.channels.lock().unwrap_or_else(PoisonError::into_inner);
            channels.retain(|channel| !confirmed.contains(channel));
        }
        self.subscribe(&channels).await?;
        for partition in self.partitions.clone() {
            let rooms = self.feed.hearing.subscriptions.missing(partition, self.ear.serial);
            self.subscribe(&channels_of(partition, &rooms)).await?;
        }
        Ok(())
    }

    /// Does what changed in what is wanted.
    async fn follow(&mut self) -> Result<(), End> {
        for partition in self.partitions.clone() {
            let changes = self.feed.hearing.subscriptions.changes(partition, self.ear.serial);
            for room in changes.confirmed {
                let delivery = Delivery::Subscribed { room, again: false };
                self.feed.hearing.dispatcher.offer(delivery);
            }
            self.unsubscribe(&channels_of(partition, &changes.unsubscribe)).await?;
            self.subscribe(&channels_of(partition, &changes.subscribe)).await?;
        }
        Ok(())
    }

    async fn subscribe(&mut self, channels: &[String]) -> Result<(), End> {
        let clustered = self.feed.hearing.servers.clustered();
        self.each(if clustered { "SSUBSCRIBE" } else { "SUBSCRIBE" }, channels).await
    }

    async fn unsubscribe(&mut self, channels: &[String]) -> Result<(), End> {
        let clustered = self.feed.hearing.servers.clustered();
        self.each(if clustered { "SUNSUBSCRIBE" } else { "UNSUBSCRIBE" }, channels).await
    }

    /// Sends a command per channel, many at a time: each is then answered once, by its
    /// confirmation or its refusal, and none of a cluster's slots can spoil it for another.
    async fn each(&mut self, command: &str, channels: &[String]) -> Result<(), End> {
        for channels in channels.chunks(BATCH) {
            let mut pipeline = Pipeline::with_capacity(channels.len());
            for channel in channels {
                pipeline.cmd(command).arg(channel);
            }
            let answer: RedisResult<Vec<Value>> = pipeline.query_async(&mut self.connection).await;
            match answer {
                Ok(_) => {}
                Err(error) if breaks_connection(&error) => {
                    return Err(End::Failed(bus_error(&error)));
                }
                Err(error) => {
                    tracing::warn!(command, %error, "subscription refused");
                    self.refused = true;
                }
            }
        }
        Ok(())
    }

    /// Publishes a probe the way everything else is published, on the connection that commits use.
    fn send_probe(&self) {
        let servers = Arc::clone(&self.feed.hearing.servers);
        let channel = self.probe.clone();
        tokio::spawn(async move {
            let mut cmd = redis::cmd(servers.publish_command());
            cmd.arg(&channel).arg("P");
            let sent: Result<i64, BusError> = servers.query(keys::slot(&channel), &cmd).await;
            if let Err(error) = sent {
                tracing::debug!(%error, "probe not sent");
            }
        });
    }
}

fn channels_of(partition: Partition, rooms: &[RoomId]) -> Vec<String> {
    rooms.iter().map(|room| partition.channel(room)).collect()
}
