//! Why a call failed, and what that means for the caller.

use hubbub_protocol::ErrorCode;
use hubbub_protocol::http::Problem;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The server said no, and why.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// There was no answer.
    #[error("the server can't be reached: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// There was an answer, but not one of this API.
    #[error("the server's answer (status {0}) is not understood")]
    NotUnderstood(u16),
    /// Nobody is logged in.
    #[error("not logged in")]
    LoggedOut,
}

impl ApiError {
    /// The server's code, if it gave one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Problem(problem) => Some(problem.code),
            _ => None,
        }
    }

    /// Whether the session is over, so that only logging in again helps.
    #[must_use]
    pub fn ends_session(&self) -> bool {
        use ErrorCode::{SessionEnded, TokenInvalid, TokenRequired};
        matches!(self, Self::LoggedOut)
            || matches!(self.code(), Some(SessionEnded | TokenInvalid | TokenRequired))
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Problem(problem) => problem.status >= 500 || matches!(problem.status, 408 | 429),
            Self::NotUnderstood(status) => *status >= 500,
            Self::LoggedOut => false,
        }
    }
}
