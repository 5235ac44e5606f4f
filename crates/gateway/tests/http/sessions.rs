//! Access tokens, rotation, logout.

use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hubbub_bus::Quota;
use hubbub_gateway::auth::{Auth, AuthOptions, SigningKeys};
use hubbub_gateway::http::quotas::Kind;
use hubbub_protocol::{SessionId, Timestamp, UserId};
use serde_json::{Value, json};

use crate::api::{Api, Person, SIGNING_KEYS};

/// What a gateway with these keys signs with.
pub(crate) fn signer(keys: &str) -> Auth {
    Auth::new(AuthOptions {
        signing_keys: SigningKeys::parse(keys).unwrap(),
        access_token_ttl: Duration::from_secs(60),
        refresh_token_ttl: Duration::from_secs(60),
        hashing_permits: 1,
        secure_cookies: false,
    })
}

async fn rotate(api: &Api, refresh: &str) -> crate::api::Answer {
    api.post("/token").json(&json!({ "refresh_token": refresh })).await
}

#[tokio::test]
async fn without_a_token_nobody_comes_in() {
    let api = Api::start();
    for path in ["/me", "/users", "/rooms"] {
        let answer = api.get(path).send().await;
        answer.refused(StatusCode::UNAUTHORIZED, "token_required");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn a_token_in_the_url_counts_for_nothing() {
    let api = Api::start();
    let ada = api.person("ada").await;
    for query in ["token", "access_token", "hubbub_access"] {
        let answer = api.get(&format!("/me?{query}={}", ada.access)).send().await;
        answer.refused(StatusCode::UNAUTHORIZED, "token_required");
    }
}

#[tokio::test]
async fn an_expired_token_is_told_apart() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let long_ago = Timestamp::from_millis(Timestamp::now().millis() - 3_600_000);
    let (old, _) = signer(SIGNING_KEYS).issue_access(ada.id, SessionId::new(), long_ago);
    let answer = api.get("/me").bearer(&old).send().await;
    answer.refused(StatusCode::UNAUTHORIZED, "token_expired");
    assert_eq!(answer.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
}

#[tokio::test]
async fn a_forged_token_is_refused() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let same_id = format!("test:{}", URL_SAFE_NO_PAD.encode([1; 32]));
    let (forged, _) = signer(&same_id).issue_access(ada.id, SessionId::new(), Timestamp::now());
    api.get("/me").bearer(&forged).send().await.refused(StatusCode::UNAUTHORIZED, "token_invalid");
    let cut = &ada.access[..ada.access.len() - 2];
    for token in ["", "x", "a.b.c", cut, &"x".repeat(8192)] {
        let answer = api.get("/me").bearer(token).send().await;
        answer.refused(StatusCode::UNAUTHORIZED, "token_invalid");
    }
}

#[tokio::test]
async fn a_token_with_another_algorithm_is_refused() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let parts: Vec<_> = ada.access.split('.').collect();
    for alg in ["none", "HS512", "RS256"] {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "kid": "test" }).to_string());
        for signature in [parts[2], ""] {
            let token = format!("{header}.{}.{signature}", parts[1]);
            let answer = api.get("/me").bearer(&token).send().await;
            answer.refused(StatusCode::UNAUTHORIZED, "token_invalid");
        }
    }
}

#[tokio::test]
async fn another_scheme_than_bearer_is_refused() {
    let api = Api::start();
    let answer = api.get("/me").header("authorization", "Basic YTpi").send().await;
    answer.refused(StatusCode::UNAUTHORIZED, "token_invalid");
}

#[tokio::test]
async fn the_token_of_a_user_who_is_gone_is_nobody_s() {
    let api = Api::start();
    let now = Timestamp::now();
    let (token, _) = signer(SIGNING_KEYS).issue_access(UserId::new(), SessionId::new(), now);
    api.get("/me").bearer(&token).send().await.refused(StatusCode::UNAUTHORIZED, "session_ended");
}

