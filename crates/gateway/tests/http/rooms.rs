//! Creating, finding and changing rooms.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use hubbub_bus::{Quota, RoomLog};
use hubbub_gateway::http::quotas::Kind;
use hubbub_protocol::{Epoch, Position, RoomId, Seq};
use hubbub_store::PositionChange;
use serde_json::{Value, json};

use crate::api::{Api, Person, usernames};

async fn rooms(api: &Api, as_user: &Person, query: &str) -> Value {
    api.get(&format!("/rooms?{query}")).by(as_user).send().await.ok(StatusCode::OK)
}

fn names(list: &Value) -> Vec<&str> {
    let rooms = list["rooms"].as_array().expect("rooms");
    rooms.iter().map(|room| room["name"].as_str().unwrap()).collect()
}

async fn join(api: &Api, person: &Person, room: &Value) {
    let request = json!({ "code": room["code"] });
    api.post("/rooms/join").by(person).json(&request).await.ok(StatusCode::OK);
}

#[tokio::test]
async fn rooms_are_not_made_faster_than_they_may() {
    let quota = Quota::new(2, 1, Duration::from_secs(60));
    let api = Api::with(|http, _| http.quotas.set(Kind::CreateRoom, quota));
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let make = async |by, name| {
        let request = json!({ "name": name, "kind": "private" });
        api.post("/rooms").by(by).json(&request).await
    };
    make(&ada, "").await.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    make(&ada, "one").await.ok(StatusCode::CREATED);
    make(&ada, "two").await.ok(StatusCode::CREATED);
    make(&ada, "three").await.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    make(&bob, "mine").await.ok(StatusCode::CREATED);
}

#[tokio::test]
async fn a_new_room_belongs_to_its_maker_and_has_a_code() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let request = json!({ "name": " Tea ", "kind": "private", "description": "leaves" });
    let room = api.post("/rooms").by(&ada).json(&request).await.ok(StatusCode::CREATED);
    assert_eq!(room["name"], "Tea");
    assert_eq!(room["kind"], "private");
    assert_eq!(room["description"], "leaves");
    assert_eq!(room["owner"], ada.id.to_string());
    assert_eq!(room["role"], "owner");
    assert_eq!(room["members"], 1);
    assert_eq!(room["code"].as_str().unwrap().len(), 36);
    assert_eq!((&room["epoch"], &room["unread"]), (&json!(1), &json!(0)));
    let path = format!("/rooms/{}", room["id"].as_str().unwrap());
    assert_eq!(api.get(&path).by(&ada).send().await.ok(StatusCode::OK), room);
}

#[tokio::test]
async fn the_first_event_of_a_room_is_its_maker_s_arrival() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let room = api.room(&ada, "Tea", "public").await;
    assert_eq!(room["seq"], 1);
    let id: RoomId = room["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(api.bus.heads(&[id]).await.unwrap(), [Some(Position::new(Epoch(1), Seq(1)))]);
}

#[tokio::test]
async fn a_room_out_of_bounds_is_refused() {
    let api = Api::start();
    let ada = api.person("ada").await;
    for (request, field) in [
        (json!({ "name": "", "kind": "public" }), "name"),
        (json!({ "name": "x".repeat(81), "kind": "public" }), "name"),
        (json!({ "name": "x", "kind": "public", "description": "x".repeat(501) }), "description"),
        (json!({ "name": "x", "kind": "direct" }), "kind"),
    ] {
        let answer = api.post("/rooms").by(&ada).json(&request).await;
        answer.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
        assert_eq!(answer.body["errors"][0]["field"], field);
    }
    let secret = json!({ "name": "x", "kind": "secret" });
    let answer = api.post("/rooms").by(&ada).json(&secret).await;
    answer.refused(StatusCode::BAD_REQUEST, "bad_frame");
}

#[tokio::test]
async fn only_one_s_own_rooms_are_listed_in_pages() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    for name in ["One", "Two", "Three"] {
        api.room(&ada, name, "private").await;
    }
    api.room(&bob, "Other", "public").await;
    let first = rooms(&api, &ada, "limit=2").await;
    assert_eq!(names(&first), ["One", "Two"]);
    let rest = rooms(&api, &ada, &format!("after={}", first["next"].as_str().unwrap())).await;
    assert_eq!(names(&rest), ["Three"]);
    assert!(rest.get("next").is_none());
}

