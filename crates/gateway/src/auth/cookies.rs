//! The cookies of browser sessions (RFC 6265bis).
//!
//! | cookie | holds | seen by scripts | sent to |
//! |---|---|---|---|
//! | `hubbub_access` | access token | no | every path |
//! | `hubbub_refresh` | refresh token | no | `/api/v1`, never from another site |
//! | `hubbub_csrf` | CSRF token | yes | every path |
//!
//! Where the service is reached by https they are `Secure` and carry the prefix that makes browsers
//! enforce it: `__Host-`, or `__Secure-` for the refresh token, which has a path. Names without the
//! prefix are then not read at all, since a neighbouring host name could have planted them.

use std::time::Duration;

use axum::http::HeaderMap;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

const ACCESS_PATH: &str = "/";
const REFRESH_PATH: &str = "/api/v1";

/// Reads and writes session cookies.
#[derive(Debug, Clone, Copy)]
pub struct Cookies {
    secure: bool,
}

/// What a browser session's cookies hold.
#[derive(Clone)]
pub struct SessionCookies {
    /// The access token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: String,
    /// The CSRF token.
    pub csrf_token: String,
    /// How long the session lasts if it is not used. All three cookies stay as long: an access
    /// token that has run out must be told apart from none, since it can be rotated.
    pub ttl: Duration,
}

impl Cookies {
    /// Cookies of a service that is reached by https (`secure`) or by plain http.
    #[must_use]
    pub const fn new(secure: bool) -> Self {
        Self { secure }
    }

    const fn access_name(self) -> &'static str {
        if self.secure { "__Host-hubbub_access" } else { "hubbub_access" }
    }

    const fn refresh_name(self) -> &'static str {
        if self.secure { "__Secure-hubbub_refresh" } else { "hubbub_refresh" }
    }

    const fn csrf_name(self) -> &'static str {
        if self.secure { "__Host-hubbub_csrf" } else { "hubbub_csrf" }
    }

    /// The access token among a request's cookies.
    #[must_use]
    pub fn access_token(self, headers: &HeaderMap) -> Option<String> {
        read(headers, self.access_name())
    }

    /// The refresh token among a request's cookies.
    #[must_use]
    pub fn refresh_token(self, headers: &HeaderMap) -> Option<String> {
        read(headers, self.refresh_name())
    }

    /// The CSRF token among a request's cookies.
    #[must_use]
    pub fn csrf_token(self, headers: &HeaderMap) -> Option<String> {
        read(headers, self.csrf_name())
    }

    /// Sets a session's cookies.
    pub fn set(self, session: SessionCookies) -> CookieJar {
        let SessionCookies { access_token, refresh_token, csrf_token, ttl } = session;
        CookieJar::new()
            .add(self.access(access_token, ttl))
            .add(self.refresh(refresh_token, ttl))
            .add(self.csrf(csrf_token, ttl))
    }

    /// Takes a session's cookies back.
    pub fn clear(self) -> CookieJar {
        let nothing = String::new;
        CookieJar::new()
            .add(self.access(nothing(), Duration::ZERO))
            .add(self.refresh(nothing(), Duration::ZERO))
            .add(self.csrf(nothing(), Duration::ZERO))
    }

    fn access(self, value: String, ttl: Duration) -> Cookie<'static> {
        self.cookie(self.access_name(), value, ACCESS_PATH, SameSite::Lax, true, ttl)
    }

    fn refresh(self, value: String, ttl: Duration) -> Cookie<'static> {
        self.cookie(self.refresh_name(), value, REFRESH_PATH, SameSite::Strict, true, ttl)
    }

    fn csrf(self, value: String, ttl: Duration) -> Cookie<'static> {
        self.cookie(self.csrf_name(), value, ACCESS_PATH, SameSite::Strict, false, ttl)
    }

    fn cookie(
        self,
        name: &'static str,
        value: String,
        path: &'static str,
        same_site: SameSite,
        http_only: bool,
        ttl: Duration,
    ) -> Cookie<'static> {
        let ttl = time::Duration::try_from(ttl).unwrap_or(time::Duration::MAX);
        Cookie::build((name, value))
            .path(path)
            .same_site(same_site)
            .http_only(http_only)
            .secure(self.secure)
            .max_age(ttl)
            .build()
    }
}

fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    jar.get(name).map(|cookie| cookie.value().to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use axum::http::header::{COOKIE, SET_COOKIE};
    use axum::response::IntoResponse;

    use super::*;

    fn set(cookies: Cookies) -> Vec<String> {
        lines(cookies.set(SessionCookies {
            access_token: "a".into(),
            refresh_token: "r".into(),
            csrf_token: "c".into(),
            ttl: Duration::from_secs(3600),
        }))
    }

    fn lines(jar: CookieJar) -> Vec<String> {
        let response = jar.into_response();
        let mut lines: Vec<_> = response
            .headers()
            .get_all(SET_COOKIE)
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .collect();
        lines.sort();
        lines
    }

    fn sent(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, text.parse().unwrap())])
    }

    #[test]
    fn behind_https_every_cookie_is_bound_to_its_host() {
        assert_eq!(
            set(Cookies::new(true)),
            [
                "__Host-hubbub_access=a; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3600",
                "__Host-hubbub_csrf=c; SameSite=Strict; Secure; Path=/; Max-Age=3600",
                "__Secure-hubbub_refresh=r; HttpOnly; SameSite=Strict; Secure; Path=/api/v1; Max-Age=3600",
            ]
        );
    }

    #[test]
    fn by_plain_http_the_names_are_plain() {
        assert_eq!(
            set(Cookies::new(false)),
            [
                "hubbub_access=a; HttpOnly; SameSite=Lax; Path=/; Max-Age=3600",
                "hubbub_csrf=c; SameSite=Strict; Path=/; Max-Age=3600",
                "hubbub_refresh=r; HttpOnly; SameSite=Strict; Path=/api/v1; Max-Age=3600",
            ]
        );
    }

    #[test]
    fn clearing_ends_each_cookie_where_it_was_set() {
        let cleared = lines(Cookies::new(false).clear());
        assert_eq!(cleared.len(), 3);
        assert!(cleared.iter().all(|line| line.contains("Max-Age=0")), "{cleared:?}");
        assert!(cleared[2].contains("Path=/api/v1"), "{cleared:?}");
    }

    #[test]
    fn tokens_are_found_among_other_cookies() {
        let headers = sent("theme=dark; hubbub_access=t.o.k; hubbub_refresh=r");
        let cookies = Cookies::new(false);
        assert_eq!(cookies.access_token(&headers).as_deref(), Some("t.o.k"));
        assert_eq!(cookies.refresh_token(&headers).as_deref(), Some("r"));
        assert_eq!(cookies.access_token(&sent("hubbub_access=")), None);
    }

    #[test]
    fn behind_https_a_planted_plain_cookie_is_not_read() {
        assert_eq!(Cookies::new(true).access_token(&sent("hubbub_access=t")), None);
        let headers = sent("__Host-hubbub_access=t");
        assert_eq!(Cookies::new(true).access_token(&headers).as_deref(), Some("t"));
    }
}
