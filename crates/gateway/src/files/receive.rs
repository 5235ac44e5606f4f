//! Bytes into blobs, as they come.
//!
//! What has come is kept in parts of a fixed size, and the upload advances with each, so that a
//! request that is cut off loses nothing of what it brought. A last part that is smaller is completed
//! by the next request: many small requests do not make many small parts.

use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use hubbub_protocol::ErrorCode;
use hubbub_store::FileRecord;
use hubbub_store::blobs::{BLOB_MAX, Part, put_parts, size};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use super::leftover;
use super::pace::Pace;
use crate::app::App;
use crate::refused::Refused;

/// What bytes are checked against once they have come.
#[derive(Clone)]
pub struct Checksum {
    hash: Context,
    expected: Vec<u8>,
}

impl std::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Checksum")
    }
}

impl Checksum {
    /// The algorithms, as `Tus-Checksum-Algorithm` lists them.
    pub const ALGORITHMS: &str = "sha1,sha256";

    /// A checksum by the name of its algorithm; `None` for one that is not known.
    #[must_use]
    pub fn new(algorithm: &str, expected: Vec<u8>) -> Option<Self> {
        let algorithm = match algorithm {
            "sha1" => &SHA1_FOR_LEGACY_USE_ONLY,
            "sha256" => &SHA256,
            _ => return None,
        };
        Some(Self { hash: Context::new(algorithm), expected })
    }

    fn matches(self) -> bool {
        self.hash.finish().as_ref() == self.expected
    }
}

/// How the bytes of a request are taken.
#[derive(Debug, Clone, Default)]
pub struct Taking {
    /// Whether it is all of them or none: nothing counts before the last one has come.
    pub whole: bool,
    /// What they must match. Implies `whole`.
    pub checksum: Option<Checksum>,
}

/// Takes the bytes of one request into an upload, up to the length it was announced with, and
/// returns the upload as it stands then.
///
/// # Errors
/// - [`ErrorCode::PayloadTooLarge`] when more come; what was counted before stays.
/// - [`ErrorCode::Timeout`] when they come too slowly; what has come stays, unless it is to be whole.
/// - [`ErrorCode::BadFrame`] when they end before their time; the same.
/// - [`ErrorCode::OffsetMismatch`] when somebody else has advanced the upload.
/// - [`ErrorCode::ChecksumMismatch`].
pub async fn receive<E>(
    app: &App,
    file: FileRecord,
    taking: Taking,
    pace: Pace,
    body: impl Stream<Item = Result<Bytes, E>> + Send,
) -> Result<FileRecord, Refused> {
    let begun = file.parts.clone();
    let mut receiver = Receiver {
        app,
        stands_at: file.offset(),
        whole: taking.whole || taking.checksum.is_some(),
        checksum: taking.checksum,
        written: Vec::new(),
        waiting: BytesMut::new(),
        file,
    };
    let received = receiver.run(pace, body).await;
    let Receiver { file, written, .. } = receiver;
    let written = begun.iter().chain(&written);
    if received.is_ok() {
        leftover::remove_but(app, &file, written).await;
    } else {
        // What the store says counts: an advance may have happened though nobody heard of it. While
        // the store is away everything stays, and goes with the file.
        let _ = leftover::remove(app, &file, written).await;
    }
    received.map(|()| file)
}

struct Receiver<'a> {
    app: &'a App,
    /// With the parts as they will be.
    file: FileRecord,
    /// Where the upload stands in the store.
    stands_at: u64,
    whole: bool,
    checksum: Option<Checksum>,
    /// Parts that this request has written.
    written: Vec<Part>,
    /// What has come and is not written; less than a part.
    waiting: BytesMut,
}

impl Receiver<'_> {
    async fn run<E>(
        &mut self,
        pace: Pace,
        body: impl Stream<Item = Result<Bytes, E>> + Send,
    ) -> Result<(), Refused> {
        let mut body = pin!(body);
        let mut left = self.file.length.saturating_sub(self.stands_at);
        loop {
            let chunk = match pace.keep(body.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(None) => break,
                Ok(Some(Err(_))) => return self.cut_off(ErrorCode::BadFrame).await,
                Err(late) => return self.cut_off(late).await,
            };
            let length = chunk.len() as u64;
            if length > left {
                return Err(ErrorCode::PayloadTooLarge.into());
            }
            left -= length;
            self.take(chunk).await?;
        }
        if self.checksum.take().is_some_and(|checksum| !checksum.matches()) {
            return Err(ErrorCode::ChecksumMismatch.into());
        }
        self.write(true).await?;
        self.advance().await
    }

    /// Keeps what has come, if a part of it is worth anything.
    async fn cut_off(&mut self, code: ErrorCode) -> Result<(), Refused> {
        if !self.whole {
            self.write(true).await?;
            self.advance().await?;
        }
        Err(code.into())
    }

    async fn take(&mut self, mut chunk: Bytes) -> Result<(), Refused> {
        if let Some(checksum) = &mut self.checksum {
            checksum.hash.update(&chunk);
        }
        while !chunk.is_empty() {
            let fits = chunk.len().min(BLOB_MAX - self.waiting.len());
            self.waiting.extend_from_slice(&chunk.split_to(fits));
            if self.waiting.len() == BLOB_MAX {
                self.write(false).await?;
                if !self.whole {
                    self.advance().await?;
                }
            }
        }
        Ok(())
    }

    /// Writes what waits: full parts, or at the end all of it.
    async fn write(&mut self, last: bool) -> Result<(), Refused> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let folder = self.file.folder();
        let mut bytes = self.waiting.split().freeze();
        if let Some(short) = self.file.parts.pop_if(|part| part.size < BLOB_MAX as u64) {
            // Whoever advances the upload replaces it, too.
            let head = self.app.blobs.get(&short.key(folder)).await?;
            let head = head.ok_or(ErrorCode::OffsetMismatch)?;
            bytes = [head, bytes].concat().into();
        }
        if !last {
            let full = bytes.len() - bytes.len() % BLOB_MAX;
            self.waiting.extend_from_slice(&bytes.split_off(full));
        }
        let parts = put_parts(&*self.app.blobs, folder, bytes).await?;
        self.written.extend_from_slice(&parts);
        self.file.parts.extend(parts);
        Ok(())
    }

    async fn advance(&mut self) -> Result<(), Refused> {
        let to = size(&self.file.parts);
        if to == self.stands_at {
            return Ok(());
        }
        let (file, from) = (&self.file, self.stands_at);
        if !self.app.store.extend_upload(file.id, from, &file.parts).await? {
            return Err(ErrorCode::OffsetMismatch.into());
        }
        self.stands_at = to;
        Ok(())
    }
}

/// As [`receive`], in one of the owner's places and at the pace of a request that begins now, for
/// whoever may go away meanwhile: what they have brought is kept.
///
/// # Errors
/// As [`receive`], and as [`Places::take_for`](super::places::Places::take_for).
pub async fn receive_detached<S, E>(
    app: &Arc<App>,
    file: FileRecord,
    taking: Taking,
    body: S,
) -> Result<FileRecord, Refused>
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Send + 'static,
{
    let place = app.files.places.take_for(file.owner, file.id)?;
    let pace = Pace::begin(&app.files);
    let app = Arc::clone(app);
    let work = tokio::spawn(async move {
        let _place = place;
        receive(&app, file, taking, pace, body).await
    });
    work.await.unwrap_or_else(|_| {
        tracing::error!("the task of an upload was lost");
        Err(ErrorCode::Internal.into())
    })
}
