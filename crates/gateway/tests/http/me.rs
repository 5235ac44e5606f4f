//! One's own account.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use hubbub_bus::Quota;
use hubbub_gateway::http::quotas::Kind;
use hubbub_protocol::{Timestamp, UserId};
use serde_json::{Value, json};

use crate::api::{Answer, Api, Browser, PASSWORD, Person};

async fn patch(api: &Api, person: &Person, change: Value) -> Answer {
    api.call(Method::PATCH, "/me").by(person).json(&change).await
}

async fn login(api: &Api, username: &str, password: &str) -> Answer {
    api.post("/login").json(&json!({ "username": username, "password": password })).await
}

#[tokio::test]
async fn one_s_own_account_shows_what_others_do_not_see() {
    let api = Api::start();
    let registration =
        json!({ "username": "ada", "password": PASSWORD, "email": "ada@mail.example" });
    let session = api.post("/register").json(&registration).await.ok(StatusCode::CREATED);
    let ada = Person::of(&session);
    let me = api.get("/me").by(&ada).send().await.ok(StatusCode::OK);
    assert_eq!(me["email"], "ada@mail.example");
    assert_eq!((&me["send_receipts"], &me["send_typing"]), (&json!(true), &json!(true)));
    let bob = api.person("bob").await;
    let seen = api.get(&format!("/users/{}", ada.id)).by(&bob).send().await.ok(StatusCode::OK);
    assert_eq!(seen["username"], "ada");
    for field in ["email", "admin", "send_receipts"] {
        assert!(seen.get(field).is_none(), "{field}");
    }
}

#[tokio::test]
async fn a_profile_is_changed_field_by_field() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let change = json!({ "display_name": " Ada L. ", "bio": "one\ntwo", "send_typing": false });
    let me = patch(&api, &ada, change).await.ok(StatusCode::OK);
    assert_eq!((&me["display_name"], &me["bio"]), (&json!("Ada L."), &json!("one\ntwo")));
    assert_eq!((&me["send_typing"], &me["send_receipts"]), (&json!(false), &json!(true)));
    let me = patch(&api, &ada, json!({ "status_text": "in Turin" })).await.ok(StatusCode::OK);
    assert_eq!((&me["status_text"], &me["bio"]), (&json!("in Turin"), &json!("one\ntwo")));
    let me = patch(&api, &ada, json!({ "status_text": "", "bio": "" })).await.ok(StatusCode::OK);
    assert!(me.get("status_text").is_none() && me.get("bio").is_none(), "{me}");
    let same = patch(&api, &ada, json!({})).await.ok(StatusCode::OK);
    assert_eq!(same, me);
}

#[tokio::test]
async fn every_field_of_a_profile_has_its_bound() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let change = json!({
        "display_name": "x".repeat(65), "bio": "x".repeat(501), "status_text": "x".repeat(81)
    });
    let answer = patch(&api, &ada, change).await;
    answer.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    let errors = answer.body["errors"].as_array().unwrap();
    let named: Vec<_> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(named, ["display_name", "bio", "status_text"]);
    let lines = patch(&api, &ada, json!({ "status_text": "one\ntwo" })).await;
    lines.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    patch(&api, &ada, json!({ "bio": 7 })).await.refused(StatusCode::BAD_REQUEST, "bad_frame");
    let unauthorised = api.call(Method::PATCH, "/me").json(&json!({})).await;
    unauthorised.refused(StatusCode::UNAUTHORIZED, "token_required");
}

#[tokio::test]
async fn a_person_is_found_under_the_new_name() {
    let api = Api::start();
    let ada = api.person("ada").await;
    patch(&api, &ada, json!({ "display_name": "Augusta King" })).await.ok(StatusCode::OK);
    let found = api.get("/users?q=king").by(&ada).send().await.ok(StatusCode::OK);
    assert_eq!(crate::api::usernames(&found), ["ada"]);
}

