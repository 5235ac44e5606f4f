//! Searching messages: who finds what, and what is refused.

use axum::http::StatusCode;
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{EditedBody, Mentions};
use serde_json::{Value, json};

use crate::api::{Api, Person};
use crate::conversation::Scene;

async fn room(api: &Api, owner: &Person, name: &str) -> String {
    api.room(owner, name, "private").await["id"].as_str().unwrap().to_owned()
}

async fn join(api: &Api, person: &Person, owner: &Person, room: &str) {
    let code = api.get(&format!("/rooms/{room}")).by(owner).send().await.ok(StatusCode::OK);
    let code = json!({ "code": code["code"] });
    let joined = api.post("/rooms/join").by(person).json(&code).await;
    assert_eq!(joined.status, StatusCode::OK, "{}", joined.body);
}

async fn search(api: &Api, person: &Person, query: &str) -> Value {
    api.get(&format!("/search?{query}")).by(person).send().await.ok(StatusCode::OK)
}

async fn found(api: &Api, person: &Person, query: &str) -> Vec<String> {
    let results = search(api, person, query).await;
    let hits = results["hits"].as_array().unwrap();
    hits.iter().map(|hit| hit["message"]["body"]["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_search_needs_a_session() {
    let api = Api::start();
    let answer = api.get("/search?q=tea").send().await;
    answer.refused(StatusCode::UNAUTHORIZED, "token_required");
}

#[tokio::test]
async fn members_find_what_was_said_the_newest_first_and_are_told_where() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let room = room(&api, &ada, "Tea").await;
    for text in ["green tea", "coffee", "🍵 TÉA time"] {
        api.say(&room, &ada, text).await;
    }
    api.store_all().await;
    let results = search(&api, &ada, "q=tea").await;
    let hits = results["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 2, "{results}");
    assert_eq!(hits[0]["message"]["body"]["text"], "🍵 TÉA time");
    assert_eq!(hits[0]["message"]["room"], room);
    assert_eq!(hits[0]["highlights"], json!([[3, 6]]));
    assert_eq!(hits[1]["highlights"], json!([[6, 9]]));
    assert!(results.get("next").is_none());
}

#[tokio::test]
async fn operators_and_parameters_narrow_a_search() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let (tea, milk) = (room(&api, &ada, "Tea Room").await, room(&api, &ada, "Milk").await);
    join(&api, &bob, &ada, &tea).await;
    api.say(&tea, &ada, "cup of tea").await;
    api.say(&tea, &bob, "tea at https://example.org").await;
    api.say(&milk, &ada, "milk for the tea").await;
    api.call_everybody(&milk, &ada, "@all: cups").await;
    api.store_all().await;
    for (query, expected) in [
        ("q=tea%20from:bob", vec!["tea at https://example.org"]),
        ("q=tea%20from:me", vec!["milk for the tea", "cup of tea"]),
        ("q=tea&from=BOB", vec!["tea at https://example.org"]),
        ("q=has:link", vec!["tea at https://example.org"]),
        ("q=tea&has=link", vec!["tea at https://example.org"]),
        ("q=tea%20in:milk", vec!["milk for the tea"]),
        ("q=mentions:all", vec!["@all: cups"]),
        ("q=mentions:@everyone%20cup", vec!["@all: cups"]),
        ("q=mentions:me", vec![]),
        ("q=tea%20in:%22tea%20room%22%20-cup", vec!["tea at https://example.org"]),
        ("q=%22of%20tea%22", vec!["cup of tea"]),
        ("q=tea%20before:2020-01-01", vec![]),
        ("q=tea%20after:2020-01-01%20milk", vec!["milk for the tea"]),
        ("q=tea&before=2020-01-01", vec![]),
        ("q=tea%20https://example", vec!["tea at https://example.org"]),
    ] {
        assert_eq!(found(&api, &ada, query).await, expected, "{query}");
    }
    assert_eq!(found(&api, &ada, &format!("q=tea&room={milk}")).await, ["milk for the tea"]);
    assert_eq!(found(&api, &ada, &format!("q=tea%20in:{milk}")).await, ["milk for the tea"]);
}

#[tokio::test]
async fn pages_go_on_where_the_last_one_ended() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let room = room(&api, &ada, "Tea").await;
    for number in 0..5 {
        api.say(&room, &ada, &format!("tea {number}")).await;
    }
    api.store_all().await;
    let first = search(&api, &ada, "q=tea&limit=3").await;
    assert_eq!(first["hits"].as_array().unwrap().len(), 3);
    let next = first["next"].as_str().unwrap();
    api.say(&room, &ada, "tea meanwhile").await;
    api.store_all().await;
    let rest = format!("q=tea&limit=3&cursor={next}");
    assert_eq!(found(&api, &ada, &rest).await, ["tea 1", "tea 0"]);
}

