//! Password hashing: Argon2id (RFC 9106), off the async threads and bounded.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;

/// How many may wait for each one that is hashed. At some 20 ms a hash, the last of them waits for
/// well under a second.
const QUEUE_PER_PERMIT: usize = 32;

/// What those who find the queue full are told to wait.
const OVERLOADED_RETRY: Duration = Duration::from_secs(1);

/// Why a password was not hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many wait already.
    #[error("too many passwords wait to be hashed")]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// A stored hash can't be read, or a task was lost.
    #[error("password hashing failed")]
    Failed,
}

/// Hashes and verifies passwords, with the library's default parameters (19 MiB, 2 passes, 1 lane:
/// the OWASP recommendation).
pub struct Passwords {
    /// Those who may be in here at all, hashing or waiting.
    places: Arc<Semaphore>,
    /// Those who may hash at the same time.
    permits: Arc<Semaphore>,
    /// What the password of an unknown user is verified against.
    decoy: String,
    computed: Arc<AtomicU64>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords")
            .field("free_permits", &self.permits.available_permits())
            .field("free_places", &self.places.available_permits())
            .finish_non_exhaustive()
    }
}

impl Passwords {
    /// Hashes up to `permits` (at least 1) passwords at a time. Each takes 19 MiB and a thread of
    /// the blocking pool. Hashes once itself, which takes some 20 ms.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        let permits = permits.max(1);
        let decoy = hash(b"the password of nobody")
            .expect("the default parameters and a salt of 16 bytes are always accepted");
        Self {
            places: Arc::new(Semaphore::new(permits.saturating_mul(1 + QUEUE_PER_PERMIT))),
            permits: Arc::new(Semaphore::new(permits)),
            decoy,
            computed: Arc::new(AtomicU64::new(0)),
        }
    }

    /// The hash of a password, in PHC form.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.compute(move || hash(password.as_bytes())).await
    }

    /// Whether a password is the one that was hashed. With no hash (there is no such user) it
    /// takes as long as with one, and is not.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn verify(
        &self,
        password: String,
        stored: Option<String>,
    ) -> Result<bool, PasswordError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.clone());
        let matches = self.compute(move || verify(password.as_bytes(), &stored)).await?;
        Ok(matches && known)
    }

    /// How many passwords have been hashed or verified so far.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    async fn compute<T, F>(&self, work: F) -> Result<T, PasswordError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| PasswordError::Overloaded { retry_after: OVERLOADED_RETRY })?;
        let permit =
            Arc::clone(&self.permits).acquire_owned().await.map_err(|_| PasswordError::Failed)?;
        let computed = Arc::clone(&self.computed);
        // A caller who goes away does not stop the thread, so the thread itself holds the permit.
        let task = tokio::task::spawn_blocking(move || {
            let _held = (place, permit);
            computed.fetch_add(1, Ordering::Relaxed);
            work()
        });
        task.await.map_err(|_| PasswordError::Failed)?.map_err(|_| PasswordError::Failed)
    }
}

fn hash(password: &[u8]) -> Result<String, Error> {
    let mut salt = [0_u8; 16];
    SystemRandom::new().fill(&mut salt).map_err(|_| Error::Crypto)?;
    let hash: PasswordHash = Argon2::default().hash_password_with_salt(password, &salt)?;
    Ok(hash.to_string())
}

fn verify(password: &[u8], stored: &str) -> Result<bool, Error> {
    let stored = PasswordHash::new(stored).map_err(|_| Error::EncodingInvalid)?;
    match Argon2::default().verify_password(password, &stored) {
        Ok(()) => Ok(true),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_another_is_not() {
        let passwords = Passwords::new(1);
        let stored = passwords.hash("correct horse".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let verify = |text: &str| passwords.verify(text.into(), Some(stored.clone()));
        assert!(verify("correct horse").await.unwrap());
        assert!(!verify("correct horsf").await.unwrap());
        assert!(!verify("").await.unwrap());
    }

    #[tokio::test]
    async fn the_same_password_twice_has_two_hashes() {
        let passwords = Passwords::new(1);
        let first = passwords.hash("again".into()).await.unwrap();
        assert_ne!(first, passwords.hash("again".into()).await.unwrap());
    }

    #[tokio::test]
    async fn an_unknown_user_costs_one_computation_with_the_same_parameters() {
        let passwords = Passwords::new(1);
        let stored = passwords.hash("x".into()).await.unwrap();
        let parameters =
            |text: &str| text.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parameters(&passwords.decoy), parameters(&stored));
        let before = passwords.computed();
        assert!(!passwords.verify("the password of nobody".into(), None).await.unwrap());
        assert_eq!(passwords.computed() - before, 1);
    }

    #[tokio::test]
    async fn past_the_queue_callers_are_turned_away_and_let_in_later() {
        let passwords = Passwords::new(1);
        let all = u32::try_from(passwords.places.available_permits()).unwrap();
        let full = Arc::clone(&passwords.places).try_acquire_many_owned(all).unwrap();
        let refused = passwords.hash("x".into()).await;
        assert_eq!(refused, Err(PasswordError::Overloaded { retry_after: OVERLOADED_RETRY }));
        drop(full);
        assert!(passwords.hash("x".into()).await.is_ok());
    }

    #[tokio::test]
    async fn an_unreadable_hash_is_a_fault_not_a_wrong_password() {
        let passwords = Passwords::new(1);
        let verified = passwords.verify("x".into(), Some("plain".into())).await;
        assert_eq!(verified, Err(PasswordError::Failed));
    }
}
