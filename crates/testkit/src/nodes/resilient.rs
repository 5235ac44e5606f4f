//! The Rust client, with all it has told.

use std::net::SocketAddr;
use std::time::Instant;

use hubbub_client::client::{Client, Event, Options};
use hubbub_client::http::Api;
use hubbub_client::sync::Update;
use hubbub_protocol::{MessageId, Position, RoomId};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::person::{PASSWORD, Person};
use super::{ASK_EVERY, PATIENCE};

/// What a client has told since it was started.
#[derive(Debug, Default)]
pub struct Told {
    /// How often it was greeted.
    pub connections: usize,
    /// What it says is stored, each once.
    pub stored: Vec<(MessageId, Position)>,
    /// Everything that looked like trouble: disconnections, refusals, failures.
    pub trouble: Vec<String>,
    /// Rooms that were loaded again.
    pub reloads: usize,
}

/// Somebody with the real client, who reconnects and sends again by themselves.
#[derive(Debug)]
pub struct ResilientClient {
    client: Client,
    told: watch::Receiver<Told>,
    listener: JoinHandle<()>,
}

impl Drop for ResilientClient {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl ResilientClient {
    /// Logs in at an address, connects, and waits until it is greeted.
    ///
    /// # Panics
    /// When that does not work.
    pub async fn start(person: &Person, address: SocketAddr) -> Self {
        let api = Api::new(&format!("http://{address}")).expect("a server's address");
        api.login(&person.user.username, PASSWORD).await.expect("a login");
        let (client, mut events) = Client::start(api, Options::default());
        let (tell, told) = watch::channel(Told::default());
        let listener = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                tell.send_modify(|told| told.note(event));
            }
        });
        let started = Self { client, told, listener };
        started.until("a greeting", |told| told.connections > 0).await;
        started
    }

    /// Says something.
    ///
    /// # Panics
    /// When the outbox does not take it.
    pub async fn say(&self, room: RoomId, text: &str) -> MessageId {
        self.client.send(room, text).await.expect("a place in the outbox")
    }

    /// Waits until it has told enough.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn until(&self, what: &str, enough: impl Fn(&Told) -> bool) {
        let mut told = self.told.clone();
        let waited = tokio::time::timeout(PATIENCE, told.wait_for(|told| enough(told))).await;
        assert!(waited.is_ok(), "{what} did not come: {:?}", self.told.borrow());
    }

    /// Looks at what it has told.
    pub fn told<T>(&self, look: impl FnOnce(&Told) -> T) -> T {
        look(&self.told.borrow())
    }

    /// What its room says, once it says so many things.
    ///
    /// # Panics
    /// When it does not.
    pub async fn texts(&self, room: RoomId, count: usize) -> Vec<String> {
        let texts = async || -> Vec<String> {
            let messages = self.client.messages(room).await;
            messages.into_iter().map(|message| message.body.text).collect()
        };
        let since = Instant::now();
        loop {
            let texts = texts().await;
            if texts.len() >= count {
                return texts;
            }
            assert!(
                since.elapsed() < PATIENCE,
                "{} of {count} messages on the screen, the last {:?}; {:?}",
                texts.len(),
                texts.last(),
                self.told.borrow()
            );
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

impl Told {
    fn note(&mut self, event: Event) {
        match event {
            Event::Connected { .. } => self.connections += 1,
            Event::Disconnected { cause, .. } | Event::Ended { cause } => self.trouble.push(cause),
            Event::Update(Update::Stored { id, position, .. }) => self.stored.push((id, position)),
            Event::Update(Update::Failed { detail, .. }) => self.trouble.push(detail),
            Event::Update(Update::Refused(error)) => self.trouble.push(error.message),
            Event::Update(Update::Reloaded { .. }) => self.reloads += 1,
            Event::Update(_) => {}
        }
    }
}
