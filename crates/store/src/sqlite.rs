//! The store of one process: a SQLite file.
//!
//! One thread writes. It takes whatever operations have queued up meanwhile into one transaction,
//! so that a sync of the disk is shared by all who wait for it (group commit). Reads run beside it
//! on a few connections of their own, on threads that may block.
//!
//! Everything is committed and synced (`synchronous = FULL`) before a call returns. One process at
//! a time: the directory is locked.

mod accounts;
mod attachments;
mod audit;
mod blocks;
mod destruction;
mod error;
mod events;
mod inbox;
mod inspection;
mod memberships;
mod moderation;
mod positions;
mod readers;
mod rooms;
mod schema;
mod search;
mod sessions;
mod users;
mod value;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;

use self::readers::Readers;
use self::writer::Writer;
use crate::search::touched::Touched;
use crate::{Store, StoreError};

/// The database's file inside its directory.
pub const FILE: &str = "hubbub.db";

/// How long [`Store::ping`] waits.
const PING_WITHIN: Duration = Duration::from_secs(1);

/// A store in one file.
#[derive(Clone)]
pub struct SqliteStore {
    path: Arc<Path>,
    was_clean: bool,
    writer: Arc<Writer>,
    readers: Arc<Readers>,
    touched: Touched,
}

impl SqliteStore {
    /// Opens the store in a directory, making both where there are none. Blocks for as long as the
    /// disk does.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when the directory can't be used, another process has it open, or
    /// the file was written by a newer version.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let lock = schema::lock(dir)?;
        let path: PathBuf = dir.join(FILE);
        let mut connection = schema::connect(&path)?;
        schema::migrate(&mut connection)?;
        let was_clean = schema::take_clean_mark(&connection)?;
        let readers = Readers::open(&path)?;
        let writer = Writer::start(connection, lock)?;
        Ok(Self {
            path: path.into(),
            was_clean,
            writer: Arc::new(writer),
            readers: Arc::new(readers),
            touched: Touched::default(),
        })
    }

    /// Whether the last process that had it open ended with [`Store::close`]; true for a new store.
    /// If not, events may have been shown to somebody that were not stored.
    #[must_use]
    pub const fn was_clean(&self) -> bool {
        self.was_clean
    }

    /// Runs one operation in the writer's next transaction and returns once that is synced. An
    /// error undoes what the operation wrote, and nothing else.
    async fn write<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.writer.run(operation).await
    }

    /// Runs a read on one snapshot.
    async fn read<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.readers.run(operation).await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        let answer = self.write(|_| Ok(()));
        tokio::time::timeout(PING_WITHIN, answer)
            .await
            .map_err(|_| StoreError::Unavailable("no answer within a second".to_owned()))?
    }

    async fn close(&self) {
        let marked = self.write(schema::leave_clean_mark).await;
        if let Err(error) = marked {
            tracing::warn!(%error, "closing the store without its clean mark");
        }
        self.readers.close().await;
        self.writer.close().await;
    }
}
