//! Browser sessions: cookies, CSRF, Origin.

use axum::http::StatusCode;
use hubbub_gateway::auth::origin::Origins;
use hubbub_gateway::auth::token::RefreshToken;
use hubbub_protocol::{SessionId, Timestamp, UserId};
use serde_json::{Value, json};

use crate::api::{Answer, Api, Browser, OWN_ORIGIN, PASSWORD};
use crate::sessions::signer;

/// A key that no test gateway knows any more.
const RETIRED_KEY: &str = "retired:YSBzaWduaW5nIGtleSB0aGF0IGhhcyBiZWVuIHJldGlyZWQ";

async fn register(api: &Api, username: &str) -> Answer {
    let registration = json!({ "username": username, "password": PASSWORD, "transport": "cookie" });
    let answer = api.post("/register").header("origin", OWN_ORIGIN).json(&registration).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer
}

async fn browser(api: &Api, username: &str) -> Browser {
    Browser::of(&register(api, username).await)
}

/// What a browser would have of the same session if it had been away since its tokens were signed with
/// another key, an hour ago.
fn begun_with(key: &str, now: &Browser) -> Browser {
    let refresh = now.cookies.split("; ").find_map(|c| c.strip_prefix("hubbub_refresh=")).unwrap();
    let session = RefreshToken::parse(refresh).unwrap().session();
    let long_ago = Timestamp::from_millis(Timestamp::now().millis() - 3_600_000);
    let auth = signer(key);
    let (access, _) = auth.issue_access(UserId::new(), session, long_ago);
    let csrf = auth.csrf_token(session);
    let cookies = format!("hubbub_access={access}; hubbub_refresh={refresh}; hubbub_csrf={csrf}");
    Browser { cookies, csrf }
}

fn room() -> Value {
    json!({ "name": "Tea", "kind": "private" })
}

