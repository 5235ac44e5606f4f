//! One task per socket: reads frames, writes what is queued.
//!
//! Reading and control frames are tungstenite's. Data is written by our own vectored writes of
//! shared frames, past tungstenite: nothing is copied per connection and no buffer stays behind.
//! The two never mix, since both happen in this one task and tungstenite is flushed before each of
//! our writes.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use hubbub_protocol::server::ErrorFrame;
use hubbub_protocol::{CloseCode, ErrorCode, ServerFrame};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use super::Sockets;
use super::greeting::{Refusal, greet};
use super::session::Session;
use super::throttle::Throttle;
use crate::hub::frame::WireFrame;
use crate::hub::outbound::{BATCH_FRAMES, Batch};
use crate::metric::Metric;

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
pub(super) async fn run<T>(
    stream: T,
    read_ahead: Vec<u8>,
    sockets: Arc<Sockets>,
    cookie: Option<String>,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
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
            drop(sockets);
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

async fn serve<T>(socket: &mut WebSocketStream<T>, session: Arc<Session>) -> Ended
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let connection = Arc::clone(session.connection());
    let mut throttle = Throttle::new(Instant::now());
    // What is being done about the last frame. Nothing is read meanwhile, so a client's frames are
    // carried out in order, and one that asks too much waits for itself.
    let mut work: Option<BoxFuture<'static, ()>> = None;
    loop {
        tokio::select! {
            biased;
            batch = connection.outbound.next() => {
                let Batch { frames, close } = batch;
                if write(socket, &frames).await.is_err() {
                    return Ended::Gone;
                }
                if let Some(code) = close {
                    return Ended::Close(None, code);
                }
            }
            () = poll_fn(|cx| poll_work(&mut work, cx)) => work = None,
            message = socket.next(), if work.is_none() => {
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
                if frame.is_some() || pause.is_some() {
                    let session = Arc::clone(&session);
                    work = Some(
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

/// Ready when the work is done; never while there is none.
fn poll_work(
    work: &mut Option<BoxFuture<'static, ()>>,
    cx: &mut std::task::Context<'_>,
) -> Poll<()> {
    match work {
        Some(work) => work.poll_unpin(cx),
        None => Poll::Pending,
    }
}

/// Writes frames completely, or fails. Called from the select's handler, so it is never cancelled
/// halfway.
async fn write<T>(socket: &mut WebSocketStream<T>, frames: &[WireFrame]) -> io::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let writing = async {
        socket.flush().await.map_err(io::Error::other)?;
        write_vectored(socket.get_mut(), frames).await
    };
    timeout(WRITE_TIMEOUT, writing).await.map_err(|_| io::ErrorKind::TimedOut)?
}

async fn write_vectored<T>(stream: &mut T, frames: &[WireFrame]) -> io::Result<()>
where
    T: AsyncWrite + Unpin,
{
    // The first frame not written completely, and how much of it was.
    let (mut first, mut offset) = (0, 0);
    poll_fn(|cx| {
        while first < frames.len() {
            // Made anew for each try, so that the slices are no part of the task's memory.
            let mut slices = [IoSlice::new(&[]); BATCH_FRAMES];
            let rest = &frames[first..];
            for (n, (slice, frame)) in slices.iter_mut().zip(rest).enumerate() {
                *slice = IoSlice::new(&frame.bytes()[if n == 0 { offset } else { 0 }..]);
            }
            let count = rest.len().min(BATCH_FRAMES);
            let written = match Pin::new(&mut *stream).poll_write_vectored(cx, &slices[..count]) {
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
            write(socket, &[WireFrame::from(&ServerFrame::Error(word))]).await?;
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
