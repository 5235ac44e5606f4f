//! Why something that a client asked for was not done, over the socket or over HTTP.

use std::time::Duration;

use hubbub_bus::BusError;
use hubbub_protocol::ErrorCode;
use hubbub_protocol::server::ErrorFrame;
use hubbub_store::StoreError;

use crate::committer::CommitFailure;

/// A stable code, and when trying again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub code: ErrorCode,
    /// When the same may succeed, where waiting helps.
    pub retry_after: Option<Duration>,
}

impl Refused {
    /// Refused until some time has passed.
    #[must_use]
    pub const fn until(code: ErrorCode, retry_after: Duration) -> Self {
        Self { code, retry_after: Some(retry_after) }
    }
}

impl From<Refused> for ErrorFrame {
    fn from(refused: Refused) -> Self {
        let millis = |after: Duration| u64::try_from(after.as_millis()).unwrap_or(u64::MAX).max(1);
        Self { retry_after_ms: refused.retry_after.map(millis), ..Self::new(refused.code) }
    }
}

impl From<ErrorCode> for Refused {
    fn from(code: ErrorCode) -> Self {
        Self { code, retry_after: None }
    }
}

impl From<CommitFailure> for Refused {
    fn from(failure: CommitFailure) -> Self {
        if let CommitFailure::Unavailable(cause) = &failure {
            tracing::warn!(%cause, "can't do what a client asked for");
        }
        Self { code: failure.code(), retry_after: failure.retry_after() }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Banned => ErrorCode::Banned.into(),
            StoreError::NoSuchMember => ErrorCode::UserNotFound.into(),
            StoreError::Outranked => ErrorCode::Forbidden.into(),
            error => CommitFailure::from(error).into(),
        }
    }
}

impl From<BusError> for Refused {
    fn from(error: BusError) -> Self {
        CommitFailure::from(error).into()
    }
}
