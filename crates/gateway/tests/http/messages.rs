//! One message: as it is, every text it has had, who reacted to it.

use axum::http::StatusCode;
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{EditedBody, Mentions, MessageId};
use serde_json::{Value, json};

use crate::api::{Answer, Person};
use crate::conversation::Scene;

async fn get(scene: &Scene, by: &Person, message: MessageId, rest: &str) -> Answer {
    scene.api.get(&scene.path(&format!("/messages/{message}{rest}"))).by(by).send().await
}

fn edit(message: MessageId, text: &str) -> NewEventKind {
    let body = EditedBody { text: text.to_owned(), mentions: Mentions::default() };
    NewEventKind::Edited { message, body }
}

fn react(message: MessageId, emoji: &str) -> NewEventKind {
    NewEventKind::Reaction { message, emoji: emoji.to_owned(), on: true }
}

fn texts(versions: &Value) -> Vec<&str> {
    let versions = versions["versions"].as_array().unwrap();
    versions.iter().map(|version| version["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_message_is_told_as_it_is_now_also_before_that_is_stored() {
    let scene = Scene::start().await;
    let (said, seq) = scene.says(&scene.ada, "tea").await;
    scene.happens(&scene.ada, edit(said, "coffee")).await;
    scene.happens(&scene.bob, react(said, "👍")).await;
    for _ in ["not yet stored", "stored"] {
        let message = get(&scene, &scene.eve, said, "").await.ok(StatusCode::OK);
        assert_eq!((&message["seq"], &message["sender"]), (&json!(seq), &json!(scene.ada.id)));
        assert_eq!(message["body"]["text"], "coffee");
        assert!(message["edited_at"].is_string());
        assert_eq!(message["reactions"][0]["users"], json!([scene.bob.id]));
        scene.api.store_all().await;
    }
    scene.happens(&scene.ada, NewEventKind::Deleted { message: said }).await;
    let gone = get(&scene, &scene.eve, said, "").await.ok(StatusCode::OK);
    assert!(gone["deleted_at"].is_string() && gone["body"]["text"] == "", "{gone}");
    assert_eq!((&gone["seq"], &gone["sender"]), (&json!(seq), &json!(scene.ada.id)));
}

#[tokio::test]
async fn every_text_is_told_until_the_message_is_deleted() {
    let scene = Scene::start().await;
    let (said, _) = scene.says(&scene.ada, "tea").await;
    for text in ["coffee", "water"] {
        scene.happens(&scene.ada, edit(said, text)).await;
    }
    scene.api.store_all().await;
    let versions = get(&scene, &scene.bob, said, "/versions").await.ok(StatusCode::OK);
    assert_eq!(texts(&versions), ["tea", "coffee", "water"]);
    assert!(versions["before"].is_null());
    let newest = get(&scene, &scene.bob, said, "/versions?limit=2").await.ok(StatusCode::OK);
    assert_eq!(texts(&newest), ["coffee", "water"]);
    let older = format!("/versions?limit=2&before={}", newest["before"]);
    let older = get(&scene, &scene.bob, said, &older).await.ok(StatusCode::OK);
    assert_eq!((texts(&older), &older["before"]), (vec!["tea"], &Value::Null));
    let none = get(&scene, &scene.bob, said, "/versions?limit=0").await;
    none.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    scene.happens(&scene.ada, NewEventKind::Deleted { message: said }).await;
    for _ in ["not yet stored", "stored"] {
        let versions = get(&scene, &scene.bob, said, "/versions").await.ok(StatusCode::OK);
        assert_eq!(texts(&versions), [""; 0]);
        scene.api.store_all().await;
    }
}

#[tokio::test]
async fn who_reacted_is_told_in_order_and_in_pages() {
    let scene = Scene::start().await;
    let (said, _) = scene.says(&scene.ada, "tea").await;
    for by in [&scene.eve, &scene.ada, &scene.bob] {
        scene.happens(by, react(said, "👍")).await;
    }
    scene.happens(&scene.bob, react(said, "🎉")).await;
    scene.api.store_all().await;
    let thumbs = "/reactions?emoji=%F0%9F%91%8D";
    let first = get(&scene, &scene.ada, said, &format!("{thumbs}&limit=2")).await;
    let first = first.ok(StatusCode::OK);
    assert_eq!(first["users"], json!([scene.eve.id, scene.ada.id]));
    let rest = format!("{thumbs}&after={}", first["next"]);
    let rest = get(&scene, &scene.ada, said, &rest).await.ok(StatusCode::OK);
    assert_eq!(rest, json!({ "users": [scene.bob.id] }));
    let letter = get(&scene, &scene.ada, said, "/reactions?emoji=x").await;
    letter.refused(StatusCode::BAD_REQUEST, "bad_emoji");
    let none = get(&scene, &scene.ada, said, "/reactions").await;
    none.refused(StatusCode::BAD_REQUEST, "bad_frame");
    scene.happens(&scene.ada, NewEventKind::Deleted { message: said }).await;
    let gone = get(&scene, &scene.ada, said, thumbs).await.ok(StatusCode::OK);
    assert_eq!(gone, json!({ "users": [] }));
}

#[tokio::test]
async fn messages_are_for_members_and_only_of_the_room_they_are_in() {
    let scene = Scene::start().await;
    let (said, _) = scene.says(&scene.ada, "tea").await;
    let eva = scene.api.person("eva").await;
    let other = scene.api.room(&scene.ada, "Other", "private").await;
    for rest in ["", "/versions", "/reactions?emoji=%F0%9F%91%8D"] {
        let stranger = get(&scene, &eva, said, rest).await;
        stranger.refused(StatusCode::NOT_FOUND, "room_not_found");
        let unknown = get(&scene, &scene.ada, MessageId::new(), rest).await;
        unknown.refused(StatusCode::NOT_FOUND, "message_not_found");
        let path = format!("/rooms/{}/messages/{said}{rest}", other["id"].as_str().unwrap());
        let elsewhere = scene.api.get(&path).by(&scene.ada).send().await;
        elsewhere.refused(StatusCode::NOT_FOUND, "message_not_found");
    }
}