async fn change_password(api: &Api, person: &Person, current: &str, next: &str) -> Answer {
    let change = json!({ "current": current, "password": next });
    api.call(Method::PUT, "/me/password").by(person).json(&change).await
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let elsewhere = Person::of(&login(&api, "ada", PASSWORD).await.ok(StatusCode::OK));
    change_password(&api, &ada, PASSWORD, "another one").await.ok(StatusCode::NO_CONTENT);
    api.get("/me").by(&ada).send().await.ok(StatusCode::OK);
    let ended = api.get("/me").by(&elsewhere).send().await;
    ended.refused(StatusCode::UNAUTHORIZED, "session_ended");
    let old = login(&api, "ada", PASSWORD).await;
    old.refused(StatusCode::UNAUTHORIZED, "invalid_credentials");
    login(&api, "ada", "another one").await.ok(StatusCode::OK);
}

#[tokio::test]
async fn a_password_is_changed_only_by_who_knows_it() {
    let api = Api::start();
    let ada = api.person("ada").await;
    for wrong in ["not the password", "", &"x".repeat(300)] {
        let answer = change_password(&api, &ada, wrong, "another one").await;
        answer.refused(StatusCode::UNAUTHORIZED, "invalid_credentials");
    }
    let short = change_password(&api, &ada, PASSWORD, "short").await;
    short.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    let shapeless = api.call(Method::PUT, "/me/password").by(&ada).json(&json!({})).await;
    shapeless.refused(StatusCode::BAD_REQUEST, "bad_frame");
    login(&api, "ada", PASSWORD).await.ok(StatusCode::OK);
}

#[tokio::test]
async fn passwords_can_not_be_tried_with_a_token_faster_than_by_logging_in() {
    let once = Quota { burst: 1, every: Duration::from_secs(60) };
    let api = Api::with(|http, _| http.quotas.set(Kind::LoginAccount, once));
    let ada = api.person("ada").await;
    change_password(&api, &ada, "a first try", "another one").await;
    let second = change_password(&api, &ada, PASSWORD, "another one").await;
    second.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    let third = delete(&api, &ada, PASSWORD).await;
    third.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
}

async fn delete(api: &Api, person: &Person, password: &str) -> Answer {
    let request = json!({ "password": password });
    api.call(Method::DELETE, "/me").by(person).json(&request).await
}

#[tokio::test]
async fn a_deleted_account_lets_nobody_in_and_its_messages_have_a_stand_in() {
    let api = Api::start();
    let (root, ada) = (api.person("root").await, api.person("ada").await);
    let room = api.room(&root, "Lounge", "public").await;
    let id = room["id"].as_str().unwrap();
    let code = json!({ "code": room["code"] });
    api.post("/rooms/join").by(&ada).json(&code).await.ok(StatusCode::OK);
    api.say(id, &ada, "a word").await;
    api.store_all().await;
    patch(&api, &ada, json!({ "bio": "Notes", "status_text": "here" })).await.ok(StatusCode::OK);

    delete(&api, &ada, "not the password")
        .await
        .refused(StatusCode::UNAUTHORIZED, "invalid_credentials");
    delete(&api, &ada, PASSWORD).await.ok(StatusCode::NO_CONTENT);

    let ended = api.get("/me").by(&ada).send().await;
    ended.refused(StatusCode::UNAUTHORIZED, "session_ended");
    login(&api, "ada", PASSWORD).await.refused(StatusCode::UNAUTHORIZED, "invalid_credentials");
    let again = json!({ "username": "ada", "password": PASSWORD });
    api.post("/register").json(&again).await.refused(StatusCode::CONFLICT, "username_taken");

    let left = api.get(&format!("/users/{}", ada.id)).by(&root).send().await.ok(StatusCode::OK);
    assert_eq!((&left["display_name"], &left["deleted"]), (&json!("Deleted user"), &json!(true)));
    assert!(left["username"].as_str().unwrap().starts_with("deleted:"));
    assert!(left.get("bio").is_none() && left.get("status_text").is_none(), "{left}");
    let found = api.get("/users").by(&root).send().await.ok(StatusCode::OK);
    assert_eq!(crate::api::usernames(&found), ["root"]);
    let members = api.get(&format!("/rooms/{id}/members")).by(&root).send().await;
    assert_eq!(crate::api::usernames(&members.ok(StatusCode::OK)), ["root"]);
    api.store_all().await;
    let page = api.get(&format!("/rooms/{id}/messages")).by(&root).send().await;
    let page = page.ok(StatusCode::OK);
    let said = page["messages"].as_array().unwrap();
    assert!(
        said.iter().any(|m| m["sender"] == ada.id.to_string() && m["body"]["text"] == "a word")
    );
    assert!(api.app.store.erasures(9).await.unwrap().is_empty());

    // Broken off just before its end and finished again: still written down once.
    hubbub_gateway::erasure::finish(&api.app, ada.id).await.unwrap();
    let list = api.get("/admin/audit").by(&root).send().await.ok(StatusCode::OK);
    let ends: Vec<_> = list["entries"].as_array().unwrap().iter().collect();
    let of_ada = json!(ada.id.to_string());
    assert_eq!(ends.len(), 1, "{list}");
    assert_eq!(
        (&ends[0]["action"], &ends[0]["actor"], &ends[0]["user"]),
        (&json!("account_deleted"), &of_ada, &of_ada)
    );
}

