//! Files of messages, and who may have them.

use std::io::Cursor;

use axum::http::{Method, StatusCode};
use hubbub_gateway::files::claim::claim;
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{AttachmentId, MessageBody, MessageId, NewEvent, RoomId, Timestamp};
use hubbub_worker::collector::{Collected, Collector};
use serde_json::{Value, json};

use crate::api::{Api, Person};

pub(crate) const MIB: usize = 1 << 20;

/// Bytes that differ from place to place, and are no text.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

/// A picture, as a PNG.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x % 256) as u8, (y % 256) as u8, 0])
    });
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

/// Ada and Bob in a room, and a file of Ada's that is not sent.
struct Scene {
    api: Api,
    ada: Person,
    bob: Person,
    room: String,
    file: Value,
}

impl Scene {
    async fn with(name: &str, content: Vec<u8>) -> Self {
        let api = Api::start();
        let (ada, bob) = (api.person("ada").await, api.person("bob").await);
        let room = api.room(&ada, "Files", "public").await;
        let code = json!({ "code": room["code"] });
        api.post("/rooms/join").by(&bob).json(&code).await.ok(StatusCode::OK);
        let room = room["id"].as_str().unwrap().to_owned();
        let path = format!("/rooms/{room}/attachments?name={name}");
        let file = api.post(&path).by(&ada).body("application/octet-stream", content).await;
        let file = file.ok(StatusCode::CREATED);
        Self { api, ada, bob, room, file }
    }

    fn path(&self) -> String {
        format!("/attachments/{}", self.file["id"].as_str().unwrap())
    }

    fn id(&self) -> AttachmentId {
        self.file["id"].as_str().unwrap().parse().unwrap()
    }

    fn room(&self) -> RoomId {
        self.room.parse().unwrap()
    }

    /// Lets something happen in the room, without waiting for it to be stored.
    async fn happens(&self, id: MessageId, kind: NewEventKind) {
        let (room, sender) = (self.room(), self.ada.id);
        let event = NewEvent { room, id, sender, at: Timestamp::now(), kind };
        self.api.app.committer.commit(&event).await.unwrap();
    }

    /// Sends the file.
    async fn send(&self) -> MessageId {
        let id = MessageId::new();
        let files = claim(&self.api.app, self.ada.id, self.room(), id, &[self.id()]).await.unwrap();
        let body = MessageBody { attachments: files, ..MessageBody::default() };
        self.happens(id, NewEventKind::Message { body }).await;
        self.api.store_all().await;
        id
    }

    async fn collect(&self, at: Timestamp) -> Collected {
        let app = &self.api.app;
        Collector::new(app.store.clone(), app.blobs.clone()).collect(at).await.unwrap()
    }

    async fn status(&self, who: &Person) -> StatusCode {
        self.api.get(&self.path()).by(who).bytes().await.0.status
    }
}

const DAY: std::time::Duration = std::time::Duration::from_secs(25 * 3600);

#[tokio::test]
async fn a_file_is_its_uploaders_until_it_is_sent_and_the_rooms_then() {
    let scene = Scene::with("a.txt", b"words".to_vec()).await;
    assert_eq!(scene.status(&scene.ada).await, StatusCode::OK);
    assert_eq!(scene.status(&scene.bob).await, StatusCode::NOT_FOUND);
    scene.send().await;
    assert_eq!(scene.status(&scene.bob).await, StatusCode::OK);
    let eve = scene.api.person("eve").await;
    let refused = scene.api.get(&scene.path()).by(&eve).send().await;
    refused.refused(StatusCode::NOT_FOUND, "attachment_not_found");
    let nobody = scene.api.get(&scene.path()).send().await;
    nobody.refused(StatusCode::UNAUTHORIZED, "token_required");
}

