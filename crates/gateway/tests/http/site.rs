//! Somebody else's web site, on this machine.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use crate::files::png;

/// A running site.
pub(crate) struct Site {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    asked: Mutex<Vec<(String, HeaderMap)>>,
    /// What `/held` waits for.
    gate: Semaphore,
}

impl Site {
    /// One at this address, on any port.
    pub(crate) async fn at(address: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { asked: Mutex::default(), gate: Semaphore::new(0) });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let serve = async move { axum::serve(listener, router).await.unwrap() };
        let task = tokio::spawn(serve).abort_handle();
        Self { address, shared, task }
    }

    pub(crate) async fn start() -> Self {
        Self::at(Ipv4Addr::LOCALHOST).await
    }

    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The paths it was asked for, in their order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }

    /// The headers of the last request.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.shared.asked.lock().unwrap().last().unwrap().1.clone()
    }

    /// Lets those go on who wait at `/held`.
    pub(crate) fn release(&self) {
        self.shared.gate.add_permits(1_000);
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A page with these tags in its head.
fn page(head: &str) -> Response {
    let html = format!("<!doctype html><html><head>{head}</head><body>Words</body></html>");
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

fn elsewhere(location: &str) -> Response {
    let headers = [(LOCATION, location), (SET_COOKIE, "seen=1; Path=/")];
    (StatusCode::FOUND, headers).into_response()
}

fn picture(bytes: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "image/png")], bytes).into_response()
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or(""));
    shared.asked.lock().unwrap().push((path.clone(), request.headers().clone()));
    match &*path {
        "/article" => page(
            "<title>Plain</title><meta property='og:title' content='A title &amp; more'>\
             <meta property='og:description' content='What it\n is about'>\
             <meta property='og:site_name' content='The Site'>\
             <meta property='og:image' content='/wide.png'>",
        ),
        "/title" => page("<title>Only a title</title>"),
        "/pictured" => {
            page(&format!("<title>Pictured</title><meta property=og:image content='{query}'>"))
        }
        "/wide.png" => picture(png(1200, 600)),
        "/dot.png" => picture(png(1, 1)),
        "/huge.png" => picture([png(64, 64), vec![0; 6 << 20]].concat()),
        "/broken.png" => picture(b"no picture".to_vec()),
        "/drawing.svg" => ([(CONTENT_TYPE, "image/svg+xml")], "<svg/>").into_response(),
        "/words.txt" => ([(CONTENT_TYPE, "text/plain")], "<title>x</title>").into_response(),
        "/packed" => ([("content-encoding", "gzip")], page("<title>x</title>")).into_response(),
        "/latin" => {
            let kind = [(CONTENT_TYPE, "text/html; charset=klingon")];
            (kind, b"<title>Gr\xfc\xdfe</title>".to_vec()).into_response()
        }
        "/endless" => {
            let start = Bytes::from_static(b"<title>Endless</title>");
            let words = stream::repeat_with(|| Bytes::from(vec![b'a'; 16 << 10]));
            let body = stream::iter([start]).chain(words).map(Ok::<_, Infallible>);
            ([(CONTENT_TYPE, "text/html")], Body::from_stream(body)).into_response()
        }
        "/away" => elsewhere(query),
        "/away-thrice" => elsewhere("/away-twice"),
        "/away-twice" => elsewhere("/away?/title"),
        "/loop" => elsewhere("/loop"),
        "/held" => {
            shared.gate.acquire().await.unwrap().forget();
            page("<title>Held</title>")
        }
        "/silent" => std::future::pending().await,
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
