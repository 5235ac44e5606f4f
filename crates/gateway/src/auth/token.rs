//! Access tokens (JWT, RFC 7519, HS256) and refresh tokens (opaque).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hubbub_protocol::{ErrorCode, SessionId, Timestamp, UserId};
use hubbub_store::sessions::TokenHash;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::keys::SigningKeys;
use super::provider;

/// Who makes the tokens, and whom they are for.
const ISSUER: &str = "hubbub";
const AUDIENCE: &str = "hubbub";

/// How far apart the clocks of two nodes may be.
const LEEWAY: Duration = Duration::from_secs(5);

/// Longest access token that is looked at, in bytes. Ours have about 330.
pub const ACCESS_TOKEN_MAX: usize = 4096;

/// What an access token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Who it is.
    pub user: UserId,
    /// By which login.
    pub session: SessionId,
    /// When the token runs out.
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    /// Seconds since 1970.
    iat: i64,
    /// Seconds since 1970.
    exp: i64,
}

/// Makes and checks access tokens.
pub(super) struct AccessTokens {
    header: Header,
    signing: EncodingKey,
    verifying: Vec<(String, DecodingKey)>,
    validation: Validation,
}

impl AccessTokens {
    pub(super) fn new(keys: &SigningKeys) -> Self {
        provider::install();
        let header =
            Header { kid: Some(keys.signing().id.clone()), ..Header::new(Algorithm::HS256) };
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY.as_secs();
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Self {
            header,
            signing: EncodingKey::from_secret(&keys.signing().secret),
            verifying: keys
                .all()
                .iter()
                .map(|key| (key.id.clone(), DecodingKey::from_secret(&key.secret)))
                .collect(),
            validation,
        }
    }

    /// A token for `access`; its end is cut to the second.
    pub(super) fn issue(&self, access: &Access, now: Timestamp) -> String {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: access.user,
            sid: access.session,
            iat: now.millis() / 1000,
            exp: access.expires_at.millis() / 1000,
        };
        jsonwebtoken::encode(&self.header, &claims, &self.signing)
            .expect("claims with string keys are always JSON, and HMAC takes any message")
    }

    /// What a token says, if it is ours and its time is not over.
    pub(super) fn verify(&self, token: &str) -> Result<Access, ErrorCode> {
        if token.len() > ACCESS_TOKEN_MAX {
            return Err(ErrorCode::TokenInvalid);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| ErrorCode::TokenInvalid)?;
        let kid = header.kid.ok_or(ErrorCode::TokenInvalid)?;
        let Some((_, key)) = self.verifying.iter().find(|(id, _)| *id == kid) else {
            return Err(of_unknown_key(token));
        };
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => ErrorCode::TokenExpired,
                _ => ErrorCode::TokenInvalid,
            })?
            .claims;
        Ok(Access {
            user: claims.sub,
            session: claims.sid,
            expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1000)),
        })
    }
}

/// Why a token of a key that is not known is refused.
///
/// A key is retired when its last token has run out, and a browser may come back with that token much
/// later: it is told to rotate it, as with any that has run out. Nobody can tell such a token from a
/// made-up one that calls itself old; neither lets anybody in.
fn of_unknown_key(token: &str) -> ErrorCode {
    match jsonwebtoken::dangerous::insecure_decode_claims::<Claims>(token) {
        Ok(Claims { exp, .. }) if exp < Timestamp::now().millis() / 1000 => ErrorCode::TokenExpired,
        _ => ErrorCode::TokenInvalid,
    }
}

/// Random bytes of a refresh token.
const REFRESH_RANDOM: usize = 32;
/// A refresh token's bytes: the session's id, then randomness.
const REFRESH_BYTES: usize = 16 + REFRESH_RANDOM;

/// A refresh token: the session's id and 32 random bytes, in base64url.
///
/// The id is in it so that the CSRF token, which belongs to the session, can be checked before the
/// token is used up. It grants nothing: what counts is the hash over all of it.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken([u8; REFRESH_BYTES]);

impl RefreshToken {
    /// A new token for a session.
    #[must_use]
    pub fn generate(session: SessionId) -> Self {
        let mut bytes = [0_u8; REFRESH_BYTES];
        let (id, random) = bytes.split_at_mut(16);
        id.copy_from_slice(session.as_uuid().as_bytes());
        SystemRandom::new()
            .fill(random)
            .expect("the operating system's random source does not fail once it is seeded");
        Self(bytes)
    }

