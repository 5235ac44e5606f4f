//! How fast bytes must come.

use std::time::Duration;

use hubbub_protocol::ErrorCode;
use tokio::time::{Instant, timeout, timeout_at};

use super::FileOptions;

/// The time that one request has to bring its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    idle: Duration,
    until: Instant,
}

impl Pace {
    /// That of a request that begins now.
    #[must_use]
    pub fn begin(options: &FileOptions) -> Self {
        Self { idle: options.idle, until: Instant::now() + options.request }
    }

    /// The next bytes, if they come in time.
    ///
    /// # Errors
    /// [`ErrorCode::Timeout`].
    pub async fn keep<T>(&self, next: impl Future<Output = T>) -> Result<T, ErrorCode> {
        match timeout_at(self.until, timeout(self.idle, next)).await {
            Ok(Ok(next)) => Ok(next),
            _ => Err(ErrorCode::Timeout),
        }
    }
}
