//! A request's body that is read to its end even if nobody wants it any more.
//!
//! Who is refused early is often still sending. Closing on them with bytes unread makes the system
//! answer with a reset, which may destroy the refusal on its way: a proxy then tells of a bad gateway,
//! a browser of a broken network. So what is left is passed over, for a while (RFC 9112, section 9.6).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::EXPECT;
use hyper::{HeaderMap, Request};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

/// How long what is left may take to come, altogether.
const ALL: Duration = Duration::from_secs(30);
/// How long the next bytes of it may take.
const NEXT: Duration = Duration::from_secs(5);

/// A body that, when it is dropped early, is passed over by a task of its own. Nothing is kept of it.
pub(crate) struct Lingering {
    /// Absent once it has ended or failed.
    body: Option<Incoming>,
    tasks: TaskTracker,
    /// Whoever waits to be told to go on has sent nothing yet.
    waits: bool,
}

impl Lingering {
    /// The same request, with such a body.
    pub(crate) fn wrap(request: Request<Incoming>, tasks: &TaskTracker) -> Request<Self> {
        let waits = expects_continue(request.headers());
        request.map(|body| Self { body: Some(body), tasks: tasks.clone(), waits })
    }
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|what| what.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        match polled {
            Poll::Ready(None | Some(Err(_))) => self.body = None,
            Poll::Ready(Some(Ok(_))) => self.waits = false,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !self.waits && !body.is_end_stream()) {
            self.tasks.spawn(pass_over(body));
        }
    }
}

async fn pass_over(mut body: Incoming) {
    let until = Instant::now() + ALL;
    loop {
        let next = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        match timeout_at(until.min(Instant::now() + NEXT), next).await {
            Ok(Some(Ok(_))) => {}
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::server;

    /// More than sockets' buffers take.
    const BODY: usize = 16 << 20;

    /// A connection to a server that refuses everything at once.
    async fn refusing() -> (TcpStream, CancellationToken) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", post(async || StatusCode::PAYLOAD_TOO_LARGE));
        let stop = CancellationToken::new();
        tokio::spawn(server::accept(
            listener,
            router,
            TaskTracker::new(),
            CancellationToken::new(),
            stop.clone(),
        ));
        (TcpStream::connect(address).await.unwrap(), stop)
    }

    async fn answer(stream: &mut TcpStream) -> String {
        let mut text = vec![0; 1024];
        let length = stream.read(&mut text).await.unwrap();
        String::from_utf8(text[..length].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn who_is_refused_early_and_goes_on_sending_hears_it() {
        let (mut stream, _stop) = refusing().await;
        for _ in 0..2 {
            let head = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {BODY}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&vec![b'x'; BODY]).await.unwrap();
            let answer = answer(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        }
    }

    #[tokio::test]
    async fn who_waits_to_be_told_to_go_on_is_not_told_to() {
        let (mut stream, _stop) = refusing().await;
        let head = format!(
            "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {BODY}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
}
