//! The socket of a test client, and what takes in its frames.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use hubbub_protocol::{SUBPROTOCOL, ServerFrame};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::ledger::Ledger;
use super::view::{Ended, View};

pub(super) type Socket = WebSocketStream<TcpStream>;

/// Bytes a client asks for at once. Small, so that one that stops reading holds little.
const READ_BUFFER: usize = 4 * 1024;

/// Connects and upgrades.
pub(super) async fn open(gateway: SocketAddr, receive_buffer: Option<u32>) -> Socket {
    let tcp = TcpSocket::new_v4().expect("a socket");
    if let Some(bytes) = receive_buffer {
        tcp.set_recv_buffer_size(bytes).expect("a receive buffer");
    }
    let stream = tcp.connect(gateway).await.expect("a gateway at its address");
    stream.set_nodelay(true).expect("a fresh socket");
    let mut request = format!("ws://{gateway}/ws").into_client_request().expect("an address");
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
    let opened = client_async_with_config(request, stream, Some(config)).await;
    opened.expect("an upgrade").0
}

/// What takes in the frames of one connection.
pub(super) struct Reader {
    pub(super) connection: u64,
    pub(super) view: Arc<watch::Sender<View>>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) reads: watch::Receiver<bool>,
}

impl Reader {
    /// Reads until the connection is over, however it ends.
    pub(super) async fn read(mut self, mut socket: SplitStream<Socket>) {
        let mut code = None;
        let reason = loop {
            // The client outlives its reader.
            let _ = self.reads.wait_for(|reads| *reads).await;
            let text = match socket.next().await {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(frame))) => {
                    code = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                    continue;
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => break error.to_string(),
                None => break "closed".to_owned(),
            };
            self.take(&text);
        };
        let (code, reason) = code.map_or((None, reason), |(code, reason)| (Some(code), reason));
        self.view.send_if_modified(|view| {
            let present = view.connection == self.connection;
            if present {
                view.ended = Some(Ended { code, reason });
            }
            present
        });
    }

    fn take(&self, text: &str) {
        let frame = serde_json::from_str::<ServerFrame>(text);
        self.view.send_if_modified(|view| {
            if view.connection != self.connection {
                return false;
            }
            let judged = match frame {
                Ok(frame) => view.receive(frame, &self.ledger),
                Err(error) => Err(format!("a frame that is none: {error}")),
            };
            if let Err(violation) = judged {
                self.ledger.accuse(violation.clone());
                view.violation.get_or_insert(violation);
            }
            true
        });
    }
}
