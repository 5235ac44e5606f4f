//! The task that joins state machine, connection and API.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hubbub_protocol::http::History;
use hubbub_protocol::limits::PAGE_MAX;
use hubbub_protocol::server::ReadyRoom;
use hubbub_protocol::{
    ClientFrame, CloseCode, ErrorCode, Message, MessageId, NodeId, RoomId, ServerFrame, UserId,
};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use super::dial::{DialError, Dialled, dial};
use super::{Event, Unsent};
use crate::backoff::Backoff;
use crate::connection::{Closed, Connection};
use crate::http::{Api, ApiError, Page};
use crate::sync::outbox::Saying;
use crate::sync::{Action, Replica};

/// Events that wait before the socket is read no further, and no other is opened.
const EVENTS_HELD: usize = 256;
/// Rooms that are loaded at a time.
const LOADS: usize = 4;
/// How long before its end an access token is replaced, if it lives long enough for that.
pub(super) const REFRESH_BEFORE: Duration = Duration::from_secs(60);
/// How long after a failed refresh the next is tried.
const REFRESH_AGAIN: Duration = Duration::from_secs(5);

/// What the owner of the client asks for.
#[derive(Debug)]
pub(super) enum Command {
    Say {
        id: MessageId,
        room: RoomId,
        saying: Saying,
        reply: oneshot::Sender<Result<(), ErrorCode>>,
    },
    Retry {
        id: MessageId,
        reply: oneshot::Sender<bool>,
    },
    Discard {
        id: MessageId,
        reply: oneshot::Sender<bool>,
    },
    Messages {
        room: RoomId,
        reply: oneshot::Sender<Vec<Message>>,
    },
    Unsent {
        reply: oneshot::Sender<Vec<Unsent>>,
    },
    Volatile(ClientFrame),
    Watch(Vec<UserId>),
    Stop {
        reply: oneshot::Sender<()>,
    },
}

/// What a task of the driver has done.
enum Done {
    Dialled(Result<Dialled, DialError>),
    Loaded(RoomId, Option<History>),
    Refreshed(Result<String, ApiError>),
    Closed,
}

/// The connection in use.
struct Link {
    connection: Box<Connection>,
    heartbeat: Duration,
    /// When something was last heard.
    heard: Instant,
    /// When something is said next, so that the gateway hears of us.
    ping: Instant,
    /// The access token the gateway knows.
    token: String,
    /// When it is replaced.
    refresh: Option<Instant>,
}

impl Link {
    /// When a gateway that says nothing counts as gone.
    fn silent(&self) -> Instant {
        self.heard + self.heartbeat * 2
    }
}

/// Why the driver ends.
enum End {
    /// Nobody wants it any more.
    Stopped(Option<oneshot::Sender<()>>),
    /// The server doesn't.
    Refused(String),
}

/// What the driver has waited for.
enum Step {
    Command(Option<Command>),
    Told,
    Heard(Result<ServerFrame, Closed>),
    Done(Option<Done>),
    Tick,
}

pub(super) struct Driver {
    api: Api,
    only: Option<Vec<RoomId>>,
    replica: Replica,
    link: Option<Link>,
    /// When to dial.
    dial: Option<Instant>,
    /// Whether that is under way.
    dialling: bool,
    /// A token that the gateway found too old, though it does not look so here.
    expired: Option<String>,
    backoff: Backoff,
    tasks: JoinSet<Done>,
    loads: Arc<Semaphore>,
    events: mpsc::Sender<Event>,
    held: VecDeque<Event>,
}

