//! The least that fan-out can cost: a server that holds sockets and does one `send()` of ready-made
//! bytes to each, in a loop. It runs in a process of its own, so that its CPU time can be told.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::socket::Socket;
use super::usage::ProcessId;
use super::{Failure, number};

/// How long the sockets are left alone before the first message.
const SETTLE: Duration = Duration::from_millis(500);

/// What the bare server does.
#[derive(Debug, Clone, Copy, Args)]
pub struct BareOptions {
    /// Sockets.
    #[arg(long, default_value_t = 1_000)]
    pub sockets: usize,
    /// Length of a message, in bytes.
    #[arg(long, default_value_t = 500)]
    pub bytes: usize,
    /// Messages a second.
    #[arg(long, default_value_t = 80)]
    pub rate: u32,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 5)]
    pub seconds: u32,
}

/// The server's side: says where it listens, waits for the sockets, sends.
///
/// # Errors
/// When a client goes away.
pub fn serve(options: BareOptions) -> Result<Value, Failure> {
    let BareOptions { sockets, bytes, rate, seconds } = options;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let mut streams = Vec::with_capacity(sockets);
    for _ in 0..sockets {
        let (stream, _) = listener.accept()?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    sleep(SETTLE);
    let message = frame(bytes);
    let me = ProcessId::own();
    let (cpu, start) = (me.cpu()?, Instant::now());
    let (mut sent, mut full) = (0_u64, 0_u64);
    for number in 0..rate * seconds {
        let due = start + Duration::from_secs(1) * number / rate;
        sleep(due.saturating_duration_since(Instant::now()));
        for stream in &mut streams {
            match stream.write(&message) {
                Ok(written) if written == message.len() => sent += 1,
                Ok(_) => return Err("a client does not read".into()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => full += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
    let cpu = me.cpu()?.saturating_sub(cpu);
    Ok(json!({
        "scenario": "bare",
        "deliveries": sent,
        "refused_by_full_sockets": full,
        "cpu_us_per_delivery": cpu.as_secs_f64() * 1e6 / number(sent),
    }))
}

/// A text frame that takes `bytes` on the wire.
fn frame(bytes: usize) -> Vec<u8> {
    let payload = u16::try_from(bytes.saturating_sub(4)).unwrap_or(u16::MAX);
    let mut frame = vec![0x81, 126];
    frame.extend(payload.to_be_bytes());
    frame.resize(4 + usize::from(payload), b'x');
    frame
}

/// Starts the server from this same program, reads on all its sockets, and returns what it says.
///
/// # Errors
/// When it fails.
pub async fn measure(options: BareOptions) -> Result<Value, Failure> {
    let mut child = Running(
        Command::new(std::env::current_exe()?)
            .args(["bare", "--sockets", &options.sockets.to_string()])
            .args(["--bytes", &options.bytes.to_string()])
            .args(["--rate", &options.rate.to_string()])
            .args(["--seconds", &options.seconds.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?,
    );
    let mut output = BufReader::new(child.0.stdout.take().ok_or("no output")?);
    let mut line = String::new();
    output.read_line(&mut line)?;
    let address: SocketAddr = line.trim().parse()?;
    for _ in 0..options.sockets {
        let mut socket = Socket::bare(TcpStream::connect(address).await?);
        tokio::spawn(async move { while socket.read(|_| {}).await.is_ok() {} });
    }
    let result = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        output.read_line(&mut line).map(|_| line)
    });
    Ok(serde_json::from_str(&result.await??)?)
}

/// A child that does not outlive its use.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
