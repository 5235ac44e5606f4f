//! One WebSocket, frame by frame.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hubbub_protocol::{ClientFrame, CloseCode, SUBPROTOCOL, ServerFrame};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::{COOKIE, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as SocketError, Utf8Bytes};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use crate::server::ServerAddress;

/// Largest frame a gateway may send: room for a state sync of the longest messages.
const FRAME_MAX: usize = 16 * 1024 * 1024;
/// Bytes read at once. Most frames are far smaller.
const READ_BUFFER: usize = 8 * 1024;
/// How long opening may take, from the name look-up to the upgrade.
const OPEN_WITHIN: Duration = Duration::from_secs(10);
/// How long the kernel may refuse to take a frame before the connection counts as dead.
const SEND_WITHIN: Duration = Duration::from_secs(10);
/// How long to wait for the other side's half of a close.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// The end of a connection, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// The server closed it.
    #[error("closed by the server: {reason} ({code})")]
    ByServer {
        /// The close code.
        code: u16,
        /// The reason, as the server put it.
        reason: String,
    },
    /// The upgrade was answered with something else.
    #[error("the server answered the upgrade with status {0}")]
    Refused(u16),
    /// It broke, or could not be opened.
    #[error("{0}")]
    Broken(String),
    /// Something took too long.
    #[error("no answer")]
    Silent,
}

impl Closed {
    /// Whether to come back.
    #[must_use]
    pub const fn reconnect(&self) -> bool {
        match self {
            Self::ByServer { code, .. } => CloseCode::reconnect(*code),
            Self::Refused(_) | Self::Broken(_) | Self::Silent => true,
        }
    }

    /// Whether it was closed with this code.
    #[must_use]
    pub fn is(&self, expected: CloseCode) -> bool {
        matches!(self, Self::ByServer { code, .. } if *code == expected.code())
    }
}

impl From<SocketError> for Closed {
    fn from(error: SocketError) -> Self {
        match error {
            SocketError::Http(response) => Self::Refused(response.status().as_u16()),
            SocketError::ConnectionClosed
            | SocketError::AlreadyClosed
            | SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Self::Broken("connection closed".into())
            }
            other => Self::Broken(other.to_string()),
        }
    }
}

/// An open WebSocket that speaks `hubbub.v1`. Dropping it breaks it off; see [`Self::close`].
#[derive(Debug)]
pub struct Connection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Why the server said it closes, for the end that follows.
    farewell: Option<Closed>,
}

impl Connection {
    /// Opens a socket. The first frame to send is `hello`. `affinity` is a cookie for load balancers.
    ///
    /// # Errors
    /// [`Closed`] when it can't be opened within ten seconds.
    pub async fn open(
        address: &ServerAddress,
        tls: Arc<ClientConfig>,
        affinity: HeaderValue,
    ) -> Result<Self, Closed> {
        let mut request = address.socket().into_client_request()?;
        request.headers_mut().insert(COOKIE, affinity);
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .max_message_size(Some(FRAME_MAX))
            .max_frame_size(Some(FRAME_MAX));
        let open = async {
            let stream = TcpStream::connect(address.authority())
                .await
                .map_err(|error| Closed::Broken(error.to_string()))?;
            // A frame is a whole thought; it does not wait for more to fill a packet.
            stream.set_nodelay(true).map_err(|error| Closed::Broken(error.to_string()))?;
            let connector =
                if address.is_tls() { Connector::Rustls(tls) } else { Connector::Plain };
            let opened =
                client_async_tls_with_config(request, stream, Some(config), Some(connector)).await;
            Ok::<_, Closed>(opened?.0)
        };
        let socket = timeout(OPEN_WITHIN, open).await.map_err(|_| Closed::Silent)??;
        Ok(Self { socket, farewell: None })
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// [`Closed`] when the connection is over.
    pub async fn send(&mut self, frame: &ClientFrame) -> Result<(), Closed> {
        let message = Message::Text(frame.encode().into());
        match timeout(SEND_WITHIN, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.farewell.take().unwrap_or_else(|| error.into())),
            Err(_) => Err(Closed::Silent),
        }
    }

    /// The next frame. Nothing is lost when the future is dropped.
    ///
    /// Frames of a type that this client does not know are passed over: they belong to a newer
    /// server.
    ///
    /// # Errors
    /// [`Closed`] when the connection is over.
    pub async fn next(&mut self) -> Result<ServerFrame, Closed> {
        loop {
            let text = match self.socket.next().await {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(frame))) => {
                    self.farewell = frame.map(|CloseFrame { code, reason }| Closed::ByServer {
                        code: code.into(),
                        reason: reason.as_str().to_owned(),
                    });
                    continue;
                }
                // Control frames are answered by the socket itself; other data is not for us.
                Some(Ok(_)) => continue,
                Some(Err(error)) => {
                    return Err(self.farewell.take().unwrap_or_else(|| error.into()));
                }
                None => {
                    let ended = || Closed::Broken("connection closed".into());
                    return Err(self.farewell.take().unwrap_or_else(ended));
                }
            };
            match serde_json::from_str(text.as_str()) {
                Ok(frame) => return Ok(frame),
                Err(error) => {
                    tracing::debug!(column = error.column(), "passed over an unknown frame");
                }
            }
        }
    }

    /// Closes in good order: says so, and waits a moment for the answer.
    pub async fn close(mut self) {
        let goodbye = CloseFrame { code: 1000.into(), reason: Utf8Bytes::from_static("bye") };
        let farewell = async {
            self.socket.close(Some(goodbye)).await.ok()?;
            while let Some(Ok(_)) = self.socket.next().await {}
            Some(())
        };
        // Whatever happens, the socket is gone afterwards.
        let _ = timeout(CLOSE_WITHIN, farewell).await;
    }
}
