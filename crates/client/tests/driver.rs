//! The client against a gateway that does exactly what a test says: breaks, closes, moves, and
//! stays silent.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hubbub_client::client::{Client, Event, Options};
use hubbub_client::http::Api;
use hubbub_client::sync::Update;
use hubbub_protocol::http::NotifyLevel;
use hubbub_protocol::http::{SessionResponse, User, UserStatus};
use hubbub_protocol::server::{GoAwayReason, ReadyRoom};
use hubbub_protocol::{
    ClientFrame, CloseCode, ConnectionId, Epoch, Limits, Message, MessageBody, MessageId, RoomId,
    SUBPROTOCOL, Seq, ServerFrame, Timestamp, UserId,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Data;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// Nothing in these tests takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

struct Gateway {
    addr: SocketAddr,
    sockets: mpsc::Receiver<Socket>,
    rotations: Arc<AtomicUsize>,
    user: UserId,
    room: RoomId,
}

/// The gateway's side of a connection.
struct Socket(WebSocketStream<TcpStream>);

impl Gateway {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (opened, sockets) = mpsc::channel(8);
        let rotations = Arc::new(AtomicUsize::new(0));
        let user = UserId::new();
        let counter = Arc::clone(&rotations);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut start = [0; 7];
                while stream.peek(&mut start).await.is_ok_and(|length| length < start.len()) {}
                if &start == b"GET /ws" {
                    opened.send(Socket::accept(stream).await).await.unwrap();
                } else {
                    answer(stream, user, &counter).await;
                }
            }
        });
        Self { addr, sockets, rotations, user, room: RoomId::new() }
    }

    async fn log_in(&self) -> Api {
        let api = Api::new(&format!("http://{}", self.addr)).unwrap();
        api.login("ada", "correct horse").await.unwrap();
        api
    }

    /// The next connection, and the `hello` it begins with.
    async fn hello(&mut self) -> (Socket, ClientFrame) {
        let mut socket = timeout(PATIENCE, self.sockets.recv()).await.unwrap().unwrap();
        let hello = socket.next().await;
        assert!(matches!(hello, ClientFrame::Hello { .. }), "{hello:?}");
        (socket, hello)
    }

    /// The next connection, made ready.
    async fn ready(&mut self) -> Socket {
        let (mut socket, _) = self.hello().await;
        socket.send(&self.ready_frame(900_000)).await;
        socket
    }

    fn ready_frame(&self, token_expires_in_ms: u64) -> ServerFrame {
        ServerFrame::Ready {
            inbox: 0,
            user: self.user,
            connection: ConnectionId::new(),
            node: "scripted".parse().unwrap(),
            heartbeat_ms: 1_000,
            token_expires_in_ms,
            limits: Limits::default(),
            rooms: vec![ReadyRoom {
                room: self.room,
                epoch: Epoch(1),
                seq: Seq(0),
                read: Seq(0),
                delivered: Seq(0),
                unread: 0,
                mentions: 0,
                unread_from: None,
                notify: NotifyLevel::default(),
                version: 0,
            }],
        }
    }

    /// The message that a `send` becomes.
    fn message(&self, send: &ClientFrame, seq: u64) -> ServerFrame {
        let ClientFrame::Send { id, room, body } = send.clone() else { panic!("{send:?}") };
        let (epoch, seq, at) = (Epoch(1), Seq(seq), Timestamp::default());
        ServerFrame::Message(Message {
            room,
            epoch,
            seq,
            id,
            sender: self.user,
            at,
            body: MessageBody::text(body.text),
            edited_at: None,
            deleted_at: None,
            reactions: Vec::new(),
        })
    }

    fn ack(&self, id: MessageId, seq: u64) -> ServerFrame {
        let (epoch, seq, at) = (Epoch(1), Seq(seq), Timestamp::default());
        ServerFrame::Ack { id, room: self.room, epoch, seq, at }
    }
}

impl Socket {
    async fn accept(stream: TcpStream) -> Self {
        #[expect(clippy::result_large_err, reason = "the callback's type is tungstenite's")]
        let callback = |_: &Request, mut response: Response| {
            response.headers_mut().insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse().unwrap());
            Ok(response)
        };
        Self(tokio_tungstenite::accept_hdr_async(stream, callback).await.unwrap())
    }

    /// The next frame that is no `ping`.
    async fn next(&mut self) -> ClientFrame {
        loop {
            let frame = timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap();
            if let Data::Text(text) = frame
                && let frame = ClientFrame::parse(text.as_str()).unwrap()
                && frame != ClientFrame::Ping
            {
                return frame;
            }
        }
    }

    async fn send(&mut self, frame: &ServerFrame) {
        self.0.send(Data::Text(frame.encode().into())).await.unwrap();
    }

    async fn close(mut self, code: CloseCode) {
        let frame = CloseFrame { code: code.code().into(), reason: code.reason().into() };
        self.0.close(Some(frame)).await.unwrap();
        while let Some(Ok(_)) = self.0.next().await {}
    }

    /// Waits until the client has closed.
    async fn closed(mut self) {
        let end = async { while let Some(Ok(_)) = self.0.next().await {} };
        timeout(PATIENCE, end).await.unwrap();
    }
}

