//! Files on their way in: in one request, and by tus.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hubbub_gateway::app::App;
use hubbub_gateway::files::begin as begin_upload;
use hubbub_gateway::files::finish::finish;
use hubbub_gateway::files::pace::Pace;
use hubbub_gateway::files::places::Places;
use hubbub_gateway::files::receive::{Taking, receive};
use hubbub_protocol::{AttachmentId, ErrorCode, Timestamp};
use serde_json::{Value, json};

use crate::api::{Answer, Api, Person};
use crate::files::{MIB, bytes, png};

const TUS: &str = "application/offset+octet-stream";

/// A room of Ada's.
async fn room(api: &Api) -> (Person, String) {
    let ada = api.person("ada").await;
    let room = api.room(&ada, "Files", "public").await;
    let id = room["id"].as_str().unwrap().to_owned();
    (ada, id)
}

async fn raw(api: &Api, who: &Person, room: &str, name: &str, content: Vec<u8>) -> Answer {
    let path = format!("/rooms/{room}/attachments?name={name}");
    api.post(&path).by(who).body("application/octet-stream", content).await
}

/// Begins a tus upload and returns its path below `/api/v1`.
async fn begin(api: &Api, who: &Person, room: &str, length: usize) -> String {
    let answer = api
        .post(&format!("/rooms/{room}/attachments"))
        .by(who)
        .header("tus-resumable", "1.0.0")
        .header("upload-length", &length.to_string())
        .header("upload-metadata", &format!("filename {},empty", STANDARD.encode("Übung.bin")))
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.headers["tus-resumable"], "1.0.0");
    assert!(answer.headers["upload-expires"].to_str().unwrap().ends_with(" GMT"));
    let location = answer.headers["location"].to_str().unwrap();
    location.strip_prefix("/api/v1").unwrap().to_owned()
}

fn part(api: &Api, who: &Person, upload: &str, offset: usize) -> crate::api::Call {
    api.call(Method::PATCH, upload)
        .by(who)
        .header("tus-resumable", "1.0.0")
        .header("upload-offset", &offset.to_string())
}

async fn offset(api: &Api, who: &Person, upload: &str) -> usize {
    let answer = api.call(Method::HEAD, upload).by(who).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["cache-control"], "no-store");
    answer.headers["upload-offset"].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_file_in_one_request_is_what_it_is_and_not_what_it_is_called() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let answer = raw(&api, &ada, &room, "..%2F..%2Fcat.exe", b"%PDF-1.7 words".to_vec()).await;
    let file = answer.ok(StatusCode::CREATED);
    assert_eq!(file["name"], "cat.exe");
    assert_eq!(file["type"], "application/pdf");
    assert_eq!(file["size"], 14);
    assert!(file.get("width").is_none() && file.get("thumbnail").is_none());
}

#[tokio::test]
async fn a_picture_has_dimensions_a_blur_and_a_thumbnail() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let file = raw(&api, &ada, &room, "wide.png", png(600, 300)).await.ok(StatusCode::CREATED);
    assert_eq!(file["type"], "image/png");
    assert_eq!((&file["width"], &file["height"]), (&json!(600), &json!(300)));
    assert_eq!(file["thumbnail"], true);
    assert!(file["blurhash"].as_str().unwrap().len() > 10);
}

#[tokio::test]
async fn a_form_brings_a_file_with_its_name() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let form = "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n\
                --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"日本.txt\"\r\n\
                Content-Type: image/png\r\n\r\njust words\r\n--b--\r\n";
    let post = || api.post(&format!("/rooms/{room}/attachments")).by(&ada);
    let file = post().body("multipart/form-data; boundary=b", form).await.ok(StatusCode::CREATED);
    assert_eq!(file["name"], "日本.txt");
    assert_eq!((&file["type"], &file["size"]), (&json!("text/plain"), &json!(10)));
    let without = form.replace("\"file\"", "\"other\"");
    let without = post().body("multipart/form-data; boundary=b", without).await;
    without.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    let cut = post().body("multipart/form-data; boundary=b", &form[..100]).await;
    cut.refused(StatusCode::BAD_REQUEST, "bad_frame");
    let mixed = post().body("multipart/mixed; boundary=b", form).await;
    mixed.refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
}

