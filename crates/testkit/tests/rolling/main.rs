//! A rolling restart under steady traffic (P10): every gateway in turn, with everybody connected, and
//! nobody notices.
//!
//! `HUBBUB_TEST_ROLLING_CONNECTIONS` says how many connections there are (300); `make rolling` runs it
//! with 3 000 on release builds and prints what it measured.

mod crowd;
mod front;

use std::time::Duration;

use hubbub_testkit::nodes::Cluster;

use crowd::{Crowd, Phase, Size};
use front::Front;

/// The gateways that are restarted.
const GATEWAYS: usize = 3;
/// How long a leaving gateway is unready before it refuses anybody.
const NOTICE: Duration = Duration::from_secs(1);
/// How long a stop may take: notice, window, the time to move, and a little.
const STOPPED_WITHIN: Duration = Duration::from_secs(20);
/// How long the traffic flows undisturbed, for comparison.
const CALM: Duration = Duration::from_secs(8);
/// Between two restarts.
const PAUSE: Duration = Duration::from_secs(1);
/// Below this no difference is felt, and the machine's own noise is greater.
const UNFELT: Duration = Duration::from_millis(50);

async fn cluster() -> Cluster {
    Cluster::builder()
        .of_processes()
        .with("HUBBUB_DRAIN_NOTICE", &format!("{}s", NOTICE.as_secs()))
        .with("HUBBUB_DRAIN", "4s")
        .with("HUBBUB_MAX_CONNECTIONS_PER_USER", "10000")
        .with("HUBBUB_QUOTA_REGISTER_ADDRESS", "10000/1s")
        .with("HUBBUB_QUOTA_REQUESTS", "100000/1s")
        .start(GATEWAYS, 1)
        .await
}

/// Restarts every gateway in turn behind `front` while a crowd talks, and judges what everybody saw.
async fn restart_all(mut cluster: Cluster, front: Front) {
    let mut crowd = Crowd::gather(&front, Size::wanted()).await;
    let calm = crowd.phase(tokio::time::sleep(CALM)).await;
    let restart = crowd
        .phase(async {
            for _ in 0..GATEWAYS {
                let leaving = cluster.take_gateway(0);
                let (address, admin) = (leaving.address(), leaving.admin_address());
                leaving.ask_to_stop();
                leaving.becomes(503).await;
                front.unready(address);
                assert!(leaving.stopped(STOPPED_WITHIN).await, "it ended softly");
                let again = cluster.add_gateway_at(address, admin).await;
                cluster.gateway(again).becomes(200).await;
                front.ready(address);
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await;
    crowd.hush().await;
    let Phase { latencies: calm, .. } = calm;
    let Phase { latencies: during, took } = restart;
    println!(
        "rolling restart behind {front}: {} connections, {} messages seen {} times; \
         all {GATEWAYS} restarted in {:.1} s; latency p50 {:?} p99 {:?} calm, p50 {:?} p99 {:?} during",
        crowd.connections(),
        crowd.said(),
        crowd.seen(),
        took.as_secs_f64(),
        calm.at(0.5),
        calm.at(0.99),
        during.at(0.5),
        during.at(0.99),
    );
    // Each connection heard each message of its rooms once, in order, and nothing else happened to it.
    crowd.assert_untroubled();
    assert!(crowd.moved() >= crowd.connections(), "everybody was on a gateway that was restarted");
    assert!(
        during.at(0.99) <= 2 * calm.at(0.99).max(UNFELT),
        "{:?} against {:?}",
        during.at(0.99),
        calm.at(0.99)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_gateways_are_restarted_in_turn_and_nobody_notices() {
    let cluster = cluster().await;
    let front = Front::balancer((0..GATEWAYS).map(|n| cluster.address(n)).collect()).await;
    restart_all(cluster, front).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx_they_are_restarted_and_nobody_notices() {
    let cluster = cluster().await;
    let front = Front::nginx((0..GATEWAYS).map(|n| cluster.address(n)).collect()).await;
    restart_all(cluster, front).await;
}
