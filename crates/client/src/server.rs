//! Where a server is, and how to speak TLS to it.

use std::sync::Arc;

use reqwest::Url;
use rustls::{ClientConfig, RootCertStore};

/// An address that is no server's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not a URL.
    #[error("not a URL, as http://127.0.0.1:8080 is one")]
    NotAUrl,
    /// Neither http nor https, or without a host.
    #[error("a server's address starts with http:// or https:// and names a host")]
    Scheme,
    /// Addresses get written to logs, so no secret belongs there.
    #[error("a server's address holds no user name and no password")]
    Credentials,
}

/// Where a server is: `http://host:port` or `https://host:port`, and anything a proxy puts in front
/// of its paths.
#[derive(Debug, Clone)]
pub struct ServerAddress(Url);

impl ServerAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// [`AddressError`], which tells what is wrong.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let mut url = Url::parse(text.trim()).map_err(|_| AddressError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(AddressError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The URL of `path` (without a leading slash) on this server.
    #[must_use]
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let path = format!("{}/{path}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }

    /// The URL of its WebSocket.
    #[must_use]
    pub fn socket(&self) -> String {
        let url = self.join("ws");
        let scheme = if self.is_tls() { "wss" } else { "ws" };
        format!("{scheme}{}", &url.as_str()[url.scheme().len()..])
    }

    /// Host and port to connect to.
    #[must_use]
    pub fn authority(&self) -> (String, u16) {
        let host = self.0.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        (host, self.0.port_or_known_default().unwrap_or(80))
    }

    /// Whether it is spoken to through TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl std::fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// TLS 1.2 and 1.3 over ring, trusting Mozilla's roots.
#[must_use]
pub fn tls() -> Arc<ClientConfig> {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring offers the cipher suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_beside_the_api() {
        let plain = ServerAddress::parse("http://127.0.0.1:8080").unwrap();
        assert_eq!(plain.socket(), "ws://127.0.0.1:8080/ws");
        assert_eq!(plain.join("api/v1/me").as_str(), "http://127.0.0.1:8080/api/v1/me");
        assert_eq!(plain.authority(), ("127.0.0.1".into(), 8080));

        let behind = ServerAddress::parse("https://example.org/chat/").unwrap();
        assert_eq!(behind.socket(), "wss://example.org/chat/ws");
        assert_eq!(behind.authority(), ("example.org".into(), 443));
        assert_eq!(behind.to_string(), "https://example.org/chat");

        let six = ServerAddress::parse("http://[::1]:9").unwrap();
        assert_eq!(six.authority(), ("::1".into(), 9));
    }

    #[test]
    fn what_is_no_server_is_refused() {
        let refused = |text| ServerAddress::parse(text).err();
        assert_eq!(refused("localhost"), Some(AddressError::NotAUrl));
        assert_eq!(refused("ftp://example.org"), Some(AddressError::Scheme));
        assert_eq!(refused("localhost:8080"), Some(AddressError::Scheme));
        assert_eq!(refused("http://me:secret@example.org"), Some(AddressError::Credentials));
    }
}
