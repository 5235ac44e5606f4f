//! Pictures of people.

use std::io::Cursor;

use axum::body::{Body, Bytes};
use axum::http::{Method, Response, StatusCode};
use hubbub_gateway::files::places::Places;
use hubbub_protocol::UserId;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use serde_json::Value;

use crate::api::{Answer, Api, Person};

fn file(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.into().write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// Wider than high, red to the left and right of a green middle.
fn flag(format: ImageFormat) -> Vec<u8> {
    let colour = |x| if (100..200).contains(&x) { [0, 255, 0] } else { [255, 0, 0] };
    file(RgbImage::from_fn(300, 100, |x, _| Rgb(colour(x))), format)
}

async fn put(api: &Api, person: &Person, file: impl Into<axum::body::Body>) -> Answer {
    api.call(Method::PUT, "/me/avatar").by(person).body("image/png", file).await
}

/// Sets a picture and returns its path below the API.
async fn picture(api: &Api, person: &Person, file: Vec<u8>) -> String {
    let user = put(api, person, file).await.ok(StatusCode::OK);
    user["avatar"].as_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned()
}

async fn fetch(api: &Api, by: &Person, path: &str) -> Response<Bytes> {
    api.get(path).by(by).fetch().await
}

#[tokio::test]
async fn a_picture_is_cut_square_and_comes_in_three_sizes() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
        let path = picture(&api, &ada, flag(format)).await;
        for (query, side) in [("", 128), ("&size=64", 64), ("&size=512", 512)] {
            let answer = fetch(&api, &bob, &format!("{path}{query}")).await;
            assert_eq!(answer.status(), StatusCode::OK);
            let shown = image::load_from_memory(answer.body()).unwrap().into_rgb8();
            assert_eq!(shown.dimensions(), (side, side), "{format:?}");
            let Rgb([red, green, _]) = *shown.get_pixel(2, 2);
            assert!(green > 150 && red < 100, "{format:?}: {red} {green}");
        }
    }
}

#[tokio::test]
async fn a_picture_is_cached_for_ever_under_its_own_name_only() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let path = picture(&api, &ada, flag(ImageFormat::Png)).await;
    let named = fetch(&api, &ada, &path).await;
    let header =
        |answer: &Response<Bytes>, name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header(&named, "cache-control"), "private, max-age=31536000, immutable");
    assert_eq!(header(&named, "content-type"), "image/jpeg");
    assert_eq!(header(&named, "x-content-type-options"), "nosniff");
    assert_eq!(header(&named, "content-security-policy"), "default-src 'none'; sandbox");
    let bare = path.split('?').next().unwrap();
    assert_eq!(header(&fetch(&api, &ada, bare).await, "cache-control"), "private, no-cache");

    let tag = header(&named, "etag");
    let again = api.get(&path).by(&ada).header("if-none-match", &tag).fetch().await;
    assert_eq!((again.status(), again.body().len()), (StatusCode::NOT_MODIFIED, 0));
    let other = picture(&api, &ada, flag(ImageFormat::Gif)).await;
    assert_ne!(other, path);
    let old = api.get(&path).by(&ada).header("if-none-match", &tag).fetch().await;
    assert_eq!(old.status(), StatusCode::OK);
    assert_eq!(header(&old, "cache-control"), "private, no-cache");
}

#[tokio::test]
async fn nothing_of_the_file_is_kept_but_its_pixels() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let mut jpeg = flag(ImageFormat::Jpeg);
    let secret = b"Exif\0\0 taken at home";
    let mut segment = vec![0xff, 0xe1];
    segment.extend(u16::try_from(secret.len() + 2).unwrap().to_be_bytes());
    segment.extend(secret);
    jpeg.splice(2..2, segment);
    let path = picture(&api, &ada, jpeg).await;
    let shown = fetch(&api, &ada, &format!("{path}&size=512")).await;
    assert!(!shown.body().windows(4).any(|bytes| bytes == b"home"));
}