    /// Reads a token as a client presents it.
    ///
    /// # Errors
    /// [`ErrorCode::TokenInvalid`] for what was never one of ours.
    pub fn parse(text: &str) -> Result<Self, ErrorCode> {
        // The length is checked first so that a megabyte of text is not decoded.
        if text.len() != REFRESH_BYTES.div_ceil(3) * 4 {
            return Err(ErrorCode::TokenInvalid);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ErrorCode::TokenInvalid)?;
        bytes.try_into().map(Self).map_err(|_| ErrorCode::TokenInvalid)
    }

    /// The token as a client carries it.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The session it says it belongs to. Not proved until the hash is found.
    #[must_use]
    pub fn session(&self) -> SessionId {
        let mut id = [0_u8; 16];
        id.copy_from_slice(&self.0[..16]);
        SessionId::from_uuid(Uuid::from_bytes(id))
    }

    /// What the store keeps of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        Sha256::digest(self.0).into()
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SECRET: [u8; 32] = [7; 32];

    fn keys(text: &[(&str, [u8; 32])]) -> SigningKeys {
        let entries: Vec<_> = text
            .iter()
            .map(|(id, secret)| format!("{id}:{}", URL_SAFE_NO_PAD.encode(secret)))
            .collect();
        SigningKeys::parse(&entries.join(",")).unwrap()
    }

    fn tokens() -> AccessTokens {
        AccessTokens::new(&keys(&[("k", SECRET)]))
    }

    fn access(seconds: i64) -> Access {
        let now = Timestamp::now().millis() / 1000;
        Access {
            user: UserId::new(),
            session: SessionId::new(),
            expires_at: Timestamp::from_millis((now + seconds) * 1000),
        }
    }

    fn claims() -> Value {
        let now = Timestamp::now().millis() / 1000;
        json!({ "iss": "hubbub", "aud": "hubbub", "sub": UserId::new(), "sid": SessionId::new(),
                "iat": now, "exp": now + 60 })
    }

    /// A token made by hand, so that it can say what our own code never would.
    fn forge(header: &Value, claims: &Value, secret: &[u8]) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        let tag = ring::hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    fn header() -> Value {
        json!({ "alg": "HS256", "typ": "JWT", "kid": "k" })
    }

    #[test]
    fn a_token_says_what_it_was_issued_for() {
        let (tokens, access) = (tokens(), access(60));
        let text = tokens.issue(&access, Timestamp::now());
        assert_eq!(tokens.verify(&text), Ok(access));
        assert!(text.len() < ACCESS_TOKEN_MAX / 4, "{}", text.len());
    }

    #[test]
    fn a_token_made_by_hand_with_the_right_key_passes() {
        assert!(tokens().verify(&forge(&header(), &claims(), &SECRET)).is_ok());
    }

    #[test]
    fn an_expired_token_is_told_from_an_invalid_one() {
        let tokens = tokens();
        let text = tokens.issue(&access(-60), Timestamp::now());
        assert_eq!(tokens.verify(&text), Err(ErrorCode::TokenExpired));
    }

    #[test]
    fn the_leeway_is_seconds() {
        let tokens = tokens();
        assert!(tokens.verify(&tokens.issue(&access(-3), Timestamp::now())).is_ok());
        let text = tokens.issue(&access(-8), Timestamp::now());
        assert_eq!(tokens.verify(&text), Err(ErrorCode::TokenExpired));
    }

    #[test]
    fn a_token_of_another_key_is_refused() {
        let text = forge(&header(), &claims(), &[8; 32]);
        assert_eq!(tokens().verify(&text), Err(ErrorCode::TokenInvalid));
    }

    #[test]
    fn an_expired_forgery_is_invalid_not_expired() {
        let mut old = claims();
        old["exp"] = json!(1_000_000_000);
        let text = forge(&header(), &old, &[8; 32]);
        assert_eq!(tokens().verify(&text), Err(ErrorCode::TokenInvalid));
    }

    #[test]
    fn changed_claims_are_refused() {
        let tokens = tokens();
        let text = tokens.issue(&access(60), Timestamp::now());
        let parts: Vec<_> = text.split('.').collect();
        let other = URL_SAFE_NO_PAD.encode(claims().to_string());
        let changed = format!("{}.{other}.{}", parts[0], parts[2]);
        assert_eq!(tokens.verify(&changed), Err(ErrorCode::TokenInvalid));
    }