impl Driver {
    pub(super) fn new(api: Api, only: Option<Vec<RoomId>>, events: mpsc::Sender<Event>) -> Self {
        Self {
            api,
            only,
            replica: Replica::new(),
            link: None,
            dial: Some(Instant::now()),
            dialling: false,
            expired: None,
            backoff: Backoff::default(),
            tasks: JoinSet::new(),
            loads: Arc::new(Semaphore::new(LOADS)),
            events,
            held: VecDeque::new(),
        }
    }

    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let end = loop {
            if let Err(end) = self.act().await {
                break end;
            }
            let wake = self.wake();
            let reads = self.reads();
            let step = tokio::select! {
                command = commands.recv() => Step::Command(command),
                told = self.events.reserve(), if !self.held.is_empty() => {
                    match told {
                        Ok(place) => drop(self.held.pop_front().map(|event| place.send(event))),
                        // Nobody listens any more; what is sent is still to be stored.
                        Err(_) => self.held.clear(),
                    }
                    Step::Told
                }
                heard = next(&mut self.link), if reads => Step::Heard(heard),
                Some(done) = self.tasks.join_next() => Step::Done(done.ok()),
                () = until(wake) => Step::Tick,
            };
            let took = match step {
                Step::Command(Some(command)) => self.command(command).await,
                Step::Command(None) => Err(End::Stopped(None)),
                Step::Heard(heard) => self.heard(heard),
                Step::Done(Some(done)) => self.done(done).await,
                Step::Tick => self.tick().await,
                Step::Told | Step::Done(None) => Ok(()),
            };
            if !reads && let Some(link) = &mut self.link {
                // The silence was this side's own.
                link.heard = Instant::now();
            }
            if let Err(end) = took {
                break end;
            }
        };
        if let Some(link) = self.link.take() {
            link.connection.close().await;
        }
        match end {
            End::Stopped(reply) => drop(reply.map(|reply| reply.send(()))),
            End::Refused(cause) => {
                for event in self.held.drain(..).chain([Event::Ended { cause }]) {
                    // Nobody may be listening any more.
                    let _ = self.events.send(event).await;
                }
            }
        }
    }

    /// Does what the replica asks for.
    async fn act(&mut self) -> Result<(), End> {
        while let Some(action) = self.replica.poll() {
            match action {
                Action::Transmit(frame) => self.transmit(&frame).await?,
                Action::Load(room) => {
                    self.tasks.spawn(load(self.api.clone(), room, Arc::clone(&self.loads)));
                }
                Action::Tell(update) => self.held.push_back(Event::Update(update)),
            }
        }
        Ok(())
    }

    async fn transmit(&mut self, frame: &ClientFrame) -> Result<(), End> {
        let Some(link) = &mut self.link else { return Ok(()) };
        link.ping = Instant::now() + link.heartbeat / 2;
        match link.connection.send(frame).await {
            Ok(()) => Ok(()),
            Err(closed) => self.lost(&closed),
        }
    }

    /// Whether there is room for what else may happen.
    fn reads(&self) -> bool {
        self.held.len() < EVENTS_HELD
    }

    fn wake(&self) -> Option<Instant> {
        let link = self.link.as_ref();
        let of_link =
            link.map(|link| [Some(link.ping), Some(link.silent()), link.refresh]).into_iter();
        let dial = self.dial.filter(|_| self.reads());
        of_link.flatten().chain([dial, self.replica.deadline()]).flatten().min()
    }

    async fn tick(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if self.reads() && self.dial.is_some_and(|at| at <= now) {
            (self.dial, self.dialling) = (None, true);
            let (resume, only) = (self.replica.resume_points(), self.only.clone());
            let dialled = dial(self.api.clone(), self.expired.take(), resume, only);
            self.tasks.spawn(async { Done::Dialled(dialled.await) });
        }
        if let Some(link) = &mut self.link {
            if link.silent() <= now {
                return self.lost(&Closed::Silent);
            }
            if link.refresh.is_some_and(|at| at <= now) {
                link.refresh = None;
                let (api, used) = (self.api.clone(), link.token.clone());
                self.tasks.spawn(async move { Done::Refreshed(api.next_token(&used).await) });
            }
            if link.ping <= now {
                self.transmit(&ClientFrame::Ping).await?;
            }
        }
        self.replica.tick(now);
        Ok(())
    }

    fn heard(&mut self, heard: Result<ServerFrame, Closed>) -> Result<(), End> {
        let frame = match heard {
            Ok(frame) => frame,
            Err(closed) => return self.lost(&closed),
        };
        let now = Instant::now();
        if let Some(link) = &mut self.link {
            link.heard = now;
            if let ServerFrame::Refreshed { token_expires_in_ms } = frame {
                link.refresh = Some(refresh_at(now, token_expires_in_ms));
            }
        }
        if let ServerFrame::GoAway { after_ms, .. } = frame {
            // The old connection stays in use until the new one is ready.
            self.dial_at(now + Duration::from_millis(after_ms));
        }
        self.replica.receive(frame, now);
        Ok(())
    }

    async fn command(&mut self, command: Command) -> Result<(), End> {
        let now = Instant::now();
        // A reply that nobody waits for any more is no reply.
        match command {
            Command::Say { id, room, saying, reply } => {
                let _ = reply.send(self.replica.say(id, room, saying, now));
            }
            Command::Retry { id, reply } => {
                let _ = reply.send(self.replica.retry(id, now));
            }
            Command::Discard { id, reply } => {
                let _ = reply.send(self.replica.discard(id));
            }
            Command::Messages { room, reply } => {
                let room = self.replica.room(room);
                let messages = room.map(|room| room.messages().cloned().collect());
                let _ = reply.send(messages.unwrap_or_default());
            }
            Command::Unsent { reply } => {
                let unsent = self.replica.pending().map(|pending| Unsent {
                    id: pending.id,
                    room: pending.room,
                    saying: pending.saying.clone(),
                    state: pending.state,
                });
                let _ = reply.send(unsent.collect());
            }
            Command::Volatile(frame) => self.transmit(&frame).await?,
            Command::Watch(users) => self.replica.watch(users),
            Command::Stop { reply } => return Err(End::Stopped(Some(reply))),
        }
        Ok(())
    }

    async fn done(&mut self, done: Done) -> Result<(), End> {
        match done {
            Done::Dialled(dialled) => {
                (self.dial, self.dialling) = (None, false);
                match dialled {
                    Ok(dialled) => self.connected(dialled),
                    Err(error) => return self.not_connected(&error),
                }
            }
            Done::Loaded(room, Some(page)) => self.replica.loaded(room, page),
            Done::Refreshed(Ok(token)) => {
                if let Some(link) = &mut self.link {
                    link.token.clone_from(&token);
                }
                return self.transmit(&ClientFrame::Refresh { token: Some(token) }).await;
            }
            Done::Refreshed(Err(error)) if error.ends_session() => {
                return Err(End::Refused(error.to_string()));
            }
            Done::Refreshed(Err(_)) => {
                if let Some(link) = &mut self.link {
                    link.refresh = Some(Instant::now() + REFRESH_AGAIN);
                }
            }
            Done::Loaded(_, None) | Done::Closed => {}
        }
        Ok(())
    }

    fn connected(&mut self, Dialled { connection, token, ready }: Dialled) {
        let ServerFrame::Ready { node, heartbeat_ms, token_expires_in_ms, rooms, .. } = &ready
        else {
            return;
        };
        let now = Instant::now();
        let heartbeat = Duration::from_millis((*heartbeat_ms).max(1_000));
        let link = Link {
            connection,
            heartbeat,
            heard: now,
            ping: now + heartbeat / 2,
            token,
            refresh: Some(refresh_at(now, *token_expires_in_ms)),
        };
        self.held.push_back(connected_event(node, rooms));
        if let Some(old) = self.link.replace(link) {
            self.tasks.spawn(async {
                old.connection.close().await;
                Done::Closed
            });
        }
        self.backoff.reset();
        self.replica.receive(ready, now);
    }

    fn not_connected(&mut self, error: &DialError) -> Result<(), End> {
        let is_final = match error {
            DialError::Closed(closed) => !closed.reconnect(),
            DialError::Token(error) => error.ends_session(),
        };
        if is_final {
            return Err(End::Refused(error.to_string()));
        }
        self.dial_later(error.to_string());
        Ok(())
    }

    /// The connection in use is over.
    fn lost(&mut self, closed: &Closed) -> Result<(), End> {
        let Some(link) = self.link.take() else { return Ok(()) };
        self.replica.disconnected();
        if !closed.reconnect() {
            return Err(End::Refused(closed.to_string()));
        }
        self.expired = closed.is(CloseCode::TokenExpired).then_some(link.token);
        self.dial_later(closed.to_string());
        Ok(())
    }

    fn dial_later(&mut self, cause: String) {
        let retry_in = self.backoff.wait(&mut rand::rng());
        self.dial_at(Instant::now() + retry_in);
        if self.link.is_none() {
            self.held.push_back(Event::Disconnected { cause, retry_in });
        }
    }

    /// Plans to dial, unless that is under way.
    fn dial_at(&mut self, at: Instant) {
        if !self.dialling {
            self.dial = Some(self.dial.map_or(at, |planned| planned.min(at)));
        }
    }
}

