//! hubbub-chat, typed into and read as a person would, on a real gateway.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use hubbub_gateway::{Gateway, Settings};
use hubbub_runtime::lifecycle::Lifecycle;
use hubbub_runtime::telemetry::Metrics;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Nothing here takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    gateway: Gateway,
    _lifecycle: Lifecycle,
    _data: TempDir,
}

impl Server {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let lifecycle = Lifecycle::default();
        let settings = Settings::standalone(data.path());
        let gateway =
            Gateway::start(settings, &lifecycle, Metrics::install().unwrap()).await.unwrap();
        Self { gateway, _lifecycle: lifecycle, _data: data }
    }

    fn url(&self) -> String {
        format!("http://{}", self.gateway.address())
    }
}

/// A person's terminal. What was read so far is kept for the message of a failure.
struct Terminal {
    child: Child,
    keyboard: Option<ChildStdin>,
    lines: mpsc::UnboundedReceiver<String>,
    seen: Vec<String>,
}

impl Terminal {
    fn open(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hubbub-chat"))
            .args(arguments)
            .env("HUBBUB_PASSWORD", "correct horse")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (shown, lines) = mpsc::unbounded_channel();
        let output = child.stdout.take().unwrap();
        let errors = child.stderr.take().unwrap();
        for stream in [Box::new(output) as Box<dyn std::io::Read + Send>, Box::new(errors)] {
            let shown = shown.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    // The test may be over.
                    let _ = shown.send(line);
                }
            });
        }
        let keyboard = child.stdin.take();
        Self { child, keyboard, lines, seen: Vec::new() }
    }

    fn types(&mut self, line: &str) {
        writeln!(self.keyboard.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits for a line with `text` in it.
    async fn shows(&mut self, text: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.lines.recv()).await;
            let Ok(Some(line)) = line else {
                panic!("{text:?} is not shown, but:\n{}", self.seen.join("\n"))
            };
            self.seen.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Ends the input and returns all that was shown, and whether the program was content.
    async fn ends(mut self) -> (bool, Vec<String>) {
        self.keyboard = None;
        while let Some(line) = timeout(PATIENCE, self.lines.recv()).await.unwrap() {
            self.seen.push(line);
        }
        (self.child.wait().unwrap().success(), std::mem::take(&mut self.seen))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_meet_by_code_and_talk() {
    let server = Server::start().await;
    let mut ada = Terminal::open(&["--server", &server.url()]);
    ada.types("/register ada");
    ada.shows("connected to").await;
    ada.types("/create Tea Room private");
    let line = ada.shows("The code of Tea Room: ").await;
    let code = line.rsplit(' ').next().unwrap().to_owned();

    let mut bob = Terminal::open(&["--server", &server.url()]);
    bob.types("/register bob");
    bob.shows("connected to").await;
    bob.types(&format!("/join {code}"));
    bob.shows("Tea Room (private, 2 members)").await;
    ada.shows("bob has joined").await;

    ada.types("hello bob");
    bob.shows("ada: hello bob").await;
    ada.shows("✓ stored").await;
    bob.types("hello ada");
    ada.shows("bob: hello ada").await;

    bob.types("/direct ada");
    bob.shows("ada (direct, 2 members)").await;
    ada.shows("bob wants to talk to you: /room 2").await;
    bob.types("just for you");
    ada.shows("[bob] bob: just for you").await;

    ada.types("/members");
    ada.shows("bob (online)").await;
    bob.types("/room tea");
    bob.shows("bob: hello ada").await;
    bob.types("/leave");
    ada.shows("bob has left").await;
    bob.types("/rooms");
    bob.shows("1  ada (direct").await;
    assert!(ada.ends().await.0 && bob.ends().await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_keeps_order_and_ends_the_room() {
    let server = Server::start().await;
    let mut ada = Terminal::open(&["--server", &server.url()]);
    ada.types("/register ada");
    ada.shows("connected to").await;
    ada.types("/create Tea");
    let code = ada.shows("The code of Tea: ").await.rsplit(' ').next().unwrap().to_owned();
    let mut bob = Terminal::open(&["--server", &server.url()]);
    bob.types("/register bob");
    bob.shows("connected to").await;
    let enters = format!("/join {code}");
    bob.types(&enters);
    ada.shows("bob has joined").await;

    ada.types("/mute bob 5");
    ada.shows("bob was muted").await;
    bob.types("hello?");
    bob.shows("not sent: hello?").await;
    ada.types("/unmute bob");
    bob.shows("bob may write again").await;
    ada.types("/kick bob");
    bob.shows("You are no longer in Tea.").await;
    bob.types(&enters);
    ada.shows("bob has joined").await;
    ada.types("/ban bob");
    bob.shows("You are no longer in Tea.").await;
    bob.types(&enters);
    bob.shows("Banned").await;
    ada.types("/unban bob");
    ada.shows("bob may come back").await;
    bob.types(&enters);
    ada.shows("bob has joined").await;

    bob.types("/destroy Tea");
    bob.shows("Not allowed").await;
    ada.types("/destroy Coffee");
    ada.shows("the room's name, exactly").await;
    ada.types("/destroy Tea");
    ada.shows("Tea is destroyed.").await;
    bob.shows("You are no longer in Tea.").await;
    bob.types("/kick nobody");
    bob.shows("first enter a room").await;
    assert!(ada.ends().await.0);
    let (content, shown) = bob.ends().await;
    assert!(!content, "what the mute refused was not stored");
    assert!(shown.iter().any(|line| line.contains("one message was not stored")), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_sent_and_saved_and_sessions_listed_and_ended() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(dir.path().join("plan.txt"), "first this, then that").unwrap();
    let mut ada = Terminal::open(&["--server", &server.url()]);
    ada.types("/register ada");
    ada.shows("connected to").await;
    ada.types("/create Tea");
    ada.shows("The code of Tea: ").await;
    ada.types("/save");
    ada.shows("there is no file here").await;
    ada.types(&format!("/file {} have a look", path("plan.txt")));
    ada.shows("ada: have a look").await;
    ada.shows("[plan.txt, 21 B]").await;
    ada.types(&format!("/save {}", path("copy.txt")));
    ada.shows("saved ").await;
    assert_eq!(std::fs::read(path("copy.txt")).unwrap(), b"first this, then that");
    ada.types(&format!("/save {}", path("copy.txt")));
    ada.shows("exists").await;

    ada.types("/name Ada Lovelace");
    ada.shows("You are called Ada Lovelace now.").await;
    let mut phone = Terminal::open(&["--server", &server.url(), "--user", "ada"]);
    phone.shows("logged in as Ada Lovelace").await;
    ada.types("/sessions");
    let lines = [ada.shows("hubbub-client/").await, ada.shows("hubbub-client/").await];
    let other = lines.iter().find(|line| !line.starts_with('*')).unwrap();
    ada.types(&format!("/end {}", other.split_whitespace().next().unwrap()));
    ada.shows("That session has ended.").await;
    phone.shows("the session has ended").await;

    let mut bob = Terminal::open(&["--server", &server.url()]);
    bob.types("/register bob");
    bob.shows("connected to").await;
    ada.types("/block bob");
    ada.shows("bob is blocked.").await;
    bob.types("/direct ada");
    bob.shows("Blocked").await;
    ada.types("/unblock @bob");
    ada.shows("bob is no longer blocked.").await;
    bob.types("/direct ada");
    bob.shows("Ada Lovelace (direct, 2 members)").await;
    assert!(ada.ends().await.0 && bob.ends().await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_piped_in_is_stored_before_the_program_ends() {
    let server = Server::start().await;
    let mut first = Terminal::open(&["--server", &server.url()]);
    for line in ["/register ada", "/create Notes", "one", "two", "three"] {
        first.types(line);
    }
    let (content, _) = first.ends().await;
    assert!(content);

    let mut second = Terminal::open(&["--server", &server.url(), "--user", "ada"]);
    for text in ["Notes (public, 1 member)", "ada: one", "ada: two", "ada: three"] {
        second.shows(text).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_answered_with_what_to_do() {
    let server = Server::start().await;
    let mut terminal = Terminal::open(&["--server", &server.url()]);
    for (line, answer) in [
        ("hello", "first log in"),
        ("/login nobody", "Wrong user name or password"),
        ("/register x", "username"),
        ("/register ada", "logged in as ada"),
        ("hello", "first enter a room"),
        ("/join 00000000-0000-4000-8000-000000000000", "there is no room with this code"),
        ("/room 7", "you are in no room called 7"),
        ("/dance", "there is no /dance"),
    ] {
        terminal.types(line);
        terminal.shows(answer).await;
    }
    let (content, _) = terminal.ends().await;
    assert!(content);

    let (content, shown) = Terminal::open(&["--server", "localhost"]).ends().await;
    assert!(!content);
    assert!(shown.iter().any(|line| line.contains("not a URL")), "{shown:?}");
}
