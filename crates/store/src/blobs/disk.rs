//! Blobs as files below a directory.
//!
//! `DIR/ff/FOLDER/NAME`, spread over 256 directories by the last byte of the folder's id. A blob is
//! written beside its place, synced, and moved there: it is whole or not there at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;

use super::{BlobKey, BlobStore, check_size};
use crate::StoreError;

/// Blobs below a directory of this machine.
#[derive(Debug, Clone)]
pub struct DiskBlobs {
    dir: PathBuf,
}

impl DiskBlobs {
    /// Keeps blobs below `dir`, which is made when the first one comes.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    fn folder(&self, folder: Uuid) -> PathBuf {
        let shard = folder.as_bytes()[15];
        self.dir.join(format!("{shard:02x}")).join(folder.as_hyphenated().to_string())
    }

    fn path(&self, key: &BlobKey) -> PathBuf {
        self.folder(key.folder()).join(key.name())
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    make_dirs(folder)?;
    // A blob's name has no dot, so this is never one.
    let unfinished = folder.join(format!("{}.part", Uuid::now_v7()));
    let mut file = File::create_new(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    // The new name is kept only once its directory is.
    File::open(folder)?.sync_all()
}

/// Makes a directory and those above it, each synced into its parent.
fn make_dirs(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_dirs(parent)?;
        match fs::create_dir(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => return File::open(parent)?.sync_all(),
        }
    }
    fs::create_dir_all(dir)
}

/// Treats what is not there as done.
fn unless_missing<T: Default>(result: io::Result<T>) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        other => other,
    }
}

/// Runs what may block. A full disk may have room again.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let failed = |error: &dyn std::fmt::Display| StoreError::Unavailable(format!("files: {error}"));
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| failed(&error))?
        .map_err(|error| failed(&error))
}

#[async_trait]
impl BlobStore for DiskBlobs {
    async fn put(&self, key: &BlobKey, bytes: Bytes) -> Result<(), StoreError> {
        check_size(&bytes)?;
        let path = self.path(key);
        // The folder may be removed while the blob is written: then it is made again, once.
        blocking(move || write(&path, &bytes).or_else(|_| write(&path, &bytes))).await
    }

    async fn get(&self, key: &BlobKey) -> Result<Option<Bytes>, StoreError> {
        let path = self.path(key);
        blocking(move || unless_missing(fs::read(path).map(|bytes| Some(Bytes::from(bytes))))).await
    }

    async fn remove(&self, key: &BlobKey) -> Result<(), StoreError> {
        let path = self.path(key);
        blocking(move || unless_missing(fs::remove_file(path))).await
    }

    async fn remove_all(&self, folder: Uuid) -> Result<(), StoreError> {
        let path = self.folder(folder);
        blocking(move || unless_missing(fs::remove_dir_all(path))).await
    }
}