    #[test]
    fn no_other_algorithm_is_accepted() {
        for alg in ["none", "None", "HS384", "HS512", "RS256", "ES256", "EdDSA"] {
            let text = forge(&json!({ "alg": alg, "kid": "k" }), &claims(), &SECRET);
            assert_eq!(tokens().verify(&text), Err(ErrorCode::TokenInvalid), "{alg}");
        }
        let unsigned = forge(&json!({ "alg": "none", "kid": "k" }), &claims(), &SECRET);
        let (message, _) = unsigned.rsplit_once('.').unwrap();
        assert_eq!(tokens().verify(&format!("{message}.")), Err(ErrorCode::TokenInvalid));
    }

    #[test]
    fn a_token_for_somebody_else_or_without_a_claim_is_refused() {
        for (claim, value) in [
            ("iss", json!("elsewhere")),
            ("aud", json!("elsewhere")),
            ("iss", Value::Null),
            ("aud", Value::Null),
            ("exp", Value::Null),
            ("exp", json!("soon")),
            ("sub", Value::Null),
            ("sub", json!("not-an-id")),
            ("sid", Value::Null),
        ] {
            let mut wrong = claims();
            wrong[claim] = value.clone();
            let text = forge(&header(), &wrong, &SECRET);
            assert_eq!(tokens().verify(&text), Err(ErrorCode::TokenInvalid), "{claim} {value}");
        }
    }

    #[test]
    fn an_unknown_or_missing_key_id_is_refused() {
        for header in [json!({ "alg": "HS256", "kid": "other" }), json!({ "alg": "HS256" })] {
            let text = forge(&header, &claims(), &SECRET);
            assert_eq!(tokens().verify(&text), Err(ErrorCode::TokenInvalid), "{header}");
        }
    }

    #[test]
    fn a_token_of_the_old_key_outlives_a_rotation() {
        let access = access(60);
        let text = tokens().issue(&access, Timestamp::now());
        let rotated = AccessTokens::new(&keys(&[("k2", [9; 32]), ("k", SECRET)]));
        assert_eq!(rotated.verify(&text), Ok(access));
        let new = rotated.issue(&access, Timestamp::now());
        assert_eq!(tokens().verify(&new), Err(ErrorCode::TokenInvalid), "the new key signs");
    }

    #[test]
    fn a_token_that_ran_out_before_its_key_was_retired_is_told_to_be_rotated() {
        let retired = AccessTokens::new(&keys(&[("k2", [9; 32])]));
        let refused = |seconds| {
            let text = tokens().issue(&access(seconds), Timestamp::now());
            retired.verify(&text).unwrap_err()
        };
        assert_eq!(refused(-60), ErrorCode::TokenExpired);
        assert_eq!(refused(60), ErrorCode::TokenInvalid, "it says itself that it is good");
        let empty = forge(&json!({ "alg": "HS256", "kid": "other" }), &json!({}), &[8; 32]);
        assert_eq!(retired.verify(&empty), Err(ErrorCode::TokenInvalid));
    }

    #[test]
    fn garbage_and_oversize_are_refused() {
        let long = "a.".repeat(ACCESS_TOKEN_MAX);
        for text in ["", ".", "..", "...", "a.b.c", "ÿ.ÿ.ÿ", long.as_str()] {
            assert_eq!(tokens().verify(text), Err(ErrorCode::TokenInvalid), "{}", text.len());
        }
        let mut padded = claims();
        padded["pad"] = json!("x".repeat(ACCESS_TOKEN_MAX));
        let text = forge(&header(), &padded, &SECRET);
        assert_eq!(tokens().verify(&text), Err(ErrorCode::TokenInvalid));
    }

    #[test]
    fn a_refresh_token_survives_its_text_and_names_its_session() {
        let session = SessionId::new();
        let token = RefreshToken::generate(session);
        let read = RefreshToken::parse(&token.to_text()).unwrap();
        assert_eq!(read.session(), session);
        assert_eq!(read.hash(), token.hash());
        assert_ne!(RefreshToken::generate(session).hash(), token.hash());
    }

    #[test]
    fn what_was_never_a_refresh_token_is_refused() {
        let long = "A".repeat(1 << 20);
        for text in ["", "x", &"A".repeat(63), &"%".repeat(64), long.as_str()] {
            assert_eq!(RefreshToken::parse(text), Err(ErrorCode::TokenInvalid));
        }
    }
}
