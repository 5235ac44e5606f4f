//! One gateway that is everything: no Redis, no MongoDB, no worker.

use std::sync::Arc;

use tempfile::TempDir;

use super::client::TestClient;
use super::cluster::log_if_asked;
use super::gateway::GatewayNode;
use super::ledger::Ledger;
use super::person::Person;
use super::program::Variables;
use crate::watchdog;

/// A standalone gateway, over any number of starts on the same data.
#[derive(Debug)]
pub struct Standalone {
    gateway: Option<GatewayNode>,
    ledger: Arc<Ledger>,
    as_process: bool,
    dir: TempDir,
}

impl Drop for Standalone {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.ledger.assert_clean();
        }
    }
}

impl Standalone {
    /// Starts one in this process.
    ///
    /// # Panics
    /// When it can't be started.
    pub async fn start() -> Self {
        Self::started(false).await
    }

    /// Starts the real binary, which can be killed.
    ///
    /// # Panics
    /// When it can't be started.
    pub async fn start_process() -> Self {
        Self::started(true).await
    }

    async fn started(as_process: bool) -> Self {
        log_if_asked();
        let dir = watchdog::directory("standalone");
        let mut server = Self { gateway: None, ledger: Arc::default(), as_process, dir };
        server.start_again().await;
        server
    }

    /// Starts it on the data it had.
    ///
    /// # Panics
    /// When it can't be started.
    pub async fn start_again(&mut self) {
        let data = self.dir.path().to_str().expect("a directory of our own").to_owned();
        let variables: Variables = [
            ("HUBBUB_DATA_DIR", data),
            ("HUBBUB_NODE", "alone".to_owned()),
            ("HUBBUB_OFFLINE_GRACE", "2s".to_owned()),
            ("HUBBUB_SEND_BURST", "10000".to_owned()),
            ("HUBBUB_SEND_PER_SECOND", "10000".to_owned()),
            ("HUBBUB_IN_FLIGHT", "1000".to_owned()),
            ("HUBBUB_DRAIN", "0s".to_owned()),
            ("HUBBUB_LOBBY", "none".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        self.gateway = Some(if self.as_process {
            GatewayNode::as_process(&variables).await
        } else {
            GatewayNode::in_process(&variables, None).await
        });
    }

    /// The gateway.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn gateway(&self) -> &GatewayNode {
        self.gateway.as_ref().expect("a running gateway")
    }

    /// Stops it softly and waits until it has stopped. Says whether it did.
    pub async fn stop(&mut self) -> bool {
        match self.gateway.take() {
            Some(gateway) => gateway.stop().await,
            None => false,
        }
    }

    /// Kills the process with SIGKILL.
    ///
    /// # Panics
    /// When it is no process.
    pub fn kill(&mut self) {
        self.gateway.take().expect("a running gateway").kill();
    }

    /// Somebody new.
    pub async fn person(&self) -> Person {
        Person::register(self.gateway().address()).await
    }

    /// A device of somebody, connected.
    pub async fn connect(&self, person: &Person) -> TestClient {
        let mut client = TestClient::of(person, &self.ledger);
        client.connect(self.gateway().address()).await;
        client
    }
}
