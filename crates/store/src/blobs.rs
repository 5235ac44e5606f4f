//! Where the bytes of files and pictures are kept.
//!
//! A blob is small ([`BLOB_MAX`]), written whole and never changed; a large file is a list of them
//! ([`Part`]), so that it is never in memory as a whole, goes on where it was cut off, on any node,
//! and any range of it is read without the rest. Blobs that belong together (an upload, an avatar
//! in all its sizes) lie in one folder and go together.
//!
//! - [`disk`]: files below a directory, for one process
//! - [`gridfs`]: in MongoDB, beside all else a cluster keeps
//! - [`s3`]: a bucket of anything that speaks S3

pub mod disk;
pub mod gridfs;
pub mod s3;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use disk::DiskBlobs;
pub use gridfs::GridFsBlobs;
pub use s3::{S3Blobs, S3Options};

use crate::StoreError;

/// Largest blob, in bytes. What reads or writes a file of any size holds one such piece of it.
pub const BLOB_MAX: usize = 1 << 20;

/// Longest name of a blob in its folder, in characters.
const NAME_MAX: usize = 64;

/// What a blob is found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BlobKey {
    folder: Uuid,
    name: Box<str>,
}

impl BlobKey {
    /// The blob `name` in a folder.
    ///
    /// # Panics
    /// When the name is not 1 to 64 characters of `a-z`, `0-9` and `-`. Names are the program's
    /// own, never a person's.
    #[must_use]
    pub fn new(folder: Uuid, name: &str) -> Self {
        assert!(is_name(name), "not the name of a blob: {name}");
        Self { folder, name: name.into() }
    }

    /// What it belongs to.
    #[must_use]
    pub const fn folder(&self) -> Uuid {
        self.folder
    }

    /// Its name there.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// `folder/name`, as it is called in GridFS and S3.
impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.folder.as_hyphenated(), self.name)
    }
}

fn is_name(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && name.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Blobs. Every operation can be repeated.
#[async_trait]
pub trait BlobStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a blob, durably before it returns. A blob of that key is replaced; readers see the old
    /// one or the new one.
    ///
    /// # Errors
    /// [`StoreError::Failed`] above [`BLOB_MAX`].
    async fn put(&self, key: &BlobKey, bytes: Bytes) -> Result<(), StoreError>;

    /// A blob, if there is one.
    async fn get(&self, key: &BlobKey) -> Result<Option<Bytes>, StoreError>;

    /// Removes a blob, if there is one.
    async fn remove(&self, key: &BlobKey) -> Result<(), StoreError>;

    /// Removes all blobs of a folder, and what an interrupted [`put`](BlobStore::put) left there.
    async fn remove_all(&self, folder: Uuid) -> Result<(), StoreError>;
}

fn check_size(bytes: &Bytes) -> Result<(), StoreError> {
    if bytes.len() <= BLOB_MAX {
        return Ok(());
    }
    Err(StoreError::Failed(format!("a blob of {} bytes, {BLOB_MAX} at the most", bytes.len())))
}

/// A piece of a file: a blob in the file's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The blob's name.
    pub name: String,
    /// Its bytes.
    pub size: u64,
}

impl Part {
    /// A part that no other is named like, of `size` bytes.
    #[must_use]
    pub fn new(size: u64) -> Self {
        Self { name: Uuid::now_v7().as_hyphenated().to_string(), size }
    }

    /// Its key in the file's folder.
    #[must_use]
    pub fn key(&self, folder: Uuid) -> BlobKey {
        BlobKey::new(folder, &self.name)
    }
}

/// The bytes of all parts together.
#[must_use]
pub fn size(parts: &[Part]) -> u64 {
    parts.iter().map(|part| part.size).sum()
}

/// Writes `bytes` as the parts of a file.
///
/// # Errors
/// As for [`BlobStore::put`]. What was written then is in the folder, named by nothing.
pub async fn put_parts(
    blobs: &dyn BlobStore,
    folder: Uuid,
    mut bytes: Bytes,
) -> Result<Vec<Part>, StoreError> {
    let mut parts = Vec::with_capacity(bytes.len().div_ceil(BLOB_MAX));
    while !bytes.is_empty() {
        let piece = bytes.split_to(bytes.len().min(BLOB_MAX));
        let part = Part::new(piece.len() as u64);
        blobs.put(&part.key(folder), piece).await?;
        parts.push(part);
    }
    Ok(parts)
}

/// The bytes of a range of a file, as a stream that holds one part at a time. What lies beyond the
/// file's end is left out.
pub fn read(
    blobs: Arc<dyn BlobStore>,
    folder: Uuid,
    parts: &[Part],
    range: Range<u64>,
) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + use<> {
    let mut pieces = Vec::new();
    let mut begin = 0_u64;
    for part in parts {
        let (from, to) = (range.start.max(begin), range.end.min(begin + part.size));
        if from < to {
            pieces.push((part.key(folder), from - begin..to - begin));
        }
        begin += part.size;
    }
    stream::iter(pieces.into_iter().map(Ok)).and_then(move |(key, range)| {
        let blobs = Arc::clone(&blobs);
        async move {
            let whole = blobs.get(&key).await?;
            let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
            let range = within(range.start)..within(range.end);
            whole
                .filter(|bytes| bytes.len() >= range.end)
                .map(|bytes| bytes.slice(range))
                .ok_or_else(|| StoreError::Failed("a part of a file is missing".to_owned()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_has_a_plain_name() {
        let folder = Uuid::now_v7();
        assert_eq!(BlobKey::new(folder, "thumbnail").to_string(), format!("{folder}/thumbnail"));
        for bad in ["", "..", "a/b", "A", "a.b", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
