//! Real `redis-server`s, from PATH.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::port::{free_port, local};
use crate::process::{ASK_EVERY, Process, READY_WITHIN};
use crate::tls::Certificates;
use crate::watchdog;

/// How often a server is started before the test fails: its port may be taken meanwhile.
const ATTEMPTS: u32 = 5;

/// One Redis: append-only file synced every second, nothing evicted, data in a directory of its own
/// that is removed on drop.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    dir: TempDir,
    arguments: Vec<String>,
    process: Mutex<Option<Process>>,
}

impl RedisServer {
    /// Starts a server.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with further arguments, which win over the usual ones
    /// (`["--maxmemory-policy", "allkeys-lru"]`).
    ///
    /// # Panics
    /// When `redis-server` can't be started.
    pub async fn start_with(arguments: &[&str]) -> Self {
        let mut log = String::new();
        for _ in 0..ATTEMPTS {
            let server = Self {
                port: free_port(),
                dir: watchdog::directory("redis"),
                arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
                process: Mutex::new(None),
            };
            match server.launch().await {
                Ok(()) => return server,
                Err(end) => log = end,
            }
        }
        panic!("redis-server did not start; its log ends:\n{log}")
    }

    /// Starts a server that can be reached over TLS as well, and returns the URL for that.
    pub async fn start_with_tls(certificates: &Certificates) -> (Self, String) {
        let port = free_port().to_string();
        let paths = [certificates.server(), certificates.authority()];
        let [server, authority] = paths.each_ref().map(|path| path.to_str().expect("UTF-8"));
        let started = Self::start_with(&[
            "--tls-port",
            &port,
            "--tls-cert-file",
            server,
            "--tls-key-file",
            server,
            "--tls-ca-cert-file",
            authority,
            "--tls-auth-clients",
            "no",
        ])
        .await;
        (started, format!("rediss://127.0.0.1:{port}/"))
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `redis://127.0.0.1:PORT/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Kills the server with SIGKILL and waits until it is gone. Its data stays.
    pub fn kill(&self) {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Stops the server's clock: connections stay open and nothing is answered.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Goes on after [`Self::pause`].
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Starts the server on the same port with the data it had, killing it first if it runs.
    pub async fn restart(&self) {
        self.kill();
        let mut log = String::new();
        for _ in 0..ATTEMPTS {
            match self.launch().await {
                Ok(()) => return,
                Err(end) => log = end,
            }
        }
        panic!("redis-server did not start again; its log ends:\n{log}")
    }

    /// Kills the server, throws its data away and starts it on the same port.
    pub async fn wipe_and_restart(&self) {
        self.kill();
        wipe(self.dir.path());
        self.restart().await;
    }

    /// A copy of what is on disk now, as a backup or a lagging replica has it.
    ///
    /// # Panics
    /// When it can't be copied.
    #[must_use]
    pub fn copy_data(&self) -> TempDir {
        let copy = watchdog::directory("redis-copy");
        copy_all(self.dir.path(), copy.path()).expect("a copy of the data");
        copy
    }

    /// Kills the server and starts it on the same port with the data of a copy.
    ///
    /// # Panics
    /// When it does not start again.
    pub async fn restart_with(&self, copy: &TempDir) {
        self.kill();
        wipe(self.dir.path());
        copy_all(copy.path(), self.dir.path()).expect("a copy of the data");
        self.restart().await;
    }

    /// Runs `redis-cli` against this server and returns what it prints, without the last newline.
    /// Not for commands that wait.
    ///
    /// # Panics
    /// When `redis-cli` fails.
    pub async fn cli(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]).args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .expect("waiting for a process does not panic")
            .expect("redis-cli on PATH");
        let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        assert!(output.status.success(), "redis-cli {arguments:?}: {text}");
        text
    }

    async fn launch(&self) -> Result<(), String> {
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"])
            .args(["--maxmemory-policy", "noeviction", "--daemonize", "no"])
            .arg("--dir")
            .arg(self.dir.path())
            .args(&self.arguments);
        let mut process = Process::spawn(&mut command, &self.dir.path().join("log"));
        let started = process.ready(async || pings(self.port).await.unwrap_or(false)).await;
        started.map_err(|exited| exited.0)?;
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        Ok(())
    }

    fn signal(&self, name: &str) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        process.as_ref().expect("a running server").signal(name);
    }
}

/// Whether the server at `port` answers PING, which it does not while it still loads its data.
async fn pings(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(local(port)).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    Ok(&answer == b"+PONG")
}

fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&target)?;
            copy_all(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

fn wipe(dir: &Path) {
    for entry in std::fs::read_dir(dir).expect("the server's directory").flatten() {
        let path = entry.path();
        let removed = if path.is_dir() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        removed.unwrap_or_else(|error| panic!("remove {}: {error}", path.display()));
    }
}

/// Hash slots of a Redis Cluster.
const SLOTS: u32 = 16_384;

/// A Redis Cluster of three masters without replicas.
///
/// The others go on serving their slots when one is down, so that a test can tell the two apart.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts three servers and joins them.
    pub async fn start() -> Self {
        let mut nodes = Vec::new();
        for _ in 0..3 {
            nodes.push(Self::start_node().await);
        }
        let count = u32::try_from(nodes.len()).expect("three");
        for (i, node) in (0..count).zip(&nodes) {
            let (first, last) = (SLOTS * i / count, SLOTS * (i + 1) / count - 1);
            let slots = [first.to_string(), last.to_string()];
            node.cli(&["CLUSTER", "ADDSLOTSRANGE", &slots[0], &slots[1]]).await;
            node.cli(&["CLUSTER", "SET-CONFIG-EPOCH", &(i + 1).to_string()]).await;
        }
        for node in &nodes[1..] {
            let port = node.port().to_string();
            let bus = node.cli(&["CONFIG", "GET", "cluster-port"]).await;
            let bus = bus.lines().last().expect("a value").to_owned();
            nodes[0].cli(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await;
        }
        let cluster = Self { nodes };
        cluster.agreed().await;
        cluster
    }

    async fn start_node() -> RedisServer {
        let bus = free_port().to_string();
        RedisServer::start_with(&[
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            &bus,
            "--cluster-announce-ip",
            "127.0.0.1",
            "--cluster-node-timeout",
            "2000",
            "--cluster-require-full-coverage",
            "no",
        ])
        .await
    }

    /// The nodes, in the order of their slots.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// The URL of each node.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    /// Kills node `i` with SIGKILL. Its data stays.
    pub fn kill_node(&self, i: usize) {
        self.nodes[i].kill();
    }

    /// Starts node `i` again with its data and waits until all nodes serve all slots.
    pub async fn restart_node(&self, i: usize) {
        self.nodes[i].restart().await;
        self.agreed().await;
    }

    /// Waits until every node sees every slot served.
    ///
    /// # Panics
    /// When that takes more than a minute.
    pub async fn agreed(&self) {
        let since = Instant::now();
        for node in &self.nodes {
            loop {
                let info = node.cli(&["CLUSTER", "INFO"]).await;
                let has = |line: &str| info.lines().any(|l| l == line);
                if has("cluster_state:ok")
                    && has(&format!("cluster_slots_ok:{SLOTS}"))
                    && has(&format!("cluster_known_nodes:{}", self.nodes.len()))
                {
                    break;
                }
                assert!(since.elapsed() < READY_WITHIN, "the cluster did not form:\n{info}");
                tokio::time::sleep(ASK_EVERY).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_restart_after_a_kill_keeps_the_data_and_a_wipe_does_not() {
        let redis = RedisServer::start().await;
        assert_eq!(redis.cli(&["SET", "k", "v"]).await, "OK");
        redis.kill();
        assert!(TcpStream::connect(local(redis.port())).await.is_err());
        redis.restart().await;
        assert_eq!(redis.cli(&["GET", "k"]).await, "v");
        redis.wipe_and_restart().await;
        assert_eq!(redis.cli(&["GET", "k"]).await, "");
    }

    #[tokio::test]
    async fn further_arguments_win() {
        let redis = RedisServer::start_with(&["--maxmemory-policy", "allkeys-lru"]).await;
        let policy = redis.cli(&["CONFIG", "GET", "maxmemory-policy"]).await;
        assert_eq!(policy.lines().last(), Some("allkeys-lru"));
    }

    #[tokio::test]
    async fn a_cluster_serves_every_slot_and_heals() {
        let cluster = RedisCluster::start().await;
        let set = |n: usize| format!("key-{n}");
        for n in 0..20 {
            assert_eq!(cluster.nodes()[0].cli(&["-c", "SET", &set(n), "v"]).await, "OK");
        }
        cluster.kill_node(1);
        cluster.restart_node(1).await;
        for n in 0..20 {
            assert_eq!(cluster.nodes()[2].cli(&["-c", "GET", &set(n)]).await, "v");
        }
    }
}
