//! A rolling restart under steady traffic (P10): every gateway in turn, with everybody connected, and
//! nobody notices.
//!
//! `HUBBUB_TEST_ROLLING_CONNECTIONS` says how many connections there are; `make rolling` runs it with
//! 3 000 on release builds, prints what it measured and judges that as well. Without it there are 120,
//! on debug builds beside other tests, whose latencies say more about the machine than about Hubbub.

mod crowd;
mod front;

use std::time::{Duration, Instant};

use hubbub_testkit::nodes::Cluster;
use hubbub_testkit::nodes::cluster::Builder;

use crowd::{Crowd, Phase, Size};
use front::Front;

/// The gateways that are restarted.
const GATEWAYS: usize = 3;
/// How long a stop may take: the longest grace, and a little.
const STOPPED_WITHIN: Duration = Duration::from_secs(80);
/// Between two restarts.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a crowd may take to spread, at the pace of the tests: some rounds, as most of those who are
/// told to move come to another crowded one.
const SPREAD_WITHIN: Duration = Duration::from_secs(240);
/// Below this no difference is felt, and the machine's own noise is greater.
const UNFELT: Duration = Duration::from_millis(10);

/// How long the traffic flows undisturbed, for comparison.
fn calm() -> Duration {
    Duration::from_secs(if Size::is_measured() { 30 } else { 3 })
}

fn builder() -> Builder {
    // What is measured leaves at the pace of the Kubernetes manifests; a few may go faster.
    let (notice, window, grace) =
        if Size::is_measured() { ("5s", "60s", "75s") } else { ("1s", "4s", "20s") };
    Cluster::builder()
        .of_processes()
        .with("HUBBUB_DRAIN_NOTICE", notice)
        .with("HUBBUB_DRAIN", window)
        .with("HUBBUB_SHUTDOWN_GRACE", grace)
        .with("HUBBUB_MAX_CONNECTIONS_PER_USER", "10000")
        .with("HUBBUB_QUOTA_REGISTER_ADDRESS", "10000/1s")
        .with("HUBBUB_QUOTA_REQUESTS", "100000/1s")
}

async fn cluster() -> Cluster {
    builder().start(GATEWAYS, 1).await
}

/// Restarts every gateway in turn behind `front` while a crowd talks, and judges what everybody saw.
async fn restart_all(mut cluster: Cluster, front: Front) {
    let mut crowd = Crowd::gather(&front, Size::wanted()).await;
    let calm = crowd.phase(tokio::time::sleep(calm())).await;
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
    println!("behind {front}, all {GATEWAYS} restarted:");
    judge(&crowd, &calm, &restart);
    assert!(crowd.moved() >= crowd.connections(), "everybody was on a gateway that was restarted");
}

/// Each connection heard each message of its rooms once, in order, and nothing else happened to it;
/// where that is measured, what was done was hardly felt.
fn judge(crowd: &Crowd, calm: &Phase, during: &Phase) {
    println!(
        "{} connections, {} messages seen {} times; it took {:.1} s; \
         latency p50 {:?} p99 {:?} calm, p50 {:?} p99 {:?} during",
        crowd.connections(),
        crowd.said(),
        crowd.seen(),
        during.took.as_secs_f64(),
        calm.latencies.at(0.5),
        calm.latencies.at(0.99),
        during.latencies.at(0.5),
        during.latencies.at(0.99),
    );
    crowd.assert_untroubled();
    let (calm, during) = (calm.latencies.at(0.99), during.latencies.at(0.99));
    let bound = (2 * calm).max(UNFELT);
    assert!(!Size::is_measured() || during <= bound, "{during:?} against {calm:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_gateways_are_restarted_in_turn_and_nobody_notices() {
    let cluster = cluster().await;
    let front = Front::balancer((0..GATEWAYS).map(|n| cluster.address(n)).collect()).await;
    restart_all(cluster, front).await;
}

/// Waits until each gateway has its share of the connections, more or less.
async fn evenly_spread(cluster: &Cluster, gateways: usize, connections: usize) {
    let begun = Instant::now();
    let even = connections / gateways;
    loop {
        let mut counts = Vec::new();
        for n in 0..gateways {
            counts.push(cluster.gateway(n).metric("hubbub_connections").await as usize);
        }
        if counts.iter().all(|count| (even * 3 / 4..=even * 5 / 4).contains(count)) {
            return println!("spread after {:.1} s: {counts:?}", begun.elapsed().as_secs_f64());
        }
        assert!(begun.elapsed() < SPREAD_WITHIN, "{counts:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// One more gateway; the crowded ones give it their surplus, since an operator says so.
async fn grow(cluster: &mut Cluster, front: &Front, connections: usize) {
    let added = cluster.add_gateway().await;
    cluster.gateway(added).becomes(200).await;
    front.ready(cluster.address(added));
    // Together no faster than a restart has them move, where that is measured.
    let per_second = if Size::is_measured() { 10 } else { 25 };
    let pace = format!(r#"{{"per_second":{per_second}}}"#);
    for n in 0..GATEWAYS {
        assert_eq!(cluster.gateway(n).operate("/rebalance", &pace).await, 202);
    }
    evenly_spread(cluster, GATEWAYS + 1, connections).await;
}

/// Two gateways go, one after the other.
async fn shrink(cluster: &mut Cluster, front: &Front) {
    for _ in 0..2 {
        let leaving = cluster.take_gateway(0);
        leaving.ask_to_stop();
        leaving.becomes(503).await;
        front.unready(leaving.address());
        assert!(leaving.stopped(STOPPED_WITHIN).await, "it ended softly");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_added_gets_its_share_and_one_that_goes_leaves_none_behind() {
    let mut cluster = cluster().await;
    let front = Front::balancer((0..GATEWAYS).map(|n| cluster.address(n)).collect()).await;
    let mut crowd = Crowd::gather(&front, Size::wanted()).await;
    let calm = crowd.phase(tokio::time::sleep(calm())).await;
    let connections = crowd.connections();
    let up = crowd.phase(Box::pin(grow(&mut cluster, &front, connections))).await;
    let down = crowd.phase(shrink(&mut cluster, &front)).await;
    crowd.hush().await;
    println!("a gateway more:");
    judge(&crowd, &calm, &up);
    println!("two gateways fewer:");
    judge(&crowd, &calm, &down);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_settings_say_so_crowded_gateways_give_their_surplus_away_by_themselves() {
    let mut cluster = builder()
        .with("HUBBUB_REBALANCE_ABOVE", "20")
        .with("HUBBUB_REBALANCE_PER_SECOND", "25")
        .start(1, 1)
        .await;
    let front = Front::balancer(vec![cluster.address(0)]).await;
    let mut crowd = Crowd::gather(&front, Size::of(60)).await;
    let added = cluster.add_gateway().await;
    cluster.gateway(added).becomes(200).await;
    front.ready(cluster.address(added));
    evenly_spread(&cluster, 2, crowd.connections()).await;
    crowd.hush().await;
    crowd.assert_untroubled();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx_they_are_restarted_and_nobody_notices() {
    let cluster = cluster().await;
    let front = Front::nginx((0..GATEWAYS).map(|n| cluster.address(n)).collect()).await;
    restart_all(cluster, front).await;
}
