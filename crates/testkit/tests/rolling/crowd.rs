//! Many connections that talk to each other all the time, and what each of them saw.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hubbub_client::client::{Client, Event, Options};
use hubbub_client::sync::Update;
use hubbub_protocol::RoomId;
use hubbub_testkit::nodes::Person;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::front::Front;

/// How many connections there are to be.
const CONNECTIONS: &str = "HUBBUB_TEST_ROLLING_CONNECTIONS";
/// People of one room.
const TOGETHER: usize = 2;
/// Between two messages of a room.
const EACH: Duration = Duration::from_millis(500);
/// How long the last messages may take to everybody.
const PATIENCE: Duration = Duration::from_secs(60);
/// Connections opened at a time.
const AT_ONCE: usize = 50;

/// How large a crowd is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    people: usize,
    devices: usize,
}

impl Size {
    /// What [`CONNECTIONS`] asks for, else 120.
    pub(crate) fn wanted() -> Self {
        let wanted = std::env::var(CONNECTIONS);
        Self::of(wanted.map_or(120, |text| text.parse().expect("a number")))
    }

    /// Whether it is one that figures are wanted of.
    pub(crate) fn is_measured() -> bool {
        std::env::var_os(CONNECTIONS).is_some()
    }

    /// So many connections.
    pub(crate) fn of(connections: usize) -> Self {
        // Twenty devices each, which is what an account may have at a gateway by default.
        let people = connections.div_ceil(20).next_multiple_of(TOGETHER);
        Self { people, devices: connections.div_ceil(people) }
    }
}

/// Everything that is noted while the crowd talks.
#[derive(Debug)]
struct Notes {
    zero: Instant,
    connected: AtomicUsize,
    seen: AtomicU64,
    /// When each message was sent and how long it took to somebody, in microseconds.
    samples: Mutex<Vec<(u64, u64)>>,
    trouble: Mutex<Vec<String>>,
}

impl Notes {
    fn trouble(&self, what: String) {
        self.trouble.lock().expect("no panic holds it").push(what);
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.zero.elapsed().as_micros()).expect("a short test")
    }
}

/// What was measured for a while.
pub(crate) struct Phase {
    pub(crate) latencies: Latencies,
    pub(crate) took: Duration,
}

/// Latencies in ascending order.
pub(crate) struct Latencies(Vec<u64>);

impl Latencies {
    /// The latency that this part of the deliveries did not exceed.
    pub(crate) fn at(&self, part: f64) -> Duration {
        let index = ((self.0.len() - 1) as f64 * part).round() as usize;
        Duration::from_micros(self.0[index])
    }
}

/// Many people with many devices each, two and two in a room, one of whom talks.
pub(crate) struct Crowd {
    notes: Arc<Notes>,
    devices: usize,
    // Each lives as long as its handle.
    clients: Vec<Client>,
    listeners: JoinSet<HashMap<RoomId, u64>>,
    talkers: JoinSet<(RoomId, u64)>,
    quiet: CancellationToken,
    said: HashMap<RoomId, u64>,
}

impl Crowd {
    /// Everybody comes in through `front` and begins to talk.
    pub(crate) async fn gather(front: &Front, size: Size) -> Self {
        let notes = Arc::new(Notes {
            zero: Instant::now(),
            connected: AtomicUsize::new(0),
            seen: AtomicU64::new(0),
            samples: Mutex::default(),
            trouble: Mutex::default(),
        });
        let mut crowd = Self {
            notes,
            devices: size.people * size.devices,
            clients: Vec::new(),
            listeners: JoinSet::new(),
            talkers: JoinSet::new(),
            quiet: CancellationToken::new(),
            said: HashMap::new(),
        };
        let mut speakers = Vec::new();
        for _ in 0..size.people / TOGETHER {
            let (ada, bob) = (front.person().await, front.person().await);
            let room = ada.room_with(&[&bob]).await;
            let first = crowd.clients.len();
            for person in [&ada, &bob] {
                for _ in 0..size.devices {
                    crowd.connect(person);
                    crowd.all_connected(AT_ONCE).await;
                }
            }
            speakers.push((crowd.clients[first].clone(), room));
        }
        // Whoever comes later does not hear what was said before.
        crowd.all_connected(0).await;
        // One after the other, as people are: at once they would only wait for each other.
        let apart = EACH / u32::try_from(speakers.len()).expect("a crowd");
        for (speaker, room) in speakers {
            crowd.talkers.spawn(talk(speaker, room, Arc::clone(&crowd.notes), crowd.quiet.clone()));
            tokio::time::sleep(apart).await;
        }
        crowd
    }

    fn connect(&mut self, person: &Person) {
        let (client, events) = Client::start(person.api.clone(), Options::default());
        self.clients.push(client);
        self.listeners.spawn(listen(events, Arc::clone(&self.notes)));
    }

