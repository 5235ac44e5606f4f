//! Who may come in.
//!
//! - [`keys`]: the keys that sign access tokens, and their rotation
//! - [`token`]: access tokens (JWT) and refresh tokens (opaque)
//! - [`password`]: Argon2id, off the async threads and bounded
//! - [`cookies`]: the cookies of browser sessions
//! - [`liveness`]: which sessions the store called live a moment ago
//! - [`csrf`]: proof that a change comes from a page of ours
//! - [`origin`]: which pages may use a visitor's cookies

pub mod cookies;
pub mod csrf;
pub mod keys;
pub mod liveness;
pub mod origin;
pub mod password;
mod provider;
pub mod token;

use std::fmt;
use std::time::Duration;

use hubbub_protocol::{ErrorCode, SessionId, Timestamp, UserId};

use cookies::Cookies;
use csrf::Csrf;
pub use keys::SigningKeys;
use liveness::Liveness;
use password::Passwords;
pub use token::Access;
use token::AccessTokens;

/// What [`Auth`] is made of.
#[derive(Debug, Clone)]
pub struct AuthOptions {
    /// The first signs, all verify.
    pub signing_keys: SigningKeys,
    /// How long an access token lasts. Also how long a stolen one does.
    pub access_token_ttl: Duration,
    /// How long a session lasts that is not used.
    pub refresh_token_ttl: Duration,
    /// How many passwords are hashed at a time; each takes 19 MiB. At least 1.
    pub hashing_permits: usize,
    /// Whether the service is reached by https, so that cookies must be `Secure`.
    pub secure_cookies: bool,
}

/// Tokens, passwords and cookies of one gateway.
pub struct Auth {
    access_tokens: AccessTokens,
    csrf: Csrf,
    passwords: Passwords,
    cookies: Cookies,
    liveness: Liveness,
    access_token_ttl: Duration,
    refresh_token_ttl: Duration,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("access_token_ttl", &self.access_token_ttl)
            .field("refresh_token_ttl", &self.refresh_token_ttl)
            .field("passwords", &self.passwords)
            .field("cookies", &self.cookies)
            .finish_non_exhaustive()
    }
}

impl Auth {
    /// Takes some 20 ms, for the hash that unknown users are measured against.
    #[must_use]
    pub fn new(options: AuthOptions) -> Self {
        let AuthOptions {
            signing_keys,
            access_token_ttl,
            refresh_token_ttl,
            hashing_permits,
            secure_cookies,
        } = options;
        Self {
            access_tokens: AccessTokens::new(&signing_keys),
            csrf: Csrf::new(&signing_keys),
            passwords: Passwords::new(hashing_permits),
            cookies: Cookies::new(secure_cookies),
            liveness: Liveness::default(),
            access_token_ttl,
            refresh_token_ttl,
        }
    }

    /// An access token for a session, and what it says.
    #[must_use]
    pub fn issue_access(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> (String, Access) {
        let access = Access { user, session, expires_at: self.access_expires_at(now) };
        (self.access_tokens.issue(&access, now), access)
    }

    /// When an access token runs out that is issued `now`. Tokens count in seconds, so it is
    /// rounded up to one.
    #[must_use]
    pub fn access_expires_at(&self, now: Timestamp) -> Timestamp {
        let end = now.after(self.access_token_ttl).millis();
        Timestamp::from_millis(end.saturating_add(999).div_euclid(1000).saturating_mul(1000))
    }

    /// What an access token says. Whether its session has ended since is another question.
    ///
    /// # Errors
    /// [`ErrorCode::TokenExpired`] for one of ours whose time is over, or of a retired key that says
    /// so, else [`ErrorCode::TokenInvalid`].
    pub fn verify_access(&self, token: &str) -> Result<Access, ErrorCode> {
        self.access_tokens.verify(token)
    }

    /// The CSRF token of a session.
    #[must_use]
    pub fn csrf_token(&self, session: SessionId) -> String {
        self.csrf.token(session)
    }

    /// Whether `presented` is the session's CSRF token. In constant time.
    #[must_use]
    pub fn csrf_matches(&self, session: SessionId, presented: &str) -> bool {
        self.csrf.matches(session, presented)
    }

    /// The password hasher.
    #[must_use]
    pub const fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// The session cookies.
    #[must_use]
    pub const fn cookies(&self) -> Cookies {
        self.cookies
    }

    /// Which sessions were live a moment ago.
    #[must_use]
    pub const fn liveness(&self) -> &Liveness {
        &self.liveness
    }

    /// How long an access token lasts.
    #[must_use]
    pub const fn access_token_ttl(&self) -> Duration {
        self.access_token_ttl
    }

    /// How long a session lasts that is not used.
    #[must_use]
    pub const fn refresh_token_ttl(&self) -> Duration {
        self.refresh_token_ttl
    }

    /// How long every node must remember that a session has ended: until its last access token has
    /// run out, by any node's clock.
    #[must_use]
    pub fn ended_session_memory(&self) -> Duration {
        self.access_token_ttl + Duration::from_secs(60)
    }
}
