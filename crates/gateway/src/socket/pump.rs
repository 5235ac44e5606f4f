//! One task per socket: reads frames, writes what is queued.
//!
//! Reading and control frames are tungstenite's. Data is written by our own vectored writes of
//! shared frames, past tungstenite: nothing is copied per connection and no buffer stays behind.
//! The two never mix, since both happen in this one task and tungstenite is flushed before our
//! writes whenever it may hold something.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use hubbub_protocol::server::ErrorFrame;
use hubbub_protocol::{CloseCode, ErrorCode, ServerFrame, Timestamp};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use super::Sockets;
use super::greeting::{Refusal, greet};
use super::session::Session;
use super::throttle::Throttle;
use crate::http::layers::RequestId;
use crate::hub::connection::Connection;
use crate::hub::frame::WireFrame;
use crate::hub::outbound::{BATCH_FRAMES, Batch};
use crate::metric::{HOT, Metric, Pace};

/// Read buffer of a socket. Small, because it stays while the connection is idle; a larger frame
/// grows it for as long as it is read.
const READ_BUFFER: usize = 1024;
/// Control frames only: data does not go through it.
const WRITE_BUFFER: usize = 4 * 1024;
/// Pongs and close frames that a client may make us owe it before it is cut off.
const WRITE_BUFFER_MAX: usize = 64 * 1024;
/// How long a client may take to make room for a write.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to answer our close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// A frame past this many times the limit is not even read.
const HARD_LIMIT: usize = 4;

/// Serves a socket until it is closed.
pub(super) async fn run(
    stream: TcpStream,
    read_ahead: Vec<u8>,
    sockets: Arc<Sockets>,
    cookie: Option<String>,
    called: Option<RequestId>,
) {
    let hard_limit = sockets.app.limits.frame_bytes as usize * HARD_LIMIT;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .max_message_size(Some(hard_limit))
        .max_frame_size(Some(hard_limit));
    let mut socket =
        WebSocketStream::from_partially_read(stream, read_ahead, Role::Server, Some(config)).await;

    // Boxed: greeting needs far more memory than serving, and only for a moment.
    let greeting = Box::pin(greet(&mut socket, &sockets, cookie));
    let greeted = sockets.stop.run_until_cancelled(greeting).await;
    let ended = match greeted {
        Some(Ok(session)) => {
            let request_id = called.as_ref().map_or("", RequestId::as_str);
            // From here on its lines name the connection.
            tracing::debug!(request_id, connection = %session.connection().id, "greeted");
            drop((sockets, called));
            serve(&mut socket, Arc::new(session)).await
        }
        Some(Err(Refusal::Tell(error, code))) => Ended::Close(Some(error), code),
        Some(Err(Refusal::Broken(error))) => Ended::after(error.as_ref()),
        None => Ended::Close(None, CloseCode::GoAway),
    };
    Box::pin(finish(&mut socket, ended)).await;
}

/// How serving a socket ended.
enum Ended {
    /// We close it, after a last word.
    Close(Option<ErrorFrame>, CloseCode),
    /// The client closed it, and gets its close back.
    Closed,
    /// The client is gone, or can't be written to.
    Gone,
}

impl Ended {
    fn after(error: Option<&tungstenite::Error>) -> Self {
        let (word, code) = match error {
            None => return Self::Closed,
            Some(tungstenite::Error::Capacity(_)) => {
                (Some(ErrorFrame::new(ErrorCode::FrameTooLarge)), CloseCode::FrameTooLarge)
            }
            Some(tungstenite::Error::Utf8(_)) => {
                (Some(ErrorFrame::new(ErrorCode::InvalidUtf8)), CloseCode::InvalidUtf8)
            }
            Some(tungstenite::Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => return Self::Gone,
            Some(tungstenite::Error::Protocol(_)) => (None, CloseCode::ProtocolError),
            _ => return Self::Gone,
        };
        Self::Close(word, code)
    }
}

async fn serve(socket: &mut WebSocketStream<TcpStream>, session: Arc<Session>) -> Ended {
    let mut throttle = Throttle::new(Instant::now());
    let mut turns = Turns {
        socket,
        connection: Arc::clone(session.connection()),
        work: None,
        written: false,
        owes: true,
        drained: false,
    };
    loop {
        match poll_fn(|cx| turns.poll_next(cx)).await {
            Turn::Write(Batch { frames, close, taken_at }) => {
                if write(turns.socket, &frames, &mut turns.owes).await.is_err() {
                    return Ended::Gone;
                }
                if let Some(taken_at) = taken_at {
                    HOT.fanout_lag.record(taken_at.until(Timestamp::now()));
                }
                if let Some(code) = close {
                    return Ended::Close(None, code);
                }
            }
            Turn::Read(message) => {
                let text = match message {
                    Some(Ok(Message::Text(text))) => Some(text),
                    Some(Ok(Message::Binary(_))) => {
                        session.refuse_binary();
                        None
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => None,
                    Some(Ok(Message::Close(_))) => return Ended::Closed,
                    None => return Ended::Gone,
                    Some(Err(error)) => return Ended::after(Some(&error)),
                };
                session.heard();
                let frame = text.and_then(|text| session.parse(&text));
                let pause = throttle.count(Instant::now());
                if pause.is_some() {
                    Pace::Frames.exceeded();
                }
                if frame.is_some() || pause.is_some() {
                    let session = Arc::clone(&session);
                    turns.work = Some(
                        async move {
                            if let Some(frame) = frame {
                                session.handle(frame).await;
                            }
                            if let Some(until) = pause {
                                sleep_until(until).await;
                            }
                        }
                        .boxed(),
                    );
                }
            }
        }
    }
}

/// What a socket's task goes on with.
enum Turn {
    Write(Batch),
    Read(Option<Result<Message, tungstenite::Error>>),
}

/// Whose turn it is. Polled by hand, since most wakings only bring one frame to write: the rest of
/// the connection is then not touched.
struct Turns<'a> {
    socket: &'a mut WebSocketStream<TcpStream>,
    connection: Arc<Connection>,
    /// What is being done about the last frame. Nothing is read meanwhile, so a client's frames are
    /// carried out in order, and one that asks too much waits for itself.
    work: Option<BoxFuture<'static, ()>>,
    /// Writing had the last turn: reading comes first, so that a client to whom there is always
    /// something to write is heard as well.
    written: bool,
    /// Tungstenite may hold the answer to a ping, which must be out before anything else is
    /// written.
    owes: bool,
    /// Everything that came was read: there is nothing to read until the stream says so.
    drained: bool,
}

impl Turns<'_> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        if !self.written
            && let Poll::Ready(batch) = self.connection.outbound.poll_next(cx)
        {
            self.written = true;
            return Poll::Ready(Turn::Write(batch));
        }
        if let Some(work) = &mut self.work
            && work.poll_unpin(cx).is_ready()
        {
            self.work = None;
        }
        let read = if self.work.is_none() { self.poll_read(cx) } else { Poll::Pending };
        let written = std::mem::take(&mut self.written);
        if let Poll::Ready(message) = read {
            return Poll::Ready(Turn::Read(message));
        }
        if written && let Poll::Ready(batch) = self.connection.outbound.poll_next(cx) {
            self.written = true;
            return Poll::Ready(Turn::Write(batch));
        }
        Poll::Pending
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, tungstenite::Error>>> {
        if self.owes
            && let Poll::Ready(flushed) = self.socket.poll_flush_unpin(cx)
        {
            if let Err(error) = flushed {
                return Poll::Ready(Some(Err(error)));
            }
            self.owes = false;
        }
        if self.drained && self.socket.get_ref().poll_read_ready(cx).is_pending() {
            return Poll::Pending;
        }
        let read = self.socket.poll_next_unpin(cx);
        self.drained = read.is_pending();
        self.owes |= matches!(read, Poll::Ready(Some(Ok(Message::Ping(_)))));
        read
    }
}

