//! One worker, in this process or as the real binary.

use std::net::SocketAddr;

use hubbub_runtime::lifecycle::{Ended, Lifecycle};
use hubbub_runtime::settings::FixedEnvironment;
use hubbub_worker::{Settings, Worker};

use super::PATIENCE;
use super::program::{Program, Variables, get};
use crate::port::{free_port, local};
use crate::proxy::Proxy;

/// A running worker. One in this process stops at the end of the test's runtime, a process is
/// killed on drop.
pub struct WorkerNode {
    node: Body,
    pub(super) proxies: Option<(Proxy, Proxy)>,
}

enum Body {
    Task(Box<Worker>),
    Process { program: Box<Program>, admin: SocketAddr },
}

impl WorkerNode {
    pub(super) async fn in_process(variables: &Variables) -> Self {
        let mut environment = FixedEnvironment::new();
        for (name, value) in variables {
            environment = environment.with(name, value);
        }
        environment = environment.with("HUBBUB_ADMIN_LISTEN", "127.0.0.1:0");
        let settings = Settings::load(["hubbub-worker"], &environment)
            .unwrap_or_else(|error| panic!("a worker's settings: {error}"));
        let started = Worker::start(&settings, Lifecycle::default()).await;
        let worker = started.unwrap_or_else(|error| panic!("a worker: {error}"));
        Self { node: Body::Task(Box::new(worker)), proxies: None }
    }

    pub(super) async fn as_process(variables: &Variables) -> Self {
        let admin = local(free_port());
        let mut variables = variables.clone();
        variables.insert("HUBBUB_ADMIN_LISTEN".into(), admin.to_string());
        let program = Program::start("hubbub-worker", &variables, admin).await;
        Self { node: Body::Process { program: Box::new(program), admin }, proxies: None }
    }

    /// The proxy between it and Redis.
    ///
    /// # Panics
    /// When the cluster was started without proxies.
    #[must_use]
    pub fn redis_proxy(&self) -> &Proxy {
        &self.proxies.as_ref().expect("a cluster with proxies").0
    }

    /// The proxy between it and MongoDB.
    ///
    /// # Panics
    /// When the cluster was started without proxies.
    #[must_use]
    pub fn mongo_proxy(&self) -> &Proxy {
        &self.proxies.as_ref().expect("a cluster with proxies").1
    }

    /// All of a process's log so far.
    ///
    /// # Panics
    /// When it is no process.
    #[must_use]
    pub fn log(&self) -> String {
        match &self.node {
            Body::Task(_) => panic!("only a process has a log of its own"),
            Body::Process { program, .. } => program.process.log(),
        }
    }

    /// What it tells Prometheus.
    ///
    /// # Panics
    /// When the metrics can't be read.
    pub async fn metrics(&self) -> String {
        let admin = match &self.node {
            Body::Task(worker) => worker.admin_address(),
            Body::Process { admin, .. } => *admin,
        };
        get(admin, "/metrics").await.expect("the metrics").1
    }

    /// Kills the process with SIGKILL and waits until it is gone.
    ///
    /// # Panics
    /// When it is no process.
    pub fn kill(self) {
        assert!(matches!(self.node, Body::Process { .. }), "only a process can be killed");
    }

    /// Asks it to stop and waits until it has. Says whether it ended softly.
    ///
    /// # Panics
    /// When it does not stop.
    pub async fn stop(self) -> bool {
        match self.node {
            Body::Task(worker) => worker.stop().await == Ended::Softly,
            Body::Process { mut program, .. } => {
                program.process.signal("TERM");
                let ended = program.process.ended(PATIENCE).await;
                ended.unwrap_or_else(|| panic!("it runs on:\n{}", program.process.log_end()))
            }
        }
    }
}
