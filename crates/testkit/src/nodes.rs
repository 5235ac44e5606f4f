//! Whole nodes, and people who use them.
//!
//! - [`cluster`]: gateways and workers on a Redis and a MongoDB of their own
//! - [`standalone`]: one gateway that is everything
//! - [`gateway`], [`worker`]: one node, in this process or as the real binary
//! - [`person`]: an account and its HTTP calls
//! - [`client`]: one socket that judges every frame it receives
//! - [`view`]: what such a client has on its screen, and the rules by which it judges
//! - [`ledger`]: what all clients of a cluster must agree on
//! - [`resilient`]: the Rust client, with all it has told
//! - [`balancer`]: one address in front of several gateways
//! - [`stored`]: what MongoDB holds
//!
//! Everything that waits here has a deadline and fails the test when it passes.

pub mod balancer;
pub mod client;
pub mod cluster;
pub mod gateway;
pub mod ledger;
pub mod person;
mod program;
pub mod resilient;
mod socket;
pub mod standalone;
pub mod stored;
pub mod view;
pub mod worker;

use std::time::Duration;

pub use client::TestClient;
pub use cluster::Cluster;
pub use gateway::GatewayNode;
pub use person::Person;
pub use standalone::Standalone;
pub use worker::WorkerNode;

/// How long anything that must happen may take. Far longer than it does, so that only a test that
/// fails waits for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How often to ask again where nothing tells.
pub(crate) const ASK_EVERY: Duration = Duration::from_millis(20);

/// Awaits something that must happen.
///
/// # Panics
/// When it takes longer than [`PATIENCE`].
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(PATIENCE, future).await else {
        panic!("{what}: not within {PATIENCE:?}");
    };
    value
}

/// Asks until the answer is what must come, where nothing tells when it does.
///
/// # Panics
/// When it does not come within [`PATIENCE`].
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    soon(what, async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    })
    .await
}
