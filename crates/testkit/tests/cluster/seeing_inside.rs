//! What operators see: metrics, and logs that tell what happened and never what was said.

use std::collections::{BTreeMap, BTreeSet};

use hubbub_gateway::metric::Metric as OfGateway;
use hubbub_runtime::metric::{About, Kind, Metric as OfProcess};
use hubbub_testkit::nodes::person::PASSWORD;
use hubbub_testkit::nodes::view::Permits;
use hubbub_testkit::nodes::{Cluster, Standalone, eventually};
use hubbub_worker::metric::Metric as OfWorker;
use serde_json::Value;

use crate::{all_acked, say_all, sees_all};

/// The names and kinds that are exported, each with the labels it is exported with.
fn exported(text: &str) -> BTreeMap<(String, String), BTreeSet<String>> {
    let kinds: Vec<(&str, &str)> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let mut found = BTreeMap::new();
    for (name, kind) in kinds {
        let of_name = |line: &&str| {
            line.strip_prefix(name).is_some_and(|rest| {
                let endings = ["", "_bucket", "_sum", "_count"];
                endings.iter().any(|end| {
                    rest.strip_prefix(end).is_some_and(|rest| rest.starts_with([' ', '{']))
                })
            })
        };
        let labels = text.lines().filter(of_name).filter_map(|line| {
            let (_, rest) = line.split_once('{')?;
            Some(rest.rsplit_once('}')?.0)
        });
        let labels = labels
            .flat_map(|labels| labels.split("\","))
            .filter_map(|label| label.split_once('=').map(|(name, _)| name.to_owned()))
            .filter(|label| label != "le")
            .collect();
        found.insert((name.to_owned(), kind.to_owned()), labels);
    }
    found
}

/// The same, as the tables describe it.
fn described(tables: &[&[About]]) -> BTreeMap<(String, String), BTreeSet<String>> {
    let kind = |kind| match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let labels = |about: &About| about.labels.iter().map(|label| (*label).to_owned()).collect();
    tables
        .iter()
        .flat_map(|table| table.iter())
        .map(|about| ((about.name.to_owned(), kind(about.kind).to_owned()), labels(about)))
        .collect()
}

