//! A slow reader hurts only itself (P8).

use hubbub_protocol::CloseCode;
use hubbub_testkit::nodes::client::Dial;
use hubbub_testkit::nodes::{Cluster, Person, TestClient, eventually};

use crate::sees_all;

/// Enough to fill every buffer between a gateway and a client that does not read.
const MESSAGES: usize = 230;
const TEXT: usize = 30_000;

async fn busy_cluster() -> Cluster {
    Cluster::builder()
        .with("HUBBUB_TEXT_GRAPHEMES", "32000")
        .with("HUBBUB_OUTBOUND_BYTES", "128KiB")
        .start(2, 1)
        .await
}

/// Connects with small buffers and stops reading.
async fn deaf(cluster: &Cluster, person: &Person, gateway: usize) -> TestClient {
    let dial = Dial { receive_buffer: Some(4096), ..Dial::default() };
    let client = cluster.dial(person, gateway, dial).await;
    client.read_on(false);
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stops_for_a_while_gets_everything_without_a_hole() {
    let cluster = busy_cluster().await;
    let (ada, bob, eve) =
        (cluster.person(0).await, cluster.person(1).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob, &eve]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let attentive = cluster.connect(&bob, 1).await;
    let deaf = deaf(&cluster, &eve, 1).await;

    let text = "x".repeat(TEXT);
    let mut said = Vec::new();
    for _ in 0..MESSAGES {
        said.push(at_a.say(room, &text).await);
    }
    sees_all(&attentive, room, &said).await;
    crate::all_acked(&at_a, &said).await;
    let got = deaf.look(|view| view.room(room).messages.len());
    assert!(got < MESSAGES / 2, "it did not read, and yet it has {got} messages");

    deaf.read_on(true);
    sees_all(&deaf, room, &said).await;
    assert_eq!(deaf.look(|view| view.room(room).ids()), said);
    assert_eq!(deaf.look(|view| view.ended.clone()), None, "on the socket it had");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stays_deaf_is_let_go_and_may_come_back() {
    let cluster = busy_cluster().await;
    let (ada, eve) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&eve]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut deaf = deaf(&cluster, &eve, 1).await;
    let is_online = async || {
        let rows = ada.api.users(&eve.user.username, true).await.unwrap();
        !rows.users.is_empty()
    };
    eventually("her presence", async || is_online().await.then_some(())).await;

    let text = "x".repeat(TEXT);
    let mut said = Vec::new();
    for _ in 0..MESSAGES {
        said.push(at_a.say(room, &text).await);
    }
    crate::all_acked(&at_a, &said).await;
    eventually("the gateway gives up", async || (!is_online().await).then_some(())).await;
    deaf.read_on(true);
    let ended = deaf.ended().await;
    assert!(ended.code.is_none_or(CloseCode::reconnect), "{ended:?}");
    deaf.connect(cluster.address(0)).await;
    sees_all(&deaf, room, &said).await;
    assert_eq!(deaf.look(|view| view.room(room).ids()), said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_deaf_reader_misses_is_not_kept_in_memory_for_it() {
    const LARGE: usize = 400 * 1024;
    const COUNT: usize = 60;
    let cluster = Cluster::builder()
        .of_processes()
        .with("HUBBUB_TEXT_GRAPHEMES", "100000")
        .with("HUBBUB_TEXT_BYTES", "500KiB")
        .with("HUBBUB_FRAME_BYTES", "600KiB")
        .with("HUBBUB_OUTBOUND_BYTES", "1MiB")
        .start(2, 1)
        .await;
    let (ada, bob, eve) =
        (cluster.person(0).await, cluster.person(1).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob, &eve]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let attentive = cluster.connect(&bob, 1).await;
    // A grapheme of many bytes: the longest text that is not many characters.
    let text = format!("e{}", "\u{301}".repeat(LARGE / 2));
    let first = at_a.say(room, &text).await;
    attentive.sees(room, first).await;
    let _deaf = deaf(&cluster, &eve, 1).await;
    let resident = || cluster.gateway(1).resident_bytes().expect("a process");
    let (before, mut most) = (resident(), 0);
    // A few at a time: faster than the gateway gives up on who does not read.
    for _ in 0..COUNT / 4 {
        let mut ids = Vec::new();
        for _ in 0..4 {
            ids.push(at_a.say(room, &text).await);
        }
        sees_all(&attentive, room, &ids).await;
        most = most.max(resident());
    }
    let (grown, said) = (most.saturating_sub(before), (LARGE * COUNT) as u64);
    assert!(grown < said / 2, "grown by {grown} bytes while {said} were said");
}
