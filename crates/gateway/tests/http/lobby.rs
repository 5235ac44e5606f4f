//! The room that everybody who registers is in.

use axum::http::{Method, StatusCode};
use hubbub_gateway::http::lobby;
use serde_json::{Value, json};

use crate::api::{Api, Person};

async fn with_lobby() -> Api {
    let api = Api::with(|http, _| http.lobby = Some("Lobby".to_owned()));
    lobby::open(&api.app).await.unwrap();
    api
}

async fn rooms(api: &Api, who: &Person) -> Vec<Value> {
    let body = api.get("/rooms").by(who).send().await.ok(StatusCode::OK);
    body["rooms"].as_array().unwrap().clone()
}

#[tokio::test]
async fn who_registers_is_in_the_lobby_and_has_nothing_to_catch_up_with() {
    let api = with_lobby().await;
    let ada = api.person("ada").await;
    let lobby = rooms(&api, &ada).await.remove(0);
    assert_eq!((&lobby["name"], &lobby["kind"]), (&json!("Lobby"), &json!("public")));
    assert_eq!(lobby["owner"], Value::Null);
    let id = lobby["id"].as_str().unwrap();
    api.say(id, &ada, "anybody here?").await;
    api.store_all().await;

    let bob = api.person("bob").await;
    let seen = rooms(&api, &bob).await.remove(0);
    assert_eq!((&seen["id"], &seen["role"]), (&lobby["id"], &json!("member")));
    assert_eq!(seen["unread"], 0);
    // The first who came administers the site, and so keeps order here.
    assert_eq!(lobby["role"], "moderator");
}

#[tokio::test]
async fn without_a_lobby_nobody_is_anywhere() {
    let api = Api::start();
    lobby::open(&api.app).await.unwrap();
    let ada = api.person("ada").await;
    assert_eq!(rooms(&api, &ada).await, [] as [Value; 0]);
}

#[tokio::test]
async fn administrators_come_and_go_as_moderators() {
    let api = with_lobby().await;
    let (root, ada) = (api.person("root").await, api.person("ada").await);
    for (admin, role) in [(true, "moderator"), (false, "member")] {
        let path = format!("/admin/users/{}", ada.id);
        let change = json!({ "admin": admin });
        api.call(Method::PATCH, &path).by(&root).json(&change).await.ok(StatusCode::OK);
        assert_eq!(rooms(&api, &ada).await[0]["role"], role);
    }
}

#[tokio::test]
async fn a_member_can_not_destroy_it_and_once_destroyed_it_stays_away() {
    let api = with_lobby().await;
    let (root, ada) = (api.person("root").await, api.person("ada").await);
    let id = rooms(&api, &ada).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/rooms/{id}");
    let destroy = async |who: &Person, name: &str| {
        let name = json!({ "name": name });
        api.call(Method::DELETE, &path).by(who).json(&name).await
    };
    destroy(&ada, "Lobby").await.refused(StatusCode::FORBIDDEN, "forbidden");
    destroy(&root, "Lobb").await.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    destroy(&root, "Lobby").await.ok(StatusCode::ACCEPTED);

    lobby::open(&api.app).await.unwrap();
    let bob = api.person("bob").await;
    assert_eq!(rooms(&api, &bob).await, [] as [Value; 0]);
}