/// Answers `login` and `token`.
async fn answer(mut stream: TcpStream, user: UserId, rotations: &AtomicUsize) {
    let mut request = Vec::new();
    let whole = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).to_ascii_lowercase();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
        (body.len() >= length.parse::<usize>().ok()?).then_some(())
    };
    while whole(&request).is_none() {
        assert!(stream.read_buf(&mut request).await.unwrap() > 0);
    }
    let rotation = match request.starts_with(b"POST /api/v1/token ") {
        true => rotations.fetch_add(1, Ordering::SeqCst) + 1,
        false => 0,
    };
    let session = SessionResponse {
        user: User {
            id: user,
            username: "ada".into(),
            display_name: "Ada".into(),
            avatar: None,
            status: UserStatus::Online,
            last_seen: None,
            status_text: None,
            bio: None,
            deleted: false,
        },
        expires_in: 900,
        access_token: Some(format!("access-{rotation}")),
        refresh_token: Some(format!("refresh-{rotation}")),
        csrf_token: None,
    };
    let body = serde_json::to_string(&session).unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}

async fn wait_for(events: &mut mpsc::Receiver<Event>, wanted: impl Fn(&Event) -> bool) -> Event {
    let search = async {
        loop {
            let event = events.recv().await.expect("it has not ended");
            if wanted(&event) {
                return event;
            }
        }
    };
    timeout(PATIENCE, search).await.expect("it happens")
}

fn token(frame: &ClientFrame) -> &str {
    let (ClientFrame::Hello { token, .. } | ClientFrame::Refresh { token }) = frame else {
        panic!("{frame:?} carries no token")
    };
    token.as_deref().unwrap()
}

fn id(frame: &ClientFrame) -> MessageId {
    let ClientFrame::Send { id, .. } = frame else { panic!("{frame:?} is no send") };
    *id
}

#[tokio::test]
async fn a_message_without_its_ack_goes_out_again_under_its_id_after_a_break() {
    let mut gateway = Gateway::start().await;
    let (client, mut events) = Client::start(gateway.log_in().await, Options::default());
    let mut socket = gateway.ready().await;
    let sent = client.send(gateway.room, "hello").await.unwrap();
    let first = socket.next().await;
    assert_eq!(id(&first), sent);
    socket.send(&gateway.message(&first, 1)).await;
    wait_for(&mut events, |event| matches!(event, Event::Update(Update::Message(_)))).await;
    drop(socket);

    let (mut socket, hello) = gateway.hello().await;
    let ClientFrame::Hello { resume, .. } = hello else { unreachable!() };
    assert_eq!((resume[0].room, resume[0].seq), (gateway.room, Seq(1)));
    socket.send(&gateway.ready_frame(900_000)).await;
    assert_eq!(id(&socket.next().await), sent);
    socket.send(&gateway.ack(sent, 1)).await;
    wait_for(
        &mut events,
        |event| matches!(event, Event::Update(Update::Stored { id, .. }) if *id == sent),
    )
    .await;
    assert!(client.unsent().await.is_empty());
    assert_eq!(client.messages(gateway.room).await.len(), 1);
}

#[tokio::test]
async fn on_goaway_the_new_connection_is_ready_before_the_old_one_is_closed() {
    let mut gateway = Gateway::start().await;
    let (client, mut events) = Client::start(gateway.log_in().await, Options::default());
    let mut old = gateway.ready().await;
    old.send(&ServerFrame::GoAway { after_ms: 1, reason: GoAwayReason::Draining }).await;
    let (mut new, _) = gateway.hello().await;
    // The old one still serves.
    let sent = client.send(gateway.room, "hello").await.unwrap();
    let send = old.next().await;
    old.send(&gateway.message(&send, 1)).await;
    wait_for(&mut events, |event| matches!(event, Event::Update(Update::Message(_)))).await;

    new.send(&gateway.ready_frame(900_000)).await;
    old.closed().await;
    assert_eq!(id(&new.next().await), sent, "the new gateway owes the ack now");
    new.send(&gateway.message(&send, 1)).await;
    new.send(&gateway.ack(sent, 1)).await;
    let told = wait_for(&mut events, |event| {
        !matches!(event, Event::Connected { .. } | Event::Update(Update::Heard { .. }))
    })
    .await;
    assert!(matches!(told, Event::Update(Update::Stored { .. })), "nothing else shows: {told:?}");
}

