//! Connections that only read, and threads that may block.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::closed;
use super::schema;
use crate::StoreError;

/// Reads at the same time.
const READERS: u32 = 4;

pub(super) struct Readers {
    /// One permit for each idle connection.
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let idle: Vec<_> =
            (0..READERS).map(|_| schema::connect_reader(path)).collect::<Result<_, _>>()?;
        let permits = Arc::new(Semaphore::new(idle.len()));
        Ok(Self { permits, idle: Arc::new(Mutex::new(idle)) })
    }

    /// See [`super::SqliteStore::read`].
    pub(super) async fn run<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let idle = Arc::clone(&self.idle);
        let read = tokio::task::spawn_blocking(move || {
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut lent = Lent { connection: taken, idle, _permit: permit };
            snapshot(lent.connection.as_mut().ok_or_else(closed)?, operation)
        });
        read.await.map_err(|_| StoreError::Failed("a read did not end in order".to_owned()))?
    }

    /// Waits for what is under way and closes the connections.
    pub(super) async fn close(&self) {
        let Ok(_all) = self.permits.acquire_many(READERS).await else { return };
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A connection that goes back whatever happens to its reader, before its permit does.
struct Lent {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.connection.take());
    }
}

fn snapshot<T>(
    connection: &mut Connection,
    operation: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = connection.transaction()?;
    let result = operation(&transaction)?;
    transaction.commit()?;
    Ok(result)
}
