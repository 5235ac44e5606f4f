//! From the first byte to `ready`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use hubbub_protocol::client::ResumePoint;
use hubbub_protocol::server::{ErrorFrame, ReadyRoom};
use hubbub_protocol::{
    ClientFrame, CloseCode, ErrorCode, Position, RoomId, ServerFrame, Timestamp,
};
use hubbub_store::StoreError;
use rand::Rng;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

use super::Sockets;
use super::session::Session;
use crate::auth::token::Access;
use crate::committer::CommitFailure;
use crate::hub::connection::Connection;
use crate::metric::Resume;
use crate::reading::{Reading, readings, waiting};

/// Malformed frames that are answered before the first good one; then the connection is closed.
const PATIENCE: u32 = 8;

/// Why a connection gets no `ready`.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Tell it, and close.
    Tell(ErrorFrame, CloseCode),
    /// It broke the protocol, or went away.
    Broken(Option<tungstenite::Error>),
}

impl Refusal {
    fn new(code: ErrorCode, close: CloseCode) -> Self {
        Self::Tell(ErrorFrame::new(code), close)
    }

    /// So many came at once that this one has waited for its turn for as long as it may.
    fn crowded() -> Self {
        let mut frame = ErrorFrame::new(ErrorCode::Overloaded);
        frame.retry_after_ms = Some(rand::rng().random_range(1_000..5_000));
        Self::Tell(frame, CloseCode::Unavailable)
    }

    fn unavailable(cause: &dyn std::error::Error) -> Self {
        tracing::warn!(%cause, "can't greet a connection");
        let mut frame = ErrorFrame::new(ErrorCode::Unavailable);
        frame.retry_after_ms = Some(1_000);
        Self::Tell(frame, CloseCode::Unavailable)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<CommitFailure> for Refusal {
    fn from(error: CommitFailure) -> Self {
        Self::unavailable(&error)
    }
}

/// What a client says first.
struct Hello {
    token: Option<String>,
    resume: Vec<ResumePoint>,
    only: Option<Vec<RoomId>>,
}

/// Waits for `hello` and answers with `ready`. The session hears its rooms from then on.
pub(super) async fn greet<T>(
    socket: &mut WebSocketStream<T>,
    sockets: &Arc<Sockets>,
    cookie: Option<String>,
) -> Result<Session, Refusal>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let limit = Duration::from_millis(u64::from(sockets.app.limits.hello_ms));
    let hello = timeout(limit, wait_for_hello(socket, sockets))
        .await
        .map_err(|_| Refusal::new(ErrorCode::HelloTimeout, CloseCode::HelloTimeout))??;
    let access = authenticate(sockets, hello.token.as_deref().or(cookie.as_deref()))?;
    let turn = timeout(limit, sockets.greetings.acquire()).await;
    let Ok(Ok(_turn)) = turn else { return Err(Refusal::crowded()) };
    welcome(sockets, access, hello).await
}

async fn wait_for_hello<T>(
    socket: &mut WebSocketStream<T>,
    sockets: &Sockets,
) -> Result<Hello, Refusal>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut malformed = 0;
    loop {
        let text = match socket.next().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                malformed += 1;
                if malformed > PATIENCE {
                    return Err(Refusal::new(ErrorCode::HelloRequired, CloseCode::TooManyErrors));
                }
                continue;
            }
            Some(Ok(Message::Binary(_))) => {
                return Err(Refusal::new(ErrorCode::BinaryFrame, CloseCode::HelloRequired));
            }
            Some(Ok(Message::Close(_))) | None => return Err(Refusal::Broken(None)),
            Some(Err(error)) => return Err(Refusal::Broken(Some(error))),
        };
        let parsed = if text.len() > sockets.app.limits.frame_bytes as usize {
            Err(ErrorFrame::new(ErrorCode::FrameTooLarge))
        } else {
            ClientFrame::parse(&text).map_err(ErrorFrame::from)
        };
        drop(text);
        match parsed {
            Ok(ClientFrame::Hello { token, resume, only }) => {
                return Ok(Hello { token, resume, only });
            }
            Ok(_) => return Err(Refusal::new(ErrorCode::HelloRequired, CloseCode::HelloRequired)),
            Err(error) => {
                malformed += 1;
                if malformed > PATIENCE {
                    return Err(Refusal::Tell(error, CloseCode::TooManyErrors));
                }
                let answer = Message::text(ServerFrame::Error(error).encode());
                futures_util::SinkExt::send(socket, answer)
                    .await
                    .map_err(|error| Refusal::Broken(Some(error)))?;
            }
        }
    }
}

/// Whom a token lets in, if its session has not ended.
fn authenticate(sockets: &Sockets, token: Option<&str>) -> Result<Access, Refusal> {
    let close = |code: ErrorCode| match code {
        ErrorCode::TokenExpired => CloseCode::TokenExpired,
        _ => CloseCode::TokenInvalid,
    };
    let refuse = |code: ErrorCode| Refusal::new(code, close(code));
    let token = token.ok_or_else(|| refuse(ErrorCode::TokenRequired))?;
    sockets.app.auth.verify_access(token).map_err(refuse)
}

