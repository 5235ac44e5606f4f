//! A WebSocket client that costs next to nothing, so that one process holds ten thousand of them:
//! no buffer while it is quiet, and frames are found by their headers instead of being decoded.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hubbub_protocol::ClientFrame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use super::Failure;

/// What is read at once, by whichever socket reads; also the largest frame.
const BUFFER: usize = 256 * 1024;
/// Largest answer to an upgrade.
const HEAD_MAX: usize = 4 * 1024;

const FIN_TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
/// A pong without payload. Clients must mask; a key of zeros masks nothing, and nobody in between
/// needs to be protected here.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

thread_local! {
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into());
}

/// A connection to a gateway.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    /// The beginning of a frame whose end has not come yet.
    partial: Vec<u8>,
}

impl Socket {
    /// Connects and greets: returns once the gateway has answered `ready`.
    ///
    /// # Errors
    /// When the gateway refuses or goes away.
    pub async fn open(gateway: SocketAddr, token: &str) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect(gateway).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {gateway}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: aHViYnViIGlzIGxvYWRpbg==\r\n\
             Sec-WebSocket-Protocol: {}\r\n\r\n",
            hubbub_protocol::SUBPROTOCOL
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::with_capacity(512);
        let end = loop {
            if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if head.len() > HEAD_MAX || stream.read_buf(&mut head).await? == 0 {
                return Err("the gateway does not answer the upgrade".into());
            }
        };
        if !head.starts_with(b"HTTP/1.1 101") {
            let status = String::from_utf8_lossy(&head);
            return Err(format!("no upgrade: {}", status.lines().next().unwrap_or("")).into());
        }
        let mut socket = Self { stream, partial: head.split_off(end) };
        let hello =
            ClientFrame::Hello { token: Some(token.to_owned()), resume: Vec::new(), only: None };
        socket.send(&hello.encode()).await?;
        let mut answer = None;
        while answer.is_none() {
            let ready = |frame: &[u8]| {
                let is_ready = frame.starts_with(b"{\"type\":\"ready\"");
                answer.get_or_insert(is_ready.then_some(()).ok_or_else(|| kind(frame)));
            };
            socket.read(ready).await?;
        }
        answer.unwrap_or(Ok(())).map_err(|kind| format!("instead of ready: {kind}"))?;
        socket.partial.shrink_to_fit();
        Ok(socket)
    }

    /// A socket over a stream that carries frames from the start.
    #[must_use]
    pub const fn bare(stream: TcpStream) -> Self {
        Self { stream, partial: Vec::new() }
    }

    /// Sends a text frame.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send(&self, text: &str) -> io::Result<()> {
        let mut frame = vec![FIN_TEXT];
        match text.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            medium @ 126..=0xffff => {
                frame.push(0x80 | 126);
                frame.extend((medium as u16).to_be_bytes());
            }
            long => {
                frame.push(0x80 | 127);
                frame.extend((long as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        let mut rest = frame.as_slice();
        while !rest.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until something can be read, and hands each complete text frame in it to `on_text`.
    /// Pings are answered. Cancelling loses nothing.
    ///
    /// # Errors
    /// When the gateway closes.
    pub async fn read(&mut self, mut on_text: impl FnMut(&[u8])) -> io::Result<()> {
        loop {
            self.stream.readable().await?;
            let read = READ.with_borrow_mut(|buffer| self.read_now(buffer, &mut on_text));
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
        }
    }

    fn read_now(&mut self, buffer: &mut [u8], on_text: &mut impl FnMut(&[u8])) -> io::Result<()> {
        let held = self.partial.len();
        buffer[..held].copy_from_slice(&self.partial);
        let read = self.stream.try_read(&mut buffer[held..])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let filled = held + read;
        let mut rest = &buffer[..filled];
        while let Some((first, payload, after)) = split_frame(rest) {
            match first {
                PING => drop(self.stream.try_write(&PONG)?),
                CLOSE => return Err(io::ErrorKind::ConnectionAborted.into()),
                FIN_TEXT => on_text(payload),
                _ => {}
            }
            rest = after;
        }
        if rest.len() == BUFFER {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.partial.clear();
        if rest.is_empty() {
            // A quiet socket holds nothing.
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(rest);
        }
        Ok(())
    }

    /// Reads in a task for as long as the connection lasts.
    pub fn count_into(mut self, counts: &Arc<Counts>) -> AbortHandle {
        let counts = Arc::clone(counts);
        let task = async move {
            let mut last = None;
            loop {
                let (mut messages, mut steps, mut bytes) = (0, 0, 0);
                let read = self.read(|frame| {
                    let Some(at) = position(frame) else { return };
                    // The first message is one step, wherever the room stood.
                    steps += at.saturating_sub(last.unwrap_or(at.saturating_sub(1)));
                    last = last.max(Some(at));
                    if is_message(frame) {
                        messages += 1;
                        bytes = frame.len();
                    }
                });
                let gone = read.await.is_err();
                counts.messages.fetch_add(messages, Ordering::Relaxed);
                counts.steps.fetch_add(steps, Ordering::Relaxed);
                if bytes > 0 {
                    counts.frame_bytes.store(bytes as u64, Ordering::Relaxed);
                }
                if gone {
                    counts.gone.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
        };
        tokio::spawn(task).abort_handle()
    }
}

/// What a group of sockets received.
#[derive(Debug, Default)]
pub struct Counts {
    messages: AtomicU64,
    steps: AtomicU64,
    frame_bytes: AtomicU64,
    gone: AtomicU64,
}

impl Counts {
    /// Messages received one by one.
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Events that the sockets know of: those received, and those that a client which had fallen
    /// behind got as part of a state sync. For sockets that hear one room each.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Length of a message's frame, without the WebSocket header.
    pub fn frame_bytes(&self) -> u64 {
        self.frame_bytes.load(Ordering::Relaxed)
    }

    /// Waits until the sockets know of `steps` events.
    ///
    /// # Errors
    /// When a connection was closed, or nothing came for ten seconds.
    pub async fn reach(&self, steps: u64) -> Result<(), Failure> {
        const PAUSE: std::time::Duration = std::time::Duration::from_millis(2);
        let (mut last, mut quiet) = (self.steps(), tokio::time::Instant::now());
        loop {
            let now = self.steps();
            let gone = self.gone.load(Ordering::Relaxed);
            if gone > 0 {
                return Err(format!("{gone} connections were closed").into());
            }
            if now >= steps {
                return Ok(());
            }
            if now > last {
                (last, quiet) = (now, tokio::time::Instant::now());
            } else if quiet.elapsed().as_secs() >= 10 {
                return Err(format!("{now} of {steps} events came, and then none").into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Whether a frame is a room's message.
#[must_use]
pub fn is_message(frame: &[u8]) -> bool {
    frame.starts_with(b"{\"type\":\"message\"")
}

/// Where a client is in its room after a message or a state sync.
fn position(frame: &[u8]) -> Option<u64> {
    /// Further in comes what people wrote.
    const AMONG: usize = 200;
    let field: &[u8] = if is_message(frame) {
        b"\"seq\":"
    } else if frame.starts_with(b"{\"type\":\"sync\"") {
        b"\"upto\":"
    } else {
        return None;
    };
    let head = &frame[..frame.len().min(AMONG)];
    let at = head.windows(field.len()).position(|part| part == field)? + field.len();
    let digits = head[at..].split(|byte| !byte.is_ascii_digit()).next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A frame's type and code, for an error message.
fn kind(frame: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
        code: Option<String>,
    }
    serde_json::from_slice::<Kind>(frame)
        .map_or_else(|_| "nonsense".to_owned(), |k| format!("{} {:?}", k.kind, k.code))
}

/// The first frame's first byte, its payload, and what follows it; `None` if it is not complete.
fn split_frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length & 0x7f {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from_be_bytes(*length), rest)
        }
        short => (u64::from(short), rest),
    };
    let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((first, payload, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[test]
    fn a_frame_is_found_by_its_header_and_only_when_complete() {
        for length in [0_usize, 125, 126, 65_535, 65_536] {
            let mut bytes = vec![FIN_TEXT];
            match length {
                0..126 => bytes.push(length as u8),
                126..=0xffff => {
                    bytes.push(126);
                    bytes.extend((length as u16).to_be_bytes());
                }
                _ => {
                    bytes.push(127);
                    bytes.extend((length as u64).to_be_bytes());
                }
            }
            bytes.extend(vec![b'x'; length]);
            assert_eq!(split_frame(&bytes[..bytes.len() - 1]), None);
            bytes.push(PING);
            let (first, payload, rest) = split_frame(&bytes).unwrap();
            assert_eq!((first, payload.len(), rest), (FIN_TEXT, length, &[PING][..]));
        }
    }

    #[test]
    fn messages_and_syncs_tell_how_far_a_client_is() {
        use hubbub_protocol::{Epoch, RoomId, Seq, ServerFrame};
        let (room, epoch) = (RoomId::new(), Epoch(7));
        let sync = ServerFrame::Sync { room, epoch, upto: Seq(42), messages: Vec::new() };
        assert_eq!(position(sync.encode().as_bytes()), Some(42));
        let message = format!(r#"{{"type":"message","room":"{room}","epoch":7,"seq":43,"x":1}}"#);
        assert_eq!(position(message.as_bytes()), Some(43));
        assert_eq!(position(b"{\"type\":\"pong\"}"), None);
    }

    #[tokio::test]
    async fn frames_cut_anywhere_are_put_together_and_pings_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        server.set_nodelay(true).unwrap();
        let writing = tokio::spawn(async move {
            for part in [&b"\x81\x03on"[..], b"e\x89\x00\x81", b"\x03two\x81\x00"] {
                server.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
            let mut pong = [0; PONG.len()];
            server.read_exact(&mut pong).await.unwrap();
            pong
        });
        let mut socket = Socket::bare(client);
        let mut seen = Vec::new();
        while seen.len() < 3 {
            socket.read(|text| seen.push(text.to_vec())).await.unwrap();
        }
        assert_eq!(seen, [&b"one"[..], b"two", b""]);
        assert_eq!(writing.await.unwrap(), PONG);
    }
}
