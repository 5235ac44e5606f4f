//! The write-ahead log in Redis: a stream per partition, read by the consumer group `store`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::{join_all, try_join_all};
use hubbub_protocol::{MessageId, NodeId, Position, RoomId, Timestamp};
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind, Value};

use super::keys::{self, Partition};
use super::log::millis;
use super::node::RESPONSE_TIMEOUT;
use super::servers::{bus_error, protocol};
use super::{RedisBus, payload, script};
use crate::log::{CLOCK_SKEW, HOT_LOG_EVENTS};
use crate::wal::{EventPlace, Settled, StoredNotice, WalDepth};
use crate::{BusError, DeadLetter, Wal, WalEntry};

/// The workers' consumer group.
const GROUP: &str = "store";
/// How long a room's hot log outlives its last stored event.
const HOT_LOG_IDLE: Duration = Duration::from_secs(2 * 60 * 60);
/// A consumer that holds nothing and was not heard of for this long is removed from the group.
const CONSUMER_GONE: Duration = Duration::from_secs(60 * 60);
/// Entries that one script settles.
const SETTLE_BATCH: usize = 250;
/// Notices in one payload.
const NOTICES_BATCH: usize = 500;
/// Longest reason of a dead letter, in bytes.
const REASON_MAX: usize = 1024;

/// Per partition the connection that waits for its entries, while nobody does.
pub(super) struct Readers(Vec<Mutex<Option<MultiplexedConnection>>>);

impl Readers {
    pub(super) fn new(partitions: u16) -> Self {
        Self((0..partitions).map(|_| Mutex::default()).collect())
    }

    fn of(&self, partition: u16) -> Result<&Mutex<Option<MultiplexedConnection>>, BusError> {
        self.0.get(usize::from(partition)).ok_or_else(|| protocol(&"no such partition"))
    }
}

impl RedisBus {
    pub(super) async fn create_groups(&self) -> Result<(), BusError> {
        let groups = (0..self.partitions).map(|p| self.create_group(Partition(p)));
        try_join_all(groups).await.map(drop)
    }

    /// From the beginning, so that what was committed before there was a group is stored as well.
    async fn create_group(&self, partition: Partition) -> Result<(), BusError> {
        let mut cmd = redis::cmd("XGROUP");
        cmd.arg("CREATE").arg(partition.wal()).arg(GROUP).arg(0).arg("MKSTREAM");
        match self.servers.query_aside::<()>(partition.slot(), &cmd).await {
            Err(BusError::Protocol(text)) if text.contains("BUSYGROUP") => Ok(()),
            answer => answer,
        }
    }

    async fn read_group(
        &self,
        connection: &mut MultiplexedConnection,
        partition: Partition,
        max: usize,
        wait: Duration,
    ) -> RedisResult<Value> {
        let mut cmd = redis::cmd("XREADGROUP");
        cmd.arg("GROUP").arg(GROUP).arg(self.incarnation.as_str()).arg("COUNT").arg(max);
        // To Redis, 0 means for ever.
        if wait >= Duration::from_millis(1) {
            cmd.arg("BLOCK").arg(millis(wait));
        }
        cmd.arg("STREAMS").arg(partition.wal()).arg(">");
        tokio::time::timeout(wait + RESPONSE_TIMEOUT, cmd.query_async(connection))
            .await
            .unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
    }

    fn entry(
        &self,
        partition: u16,
        id: String,
        fields: Value,
        deliveries: u32,
    ) -> Result<WalEntry, BusError> {
        let mut fields = fields_of(fields)?;
        // An entry without a frame can't be read by anybody: handed on empty, it is set aside with
        // that reason, instead of holding up those that were handed out with it.
        let frame = fields.remove("f").unwrap_or_default();
        let origin = fields.remove("o").and_then(|origin| node_id(&origin));
        // A damaged origin only costs the notice, which is then told to nobody but ourselves.
        let origin = origin.unwrap_or_else(|| self.incarnation.clone());
        Ok(WalEntry { partition, id, frame: Bytes::from(frame), origin, deliveries })
    }

