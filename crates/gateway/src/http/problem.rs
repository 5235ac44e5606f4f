//! Errors as clients see them: RFC 9457 problem documents.
//!
//! A cause is logged where it becomes a problem and never told to the client.

use std::time::Duration;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hubbub_bus::BusError;
use hubbub_protocol::ErrorCode;
use hubbub_protocol::client::FrameError;
use hubbub_protocol::http::{FieldError, Problem};
use hubbub_store::StoreError;

use crate::auth::password::PasswordError;
use crate::committer::{CommitFailure, UNAVAILABLE_RETRY};
use crate::refused::Refused;

/// Why a request was not carried out. What every handler and extractor answers with.
#[derive(Debug)]
pub struct ApiError(Box<Problem>);

/// What handlers return.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// The error of `code`, with its title as detail.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self(Box::new(Problem::new(code)))
    }

    /// Tells more about this occurrence. Never quotes what the client sent.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// Tells when the same request may succeed.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after_ms = Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Fields that are out of bounds.
    #[must_use]
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let mut error = Self::new(ErrorCode::InvalidField);
        error.0.errors = errors;
        error
    }

    /// One field that is out of bounds.
    #[must_use]
    pub fn field(field: &str, message: &str) -> Self {
        Self::fields(vec![FieldError { field: field.to_owned(), message: message.to_owned() }])
    }

    /// Something the request needs is away.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(ErrorCode::Unavailable).retry_after(UNAVAILABLE_RETRY)
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::UsernameTaken => ErrorCode::UsernameTaken.into(),
            StoreError::OwnerMustStay => ErrorCode::OwnerMustStay.into(),
            StoreError::LastAdmin => ErrorCode::LastAdmin.into(),
            StoreError::TooManyBlocks => ErrorCode::TooManyBlocks.into(),
            StoreError::NoSuchRoom => ErrorCode::RoomNotFound.into(),
            StoreError::Banned => ErrorCode::Banned.into(),
            StoreError::NoSuchMember => ErrorCode::UserNotFound.into(),
            StoreError::Outranked => ErrorCode::Forbidden.into(),
            StoreError::Overloaded(_) => {
                tracing::warn!(%error, "a request asks too much of the store");
                Self::new(ErrorCode::Overloaded).retry_after(UNAVAILABLE_RETRY)
            }
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "a request needs the store, which is away");
                Self::unavailable()
            }
            StoreError::Failed(_) => {
                tracing::error!(%error, "the store failed under a request");
                ErrorCode::Internal.into()
            }
        }
    }
}

impl From<BusError> for ApiError {
    fn from(error: BusError) -> Self {
        tracing::warn!(%error, "a request needs the bus, which is away");
        Self::unavailable()
    }
}

impl From<CommitFailure> for ApiError {
    fn from(failure: CommitFailure) -> Self {
        tracing::warn!(%failure, "a request's event has no place");
        let error = Self::new(failure.code());
        match failure.retry_after() {
            Some(wait) => error.retry_after(wait),
            None => error,
        }
    }
}

impl From<Refused> for ApiError {
    fn from(Refused { code, retry_after }: Refused) -> Self {
        let error = Self::new(code);
        match retry_after {
            Some(wait) => error.retry_after(wait),
            None => error,
        }
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Overloaded { retry_after } => {
                Self::new(ErrorCode::Overloaded).retry_after(retry_after)
            }
            PasswordError::Failed => {
                tracing::error!(%error, "a password could not be hashed");
                ErrorCode::Internal.into()
            }
        }
    }
}

impl From<FrameError> for ApiError {
    fn from(error: FrameError) -> Self {
        Self::new(error.code).detail(error.message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = *self.0;
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = problem.retry_after_ms.map(|wait| wait.div_ceil(1000));
        let challenge = (status == StatusCode::UNAUTHORIZED).then(|| challenge(problem.code));
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// What `WWW-Authenticate` says (RFC 6750, section 3): the error only where a token was presented.
const fn challenge(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::TokenInvalid | ErrorCode::TokenExpired | ErrorCode::SessionEnded => {
            "Bearer error=\"invalid_token\""
        }
        _ => "Bearer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds_rounded_up() {
        let error = ApiError::new(ErrorCode::RateLimited).retry_after(Duration::from_millis(1_001));
        let response = error.into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn only_a_token_that_was_presented_is_called_invalid() {
        let challenge = |code: ErrorCode| {
            let response = ApiError::new(code).into_response();
            response.headers().get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(challenge(ErrorCode::TokenRequired).as_deref(), Some("Bearer"));
        assert!(challenge(ErrorCode::TokenExpired).unwrap().contains("invalid_token"));
        assert_eq!(challenge(ErrorCode::Forbidden), None);
    }

    #[test]
    fn causes_stay_in_the_log() {
        let error = ApiError::from(StoreError::Failed("dial tcp secret-host".into()));
        assert_eq!(error.code(), ErrorCode::Internal);
        assert_eq!(error.0.detail, ErrorCode::Internal.title());
    }
}
