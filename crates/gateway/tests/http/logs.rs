//! What is never logged.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::api::{Api, Browser, OWN_ORIGIN, PASSWORD};
use crate::conversation::Scene;
use crate::previews::local;
use crate::site::Site;

thread_local! {
    /// What was logged on this thread, if its test wants to know.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes to the log of the thread it is on.
struct ThreadLog;

impl io::Write for ThreadLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| {
            if let Some(log) = log {
                log.extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs everything from here on. One subscriber for the whole process: one for this thread only
/// would miss what other tests' threads have met before without any.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(|| ThreadLog)
            .init();
    });
}

#[tokio::test]
async fn at_any_level_no_secret_and_no_message_is_logged() {
    LOG.set(Some(Vec::new()));
    let api = Api::start();
    let ada = api.person("ada").await;
    let room = api.room(&ada, "the name of the room", "private").await;
    let (id, code) = (room["id"].as_str().unwrap(), room["code"].as_str().unwrap());
    api.say(id, &ada, "the text of the message").await;
    api.store_all().await;
    let messages = format!("/rooms/{id}/messages");
    api.get(&messages).by(&ada).send().await.ok(StatusCode::OK);
    api.get("/users?q=who_is_sought").by(&ada).send().await.ok(StatusCode::OK);

    let shown = Scene::over(Api::with_previews(local(), |_, _| {})).await;
    let site = Site::start().await;
    let (link, _) = shown.says(&shown.ada, &site.url("/away?/title#what-is-behind")).await;
    let path = shown.path(&format!("/messages/{link}/preview"));
    shown.api.get(&path).by(&shown.bob).send().await.ok(StatusCode::OK);

    let login = json!({ "username": "ada", "password": PASSWORD, "transport": "cookie" });
    let answer = api.post("/login").header("origin", OWN_ORIGIN).json(&login).await;
    let browser = Browser::of(&answer);
    api.post("/rooms/join").in_browser(&browser).json(&json!({ "code": code })).await;
    api.call(Method::PATCH, &format!("/rooms/{id}")).in_browser(&browser).body("x/y", "z").await;
    for _ in 0..2 {
        api.post("/token").json(&json!({ "refresh_token": ada.refresh })).await;
    }
    api.post("/login").json(&json!({ "username": "ada", "password": "a wrong password" })).await;

    let text = String::from_utf8(LOG.take().unwrap()).unwrap();
    assert!(text.contains("route=\"/api/v1/login\"") && text.contains("status=401"), "{text}");
    let cookies = browser.cookies.split("; ").map(|cookie| cookie.split_once('=').unwrap().1);
    for secret in [
        PASSWORD,
        "a wrong password",
        &ada.access,
        &ada.refresh,
        code,
        "the name of the room",
        "the text of the message",
        "who_is_sought",
        "/away",
        "what-is-behind",
        "Only a title",
    ]
    .into_iter()
    .chain(cookies)
    {
        assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
    }
}