    /// Waits until no more than so many are still on their way in.
    async fn all_connected(&self, but: usize) {
        let begun = Instant::now();
        while self.notes.connected.load(Ordering::Relaxed) + but < self.clients.len() {
            assert!(begun.elapsed() < PATIENCE, "{:?}", self.notes.trouble);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What is measured of the messages sent while something else goes on.
    pub(crate) async fn phase(&self, meanwhile: impl Future<Output = ()>) -> Phase {
        let begun = (Instant::now(), self.notes.micros());
        meanwhile.await;
        let (took, end) = (begun.0.elapsed(), self.notes.micros());
        // What was sent last has arrived as well.
        tokio::time::sleep(2 * EACH).await;
        let samples = self.notes.samples.lock().expect("no panic holds it");
        let sent_then = samples.iter().filter(|(sent, _)| (begun.1..end).contains(sent));
        let mut latencies: Vec<u64> = sent_then.map(|(_, took)| *took).collect();
        assert!(!latencies.is_empty(), "nothing was said");
        latencies.sort_unstable();
        Phase { latencies: Latencies(latencies), took }
    }

    /// Nobody says anything more; waits until everybody has heard everything.
    pub(crate) async fn hush(&mut self) {
        self.quiet.cancel();
        while let Some(ended) = self.talkers.join_next().await {
            let (room, said) = ended.expect("a talker");
            self.said.insert(room, said);
        }
        let hearers = self.devices / self.said.len();
        let all = self.said() * hearers as u64;
        let begun = Instant::now();
        while self.seen() < all && begun.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Whatever comes twice comes now.
        tokio::time::sleep(EACH).await;
        self.clients.clear();
        while let Some(ended) = self.listeners.join_next().await {
            for (room, heard) in ended.expect("a listener") {
                if self.said.get(&room) != Some(&heard) {
                    self.notes.trouble(format!("heard {heard} of {:?}", self.said.get(&room)));
                }
            }
        }
    }

    pub(crate) const fn connections(&self) -> usize {
        self.devices
    }

    /// How often somebody was greeted by another gateway than the one they came to first.
    pub(crate) fn moved(&self) -> usize {
        self.notes.connected.load(Ordering::Relaxed) - self.devices
    }

    pub(crate) fn said(&self) -> u64 {
        self.said.values().sum()
    }

    pub(crate) fn seen(&self) -> u64 {
        self.notes.seen.load(Ordering::Relaxed)
    }

    pub(crate) fn assert_untroubled(&self) {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        let trouble = self.notes.trouble.lock().expect("no panic holds it");
        for what in trouble.iter() {
            *kinds.entry(what.trim_start_matches(|c: char| c.is_ascii_digit())).or_default() += 1;
        }
        assert!(kinds.is_empty(), "{} times: {kinds:?}", trouble.len());
    }
}

/// Says how many things it has said, and when it says this one.
async fn talk(
    client: Client,
    room: RoomId,
    notes: Arc<Notes>,
    quiet: CancellationToken,
) -> (RoomId, u64) {
    let mut ticks = tokio::time::interval(EACH);
    let mut said = 0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                said += 1;
                let text = format!("{said} {}", notes.micros());
                if client.send(room, &text).await.is_err() {
                    notes.trouble("the outbox is full".to_owned());
                }
            }
            () = quiet.cancelled() => return (room, said),
        }
    }
}

/// Checks that each room's messages come one after the other, and tells how many came.
async fn listen(mut events: mpsc::Receiver<Event>, notes: Arc<Notes>) -> HashMap<RoomId, u64> {
    let mut heard: HashMap<RoomId, u64> = HashMap::new();
    while let Some(event) = events.recv().await {
        match event {
            Event::Connected { .. } => drop(notes.connected.fetch_add(1, Ordering::Relaxed)),
            Event::Disconnected { cause, .. } => notes.trouble(format!("disconnected: {cause}")),
            Event::Ended { cause } => notes.trouble(format!("ended: {cause}")),
            Event::Update(Update::Message(message)) => {
                let (number, sent) = message.body.text.split_once(' ').expect("two numbers");
                let (number, sent): (u64, u64) =
                    (number.parse().expect("a number"), sent.parse().expect("a time"));
                let last = heard.entry(message.room).or_default();
                if number != *last + 1 {
                    notes.trouble(format!("{number} after {last}"));
                }
                *last = number;
                notes.seen.fetch_add(1, Ordering::Relaxed);
                let sample = (sent, notes.micros().saturating_sub(sent));
                notes.samples.lock().expect("no panic holds it").push(sample);
            }
            Event::Update(Update::Failed { detail, .. }) => notes.trouble(detail),
            Event::Update(Update::Refused(error)) => notes.trouble(error.message),
            Event::Update(Update::Reloaded { .. }) => {
                notes.trouble("a room was loaded again".into());
            }
            Event::Update(_) => {}
        }
    }
    heard
}