#[tokio::test]
async fn a_rotation_gives_new_tokens_for_the_same_user() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let session = rotate(&api, &ada.refresh).await.ok(StatusCode::OK);
    let next = Person::of(&session);
    assert_eq!(next.id, ada.id);
    assert_ne!(next.refresh, ada.refresh);
    api.get("/me").by(&next).send().await.ok(StatusCode::OK);
    rotate(&api, &next.refresh).await.ok(StatusCode::OK);
}

#[tokio::test]
async fn a_used_refresh_token_ends_the_whole_session() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let next = Person::of(&rotate(&api, &ada.refresh).await.ok(StatusCode::OK));
    let newest = Person::of(&rotate(&api, &next.refresh).await.ok(StatusCode::OK));

    rotate(&api, &ada.refresh).await.refused(StatusCode::UNAUTHORIZED, "session_ended");

    for person in [&ada, &next, &newest] {
        let me = api.get("/me").by(person).send().await;
        me.refused(StatusCode::UNAUTHORIZED, "session_ended");
    }
    assert_eq!(rotate(&api, &newest.refresh).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_end_of_one_session_leaves_the_others() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let login = json!({ "username": "ada", "password": crate::api::PASSWORD });
    let other = Person::of(&api.post("/login").json(&login).await.ok(StatusCode::OK));
    api.post("/logout").by(&ada).send().await.ok(StatusCode::NO_CONTENT);
    api.get("/me").by(&other).send().await.ok(StatusCode::OK);
}

#[tokio::test]
async fn after_logout_neither_token_works() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let answer = api.post("/logout").by(&ada).send().await;
    assert!(answer.set_cookies().is_empty());
    assert_eq!(answer.ok(StatusCode::NO_CONTENT), Value::Null);
    let me = api.get("/me").by(&ada).send().await;
    me.refused(StatusCode::UNAUTHORIZED, "session_ended");
    rotate(&api, &ada.refresh).await.refused(StatusCode::UNAUTHORIZED, "token_invalid");
}

#[tokio::test]
async fn what_was_never_a_refresh_token_is_refused() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let unknown = URL_SAFE_NO_PAD.encode([7; 48]);
    for token in ["", "x", &unknown, &ada.access] {
        let answer = rotate(&api, token).await;
        answer.refused(StatusCode::UNAUTHORIZED, "token_invalid");
    }
    api.post("/token").send().await.refused(StatusCode::UNAUTHORIZED, "token_required");
    rotate(&api, &ada.refresh).await.ok(StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_token_that_ran_out_is_refused() {
    let api = Api::with(|_, auth| auth.refresh_token_ttl = Duration::ZERO);
    let ada = api.person("ada").await;
    rotate(&api, &ada.refresh).await.refused(StatusCode::UNAUTHORIZED, "token_invalid");
}

#[tokio::test]
async fn rotations_from_one_address_are_limited_and_use_nothing_up_then() {
    let once = Quota { burst: 1, every: Duration::from_secs(60) };
    let api = Api::with(|http, _| http.quotas.set(Kind::TokenAddress, once));
    let ada = api.person("ada").await;
    let rotate = async |token: &str, from: &str| {
        api.post("/token").from(from).json(&json!({ "refresh_token": token })).await
    };
    let wrong = rotate("nonsense", "203.0.113.1").await;
    wrong.refused(StatusCode::UNAUTHORIZED, "token_invalid");
    let refused = rotate(&ada.refresh, "203.0.113.1").await;
    refused.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    rotate(&ada.refresh, "203.0.113.2").await.ok(StatusCode::OK);
}

#[tokio::test]
async fn a_session_that_only_the_store_knows_has_ended_lets_nobody_in() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let session = api.app.auth.verify_access(&ada.access).unwrap().session;
    assert!(api.app.store.end_session(session).await.unwrap());
    api.get("/me").by(&ada).send().await.refused(StatusCode::UNAUTHORIZED, "session_ended");
}
