//! Alive, and ready: two questions with different consequences.
//!
//! Who is not *ready* gets no new connections; who is not *alive* gets restarted. Readiness is the
//! sum of named checks, each owned by the part it speaks for. A check may expire: then its owner
//! must keep saying that all is well, so that a part that hangs is noticed although it never
//! reported a failure.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::time::Instant;

/// The health of one node. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Bounded by the parts a process has.
    checks: BTreeMap<&'static str, Entry>,
    dead: Option<String>,
}

#[derive(Debug)]
struct Entry {
    /// Why it is not ready; `None` if it is.
    reason: Option<String>,
    reported: Instant,
    max_age: Option<Duration>,
}

impl Entry {
    fn reason(&self, now: Instant) -> Option<String> {
        let age = now.duration_since(self.reported);
        match (&self.reason, self.max_age) {
            (Some(reason), _) => Some(reason.clone()),
            (None, Some(max_age)) if age > max_age => {
                Some(format!("no report for {} s", age.as_secs()))
            }
            (None, _) => None,
        }
    }
}

/// One part's say in whether the node is ready. Once dropped, its part counts as stopped.
#[derive(Debug)]
pub struct Check {
    name: &'static str,
    health: Health,
}

/// What `/readyz` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether every check is.
    pub ready: bool,
    /// Every check, by name.
    pub checks: BTreeMap<&'static str, CheckState>,
}

/// One check in [`Readiness`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckState {
    /// Whether this part is ready.
    pub ready: bool,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Health {
    /// Alive, and ready as long as nobody says otherwise.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check that is not ready until it says so. The name is unique in a process; a later
    /// check of the same name takes the place of the first.
    #[must_use]
    pub fn check(&self, name: &'static str) -> Check {
        self.insert(name, None)
    }

    /// Adds a check that must be confirmed again and again, with never more than `max_age` between.
    #[must_use]
    pub fn expiring_check(&self, name: &'static str, max_age: Duration) -> Check {
        self.insert(name, Some(max_age))
    }

    fn insert(&self, name: &'static str, max_age: Option<Duration>) -> Check {
        let reason = Some("starting".to_owned());
        self.state().checks.insert(name, Entry { reason, reported: Instant::now(), max_age });
        Check { name, health: self.clone() }
    }

    /// Asks for a restart. There is no way back.
    pub fn declare_dead(&self, reason: impl Into<String>) {
        self.state().dead.get_or_insert(reason.into());
    }

    /// Whether every check is ready, and why not.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let now = Instant::now();
        let states = self.state();
        let checks: BTreeMap<_, _> = states
            .checks
            .iter()
            .map(|(name, entry)| {
                let reason = entry.reason(now);
                (*name, CheckState { ready: reason.is_none(), reason })
            })
            .collect();
        Readiness { ready: checks.values().all(|check| check.ready), checks }
    }

    /// Why the process should be restarted, if it should.
    #[must_use]
    pub fn dead(&self) -> Option<String> {
        self.state().dead.clone()
    }

    /// `/healthz` and `/readyz`, to be merged into a listener's routes.
    pub fn routes<S>(&self) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        let (alive, ready) = (self.clone(), self.clone());
        Router::new()
            .route("/healthz", get(async move || alive.healthz()))
            .route("/readyz", get(async move || ready.readyz()))
    }

    fn healthz(&self) -> Response {
        match self.dead() {
            None => "ok\n".into_response(),
            Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason + "\n").into_response(),
        }
    }

    fn readyz(&self) -> Response {
        let readiness = self.readiness();
        let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, Json(readiness)).into_response()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Check {
    /// This part is ready, as of now.
    pub fn ready(&self) {
        self.report(None);
    }

    /// This part is not ready; `reason` is shown to operators, and holds no secret.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.report(Some(reason.into()));
    }

    /// Reports the outcome of a probe.
    pub fn report(&self, reason: Option<String>) {
        if let Some(entry) = self.health.state().checks.get_mut(self.name) {
            if entry.reason.is_none() != reason.is_none() {
                match &reason {
                    None => tracing::info!(check = self.name, "ready"),
                    Some(reason) => tracing::warn!(check = self.name, reason, "not ready"),
                }
            }
            entry.reason = reason;
            entry.reported = Instant::now();
        }
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        // Without a log line: every check ends so when the process does.
        if let Some(entry) = self.health.state().checks.get_mut(self.name) {
            entry.reason = Some("stopped".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(health: &Health, name: &str) -> Option<String> {
        health.readiness().checks[name].reason.clone()
    }

    #[tokio::test]
    async fn a_node_is_ready_when_all_its_parts_are() {
        let health = Health::new();
        let (redis, store) = (health.check("redis"), health.check("store"));
        redis.ready();
        assert!(!health.readiness().ready);
        assert_eq!(reason(&health, "store").as_deref(), Some("starting"));
        store.ready();
        assert!(health.readiness().ready);
        redis.not_ready("connection refused");
        assert!(!health.readiness().ready);
        assert_eq!(reason(&health, "redis").as_deref(), Some("connection refused"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_hangs_is_not_ready() {
        let health = Health::new();
        let probe = health.expiring_check("subscriber", Duration::from_secs(10));
        probe.ready();
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(health.readiness().ready);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(reason(&health, "subscriber").as_deref(), Some("no report for 12 s"));
        probe.ready();
        assert!(health.readiness().ready);
    }

    #[tokio::test]
    async fn a_part_that_is_gone_is_not_ready() {
        let health = Health::new();
        let check = health.check("redis");
        check.ready();
        drop(check);
        assert_eq!(reason(&health, "redis").as_deref(), Some("stopped"));
    }

    #[tokio::test]
    async fn the_first_reason_to_be_dead_stays() {
        let health = Health::new();
        assert_eq!(health.dead(), None);
        health.declare_dead("writer panicked");
        health.declare_dead("and then some");
        assert_eq!(health.dead().as_deref(), Some("writer panicked"));
    }
}
