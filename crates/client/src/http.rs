//! The calls of the HTTP API, and the session's tokens.

mod error;
mod files;
mod messages;
mod moderation;
mod people;
mod rooms;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hubbub_protocol::ErrorCode;
use hubbub_protocol::http::{
    LoginRequest, RegisterRequest, SessionResponse, TokenRequest, Transport, User,
};
use reqwest::header::{COOKIE, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, Url};
use rustls::ClientConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use uuid::Uuid;

pub use error::ApiError;
pub use messages::Page;

use crate::server::{AddressError, ServerAddress, tls};

/// Largest answer that is read.
const ANSWER_MAX: usize = 16 * 1024 * 1024;
/// How long a call may take.
const CALL_WITHIN: Duration = Duration::from_secs(20);
/// How long a token must be good for to be used for a call.
const GOOD_FOR: Duration = Duration::from_secs(20);

struct Tokens {
    access: String,
    refresh: String,
    expires: Instant,
}

impl Tokens {
    fn is_good_for(&self, at_least: Duration) -> bool {
        self.expires.saturating_duration_since(Instant::now()) > at_least
    }
}

/// One server's API and one session on it. Clones share the session.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

struct Shared {
    http: reqwest::Client,
    address: ServerAddress,
    tls: Arc<ClientConfig>,
    /// By which a load balancer sends this client to the same gateway again: the cookie that gateways
    /// give to browsers.
    affinity: HeaderValue,
    /// Locked over a rotation: a refresh token works once, and using one twice ends the session.
    tokens: Mutex<Option<Tokens>>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Api({})", self.0.address)
    }
}