#[tokio::test]
async fn what_is_no_picture_is_refused() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'/>";
    for file in ["", "words", svg, "\u{fffd}PNG\r\n"] {
        put(&api, &ada, file).await.refused(StatusCode::UNPROCESSABLE_ENTITY, "image_unreadable");
    }
    let cut = flag(ImageFormat::Png)[..200].to_vec();
    put(&api, &ada, cut).await.refused(StatusCode::UNPROCESSABLE_ENTITY, "image_unreadable");
    let large = vec![0; (5 << 20) + 1];
    put(&api, &ada, large).await.refused(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");
    let wide = file(RgbImage::new(20_000, 1), ImageFormat::Png);
    put(&api, &ada, wide).await.refused(StatusCode::PAYLOAD_TOO_LARGE, "image_too_large");
    let me = api.get("/me").by(&ada).send().await.ok(StatusCode::OK);
    assert_eq!(me["avatar"], Value::Null);
}

#[tokio::test]
async fn noise_that_comes_out_too_large_is_refused_as_well() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let mut state = 1_u32;
    let noise = RgbaImage::from_fn(512, 512, |_, _| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        Rgba(state.to_le_bytes())
    });
    let noise = put(&api, &ada, file(noise, ImageFormat::Png)).await;
    noise.refused(StatusCode::PAYLOAD_TOO_LARGE, "image_too_large");
}

#[tokio::test]
async fn a_picture_is_for_people_with_an_account_and_only_where_there_is_one() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let path = format!("/users/{}/avatar", ada.id);
    api.get(&path).send().await.refused(StatusCode::UNAUTHORIZED, "token_required");
    api.get(&path).by(&ada).send().await.refused(StatusCode::NOT_FOUND, "not_found");
    let nobody = api.get(&format!("/users/{}/avatar", UserId::new())).by(&ada).send().await;
    nobody.refused(StatusCode::NOT_FOUND, "user_not_found");
    let shown = picture(&api, &ada, flag(ImageFormat::Png)).await;
    let size = api.get(&format!("{shown}&size=100")).by(&ada).send().await;
    size.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    let unauthorised = api.call(Method::PUT, "/me/avatar").body("image/png", "x").await;
    unauthorised.refused(StatusCode::UNAUTHORIZED, "token_required");
}

#[tokio::test]
async fn a_picture_is_taken_away_with_its_files() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let path = picture(&api, &ada, flag(ImageFormat::Png)).await;
    let kept = api.app.store.users(&[ada.id]).await.unwrap()[0].avatar.unwrap();
    let key = hubbub_store::BlobKey::new(*kept.as_uuid(), "64");
    assert!(api.app.blobs.get(&key).await.unwrap().is_some());
    for _ in 0..2 {
        let gone = api.call(Method::DELETE, "/me/avatar").by(&ada).send().await;
        gone.ok(StatusCode::NO_CONTENT);
    }
    assert!(api.app.blobs.get(&key).await.unwrap().is_none());
    api.get(&path).by(&ada).send().await.refused(StatusCode::NOT_FOUND, "not_found");
}

#[tokio::test]
async fn pictures_are_limited_like_other_uploads() {
    let once = hubbub_bus::Quota { burst: 1, every: std::time::Duration::from_secs(60) };
    let api = Api::with(|http, _| {
        http.quotas.set(hubbub_gateway::http::quotas::Kind::Upload, once);
    });
    let ada = api.person("ada").await;
    picture(&api, &ada, flag(ImageFormat::Png)).await;
    let second = put(&api, &ada, endless()).await;
    second.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
}

/// A body that never comes: whoever waits for it is not answered in time.
fn endless() -> Body {
    Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>())
}

#[tokio::test]
async fn of_pictures_that_one_account_brings_at_the_same_time_few_are_read() {
    let api = Api::with_files(|files| files.pictures = Places::new(9, 1));
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let first = put(&api, &ada, endless());
    tokio::pin!(first);
    let second = async {
        while api.app.files.pictures.take(ada.id).is_ok() {
            tokio::task::yield_now().await;
        }
        put(&api, &ada, endless()).await
    };
    tokio::select! {
        answer = &mut first => panic!("it has not come: {answer:?}"),
        second = second => second.refused(StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
    }
    put(&api, &bob, flag(ImageFormat::Png)).await.ok(StatusCode::OK);
}
