//! A gateway's HTTP API in this process, and people who use it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{CONTENT_TYPE, HOST, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use hubbub_bus::local::{LocalBus, LocalOptions};
use hubbub_bus::{Bus, Wal};
use hubbub_gateway::app::App;
use hubbub_gateway::auth::origin::Origins;
use hubbub_gateway::auth::{Auth, AuthOptions, SigningKeys};
use hubbub_gateway::committer::{Committer, Continuity};
use hubbub_gateway::files::FileOptions;
use hubbub_gateway::http::{HttpOptions, router};
use hubbub_gateway::media::Media;
use hubbub_gateway::permissions::Permissions;
use hubbub_gateway::previews::{PreviewOptions, Previews};
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{
    Limits, MessageBody, MessageId, NewEvent, Position, RoomId, Timestamp, UserId,
};
use hubbub_store::{DiskBlobs, SqliteStore};
use hubbub_worker::{Pipeline, PipelineOptions};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const HOST_NAME: &str = "chat.example";
pub(crate) const OWN_ORIGIN: &str = "http://chat.example";

/// The keys of every test gateway, so that a test can sign as one.
pub(crate) const SIGNING_KEYS: &str = "test:dGhlIHNpZ25pbmcga2V5IG9mIHRoZSB0ZXN0cywgMzIg";

/// The API, its bus and its store.
pub(crate) struct Api<B = LocalBus> {
    pub(crate) app: Arc<App>,
    pub(crate) bus: Arc<B>,
    router: Router,
    pipeline: Pipeline,
    dir: tempfile::TempDir,
}

impl Api {
    pub(crate) fn start() -> Self {
        Self::with(|_, _| {})
    }

    pub(crate) fn with(adjust: impl FnOnce(&mut HttpOptions, &mut AuthOptions)) -> Self {
        Self::assemble(Self::bus(), adjust, |_| {})
    }

    pub(crate) fn with_limits(adjust: impl FnOnce(&mut Limits)) -> Self {
        Self::assemble(Self::bus(), |_, _| {}, |app| adjust(&mut app.limits))
    }

    pub(crate) fn with_files(adjust: impl FnOnce(&mut FileOptions)) -> Self {
        Self::assemble(Self::bus(), |_, _| {}, |app| adjust(&mut app.files))
    }

    pub(crate) fn with_previews(
        options: PreviewOptions,
        adjust: impl FnOnce(&mut HttpOptions, &mut AuthOptions),
    ) -> Self {
        Self::assemble(Self::bus(), adjust, |app| {
            app.previews = Some(Previews::new(options, app.media.clone()));
        })
    }

    fn bus() -> Arc<LocalBus> {
        Arc::new(LocalBus::new(LocalOptions {
            offline_grace: Duration::from_millis(300),
            ..LocalOptions::new("test".parse().unwrap())
        }))
    }
}

impl<B: Bus + Wal> Api<B> {
    pub(crate) fn over(bus: Arc<B>) -> Self {
        Self::assemble(bus, |_, _| {}, |_| {})
    }

    fn assemble(
        bus: Arc<B>,
        adjust: impl FnOnce(&mut HttpOptions, &mut AuthOptions),
        adjust_app: impl FnOnce(&mut App),
    ) -> Self {
        crate::logs::install();
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(dir.path()).unwrap());
        let mut http = HttpOptions::new(Origins::new(None, [] as [&str; 0]).unwrap());
        let mut auth = AuthOptions {
            signing_keys: SigningKeys::parse(SIGNING_KEYS).unwrap(),
            access_token_ttl: Duration::from_secs(900),
            refresh_token_ttl: Duration::from_secs(3600),
            hashing_permits: 2,
            secure_cookies: false,
        };
        adjust(&mut http, &mut auth);
        let committer =
            Committer::new(Arc::clone(&bus) as _, Arc::clone(&store) as _, Continuity::Kept);
        let pipeline = Pipeline::new(
            Arc::clone(&bus) as _,
            Arc::clone(&bus) as _,
            Arc::clone(&store) as _,
            PipelineOptions::default(),
        );
        let mut app = App {
            bus: Arc::clone(&bus) as _,
            store: Arc::clone(&store) as _,
            blobs: Arc::new(DiskBlobs::new(dir.path().join("blobs"))),
            files: FileOptions::default(),
            media: Media::default(),
            previews: None,
            auth: Auth::new(auth),
            permissions: Arc::new(Permissions::new(
                Arc::clone(&store) as _,
                Arc::clone(&bus) as _,
                &[],
            )),
            committer: Arc::new(committer),
            limits: Limits::default(),
            http,
        };
        adjust_app(&mut app);
        let app = Arc::new(app);
        let router = Router::new().nest("/api/v1", router(Arc::clone(&app)));
        Self { app, bus, router, pipeline, dir }
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = format!("/api/v1{path}").parse().unwrap();
        request.headers_mut().insert(HOST, HOST_NAME.parse().unwrap());
        Call { router: self.router.clone(), request }.from("127.0.0.1")
    }

    /// Registers somebody and logs them in.
    pub(crate) async fn person(&self, username: &str) -> Person {
        let registration = json!({ "username": username, "password": PASSWORD });
        let answer = self.post("/register").json(&registration).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        Person::of(&answer.body)
    }

    /// Makes a room and returns it.
    pub(crate) async fn room(&self, owner: &Person, name: &str, kind: &str) -> Value {
        let request = json!({ "name": name, "kind": kind });
        self.post("/rooms").by(owner).json(&request).await.ok(StatusCode::CREATED)
    }

    /// Commits a message without waiting for it to be stored.
    pub(crate) async fn say(&self, room: &str, who: &Person, text: &str) -> Position {
        let event = NewEvent {
            room: room.parse().unwrap(),
            id: MessageId::new(),
            sender: who.id,
            at: Timestamp::now(),
            kind: NewEventKind::Message { body: MessageBody::text(text) },
        };
        self.app.committer.commit(&event).await.unwrap().position
    }

    /// Commits a message that calls everybody.
    pub(crate) async fn call_everybody(&self, room: &str, who: &Person, text: &str) {
        let mut body = MessageBody::text(text);
        body.mentions.all = true;
        let event = NewEvent {
            room: room.parse().unwrap(),
            id: MessageId::new(),
            sender: who.id,
            at: Timestamp::now(),
            kind: NewEventKind::Message { body },
        };
        self.app.committer.commit(&event).await.unwrap();
    }

    /// Stores whatever is committed.
    pub(crate) async fn store_all(&self) {
        assert!(self.pipeline.drain(Duration::from_secs(10)).await, "the pipeline did not drain");
    }

    /// How many blobs are kept, of whatever file.
    pub(crate) fn blobs(&self) -> usize {
        let mut folders = vec![self.dir.path().join("blobs")];
        let mut blobs = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    blobs += 1;
                }
            }
        }
        blobs
    }

    pub(crate) async fn head(&self, room: &str) -> Position {
        self.app.committer.head(room.parse::<RoomId>().unwrap()).await.unwrap()
    }
}

