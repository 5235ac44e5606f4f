//! The rooms' logs in Redis.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use hubbub_protocol::{Epoch, MessageId, NodeId, Position, RoomId, Seq, Timestamp, UserId};
use redis::{FromRedisValue, Value};

use super::keys::Partition;
use super::servers::protocol;
use super::{RedisBus, payload, script};
use crate::log::{LogEvent, Progress};
use crate::wal::OVERLOAD_RETRY;
use crate::{BusError, Commit, CommitError, CommitRequest, LogRead, RoomLog};

/// Rooms whose heads one script reads.
const HEADS_BATCH: usize = 500;

/// A script's answer, taken apart from the front.
struct Answer(std::vec::IntoIter<Value>);

impl Answer {
    fn next<T: FromRedisValue>(&mut self) -> Result<T, BusError> {
        let value = self.0.next().ok_or_else(|| protocol(&"the answer is too short"))?;
        T::from_redis_value(value).map_err(|error| protocol(&error))
    }

    fn position(&mut self) -> Result<Position, BusError> {
        Ok(Position::new(Epoch(self.next()?), Seq(self.next()?)))
    }
}

impl FromRedisValue for Answer {
    fn from_redis_value(value: Value) -> Result<Self, redis::ParsingError> {
        Vec::from_redis_value(value).map(|values| Self(values.into_iter()))
    }
}

/// Reads `epoch:seq:at:sender`.
fn first_commit(text: &str) -> Option<Commit> {
    let mut parts = text.splitn(4, ':');
    let epoch = Epoch(parts.next()?.parse().ok()?);
    let seq = Seq(parts.next()?.parse().ok()?);
    let at = Timestamp::from_millis(parts.next()?.parse().ok()?);
    let sender: UserId = parts.next()?.parse().ok()?;
    Some(Commit::Seen { position: Position::new(epoch, seq), sender, at })
}

/// One entry of a hot log: its id is `<seq>-0`, its only field the frame.
fn log_event((id, fields): (String, Vec<Value>)) -> Result<LogEvent, BusError> {
    let seq = seq_of(&id)?;
    let frame = fields.into_iter().nth(1).ok_or_else(|| protocol(&"a log entry has no frame"))?;
    let frame = Vec::<u8>::from_redis_value(frame).map_err(|error| protocol(&error))?;
    Ok(LogEvent { seq, frame: Bytes::from(frame) })
}

fn seq_of(id: &str) -> Result<Seq, BusError> {
    let seq = id.split_once('-').and_then(|(seq, _)| seq.parse().ok());
    seq.map(Seq).ok_or_else(|| protocol(&"a log entry's id is no seq"))
}

#[async_trait]
impl RoomLog for RedisBus {
    async fn commit(&self, request: CommitRequest<'_>) -> Result<Commit, CommitError> {
        let event = request.event;
        let template = event.template();
        let partition = self.partition(&event.room);
        let keys = [
            partition.room(&event.room),
            partition.id(&event.room, &event.id),
            partition.log(&event.room),
            partition.wal(),
        ];
        let call = self
            .commit
            .call(&keys)
            .arg(template.prefix)
            .arg(template.suffix)
            .arg(format!(":{}:{}", event.at.millis(), event.sender))
            .arg(self.incarnation.as_str())
            .arg(u8::from(request.checked));
        let answer: String = self.servers.run(partition.slot(), &call).await?;
        match answer.as_str() {
            "unseeded" => return Err(CommitError::Unseeded),
            "lookup" => return Err(CommitError::LookupFirst),
            "full" => return Err(CommitError::Overloaded { retry_after: OVERLOAD_RETRY }),
            _ => {}
        }
        let commit = match answer.strip_prefix("seen ") {
            Some(first) => first_commit(first),
            None => payload::position(&answer).map(Commit::New),
        };
        Ok(commit.ok_or_else(|| protocol(&"unknown outcome of a commit"))?)
    }

    async fn seed(
        &self,
        room: RoomId,
        at: Position,
        recovered: bool,
    ) -> Result<Position, BusError> {
        let partition = self.partition(&room);
        let call = script::SEED
            .call(&[partition.room(&room)])
            .arg(at.epoch.0)
            .arg(at.seq.0)
            .arg(u8::from(recovered));
        let mut answer: Answer = self.servers.run(partition.slot(), &call).await?;
        answer.position()
    }

