//! Who has seen a message, and what of a room reaches one.

use axum::http::{Method, StatusCode};
use hubbub_protocol::http::NotifyLevel;
use hubbub_protocol::{MessageId, Seq};
use hubbub_store::PositionChange;
use serde_json::json;

use crate::api::{Answer, Api, Person};
use crate::conversation::Scene;

async fn has_come(scene: &Scene, who: &Person, delivered: u64, read: u64) {
    let change = PositionChange {
        delivered: Some(Seq(delivered)),
        read: Some(Seq(read)),
        ..PositionChange::default()
    };
    scene.api.app.store.mark(scene.id(), who.id, change).await.unwrap();
}

async fn seen(scene: &Scene, by: &Person, message: MessageId) -> Answer {
    scene.api.get(&scene.path(&format!("/messages/{message}/seen"))).by(by).send().await
}

#[tokio::test]
async fn a_message_is_seen_by_those_who_have_come_as_far_and_do_not_hide_it() {
    let scene = Scene::start().await;
    let (message, at) = scene.says(&scene.ada, "tea?").await;
    let (ada, bob, eve) = (&scene.ada, &scene.bob, &scene.eve);
    for (person, delivered, read) in [(ada, at, at), (bob, at, at - 1), (eve, at - 1, 0)] {
        has_come(&scene, person, delivered, read).await;
    }
    let told = seen(&scene, eve, message).await.ok(StatusCode::OK);
    assert_eq!(told, json!({ "read": [], "delivered": [bob.id] }), "not its author");

    has_come(&scene, bob, at, at).await;
    has_come(&scene, eve, at, at).await;
    let hide = json!({ "send_receipts": false });
    scene.api.call(Method::PATCH, "/me").by(eve).json(&hide).await.ok(StatusCode::OK);
    let told = seen(&scene, ada, message).await.ok(StatusCode::OK);
    assert_eq!(told, json!({ "read": [bob.id], "delivered": [] }), "eve keeps it to herself");
}

#[tokio::test]
async fn who_came_after_a_message_has_not_seen_it() {
    let scene = Scene::start().await;
    let (before, _) = scene.says(&scene.ada, "tea?").await;
    let cleo = scene.api.person("cleo").await;
    let room = scene.api.get(&scene.path("")).by(&scene.ada).send().await.ok(StatusCode::OK);
    let code = json!({ "code": room["code"] });
    scene.api.post("/rooms/join").by(&cleo).json(&code).await.ok(StatusCode::OK);
    let (after, at) = scene.says(&scene.ada, "coffee?").await;
    has_come(&scene, &cleo, at, at).await;
    let readers = async |message| seen(&scene, &scene.ada, message).await.ok(StatusCode::OK);
    assert_eq!(readers(before).await, json!({ "read": [], "delivered": [] }));
    assert_eq!(readers(after).await, json!({ "read": [cleo.id], "delivered": [] }));
}

#[tokio::test]
async fn between_two_of_whom_one_has_blocked_the_other_nothing_is_seen() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.post("/direct").by(&ada).json(&json!({ "user": bob.id })).await;
    let room = room.ok(StatusCode::CREATED)["id"].as_str().unwrap().to_owned();
    let at = api.say(&room, &ada, "tea?").await;
    api.store_all().await;
    let read = PositionChange::read(at.seq);
    api.app.store.mark(room.parse().unwrap(), bob.id, read).await.unwrap();
    let page = api.get(&format!("/rooms/{room}/messages")).by(&ada).send().await;
    let message = page.ok(StatusCode::OK)["messages"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/rooms/{room}/messages/{message}/seen");
    let told = async || api.get(&path).by(&ada).send().await.ok(StatusCode::OK);
    assert_eq!(told().await, json!({ "read": [bob.id], "delivered": [] }));
    let block = format!("/me/blocks/{}", ada.id);
    api.call(Method::PUT, &block).by(&bob).send().await.ok(StatusCode::NO_CONTENT);
    api.app.permissions.forget_all();
    assert_eq!(told().await, json!({ "read": [], "delivered": [] }));
}

#[tokio::test]
async fn in_a_large_room_nobody_is_told_who_has_seen_what() {
    let scene = Scene::over(Api::with_limits(|limits| limits.receipt_members = 2)).await;
    let (message, _) = scene.says(&scene.ada, "tea?").await;
    seen(&scene, &scene.ada, message).await.refused(StatusCode::FORBIDDEN, "forbidden");
}

#[tokio::test]
async fn only_members_are_told_who_has_seen_what_and_of_messages_that_there_are() {
    let scene = Scene::start().await;
    let (message, _) = scene.says(&scene.ada, "tea?").await;
    let eva = scene.api.person("eva").await;
    seen(&scene, &eva, message).await.refused(StatusCode::NOT_FOUND, "room_not_found");
    let nothing = seen(&scene, &scene.bob, MessageId::new()).await;
    nothing.refused(StatusCode::NOT_FOUND, "message_not_found");
}

#[tokio::test]
async fn what_of_a_room_reaches_one_is_one_s_own_to_say() {
    let scene = Scene::start().await;
    let notify = async |by: &Person, level: &str| {
        let request = json!({ "notify": level });
        scene.api.call(Method::PUT, &scene.path("/notify")).by(by).json(&request).await
    };
    let level = async |of: &Person| {
        scene.api.get(&scene.path("")).by(of).send().await.ok(StatusCode::OK)["notify"].clone()
    };
    assert_eq!(level(&scene.bob).await, "mentions");
    notify(&scene.bob, "nothing").await.ok(StatusCode::NO_CONTENT);
    assert_eq!(
        (level(&scene.bob).await, level(&scene.eve).await),
        (json!("nothing"), json!("mentions"))
    );
    let rows = scene.api.app.store.positions(scene.bob.id, &[scene.id()]).await.unwrap();
    assert_eq!(rows[0].notify, NotifyLevel::Nothing);
    notify(&scene.bob, "loudly").await.refused(StatusCode::BAD_REQUEST, "bad_frame");
    let eva = scene.api.person("eva").await;
    notify(&eva, "all").await.refused(StatusCode::NOT_FOUND, "room_not_found");
}
