//! What is done with commands. What is done with what arrives is in [`arrivals`]; changing
//! what was said is in [`changes`], files are in [`files`], what is done to people and rooms in
//! [`order`], one's own account in [`account`].

mod account;
mod arrivals;
mod changes;
mod files;
mod order;

use std::collections::HashMap;
use std::time::Duration;

use hubbub_client::client::{Client, Event, Options};
use hubbub_client::http::{Api, ApiError, Page};
use hubbub_protocol::http::{Room, User, UserList, UserStatus};
use hubbub_protocol::{ErrorCode, MessageId, RoomId, Seq, UserId};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep_until};

use crate::command::{self, Command};
use crate::input::Input;
use crate::rooms::{Directory, kind};
use crate::screen::{self, Screen, plain};

/// Messages shown on entering a room.
const ON_ENTERING: u32 = 10;
/// How often the server is told how far the person has read.
const MARK_EVERY: Duration = Duration::from_secs(1);
/// How long the end waits for what is not stored yet.
const STORED_WITHIN: Duration = Duration::from_secs(15);

/// A running session.
struct Session {
    me: User,
    client: Client,
    events: mpsc::Receiver<Event>,
    /// Whether there is a connection; `None` before the first.
    connected: Option<bool>,
}

/// A message of one's own that is not stored yet, or not shown yet.
struct Own {
    text: String,
    shown: bool,
    stored: bool,
    failed: bool,
}

struct Chat {
    api: Api,
    screen: Screen,
    directory: Directory,
    session: Option<Session>,
    current: Option<RoomId>,
    /// The last message of each room that was shown.
    shown: HashMap<RoomId, Seq>,
    own: HashMap<MessageId, Own>,
    /// How far the person has read, where the server does not know yet.
    read: HashMap<RoomId, Seq>,
    /// What the people listed last were doing when the person was told.
    listed: HashMap<UserId, UserStatus>,
}

/// Chats until the person quits or the input ends.
///
/// # Errors
/// What prevented the start, or that something could not be sent before the end.
pub(crate) async fn run(server: &str, user: Option<&str>) -> Result<(), String> {
    let api = Api::new(server).map_err(|error| format!("--server {server}: {error}"))?;
    let mut input = Input::start();
    let mut chat = Chat {
        api,
        screen: Screen::new(),
        directory: Directory::default(),
        session: None,
        current: None,
        shown: HashMap::new(),
        own: HashMap::new(),
        read: HashMap::new(),
        listed: HashMap::new(),
    };
    chat.say_hello(user);
    if let Some(user) = user {
        chat.obey(Command::Login(user.to_owned()), &mut input).await;
    }
    let mut mark = interval(MARK_EVERY);
    loop {
        tokio::select! {
            line = input.line() => match line.map(|line| command::parse(&line)) {
                None | Some(Ok(Command::Quit)) => break,
                Some(Ok(command)) => {
                    chat.screen.typed(matches!(command, Command::Say(_)) && chat.can_say());
                    chat.obey(command, &mut input).await;
                }
                Some(Err(hint)) => chat.screen.line(&hint),
            },
            event = next(&mut chat.session) => chat.happened(event).await,
            _ = mark.tick() => chat.mark().await,
        }
    }
    chat.end().await
}

async fn next(session: &mut Option<Session>) -> Option<Event> {
    match session {
        Some(session) => session.events.recv().await,
        None => std::future::pending().await,
    }
}

impl Chat {
    fn say_hello(&mut self, user: Option<&str>) {
        self.screen.line(&format!("Hubbub at {}. /help lists the commands.", self.api.address()));
        if user.is_none() {
            self.screen.line("/register NAME makes an account, /login NAME opens yours.");
        }
    }

