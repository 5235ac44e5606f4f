//! What somebody with power did, so that others can see it.

use async_trait::async_trait;
use hubbub_protocol::http::AuditEntry;
use hubbub_protocol::{AuditId, RoomId};

use crate::StoreError;

/// The audit list of the site. A room's is the part of it that names the room, and stays when the
/// room is destroyed: administrators see it then.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Adds an entry, unless one with its id is there.
    async fn append_audit(&self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// Entries of a room, or of the whole site, the newest first, before `before`.
    async fn audit(
        &self,
        room: Option<RoomId>,
        before: Option<AuditId>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError>;
}
