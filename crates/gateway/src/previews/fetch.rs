//! One request to a place that may be anything: slow, endless, or sending us elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::Fault;
use super::address::Networks;
use super::destination::Destination;

/// How often a place may send us on.
const REDIRECTS_MAX: usize = 3;

/// How long a connection may take.
const CONNECTED_WITHIN: Duration = Duration::from_secs(3);

/// As whom a gateway asks. It says what for, so that a site can refuse it.
const USER_AGENT: &str = concat!("Hubbub/", env!("CARGO_PKG_VERSION"), " (link preview)");

/// Fetches from the web, and from nowhere else but some further networks.
#[derive(Debug)]
pub(super) struct Fetcher {
    networks: Networks,
    tls: ClientConfig,
}

impl Fetcher {
    pub(super) fn new(networks: Networks) -> Self {
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring offers the cipher suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { networks, tls }
    }

    /// Asks for what a URL leads to. Every place on the way is looked at before it is asked.
    ///
    /// # Errors
    /// [`Fault`].
    pub(super) async fn get(&self, url: Url, accept: &'static str) -> Result<Answer, Fault> {
        let mut next = url;
        for _ in 0..=REDIRECTS_MAX {
            let destination = Destination::vet(next, &self.networks).await?;
            let request = self
                .client(&destination)?
                .get(destination.url.clone())
                .header(ACCEPT, HeaderValue::from_static(accept))
                // What is packed may be far larger than it looks.
                .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let response = request.send().await.map_err(fault)?;
            if !response.status().is_redirection() {
                return Answer::of(destination.url, response);
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let location = location.ok_or(Fault::Failed)?;
            next = destination.url.join(location).map_err(|_| Fault::Failed)?;
        }
        Err(Fault::Failed)
    }

    /// A client for one request, which can connect to nothing but the addresses that were looked at.
    /// It keeps no cookies and no connections, and knows no proxy.
    fn client(&self, destination: &Destination) -> Result<Client, Fault> {
        let built = Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .dns_resolver(Pinned(destination.addresses.clone()))
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .http1_only()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECTED_WITHIN)
            .user_agent(USER_AGENT)
            .build();
        built.map_err(|error| {
            tracing::error!(%error, "no client for previews of links");
            Fault::Failed
        })
    }
}

/// Resolves every name to the addresses that were looked at.
struct Pinned(Vec<SocketAddr>);

impl Resolve for Pinned {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

fn fault(error: impl Into<reqwest::Error>) -> Fault {
    if error.into().is_timeout() { Fault::Slow } else { Fault::Unreachable }
}

/// What a place answered, before its body is read.
#[derive(Debug)]
pub(super) struct Answer {
    /// Where it came from in the end.
    pub(super) url: Url,
    /// Its media type in lower case, without parameters.
    pub(super) media_type: String,
    /// In which encoding its text is, if the place says so.
    pub(super) charset: Option<String>,
    response: Response,
}

impl Answer {
    fn of(url: Url, response: Response) -> Result<Self, Fault> {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let is_plain = header(CONTENT_ENCODING).is_none_or(|e| e.eq_ignore_ascii_case("identity"));
        if !response.status().is_success() || !is_plain {
            return Err(Fault::Failed);
        }
        let kind = header(CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
        let mut parts = kind.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_owned();
        let charset = parts.find_map(|part| part.strip_prefix("charset="));
        let charset = charset.map(|name| name.trim_matches('"').to_owned());
        Ok(Self { url, media_type, charset, response })
    }

    /// Its first `most` bytes.
    ///
    /// # Errors
    /// [`Fault::Unreachable`] if the connection breaks.
    pub(super) async fn head(self, most: usize) -> Result<Vec<u8>, Fault> {
        let mut body = self.read(most).await?;
        body.truncate(most);
        Ok(body)
    }

    /// All of it.
    ///
    /// # Errors
    /// [`Fault::Failed`] if it is more than `most` bytes.
    pub(super) async fn whole(self, most: usize) -> Result<Vec<u8>, Fault> {
        if self.response.content_length().is_some_and(|length| length > most as u64) {
            return Err(Fault::Failed);
        }
        let body = self.read(most).await?;
        if body.len() > most { Err(Fault::Failed) } else { Ok(body) }
    }

    /// Reads until there are more than `most` bytes.
    async fn read(mut self, most: usize) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        while body.len() <= most
            && let Some(chunk) = self.response.chunk().await.map_err(fault)?
        {
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}
