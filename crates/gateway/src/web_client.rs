//! Serving the web client: its page, and the files the page is made of.
//!
//! - [`Assets`]: the files, plain and compressed
//! - `encoding`: which of the two a browser takes
//! - `policy`: what a browser is told to refuse
//!
//! Files whose name has a digest of their content in it are kept for good; everything else is asked
//! about every time, by its entity tag. The page is also what the client's own addresses answer, such
//! as a room's or an invite link's: the client works out what to show.

mod assets;
mod encoding;
mod policy;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use hubbub_protocol::ErrorCode;

use crate::http::entity_tag;
use crate::http::problem::ApiError;
pub use assets::Assets;
use assets::{Asset, Representation};
use encoding::Encoding;

/// The page.
const PAGE: &str = "index.html";
const NOT_BUILT: &str = include_str!("web_client/not_built.html");

/// Where files are whose names have a digest of their content in them.
const HASHED: &str = "assets/";

/// What the server answers itself, whether or not there is something at the path.
const RESERVED: [&str; 5] = ["api", "ws", "healthz", "readyz", "metrics"];

/// How the client's own addresses begin: those of `web/src/app/router.ts`, and older ones.
const ROUTES: [&str; 6] = ["rooms", "directory", "inbox", "admin", "invite", "join"];

const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK: HeaderValue = HeaderValue::from_static("no-cache");

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Answers whatever no endpoint does.
pub async fn serve(State(assets): State<Arc<Assets>>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let (asset, status) = match find(&assets, path, request.headers()) {
        Found::File(asset) => return read_only(&request, || file(path, asset, &request)),
        Found::Page(status) => (assets.get(PAGE), status),
        Found::Nothing => return ApiError::from(ErrorCode::NotFound).into_response(),
    };
    read_only(&request, || {
        let Some(page) = asset else { return not_built() };
        let mut response = file(PAGE, page, &request);
        if response.status() == StatusCode::OK {
            *response.status_mut() = status;
        }
        response
    })
}

enum Found<'a> {
    File(&'a Asset),
    Page(StatusCode),
    Nothing,
}

fn find<'a>(assets: &'a Assets, path: &str, headers: &HeaderMap) -> Found<'a> {
    let first = path.split('/').next().unwrap_or_default();
    if path.is_empty() || path == PAGE {
        Found::Page(StatusCode::OK)
    } else if RESERVED.contains(&first) {
        Found::Nothing
    } else if let Some(asset) = assets.get(path) {
        Found::File(asset)
    } else if path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
        Found::Nothing
    } else if ROUTES.contains(&first) {
        Found::Page(StatusCode::OK)
    } else if wants_a_page(headers) {
        // Somebody who mistyped an address gets to where they can go on.
        Found::Page(StatusCode::NOT_FOUND)
    } else {
        Found::Nothing
    }
}

/// Whether a person is to see the answer. Tools and scripts do not ask for HTML by name.
fn wants_a_page(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("text/html"))
}

fn read_only(request: &Request, answer: impl FnOnce() -> Response) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return answer();
    }
    let mut refused = ApiError::from(ErrorCode::MethodNotAllowed).into_response();
    refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    refused
}

fn file(path: &str, asset: &Asset, request: &Request) -> Response {
    let (encoding, chosen) = asset.choose(|encoding| encoding.is_accepted(request.headers()));
    let mut response = if entity_tag::is_known(request.headers(), &chosen.tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        content(asset, encoding, chosen, request.method())
    };
    let headers = response.headers_mut();
    if asset.varies() {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    if let Ok(tag) = HeaderValue::try_from(&chosen.tag) {
        headers.insert(ETAG, tag);
    }
    headers.insert(CACHE_CONTROL, if path.starts_with(HASHED) { KEEP } else { ASK });
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    // A worker obeys the policy that came with its own script.
    if path == PAGE || path.ends_with(".js") {
        headers.insert(CONTENT_SECURITY_POLICY, policy::CONTENT.clone());
    }
    if path == PAGE {
        harden(headers);
    }
    response
}

fn content(
    asset: &Asset,
    encoding: Option<Encoding>,
    chosen: &Representation,
    method: &Method,
) -> Response {
    let is_head = method == Method::HEAD;
    let mut response =
        if is_head { ().into_response() } else { chosen.bytes.clone().into_response() };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, asset.content_type.clone());
    headers.insert(CONTENT_LENGTH, chosen.bytes.len().into());
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.token()));
    }
    response
}

/// What only a page needs.
fn harden(headers: &mut HeaderMap) {
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(PERMISSIONS_POLICY, policy::PERMISSIONS);
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
}

fn not_built() -> Response {
    let mut response = (StatusCode::NOT_FOUND, Html(NOT_BUILT)).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, ASK);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, policy::BARE);
    harden(headers);
    response
}
