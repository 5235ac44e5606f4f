//! Where one is logged in.

use axum::http::{Method, StatusCode};
use hubbub_protocol::SessionId;
use serde_json::{Value, json};

use crate::api::{Answer, Api, PASSWORD, Person};

async fn login(api: &Api, client: &str) -> Person {
    let login = json!({ "username": "ada", "password": PASSWORD });
    let answer = api.post("/login").header("user-agent", client).json(&login).await;
    Person::of(&answer.ok(StatusCode::OK))
}

async fn list(api: &Api, person: &Person) -> Vec<Value> {
    let list = api.get("/me/sessions").by(person).send().await.ok(StatusCode::OK);
    list["sessions"].as_array().unwrap().clone()
}

async fn end(api: &Api, person: &Person, session: &str) -> Answer {
    api.call(Method::DELETE, &format!("/me/sessions{session}")).by(person).send().await
}

#[tokio::test]
async fn sessions_are_listed_with_what_their_clients_call_themselves() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let phone = login(&api, " Phone/1 ").await;
    login(&api, &"x".repeat(300)).await;
    let sessions = list(&api, &phone).await;
    let clients: Vec<_> = sessions.iter().map(|session| session["client"].as_str()).collect();
    assert_eq!(clients, [Some("x".repeat(200).as_str()), Some("Phone/1"), None]);
    let current: Vec<_> = sessions.iter().map(|session| session["current"] == true).collect();
    assert_eq!(current, [false, true, false]);
    for field in ["created_at", "renewed_at", "expires_at"] {
        assert!(sessions[0][field].is_string(), "{field}");
    }
    assert_eq!(list(&api, &ada).await.len(), 3);
}

#[tokio::test]
async fn one_session_ends_and_the_others_stay() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let phone = login(&api, "Phone").await;
    let sessions = list(&api, &ada).await;
    let id = sessions[0]["id"].as_str().unwrap();
    end(&api, &ada, &format!("/{id}")).await.ok(StatusCode::NO_CONTENT);
    let ended = api.get("/me").by(&phone).send().await;
    ended.refused(StatusCode::UNAUTHORIZED, "session_ended");
    assert_eq!(list(&api, &ada).await.len(), 1);
    let again = end(&api, &ada, &format!("/{id}")).await;
    again.refused(StatusCode::NOT_FOUND, "session_not_found");
}

#[tokio::test]
async fn somebody_else_s_session_is_as_if_there_were_none() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let theirs = list(&api, &bob).await[0]["id"].as_str().unwrap().to_owned();
    for id in [theirs, SessionId::new().to_string()] {
        let answer = end(&api, &ada, &format!("/{id}")).await;
        answer.refused(StatusCode::NOT_FOUND, "session_not_found");
    }
    end(&api, &ada, "/x").await.refused(StatusCode::BAD_REQUEST, "bad_id");
    api.get("/me").by(&bob).send().await.ok(StatusCode::OK);
}

#[tokio::test]
async fn all_others_end_at_once() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let others = [login(&api, "Phone").await, login(&api, "Tablet").await];
    end(&api, &ada, "").await.ok(StatusCode::NO_CONTENT);
    for other in &others {
        let ended = api.get("/me").by(other).send().await;
        ended.refused(StatusCode::UNAUTHORIZED, "session_ended");
    }
    assert_eq!(list(&api, &ada).await.len(), 1);
    let nobody = api.call(Method::DELETE, "/me/sessions").send().await;
    nobody.refused(StatusCode::UNAUTHORIZED, "token_required");
}

#[tokio::test]
async fn past_a_hundred_sessions_the_longest_unused_one_ends() {
    let free = hubbub_bus::Quota { burst: 1_000, every: std::time::Duration::from_millis(1) };
    let api = Api::with(|http, _| {
        http.quotas.set(hubbub_gateway::http::quotas::Kind::LoginAccount, free);
    });
    let ada = api.person("ada").await;
    for _ in 0..100 {
        login(&api, "Phone").await;
    }
    let ended = api.get("/me").by(&ada).send().await;
    ended.refused(StatusCode::UNAUTHORIZED, "session_ended");
    let last = login(&api, "Phone").await;
    assert_eq!(list(&api, &last).await.len(), 100);
}