#[tokio::test]
async fn tokens_travel_in_cookies_only() {
    let api = Api::start();
    let answer = register(&api, "ada").await;
    for field in ["access_token", "refresh_token"] {
        assert!(answer.body.get(field).is_none(), "{field}");
    }
    let cookies = answer.set_cookies();
    let hidden = cookies.iter().filter(|line| line.contains("HttpOnly")).count();
    assert_eq!((cookies.len(), hidden), (3, 2), "{cookies:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn the_cookie_is_enough_to_read() {
    let api = Api::start();
    let browser = browser(&api, "ada").await;
    let me = api.get("/me").cookies(&browser).send().await.ok(StatusCode::OK);
    assert_eq!(me["username"], "ada");
}

#[tokio::test]
async fn a_change_needs_the_session_s_csrf_token() {
    let api = Api::start();
    let ada = browser(&api, "ada").await;
    let eve = browser(&api, "eve").await;
    let call = || api.post("/rooms").cookies(&ada).header("origin", OWN_ORIGIN);
    call().json(&room()).await.refused(StatusCode::FORBIDDEN, "csrf_failed");
    for wrong in ["", "x", &eve.csrf] {
        let answer = call().header("x-csrf-token", wrong).json(&room()).await;
        answer.refused(StatusCode::FORBIDDEN, "csrf_failed");
    }
    api.post("/rooms").in_browser(&ada).json(&room()).await.ok(StatusCode::CREATED);
}

#[tokio::test]
async fn a_change_needs_an_allowed_origin() {
    let api = Api::start();
    let ada = browser(&api, "ada").await;
    let call = || api.post("/rooms").cookies(&ada).header("x-csrf-token", &ada.csrf);
    call().json(&room()).await.refused(StatusCode::FORBIDDEN, "origin_refused");
    for origin in ["https://evil.example", "null", "http://chat.example.evil"] {
        let answer = call().header("origin", origin).json(&room()).await;
        answer.refused(StatusCode::FORBIDDEN, "origin_refused");
    }
    let cross = call().header("origin", OWN_ORIGIN).header("sec-fetch-site", "cross-site");
    cross.json(&room()).await.refused(StatusCode::FORBIDDEN, "origin_refused");
    let same = call().header("origin", OWN_ORIGIN).header("sec-fetch-site", "same-origin");
    same.json(&room()).await.ok(StatusCode::CREATED);
}

#[tokio::test]
async fn a_bearer_token_needs_neither_origin_nor_csrf_token() {
    let api = Api::start();
    let ada = api.person("ada").await;
    api.post("/rooms").by(&ada).json(&room()).await.ok(StatusCode::CREATED);
}

#[tokio::test]
async fn another_site_can_not_log_its_visitors_in() {
    let api = Api::start();
    let eve = json!({ "username": "eve", "password": PASSWORD, "transport": "cookie" });
    for path in ["/register", "/login"] {
        let answer = api.post(path).header("origin", "https://evil.example").json(&eve).await;
        answer.refused(StatusCode::FORBIDDEN, "origin_refused");
        let answer = api.post(path).header("sec-fetch-site", "cross-site").json(&eve).await;
        answer.refused(StatusCode::FORBIDDEN, "origin_refused");
    }
}

#[tokio::test]
async fn an_access_cookie_that_ran_out_is_told_from_none_and_can_be_rotated() {
    let api = Api::start();
    let answer = register(&api, "ada").await;
    let cookies = answer.set_cookies();
    assert!(cookies.iter().all(|line| line.ends_with("Max-Age=3600")), "{cookies:?}");

    let long_ago = Timestamp::from_millis(Timestamp::now().millis() - 3_600_000);
    let (old, _) = api.app.auth.issue_access(UserId::new(), SessionId::new(), long_ago);
    let ada = Browser::of(&answer);
    let stale = Browser { cookies: format!("hubbub_access={old}"), ..ada.clone() };
    let me = api.get("/me").cookies(&stale).send().await;
    me.refused(StatusCode::UNAUTHORIZED, "token_expired");
    api.post("/token").in_browser(&ada).send().await.ok(StatusCode::OK);
}

#[tokio::test]
async fn a_rotation_replaces_the_cookies() {
    let api = Api::start();
    let ada = browser(&api, "ada").await;
    let answer = api.post("/token").in_browser(&ada).send().await;
    let next = Browser::of(&answer);
    assert_ne!(next.cookies, ada.cookies);
    assert_eq!(next.csrf, ada.csrf, "it belongs to the session, which is the same");
    assert_eq!(answer.body["expires_in"], 900);
    assert!(answer.body.get("access_token").is_none());
    api.get("/me").cookies(&next).send().await.ok(StatusCode::OK);
}

#[tokio::test]
async fn a_session_continues_when_the_key_it_began_with_is_retired() {
    let api = Api::start();
    let ada = begun_with(RETIRED_KEY, &browser(&api, "ada").await);
    let me = api.get("/me").cookies(&ada).send().await;
    me.refused(StatusCode::UNAUTHORIZED, "token_expired");
    let forged = api.post("/token").cookies(&ada).header("origin", OWN_ORIGIN);
    let forged = forged.header("x-csrf-token", "guessed").send().await;
    forged.refused(StatusCode::FORBIDDEN, "csrf_failed");
    let ada = Browser::of(&api.post("/token").in_browser(&ada).send().await);
    api.post("/rooms").in_browser(&ada).json(&room()).await.ok(StatusCode::CREATED);
}

#[tokio::test]
async fn a_rotation_without_its_proofs_uses_nothing_up() {
    let api = Api::start();
    let ada = browser(&api, "ada").await;
    let eve = browser(&api, "eve").await;
    let call = || api.post("/token").cookies(&ada);
    call().send().await.refused(StatusCode::FORBIDDEN, "origin_refused");
    let answer = call().header("origin", OWN_ORIGIN).send().await;
    answer.refused(StatusCode::FORBIDDEN, "csrf_failed");
    let foreign = call().header("origin", OWN_ORIGIN).header("x-csrf-token", &eve.csrf);
    foreign.send().await.refused(StatusCode::FORBIDDEN, "csrf_failed");
    api.post("/token").in_browser(&ada).send().await.ok(StatusCode::OK);
}

#[tokio::test]
async fn a_used_refresh_cookie_ends_the_session_and_takes_the_cookies_back() {
    let api = Api::start();
    let ada = browser(&api, "ada").await;
    let next = Browser::of(&api.post("/token").in_browser(&ada).send().await);
    let reused = api.post("/token").in_browser(&ada).send().await;
    reused.refused(StatusCode::UNAUTHORIZED, "session_ended");
    let cleared = reused.set_cookies();
    assert_eq!(cleared.len(), 3);
    assert!(cleared.iter().all(|line| line.contains("Max-Age=0")), "{cleared:?}");
    let me = api.get("/me").cookies(&next).send().await;
    me.refused(StatusCode::UNAUTHORIZED, "session_ended");
}

#[tokio::test]
async fn logging_out_takes_the_cookies_back() {
    let api = Api::start();
    let ada = browser(&api, "ada").await;
    let denied = api.post("/logout").cookies(&ada).header("origin", OWN_ORIGIN).send().await;
    denied.refused(StatusCode::FORBIDDEN, "csrf_failed");
    let answer = api.post("/logout").in_browser(&ada).send().await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.set_cookies().len(), 3);
    let me = api.get("/me").cookies(&ada).send().await;
    me.refused(StatusCode::UNAUTHORIZED, "session_ended");
}

#[tokio::test]
async fn behind_https_cookies_are_secure_and_plain_ones_are_not_read() {
    let api = Api::with(|http, auth| {
        auth.secure_cookies = true;
        http.origins = Origins::new(Some("https://chat.example"), [] as [&str; 0]).unwrap();
    });
    let login = json!({ "username": "ada", "password": PASSWORD, "transport": "cookie" });
    let answer = api.post("/register").header("origin", "https://chat.example").json(&login).await;
    let cookies = answer.set_cookies();
    assert!(cookies.iter().all(|line| line.contains("Secure") && line.starts_with("__")));
    let ada = Browser::of(&answer);
    api.get("/me").cookies(&ada).send().await.ok(StatusCode::OK);
    let plain = ada.cookies.replace("__Host-", "");
    let answer = api.get("/me").cookies(&Browser { cookies: plain, ..ada }).send().await;
    answer.refused(StatusCode::UNAUTHORIZED, "token_required");
}
