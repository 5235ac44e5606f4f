//! Gateways: who is there, and asking them to give up connections.

use std::time::Duration;

use hubbub_bus::presence::NodeLease;
use hubbub_bus::{Control, Fanout, NodeCommand, Presence};
use hubbub_protocol::{NodeId, Timestamp};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::output::{Outcome, Output, Shown};
use crate::reach::{Failure, Reach};

/// How often nodes are looked at again.
const LOOK: Duration = Duration::from_millis(500);
/// How long a node may take to say that it is leaving.
const HEARS_WITHIN: Duration = Duration::from_secs(10);

/// A node as it is shown.
#[derive(Debug, Serialize)]
struct Node {
    node: NodeId,
    lease_ms: u64,
    #[serde(flatten)]
    status: Option<hubbub_bus::NodeStatus>,
}

impl From<NodeLease> for Node {
    fn from(lease: NodeLease) -> Self {
        let lease_ms = u64::try_from(lease.expires_in.as_millis()).unwrap_or(u64::MAX);
        Self { node: lease.node, lease_ms, status: lease.status }
    }
}

impl Shown for Node {
    const HEADINGS: &'static [&'static str] =
        &["node", "version", "connections", "rooms", "up", "lease", "state"];

    fn cells(&self) -> Vec<String> {
        let of = |show: &dyn Fn(&hubbub_bus::NodeStatus) -> String| {
            self.status.as_ref().map_or_else(|| "?".to_owned(), show)
        };
        vec![
            self.node.to_string(),
            of(&|status| status.version.clone()),
            of(&|status| status.connections.to_string()),
            of(&|status| status.rooms.to_string()),
            of(&|status| ago(status.started.until(Timestamp::now()))),
            format!("{:.0} s", Duration::from_millis(self.lease_ms).as_secs_f64()),
            of(&|status| if status.draining { "draining" } else { "serving" }.to_owned()),
        ]
    }
}

fn ago(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds @ 7_200..=172_799 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// Whether a node is the one that an operator calls by this name: its incarnation, or the name it was
/// given.
fn is_called(node: &NodeId, name: &str) -> bool {
    let given = node.as_str().rsplit_once('.').map(|(given, _)| given);
    node.as_str() == name || given == Some(name)
}

async fn leases(reach: &Reach) -> Result<Vec<NodeLease>, Failure> {
    let mut leases = reach.bus.nodes().await?;
    leases.sort_by(|a, b| a.node.cmp(&b.node));
    Ok(leases)
}

/// Shows every node with a lease.
///
/// # Errors
/// [`Failure`].
pub async fn show(reach: &Reach, out: &mut Output<'_>) -> Result<Outcome, Failure> {
    let nodes: Vec<Node> = leases(reach).await?.into_iter().map(Node::from).collect();
    out.rows(&nodes, "no node holds a lease")?;
    Ok(Outcome::Good)
}

#[derive(Serialize)]
struct Drained<'a> {
    node: &'a NodeId,
    draining: bool,
    connections: u64,
}

/// Asks a node to leave: it becomes unready and tells its clients to move. Waits until it says that it
/// is leaving, and up to `patience` until everybody has gone.
///
/// # Errors
/// [`Failure`].
pub async fn drain(
    reach: &Reach,
    name: &str,
    patience: Option<Duration>,
    out: &mut Output<'_>,
) -> Result<Outcome, Failure> {
    let found = leases(reach).await?;
    let called: Vec<NodeId> =
        found.into_iter().map(|lease| lease.node).filter(|node| is_called(node, name)).collect();
    let [node] = &called[..] else {
        let (answer, text) = if called.is_empty() {
            ("not_found", format!("no node {name} holds a lease; see `nodes`"))
        } else {
            (
                "ambiguous",
                format!("{} nodes are called {name}; say which, see `nodes`", called.len()),
            )
        };
        out.one(&serde_json::json!({ "node": name, "error": answer }), &text)?;
        return Ok(Outcome::No);
    };
    let command = Control::Command { command: NodeCommand::Drain };
    let begun = Instant::now();
    let (mut draining, mut connections) = (false, 0);
    // Told again until it is heard: words to a node are not kept.
    while !draining && begun.elapsed() < HEARS_WITHIN {
        reach.bus.tell_node(node, &command).await?;
        sleep(LOOK).await;
        (draining, connections) = standing(reach, node).await?;
    }
    while draining && connections > 0 && patience.is_some_and(|most| begun.elapsed() < most) {
        sleep(LOOK).await;
        (draining, connections) = standing(reach, node).await?;
    }
    let text = match (draining, connections) {
        (false, _) => format!("{node} has not answered"),
        (true, 0) => format!("{node} is leaving, and has no connections"),
        (true, left) => format!("{node} is leaving; {left} connections are still there"),
    };
    out.one(&Drained { node, draining, connections }, &text)?;
    let done = draining && (patience.is_none() || connections == 0);
    Ok(if done { Outcome::Good } else { Outcome::No })
}

/// Whether a node is leaving, and how many connections it has. One that is gone has left.
async fn standing(reach: &Reach, node: &NodeId) -> Result<(bool, u64), Failure> {
    let leases = reach.bus.nodes().await?;
    let Some(lease) = leases.into_iter().find(|lease| lease.node == *node) else {
        return Ok((true, 0));
    };
    Ok(lease.status.map_or((false, 0), |status| (status.draining, status.connections)))
}

/// Asks every node that serves to give up what it has above its share.
///
/// # Errors
/// [`Failure`].
pub async fn rebalance(reach: &Reach, out: &mut Output<'_>) -> Result<Outcome, Failure> {
    let serving: Vec<NodeLease> = leases(reach)
        .await?
        .into_iter()
        .filter(|lease| lease.status.as_ref().is_some_and(|status| !status.draining))
        .collect();
    for lease in &serving {
        let command = Control::Command { command: NodeCommand::Rebalance };
        reach.bus.tell_node(&lease.node, &command).await?;
    }
    let nodes: Vec<Node> = serving.into_iter().map(Node::from).collect();
    out.rows(&nodes, "no node serves")?;
    Ok(if nodes.is_empty() { Outcome::No } else { Outcome::Good })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_called_by_its_given_name_or_by_that_of_its_life() {
        let node: NodeId = "web.1.0badcafe".parse().unwrap();
        assert!(is_called(&node, "web.1") && is_called(&node, "web.1.0badcafe"));
        assert!(!is_called(&node, "web") && !is_called(&node, "web.2") && !is_called(&node, ""));
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let told = |seconds| ago(Duration::from_secs(seconds));
        assert_eq!(
            [told(5), told(600), told(7_200), told(900_000)],
            ["5 s", "10 min", "2 h", "10 d"]
        );
    }
}
