//! Which sessions the store called live a moment ago.
//!
//! The bus tells of every session that ends, and is asked each time. What the bus has forgotten the
//! store still knows, and is asked now and then: this is the memory of when that was.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hubbub_protocol::SessionId;

/// How long the store's word counts.
const FRESH: Duration = Duration::from_secs(30);
/// Sessions remembered at most. With more, some are asked about more often.
const SESSIONS_MAX: usize = 100_000;
/// Sessions remembered before those whose time is over are looked for.
const SESSIONS_SWEEP: usize = 1_024;

/// When sessions were last found live.
#[derive(Debug, Default)]
pub struct Liveness {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    at: HashMap<SessionId, Instant>,
    sweep_at: usize,
}

impl Liveness {
    /// Whether a session was live so shortly before `now` that the store need not be asked.
    #[must_use]
    pub fn is_fresh(&self, session: SessionId, now: Instant) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.at.get(&session).is_some_and(|at| now.saturating_duration_since(*at) < FRESH)
    }

    /// The store, asked at `now`, has called a session live.
    pub fn note(&self, session: SessionId, now: Instant) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at.len() >= seen.sweep_at.max(SESSIONS_SWEEP) {
            seen.at.retain(|_, at| now.saturating_duration_since(*at) < FRESH);
            if seen.at.len() >= SESSIONS_MAX {
                seen.at.clear();
            }
            seen.sweep_at = (seen.at.len() * 2).min(SESSIONS_MAX);
        }
        seen.at.insert(session, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stores_word_counts_for_a_while() {
        let (liveness, session, now) = (Liveness::default(), SessionId::new(), Instant::now());
        assert!(!liveness.is_fresh(session, now));
        liveness.note(session, now);
        assert!(liveness.is_fresh(session, now + FRESH / 2));
        assert!(!liveness.is_fresh(session, now + FRESH));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (liveness, now) = (Liveness::default(), Instant::now());
        for _ in 0..SESSIONS_MAX + SESSIONS_SWEEP {
            liveness.note(SessionId::new(), now);
        }
        assert!(liveness.seen.lock().unwrap().at.len() <= SESSIONS_MAX);
    }
}
