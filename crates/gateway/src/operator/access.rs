//! Who may order a node about over HTTP: without a token whoever is on its own machine, else whoever
//! shows the token.

use std::fmt;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hubbub_runtime::admin::Peer;
use sha2::{Digest, Sha256};

/// Fewest characters of a token.
pub const TOKEN_MIN: usize = 16;
/// Most characters of a token.
pub const TOKEN_MAX: usize = 512;

/// What operators show. Kept as its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct OperatorToken([u8; 32]);

impl OperatorToken {
    /// Takes a token of [`TOKEN_MIN`] to [`TOKEN_MAX`] printable characters of ASCII without spaces.
    ///
    /// # Errors
    /// What a token must be. It does not show the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let sane = (TOKEN_MIN..=TOKEN_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if sane {
            Ok(Self::hash(text))
        } else {
            Err(format!(
                "{TOKEN_MIN} to {TOKEN_MAX} printable characters without spaces are needed"
            ))
        }
    }

    fn hash(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Whether this is the token. That hashes are compared tells nobody by its time how near they are.
    fn is(&self, presented: &str) -> bool {
        *self == Self::hash(presented)
    }
}

impl fmt::Debug for OperatorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorToken(…)")
    }
}

/// Lets requests through that come from somebody who may make them.
pub(super) async fn require(
    State(token): State<Option<OperatorToken>>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    match token {
        Some(token) if bearer(request.headers()).is_some_and(|shown| token.is(shown)) => {}
        Some(_) => {
            let told = "Authorization: Bearer, with the token of HUBBUB_ADMIN_TOKEN, is needed\n";
            return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], told)
                .into_response();
        }
        None if peer.ip().to_canonical().is_loopback() => {}
        None => {
            let told = "only from this machine, as long as HUBBUB_ADMIN_TOKEN is not set\n";
            return (StatusCode::FORBIDDEN, told).into_response();
        }
    }
    next.run(request).await
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::post;
    use tower::ServiceExt;

    use super::*;

    const TOKEN: &str = "a-token-of-operators";

    async fn answer(token: Option<&str>, peer: &str, shown: Option<&str>) -> u16 {
        let token = token.map(|text| OperatorToken::parse(text).unwrap());
        let router = Router::new()
            .route("/drain", post(|| async {}))
            .route_layer(from_fn_with_state(token, require));
        let peer = SocketAddr::new(peer.parse().unwrap(), 4000);
        let mut request = Request::post("/drain").extension(ConnectInfo(Peer(peer)));
        if let Some(shown) = shown {
            request = request.header(AUTHORIZATION, shown);
        }
        let request = request.body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn without_a_token_only_the_node_s_own_machine_may_order_it_about() {
        for near in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(answer(None, near, None).await, 200, "{near}");
        }
        for far in ["10.1.2.3", "192.168.0.1", "fd00::1", "::ffff:10.1.2.3", "0.0.0.0"] {
            assert_eq!(answer(None, far, None).await, 403, "{far}");
            assert_eq!(answer(None, far, Some(&format!("Bearer {TOKEN}"))).await, 403, "{far}");
        }
    }

    #[tokio::test]
    async fn with_a_token_whoever_shows_it_may_and_nobody_else() {
        for peer in ["127.0.0.1", "10.1.2.3"] {
            for right in [format!("Bearer {TOKEN}"), format!("bearer  {TOKEN}")] {
                assert_eq!(answer(Some(TOKEN), peer, Some(&right)).await, 200, "{right}");
            }
            assert_eq!(answer(Some(TOKEN), peer, None).await, 401);
            for wrong in ["Bearer", "Bearer ", TOKEN, "Basic YTpi", "Bearer a-token-of-operator"] {
                assert_eq!(answer(Some(TOKEN), peer, Some(wrong)).await, 401, "{wrong}");
            }
        }
    }

    #[test]
    fn a_token_that_can_be_guessed_or_sent_by_no_header_is_refused_and_none_is_shown() {
        for wrong in ["", "short", "sixteen letters and spaces", &"x".repeat(TOKEN_MAX + 1)] {
            let told = OperatorToken::parse(wrong).unwrap_err();
            assert!(wrong.is_empty() || !told.contains(wrong), "{told}");
        }
        assert!(!format!("{:?}", OperatorToken::parse(TOKEN).unwrap()).contains(TOKEN));
    }
}
