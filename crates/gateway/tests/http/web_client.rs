//! The web client as browsers get it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use hubbub_gateway::web_client::{Assets, serve};
use tempfile::TempDir;
use tower::ServiceExt;

/// What a build leaves, in small.
const FILES: [(&str, &str); 12] = [
    ("index.html", "<!doctype html>"),
    ("index.html.br", "page in brotli"),
    ("index.html.gz", "page in gzip"),
    ("assets/index-Bq3.js", "script"),
    ("assets/index-Bq3.js.br", "script in brotli"),
    ("assets/index-Bq3.js.gz", "script in gzip"),
    ("assets/index-Zz9.css", "style"),
    ("assets/sans-A1.woff2", "font"),
    ("favicon.svg", "<svg/>"),
    ("manifest.webmanifest", "{}"),
    ("sw.js", "worker"),
    ("icons/192.png", "picture"),
];

struct Client {
    router: Router,
    _dir: TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Client {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (path, content) in FILES {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let assets = Assets::of_directory(dir.path()).unwrap();
        Self { router: router(assets), _dir: dir }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        ask(&self.router, method, path, headers).await
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, headers).await
    }
}

fn router(assets: Assets) -> Router {
    Router::new().fallback(serve).with_state(Arc::new(assets))
}

async fn ask(router: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// What browsers send when somebody opens an address.
const NAVIGATION: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

#[tokio::test]
async fn the_page_is_asked_about_every_time() {
    let client = Client::start();
    let page = client.get("/", &[]).await;
    assert_eq!((page.status, &*page.body), (StatusCode::OK, &b"<!doctype html>"[..]));
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-cache");

    let again = client.get("/", &[("if-none-match", page.header("etag"))]).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(again.header("etag"), page.header("etag"));
    assert_eq!(again.header("content-security-policy"), page.header("content-security-policy"));
    assert_eq!(client.get("/", &[("if-none-match", "\"other\"")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn files_named_by_their_content_are_kept_for_good() {
    let client = Client::start();
    for (path, content_type) in [
        ("/assets/index-Bq3.js", "text/javascript; charset=utf-8"),
        ("/assets/index-Zz9.css", "text/css; charset=utf-8"),
        ("/assets/sans-A1.woff2", "font/woff2"),
    ] {
        let file = client.get(path, &[]).await;
        assert_eq!(file.status, StatusCode::OK, "{path}");
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(file.header("content-type"), content_type);
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        assert_eq!(file.header("cross-origin-resource-policy"), "same-origin");
    }
    for (path, content_type) in [
        ("/favicon.svg", "image/svg+xml"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/icons/192.png", "image/png"),
    ] {
        let file = client.get(path, &[]).await;
        assert_eq!((file.status, file.header("cache-control")), (StatusCode::OK, "no-cache"));
        assert_eq!(file.header("content-type"), content_type);
    }
}

#[tokio::test]
async fn a_file_is_sent_compressed_to_those_who_take_it() {
    let client = Client::start();
    let script = "/assets/index-Bq3.js";
    for (accepted, encoding, body) in [
        ("gzip, deflate, br, zstd", "br", "script in brotli"),
        ("gzip, deflate", "gzip", "script in gzip"),
        ("br;q=0, gzip;q=0.5", "gzip", "script in gzip"),
        ("identity", "", "script"),
    ] {
        let file = client.get(script, &[("accept-encoding", accepted)]).await;
        assert_eq!((file.header("content-encoding"), &*file.body), (encoding, body.as_bytes()));
        assert_eq!(file.header("vary"), "accept-encoding");
        assert_eq!(file.header("content-type"), "text/javascript; charset=utf-8");
    }
    // A tag names what was sent: a compressed file is not the plain one.
    let plain = client.get(script, &[]).await;
    let held = [("accept-encoding", "br"), ("if-none-match", plain.header("etag"))];
    assert_eq!(client.get(script, &held).await.status, StatusCode::OK);
    let icon = client.get("/icons/192.png", &[("accept-encoding", "br, gzip")]).await;
    assert_eq!((icon.header("content-encoding"), icon.header("vary")), ("", ""));
    // What the build compressed is no file of its own.
    assert_eq!(client.get("/assets/index-Bq3.js.br", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_clients_own_addresses_answer_the_page() {
    let client = Client::start();
    for path in [
        "/rooms/0190b7a0-0000-7000-8000-000000000000",
        "/rooms/0190b7a0-0000-7000-8000-000000000000/42?panel=people",
        "/directory",
        "/inbox",
        "/invite/5f0e",
        "/join/5f0e",
    ] {
        let page = client.get(path, &[]).await;
        assert_eq!((page.status, &*page.body), (StatusCode::OK, &b"<!doctype html>"[..]), "{path}");
        assert_eq!(page.header("cache-control"), "no-cache");
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    }
}

#[tokio::test]
async fn every_route_of_the_clients_router_is_known() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/src/app/router.ts");
    let source = fs::read_to_string(source).unwrap();
    let routes: Vec<&str> =
        source.split("first === \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(routes.contains(&"rooms"), "{routes:?}");
    let client = Client::start();
    for route in routes {
        let page = client.get(&format!("/{route}/x"), &[]).await;
        assert_eq!(page.status, StatusCode::OK, "add /{route} to the routes of web_client.rs");
    }
}

#[tokio::test]
async fn nothing_else_is_made_a_page_of() {
    let client = Client::start();
    for path in [
        "/api/v1/nothing",
        "/api",
        "/ws/x",
        "/healthz/x",
        "/metrics",
        "/assets/index-Old.js",
        "/rooms/favicon.ico",
        "/.env",
        "/../Cargo.toml",
        "/assets/../index.html",
        "/%2e%2e/Cargo.toml",
    ] {
        let answer = client.get(path, &[NAVIGATION]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        assert!(!answer.header("cache-control").contains("immutable"));
    }
    assert_eq!(
        client.get("/nowhere", &[]).await.header("content-type"),
        "application/problem+json"
    );
    // A person who mistyped sees the client, a program the status.
    let mistyped = client.get("/nowhere", &[NAVIGATION]).await;
    assert_eq!(
        (mistyped.status, &*mistyped.body),
        (StatusCode::NOT_FOUND, &b"<!doctype html>"[..])
    );
}

#[tokio::test]
async fn a_page_may_do_only_what_the_client_needs() {
    let client = Client::start();
    let page = client.get("/", &[]).await;
    let policy = page.header("content-security-policy");
    let directives: Vec<&str> = policy.split("; ").collect();
    for needed in [
        "default-src 'none'",
        "script-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(directives.contains(&needed), "{needed} is not in {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    assert!(page.header("permissions-policy").contains("geolocation=()"));
    // A worker obeys the policy that its own script came with.
    assert_eq!(client.get("/sw.js", &[]).await.header("content-security-policy"), policy);
}

#[tokio::test]
async fn files_are_only_read() {
    let client = Client::start();
    let head = client.ask("HEAD", "/assets/index-Bq3.js", &[]).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(head.header("content-length"), "6");
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let refused = client.ask(method, "/", &[]).await;
        assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(refused.header("allow"), "GET, HEAD");
    }
    assert_eq!(client.ask("POST", "/nothing", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_a_client_the_page_says_how_to_build_it() {
    let router = router(Assets::default());
    for path in ["/", "/rooms/x"] {
        let page = ask(&router, "GET", path, &[NAVIGATION]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let text = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(text.contains("make web-client"), "{text}");
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    }
}

#[test]
fn a_directory_without_a_page_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = Assets::of_directory(dir.path()).unwrap_err();
    assert!(error.to_string().contains("index.html"), "{error}");
    assert!(Assets::of_directory(&dir.path().join("missing")).is_err());
}