    async fn reopen(
        &self,
        room: RoomId,
        expected: Epoch,
        to: Position,
    ) -> Result<Position, BusError> {
        let partition = self.partition(&room);
        let keys = [partition.room(&room), partition.log(&room), partition.ahead(&room)];
        let call = script::REOPEN
            .call(&keys)
            .arg(expected.0)
            .arg(to.epoch.0)
            .arg(to.seq.0)
            .arg(self.servers.publish_command());
        let mut answer: Answer = self.servers.run(partition.slot(), &call).await?;
        answer.position()
    }

    async fn close(&self, room: RoomId) -> Result<(), BusError> {
        let partition = self.partition(&room);
        let keys = [partition.room(&room), partition.log(&room), partition.ahead(&room)];
        let _: u64 = self.servers.run(partition.slot(), &script::CLOSE.call(&keys)).await?;
        Ok(())
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Option<Position>>, BusError> {
        let mut by_partition: BTreeMap<Partition, Vec<usize>> = BTreeMap::new();
        for (at, room) in rooms.iter().enumerate() {
            by_partition.entry(self.partition(room)).or_default().push(at);
        }
        let batches = by_partition.iter().flat_map(|(partition, places)| {
            places.chunks(HEADS_BATCH).map(move |places| async move {
                let keys: Vec<_> = places.iter().map(|at| partition.room(&rooms[*at])).collect();
                let call = script::HEADS.call(&keys);
                let heads: Vec<String> = self.servers.run(partition.slot(), &call).await?;
                Ok::<_, BusError>((places, heads))
            })
        });
        let mut found = vec![None; rooms.len()];
        for (places, heads) in futures_util::future::try_join_all(batches).await? {
            for (at, head) in places.iter().zip(heads.chunks_exact(2)) {
                if let (Ok(epoch), Ok(seq)) = (head[0].parse(), head[1].parse()) {
                    found[*at] = Some(Position::new(Epoch(epoch), Seq(seq)));
                }
            }
        }
        Ok(found)
    }

    async fn log_after(
        &self,
        room: RoomId,
        after: Position,
        limit: usize,
    ) -> Result<LogRead, BusError> {
        let partition = self.partition(&room);
        let call = script::LOG_AFTER
            .call(&[partition.room(&room), partition.log(&room)])
            .arg(after.epoch.0)
            .arg(after.seq.0)
            .arg(limit.max(1));
        let mut answer: Answer = self.servers.run(partition.slot(), &call).await?;
        let kind: String = answer.next()?;
        if kind == "unseeded" {
            return Ok(LogRead::Unseeded);
        }
        let head = answer.position()?;
        match kind.as_str() {
            "foreign" => Ok(LogRead::Foreign { head }),
            "missed" => {
                let id: String = answer.next()?;
                let oldest = if id.is_empty() { head.seq.next() } else { seq_of(&id)? };
                Ok(LogRead::Missed { head, oldest })
            }
            "events" => {
                let entries: Vec<(String, Vec<Value>)> = answer.next()?;
                let mut events = Vec::with_capacity(entries.len());
                let mut next = after.seq.next();
                for entry in entries {
                    let event = log_event(entry)?;
                    // Nothing is handed on across a hole: the next read will answer `Missed`.
                    if event.seq != next {
                        break;
                    }
                    next = next.next();
                    events.push(event);
                }
                Ok(LogRead::Events { head, events })
            }
            _ => Err(protocol(&"unknown outcome of a log read")),
        }
    }

    async fn find(&self, room: RoomId, id: MessageId) -> Result<Option<LogEvent>, BusError> {
        let partition = self.partition(&room);
        let call = script::FIND.call(&[partition.id(&room, &id), partition.log(&room)]);
        let entry: Option<(String, Vec<Value>)> = self.servers.run(partition.slot(), &call).await?;
        entry.map(log_event).transpose()
    }

    async fn progress(&self, room: RoomId) -> Result<Option<Progress>, BusError> {
        let partition = self.partition(&room);
        let call = script::PROGRESS.call(&[partition.room(&room)]);
        let counters: Option<(u64, u64, u64, Option<u64>)> =
            self.servers.run(partition.slot(), &call).await?;
        Ok(counters.map(|(epoch, seq, stored, began)| Progress {
            head: Position::new(Epoch(epoch), Seq(seq)),
            began: began.map(Seq),
            stored: Seq(stored),
        }))
    }

    fn origin(&self) -> &NodeId {
        &self.incarnation
    }
}

/// Milliseconds as scripts take them.
pub(super) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