#[tokio::test]
async fn deleting_an_account_in_a_browser_clears_its_cookies() {
    let api = Api::start();
    api.person("root").await;
    let registration = json!({ "username": "ada", "password": PASSWORD, "transport": "cookie" });
    let browser = Browser::of(&api.post("/register").json(&registration).await);
    let request = json!({ "password": PASSWORD });
    let gone = api.call(Method::DELETE, "/me").in_browser(&browser).json(&request).await;
    assert_eq!(gone.set_cookies().len(), 3);
    gone.ok(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn the_rooms_of_a_deleted_account_go_to_somebody_active_or_with_it() {
    let api = Api::start();
    let (root, ada, bob) =
        (api.person("root").await, api.person("ada").await, api.person("bob").await);
    let (shared, left) =
        (api.room(&ada, "Lounge", "public").await, api.room(&ada, "Attic", "public").await);
    let join = async |person: &Person, room: &Value| {
        let code = json!({ "code": room["code"] });
        api.post("/rooms/join").by(person).json(&code).await.ok(StatusCode::OK);
    };
    join(&bob, &shared).await;
    join(&root, &shared).await;
    join(&bob, &left).await;
    api.app.store.suspend(bob.id, Timestamp::now()).await.unwrap();
    delete(&api, &ada, PASSWORD).await.ok(StatusCode::NO_CONTENT);
    let path = format!("/rooms/{}", shared["id"].as_str().unwrap());
    let now = api.get(&path).by(&root).send().await.ok(StatusCode::OK);
    assert_eq!((&now["owner"], &now["role"]), (&json!(root.id), &json!("owner")));
    let directory = api.get("/rooms?public=true").by(&root).send().await.ok(StatusCode::OK);
    assert_eq!(directory["rooms"].as_array().unwrap().len(), 1, "nobody could own the other");
}

#[tokio::test]
async fn the_last_administrator_can_not_go() {
    let api = Api::start();
    let root = api.person("root").await;
    delete(&api, &root, PASSWORD).await.refused(StatusCode::CONFLICT, "last_admin");
    api.get("/me").by(&root).send().await.ok(StatusCode::OK);
}

#[tokio::test]
async fn a_deletion_that_was_cut_off_is_finished_by_whoever_comes_by() {
    let api = Api::start();
    api.person("root").await;
    let ada = api.person("ada").await;
    // As if the process had died right after the account was marked.
    api.app.store.begin_erasure(ada.id, Timestamp::now()).await.unwrap();
    let running = tokio::spawn(hubbub_gateway::erasure::run(std::sync::Arc::clone(&api.app)));
    while !api.app.store.erasures(9).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    running.abort();
    let ended = api.get("/me").by(&ada).send().await;
    ended.refused(StatusCode::UNAUTHORIZED, "session_ended");
}

#[tokio::test]
async fn nobody_is_nobody() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let path = format!("/users/{}", UserId::new());
    api.get(&path).by(&ada).send().await.refused(StatusCode::NOT_FOUND, "user_not_found");
    api.get("/users/me").by(&ada).send().await.refused(StatusCode::BAD_REQUEST, "bad_id");
    api.get(&path).send().await.refused(StatusCode::UNAUTHORIZED, "token_required");
}