#[tokio::test]
async fn a_file_may_be_empty_and_as_large_as_told_and_not_a_byte_more() {
    let api = Api::with_limits(|limits| limits.attachment_bytes = 3 * MIB as u64 + 5);
    let (ada, room) = room(&api).await;
    let empty = raw(&api, &ada, &room, "nothing", Vec::new()).await.ok(StatusCode::CREATED);
    assert_eq!((&empty["size"], &empty["type"]), (&json!(0), &json!("application/octet-stream")));
    let most = bytes(3 * MIB + 5);
    let file = raw(&api, &ada, &room, "most", most.clone()).await.ok(StatusCode::CREATED);
    assert_eq!(file["size"], most.len());
    let more = raw(&api, &ada, &room, "more", bytes(3 * MIB + 6)).await;
    more.refused(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");
    // Nobody says beforehand how much it will be.
    let pieces = (0..4).map(|_| Ok::<_, std::io::Error>(bytes(MIB)));
    let stream = Body::from_stream(futures_util::stream::iter(pieces));
    let path = format!("/rooms/{room}/attachments");
    let streamed = api.post(&path).by(&ada).body("application/octet-stream", stream).await;
    streamed.refused(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");
}

#[tokio::test]
async fn only_members_upload_and_not_faster_than_they_may() {
    let api = Api::start();
    let (_, room) = room(&api).await;
    let eve = api.person("eve").await;
    raw(&api, &eve, &room, "x", vec![1]).await.refused(StatusCode::NOT_FOUND, "room_not_found");
    let anonymous = api.post(&format!("/rooms/{room}/attachments")).send().await;
    anonymous.refused(StatusCode::UNAUTHORIZED, "token_required");
    let mut answer = raw(&api, &eve, &room, "x", vec![1]).await;
    for _ in 0..200 {
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        answer = raw(&api, &eve, &room, "x", vec![1]).await;
    }
    answer.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
}

#[tokio::test]
async fn an_account_has_its_share_and_no_more() {
    let api = Api::with_files(|files| files.quota = 1000);
    let (ada, room) = room(&api).await;
    raw(&api, &ada, &room, "a", bytes(600)).await.ok(StatusCode::CREATED);
    let second = raw(&api, &ada, &room, "b", bytes(600)).await;
    second.refused(StatusCode::FORBIDDEN, "quota_exceeded");
    let upload = begin(&api, &ada, &room, 400).await;
    raw(&api, &ada, &room, "c", bytes(1)).await.refused(StatusCode::FORBIDDEN, "quota_exceeded");
    let given_up =
        api.call(Method::DELETE, &upload).by(&ada).header("tus-resumable", "1.0.0").send().await;
    assert_eq!(given_up.status, StatusCode::NO_CONTENT);
    raw(&api, &ada, &room, "c", bytes(1)).await.ok(StatusCode::CREATED);
}

#[tokio::test]
async fn an_upload_in_parts_is_one_file() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let content = bytes(2 * MIB + 500);
    let upload = begin(&api, &ada, &room, content.len()).await;
    let early = api.get(&upload).by(&ada).send().await;
    early.refused(StatusCode::CONFLICT, "upload_incomplete");
    // Parts that fit no boundary.
    let cuts = [0, 10, 11, 700_000, MIB + 3, content.len()];
    for cut in cuts.windows(2) {
        assert_eq!(offset(&api, &ada, &upload).await, cut[0]);
        let answer =
            part(&api, &ada, &upload, cut[0]).body(TUS, content[cut[0]..cut[1]].to_vec()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
        assert_eq!(answer.headers["upload-offset"], cut[1].to_string());
        assert_eq!(answer.headers.contains_key("hubbub-attachment"), cut[1] == content.len());
    }
    let file = api.get(&upload).by(&ada).send().await.ok(StatusCode::OK);
    assert_eq!((&file["name"], &file["size"]), (&json!("Übung.bin"), &json!(content.len())));
    let path = format!("/attachments/{}", file["id"].as_str().unwrap());
    assert!(api.get(&path).by(&ada).bytes().await.1 == content, "other bytes came back");
}

#[tokio::test]
async fn what_came_before_a_cut_is_kept() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let content = bytes(MIB + 900);
    let upload = begin(&api, &ada, &room, content.len()).await;
    let came = Ok(content[..MIB + 300].to_vec());
    let cut = Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    let body = Body::from_stream(futures_util::stream::iter([came, cut]));
    let answer = part(&api, &ada, &upload, 0).body(TUS, body).await;
    answer.refused(StatusCode::BAD_REQUEST, "bad_frame");
    assert_eq!(offset(&api, &ada, &upload).await, MIB + 300);
    let rest = content[MIB + 300..].to_vec();
    let last = part(&api, &ada, &upload, MIB + 300).body(TUS, rest).await;
    let file = last.headers["hubbub-attachment"].to_str().unwrap();
    let path = format!("/attachments/{file}");
    assert!(api.get(&path).by(&ada).bytes().await.1 == content);
}

#[tokio::test]
async fn what_comes_too_slowly_is_ended_and_kept() {
    let api = Api::with_files(|files| files.idle = Duration::from_millis(50));
    let (ada, room) = room(&api).await;
    let upload = begin(&api, &ada, &room, 1000).await;
    let came = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes(300))]);
    let body = futures_util::StreamExt::chain(came, futures_util::stream::pending());
    let slow = part(&api, &ada, &upload, 0).body(TUS, Body::from_stream(body)).await;
    slow.refused(StatusCode::REQUEST_TIMEOUT, "timeout");
    assert_eq!(offset(&api, &ada, &upload).await, 300);
}

