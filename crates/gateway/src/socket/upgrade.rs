//! The HTTP request that becomes a socket.
//!
//! The handshake is ours: it leaves the bare TCP stream in our hands, which the writer needs
//! (see `pump`), and refuses what it should with problem documents.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use hubbub_protocol::{ErrorCode, SUBPROTOCOL};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Sockets, pump};
use crate::http::layers::RequestId;
use crate::http::problem::ApiError;

/// `GET /ws`.
///
/// # Errors
/// A problem document: not an upgrade, a refused origin, a node that is leaving or full.
pub async fn upgrade(
    State(sockets): State<Arc<Sockets>>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let accept = check_handshake(&request)?;
    let headers = request.headers();
    let cookie = sockets.app.auth.cookies().access_token(headers);
    sockets.origins.check(headers, cookie.is_some()).map_err(ApiError::from)?;
    if sockets.draining.is_cancelled() {
        return Err(ErrorCode::Draining.into());
    }
    let place = Arc::clone(&sockets.places)
        .try_acquire_owned()
        .map_err(|_| ApiError::from(ErrorCode::Overloaded))?;
    let subprotocol = offered(headers, SUBPROTOCOL);
    let called = request.extensions().get::<RequestId>().cloned();

    let upgrading = hyper::upgrade::on(&mut request);
    let tasks = sockets.tasks.clone();
    tasks.spawn(async move {
        let Ok(upgraded) = upgrading.await else { return };
        // Fails only behind something that is not our accept loop.
        let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else { return };
        // Frames that came with the handshake; copied, so that hyper's buffer is freed.
        let read_ahead = parts.read_buf.to_vec();
        let stream = parts.io.into_inner();
        drop(parts.read_buf);
        pump::run(stream, read_ahead, sockets, cookie, called).await;
        drop(place);
    });

    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if subprotocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    Ok(response)
}

/// Checks what RFC 6455, section 4.2.1, asks of a client, and returns the key's answer.
fn check_handshake(request: &Request) -> Result<HeaderValue, ApiError> {
    let headers = request.headers();
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| {
        base64::engine::general_purpose::STANDARD
            .decode(key.as_bytes())
            .is_ok_and(|nonce| nonce.len() == 16)
    });
    let version = headers.get(header::SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes);
    let valid = request.method() == Method::GET
        && has_token(headers, &header::CONNECTION, "upgrade")
        && has_token(headers, &header::UPGRADE, "websocket")
        && version == Some(b"13");
    key.filter(|_| valid)
        .and_then(|key| HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok())
        .ok_or_else(|| ErrorCode::UpgradeRequired.into())
}

fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|held| held.trim().eq_ignore_ascii_case(token))
}

/// Whether the client offers our subprotocol. One that offers none is served as well.
fn offered(headers: &HeaderMap, subprotocol: &str) -> bool {
    has_token(headers, &header::SEC_WEBSOCKET_PROTOCOL, subprotocol)
}
