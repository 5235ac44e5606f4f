//! Which pages may use a visitor's cookies (the `Origin` header, RFC 6454).

use std::collections::HashSet;

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};
use hubbub_protocol::ErrorCode;

/// A text that is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an origin like `https://chat.example` or `http://localhost:5173`")]
pub struct OriginError(
    /// The text.
    pub String,
);

/// Scheme, host and port; the default port of the scheme is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let scheme = uri.scheme_str()?;
        if uri.path() != "/" || uri.query().is_some() || text.contains(['@', '#']) {
            return None;
        }
        let default = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        Some(Self {
            scheme: scheme.to_owned(),
            host: uri.host()?.to_ascii_lowercase(),
            port: uri.port_u16().unwrap_or(default),
        })
    }
}

/// The origins whose pages may use cookies.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    allowed: HashSet<Origin>,
    /// Whether the service's own origin is not known, so that a page is ours when it came from the
    /// host that the request goes to.
    same_host: bool,
}

impl Origins {
    /// The service's own origin, and further ones. Without `public_url` a page is the service's own
    /// when its origin is the request's `Host`.
    ///
    /// # Errors
    /// [`OriginError`] names what can't be read.
    pub fn new<S: AsRef<str>>(
        public_url: Option<&str>,
        further: impl IntoIterator<Item = S>,
    ) -> Result<Self, OriginError> {
        let read = |text: &str| {
            Origin::parse(text.trim_end_matches('/')).ok_or_else(|| OriginError(text.to_owned()))
        };
        let mut allowed = HashSet::new();
        if let Some(url) = public_url {
            allowed.insert(read(url)?);
        }
        for text in further {
            allowed.insert(read(text.as_ref())?);
        }
        Ok(Self { allowed, same_host: public_url.is_none() })
    }

    /// Whether a request may go on. One without `Origin` does not come from a browser's page and is
    /// refused only where a cookie speaks for it (`cookie_in_use`): browsers always send `Origin`
    /// with WebSocket upgrades and with changes.
    ///
    /// # Errors
    /// [`ErrorCode::OriginRefused`].
    pub fn check(&self, headers: &HeaderMap, cookie_in_use: bool) -> Result<(), ErrorCode> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let allowed = match (origins.next(), origins.next()) {
            (None, _) => !cookie_in_use,
            (Some(origin), None) => origin
                .to_str()
                .ok()
                .and_then(Origin::parse)
                .is_some_and(|origin| self.allows(&origin, headers)),
            (Some(_), Some(_)) => false,
        };
        if allowed { Ok(()) } else { Err(ErrorCode::OriginRefused) }
    }

    fn allows(&self, origin: &Origin, headers: &HeaderMap) -> bool {
        if self.allowed.contains(origin) {
            return true;
        }
        // `Host` names no scheme; a proxy may have taken the TLS off. The page's own will do.
        self.same_host
            && headers
                .get(HOST)
                .and_then(|host| host.to_str().ok())
                .and_then(|host| Origin::parse(&format!("{}://{host}", origin.scheme)))
                .is_some_and(|own| own == *origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(origin: Option<&str>, host: &str) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    fn passes(origins: &Origins, origin: &str, host: &str) -> bool {
        let headers = headers(Some(origin), host);
        let [with, without] = [true, false].map(|cookie| origins.check(&headers, cookie));
        assert_eq!(with, without, "a present origin is judged the same with and without cookie");
        with.is_ok()
    }

    #[test]
    fn without_a_public_url_a_page_of_the_same_host_is_ours() {
        let origins = Origins::new(None, [] as [&str; 0]).unwrap();
        assert!(passes(&origins, "http://localhost:8080", "localhost:8080"));
        assert!(passes(&origins, "https://Chat.Example", "chat.example"));
        assert!(passes(&origins, "https://chat.example", "chat.example:443"));
        assert!(!passes(&origins, "http://localhost:8081", "localhost:8080"));
        assert!(!passes(&origins, "http://chat.example.evil", "chat.example"));
        assert!(!passes(&origins, "null", "chat.example"));
        assert!(!passes(&origins, "", "chat.example"));
        assert!(!passes(&origins, "http://chat.example@evil", "evil"));
    }

    #[test]
    fn with_a_public_url_the_host_header_counts_for_nothing() {
        let origins = Origins::new(Some("https://chat.example/"), ["http://dev:5173"]).unwrap();
        assert!(passes(&origins, "https://chat.example", "10.0.0.1:8080"));
        assert!(passes(&origins, "https://chat.example:443", "10.0.0.1:8080"));
        assert!(passes(&origins, "http://dev:5173", "10.0.0.1:8080"));
        assert!(!passes(&origins, "http://chat.example", "chat.example"));
        assert!(!passes(&origins, "https://evil.example", "evil.example"));
    }

    #[test]
    fn a_missing_origin_is_refused_only_where_a_cookie_is_used() {
        let origins = Origins::new(None, [] as [&str; 0]).unwrap();
        let headers = headers(None, "localhost:8080");
        assert_eq!(origins.check(&headers, false), Ok(()));
        assert_eq!(origins.check(&headers, true), Err(ErrorCode::OriginRefused));
    }

    #[test]
    fn two_origins_are_none() {
        let origins = Origins::new(None, [] as [&str; 0]).unwrap();
        let mut headers = headers(Some("http://a"), "a");
        headers.append(ORIGIN, "http://a".parse().unwrap());
        assert_eq!(origins.check(&headers, false), Err(ErrorCode::OriginRefused));
    }

    #[test]
    fn what_is_not_an_origin_is_named() {
        for text in ["chat.example", "ftp://chat.example", "https://a/b", "https://u@a", ""] {
            assert_eq!(
                Origins::new(Some(text), [] as [&str; 0]).map(|_| ()),
                Err(OriginError(text.to_owned()))
            );
        }
    }
}