#[tokio::test]
async fn of_two_parts_at_once_one_wins() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let upload = begin(&api, &ada, &room, 1000).await;
    let first = part(&api, &ada, &upload, 0).body(TUS, bytes(10)).await;
    assert_eq!(first.status, StatusCode::NO_CONTENT);
    let both = tokio::join!(
        part(&api, &ada, &upload, 10).body(TUS, bytes(500)),
        part(&api, &ada, &upload, 10).body(TUS, bytes(500)),
    );
    let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    assert_eq!(offset(&api, &ada, &upload).await, 510);
}

#[tokio::test]
async fn each_wrong_part_has_its_answer() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let eve = api.person("eve").await;
    let upload = begin(&api, &ada, &room, 100).await;
    let patch = |offset| part(&api, &ada, &upload, offset);
    patch(7).body(TUS, bytes(5)).await.refused(StatusCode::CONFLICT, "offset_mismatch");
    let kind = patch(0).body("image/png", bytes(5)).await;
    kind.refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    let large = patch(0).body(TUS, bytes(101)).await;
    large.refused(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");
    let version = api.call(Method::PATCH, &upload).by(&ada).header("tus-resumable", "0.2.2");
    let version = version.header("upload-offset", "0").body(TUS, bytes(5)).await;
    version.refused(StatusCode::PRECONDITION_FAILED, "tus_version");
    assert_eq!(version.headers["tus-version"], "1.0.0");
    let nowhere = api.call(Method::PATCH, &upload).by(&ada).header("tus-resumable", "1.0.0");
    let nowhere = nowhere.body(TUS, bytes(5)).await;
    nowhere.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    let hers = part(&api, &eve, &upload, 0).body(TUS, bytes(5)).await;
    hers.refused(StatusCode::NOT_FOUND, "upload_not_found");
    assert_eq!(offset(&api, &ada, &upload).await, 0);
}

#[tokio::test]
async fn a_part_that_came_broken_does_not_count() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let upload = begin(&api, &ada, &room, 2 * MIB).await;
    let content = bytes(2 * MIB);
    let patch = |sum: &str| part(&api, &ada, &upload, 0).header("upload-checksum", sum);
    let wrong = format!("sha1 {}", STANDARD.encode([7; 20]));
    let broken = patch(&wrong).body(TUS, content.clone()).await;
    broken.refused(StatusCode::from_u16(460).unwrap(), "checksum_mismatch");
    assert_eq!(offset(&api, &ada, &upload).await, 0);
    for bad in ["md5 AAAA", "sha1", "sha1 !"] {
        let bad = patch(bad).body(TUS, content.clone()).await;
        bad.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, &content);
    let right = format!("sha256 {}", STANDARD.encode(digest));
    let whole = patch(&right).body(TUS, content).await;
    assert_eq!(whole.status, StatusCode::NO_CONTENT, "{}", whole.body);
}

