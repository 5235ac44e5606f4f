//! One gateway, in this process or as the real binary.

use std::net::SocketAddr;
use std::time::Duration;

use hubbub_gateway::{Gateway, Settings};
use hubbub_runtime::lifecycle::Lifecycle;
use hubbub_runtime::settings::FixedEnvironment;
use hubbub_runtime::telemetry::Metrics;

use super::program::{Program, Variables, get, post};
use super::{PATIENCE, eventually};
use crate::port::{free_port, local};
use crate::proxy::Proxy;

/// A change to a gateway's settings beyond what its variables allow.
pub type Tune = fn(&mut Settings);

/// A running gateway. One in this process stops at the end of the test's runtime, a process is
/// killed on drop.
#[derive(Debug)]
pub struct GatewayNode {
    address: SocketAddr,
    admin_address: SocketAddr,
    node: Body,
    /// What stands between it and Redis, and it and MongoDB, if anything does.
    pub(super) proxies: Option<(Proxy, Proxy)>,
}

#[derive(Debug)]
enum Body {
    Task(Lifecycle),
    Process(Box<Program>),
}

impl GatewayNode {
    pub(super) async fn in_process(variables: &Variables, tune: Option<Tune>) -> Self {
        let mut environment = FixedEnvironment::new();
        for (name, value) in variables {
            environment = environment.with(name, value);
        }
        environment = environment
            .with("HUBBUB_LISTEN", "127.0.0.1:0")
            .with("HUBBUB_ADMIN_LISTEN", "127.0.0.1:0");
        let mut settings = Settings::load(["hubbub-gateway"], &environment)
            .unwrap_or_else(|error| panic!("a gateway's settings: {error}"));
        if let Some(tune) = tune {
            tune(&mut settings);
        }
        let lifecycle = Lifecycle::default();
        let metrics = Metrics::install().expect("the recorder");
        let started = Gateway::start(settings, &lifecycle, metrics).await;
        let gateway = started.unwrap_or_else(|error| panic!("a gateway: {error}"));
        Self {
            address: gateway.address(),
            admin_address: gateway.admin_address(),
            node: Body::Task(lifecycle),
            proxies: None,
        }
    }

    pub(super) async fn as_process(variables: &Variables) -> Self {
        Self::as_process_at(variables, local(free_port()), local(free_port())).await
    }

    pub(super) async fn as_process_at(
        variables: &Variables,
        address: SocketAddr,
        admin_address: SocketAddr,
    ) -> Self {
        let mut variables = variables.clone();
        variables.insert("HUBBUB_LISTEN".into(), address.to_string());
        variables.insert("HUBBUB_ADMIN_LISTEN".into(), admin_address.to_string());
        let program = Program::start("hubbub-gateway", &variables, admin_address).await;
        Self { address, admin_address, node: Body::Process(Box::new(program)), proxies: None }
    }

    /// Where clients connect.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where operators ask.
    #[must_use]
    pub const fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Asks for something as an operator does, by a POST with JSON, and returns the status.
    ///
    /// # Panics
    /// When nothing answers.
    pub async fn operate(&self, path: &str, json: &str) -> u16 {
        post(self.admin_address, path, json).await.expect("an answer").0
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

    /// Status and body of `/readyz`; `None` when nothing answers any more.
    pub async fn readiness(&self) -> Option<(u16, String)> {
        get(self.admin_address, "/readyz").await
    }

    /// Waits until `/readyz` answers with this status, and returns its body.
    ///
    /// # Panics
    /// When it does not.
    pub async fn becomes(&self, status: u16) -> String {
        eventually(&format!("/readyz with {status}"), async || {
            let (answered, body) = self.readiness().await?;
            (answered == status).then_some(body)
        })
        .await
    }

    /// The value of a metric without labels, or the sum over its labels.
    ///
    /// # Panics
    /// When the metrics can't be read.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.metrics().await;
        let of_name =
            |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
        let value =
            |line: &str| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
        text.lines().filter(of_name).filter_map(value).sum()
    }

    /// The memory that a process holds, in bytes; `None` for a task, and where the system does not
    /// tell.
    #[must_use]
    pub fn resident_bytes(&self) -> Option<u64> {
        let Body::Process(program) = &self.node else { return None };
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.process.id()));
        let status = status.ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// Stops the process's clock: its sockets stay open and nothing is answered.
    ///
    /// # Panics
    /// When it is no process.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Goes on after [`Self::pause`].
    ///
    /// # Panics
    /// When it is no process.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        match &self.node {
            Body::Task(_) => panic!("only a process can be sent SIG{name}"),
            Body::Process(program) => program.process.signal(name),
        }
    }

    /// Kills the process with SIGKILL and waits until it is gone.
    ///
    /// # Panics
    /// When it is no process.
    pub fn kill(self) {
        assert!(matches!(self.node, Body::Process(_)), "only a process can be killed");
    }

    /// Asks it to stop, as SIGTERM does, and goes on.
    pub fn ask_to_stop(&self) {
        match &self.node {
            Body::Task(lifecycle) => lifecycle.soft_stop().cancel(),
            Body::Process(program) => program.process.signal("TERM"),
        }
    }

    /// Asks it to stop and waits until it has. Says whether it ended softly.
    ///
    /// # Panics
    /// When it does not stop.
    pub async fn stop(self) -> bool {
        self.ask_to_stop();
        self.stopped(PATIENCE).await
    }

    /// Waits until it has stopped. Says whether it ended softly.
    ///
    /// # Panics
    /// When it does not within this time.
    pub async fn stopped(self, within: Duration) -> bool {
        match self.node {
            Body::Task(lifecycle) => {
                let ended = tokio::time::timeout(within, lifecycle.stop(within)).await;
                ended.is_ok_and(|ended| ended == hubbub_runtime::lifecycle::Ended::Softly)
            }
            Body::Process(mut program) => program
                .process
                .ended(within)
                .await
                .unwrap_or_else(|| panic!("it runs on:\n{}", program.process.log_end())),
        }
    }

    /// All of a process's log so far.
    ///
    /// # Panics
    /// When it is no process.
    #[must_use]
    pub fn log(&self) -> String {
        match &self.node {
            Body::Task(_) => panic!("only a process has a log of its own"),
            Body::Process(program) => program.process.log(),
        }
    }

    /// What it tells Prometheus.
    ///
    /// # Panics
    /// When the metrics can't be read.
    pub async fn metrics(&self) -> String {
        get(self.admin_address, "/metrics").await.expect("the metrics").1
    }

    /// The end of a process's log.
    #[must_use]
    pub fn log_end(&self) -> Option<String> {
        match &self.node {
            Body::Task(_) => None,
            Body::Process(program) => Some(program.process.log_end()),
        }
    }
}
