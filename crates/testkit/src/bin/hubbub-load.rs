//! `hubbub-load`: puts load on a running cluster and prints what it cost, as one line of JSON.
//! `tools/bench` starts the cluster and runs every scenario; see docs/PERFORMANCE.md.

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use hubbub_testkit::load::bare::BareOptions;
use hubbub_testkit::load::cluster::{Cluster, ClusterOptions};
use hubbub_testkit::load::commit::CommitOptions;
use hubbub_testkit::load::fanout::FanoutOptions;
use hubbub_testkit::load::idle::IdleOptions;
use hubbub_testkit::load::latency::LatencyOptions;
use hubbub_testkit::load::presence::PresenceOptions;
use hubbub_testkit::load::stored::StoredOptions;
use hubbub_testkit::load::{Failure, bare, commit, fanout, idle, latency, presence, stored};
use serde_json::Value;

#[derive(Parser)]
#[command(about = "Puts load on a running cluster and prints what it cost, as one line of JSON.")]
struct Arguments {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Args)]
struct On<T: Args> {
    #[command(flatten)]
    cluster: ClusterOptions,
    #[command(flatten)]
    options: T,
}

#[derive(Subcommand)]
enum Scenario {
    /// Memory of a gateway per connection
    Idle(On<IdleOptions>),
    /// CPU time of a gateway per delivery in a large room, next to a bare send() loop
    Fanout(On<FanoutOptions>),
    /// From a socket on one gateway to sockets on the other, and to the ack
    Latency(On<LatencyOptions>),
    /// Messages a second through the worker
    Stored(On<StoredOptions>),
    /// Announcements and rows of presence when a whole room comes back at once
    Presence(On<PresenceOptions>),
    /// Commits a second through one Redis, which it starts itself
    Commit(CommitOptions),
    /// The bare send() loop alone; prints its address first and waits for the sockets
    Bare(BareOptions),
}

fn main() -> ExitCode {
    match measure(Arguments::parse().scenario) {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("hubbub-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(scenario: Scenario) -> Result<Value, Failure> {
    if let Scenario::Bare(options) = scenario {
        return bare::serve(options);
    }
    // Clients share one thread, so that on a small machine they leave the rest of it to the
    // processes that are measured.
    let threads = if matches!(scenario, Scenario::Stored(_) | Scenario::Commit(_)) { 2 } else { 1 };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(async {
        match scenario {
            Scenario::Idle(on) => idle::run(&Cluster::connect(on.cluster).await?, on.options).await,
            Scenario::Fanout(on) => {
                fanout::run(&Cluster::connect(on.cluster).await?, on.options).await
            }
            Scenario::Latency(on) => {
                latency::run(&Cluster::connect(on.cluster).await?, on.options).await
            }
            Scenario::Stored(on) => {
                stored::run(&Cluster::connect(on.cluster).await?, on.options).await
            }
            Scenario::Presence(on) => {
                presence::run(&Cluster::connect(on.cluster).await?, on.options).await
            }
            Scenario::Commit(options) => commit::run(options).await,
            Scenario::Bare(options) => bare::serve(options),
        }
    })
}
