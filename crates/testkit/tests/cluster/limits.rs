//! Past a bound there is a clear answer, and it passes (P7).

use std::time::Duration;

use hubbub_client::http::Api;
use hubbub_gateway::settings::Mode;
use hubbub_protocol::server::ErrorFrame;
use hubbub_protocol::{ErrorCode, MessageId};
use hubbub_testkit::nodes::{Cluster, eventually};

use crate::{all_acked, times_stored};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_write_ahead_log_refuses_sends_until_somebody_stores_again() {
    let mut cluster = Cluster::builder()
        .tuned(|settings| {
            if let Mode::Cluster(cluster) = &mut settings.mode {
                cluster.wal_limit = 20;
            }
        })
        .start(2, 0)
        .await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let at_b = cluster.connect(&bob, 1).await;

    let mut taken = Vec::new();
    let refusal = loop {
        let id = at_a.say(room, "is there room?").await;
        let answer = at_a
            .until("a place or a refusal", |view| {
                let about = |error: &&ErrorFrame| error.id == Some(id.to_string());
                let refused = view.errors.iter().find(about).cloned();
                let placed = view.room(room).place(id);
                placed.map(|_| None).or_else(|| refused.map(Some))
            })
            .await;
        match answer {
            Some(refusal) => break refusal,
            None => taken.push(id),
        }
        assert!(taken.len() <= 20, "more than the bound");
    };
    assert_eq!(refusal.code, ErrorCode::Overloaded);
    assert!(refusal.retry_after_ms.is_some_and(|ms| ms > 0), "{refusal:?}");
    crate::sees_all(&at_b, room, &taken).await;

    cluster.add_worker().await;
    let id: MessageId = refusal.id.unwrap().parse().unwrap();
    at_a.insist(id, room, "is there room?").await;
    taken.push(id);
    all_acked(&at_a, &taken).await;
    assert!(times_stored(&cluster, room, &taken).await.iter().all(|times| *times == 1));
    eventually("an empty log", async || (cluster.wal_entries().await == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_sends_are_counted_over_all_nodes() {
    const BURST: usize = 20;
    let cluster = Cluster::builder()
        .with("HUBBUB_SEND_BURST", "20")
        .with("HUBBUB_SEND_PER_SECOND", "1")
        .start(2, 1)
        .await;
    let ada = cluster.person(0).await;
    let room = ada.room_with(&[]).await;
    let mut devices = [cluster.connect(&ada, 0).await, cluster.connect(&ada, 1).await];
    let since = std::time::Instant::now();
    let mut sent = [Vec::new(), Vec::new()];
    for _ in 0..BURST {
        for (device, sent) in devices.iter_mut().zip(&mut sent) {
            sent.push(device.say(room, "quick").await);
        }
    }
    let mut refusals = Vec::new();
    for (device, sent) in devices.iter().zip(&sent) {
        refusals.extend(
            device
                .until("an answer to each", |view| {
                    (view.acks.len() + view.errors.len() == sent.len()).then(|| view.errors.clone())
                })
                .await,
        );
    }
    let taken = 2 * BURST - refusals.len();
    let most = BURST + usize::try_from(since.elapsed().as_secs()).unwrap() + 1;
    assert!((BURST..=most).contains(&taken), "{taken} of {} taken", 2 * BURST);
    for refusal in &refusals {
        assert_eq!(refusal.code, ErrorCode::RateLimited);
        assert!(refusal.retry_after_ms.is_some(), "{refusal:?}");
    }

    // Either node says when, and then it is so.
    let last = refusals.last().unwrap();
    let wait = Duration::from_millis(last.retry_after_ms.unwrap());
    assert!(wait <= Duration::from_secs(2), "{wait:?}");
    tokio::time::sleep(wait).await;
    let id: MessageId = last.id.as_deref().unwrap().parse().unwrap();
    let device = usize::from(!sent[0].contains(&id));
    devices[device].say_as(id, room, "quick").await;
    devices[device].acked(id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_counted_over_all_nodes() {
    let cluster = Cluster::builder().with("HUBBUB_QUOTA_LOGIN_ACCOUNT", "2/1h").start(2, 1).await;
    let log_in = async |gateway| {
        let api = Api::new(&format!("http://{}", cluster.address(gateway))).unwrap();
        api.login("nobody", "correct horse battery").await.unwrap_err().code()
    };
    assert_eq!(log_in(0).await, Some(ErrorCode::InvalidCredentials));
    assert_eq!(log_in(1).await, Some(ErrorCode::InvalidCredentials));
    assert_eq!(log_in(0).await, Some(ErrorCode::RateLimited));
    assert_eq!(log_in(1).await, Some(ErrorCode::RateLimited));
}