    async fn settle_batch(
        &self,
        partition: Partition,
        settled: &[&Settled],
    ) -> Result<(), BusError> {
        let places: Vec<_> = settled
            .iter()
            .map(|settled| {
                // The place the entry was committed at, not the one its notice tells of: a message
                // that was stored before has another.
                EventPlace::of(&settled.entry.frame)
                    .map_or(settled.notice.position, |place| place.position())
            })
            .collect();
        let mut keys = vec![partition.wal()];
        let mut numbers: HashMap<RoomId, usize> = HashMap::new();
        for Settled { notice: StoredNotice { room, .. }, .. } in settled {
            let next = numbers.len();
            numbers.entry(*room).or_insert_with(|| {
                keys.extend([partition.room(room), partition.log(room), partition.ahead(room)]);
                next
            });
        }
        keys.extend(settled.iter().map(|s| partition.id(&s.notice.room, &s.notice.id)));
        let mut call = script::SETTLE
            .call(&keys)
            .arg(GROUP)
            .arg(millis(self.dedupe_window + 2 * CLOCK_SKEW))
            .arg(HOT_LOG_EVENTS)
            .arg(millis(HOT_LOG_IDLE))
            .arg(numbers.len());
        for (Settled { entry, notice, .. }, place) in settled.iter().zip(places) {
            call.push(&entry.id);
            call.push(numbers[&notice.room]);
            call.push(place.seq.0);
            call.push(place_prefix(place));
            call.push(notice.id.made_at().map_or(0, Timestamp::millis));
        }
        let _done: i64 = self.servers.run(partition.slot(), &call).await?;
        Ok(())
    }

    async fn notify(&self, settled: &[Settled]) -> Result<(), BusError> {
        let mut by_origin: BTreeMap<&NodeId, Vec<StoredNotice>> = BTreeMap::new();
        for Settled { entry, notice, .. } in settled.iter().filter(|settled| settled.stored) {
            by_origin.entry(&entry.origin).or_default().push(*notice);
        }
        let batches = by_origin.iter().flat_map(|(origin, notices)| {
            notices.chunks(NOTICES_BATCH).map(async |notices| {
                let inbox = keys::inbox(origin.as_str());
                self.publish(&inbox, &payload::notices(notices)).await
            })
        });
        try_join_all(batches).await.map(drop)
    }
}

/// How a remembered id starts.
fn place_prefix(place: Position) -> String {
    format!("{}:{}:", place.epoch, place.seq)
}

fn fields_of(fields: Value) -> Result<HashMap<String, Vec<u8>>, BusError> {
    HashMap::from_redis_value(fields).map_err(|error| protocol(&error))
}

fn node_id(bytes: &[u8]) -> Option<NodeId> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

fn text(bytes: Option<Vec<u8>>) -> String {
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// The time in a stream entry's id.
fn written_at(id: &str) -> Option<Timestamp> {
    let millis = id.split_once('-')?.0.parse().ok()?;
    Some(Timestamp::from_millis(millis))
}

fn is_no_group(error: &RedisError) -> bool {
    error.code() == Some("NOGROUP") || error.to_string().contains("NOGROUP")
}

fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(REASON_MAX)]
}

#[async_trait]
impl Wal for RedisBus {
    fn partitions(&self) -> u16 {
        self.partitions
    }

