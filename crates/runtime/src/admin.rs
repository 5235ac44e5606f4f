//! The listener for operators: `/healthz`, `/readyz`, `/metrics`.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::telemetry::Metrics;

/// Connections served at once: probes and scrapers, of which there are few.
const CONNECTIONS_MAX: usize = 64;
/// A connection that asks nothing for so long is closed, or idle ones would keep probes out. Longer
/// than the minute between two scrapes.
const IDLE_MAX: Duration = Duration::from_secs(75);

/// The other end of a connection: `ConnectInfo<Peer>` of a request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(
    /// Its address.
    pub SocketAddr,
);

impl Connected<IncomingStream<'_, Bounded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Everything an operator may ask.
pub fn routes(health: &Health, metrics: Metrics) -> Router {
    let metrics =
        get(async move || ([(CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.render()));
    health.routes().route("/metrics", metrics)
}

/// Serves `routes` until `stop`. That should be the last stop of all: while clients drain, the node
/// must still answer that it is not ready.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    stop: CancellationToken,
) -> io::Result<()> {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let service = routes.into_make_service_with_connect_info::<Peer>();
    let serving = axum::serve(Bounded { listener, permits }, service).into_future();
    match stop.run_until_cancelled(serving).await {
        Some(ended) => ended,
        None => Ok(()),
    }
}

/// A listener that accepts no more than its permits allow; the rest waits in the backlog.
struct Bounded {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl Listener for Bounded {
    type Io = Permitted;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Permitted, SocketAddr) {
        let permits = Arc::clone(&self.permits);
        let permit = permits.acquire_owned().await.expect("nobody closes the semaphore");
        // Axum's own `accept` waits out errors such as too many open files.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Permitted { stream, idle: Box::pin(sleep(IDLE_MAX)), _permit: permit }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that gives its permit back when it ends, and ends when it is idle.
struct Permitted {
    stream: TcpStream,
    idle: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl AsyncRead for Permitted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.idle.as_mut().reset(Instant::now() + IDLE_MAX);
        } else if self.idle.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Permitted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
