//! The real binaries, as child processes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::Process;
use crate::watchdog;

/// The environment of a node.
pub(super) type Variables = BTreeMap<String, String>;

/// A binary of this workspace at work.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) process: Process,
    _log: TempDir,
}

impl Program {
    /// Starts a binary with nothing but these variables, and waits until its admin port answers.
    pub(super) async fn start(name: &str, variables: &Variables, admin: SocketAddr) -> Self {
        let log = watchdog::directory(name);
        let mut command = Command::new(binary(name));
        command.env_clear().envs(variables);
        let mut process = Process::spawn(&mut command, &log.path().join("log"));
        let answers = async || get(admin, "/healthz").await.is_some();
        if let Err(exited) = process.ready(answers).await {
            panic!("{name} did not start; its log ends:\n{}", exited.0);
        }
        Self { process, _log: log }
    }
}

/// Where cargo puts the workspace's binaries: two directories above the test's own executable.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has an executable");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps");
    let binary = profile.join(name);
    assert!(
        binary.is_file(),
        "{} is missing: run `cargo build --workspace --bins` first, as `make test` does",
        binary.display()
    );
    binary
}

/// Status and body of a GET, if there is an answer.
pub(super) async fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    exchange(address, &format!("GET {path} HTTP/1.1\r\n{HEAD}\r\n")).await
}

/// Status and body of a POST with JSON, if there is an answer.
pub(super) async fn post(address: SocketAddr, path: &str, json: &str) -> Option<(u16, String)> {
    let content = format!("content-type: application/json\r\ncontent-length: {}", json.len());
    exchange(address, &format!("POST {path} HTTP/1.1\r\n{HEAD}{content}\r\n\r\n{json}")).await
}

/// What every request says.
const HEAD: &str = "host: node\r\nconnection: close\r\n";

async fn exchange(address: SocketAddr, request: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