    async fn read(
        &self,
        partition: u16,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<WalEntry>, BusError> {
        type Streams = Option<Vec<(String, Vec<(String, Value)>)>>;
        let reader = self.readers.of(partition)?;
        let at = Partition(partition);
        // The connection is out of its place while it waits: a caller who gives up takes it along,
        // and Redis does not hand an entry to a reader who is no longer there.
        let idle = reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut connection = match idle {
            Some(connection) => connection,
            None => {
                let node = self.servers.owner(at.slot())?;
                match node.patient().await {
                    Ok(connection) => connection,
                    Err(error) => {
                        // The slot may have another server by now.
                        let _ = self.servers.refresh().await;
                        return Err(bus_error(&error));
                    }
                }
            }
        };
        let mut answer = self.read_group(&mut connection, at, max, wait).await;
        if answer.as_ref().is_err_and(is_no_group) {
            self.create_group(at).await?;
            answer = self.read_group(&mut connection, at, max, wait).await;
        }
        let value = match answer {
            Ok(value) => value,
            Err(error) => {
                if error.kind() == ErrorKind::Server(ServerErrorKind::Moved) {
                    let _ = self.servers.refresh().await;
                    return Err(BusError::Unavailable("the partition has moved".into()));
                }
                return Err(bus_error(&error));
            }
        };
        *reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        let streams = Streams::from_redis_value(value).map_err(|error| protocol(&error))?;
        let entries = streams.into_iter().flatten().flat_map(|(_, entries)| entries);
        entries.map(|(id, fields)| self.entry(partition, id, fields, 0)).collect()
    }

    async fn claim(
        &self,
        partition: u16,
        idle: Duration,
        max: usize,
    ) -> Result<Vec<WalEntry>, BusError> {
        type Claimed = Vec<(String, Value, u32)>;
        let at = Partition(partition);
        let call = script::CLAIM
            .call(&[at.wal()])
            .arg(GROUP)
            .arg(self.incarnation.as_str())
            .arg(millis(idle))
            .arg(max.max(1))
            .arg(millis(CONSUMER_GONE));
        let claimed: Claimed = match self.servers.run_aside(at.slot(), &call).await {
            Err(BusError::Protocol(text)) if text.contains("NOGROUP") => {
                self.create_group(at).await?;
                Vec::new()
            }
            answer => answer?,
        };
        claimed
            .into_iter()
            .map(|(id, fields, deliveries)| self.entry(partition, id, fields, deliveries))
            .collect()
    }

    async fn settle(&self, settled: &[Settled]) -> Result<(), BusError> {
        let mut by_partition: BTreeMap<u16, Vec<&Settled>> = BTreeMap::new();
        for one in settled {
            by_partition.entry(one.entry.partition).or_default().push(one);
        }
        let batches = by_partition.iter().flat_map(|(partition, settled)| {
            let batches = settled.chunks(SETTLE_BATCH);
            batches.map(|settled| self.settle_batch(Partition(*partition), settled))
        });
        try_join_all(batches).await?;
        self.notify(settled).await
    }

    async fn forget(&self, room: RoomId, id: MessageId, place: Position) -> Result<(), BusError> {
        let partition = self.partition(&room);
        let call = script::FORGET.call(&[partition.id(&room, &id)]).arg(place_prefix(place));
        let _done: i64 = self.servers.run(partition.slot(), &call).await?;
        Ok(())
    }

    async fn bury(&self, entry: &WalEntry, reason: &str) -> Result<(), BusError> {
        let partition = Partition(entry.partition);
        let place = EventPlace::of(&entry.frame);
        // Without a readable place it can't be told which room's log waits for it.
        let (room, ahead) = match &place {
            Some(place) => (partition.room(&place.room), partition.ahead(&place.room)),
            None => (partition.dead(), partition.dead()),
        };
        let keys = [partition.wal(), partition.dead(), room, ahead];
        let call = script::BURY
            .call(&keys)
            .arg(GROUP)
            .arg(&entry.id)
            .arg(self.wal_limit)
            .arg(&entry.frame[..])
            .arg(entry.origin.as_str())
            .arg(shortened(reason))
            .arg(Timestamp::now().millis())
            .arg(place.map_or(0, |place| place.position().seq.0))
            .arg(u8::from(place.is_some()));
        let outcome: String = self.servers.run_aside(partition.slot(), &call).await?;
        if outcome == "full" {
            return Err(BusError::Unavailable("dead letters are at their bound".into()));
        }
        Ok(())
    }

    async fn dead_letters(&self, partition: u16, max: usize) -> Result<Vec<DeadLetter>, BusError> {
        let at = Partition(partition);
        let mut cmd = redis::cmd("XRANGE");
        cmd.arg(at.dead()).arg("-").arg("+").arg("COUNT").arg(max.max(1));
        let letters: Vec<(String, Value)> = self.servers.query_aside(at.slot(), &cmd).await?;
        let letter = |(id, fields): (String, Value)| {
            let mut fields = fields_of(fields)?;
            let buried = text(fields.remove("t")).parse().ok().map(Timestamp::from_millis);
            Ok(DeadLetter {
                partition,
                at: buried.or_else(|| written_at(&id)).unwrap_or_default(),
                reason: text(fields.remove("r")),
                frame: text(fields.remove("f")),
                origin: fields
                    .remove("o")
                    .and_then(|origin| node_id(&origin))
                    .unwrap_or_else(|| self.incarnation.clone()),
                id,
            })
        };
        letters.into_iter().map(letter).collect()
    }

    async fn replay(&self, partition: u16, id: &str) -> Result<bool, BusError> {
        if written_at(id).is_none() {
            return Ok(false);
        }
        let at = Partition(partition);
        let call = script::REPLAY.call(&[at.wal(), at.dead()]).arg(id);
        self.servers.run_aside(at.slot(), &call).await
    }

    async fn depth(&self) -> Result<Vec<WalDepth>, BusError> {
        let depths = (0..self.partitions).map(async |partition| {
            let at = Partition(partition);
            let call = script::DEPTH.call(&[at.wal(), at.dead()]);
            let (entries, oldest, dead, now): (u64, String, u64, i64) =
                self.servers.run_aside(at.slot(), &call).await?;
            let now = Timestamp::from_millis(now);
            let oldest = written_at(&oldest).map(|written| written.until(now));
            Ok(WalDepth { partition, entries, oldest, dead })
        });
        join_all(depths).await.into_iter().collect()
    }
}
