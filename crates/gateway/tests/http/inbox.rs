//! What came while one was away.

use axum::http::{Method, StatusCode};
use hubbub_protocol::http::{InboxEntry, InboxReason};
use hubbub_protocol::{MessageId, Seq, Timestamp, UserId};
use hubbub_store::{InboxNote, PositionChange};
use serde_json::{Value, json};

use crate::api::Person;
use crate::conversation::Scene;

/// Puts something into somebody's inbox, as a worker does.
async fn came(scene: &Scene, user: UserId, seq: u64, excerpt: &str) -> MessageId {
    let message = MessageId::new();
    let entry = InboxEntry {
        room: scene.id(),
        seq: Seq(seq),
        message,
        sender: scene.ada.id,
        at: Timestamp::from_millis(1_795_000_000_000 + seq.cast_signed()),
        reason: InboxReason::Mention,
        excerpt: excerpt.to_owned(),
    };
    let put = scene.api.app.store.put_inbox(&[InboxNote { user, entry }], None).await.unwrap();
    assert_eq!(put.len(), 1);
    message
}

async fn inbox(scene: &Scene, of: &Person, query: &str) -> Value {
    scene.api.get(&format!("/me/inbox{query}")).by(of).send().await.ok(StatusCode::OK)
}

fn excerpts(inbox: &Value) -> Vec<&str> {
    let entries = inbox["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["excerpt"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_came_is_told_the_newest_first_in_pages_to_its_owner_only() {
    let scene = Scene::start().await;
    for (seq, text) in [(4, "a"), (5, "b"), (6, "c")] {
        came(&scene, scene.bob.id, seq, text).await;
    }
    let first = inbox(&scene, &scene.bob, "?limit=2").await;
    assert_eq!((excerpts(&first), &first["waiting"]), (vec!["c", "b"], &json!(3)));
    assert_eq!(
        (&first["entries"][0]["room"], &first["entries"][0]["reason"]),
        (&json!(scene.id()), &json!("mention"))
    );
    let rest = format!("?after={}", first["next"].as_str().unwrap());
    let rest = inbox(&scene, &scene.bob, &rest).await;
    assert_eq!((excerpts(&rest), rest.get("next")), (vec!["a"], None));
    assert_eq!(inbox(&scene, &scene.eve, "").await, json!({ "entries": [], "waiting": 0 }));
    let wrong = scene.api.get("/me/inbox?after=1.2.3").by(&scene.bob).send().await;
    wrong.refused(StatusCode::BAD_REQUEST, "bad_id");
}

#[tokio::test]
async fn reading_takes_out_what_was_read_and_no_more() {
    let scene = Scene::start().await;
    let (_, first) = scene.says(&scene.ada, "@bob one").await;
    let (_, second) = scene.says(&scene.ada, "@bob two").await;
    for (seq, text) in [(first, "one"), (second, "two")] {
        came(&scene, scene.bob.id, seq, text).await;
    }
    let app = &scene.api.app;
    let read = PositionChange::read(Seq(first));
    let standing = app.permissions.standing(scene.id(), scene.bob.id).await.unwrap();
    let (room, bob) = (scene.id(), scene.bob.id);
    hubbub_gateway::reading::change(app, room, bob, &standing, read).await.unwrap();
    assert_eq!(excerpts(&inbox(&scene, &scene.bob, "").await), ["two"]);
}

#[tokio::test]
async fn an_inbox_is_emptied_and_that_can_be_repeated() {
    let scene = Scene::start().await;
    came(&scene, scene.bob.id, 4, "a").await;
    came(&scene, scene.eve.id, 4, "a").await;
    for _ in 0..2 {
        let emptied = scene.api.call(Method::DELETE, "/me/inbox").by(&scene.bob).send().await;
        emptied.ok(StatusCode::NO_CONTENT);
    }
    assert_eq!(inbox(&scene, &scene.bob, "").await["waiting"], 0);
    assert_eq!(inbox(&scene, &scene.eve, "").await["waiting"], 1);
}

#[tokio::test]
async fn of_a_room_that_was_left_nothing_is_shown() {
    let scene = Scene::start().await;
    came(&scene, scene.bob.id, 4, "a").await;
    let left = scene.api.post(&scene.path("/leave")).by(&scene.bob).send().await;
    left.ok(StatusCode::NO_CONTENT);
    assert_eq!(excerpts(&inbox(&scene, &scene.bob, "").await), [""; 0]);
}
