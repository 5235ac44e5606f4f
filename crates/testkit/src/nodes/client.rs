//! One socket that judges every frame it receives.
//!
//! A task reads all the time, so that the gateway never waits for a test that looks elsewhere. What
//! must not be (a hole, an event twice, a reset that nothing called for) fails the test that waits
//! for this client next, and the cluster's end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use hubbub_protocol::client::ResumePoint;
use hubbub_protocol::server::ErrorFrame;
use hubbub_protocol::{
    ClientFrame, Draft, Message as Stated, MessageId, Position, RoomId, ServerFrame, UserId,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use super::ledger::Ledger;
use super::person::Person;
use super::socket::{Reader, Socket, open};
use super::soon;
use super::view::{Ack, Ended, Permits, View};

/// How long somebody who insists waits for an answer before they say it again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// What can be chosen of a connection.
#[derive(Debug, Clone, Default)]
pub struct Dial {
    /// Positions to claim, instead of those on the screen.
    pub resume: Option<Vec<(RoomId, Position)>>,
    /// Hear only these rooms.
    pub only: Option<Vec<RoomId>>,
    /// The kernel's receive buffer, in bytes: what a client that does not read takes all the same.
    pub receive_buffer: Option<u32>,
}

/// A person's device, over one socket after the other.
#[derive(Debug)]
pub struct TestClient {
    token: String,
    user: UserId,
    view: Arc<watch::Sender<View>>,
    ledger: Arc<Ledger>,
    reads: watch::Sender<bool>,
    link: Option<Link>,
}

#[derive(Debug)]
struct Link {
    writer: SplitSink<Socket, Message>,
    reader: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl TestClient {
    /// A device of this person that is not connected yet.
    #[must_use]
    pub fn of(person: &Person, ledger: &Arc<Ledger>) -> Self {
        Self {
            token: person.token().to_owned(),
            user: person.id(),
            view: Arc::new(watch::Sender::new(View::default())),
            ledger: Arc::clone(ledger),
            reads: watch::Sender::new(true),
            link: None,
        }
    }

    /// Connects to a gateway and waits for `ready`. What is on the screen goes on where it is.
    ///
    /// # Panics
    /// When it is not greeted.
    pub async fn connect(&mut self, gateway: SocketAddr) {
        self.dial(gateway, Dial::default()).await;
    }

    /// Connects as [`Dial`] says and waits for `ready`.
    ///
    /// # Panics
    /// When it is not greeted.
    pub async fn dial(&mut self, gateway: SocketAddr, dial: Dial) {
        self.open(gateway, dial).await;
        self.until("ready", |view| view.ready.then_some(())).await;
    }

    /// Connects and says hello, whatever comes of it.
    ///
    /// # Panics
    /// When there is nobody at the address.
    pub async fn open(&mut self, gateway: SocketAddr, dial: Dial) {
        self.vanish();
        let Dial { resume, only, receive_buffer } = dial;
        if let Some(claimed) = resume {
            self.view.send_modify(|view| {
                for (room, position) in claimed {
                    let held = view.rooms.entry(room).or_default();
                    (held.position, held.heard) = (position, true);
                }
            });
        }
        self.view.send_modify(View::reconnecting);
        let resume = {
            let view = self.view.borrow();
            let heard = view.rooms.iter().filter(|(_, held)| held.heard);
            heard
                .map(|(&room, held)| {
                    let Position { epoch, seq } = held.position;
                    ResumePoint { room, epoch, seq }
                })
                .collect()
        };
        let socket = soon("a socket", open(gateway, receive_buffer)).await;
        let (writer, stream) = socket.split();
        let reader = Reader {
            connection: self.view.borrow().connection,
            view: Arc::clone(&self.view),
            ledger: Arc::clone(&self.ledger),
            reads: self.reads.subscribe(),
        };
        let reader = tokio::spawn(reader.read(stream));
        self.link = Some(Link { writer, reader });
        let hello = ClientFrame::Hello { token: Some(self.token.clone()), resume, only };
        self.transmit(&hello).await;
    }

    /// Breaks the socket off without a word, as a lost network does.
    pub fn vanish(&mut self) {
        self.link = None;
        // What the reader still holds in its hands comes too late.
        self.view.send_modify(|view| view.connection += 1);
    }

    /// Closes the socket in good order, and waits until it is.
    ///
    /// # Panics
    /// When there is no connection.
    pub async fn leave(&mut self) {
        let link = self.link.as_mut().expect("a connection");
        // A socket that is gone already is as closed as it gets.
        let _ = link.writer.close().await;
        self.ended().await;
        self.vanish();
    }

    /// What may happen to this client from now on.
    pub fn permit(&self, permits: Permits) {
        self.view.send_modify(|view| view.permits = permits);
    }

    /// Stops taking anything from the socket, or goes on.
    pub fn read_on(&self, reads: bool) {
        self.reads.send_replace(reads);
    }

    /// Who it is.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// Sends a frame; a socket that has broken loses it.
    ///
    /// # Panics
    /// When there is no connection.
    pub async fn transmit(&mut self, frame: &ClientFrame) {
        if let ClientFrame::Send { id, .. }
        | ClientFrame::Edit { id, .. }
        | ClientFrame::Delete { id, .. }
        | ClientFrame::React { id, .. } = frame
        {
            self.view.send_modify(|view| *view.sent.entry(*id).or_default() += 1);
        }
        let link = self.link.as_mut().expect("a connection");
        let _ = soon("a send", link.writer.send(Message::text(frame.encode()))).await;
    }

    /// Says something new.
    pub async fn say(&mut self, room: RoomId, text: &str) -> MessageId {
        let id = MessageId::new();
        self.say_as(id, room, text).await;
        id
    }

    /// Says something under an id made before.
    pub async fn say_as(&mut self, id: MessageId, room: RoomId, text: &str) {
        let body = Draft::text(text);
        self.transmit(&ClientFrame::Send { id, room, body }).await;
    }

    /// Puts another text in place of what a message says. Returns the edit's id.
    pub async fn edit(&mut self, room: RoomId, message: MessageId, text: &str) -> MessageId {
        let (id, body) = (MessageId::new(), Draft::text(text));
        self.transmit(&ClientFrame::Edit { id, room, message, body }).await;
        id
    }

    /// Deletes a message. Returns the deletion's id.
    pub async fn delete(&mut self, room: RoomId, message: MessageId) -> MessageId {
        let id = MessageId::new();
        self.transmit(&ClientFrame::Delete { id, room, message }).await;
        id
    }

    /// Puts an emoji under a message. Returns the reaction's id.
    pub async fn react(&mut self, room: RoomId, message: MessageId, emoji: &str) -> MessageId {
        let (id, emoji) = (MessageId::new(), emoji.to_owned());
        self.transmit(&ClientFrame::React { id, room, message, emoji, on: true }).await;
        id
    }

    /// Says something again and again, always under the same id, until it is acked: what a client
    /// does whose server is in trouble.
    ///
    /// # Panics
    /// When it is refused for good, or not acked in time.
    pub async fn insist(&mut self, id: MessageId, room: RoomId, text: &str) -> Ack {
        let patience = Instant::now() + super::PATIENCE;
        let what = format!("an answer to {id}");
        loop {
            let known = self.look(|view| view.errors.len());
            self.say_as(id, room, text).await;
            let answer = self.until_or(RETRY_AFTER, |view| {
                let ack = view.acks.get(&id).and_then(|acks| acks.last().copied());
                let about = |error: &&ErrorFrame| error.id == Some(id.to_string());
                let refusal = || view.errors[known..].iter().find(about).cloned();
                ack.map(Ok).or_else(|| refusal().map(Err))
            });
            match answer.await {
                None if Instant::now() > patience => {
                    panic!("{} waits in vain for {what}; {}", self.user, self.look(tell));
                }
                None => {}
                Some(Ok(ack)) => return ack,
                Some(Err(error)) => {
                    let again = error.retry_after_ms;
                    let pause = again.unwrap_or_else(|| panic!("refused for good: {error:?}"));
                    tokio::time::sleep(Duration::from_millis(pause.min(200))).await;
                }
            }
        }
    }

    /// Waits until everything this client was sent before is on the screen.
    pub async fn caught_up(&mut self) {
        let pongs = |view: &View| {
            view.frames.iter().filter(|frame| matches!(frame, ServerFrame::Pong)).count()
        };
        let known = self.look(pongs);
        self.transmit(&ClientFrame::Ping).await;
        self.until("a pong", |view| (pongs(view) > known).then_some(())).await;
    }

    /// Looks at what it knows now.
    ///
    /// # Panics
    /// When it has been told what must not be.
    pub fn look<T>(&self, look: impl FnOnce(&View) -> T) -> T {
        let view = self.view.borrow();
        check(self.user, &view);
        look(&view)
    }

    /// Waits until it knows enough.
    ///
    /// # Panics
    /// When that takes too long, or it is told what must not be.
    pub async fn until<T>(&self, what: &str, enough: impl Fn(&View) -> Option<T>) -> T {
        match self.until_or(super::PATIENCE, enough).await {
            Some(enough) => enough,
            None => panic!("{} waits in vain for {what}; {}", self.user, self.look(tell)),
        }
    }

    /// Waits until it knows enough; `None` when it does not within this time.
    async fn until_or<T>(
        &self,
        within: Duration,
        enough: impl Fn(&View) -> Option<T>,
    ) -> Option<T> {
        let mut changes = self.view.subscribe();
        let waiting = changes.wait_for(|view| view.violation.is_some() || enough(view).is_some());
        let view = tokio::time::timeout(within, waiting).await.ok()?;
        let view = view.expect("the client keeps its view");
        check(self.user, &view);
        enough(&view)
    }

    /// Waits until a message is on the screen, and tells where.
    pub async fn sees(&self, room: RoomId, id: MessageId) -> Position {
        self.until(&format!("message {id}"), |view| view.rooms.get(&room)?.place(id)).await
    }

    /// Waits until a message is on the screen in a certain state.
    pub async fn sees_it(&self, room: RoomId, id: MessageId, so: impl Fn(&Stated) -> bool) {
        self.until(&format!("a change of {id}"), |view| {
            so(view.rooms.get(&room)?.message(id)?).then_some(())
        })
        .await;
    }

    /// Waits until a message is acked.
    pub async fn acked(&self, id: MessageId) -> Ack {
        self.until(&format!("the ack of {id}"), |view| view.acks.get(&id)?.last().copied()).await
    }

    /// Waits until a send is refused, and tells how.
    pub async fn refused(&self, id: MessageId) -> ErrorFrame {
        let id = id.to_string();
        self.until(&format!("an error about {id}"), |view| {
            view.errors.iter().rev().find(|error| error.id.as_deref() == Some(&id)).cloned()
        })
        .await
    }

    /// Waits until the connection is over, and tells how.
    pub async fn ended(&self) -> Ended {
        self.until("the connection's end", |view| view.ended.clone()).await
    }

    /// Waits until a frame like this has come, on whatever connection.
    pub async fn hears<T>(&self, what: &str, of: impl Fn(&ServerFrame) -> Option<T>) -> T {
        self.until(what, |view| view.frames.iter().find_map(&of)).await
    }

    /// Where a room is on the screen.
    #[must_use]
    pub fn position(&self, room: RoomId) -> Position {
        self.look(|view| view.room(room).position)
    }
}

fn check(user: UserId, view: &View) {
    if let Some(violation) = &view.violation {
        panic!("{user}: {violation}");
    }
}

/// What a client knows, for the message of a test that fails.
fn tell(view: &View) -> String {
    let last: Vec<String> =
        view.frames.iter().rev().take(5).map(|frame| format!("  {frame:?}")).collect();
    let rooms = view.rooms.iter().map(|(room, held)| {
        let (position, heard, count) = (held.position, held.heard, held.messages.len());
        format!("  {room}: at {position}, heard: {heard}, {count} messages")
    });
    let rooms: Vec<String> = rooms.collect();
    format!(
        "it ended: {:?}; its rooms:\n{}\nits last frames, newest first:\n{}",
        view.ended,
        rooms.join("\n"),
        last.join("\n")
    )
}