#[tokio::test]
async fn an_upload_that_was_given_up_is_gone() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let upload = begin(&api, &ada, &room, 100).await;
    let delete = || api.call(Method::DELETE, &upload).by(&ada).header("tus-resumable", "1.0.0");
    assert_eq!(delete().send().await.status, StatusCode::NO_CONTENT);
    delete().send().await.refused(StatusCode::NOT_FOUND, "upload_not_found");
    let head = api.call(Method::HEAD, &upload).by(&ada).send().await;
    assert_eq!(head.status, StatusCode::NOT_FOUND);
    let patch = part(&api, &ada, &upload, 0).body(TUS, bytes(5)).await;
    patch.refused(StatusCode::NOT_FOUND, "upload_not_found");
}

#[tokio::test]
async fn a_creation_may_bring_the_first_bytes() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let create = |length: &str| {
        api.post(&format!("/rooms/{room}/attachments"))
            .by(&ada)
            .header("tus-resumable", "1.0.0")
            .header("upload-length", length)
    };
    let some = create("10").body(TUS, "12345").await;
    assert_eq!(
        (some.status, &some.headers["upload-offset"]),
        (StatusCode::CREATED, &"5".parse().unwrap())
    );
    let all = create("5").body(TUS, "12345").await;
    assert!(all.headers.contains_key("hubbub-attachment"));
    let none = create("0").send().await;
    assert!(none.headers.contains_key("hubbub-attachment"), "an empty file is whole at once");
    let more = create("5").body(TUS, "123456").await;
    more.refused(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");
    let huge = create(&u64::MAX.to_string()).send().await;
    huge.refused(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");
    let unknown = create("much").send().await;
    unknown.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    let metadata = create("5").header("upload-metadata", "filename ???").send().await;
    metadata.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
}

#[tokio::test]
async fn what_of_tus_is_spoken_is_told_to_anybody() {
    let api = Api::start();
    let (_, room) = room(&api).await;
    let answer = api.call(Method::OPTIONS, &format!("/rooms/{room}/attachments")).send().await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.headers["tus-version"], "1.0.0");
    assert_eq!(answer.headers["tus-max-size"], api.app.limits.attachment_bytes.to_string());
    assert_eq!(answer.headers["tus-checksum-algorithm"], "sha1,sha256");
    assert_eq!(answer.body, Value::Null);
}

#[tokio::test]
async fn when_all_places_are_taken_uploads_are_told_to_wait() {
    let api = Api::with_files(|files| files.places = Places::new(0, 6));
    let (ada, room) = room(&api).await;
    let answer = raw(&api, &ada, &room, "x", vec![1]).await;
    answer.refused(StatusCode::SERVICE_UNAVAILABLE, "overloaded");
}

/// A body that begins with `content` and then does not go on.
fn stalling(content: &'static str) -> Body {
    let came = futures_util::stream::iter([Ok::<_, std::io::Error>(content)]);
    let stream = futures_util::StreamExt::chain(came, futures_util::stream::pending());
    Body::from_stream(stream)
}

#[tokio::test]
async fn one_account_has_its_share_of_the_places_and_an_upload_has_one() {
    let api = Api::with_files(|files| files.places = Places::new(9, 2));
    let (ada, room) = room(&api).await;
    let upload = begin(&api, &ada, &room, 1000).await;
    let first = part(&api, &ada, &upload, 0).body(TUS, stalling("some"));
    tokio::pin!(first);
    let others = async {
        while api.app.files.places.take_for(ada.id, id_of(&upload)).is_ok() {
            tokio::task::yield_now().await;
        }
        let second = part(&api, &ada, &upload, 0).body(TUS, stalling("")).await;
        second.refused(StatusCode::CONFLICT, "offset_mismatch");
        assert!(second.headers.contains_key("retry-after"));
        let _held = api.app.files.places.take(ada.id).unwrap();
        let third = raw(&api, &ada, &room, "x", vec![1]).await;
        third.refused(StatusCode::SERVICE_UNAVAILABLE, "overloaded");
        assert!(third.headers.contains_key("retry-after"));
        let bob = api.person("bob").await;
        let his = api.room(&bob, "His", "public").await;
        raw(&api, &bob, his["id"].as_str().unwrap(), "x", vec![1]).await.ok(StatusCode::CREATED);
    };
    tokio::select! {
        answer = &mut first => panic!("it has not come: {answer:?}"),
        () = others => {}
    }
}

