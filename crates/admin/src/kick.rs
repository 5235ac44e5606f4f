//! Ending somebody's sessions, everywhere.

use std::time::Duration;

use hubbub_bus::{Bus, Presence};
use hubbub_protocol::{Timestamp, UserId};
use hubbub_store::{SessionStore, UserStore};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::output::{Outcome, Output};
use crate::reach::{Failure, Reach};

/// How long nodes remember that a session has ended: longer than the longest access token that the
/// settings allow.
const REMEMBERED: Duration = Duration::from_secs(25 * 60 * 60);
/// How long the nodes may take to close the sockets.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(200);

#[derive(Serialize)]
struct Kicked {
    user: UserId,
    username: String,
    sessions: usize,
    connections: usize,
}

/// Ends every session of somebody, found by id or user name, and waits until their sockets are closed.
/// They may log in again: to keep them out, suspend the account.
///
/// # Errors
/// [`Failure`]. Until it has succeeded some sessions may still pass; the same call can be made again.
pub async fn kick(reach: &Reach, whom: &str, out: &mut Output<'_>) -> Result<Outcome, Failure> {
    let found = match whom.parse::<UserId>() {
        Ok(id) => reach.store.users(&[id]).await?,
        Err(_) => reach.store.users_by_name(&[whom.to_lowercase()]).await?,
    };
    let Some(user) = found.into_iter().next() else {
        let answer = serde_json::json!({ "user": whom, "error": "not_found" });
        out.one(&answer, &format!("there is nobody called {whom}"))?;
        return Ok(Outcome::No);
    };
    // Before they are ended, so that a second call tells the nodes of those as well whose first
    // telling failed.
    let sessions = reach.store.end_sessions(user.id, None, Timestamp::now()).await?;
    for session in &sessions {
        reach.bus.end_session(*session, REMEMBERED).await?;
    }
    let begun = Instant::now();
    let mut connections = connections_of(reach, user.id).await?;
    while connections > 0 && begun.elapsed() < PATIENCE {
        sleep(LOOK).await;
        connections = connections_of(reach, user.id).await?;
    }
    let (id, username) = (user.id, user.username);
    let text = format!(
        "{} sessions of {username} ({id}) are ended; {connections} connections are still there",
        sessions.len()
    );
    let kicked = Kicked { user: id, username, sessions: sessions.len(), connections };
    out.one(&kicked, &text)?;
    Ok(if connections == 0 { Outcome::Good } else { Outcome::No })
}

async fn connections_of(reach: &Reach, user: UserId) -> Result<usize, Failure> {
    let presence = reach.bus.presence(&[user]).await?;
    Ok(presence.first().map_or(0, |held| held.connections.len()))
}
