//! A real server that speaks S3: moto, which keeps its buckets in memory.
//!
//! It is in `.cache/tools` of the workspace, where `tools/install-test-servers` puts it. It takes
//! any access key and checks no signature.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::port::{free_port, local};
use crate::process::Process;
use crate::watchdog;

/// How often a server is started before the test fails: its port may be taken meanwhile.
const ATTEMPTS: u32 = 5;

/// A server with one bucket.
#[derive(Debug)]
pub struct S3Server {
    port: u16,
    _process: Process,
    // Dropped after the process that writes its log there.
    _dir: TempDir,
}

impl S3Server {
    /// The bucket that is there from the start.
    pub const BUCKET: &'static str = "hubbub-test";

    /// Starts a server and makes its bucket.
    ///
    /// # Panics
    /// When it is not installed, or can't be started.
    pub async fn start() -> Self {
        let packages = packages();
        let mut log = String::new();
        for _ in 0..ATTEMPTS {
            let (port, dir) = (free_port(), watchdog::directory("s3"));
            let mut command = Command::new("python3");
            command
                .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
                .env("PYTHONPATH", &packages);
            let mut process = Process::spawn(&mut command, &dir.path().join("log"));
            match process.ready(async || makes_bucket(port).await.unwrap_or(false)).await {
                Ok(()) => return Self { port, _process: process, _dir: dir },
                Err(exited) => log = exited.0,
            }
        }
        panic!("the server that speaks S3 did not start; its log ends:\n{log}")
    }

    /// `http://127.0.0.1:PORT`; buckets are below it, by path.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Whether the server at `port` makes the bucket. One that is there already is no error to it.
async fn makes_bucket(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(local(port)).await?;
    let request = format!(
        "PUT /{} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        S3Server::BUCKET
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200 "))
}

fn packages() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/tools/moto-5.2.5");
    assert!(installed.is_dir(), "no S3 server; tools/install-test-servers installs one");
    installed
}
