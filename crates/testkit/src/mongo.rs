//! Real MongoDB replica sets.
//!
//! `mongod` is the one that `HUBBUB_TEST_MONGOD` names, else the one on PATH, else
//! `.cache/tools/mongod/mongod` in the workspace, where `tools/install-test-servers` puts it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::options::{ClientOptions, ServerAddress};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::port::{free_port, local};
use crate::process::{ASK_EVERY, Process, READY_WITHIN};
use crate::tls::Certificates;
use crate::watchdog;

/// How often a member is started before the test fails: its port may be taken meanwhile.
const ATTEMPTS: u32 = 5;

/// A replica set `rs0`. With three members, a new primary is elected about two seconds after the
/// old one's death.
#[derive(Debug)]
pub struct MongoSet {
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    port: u16,
    dir: TempDir,
    arguments: Vec<String>,
    process: Mutex<Option<Process>>,
}

impl MongoSet {
    /// Starts a set and waits until it has a primary and every member follows.
    ///
    /// # Panics
    /// When there is no `mongod`, or it can't be started.
    pub async fn start(members: usize) -> Self {
        Self::start_with(members, &["--replSet", "rs0"]).await
    }

    /// Starts a set of one that can be reached over TLS as well.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn start_with_tls(certificates: &Certificates) -> Self {
        let paths = [certificates.server(), certificates.authority()];
        let [server, authority] = paths.each_ref().map(|path| path.to_str().expect("UTF-8"));
        let tls = ["--tlsMode", "preferTLS", "--tlsAllowConnectionsWithoutCertificates"];
        let files = ["--tlsCertificateKeyFile", server, "--tlsCAFile", authority];
        Self::start_with(1, &[&["--replSet", "rs0"], &tls[..], &files[..]].concat()).await
    }

    async fn start_with(members: usize, arguments: &[&str]) -> Self {
        let mut started = Vec::new();
        for _ in 0..members {
            started.push(Member::start(arguments).await);
        }
        let set = Self { members: started };
        set.initiate().await;
        set.settled().await;
        set
    }

    /// Starts one `mongod` that is not part of any set.
    pub async fn start_standalone() -> StandaloneMongo {
        StandaloneMongo(Member::start(&[]).await)
    }

    /// `mongodb://127.0.0.1:P1,…/?replicaSet=rs0`.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("mongodb://{}/?replicaSet=rs0", self.hosts().join(","))
    }

    /// How many of its open connections are over TLS.
    ///
    /// # Panics
    /// When it does not tell.
    pub async fn connections_over_tls(&self) -> i64 {
        let status = self.members[0].command(doc! { "serverStatus": 1 }).await.expect("a status");
        let kinds = status.get_document("transportSecurity").expect("of each kind").clone();
        kinds.into_iter().filter_map(|(_, count)| count.as_i64()).sum()
    }

    /// `127.0.0.1:P` of each member.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        self.members.iter().map(Member::host).collect()
    }

    /// Kills the primary with SIGKILL and returns its number. Does not wait for a new one.
    pub async fn kill_primary(&self) -> usize {
        let i = self.primary().await;
        self.kill(i);
        i
    }

    /// Kills member `i` with SIGKILL and waits until it is gone. Its data stays.
    pub fn kill(&self, i: usize) {
        self.members[i].kill();
    }

    /// Stops the clock of member `i`: connections stay open and nothing is answered.
    pub fn pause(&self, i: usize) {
        self.members[i].signal("STOP");
    }

    /// Goes on after [`Self::pause`].
    pub fn resume(&self, i: usize) {
        self.members[i].signal("CONT");
    }

    /// Starts member `i` again with its data and waits until it leads or follows.
    pub async fn restart(&self, i: usize) {
        self.members[i].restart().await;
        self.settled().await;
    }

    /// Kills every member with SIGKILL. Their data stays.
    pub fn stop_all(&self) {
        for member in &self.members {
            member.kill();
        }
    }

    /// Starts every member that does not run, and waits for a primary.
    pub async fn start_all(&self) {
        for member in self.members.iter().filter(|member| !member.is_running()) {
            member.restart().await;
        }
        self.settled().await;
    }

    /// The number of the primary, waiting for one if there is none.
    ///
    /// # Panics
    /// When there is none for a minute.
    pub async fn primary(&self) -> usize {
        let since = Instant::now();
        loop {
            for (i, member) in self.members.iter().enumerate() {
                if member.role().await == Some(Role::Primary) {
                    return i;
                }
            }
            assert!(since.elapsed() < READY_WITHIN, "no primary");
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Waits until one of the running members is primary and all the others follow it.
    async fn settled(&self) {
        self.primary().await;
        let since = Instant::now();
        for member in self.members.iter().filter(|member| member.is_running()) {
            while member.role().await.is_none() {
                assert!(since.elapsed() < READY_WITHIN, "a member does not follow");
                tokio::time::sleep(ASK_EVERY).await;
            }
        }
    }

    async fn initiate(&self) {
        let members: Vec<Document> = (0_i32..)
            .zip(&self.members)
            .map(|(i, member)| doc! { "_id": i, "host": member.host() })
            .collect();
        let configuration = doc! {
            "_id": "rs0",
            "members": members,
            "settings": { "electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 500 },
        };
        self.members[0]
            .command(doc! { "replSetInitiate": configuration })
            .await
            .expect("a fresh member takes its first configuration");
    }
}

/// One `mongod` without a replica set, which a cluster must refuse.
#[derive(Debug)]
pub struct StandaloneMongo(Member);

impl StandaloneMongo {
    /// `mongodb://127.0.0.1:P/`.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("mongodb://{}/", self.0.host())
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Role {
    Primary,
    Secondary,
}

impl Member {
    async fn start(arguments: &[&str]) -> Self {
        let mut log = String::new();
        for _ in 0..ATTEMPTS {
            let member = Self {
                port: free_port(),
                dir: watchdog::directory("mongo"),
                arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
                process: Mutex::new(None),
            };
            match member.launch().await {
                Ok(()) => return member,
                Err(end) => log = end,
            }
        }
        panic!("mongod did not start; its log ends:\n{log}")
    }

    async fn restart(&self) {
        self.kill();
        let mut log = String::new();
        for _ in 0..ATTEMPTS {
            match self.launch().await {
                Ok(()) => return,
                Err(end) => log = end,
            }
        }
        panic!("mongod did not start again; its log ends:\n{log}")
    }

    async fn launch(&self) -> Result<(), String> {
        let mut command = Command::new(mongod());
        command
            .args(&self.arguments)
            .args(["--bind_ip", "127.0.0.1", "--port", &self.port.to_string()])
            .arg("--dbpath")
            .arg(self.dir.path())
            .args(["--wiredTigerCacheSizeGB", "0.25", "--nounixsocket", "--quiet"])
            // Small journal files: hundreds of MiB would be laid out at each start otherwise.
            .args(["--wiredTigerEngineConfigString", "log=(file_max=4MB,prealloc=false)"])
            .args(["--oplogSize", "64"])
            .args(["--setParameter", "diagnosticDataCollectionEnabled=false"]);
        let mut process = Process::spawn(&mut command, &self.dir.path().join("log"));
        let answers = async || self.command(doc! { "hello": 1 }).await.is_some();
        process.ready(answers).await.map_err(|exited| exited.0)?;
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        Ok(())
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn kill(&self) {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn is_running(&self) -> bool {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        process.as_mut().is_some_and(Process::is_running)
    }

    fn signal(&self, name: &str) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        process.as_ref().expect("a running member").signal(name);
    }

    async fn role(&self) -> Option<Role> {
        let hello = self.command(doc! { "hello": 1 }).await?;
        if hello.get_bool("isWritablePrimary").unwrap_or(false) {
            Some(Role::Primary)
        } else if hello.get_bool("secondary").unwrap_or(false) {
            Some(Role::Secondary)
        } else {
            None
        }
    }

    /// Runs a command on the member itself, whatever its role. `None` when it does not answer or
    /// refuses.
    ///
    /// The driver's client belongs to the runtime it was made in, while a set may be shared by tests
    /// with a runtime each: hence one for every command.
    async fn command(&self, command: Document) -> Option<Document> {
        // The driver waits for a server to appear; a closed port is known at once.
        TcpStream::connect(local(self.port)).await.ok()?;
        let options = ClientOptions::builder()
            .hosts(vec![ServerAddress::Tcp { host: "127.0.0.1".into(), port: Some(self.port) }])
            .direct_connection(true)
            .server_selection_timeout(Duration::from_secs(2))
            .connect_timeout(Duration::from_secs(2))
            .build();
        let client = Client::with_options(options).ok()?;
        let answer = tokio::time::timeout(
            Duration::from_secs(5),
            client.database("admin").run_command(command),
        )
        .await;
        answer.ok()?.ok()
    }
}

fn mongod() -> PathBuf {
    if let Some(path) = std::env::var_os("HUBBUB_TEST_MONGOD") {
        return path.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/tools/mongod");
    std::env::split_paths(&path)
        .chain([installed])
        .map(|dir| dir.join("mongod"))
        .find(|file| file.is_file())
        .expect("mongod on PATH; tools/install-test-servers installs one")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn client(set: &MongoSet) -> Client {
        Client::with_uri_str(set.uri()).await.expect("a valid uri")
    }

    #[tokio::test]
    async fn a_set_of_one_keeps_its_data_over_a_kill() {
        let set = MongoSet::start(1).await;
        let notes = client(&set).await.database("test").collection::<Document>("notes");
        notes.insert_one(doc! { "_id": 1 }).await.expect("a primary takes writes");
        set.stop_all();
        set.start_all().await;
        let notes = client(&set).await.database("test").collection::<Document>("notes");
        assert_eq!(notes.count_documents(doc! {}).await.ok(), Some(1));
    }

    #[tokio::test]
    async fn a_set_of_three_elects_another_primary() {
        let set = MongoSet::start(3).await;
        let killed = set.kill_primary().await;
        let next = set.primary().await;
        assert_ne!(killed, next);
        set.restart(killed).await;
        assert_eq!(set.hosts().len(), 3);
        assert!(set.members.iter().all(Member::is_running));
    }

    #[tokio::test]
    async fn a_standalone_mongod_has_no_set() {
        let mongo = MongoSet::start_standalone().await;
        let hello = mongo.0.command(doc! { "hello": 1 }).await.expect("it answers");
        assert!(!hello.contains_key("setName"));
    }
}