/// Somebody with a bearer session.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Person {
    pub(crate) fn of(session: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            id: text(&session["user"]["id"]).parse().unwrap(),
            access: text(&session["access_token"]),
            refresh: text(&session["refresh_token"]),
        }
    }
}

/// A browser's cookies, and the CSRF token its page has read.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) cookies: String,
    pub(crate) csrf: String,
}

impl Browser {
    pub(crate) fn of(answer: &Answer) -> Self {
        let cookies: Vec<_> = answer
            .set_cookies()
            .into_iter()
            .map(|line| line.split(';').next().unwrap_or_default().to_owned())
            .collect();
        let csrf = answer.body["csrf_token"].as_str().expect("a CSRF token").to_owned();
        Self { cookies: cookies.join("; "), csrf }
    }
}

/// A request in the making.
pub(crate) struct Call {
    router: Router,
    request: Request<Body>,
}

impl Call {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request.headers_mut().append(name, value.parse().unwrap());
        self
    }

    /// The address of the connection's peer.
    pub(crate) fn from(mut self, address: &str) -> Self {
        let peer = SocketAddr::new(address.parse::<IpAddr>().unwrap(), 4000);
        self.request.extensions_mut().insert(ConnectInfo(peer));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn by(self, person: &Person) -> Self {
        self.bearer(&person.access)
    }

    /// As a page of our own makes it.
    pub(crate) fn in_browser(self, browser: &Browser) -> Self {
        self.cookies(browser).header("origin", OWN_ORIGIN).header("x-csrf-token", &browser.csrf)
    }

    pub(crate) fn cookies(self, browser: &Browser) -> Self {
        self.header("cookie", &browser.cookies)
    }

    pub(crate) async fn json(self, body: &Value) -> Answer {
        self.body("application/json", body.to_string()).await
    }

    pub(crate) async fn body(mut self, kind: &str, body: impl Into<Body>) -> Answer {
        self.request.headers_mut().insert(CONTENT_TYPE, kind.parse().unwrap());
        *self.request.body_mut() = body.into();
        self.send().await
    }

    /// Sends it and takes whatever comes back.
    pub(crate) async fn fetch(self) -> Response<Bytes> {
        let response = self.router.oneshot(self.request).await.unwrap();
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, to_bytes(body, 64 << 20).await.unwrap())
    }

    pub(crate) async fn send(self) -> Answer {
        let (parts, bytes) = self.fetch().await.into_parts();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).expect("every body is JSON")
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends it, and takes a body that is not JSON.
    pub(crate) async fn bytes(self) -> (Answer, Vec<u8>) {
        let (parts, bytes) = self.fetch().await.into_parts();
        let answer = Answer { status: parts.status, headers: parts.headers, body: Value::Null };
        (answer, bytes.to_vec())
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn ok(self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Checks that this is the problem document of `code`, whole and with the headers it needs.
    #[track_caller]
    pub(crate) fn refused(&self, status: StatusCode, code: &str) {
        assert_eq!(self.body["code"], code, "{}", self.body);
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body["status"], status.as_u16());
        assert_eq!(self.body["type"], format!("urn:hubbub:error:{code}"));
        assert!(self.body["title"].is_string() && self.body["detail"].is_string());
        assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json");
        assert_eq!(self.headers.contains_key("retry-after"), self.body["retry_after_ms"].is_u64());
        assert_eq!(
            self.headers.contains_key("www-authenticate"),
            status == StatusCode::UNAUTHORIZED
        );
    }

    pub(crate) fn set_cookies(&self) -> Vec<String> {
        let lines = self.headers.get_all(SET_COOKIE).iter();
        lines.map(|line| line.to_str().unwrap().to_owned()).collect()
    }
}

/// The names of the users in a list, in its order.
pub(crate) fn usernames(list: &Value) -> Vec<&str> {
    let users = list["users"].as_array().expect("users");
    users.iter().map(|user| user["username"].as_str().unwrap()).collect()
}
