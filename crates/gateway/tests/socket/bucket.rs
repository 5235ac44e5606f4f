//! Files in a bucket instead of the data directory.

use hubbub_protocol::{
    AttachmentId, ClientFrame, Draft, ErrorCode, MessageId, RoomId, ServerFrame,
};
use hubbub_store::S3Options;
use hubbub_testkit::s3::S3Server;

use crate::node::{Node, Person, Socket};

fn bucket(server: &S3Server) -> S3Options {
    S3Options {
        endpoint: server.endpoint(),
        bucket: S3Server::BUCKET.to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "test".to_owned(),
        secret_key: "secret".to_owned(),
    }
}

/// More than one part of a file, and no text.
fn content() -> Vec<u8> {
    (0..2_500_000_u32).map(|place| (place % 251) as u8).collect()
}

async fn download(person: &Person, file: AttachmentId) -> Result<Vec<u8>, Option<ErrorCode>> {
    let mut download = person.api.download(file).await.map_err(|error| error.code())?;
    let mut bytes = Vec::new();
    while let Some(piece) = download.next().await.map_err(|error| error.code())? {
        bytes.extend_from_slice(piece.as_ref());
    }
    Ok(bytes)
}

async fn send(socket: &mut Socket, room: RoomId, file: AttachmentId) {
    let sent = MessageId::new();
    let body = Draft { attachments: vec![file], ..Draft::text("look") };
    socket.send(&ClientFrame::Send { id: sent, room, body }).await;
    socket
        .until(|frame| matches!(frame, ServerFrame::Ack { id, .. } if id == sent).then_some(()))
        .await;
}

#[tokio::test]
async fn with_the_settings_of_a_bucket_files_are_in_it_and_nowhere_else() {
    let server = S3Server::start().await;
    let node = Node::with(|settings| settings.bucket = Some(bucket(&server))).await;
    let (ann, bob, eve) =
        (node.person("ann").await, node.person("bob").await, node.person("eve").await);
    let room = ann.room("r").await;
    bob.api.join_room(&room.code.unwrap().to_string()).await.unwrap();

    let whole = ann.api.upload(room.id, "whole.bin", content()).await.unwrap().attachment.id;
    let upload = ann.api.begin_upload(room.id, content().len() as u64).await.unwrap();
    let mut come = 0;
    for part in content().chunks(1_000_000) {
        come = ann.api.upload_part(&upload, come, part.to_vec()).await.unwrap();
    }
    assert_eq!(ann.api.uploaded(&upload).await.unwrap(), content().len() as u64);
    let parts = ann.api.finish_upload(&upload).await.unwrap().attachment.id;
    let mut anns = node.greeted(&ann).await;
    for file in [whole, parts] {
        send(&mut anns, room.id, file).await;
        assert_eq!(download(&bob, file).await.unwrap(), content());
        assert_eq!(download(&eve, file).await, Err(Some(ErrorCode::AttachmentNotFound)));
    }
    assert!(!node.data.path().join("blobs").exists(), "nothing is on disk");
    drop(server);
    assert_ne!(download(&bob, whole).await.ok(), Some(content()), "it was in the bucket");
}

#[tokio::test]
async fn without_its_bucket_a_gateway_does_not_start() {
    let server = S3Server::start().await;
    let nobodys = S3Options { bucket: "nobody-made-it".to_owned(), ..bucket(&server) };
    assert!(Node::try_with(|settings| settings.bucket = Some(nobodys)).await.is_err());
}
