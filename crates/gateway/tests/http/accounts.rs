//! Registration and login.

use axum::http::StatusCode;
use hubbub_bus::Quota;
use hubbub_gateway::http::quotas::Kind;
use serde_json::{Value, json};
use std::time::Duration;

use crate::api::{Api, PASSWORD, Person};

#[tokio::test]
async fn registering_answers_with_the_user_and_a_session_that_works() {
    let api = Api::start();
    let registration = json!({ "username": "Ada", "password": PASSWORD, "display_name": " Ada L. ", "email": "a@b.example" });
    let session = api.post("/register").json(&registration).await.ok(StatusCode::CREATED);
    assert_eq!(session["expires_in"], 900);
    assert_eq!(session["user"]["username"], "ada");
    assert_eq!(session["user"]["display_name"], "Ada L.");
    assert_eq!(session["user"]["avatar"], Value::Null);
    assert!(session.get("csrf_token").is_none());
    let me = api.get("/me").by(&Person::of(&session)).send().await.ok(StatusCode::OK);
    assert_eq!(me["id"], session["user"]["id"]);
}

#[tokio::test]
async fn without_a_display_name_the_user_name_is_shown() {
    let api = Api::start();
    let registration = json!({ "username": "Ada", "password": PASSWORD });
    let session = api.post("/register").json(&registration).await.ok(StatusCode::CREATED);
    assert_eq!(session["user"]["display_name"], "ada");
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_whatever_its_case() {
    let api = Api::start();
    api.person("ada").await;
    let again = json!({ "username": "ADA", "password": PASSWORD });
    api.post("/register").json(&again).await.refused(StatusCode::CONFLICT, "username_taken");
}

#[tokio::test]
async fn every_field_out_of_bounds_is_named() {
    let api = Api::start();
    let registration =
        json!({ "username": "a b", "password": "short", "display_name": "", "email": "x" });
    let answer = api.post("/register").json(&registration).await;
    answer.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    let errors = answer.body["errors"].as_array().unwrap();
    let named: Vec<_> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(named, ["username", "password", "display_name", "email"]);
    assert!(!answer.body.to_string().contains("short"), "nothing that was sent is quoted");
}

#[tokio::test]
async fn logging_in_works_whatever_the_case_of_the_name() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let login = json!({ "username": "ADA", "password": PASSWORD });
    let session = api.post("/login").json(&login).await.ok(StatusCode::OK);
    assert_eq!(session["user"]["id"], ada.id.to_string());
    api.get("/me").by(&Person::of(&session)).send().await.ok(StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_get_the_same_answer_for_the_same_work() {
    let api = Api::start();
    api.person("ada").await;
    let attempt = async |username: &str| {
        let before = api.app.auth.passwords().computed();
        let login = json!({ "username": username, "password": "not the password" });
        let answer = api.post("/login").json(&login).await;
        answer.refused(StatusCode::UNAUTHORIZED, "invalid_credentials");
        (answer.body, api.app.auth.passwords().computed() - before)
    };
    let known = attempt("ada").await;
    assert_eq!(known.1, 1);
    assert_eq!(attempt("bob").await, known);
    assert_eq!(attempt("no user can be called this").await, known);
}

#[tokio::test]
async fn an_endless_password_is_refused_without_being_hashed() {
    let api = Api::start();
    api.person("ada").await;
    let before = api.app.auth.passwords().computed();
    let login = json!({ "username": "ada", "password": "x".repeat(257) });
    api.post("/login").json(&login).await.refused(StatusCode::UNAUTHORIZED, "invalid_credentials");
    assert_eq!(api.app.auth.passwords().computed(), before);
}

fn once() -> Quota {
    Quota { burst: 1, every: Duration::from_secs(60) }
}

#[tokio::test]
async fn logins_to_one_account_are_limited_wherever_they_come_from() {
    let api = Api::with(|http, _| http.quotas.set(Kind::LoginAccount, once()));
    api.person("ada").await;
    let login = json!({ "username": "ada", "password": PASSWORD });
    api.post("/login").from("203.0.113.1").json(&login).await.ok(StatusCode::OK);
    let refused = api.post("/login").from("203.0.113.2").json(&login).await;
    refused.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    assert!(refused.body["retry_after_ms"].as_u64().unwrap() > 50_000, "{}", refused.body);
}

#[tokio::test]
async fn logins_from_one_address_are_limited_whatever_the_account() {
    let api = Api::with(|http, _| http.quotas.set(Kind::LoginAddress, once()));
    let login = |name: &str| json!({ "username": name, "password": PASSWORD });
    let from = "203.0.113.1";
    let first = api.post("/login").from(from).json(&login("ada")).await;
    first.refused(StatusCode::UNAUTHORIZED, "invalid_credentials");
    let second = api.post("/login").from(from).json(&login("bob")).await;
    second.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    let elsewhere = api.post("/login").from("203.0.113.2").json(&login("bob")).await;
    elsewhere.refused(StatusCode::UNAUTHORIZED, "invalid_credentials");
}

#[tokio::test]
async fn registrations_from_one_address_are_limited() {
    let api = Api::with(|http, _| http.quotas.set(Kind::RegisterAddress, once()));
    let register = async |name: &str, from: &str| {
        let registration = json!({ "username": name, "password": PASSWORD });
        api.post("/register").from(from).json(&registration).await
    };
    register("ada", "203.0.113.1").await.ok(StatusCode::CREATED);
    let second = register("bob", "203.0.113.1").await;
    second.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    register("bob", "203.0.113.2").await.ok(StatusCode::CREATED);
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_forwarded_address_is_limited() {
    let api = Api::with(|http, _| {
        http.quotas.set(Kind::RegisterAddress, once());
        http.trusted_proxies = 1;
    });
    let register = async |name: &str, forwarded: &str| {
        let registration = json!({ "username": name, "password": PASSWORD });
        let call = api.post("/register").header("x-forwarded-for", forwarded);
        call.json(&registration).await.status
    };
    assert_eq!(register("ada", "203.0.113.1").await, StatusCode::CREATED);
    assert_eq!(register("bob", "203.0.113.2").await, StatusCode::CREATED);
    let made_up = "198.51.100.7, 203.0.113.1";
    assert_eq!(register("eve", made_up).await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn the_loopback_address_may_do_more() {
    let api = Api::with(|http, _| http.quotas.set(Kind::RegisterAddress, once()));
    api.person("ada").await;
    api.person("bob").await;
}