#[tokio::test]
async fn who_has_left_gets_nothing_any_more() {
    let scene = Scene::with("a.txt", b"words".to_vec()).await;
    scene.send().await;
    assert_eq!(scene.status(&scene.bob).await, StatusCode::OK);
    let leave = scene.api.post(&format!("/rooms/{}/leave", scene.room)).by(&scene.bob);
    assert_eq!(leave.send().await.status, StatusCode::NO_CONTENT);
    assert_eq!(scene.status(&scene.bob).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_files_of_a_deleted_message_are_gone_with_it() {
    let scene = Scene::with("wide.png", png(600, 300)).await;
    let message = scene.send().await;
    let thumbnail = format!("{}/thumbnail", scene.path());
    let seen = scene.api.get(&thumbnail).by(&scene.bob).bytes().await;
    assert_eq!(
        (seen.0.status, &seen.0.headers["content-type"]),
        (StatusCode::OK, &"image/jpeg".parse().unwrap())
    );
    scene.happens(MessageId::new(), NewEventKind::Deleted { message }).await;
    for _ in ["not yet stored", "stored"] {
        for path in [&scene.path(), &thumbnail] {
            let gone = scene.api.get(path).by(&scene.ada).send().await;
            gone.refused(StatusCode::NOT_FOUND, "attachment_not_found");
        }
        scene.api.store_all().await;
    }
    let soon = Timestamp::now();
    assert_eq!(scene.collect(soon).await, Collected { removed: 1, kept: 0 });
    assert_eq!(scene.collect(soon).await, Collected::default());
    let key = hubbub_store::BlobKey::new(*scene.id().as_uuid(), "thumbnail");
    assert_eq!(scene.api.app.blobs.get(&key).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_never_sent_is_collected_and_what_is_sent_stays() {
    let scene = Scene::with("a.txt", b"words".to_vec()).await;
    let path = format!("/rooms/{}/attachments", scene.room);
    let sent = scene.send().await;
    scene.api.post(&path).by(&scene.ada).body("text/plain", "never sent").await;
    // Taken for a message that never came.
    let lost = scene.api.post(&path).by(&scene.ada).body("text/plain", "lost").await;
    let lost = lost.body["id"].as_str().unwrap().parse().unwrap();
    let app = &scene.api.app;
    claim(app, scene.ada.id, scene.room(), MessageId::new(), &[lost]).await.unwrap();
    assert_eq!(scene.collect(Timestamp::now()).await, Collected::default());
    let later = Timestamp::now().after(DAY);
    assert_eq!(scene.collect(later).await, Collected { removed: 2, kept: 1 });
    assert_eq!(scene.collect(later.after(DAY)).await, Collected::default());
    assert_eq!(scene.status(&scene.bob).await, StatusCode::OK);
    // The same message again has the same file.
    let again = claim(app, scene.ada.id, scene.room(), sent, &[scene.id()]).await.unwrap();
    assert_eq!(again[0].id, scene.id());
}

#[tokio::test]
async fn a_file_is_sent_once_by_its_uploader_in_its_room() {
    let scene = Scene::with("a.txt", b"words".to_vec()).await;
    let other = scene.api.room(&scene.ada, "Other", "public").await;
    let other: RoomId = other["id"].as_str().unwrap().parse().unwrap();
    let (app, message) = (&scene.api.app, MessageId::new());
    let try_it = |who, room, message, files: Vec<AttachmentId>| async move {
        claim(app, who, room, message, &files).await.map_err(|refused| refused.code.as_str())
    };
    let refused = Err("attachment_not_found");
    let (ada, bob, room, file) = (scene.ada.id, scene.bob.id, scene.room(), scene.id());
    assert_eq!(try_it(bob, room, message, vec![file]).await, refused);
    assert_eq!(try_it(ada, other, message, vec![file]).await, refused);
    assert_eq!(try_it(ada, room, message, vec![file, file]).await, refused);
    assert_eq!(try_it(ada, room, message, vec![file, AttachmentId::new()]).await, refused);
    let many = (0..11).map(|_| AttachmentId::new()).collect();
    assert_eq!(try_it(ada, room, message, many).await, Err("too_many_attachments"));
    assert!(try_it(ada, room, message, vec![file]).await.is_ok());
    assert_eq!(try_it(ada, room, MessageId::new(), vec![file]).await, refused);
    assert!(try_it(ada, room, message, vec![file]).await.is_ok());
}

#[tokio::test]
async fn a_range_is_sent_as_one() {
    let content = bytes(2 * MIB + 10);
    let scene = Scene::with("a.bin", content.clone()).await;
    let get = || scene.api.get(&scene.path()).by(&scene.ada);
    let (whole, all) = get().bytes().await;
    assert!(all == content);
    assert_eq!(whole.headers["accept-ranges"], "bytes");
    assert_eq!(whole.headers["content-length"], content.len().to_string());
    let (part, piece) = get().header("range", "bytes=1048570-1048585").bytes().await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    let shown = format!("bytes 1048570-1048585/{}", content.len());
    assert_eq!(part.headers["content-range"], shown);
    assert!(piece == content[1_048_570..1_048_586]);
    let beyond = get().header("range", "bytes=9999999-").send().await;
    beyond.refused(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable");
    assert_eq!(beyond.headers["content-range"], format!("bytes */{}", content.len()));
    let other = get().header("range", "bytes=0-1").header("if-range", "\"other\"").bytes().await;
    assert_eq!(other.0.status, StatusCode::OK);
    let tag = whole.headers["etag"].to_str().unwrap().to_owned();
    let same = get().header("range", "bytes=0-1").header("if-range", &tag).bytes().await;
    assert_eq!(same.1, content[..2]);
    let known = get().header("if-none-match", &tag).bytes().await;
    assert_eq!((known.0.status, known.1.len()), (StatusCode::NOT_MODIFIED, 0));
    let head = scene.api.call(Method::HEAD, &scene.path()).by(&scene.ada).bytes().await;
    assert_eq!(head.0.headers["content-length"], content.len().to_string());
    assert!(head.1.is_empty());
}

#[tokio::test]
async fn nothing_that_may_run_is_shown() {
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec();
    let html = b"<!DOCTYPE html><script>alert(1)</script>".to_vec();
    let mut broken = png(64, 64);
    broken.truncate(90);
    let huge = zip_bomb();
    for (name, content, how, kind) in [
        ("a.png", png(8, 8), "inline; filename=\"a.png\"", "image/png"),
        ("a.svg", svg, "attachment; filename=\"a.svg\"", "application/octet-stream"),
        ("a.png", html, "attachment; filename=\"a.png\"", "application/octet-stream"),
        ("b.png", broken, "attachment; filename=\"b.png\"", "image/png"),
        ("c.png", huge, "attachment; filename=\"c.png\"", "image/png"),
    ] {
        let scene = Scene::with(name, content).await;
        let (answer, _) = scene.api.get(&scene.path()).by(&scene.ada).bytes().await;
        assert_eq!(answer.headers["content-disposition"], how);
        assert_eq!(answer.headers["content-type"], kind, "{how}");
        assert_eq!(answer.headers["content-security-policy"], "sandbox; default-src 'none'");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["cross-origin-resource-policy"], "same-origin");
        let kept = answer.headers["cache-control"].to_str().unwrap();
        assert!(kept.contains("private") && kept.contains("immutable"), "{kept}");
    }
}

/// A few hundred KiB that unpack to 2 GiB of pixels.
fn zip_bomb() -> Vec<u8> {
    let mut png = png(1, 1);
    png[16..20].copy_from_slice(&16_000_u32.to_be_bytes());
    png[20..24].copy_from_slice(&16_000_u32.to_be_bytes());
    png.extend(vec![0; 300_000]);
    png
}

#[tokio::test]
async fn a_picture_tells_neither_what_is_behind_it_nor_where_it_was_taken() {
    let mut polyglot = png(8, 8);
    polyglot.extend(b"PK\x03\x04 <script>alert(1)</script>");
    let scene = Scene::with("a.png", polyglot).await;
    let (_, bytes) = scene.api.get(&scene.path()).by(&scene.ada).bytes().await;
    assert!(bytes.starts_with(b"\x89PNG") && !bytes.windows(6).any(|w| w == b"script"));
}

#[tokio::test]
async fn a_name_in_any_script_survives() {
    let scene = Scene::with("%E6%97%A5%E6%9C%AC%20%22x%22.txt", b"words".to_vec()).await;
    assert_eq!(scene.file["name"], "日本 \"x\".txt");
    let (answer, _) = scene.api.get(&scene.path()).by(&scene.ada).bytes().await;
    assert_eq!(
        answer.headers["content-disposition"],
        "attachment; filename=\"____x_.txt\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%20%22x%22.txt"
    );
}
