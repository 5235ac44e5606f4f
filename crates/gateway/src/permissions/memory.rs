//! Answers of the store that are remembered for a moment.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::OnceCell;

use crate::refused::Refused;

/// How long an answer may be used if nobody says that it has changed. The net under the control
/// words, which may be lost.
const KEPT: Duration = Duration::from_secs(10);

/// Answers by key. Many who ask at once share one question.
///
/// What is remembered is the place of an answer, from before it is asked for. So to forget one that
/// is on its way is to forget its place: those who wait for it get it, and nobody else.
pub(super) struct Memory<K, V> {
    answers: Cache<K, Arc<OnceCell<V>>>,
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

    /// The answer, asked for with `load` if it is not known. A failure is not remembered.
    pub(super) async fn get(
        &self,
        key: K,
        load: impl Future<Output = Result<V, Refused>>,
    ) -> Result<V, Refused> {
        let place = self.answers.get_with(key, Arc::default);
        place.get_or_try_init(|| load).await.cloned()
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
        let refused = Refused::from(hubbub_protocol::ErrorCode::Unavailable);
        assert_eq!(memory.get(1, async { Err(refused) }).await, Err(refused));
        assert_eq!(memory.get(1, async { Ok(7) }).await, Ok(7));
    }
}