/// Whether the session is live. Of the store, so that a login that has ended stays ended even if
/// the bus has forgotten that it did.
async fn require_session(sockets: &Sockets, access: &Access) -> Result<(), Refusal> {
    let session = sockets.app.store.session(access.session, Timestamp::now()).await?;
    if session.is_none_or(|session| session.user != access.user) {
        return Err(Refusal::new(ErrorCode::SessionEnded, CloseCode::SessionEnded));
    }
    Ok(())
}

async fn welcome(sockets: &Arc<Sockets>, access: Access, hello: Hello) -> Result<Session, Refusal> {
    let hub = &sockets.hub;
    let options = &sockets.options;
    if hub.connections_of(access.user).len() >= options.max_connections_per_user {
        return Err(Refusal::new(ErrorCode::Overloaded, CloseCode::TooManyConnections));
    }
    let connection = Arc::new(Connection::new(
        access.user,
        access.session,
        hello.only.is_none(),
        access.expires_at,
        options.outbound_bytes,
    ));
    // Known to the hub before anything is asked about it, so that a drain, the session's end or a
    // change of membership from here on finds it; what came before is seen now.
    hub.register(&connection);
    let session = Session::new(Arc::clone(sockets), Arc::clone(&connection));
    if sockets.draining.is_cancelled() {
        return Err(Refusal::new(ErrorCode::Draining, CloseCode::GoAway));
    }
    require_session(sockets, &access).await?;

    let rooms = choose_rooms(sockets, &connection, hello.only).await?;
    let heads = hub.heads(&rooms).await?;
    let ready = ready_rooms(sockets, access, &rooms, &heads).await?;
    let inbox = waiting(&sockets.app, access.user).await?;
    connection.tell(&ServerFrame::Ready {
        user: access.user,
        connection: connection.id,
        node: options.node.clone(),
        heartbeat_ms: u64::try_from(options.heartbeat.as_millis()).unwrap_or(u64::MAX),
        token_expires_in_ms: session.token_expires_in_ms(),
        limits: sockets.app.limits,
        rooms: ready,
        inbox,
    });
    let resume: HashMap<RoomId, Position> =
        hello.resume.iter().map(|point| (point.room, point.position())).collect();
    for (room, head) in rooms.into_iter().zip(heads) {
        let from = resume.get(&room).copied();
        if from == Some(head) {
            Resume::Current.count();
        }
        hub.attach(&connection, room, from.unwrap_or(head));
    }
    if connection.finish_greeting() {
        hub.recheck_user(access.user);
    }
    sockets.roster.put(&connection);
    Ok(session)
}

/// The rooms to hear: all of the user's, or those asked for that are among them; if they are more than
/// a connection may hear, the most active ones. What was asked for and is not among them is answered
/// like a room that does not exist.
async fn choose_rooms(
    sockets: &Sockets,
    connection: &Connection,
    only: Option<Vec<RoomId>>,
) -> Result<Vec<RoomId>, Refusal> {
    let most = sockets.app.limits.rooms as usize;
    let mut rooms = sockets.app.store.room_ids_of(connection.user).await?;
    if let Some(mut only) = only {
        only.sort_unstable();
        only.dedup();
        for room in only.iter().filter(|room| !rooms.contains(room)) {
            let mut error = ErrorFrame::new(ErrorCode::RoomNotFound);
            error.room = Some(*room);
            connection.tell(&ServerFrame::Error(error));
        }
        rooms.retain(|room| only.binary_search(room).is_ok());
    }
    if rooms.len() > most {
        connection.tell(&ServerFrame::Error(ErrorFrame::new(ErrorCode::TooManySubscriptions)));
        // Whoever fills somebody's list with rooms does not silence where they talk.
        rooms = sockets.app.store.most_active(&rooms, most).await?;
        rooms.sort_unstable();
    }
    Ok(rooms)
}

async fn ready_rooms(
    sockets: &Sockets,
    access: Access,
    rooms: &[RoomId],
    heads: &[Position],
) -> Result<Vec<ReadyRoom>, Refusal> {
    let places: Vec<_> = rooms.iter().zip(heads).map(|(room, head)| (*room, head.seq)).collect();
    let readings = readings(&sockets.app, access.user, &places).await?;
    Ok(readings
        .into_iter()
        .zip(heads)
        .map(|(Reading { row, unread }, head)| ReadyRoom {
            room: row.room,
            epoch: head.epoch,
            seq: head.seq,
            read: row.read,
            delivered: row.delivered,
            unread: unread.messages,
            mentions: unread.mentions,
            unread_from: row.unread_from,
            notify: row.notify,
            version: row.version,
        })
        .collect())
}
