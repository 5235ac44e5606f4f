//! A gateway with tight bounds, and a client that sends whatever it is told to.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hubbub_client::http::Api;
use hubbub_gateway::{Gateway, Settings, StartError};
use hubbub_protocol::http::RoomKind;
use hubbub_protocol::{ClientFrame, Draft, ErrorCode, MessageId, RoomId, ServerFrame, UserId};
use hubbub_runtime::lifecycle::Lifecycle;
use hubbub_runtime::telemetry::Metrics;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A running gateway with an empty store.
pub(crate) struct Node {
    pub(crate) gateway: Gateway,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) data: TempDir,
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts one whose settings were changed by `change`.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::try_with(change).await.unwrap()
    }

    /// As [`with`](Self::with), with settings that may be refused.
    pub(crate) async fn try_with(change: impl FnOnce(&mut Settings)) -> Result<Self, StartError> {
        let data = tempfile::tempdir().unwrap();
        let mut settings = Settings::standalone(data.path());
        settings.drain = Duration::ZERO;
        change(&mut settings);
        let lifecycle = Lifecycle::default();
        let metrics = Metrics::install().unwrap();
        let gateway = Gateway::start(settings, &lifecycle, metrics).await?;
        Ok(Self { gateway, lifecycle, data })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.gateway.address())
    }

    /// Somebody new.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let api = Api::new(&self.url()).unwrap();
        let id = api.register(name, "correct horse").await.unwrap().id;
        Person { api, id }
    }

    /// A request for an upgrade, to be changed.
    pub(crate) fn upgrade(&self) -> Request {
        format!("ws://{}/ws", self.gateway.address()).into_client_request().unwrap()
    }

    /// An upgraded socket that has said nothing yet.
    pub(crate) async fn socket(&self) -> Socket {
        self.try_upgrade(self.upgrade()).await.unwrap()
    }

    /// The outcome of an upgrade: a socket, or the problem document's code.
    pub(crate) async fn try_upgrade(&self, request: Request) -> Result<Socket, ErrorCode> {
        let stream = TcpStream::connect(self.gateway.address()).await.unwrap();
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(Error::Http(response)) => Err(code_in(response.body().as_deref().unwrap())),
            Err(error) => panic!("neither a socket nor an answer: {error}"),
        }
    }

    /// A greeted socket of a person.
    pub(crate) async fn greeted(&self, person: &Person) -> Socket {
        let mut socket = self.socket().await;
        socket.hello(&person.token().await).await;
        socket
    }
}

/// The code of a problem document.
pub(crate) fn code_in(body: &[u8]) -> ErrorCode {
    serde_json::from_slice::<hubbub_protocol::http::Problem>(body).unwrap().code
}

/// Somebody with an account.
pub(crate) struct Person {
    pub(crate) api: Api,
    pub(crate) id: UserId,
}

impl Person {
    pub(crate) async fn token(&self) -> String {
        self.api.access_token(Duration::ZERO).await.unwrap()
    }

    pub(crate) async fn room(&self, name: &str) -> hubbub_protocol::http::Room {
        self.api.create_room(name, RoomKind::Private).await.unwrap()
    }
}

/// A client's socket.
pub(crate) struct Socket(pub(crate) WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn raw(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    pub(crate) async fn text(&mut self, text: impl Into<String>) {
        self.raw(Message::text(text.into())).await;
    }

    pub(crate) async fn send(&mut self, frame: &ClientFrame) {
        self.text(frame.encode()).await;
    }

    pub(crate) async fn say(&mut self, room: RoomId, text: &str) -> MessageId {
        let id = MessageId::new();
        self.send(&ClientFrame::Send { id, room, body: Draft::text(text) }).await;
        id
    }

    /// The next frame that is not a heartbeat, or the code the socket was closed with.
    pub(crate) async fn next(&mut self) -> Result<ServerFrame, u16> {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("a frame in time");
            match message {
                Some(Ok(Message::Text(text))) => match serde_json::from_str(&text).unwrap() {
                    ServerFrame::Heads { .. } => {}
                    frame => return Ok(frame),
                },
                Some(Ok(Message::Close(frame))) => return Err(frame.unwrap().code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    /// The next frame that `wanted` picks.
    pub(crate) async fn until<T>(&mut self, wanted: impl Fn(ServerFrame) -> Option<T>) -> T {
        loop {
            let frame = self.next().await.expect("still open");
            if let Some(found) = wanted(frame) {
                return found;
            }
        }
    }

    /// The code and the id of the next error.
    pub(crate) async fn error(&mut self) -> (ErrorCode, Option<String>) {
        self.until(|frame| match frame {
            ServerFrame::Error(error) => Some((error.code, error.id)),
            _ => None,
        })
        .await
    }

    /// The code with which the socket is closed, whatever comes before.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    pub(crate) async fn hello(&mut self, token: &str) {
        let hello =
            ClientFrame::Hello { token: Some(token.to_owned()), resume: Vec::new(), only: None };
        self.send(&hello).await;
        self.until(|frame| matches!(frame, ServerFrame::Ready { .. }).then_some(())).await;
    }

    /// Asserts that the connection still works.
    pub(crate) async fn assert_alive(&mut self) {
        self.send(&ClientFrame::Ping).await;
        self.until(|frame| (frame == ServerFrame::Pong).then_some(())).await;
    }

    /// Asserts that `text` is refused with `code`, and costs the connection nothing.
    pub(crate) async fn assert_refused(&mut self, text: impl Into<String>, code: ErrorCode) {
        self.text(text).await;
        assert_eq!(self.error().await.0, code);
        self.assert_alive().await;
    }
}