impl Api {
    /// The API of the server at `address`, with nobody logged in.
    ///
    /// # Errors
    /// [`AddressError`] when that is no server's address.
    pub fn new(address: &str) -> Result<Self, AddressError> {
        let address = ServerAddress::parse(address)?;
        let tls = tls();
        let affinity = format!("hubbub_node={}", Uuid::new_v4().simple());
        let affinity = HeaderValue::try_from(affinity).expect("hexadecimal digits");
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(&tls))
            .timeout(CALL_WITHIN)
            .connect_timeout(CALL_WITHIN / 2)
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(HeaderMap::from_iter([(COOKIE, affinity.clone())]))
            .user_agent(concat!("hubbub-client/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("the TLS settings are of the version reqwest uses");
        Ok(Self(Arc::new(Shared { http, address, tls, affinity, tokens: Mutex::new(None) })))
    }

    /// Where the server is.
    #[must_use]
    pub fn address(&self) -> &ServerAddress {
        &self.0.address
    }

    pub(crate) fn affinity(&self) -> HeaderValue {
        self.0.affinity.clone()
    }

    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0.tls)
    }

    /// Makes an account and logs in to it.
    ///
    /// # Errors
    /// [`ApiError`]; `username_taken` and `invalid_field` are the server's to give.
    pub async fn register(&self, username: &str, password: &str) -> Result<User, ApiError> {
        let request = RegisterRequest {
            username: username.to_owned(),
            password: password.to_owned(),
            display_name: None,
            email: None,
            transport: Transport::Bearer,
        };
        self.begin(self.request(Method::POST, "register").json(&request)).await
    }

    /// Logs in.
    ///
    /// # Errors
    /// [`ApiError`]; `invalid_credentials` is the server's to give.
    pub async fn login(&self, username: &str, password: &str) -> Result<User, ApiError> {
        let request = LoginRequest {
            username: username.to_owned(),
            password: password.to_owned(),
            transport: Transport::Bearer,
        };
        self.begin(self.request(Method::POST, "login").json(&request)).await
    }

    /// Ends the session, on the server too: its sockets are closed.
    ///
    /// # Errors
    /// [`ApiError`]. The tokens are forgotten in any case.
    pub async fn logout(&self) -> Result<(), ApiError> {
        let done = self.call(Method::POST, "logout", None::<&()>).await;
        *self.0.tokens.lock().await = None;
        done.map(drop)
    }

    /// An access token that is good for `at_least` this long; rotates the session's if needed.
    ///
    /// # Errors
    /// [`ApiError`]; see [`ApiError::ends_session`].
    pub async fn access_token(&self, at_least: Duration) -> Result<String, ApiError> {
        let mut tokens = self.0.tokens.lock().await;
        let held = tokens.as_ref().ok_or(ApiError::LoggedOut)?;
        if held.is_good_for(at_least) {
            return Ok(held.access.clone());
        }
        self.rotate(&mut tokens).await
    }

    /// An access token other than `used`, whose time is nearly over; rotates the session's unless
    /// that has been done since.
    ///
    /// # Errors
    /// As [`Self::access_token`].
    pub async fn next_token(&self, used: &str) -> Result<String, ApiError> {
        let mut tokens = self.0.tokens.lock().await;
        let held = tokens.as_ref().ok_or(ApiError::LoggedOut)?;
        if held.access != used && held.is_good_for(GOOD_FOR) {
            return Ok(held.access.clone());
        }
        self.rotate(&mut tokens).await
    }

    async fn rotate(&self, tokens: &mut Option<Tokens>) -> Result<String, ApiError> {
        let held = tokens.as_ref().ok_or(ApiError::LoggedOut)?;
        let request = TokenRequest { refresh_token: Some(held.refresh.clone()) };
        let answer = send(self.request(Method::POST, "token").json(&request)).await?;
        let (_, renewed) = session(answer).await?;
        let access = renewed.access.clone();
        *tokens = Some(renewed);
        Ok(access)
    }

    /// Makes the next call rotate: the server says that the access token is no longer good.
    pub async fn expire_token(&self) {
        if let Some(tokens) = self.0.tokens.lock().await.as_mut() {
            tokens.expires = Instant::now();
        }
    }

    /// Who is logged in.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn me(&self) -> Result<User, ApiError> {
        self.get("me", &[]).await
    }

    async fn begin(&self, request: RequestBuilder) -> Result<User, ApiError> {
        let (user, tokens) = session(send(request).await?).await?;
        *self.0.tokens.lock().await = Some(tokens);
        Ok(user)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<T, ApiError> {
        let mut url = self.url(path);
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        read(self.authorised(Method::GET, url, None::<&()>).await?).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, ApiError> {
        read(self.call(Method::POST, path, body).await?).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Response, ApiError> {
        self.authorised(method, self.url(path), body).await
    }

    /// Calls with the session's token, and once more with a new one if the server finds it old: its
    /// clock decides.
    async fn authorised(
        &self,
        method: Method,
        url: Url,
        body: Option<&impl Serialize>,
    ) -> Result<Response, ApiError> {
        match self.attempt(method.clone(), url.clone(), body).await {
            Err(error) if error.code() == Some(ErrorCode::TokenExpired) => {
                self.expire_token().await;
                self.attempt(method, url, body).await
            }
            done => done,
        }
    }

    async fn attempt(
        &self,
        method: Method,
        url: Url,
        body: Option<&impl Serialize>,
    ) -> Result<Response, ApiError> {
        let token = self.access_token(GOOD_FOR).await?;
        let mut request = self.0.http.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        send(request).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.0.http.request(method, self.url(path))
    }

    fn url(&self, path: &str) -> Url {
        self.0.address.join(&format!("api/v1/{path}"))
    }
}

async fn session(answer: Response) -> Result<(User, Tokens), ApiError> {
    let status = answer.status().as_u16();
    let SessionResponse { user, expires_in, access_token, refresh_token, .. } =
        read(answer).await?;
    let (Some(access), Some(refresh)) = (access_token, refresh_token) else {
        return Err(ApiError::NotUnderstood(status));
    };
    let expires = Instant::now() + Duration::from_secs(expires_in.min(u64::from(u32::MAX)));
    Ok((user, Tokens { access, refresh, expires }))
}

/// Sends a request; an answer that is no success becomes an error.
async fn send(request: RequestBuilder) -> Result<Response, ApiError> {
    let answer = request.send().await.map_err(unreachable)?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status().as_u16();
    let bytes = collect(answer).await?;
    Err(serde_json::from_slice(&bytes)
        .map_or(ApiError::NotUnderstood(status), |problem| ApiError::Problem(Box::new(problem))))
}

async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, ApiError> {
    let status = answer.status().as_u16();
    let bytes = collect(answer).await?;
    serde_json::from_slice(&bytes).map_err(|_| ApiError::NotUnderstood(status))
}

/// The body, unless it is longer than any answer should be.
async fn collect(mut answer: Response) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > ANSWER_MAX {
            return Err(ApiError::NotUnderstood(answer.status().as_u16()));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn unreachable(error: reqwest::Error) -> ApiError {
    ApiError::Unreachable(error.without_url())
}
