//! Where the documents are served: `/api/openapi.json`, `/api/asyncapi.json`, and `/api/docs`, a
//! page to browse the first, of which nothing comes from elsewhere.
//!
//! The page is Swagger UI (Apache-2.0), kept in `assets/swagger-ui` as browsers get it;
//! `tools/update-swagger-ui` fetches another version.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hubbub_protocol::ErrorCode;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::asyncapi;
use crate::http::problem::ApiError;
use crate::http::{entity_tag, openapi};

/// Swagger UI sets styles on elements and draws with `data:` images; scripts are only ours.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

const PAGE: &str = include_str!("pages/docs.html");
const START: &str = include_str!("pages/start.js");
const BUNDLE: &[u8] = include_bytes!("../../assets/swagger-ui/swagger-ui-bundle.js.gz");
const STYLE: &[u8] = include_bytes!("../../assets/swagger-ui/swagger-ui.css.gz");

/// Something that is the same for everybody until another version is installed.
struct Document {
    content_type: &'static str,
    /// Whether the bytes are compressed already; no browser is without gzip.
    gzip: bool,
    bytes: Bytes,
    tag: String,
}

impl Document {
    fn new(content_type: &'static str, gzip: bool, bytes: Bytes) -> Self {
        let digest = URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..12]);
        Self { content_type, gzip, bytes, tag: format!("\"{digest}\"") }
    }

    fn json(value: &Value) -> Self {
        Self::new("application/json", false, value.to_string().into())
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        const EVERY: [(HeaderName, HeaderValue); 3] = [
            // Kept, but asked about every time: it changes with the server's version.
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        let tag = [(ETAG, self.tag.as_str())];
        if entity_tag::is_known(headers, &self.tag) {
            return (StatusCode::NOT_MODIFIED, EVERY, tag).into_response();
        }
        let content = [
            (CONTENT_TYPE, HeaderValue::from_static(self.content_type)),
            (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        ];
        let mut response = (EVERY, tag, content, self.bytes.clone()).into_response();
        if self.gzip {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

static OPENAPI: LazyLock<Document> = LazyLock::new(|| Document::json(&openapi::document()));
static ASYNCAPI: LazyLock<Document> = LazyLock::new(|| Document::json(&asyncapi::document()));
static HTML: LazyLock<Document> =
    LazyLock::new(|| Document::new("text/html; charset=utf-8", false, PAGE.into()));
static START_SCRIPT: LazyLock<Document> =
    LazyLock::new(|| Document::new("text/javascript; charset=utf-8", false, START.into()));
static BUNDLE_SCRIPT: LazyLock<Document> = LazyLock::new(|| {
    Document::new("text/javascript; charset=utf-8", true, Bytes::from_static(BUNDLE))
});
static STYLE_SHEET: LazyLock<Document> =
    LazyLock::new(|| Document::new("text/css; charset=utf-8", true, Bytes::from_static(STYLE)));

/// The routes, to be nested under `/api`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/openapi.json", get(async |headers: HeaderMap| OPENAPI.answer(&headers)))
        .route("/asyncapi.json", get(async |headers: HeaderMap| ASYNCAPI.answer(&headers)))
        .route("/docs", get(async |headers: HeaderMap| HTML.answer(&headers)))
        .route("/docs/{part}", get(part))
}

/// A part of the page.
async fn part(Path(part): Path<String>, headers: HeaderMap) -> Response {
    let document: &Document = match part.as_str() {
        "start.js" => &START_SCRIPT,
        "swagger-ui-bundle.js" => &BUNDLE_SCRIPT,
        "swagger-ui.css" => &STYLE_SHEET,
        _ => return ApiError::new(ErrorCode::NotFound).into_response(),
    };
    document.answer(&headers)
}
