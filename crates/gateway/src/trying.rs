//! Trying something again that may succeed a moment later.

use std::time::Duration;

/// Tries until it succeeds, fails for good or there is no wait left to try once more after.
pub(crate) async fn trying<T, E, F>(
    waits: &[Duration],
    passes: impl Fn(&E) -> bool,
    mut attempt: impl FnMut() -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    for wait in waits {
        match attempt().await {
            Err(error) if passes(&error) => tokio::time::sleep(*wait).await,
            settled => return settled,
        }
    }
    attempt().await
}