fn connected_event(node: &NodeId, rooms: &[ReadyRoom]) -> Event {
    Event::Connected { node: node.clone(), rooms: rooms.to_vec() }
}

/// The next frame of the connection, if there is one.
async fn next(link: &mut Option<Link>) -> Result<ServerFrame, Closed> {
    match link {
        Some(link) => link.connection.next().await,
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

fn refresh_at(now: Instant, expires_in_ms: u64) -> Instant {
    let lifetime = Duration::from_millis(expires_in_ms.min(u64::from(u32::MAX)));
    now + lifetime.saturating_sub(REFRESH_BEFORE).max(lifetime / 2)
}

/// Gets a room's newest page, however long that takes. The jitter spreads the requests of clients
/// that were reset together.
async fn load(api: Api, room: RoomId, loads: Arc<Semaphore>) -> Done {
    let mut backoff = Backoff::default();
    loop {
        let wait = backoff.wait(&mut rand::rng());
        sleep(wait).await;
        // The semaphore is never closed.
        let _permit = loads.acquire().await;
        match api.messages(room, Page::Latest, PAGE_MAX).await {
            Ok(page) => return Done::Loaded(room, Some(page)),
            Err(error) if error.is_passing() => {}
            Err(_) => return Done::Loaded(room, None),
        }
    }
}