#[tokio::test]
async fn nobody_finds_anything_of_a_room_they_are_not_in() {
    let api = Api::start();
    let (ada, eve) = (api.person("ada").await, api.person("eve").await);
    let room = room(&api, &ada, "Tea").await;
    api.say(&room, &ada, "a secret").await;
    api.store_all().await;
    assert_eq!(found(&api, &eve, "q=secret").await, [""; 0]);
    let named = api.get(&format!("/search?q=secret&room={room}")).by(&eve).send().await;
    named.refused(StatusCode::NOT_FOUND, "room_not_found");
    let inside = api.get(&format!("/search?q=secret%20in:{room}")).by(&eve).send().await;
    inside.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
}

#[tokio::test]
async fn who_leaves_a_room_finds_nothing_of_it_at_once() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = room(&api, &ada, "Tea").await;
    join(&api, &bob, &ada, &room).await;
    api.say(&room, &ada, "a secret").await;
    api.store_all().await;
    assert_eq!(found(&api, &bob, "q=secret").await, ["a secret"]);
    let left = api.post(&format!("/rooms/{room}/leave")).by(&bob).send().await;
    assert_eq!(left.status, StatusCode::NO_CONTENT);
    assert_eq!(found(&api, &bob, "q=secret").await, [""; 0]);
}

#[tokio::test]
async fn what_is_deleted_or_says_something_else_is_not_found_before_that_is_stored() {
    let scene = Scene::start().await;
    let (deleted, _) = scene.says(&scene.ada, "tea to forget").await;
    let (edited, _) = scene.says(&scene.ada, "tea to change").await;
    scene.says(&scene.ada, "tea to keep").await;
    scene.happens(&scene.ada, NewEventKind::Deleted { message: deleted }).await;
    let body = EditedBody { text: "milk".to_owned(), mentions: Mentions::default() };
    scene.happens(&scene.ada, NewEventKind::Edited { message: edited, body }).await;
    assert_eq!(found(&scene.api, &scene.bob, "q=tea").await, ["tea to keep"]);
    scene.api.store_all().await;
    assert_eq!(found(&scene.api, &scene.bob, "q=milk").await, ["milk"]);
}

#[tokio::test]
async fn hopeless_and_oversized_searches_are_refused() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let long = "a".repeat(257);
    let many = "a+".repeat(17);
    for (query, field) in [
        ("", "q"),
        ("q=", "q"),
        ("q=-tea", "q"),
        ("q=after:2026-01-01", "q"),
        ("q=has:everything", "q"),
        ("q=tea%20before:soon", "q"),
        ("q=from:nobody-has-it", "q"),
        ("q=in:nowhere%20tea", "q"),
        ("q=tea&from=nobody-has-it", "from"),
        ("q=tea&has=nothing", "has"),
        ("q=tea&before=soon", "before"),
        ("q=tea&cursor=AAAA", "cursor"),
        ("q=tea&limit=51", "limit"),
        ("q=tea&limit=0", "limit"),
        (&format!("q={long}"), "q"),
        (&format!("q={many}"), "q"),
    ] {
        let answer = api.get(&format!("/search?{query}")).by(&ada).send().await;
        answer.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
        assert_eq!(answer.body["errors"][0]["field"], field, "{query}");
    }
    let answer = api.get("/search?q=tea&room=tea").by(&ada).send().await;
    answer.refused(StatusCode::BAD_REQUEST, "bad_id");
}

#[tokio::test]
async fn searches_are_limited_per_account() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let mut refused = None;
    for _ in 0..30 {
        let answer = api.get("/search?q=tea").by(&ada).send().await;
        if answer.status != StatusCode::OK {
            refused = Some(answer);
            break;
        }
    }
    refused.unwrap().refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    search(&api, &bob, "q=tea").await;
}
