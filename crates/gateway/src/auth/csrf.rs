//! The CSRF token: proof that a change comes from a page that could read its own cookie.
//!
//! A signed double-submit token: HMAC-SHA-256 of the session's id, under a key derived from the
//! signing key. It changes with the session and is worthless for any other. Once that key has been
//! retired it is good for one thing: the rotation of its session's tokens, which brings a new one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hubbub_protocol::SessionId;
use ring::hmac;

use super::keys::{SigningKey, SigningKeys};

/// Sets the derived key apart from whatever else is ever derived from a signing key.
const DOMAIN: &[u8] = b"hubbub.csrf.v1";

/// The header that carries the token.
pub const HEADER: &str = "x-csrf-token";

/// Makes and checks CSRF tokens.
pub(super) struct Csrf {
    /// The first makes, all check: a token outlives the rotation of the signing keys.
    keys: Vec<hmac::Key>,
}

impl Csrf {
    pub(super) fn new(keys: &SigningKeys) -> Self {
        Self { keys: keys.all().iter().map(derive).collect() }
    }

    pub(super) fn token(&self, session: SessionId) -> String {
        let key = self.keys.first().expect("there is a key for each signing key, at least one");
        URL_SAFE_NO_PAD.encode(hmac::sign(key, session.as_uuid().as_bytes()))
    }

    /// Whether `presented` is the session's token. In constant time.
    pub(super) fn matches(&self, session: SessionId, presented: &str) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(presented) else { return false };
        let message = session.as_uuid().as_bytes();
        self.keys.iter().any(|key| hmac::verify(key, message, &tag).is_ok())
    }
}

fn derive(key: &SigningKey) -> hmac::Key {
    let root = hmac::Key::new(hmac::HMAC_SHA256, &key.secret);
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, DOMAIN).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_session_only() {
        let csrf = Csrf::new(&SigningKeys::generate());
        let (mine, theirs) = (SessionId::new(), SessionId::new());
        let token = csrf.token(mine);
        assert!(csrf.matches(mine, &token));
        assert!(!csrf.matches(theirs, &token));
        for wrong in ["", "x", &token[1..], &format!("{token}A")] {
            assert!(!csrf.matches(mine, wrong), "{wrong}");
        }
        assert!(!Csrf::new(&SigningKeys::generate()).matches(mine, &token));
    }

    #[test]
    fn a_token_outlives_the_rotation_of_the_signing_keys() {
        let key = |id, byte: u8| format!("{id}:{}", URL_SAFE_NO_PAD.encode([byte; 32]));
        let old = Csrf::new(&SigningKeys::parse(&key("a", 1)).unwrap());
        let both = format!("{},{}", key("b", 2), key("a", 1));
        let rotated = Csrf::new(&SigningKeys::parse(&both).unwrap());
        let session = SessionId::new();
        assert!(rotated.matches(session, &old.token(session)));
        assert!(!old.matches(session, &rotated.token(session)));
    }
}
