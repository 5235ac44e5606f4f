//! Writing into the audit list.
//!
//! The store changes something first, and the list says so afterwards. Whoever repeats the request
//! then finds it done already, so what is not written down now never is: a store that is away for a
//! moment is waited for.

use std::time::Duration;

use hubbub_protocol::http::{AuditAction, AuditEntry};
use hubbub_protocol::{AuditId, RoomId, Timestamp, UserId};
use hubbub_store::{AuditStore, StoreError};

use crate::trying::trying;

/// Waits between the tries. Together they outlast the election of another primary.
const WAITS: [Duration; 7] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// An entry of the audit list, all but whom or what it was done to.
#[must_use]
pub fn entry(action: AuditAction, actor: UserId, room: RoomId) -> AuditEntry {
    AuditEntry {
        id: AuditId::new(),
        at: Timestamp::now(),
        actor,
        action,
        room: Some(room),
        user: None,
        message: None,
        reason: None,
        detail: None,
    }
}

/// Writes an entry down, once, however often that has to be tried.
///
/// # Errors
/// When the store stays away, or refuses it.
pub async fn write_down<S>(store: &S, entry: &AuditEntry) -> Result<(), StoreError>
where
    S: AuditStore + ?Sized,
{
    let passes = |error: &StoreError| {
        matches!(error, StoreError::Unavailable(_) | StoreError::Overloaded(_))
    };
    let written = trying(&WAITS, passes, || store.append_audit(entry)).await;
    if let Err(error) = &written {
        let AuditEntry { actor, action, room, user, .. } = entry;
        tracing::error!(%actor, ?action, ?room, ?user, %error, "the audit list misses an entry");
    }
    written
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;

    /// A store that is away for so many tries.
    struct Away(AtomicUsize);

    #[async_trait]
    impl AuditStore for Away {
        async fn append_audit(&self, _: &AuditEntry) -> Result<(), StoreError> {
            let left =
                self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
            left.map_or(Ok(()), |_| Err(StoreError::Unavailable("an election".to_owned())))
        }

        async fn audit(
            &self,
            _: Option<RoomId>,
            _: Option<AuditId>,
            _: usize,
        ) -> Result<Vec<AuditEntry>, StoreError> {
            Ok(Vec::new())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_away_for_a_moment_is_waited_for() {
        let entry = entry(AuditAction::MemberRemoved, UserId::new(), RoomId::new());
        let began = tokio::time::Instant::now();
        write_down(&Away(AtomicUsize::new(6)), &entry).await.unwrap();
        assert!(began.elapsed() > Duration::from_secs(12), "as long as an election may take");
        let lost = write_down(&Away(AtomicUsize::new(99)), &entry).await;
        assert!(matches!(lost, Err(StoreError::Unavailable(_))));
    }
}