fn id_of(upload: &str) -> AttachmentId {
    upload.rsplit('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_form_of_who_may_not_write_takes_no_place() {
    let api = Api::with_files(|files| files.places = Places::new(0, 0));
    let (_, room) = room(&api).await;
    let eve = api.person("eve").await;
    let post = api.post(&format!("/rooms/{room}/attachments")).by(&eve);
    let refused = post.body("multipart/form-data; boundary=b", stalling("")).await;
    refused.refused(StatusCode::NOT_FOUND, "room_not_found");
}

#[tokio::test]
async fn a_form_whose_file_does_not_begin_is_given_up() {
    let api = Api::with_files(|files| files.request = Duration::from_millis(500));
    let (ada, room) = room(&api).await;
    let post = async |body| {
        let post = api.post(&format!("/rooms/{room}/attachments")).by(&ada);
        post.body("multipart/form-data; boundary=b", body).await
    };
    const FIELD: &str = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n";
    let slowly = futures_util::stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_millis(30)).await;
        Some((Ok::<_, std::io::Error>("not yet"), ()))
    });
    post(Body::from_stream(slowly)).await.refused(StatusCode::REQUEST_TIMEOUT, "timeout");
    let empty = post(Body::from(FIELD.repeat(17))).await;
    empty.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    let header = format!("--b\r\nContent-Disposition: {}", "x".repeat(64 << 10));
    let without_end =
        futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(header.clone()));
    let large = post(Body::from_stream(without_end)).await;
    large.refused(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");
}

#[tokio::test]
async fn the_file_of_a_form_may_come_fast_behind_other_fields() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let field = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nhi\r\n";
    let file = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n";
    let mut pieces = vec![Bytes::from(field.repeat(16) + file)];
    pieces.extend((0..20).map(|_| Bytes::from(vec![7; 400_000])));
    pieces.push(Bytes::from("\r\n--b--\r\n"));
    let stream = futures_util::stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
    let post = api.post(&format!("/rooms/{room}/attachments")).by(&ada);
    let file = post.body("multipart/form-data; boundary=b", Body::from_stream(stream)).await;
    assert_eq!(file.ok(StatusCode::CREATED)["size"], 8_000_000);
}

/// Forgets an upload, as whoever destroys its room does.
async fn forget(app: &App, id: AttachmentId) {
    app.store.discard_files(&[id], Timestamp::now()).await.unwrap();
    app.blobs.remove_all(*id.as_uuid()).await.unwrap();
    app.store.forget_file(id).await.unwrap();
}

#[tokio::test]
async fn nothing_stays_of_an_upload_that_is_forgotten_while_its_bytes_come() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let upload = begin(&api, &ada, &room, 4 * MIB).await;
    let (app, id) = (Arc::clone(&api.app), id_of(&upload));
    let pieces = futures_util::stream::unfold(0, move |sent| {
        let app = Arc::clone(&app);
        async move {
            if sent == 2 {
                forget(&app, id).await;
            }
            (sent < 4).then(|| (Ok::<_, std::io::Error>(bytes(MIB)), sent + 1))
        }
    });
    let answer = part(&api, &ada, &upload, 0).body(TUS, Body::from_stream(pieces)).await;
    answer.refused(StatusCode::CONFLICT, "offset_mismatch");
    assert_eq!(api.blobs(), 0);
}

#[tokio::test]
async fn nothing_stays_of_an_upload_that_is_forgotten_while_it_is_looked_at() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let picture = png(600, 300);
    let length = picture.len() as u64;
    let begun =
        begin_upload(&api.app, ada.id, room.parse().unwrap(), "wide.png".to_owned(), length);
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from(picture))]);
    let pace = Pace::begin(&api.app.files);
    let whole =
        receive(&api.app, begun.await.unwrap(), Taking::default(), pace, pieces).await.unwrap();
    api.app.store.forget_file(whole.id).await.unwrap();
    let refused = finish(&api.app, whole).await.map_err(|refused| refused.code);
    assert_eq!(refused.err(), Some(ErrorCode::UploadNotFound));
    assert_eq!(api.blobs(), 0);
}
