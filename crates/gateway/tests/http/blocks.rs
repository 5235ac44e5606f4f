//! Blocks.

use axum::http::{Method, StatusCode};
use hubbub_bus::Presence;
use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::{ConnectionId, UserId};
use serde_json::{Value, json};

use crate::api::{Answer, Api, Person, usernames};

async fn change(api: &Api, method: Method, person: &Person, other: impl ToString) -> Answer {
    let path = format!("/me/blocks/{}", other.to_string());
    api.call(method, &path).by(person).send().await
}

async fn block(api: &Api, person: &Person, other: &Person) {
    change(api, Method::PUT, person, other.id).await.ok(StatusCode::NO_CONTENT);
}

async fn blocks(api: &Api, person: &Person, query: &str) -> Value {
    api.get(&format!("/me/blocks{query}")).by(person).send().await.ok(StatusCode::OK)
}

#[tokio::test]
async fn blocks_are_listed_in_pages_until_they_are_taken_back() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let others = [api.person("bob").await, api.person("cleo").await, api.person("dan").await];
    for other in &others {
        block(&api, &ada, other).await;
    }
    block(&api, &ada, &others[0]).await;
    let page = blocks(&api, &ada, "?limit=2").await;
    assert_eq!(usernames(&page), ["bob", "cleo"]);
    let rest = format!("?after={}", page["next"].as_str().unwrap());
    assert_eq!(usernames(&blocks(&api, &ada, &rest).await), ["dan"]);
    for _ in 0..2 {
        change(&api, Method::DELETE, &ada, others[1].id).await.ok(StatusCode::NO_CONTENT);
    }
    assert_eq!(usernames(&blocks(&api, &ada, "").await), ["bob", "dan"]);
    assert_eq!(usernames(&blocks(&api, &others[0], "").await), [""; 0], "nobody is told");
}

#[tokio::test]
async fn who_is_blocked_sees_the_profile_and_nothing_of_what_its_owner_does() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let status = json!({ "status_text": "writing", "bio": "Notes" });
    api.call(Method::PATCH, "/me").by(&ada).json(&status).await.ok(StatusCode::OK);
    api.bus.renew_lease().await.unwrap();
    for person in [&ada, &bob] {
        let connection = (person.id, ConnectionId::new(), DeviceStatus::Online);
        api.bus.put_connections(&[connection]).await.unwrap();
    }
    let seen = async |by: &Person, who: &Person| {
        api.get(&format!("/users/{}", who.id)).by(by).send().await.ok(StatusCode::OK)
    };
    assert_eq!(seen(&bob, &ada).await["status"], "online");
    block(&api, &ada, &bob).await;
    let hidden = seen(&bob, &ada).await;
    assert_eq!((&hidden["status"], &hidden["bio"]), (&json!("offline"), &json!("Notes")));
    assert!(hidden.get("status_text").is_none(), "{hidden}");
    assert_eq!(seen(&ada, &bob).await["status"], "online", "only one side is hidden");
    let list = async |by: &Person, query: &str| {
        api.get(&format!("/users{query}")).by(by).send().await.ok(StatusCode::OK)
    };
    assert_eq!(usernames(&list(&bob, "?online=true").await), ["bob"]);
    assert_eq!(usernames(&list(&bob, "?online=true&q=ada").await), [""; 0]);
    assert_eq!(usernames(&list(&bob, "?q=ada").await), ["ada"], "still found");
    assert_eq!(usernames(&list(&ada, "?online=true").await), ["ada", "bob"]);
}

#[tokio::test]
async fn a_group_is_not_opened_by_or_with_somebody_blocked_and_does_not_tell_who_blocks_whom() {
    let api = Api::start();
    let (ada, bob, eve) =
        (api.person("ada").await, api.person("bob").await, api.person("eve").await);
    block(&api, &bob, &eve).await;
    let open = async |by: &Person, others: [&Person; 2]| {
        let users = others.map(|other| other.id);
        api.post("/direct").by(by).json(&json!({ "users": users })).await
    };
    open(&eve, [&ada, &bob]).await.refused(StatusCode::FORBIDDEN, "blocked");
    open(&bob, [&ada, &eve]).await.refused(StatusCode::FORBIDDEN, "blocked");
    open(&ada, [&bob, &eve]).await.ok(StatusCode::CREATED);
}

#[tokio::test]
async fn only_others_who_exist_can_be_blocked() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let put = async |other: String| change(&api, Method::PUT, &ada, other).await;
    put(ada.id.to_string()).await.refused(StatusCode::BAD_REQUEST, "block_self");
    put(UserId::new().to_string()).await.refused(StatusCode::NOT_FOUND, "user_not_found");
    put("bob".to_owned()).await.refused(StatusCode::BAD_REQUEST, "bad_id");
    let limit = api.get("/me/blocks?limit=201").by(&ada).send().await;
    limit.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    let nobody = api.get("/me/blocks").send().await;
    nobody.refused(StatusCode::UNAUTHORIZED, "token_required");
}

#[tokio::test]
async fn blocks_are_bounded() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    for _ in 0..hubbub_store::blocks::BLOCKS_MAX {
        api.app.store.block(ada.id, UserId::new()).await.unwrap();
    }
    let past = change(&api, Method::PUT, &ada, bob.id).await;
    past.refused(StatusCode::CONFLICT, "too_many_blocks");
}
