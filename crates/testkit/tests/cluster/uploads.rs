//! A file that is uploaded over one node and another, with a cut in the middle.

use std::ops::Range;

use hubbub_client::http::Api;
use hubbub_protocol::{AttachmentId, ClientFrame, Draft, ErrorCode, MessageId};
use hubbub_testkit::nodes::{Cluster, Person, eventually, person::PASSWORD, soon};
use hubbub_testkit::proxy::Proxy;

/// What is not followed by anything over the first node.
const CUT_AT: &[u8] = b"and here the line breaks";
/// Where that is, in a file of a few parts.
const CUT: Range<usize> = 2_200_000..2_200_000 + CUT_AT.len();
const LENGTH: usize = 3_500_000;

fn content() -> Vec<u8> {
    let mut content: Vec<_> = (0..LENGTH).map(|place| (place % 251) as u8).collect();
    content[CUT].copy_from_slice(CUT_AT);
    content
}

async fn download(person: &Person, file: AttachmentId) -> Result<Vec<u8>, Option<ErrorCode>> {
    let mut download = person.api.download(file).await.map_err(|error| error.code())?;
    let mut bytes = Vec::new();
    while let Some(piece) = download.next().await.expect("the next piece") {
        bytes.extend_from_slice(piece.as_ref());
    }
    Ok(bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_is_cut_off_on_one_node_goes_on_at_another_where_it_stopped() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(1).await, cluster.person(0).await);
    let room = ada.room_with(&[&bob]).await;
    let way = Proxy::start(cluster.address(0)).await;
    let over_the_proxy = Api::new(&format!("http://{}", way.addr())).expect("an address");
    over_the_proxy.login(&ada.user.username, PASSWORD).await.expect("a login");

    let upload = over_the_proxy.begin_upload(room, LENGTH as u64).await.expect("an upload");
    way.stall_when_client_sends(CUT_AT);
    let sending = {
        let (api, upload) = (over_the_proxy.clone(), upload.clone());
        tokio::spawn(async move { api.upload_part(&upload, 0, content()).await })
    };
    soon("the cut", way.stalled()).await;
    way.cut();
    sending.await.expect("no panic").expect_err("the connection broke");

    let kept = eventually("the other node has what came", async || {
        ada.api.uploaded(&upload).await.ok().filter(|kept| *kept > 0)
    })
    .await;
    assert!(kept <= CUT.start as u64, "more than ever came: {kept}");
    let wrong = ada.api.upload_part(&upload, kept + 1, vec![0]).await.expect_err("a hole");
    assert_eq!(wrong.code(), Some(ErrorCode::OffsetMismatch));
    let come = eventually("the rest is taken", async || {
        let from = ada.api.uploaded(&upload).await.ok()?;
        let rest = content().split_off(usize::try_from(from).ok()?);
        ada.api.upload_part(&upload, from, rest).await.ok()
    })
    .await;
    assert_eq!(come, LENGTH as u64);
    let file = ada.api.finish_upload(&upload).await.expect("a file").attachment.id;

    let mut at_b = cluster.connect(&ada, 1).await;
    let id = MessageId::new();
    let body = Draft { attachments: vec![file], ..Draft::text("look") };
    at_b.transmit(&ClientFrame::Send { id, room, body }).await;
    at_b.acked(id).await;
    assert!(download(&bob, file).await == Ok(content()), "other bytes on the first node");
}