/// Writes frames completely, or fails. Never cancelled halfway, since nothing else is polled
/// meanwhile. `owes` tells whether tungstenite may have something to write before.
async fn write<T>(
    socket: &mut WebSocketStream<T>,
    frames: &[WireFrame],
    owes: &mut bool,
) -> io::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut writing = pin!(async {
        if *owes {
            socket.flush().await.map_err(io::Error::other)?;
            *owes = false;
        }
        write_all(socket.get_mut(), frames).await
    });
    // There mostly is room at once, and then no timer is needed.
    if let Poll::Ready(written) = futures_util::poll!(writing.as_mut()) {
        return written;
    }
    timeout(WRITE_TIMEOUT, writing).await.map_err(|_| io::ErrorKind::TimedOut)?
}

async fn write_all<T>(stream: &mut T, frames: &[WireFrame]) -> io::Result<()>
where
    T: AsyncWrite + Unpin,
{
    // The first frame not written completely, and how much of it was.
    let (mut first, mut offset) = (0, 0);
    poll_fn(|cx| {
        while first < frames.len() {
            let written = match poll_write(Pin::new(&mut *stream), cx, &frames[first..], offset) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            offset += written;
            while first < frames.len() && offset >= frames[first].bytes().len() {
                offset -= frames[first].bytes().len();
                first += 1;
            }
        }
        Poll::Ready(Ok(()))
    })
    .await
}

/// Writes as much as there is room for, in one call, of frames whose first `offset` bytes are
/// written already.
fn poll_write<T>(
    stream: Pin<&mut T>,
    cx: &mut Context<'_>,
    frames: &[WireFrame],
    offset: usize,
) -> Poll<io::Result<usize>>
where
    T: AsyncWrite,
{
    // A plain write costs the kernel less than a vectored one of the same bytes.
    if let [frame] = frames {
        return stream.poll_write(cx, &frame.bytes()[offset..]);
    }
    // Made anew for each try, so that the slices are no part of the task's memory.
    let mut slices = [IoSlice::new(&[]); BATCH_FRAMES];
    for (n, (slice, frame)) in slices.iter_mut().zip(frames).enumerate() {
        *slice = IoSlice::new(&frame.bytes()[if n == 0 { offset } else { 0 }..]);
    }
    stream.poll_write_vectored(cx, &slices[..frames.len().min(BATCH_FRAMES)])
}

/// Says the last word, closes, and waits a moment for the client to do the same.
async fn finish<T>(socket: &mut WebSocketStream<T>, ended: Ended)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (word, code) = match ended {
        Ended::Close(word, code) => {
            metrics::counter!(Metric::Closed.name(), "code" => code.reason()).increment(1);
            (word, Some(code))
        }
        Ended::Closed => (None, None),
        Ended::Gone => return,
    };
    let closing = async {
        if let Some(word) = word {
            write(socket, &[WireFrame::from(&ServerFrame::Error(word))], &mut true).await?;
        }
        if let Some(code) = code {
            let frame = CloseFrame { code: code.code().into(), reason: code.reason().into() };
            socket.close(Some(frame)).await.map_err(io::Error::other)?;
        }
        // Reading on is also what sends the answer to a client's close.
        while let Some(Ok(_)) = socket.next().await {}
        Ok::<_, io::Error>(())
    };
    let _ = timeout(CLOSE_TIMEOUT, closing).await;
}