#[tokio::test]
async fn the_directory_has_public_rooms_and_no_codes() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    api.room(&ada, "Green Tea", "public").await;
    api.room(&ada, "Secret Tea", "private").await;
    api.room(&ada, "Coffee", "public").await;
    let found = rooms(&api, &bob, "public=true&q=tea").await;
    assert_eq!(names(&found), ["Green Tea"]);
    assert_eq!(found["rooms"][0]["code"], Value::Null);
    assert_eq!(found["rooms"][0]["role"], Value::Null);
    assert_eq!(names(&rooms(&api, &bob, "public=true").await), ["Green Tea", "Coffee"]);
    let mine = rooms(&api, &ada, "public=true&q=tea").await;
    assert_eq!(mine["rooms"][0]["role"], "owner");
    assert!(mine["rooms"][0]["code"].is_string());
}

#[tokio::test]
async fn a_room_that_is_not_yours_looks_like_one_that_does_not_exist() {
    let api = Api::start();
    let (ada, eve) = (api.person("ada").await, api.person("eve").await);
    let theirs = api.room(&ada, "Tea", "public").await["id"].as_str().unwrap().to_owned();
    let nowhere = RoomId::new().to_string();
    let ask = async |method: Method, room: &str, rest: &str| {
        let call = api.call(method, &format!("/rooms/{room}{rest}")).by(&eve);
        let answer = call.json(&json!({ "name": "x" })).await;
        answer.refused(StatusCode::NOT_FOUND, "room_not_found");
        answer.body
    };
    for (method, rest) in [
        (Method::GET, ""),
        (Method::PATCH, ""),
        (Method::POST, "/leave"),
        (Method::GET, "/members"),
        (Method::POST, "/code"),
        (Method::GET, "/messages"),
    ] {
        let existing = ask(method.clone(), &theirs, rest).await;
        assert_eq!(existing, ask(method, &nowhere, rest).await, "{rest}");
    }
}

#[tokio::test]
async fn the_owner_changes_the_details_and_the_room_s_log_says_so() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let room = api.room(&ada, "Tea", "public").await;
    let path = format!("/rooms/{}", room["id"].as_str().unwrap());
    let patch = async |body: Value| {
        api.call(Method::PATCH, &path).by(&ada).json(&body).await.ok(StatusCode::OK)
    };
    let renamed = patch(json!({ "name": "Coffee" })).await;
    assert_eq!((&renamed["name"], &renamed["description"]), (&json!("Coffee"), &json!("")));
    assert_eq!(renamed["seq"], 2);
    assert_eq!(patch(json!({ "description": "beans" })).await["name"], "Coffee");
    assert_eq!(patch(json!({})).await["seq"], 3, "nothing changes, nothing is told");
    let wrong = api.call(Method::PATCH, &path).by(&ada).json(&json!({ "name": "" })).await;
    wrong.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
}

#[tokio::test]
async fn a_member_who_is_not_the_owner_changes_nothing() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Tea", "private").await;
    join(&api, &bob, &room).await;
    let path = format!("/rooms/{}", room["id"].as_str().unwrap());
    let patch = api.call(Method::PATCH, &path).by(&bob).json(&json!({ "name": "x" })).await;
    patch.refused(StatusCode::FORBIDDEN, "forbidden");
    let code = api.post(&format!("{path}/code")).by(&bob).send().await;
    code.refused(StatusCode::FORBIDDEN, "forbidden");
}

#[tokio::test]
async fn members_are_listed_in_pages() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Tea", "private").await;
    join(&api, &bob, &room).await;
    let path = format!("/rooms/{}/members", room["id"].as_str().unwrap());
    let all = api.get(&path).by(&bob).send().await.ok(StatusCode::OK);
    assert_eq!(usernames(&all), ["ada", "bob"]);
    let first = api.get(&format!("{path}?limit=1")).by(&bob).send().await.ok(StatusCode::OK);
    assert_eq!(usernames(&first), ["ada"]);
    let rest = format!("{path}?limit=1&after={}", first["next"].as_str().unwrap());
    let rest = api.get(&rest).by(&bob).send().await.ok(StatusCode::OK);
    assert_eq!(usernames(&rest), ["bob"]);
    assert!(rest.get("next").is_none());
}

#[tokio::test]
async fn unread_counts_others_messages_after_the_read_position() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Tea", "private").await;
    join(&api, &bob, &room).await;
    let id = room["id"].as_str().unwrap();
    let read = api.say(id, &ada, "one").await;
    api.say(id, &ada, "two").await;
    api.say(id, &bob, "mine").await;
    api.store_all().await;
    let seen = async |person: &Person| {
        let list = rooms(&api, person, "").await;
        (list["rooms"][0]["unread"].clone(), list["rooms"][0]["read"].clone())
    };
    assert_eq!(seen(&bob).await.0, 2);
    let room: RoomId = id.parse().unwrap();
    api.app.store.mark(room, bob.id, PositionChange::read(read.seq)).await.unwrap();
    assert_eq!(seen(&bob).await, (json!(1), json!(read.seq)));
}