/// The value of a metric, summed over its labels.
fn value(text: &str, name: &str) -> f64 {
    text.lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_and_workers_export_what_is_documented_and_nothing_else() {
    let cluster = Cluster::builder().of_processes().start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut at_b = cluster.connect(&bob, 1).await;
    let said = say_all(&mut at_a, room, 40).await;
    sees_all(&at_b, room, &said).await;
    at_b.vanish();
    let missed = say_all(&mut at_a, room, 3).await;
    at_b.permit(Permits { sync: true, reset: true });
    at_b.connect(cluster.address(1)).await;
    sees_all(&at_b, room, &missed).await;

    let of_gateway = described(&[OfProcess::ALL, OfGateway::ALL]);
    let of_worker: BTreeMap<_, _> = described(&[OfProcess::ALL, OfWorker::ALL])
        .into_iter()
        // Nobody sends notifications here, so there is no sink to count for.
        .filter(|(_, labels)| !labels.contains("sink"))
        .collect();
    for gateway in [cluster.gateway(0), cluster.gateway(1)] {
        assert_eq!(exported(&gateway.metrics().await), of_gateway);
    }
    let worker = eventually("the worker's look at the log", async || {
        let text = cluster.worker(0).metrics().await;
        text.contains("hubbub_wal_entries{").then_some(text)
    })
    .await;
    assert_eq!(exported(&worker), of_worker);
    for id in [room.to_string(), ada.id().to_string(), said[0].to_string()] {
        assert!(!worker.contains(&id) && !cluster.gateway(0).metrics().await.contains(&id));
    }

    // They have seen what happened.
    let (a, b) = (cluster.gateway(0), cluster.gateway(1));
    assert!(a.metric("hubbub_commit_seconds_count").await >= 43.0);
    assert!(a.metric("hubbub_ack_seconds_count").await >= 43.0);
    assert!(b.metric("hubbub_deliveries_total").await >= 40.0);
    assert!(b.metric("hubbub_fanout_lag_seconds_count").await >= 2.0, "one in 16 of 40");
    assert!(b.metric("hubbub_fanout_lag_seconds_sum").await < 30.0);
    assert_eq!(b.metric("hubbub_resumes_total").await, 1.0, "read from the log, once");
    assert!(b.metric("hubbub_bus_probe_age_seconds").await < 10.0);
    assert!(value(&worker, "hubbub_worker_events_total") >= 43.0);
    eventually("the connection", async || {
        (a.metric("hubbub_connections").await == 1.0).then_some(())
    })
    .await;
    assert_eq!(a.metric("hubbub_users").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standalone_gateway_exports_what_a_gateway_and_a_worker_do() {
    let server = Standalone::start_process().await;
    let ada = server.person().await;
    let room = ada.room_with(&[]).await;
    let mut device = server.connect(&ada).await;
    say_all(&mut device, room, 3).await;
    let all: BTreeMap<_, _> = described(&[OfProcess::ALL, OfGateway::ALL, OfWorker::ALL])
        .into_iter()
        .filter(|(_, labels)| !labels.contains("sink"))
        .collect();
    assert_eq!(exported(&server.gateway().metrics().await), all);
}

/// The lines of a log that tell of a message, by what they say.
fn lines_of<'a>(log: &'a [Value], message: &str) -> Vec<(&'a str, &'a Value)> {
    log.iter()
        .filter(|line| line["message_id"] == message || line["position"].is_string())
        .filter_map(|line| Some((line["message"].as_str()?, line)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_follow_a_message_to_the_store_and_never_say_what_was_said() {
    let cluster = Cluster::builder()
        .of_processes()
        .with("HUBBUB_LOG", "trace")
        .with("HUBBUB_LOG_FORMAT", "json")
        .start(2, 1)
        .await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let code = ada.api.room(room).await.unwrap().code.unwrap().to_string();
    let mut at_a = cluster.connect(&ada, 0).await;
    let at_b = cluster.connect(&bob, 1).await;
    let body = "meet me at the quay at nine";
    let id = at_a.say(room, body).await;
    let edit = at_a.edit(room, id, "meet me at the mill at ten").await;
    all_acked(&at_a, &[id, edit]).await;
    at_b.sees(room, edit).await;

    let logs = [cluster.gateway(0).log(), cluster.gateway(1).log(), cluster.worker(0).log()];
    for log in &logs {
        for secret in
            [body, "at the mill", ada.token(), bob.token(), PASSWORD, code.as_str(), "eyJ"]
        {
            assert!(!log.contains(secret), "{secret} is in a log");
        }
    }
    let parsed = logs.each_ref().map(|log| {
        let lines = log.lines().map(serde_json::from_str::<Value>);
        lines.collect::<Result<Vec<_>, _>>().expect("every line is JSON")
    });
    let message = id.to_string();
    let place = at_b.sees(room, id).await.to_string();
    let tells = |log: &[Value], what: &str, by: (&str, &str)| {
        log.iter().any(|line| {
            line["target"] == "hubbub::message" && line["message"] == what && line[by.0] == by.1
        })
    };
    assert!(
        tells(&parsed[0], "committed", ("message_id", &message)),
        "{:?}",
        lines_of(&parsed[0], &message)
    );
    assert!(tells(&parsed[0], "told that it is stored", ("message_id", &message)));
    assert!(tells(&parsed[0], "delivered", ("position", &place)));
    assert!(tells(&parsed[1], "delivered", ("position", &place)));
    assert!(tells(&parsed[2], "settled", ("message_id", &message)));
    // The request that became a socket, and the connection that the message came by.
    let committed = parsed[0].iter().find(|line| line["message_id"] == message.as_str()).unwrap();
    let greeted = parsed[0].iter().any(|line| {
        line["connection"] == committed["connection"]
            && line["request_id"].as_str().is_some_and(|id| !id.is_empty())
    });
    assert!(greeted, "a connection is traced back to its request");
}
