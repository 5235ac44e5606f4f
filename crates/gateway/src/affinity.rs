//! A cookie by which a load balancer can send a client to the same gateway again.
//!
//! Nothing depends on it: any gateway serves any client. It only saves the next one from reading
//! what this one has in memory. The value is the client's own and random, so that hashing it spreads
//! clients evenly over however many gateways there are.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use uuid::Uuid;

/// The cookie's name. `nginx/hubbub.conf` hashes it.
pub const COOKIE: &str = "hubbub_node";

/// Whether browsers reach the service by https.
#[derive(Debug, Clone, Copy)]
pub struct Secure(
    /// The cookie is then marked `Secure`.
    pub bool,
);

/// Gives the cookie to clients that do not have it, with any answer that shared caches do not keep:
/// from one of those many clients would get the same.
pub async fn mark(State(Secure(secure)): State<Secure>, request: Request, next: Next) -> Response {
    let marked = is_marked(request.headers());
    let mut response = next.run(request).await;
    if !marked && !is_for_all(response.headers()) {
        let secure = if secure { "; Secure" } else { "" };
        let value = Uuid::new_v4().simple();
        let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax{secure}");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

fn is_for_all(headers: &HeaderMap) -> bool {
    let kept = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
    kept.is_some_and(|value| value.starts_with("public"))
}

fn is_marked(headers: &HeaderMap) -> bool {
    CookieJar::from_headers(headers).get(COOKIE).is_some()
}