#[tokio::test]
async fn a_code_that_forbids_coming_back_ends_the_client() {
    let mut gateway = Gateway::start().await;
    let (client, mut events) = Client::start(gateway.log_in().await, Options::default());
    gateway.ready().await.close(CloseCode::SessionEnded).await;
    let end = wait_for(&mut events, |event| matches!(event, Event::Ended { .. })).await;
    assert!(matches!(end, Event::Ended { cause } if cause.contains("session_ended")));
    assert_eq!(events.recv().await, None);
    assert!(client.send(gateway.room, "hello").await.is_err());
}

#[tokio::test]
async fn a_code_that_allows_it_brings_the_client_back() {
    let mut gateway = Gateway::start().await;
    let (_client, mut events) = Client::start(gateway.log_in().await, Options::default());
    gateway.ready().await.close(CloseCode::SlowConsumer).await;
    wait_for(&mut events, |event| matches!(event, Event::Disconnected { .. })).await;
    gateway.ready().await;
    wait_for(&mut events, |event| matches!(event, Event::Connected { .. })).await;
    assert_eq!(gateway.rotations.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_expired_token_is_rotated_before_coming_back() {
    let mut gateway = Gateway::start().await;
    let (_client, _events) = Client::start(gateway.log_in().await, Options::default());
    let (socket, hello) = gateway.hello().await;
    assert_eq!(token(&hello), "access-0");
    socket.close(CloseCode::TokenExpired).await;
    let (_, hello) = gateway.hello().await;
    assert_eq!(token(&hello), "access-1");
}

#[tokio::test]
async fn a_connection_that_was_closed_for_its_token_comes_back_with_another() {
    let mut gateway = Gateway::start().await;
    let (_client, _events) = Client::start(gateway.log_in().await, Options::default());
    gateway.ready().await.close(CloseCode::TokenExpired).await;
    let (_, hello) = gateway.hello().await;
    assert_eq!(token(&hello), "access-1");
}

#[tokio::test]
async fn the_token_is_replaced_in_band_before_it_expires() {
    let mut gateway = Gateway::start().await;
    let (_client, mut events) = Client::start(gateway.log_in().await, Options::default());
    let (mut socket, _) = gateway.hello().await;
    socket.send(&gateway.ready_frame(200)).await;
    let refresh = socket.next().await;
    assert_eq!(token(&refresh), "access-1");
    socket.send(&ServerFrame::Refreshed { token_expires_in_ms: 200 }).await;
    assert_eq!(token(&socket.next().await), "access-2");
    wait_for(&mut events, |event| matches!(event, Event::Connected { .. })).await;
    assert!(events.try_recv().is_ok_and(|event| matches!(event, Event::Update(_))));
    assert!(events.try_recv().is_err(), "the connection stayed");
}

#[tokio::test]
async fn a_gateway_that_falls_silent_is_left() {
    let mut gateway = Gateway::start().await;
    let (_client, mut events) = Client::start(gateway.log_in().await, Options::default());
    let _silent = gateway.ready().await;
    wait_for(&mut events, |event| matches!(event, Event::Disconnected { .. })).await;
    gateway.ready().await;
    wait_for(&mut events, |event| matches!(event, Event::Connected { .. })).await;
}

#[tokio::test]
async fn who_does_not_read_events_can_still_send() {
    let mut gateway = Gateway::start().await;
    let options = Options { events: 1, ..Options::default() };
    let (client, _unread) = Client::start(gateway.log_in().await, options);
    let mut socket = gateway.ready().await;
    for seq in 1..=5 {
        client.send(gateway.room, "hello").await.unwrap();
        let send = socket.next().await;
        socket.send(&gateway.message(&send, seq)).await;
        socket.send(&gateway.ack(id(&send), seq)).await;
    }
    while !client.unsent().await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.messages(gateway.room).await.len(), 5);
}

#[tokio::test]
async fn who_does_not_read_events_is_not_taken_for_a_silent_gateway() {
    let mut gateway = Gateway::start().await;
    let options = Options { events: 1, ..Options::default() };
    let (client, mut events) = Client::start(gateway.log_in().await, options);
    let mut socket = gateway.ready().await;
    for _ in 0..400 {
        socket
            .send(&ServerFrame::Typing { room: gateway.room, user: gateway.user, on: true })
            .await;
    }
    let reconnected = timeout(Duration::from_secs(4), gateway.sockets.recv()).await;
    assert!(reconnected.is_err(), "four heartbeats long nothing was read, and nobody left");
    for _ in 0..400 {
        wait_for(&mut events, |event| matches!(event, Event::Update(Update::Typing { .. }))).await;
    }
    client.send(gateway.room, "still here").await.unwrap();
    assert!(matches!(socket.next().await, ClientFrame::Send { .. }));
}
