//! What kind of file bytes are, and pictures made safe to show.
//!
//! - [`kind`]: the media type of bytes, found by looking at them
//! - [`picture`]: a picture written anew, with a thumbnail and a blur hash
//! - [`square`]: avatars and icons
//! - [`small`]: pictures of other people's pages
//! - `decode`, `encode`, `animation`: from bytes to pixels and back
//!
//! Pixels cost far more memory than the file they come from, and time. So pictures are worked on by
//! a few at a time ([`Media::turn`]), away from the threads that serve connections, and only after
//! their dimensions were found to be within bounds.
//!
//! Nothing of a file is passed on but its pixels, and the colour profile that says what they mean:
//! neither place nor camera nor anything hidden behind the picture.

mod animation;
mod decode;
mod encode;
pub mod kind;
pub mod picture;
pub mod small;
pub mod square;

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hubbub_protocol::ErrorCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use encode::Encoded;
pub use picture::Picture;
pub use small::Small;

use crate::refused::Refused;

/// How long somebody waits for a turn.
const TURN_WITHIN: Duration = Duration::from_secs(10);

/// When to try again who has not got one.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Turns at a time, however many cores there are: each may take some hundred MiB.
const TURNS_MAX: usize = 4;

/// Why bytes are no picture that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// Neither PNG, JPEG, WebP nor GIF, or broken.
    #[error("not a picture that can be read")]
    Unreadable,
    /// More pixels than [`decode::SIDE_MAX`] and [`decode::DECODED_MAX`] allow.
    #[error("too many pixels")]
    TooLarge,
    /// Others were faster for too long.
    #[error("too many pictures at the same time")]
    Overloaded,
}

impl From<MediaError> for Refused {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::Unreadable => ErrorCode::ImageUnreadable.into(),
            MediaError::TooLarge => ErrorCode::ImageTooLarge.into(),
            MediaError::Overloaded => Self::until(ErrorCode::Overloaded, RETRY_AFTER),
        }
    }
}

/// The work on pictures in this process. Clones share its turns.
#[derive(Debug, Clone)]
pub struct Media {
    turns: Arc<Semaphore>,
}

impl Default for Media {
    /// As many turns as cores, up to 4.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { turns: Arc::new(Semaphore::new(cores.min(TURNS_MAX))) }
    }
}

impl Media {
    /// Waits for a turn. Take it before reading a large file, so that few are held at a time.
    ///
    /// # Errors
    /// [`MediaError::Overloaded`] after ten seconds.
    pub async fn turn(&self) -> Result<Turn, MediaError> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        match tokio::time::timeout(TURN_WITHIN, turn).await {
            Ok(Ok(permit)) => Ok(Turn { permit }),
            _ => Err(MediaError::Overloaded),
        }
    }
}

/// A turn for one picture.
#[derive(Debug)]
pub struct Turn {
    permit: OwnedSemaphorePermit,
}

impl Turn {
    /// Writes a picture anew. See [`picture::make`].
    ///
    /// # Errors
    /// [`MediaError::Unreadable`] and [`MediaError::TooLarge`].
    pub async fn picture(self, bytes: Bytes) -> Result<Picture, MediaError> {
        self.work(move || picture::make(&bytes)).await
    }

    /// Makes squares of a picture, one for each side in `sides` (pixels). See [`square::make`].
    ///
    /// # Errors
    /// [`MediaError::Unreadable`] and [`MediaError::TooLarge`].
    pub async fn squares(
        self,
        bytes: Bytes,
        sides: &'static [u32],
    ) -> Result<Vec<Encoded>, MediaError> {
        self.work(move || square::make(&bytes, sides)).await
    }

    /// Writes a picture anew with sides of `side` pixels at the most. See [`small::make`].
    ///
    /// # Errors
    /// [`MediaError::Unreadable`] and [`MediaError::TooLarge`].
    pub async fn small(self, bytes: Bytes, side: u32) -> Result<Small, MediaError> {
        self.work(move || small::make(&bytes, side)).await
    }

    /// The turn lasts as long as the work, even where nobody waits for it any more.
    async fn work<T: Send + 'static>(
        self,
        work: impl FnOnce() -> Result<T, MediaError> + Send + 'static,
    ) -> Result<T, MediaError> {
        let work = tokio::task::spawn_blocking(move || {
            let _turn = self.permit;
            work()
        });
        // A decoder that panics has met a picture it can't read.
        work.await.unwrap_or(Err(MediaError::Unreadable))
    }
}
