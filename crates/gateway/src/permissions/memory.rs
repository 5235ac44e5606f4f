//! Answers of the store that are remembered for a moment, and for longer while it is away.

use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hubbub_protocol::ErrorCode;
use moka::sync::Cache;
use tokio::time::{Instant, timeout};

use crate::refused::Refused;

/// How long an answer is used if nobody says that it has changed. The net under the control words,
/// which may be lost.
const FRESH: Duration = Duration::from_secs(10);

/// How long an answer is used while the store can't give another, so that people go on talking
/// (P2). Nothing changes in a store that is away, and what has changed in one that merely seems to
/// be away is told by control words.
const KEPT: Duration = Duration::from_secs(15 * 60);

/// How long the store is waited for where there is an answer from before.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long the answer from before does after that.
const PAUSE: Duration = Duration::from_secs(5);

/// Answers by key. Many who ask at once share one question.
///
/// What is remembered is the place of an answer, from before it is asked for. So to forget one that
/// is on its way is to forget its place: those who wait for it get it, and nobody else.
pub(super) struct Memory<K, V> {
    answers: Cache<K, Arc<Place<V>>>,
}

/// Where an answer is kept.
struct Place<V> {
    answer: Mutex<Option<Answer<V>>>,
    /// Held by whoever asks the store.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Answer<V> {
    value: V,
    good_until: Instant,
}

impl<V: Clone> Place<V> {
    fn answer(&self) -> Option<Answer<V>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fresh(&self) -> Option<V> {
        self.answer().filter(|answer| Instant::now() < answer.good_until).map(|answer| answer.value)
    }

    fn keep(&self, value: V, good_for: Duration) {
        let answer = Answer { value, good_until: Instant::now() + good_for };
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }
}

impl<V> Default for Place<V> {
    fn default() -> Self {
        Self { answer: Mutex::new(None), asking: tokio::sync::Mutex::new(()) }
    }
}

impl<K, V> Memory<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// At most `most` answers; past it those that are asked for least go.
    pub(super) fn new(most: u64) -> Self {
        Self { answers: Cache::builder().max_capacity(most).time_to_live(KEPT).build() }
    }

    /// The answer, asked for with `load` if it is not known or no longer fresh. A failure is not
    /// remembered.
    pub(super) async fn get(
        &self,
        key: K,
        load: impl Future<Output = Result<V, Refused>>,
    ) -> Result<V, Refused> {
        let place = self.answers.get_with(key, Arc::default);
        if let Some(value) = place.fresh() {
            return Ok(value);
        }
        let Some(Answer { value: before, .. }) = place.answer() else {
            let _turn = place.asking.lock().await;
            if let Some(value) = place.fresh() {
                return Ok(value);
            }
            let value = load.await?;
            place.keep(value.clone(), FRESH);
            return Ok(value);
        };
        let Ok(_turn) = place.asking.try_lock() else { return Ok(before) };
        match timeout(PATIENCE, load).await {
            Ok(Ok(value)) => {
                place.keep(value.clone(), FRESH);
                Ok(value)
            }
            Ok(Err(refused)) if refused.code != ErrorCode::Unavailable => Err(refused),
            Ok(Err(_)) | Err(_) => {
                place.keep(before.clone(), PAUSE);
                Ok(before)
            }
        }
    }

    /// The answer has changed.
    pub(super) fn forget(&self, key: &K) {
        self.answers.invalidate(key);
    }

    /// Any answer may have changed.
    pub(super) fn forget_all(&self) {
        self.answers.invalidate_all();
    }
}

impl<K, V> fmt::Debug for Memory<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_asked_for_once_and_again_when_it_has_changed() {
        let memory = Memory::new(10);
        assert_eq!(memory.get(1, async { Ok("old") }).await, Ok("old"));
        assert_eq!(memory.get(1, async { Ok("new") }).await, Ok("old"));
        memory.forget(&1);
        assert_eq!(memory.get(1, async { Ok("new") }).await, Ok("new"));
        memory.forget_all();
        assert_eq!(memory.get(1, async { Ok("newer") }).await, Ok("newer"));
    }

    #[tokio::test]
    async fn what_changes_while_it_is_asked_for_is_not_remembered() {
        let memory = Memory::new(10);
        let during = async {
            memory.forget(&1);
            Ok("old")
        };
        assert_eq!(memory.get(1, during).await, Ok("old"));
        assert_eq!(memory.get(1, async { Ok("new") }).await, Ok("new"));
    }

    #[tokio::test]
    async fn a_failure_is_not_remembered() {
        let memory = Memory::<u8, u8>::new(10);
        let refused = Refused::from(ErrorCode::Unavailable);
        assert_eq!(memory.get(1, async { Err(refused) }).await, Err(refused));
        assert_eq!(memory.get(1, async { Ok(7) }).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_from_before_does_while_the_store_is_away_and_no_longer() {
        let memory = Memory::<u8, u8>::new(10);
        let away = Refused::from(ErrorCode::Unavailable);
        assert_eq!(memory.get(1, async { Ok(7) }).await, Ok(7));
        tokio::time::advance(FRESH).await;
        assert_eq!(memory.get(1, async { Err(away) }).await, Ok(7));
        // It is left alone for a moment, then asked again.
        assert_eq!(memory.get(1, async { Ok(8) }).await, Ok(7));
        tokio::time::advance(PAUSE).await;
        assert_eq!(memory.get(1, std::future::pending()).await, Ok(7));
        tokio::time::advance(PAUSE).await;
        assert_eq!(memory.get(1, async { Ok(8) }).await, Ok(8));
        // What is known to have changed is never used.
        memory.forget(&1);
        assert_eq!(memory.get(1, async { Err(away) }).await, Err(away));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_that_is_an_answer_is_one() {
        let memory = Memory::<u8, u8>::new(10);
        let refused = Refused::from(ErrorCode::RoomNotFound);
        assert_eq!(memory.get(1, async { Ok(7) }).await, Ok(7));
        tokio::time::advance(FRESH).await;
        assert_eq!(memory.get(1, async { Err(refused) }).await, Err(refused));
    }
}
