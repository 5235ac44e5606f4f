//! Pictures of rooms.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::Value;

use crate::api::{Answer, Api, Person};
use crate::conversation::Scene;
use crate::files::png;

async fn put(scene: &Scene, by: &Person) -> Answer {
    let put = scene.api.call(Method::PUT, &scene.path("/icon")).by(by);
    put.body("image/png", png(300, 200)).await
}

/// Where a room's picture is, below the API.
fn path(room: &Value) -> String {
    room["icon"].as_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned()
}

#[tokio::test]
async fn a_picture_of_a_room_is_square_and_for_its_members() {
    let scene = Scene::start().await;
    let room = put(&scene, &scene.ada).await.ok(StatusCode::OK);
    let shown = scene.api.get(&format!("{}&size=64", path(&room))).by(&scene.bob).fetch().await;
    assert_eq!(shown.status(), StatusCode::OK);
    let picture = image::load_from_memory(shown.body()).unwrap();
    assert_eq!((picture.width(), picture.height()), (64, 64));
    let eva = scene.api.person("eva").await;
    let stranger = scene.api.get(&path(&room)).by(&eva).send().await;
    stranger.refused(StatusCode::NOT_FOUND, "room_not_found");
}

#[tokio::test]
async fn only_moderators_change_it_and_the_one_before_is_gone() {
    let scene = Scene::start().await;
    // Before anything of the picture has come.
    let endless = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let put_nothing = scene.api.call(Method::PUT, &scene.path("/icon")).by(&scene.bob);
    let refused = put_nothing.body("image/png", Body::from_stream(endless)).await;
    refused.refused(StatusCode::FORBIDDEN, "forbidden");
    let before = path(&put(&scene, &scene.ada).await.ok(StatusCode::OK));
    let after = path(&put(&scene, &scene.ada).await.ok(StatusCode::OK));
    assert_ne!(before, after);
    let kept = async |path: &str| {
        let answer = scene.api.get(path).by(&scene.ada).fetch().await;
        answer.headers()["cache-control"].to_str().unwrap().contains("immutable")
    };
    assert_eq!((kept(&before).await, kept(&after).await), (false, true), "its name is of no use");
    let remove = async |by: &Person| {
        scene.api.call(Method::DELETE, &scene.path("/icon")).by(by).send().await
    };
    remove(&scene.bob).await.refused(StatusCode::FORBIDDEN, "forbidden");
    for _ in 0..2 {
        remove(&scene.ada).await.ok(StatusCode::NO_CONTENT);
    }
    let room = scene.api.get(&scene.path("")).by(&scene.bob).send().await.ok(StatusCode::OK);
    assert_eq!(room["icon"], Value::Null);
    assert_ne!(scene.api.get(&after).by(&scene.ada).fetch().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_picture_of_a_public_room_is_for_everybody_with_an_account() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Lounge", "public").await;
    let icon = format!("/rooms/{}/icon", room["id"].as_str().unwrap());
    let put = api.call(Method::PUT, &icon).by(&ada).body("image/png", png(10, 10)).await;
    let shown = path(&put.ok(StatusCode::OK));
    assert_eq!(api.get(&shown).by(&bob).fetch().await.status(), StatusCode::OK);
    assert_eq!(api.get(&shown).fetch().await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_no_picture_is_refused() {
    let scene = Scene::start().await;
    let put = scene.api.call(Method::PUT, &scene.path("/icon")).by(&scene.ada);
    let refused = put.body("image/png", "no picture").await;
    refused.refused(StatusCode::UNPROCESSABLE_ENTITY, "image_unreadable");
}