    fn can_say(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.connected == Some(true))
            && self.current.is_some()
    }

    async fn obey(&mut self, command: Command, input: &mut Input) {
        if let Err(cause) = self.carry_out(command, input).await {
            self.screen.line(&cause);
        }
    }

    async fn carry_out(&mut self, command: Command, input: &mut Input) -> Result<(), String> {
        match command {
            Command::Nothing | Command::Quit => Ok(()),
            Command::Help => {
                self.screen.line(command::HELP);
                Ok(())
            }
            Command::Register(name) => self.log_in(&name, true, input).await,
            Command::Login(name) => self.log_in(&name, false, input).await,
            Command::Create { name, kind } => {
                self.session()?;
                let room = self.api.create_room(&name, kind).await.map_err(explain)?;
                self.arrive(room).await?;
                self.show_code();
                Ok(())
            }
            Command::Join(code) => {
                self.session()?;
                let room = self.api.join_room(&code).await.map_err(|error| match error.code() {
                    Some(ErrorCode::RoomNotFound | ErrorCode::BadId) => {
                        "there is no room with this code; codes can be replaced by new ones".into()
                    }
                    _ => explain(error),
                })?;
                self.arrive(room).await
            }
            Command::Direct(name) => self.direct(&name).await,
            Command::Rooms => self.list_rooms().await,
            Command::Room(text) => {
                self.session()?;
                let room = self.directory.find(&text)?;
                self.enter(room).await
            }
            Command::Members => {
                let room = self.room()?;
                let members = self.api.members(room, None).await.map_err(explain)?;
                self.list_people(members).await
            }
            Command::Who => {
                self.session()?;
                let people = self.api.users("", true).await.map_err(explain)?;
                self.list_people(people).await
            }
            Command::Code => {
                let room = self.room()?;
                // It may have been replaced by somebody else.
                let room = self.api.room(room).await.map_err(explain)?;
                self.directory.add(room);
                self.show_code();
                Ok(())
            }
            Command::History(count) => {
                let room = self.room()?;
                self.show_history(room, count).await
            }
            Command::Search(query) => {
                self.session()?;
                self.show_hits(&query).await
            }
            Command::Edit(text) => self.edit(&text).await,
            Command::Delete => self.delete().await,
            Command::React(emoji) => self.react(&emoji).await,
            Command::Reply(text) => self.reply(&text).await,
            Command::Retry => self.retry().await,
            Command::File { path, text } => self.send_file(&path, &text).await,
            Command::Save(path) => self.save_file(path.as_deref()).await,
            Command::Kick(name) => self.kick(&name).await,
            Command::Ban(name) => self.ban(&name).await,
            Command::Unban(name) => self.unban(&name).await,
            Command::Mute { name, minutes } => self.mute(&name, minutes).await,
            Command::Unmute(name) => self.mute(&name, 0).await,
            Command::Destroy(name) => self.destroy(&name).await,
            Command::Name(name) => self.rename(&name).await,
            Command::Block(name) => self.block(&name, true).await,
            Command::Unblock(name) => self.block(&name, false).await,
            Command::Sessions => self.list_sessions().await,
            Command::End(number) => self.end_session(number).await,
            Command::Leave => {
                let room = self.room()?;
                self.api.leave(room).await.map_err(explain)?;
                self.left(room);
                Ok(())
            }
            Command::Say(text) => self.say(&text).await,
        }
    }

    fn session(&self) -> Result<&Session, String> {
        let hint = "first log in: /login NAME, or /register NAME for a new account";
        self.session.as_ref().ok_or_else(|| hint.to_owned())
    }

    fn room(&self) -> Result<RoomId, String> {
        self.session()?;
        let hint = "first enter a room: /create NAME, /join CODE, or /room NAME for one of yours";
        self.current.ok_or_else(|| hint.to_owned())
    }

    async fn log_in(&mut self, name: &str, new: bool, input: &mut Input) -> Result<(), String> {
        if let Some(session) = &self.session {
            return Err(format!("you are logged in as {}; /quit first", session.me.username));
        }
        let password = input.password().await.ok_or("a password is needed")?;
        let me = if new {
            self.api.register(name, &password).await
        } else {
            self.api.login(name, &password).await
        };
        let me = me.map_err(explain)?;
        self.directory.load(&self.api).await.map_err(explain)?;
        self.directory.meet(me.id, me.display_name.clone());
        self.screen.line(&format!("✓ logged in as {} (times are UTC)", plain(&me.display_name)));
        let (client, events) = Client::start(self.api.clone(), Options::default());
        self.session = Some(Session { me, client, events, connected: None });
        match self.directory.rooms() {
            [] => self.screen.line("You are in no room yet: /create NAME, or /join CODE."),
            [only] => self.enter(only.id).await?,
            _ => self.list_known_rooms(),
        }
        Ok(())
    }

    async fn direct(&mut self, name: &str) -> Result<(), String> {
        let user = self.person(name).await?;
        let room = self.api.direct(user.id).await.map_err(explain)?;
        self.arrive(room).await
    }

    /// Whoever has a user name.
    async fn person(&self, name: &str) -> Result<User, String> {
        self.session()?;
        let wanted = name.trim_start_matches('@').to_lowercase();
        let people = self.api.users(&wanted, false).await.map_err(explain)?.users;
        let found = people.into_iter().find(|user| user.username == wanted);
        found.ok_or_else(|| format!("there is nobody with the user name {name}"))
    }

    /// A room was made, joined or opened: goes there.
    async fn arrive(&mut self, room: Room) -> Result<(), String> {
        let id = room.id;
        self.directory.add(room);
        self.enter(id).await
    }

    async fn enter(&mut self, room: RoomId) -> Result<(), String> {
        self.current = Some(room);
        if let Some(room) = self.directory.room(room) {
            let (kind, members) = (kind(room.kind), room.members);
            let members =
                if members == 1 { "1 member".into() } else { format!("{members} members") };
            self.screen.line(&format!("── {} ({kind}, {members}) ──", plain(&room.name)));
        }
        self.show_history(room, ON_ENTERING).await
    }

    async fn list_rooms(&mut self) -> Result<(), String> {
        self.session()?;
        self.directory.load(&self.api).await.map_err(explain)?;
        self.list_known_rooms();
        Ok(())
    }

    fn list_known_rooms(&mut self) {
        if self.directory.rooms().is_empty() {
            self.screen.line("You are in no room yet: /create NAME, or /join CODE.");
            return;
        }
        for (number, room) in (1..).zip(self.directory.rooms()) {
            let here = if self.current == Some(room.id) { "*" } else { " " };
            let unread = match room.unread {
                0 => String::new(),
                count => format!(", {count} unread"),
            };
            let (name, kind) = (plain(&room.name), kind(room.kind));
            self.screen.line(&format!("{here}{number:>3}  {name} ({kind}{unread})"));
        }
        self.screen.line("/room N goes to one of them.");
    }

    /// Lists people and watches them: what changes is told from then on.
    async fn list_people(&mut self, people: UserList) -> Result<(), String> {
        self.listed = people.users.iter().map(|user| (user.id, user.status)).collect();
        for user in people.users {
            let status = screen::status(user.status);
            let line = if user.display_name == user.username {
                format!("  {} ({status})", user.username)
            } else {
                format!("  {} ({}, {status})", plain(&user.display_name), user.username)
            };
            self.screen.line(&line);
            self.directory.meet(user.id, user.display_name);
        }
        if people.next.is_some() {
            self.screen.line("  … and more");
        }
        let listed = self.listed.keys().copied().collect();
        self.session()?.client.watch(listed).await;
        Ok(())
    }

    fn show_code(&mut self) {
        let room = self.current.and_then(|room| self.directory.room(room));
        let line = match room.map(|room| (&room.name, room.code)) {
            Some((name, Some(code))) => format!("The code of {}: {code}", plain(name)),
            Some((_, None)) => "This room has no code: it is between two people.".to_owned(),
            None => return,
        };
        self.screen.line(&line);
        if line.starts_with("The code") {
            self.screen.line("Whoever has it can come in with /join CODE.");
        }
    }

    async fn show_history(&mut self, room: RoomId, count: u32) -> Result<(), String> {
        let page = self.api.messages(room, Page::Latest, count).await.map_err(explain)?;
        for message in page.messages {
            self.has_shown(room, message.seq);
            let name = self.directory.name(&self.api, room, message.sender).await;
            let line = screen::message(None, message.at, &name, &screen::said(&message.body));
            match self.own.get_mut(&message.id) {
                Some(own) if !own.stored => {
                    own.shown = true;
                    self.screen.sending(message.id, &line);
                }
                _ => self.screen.line(&line),
            }
        }
        Ok(())
    }

    /// Shows what a search has found, the newest last, as in a history.
    async fn show_hits(&mut self, query: &str) -> Result<(), String> {
        let results = self.api.search(query, None).await.map_err(explain)?;
        for hit in results.hits.iter().rev() {
            let message = &hit.message;
            let room = self.directory.room(message.room).map(|room| room.name.clone());
            let room = room.unwrap_or_else(|| message.room.to_string());
            let name = self.directory.name(&self.api, message.room, message.sender).await;
            let text = screen::said(&message.body);
            self.screen.line(&screen::message(Some(&room), message.at, &name, &text));
        }
        match (results.hits.is_empty(), results.next) {
            (true, None) => self.screen.line("nothing found"),
            (true, Some(_)) => self.screen.line("nothing found in time; look for something rarer"),
            (false, Some(_)) => self.screen.line("there is more; look for something rarer"),
            (false, None) => {}
        }
        Ok(())
    }

    async fn say(&mut self, text: &str) -> Result<(), String> {
        let room = self.room()?;
        let session = self.session()?;
        let id = session.client.send(room, text).await.map_err(|error| error.to_string())?;
        if session.connected != Some(true) {
            let line = format!("… waits for the connection: {}", screen::excerpt(text));
            self.screen.line(&line);
        }
        let text = text.to_owned();
        self.own.insert(id, Own { text, shown: false, stored: false, failed: false });
        Ok(())
    }

    async fn retry(&mut self) -> Result<(), String> {
        let client = self.session()?.client.clone();
        let mut retried = 0;
        for (id, own) in self.own.iter_mut().filter(|(_, own)| own.failed) {
            if client.retry(*id).await {
                own.failed = false;
                retried += 1;
            }
        }
        self.screen.line(&match retried {
            0 => "nothing has failed".to_owned(),
            count => format!("sending {count} again"),
        });
        Ok(())
    }

    /// Waits for what is not stored yet, then closes the connection.
    async fn end(mut self) -> Result<(), String> {
        let deadline = Instant::now() + STORED_WITHIN;
        let waits = |own: &Own| !own.stored && !own.failed;
        while self.session.is_some() && self.own.values().any(waits) {
            tokio::select! {
                event = next(&mut self.session) => self.happened(event).await,
                () = sleep_until(deadline) => break,
            }
        }
        self.mark().await;
        if let Some(session) = &self.session {
            session.client.stop().await;
        }
        match self.own.values().filter(|own| !own.stored).count() {
            0 => Ok(()),
            1 => Err("one message was not stored".to_owned()),
            count => Err(format!("{count} messages were not stored")),
        }
    }
}

/// An error for the person: what is wrong, and with which fields.
#[expect(clippy::needless_pass_by_value, reason = "the last use of the error, in `map_err`")]
fn explain(error: ApiError) -> String {
    let mut text = error.to_string();
    if let ApiError::Problem(problem) = &error {
        for field in &problem.errors {
            text.push_str(&format!("\n  {}: {}", field.field, field.message));
        }
    }
    plain(&text)
}
