//! The one thread that writes, and its group commit.

use std::fs::File;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::error::closed;
use crate::StoreError;

/// Operations that wait for the writer. Past it, callers wait for room.
const QUEUE: usize = 1024;

/// Operations in one transaction, at the most.
const GROUP: usize = 256;

/// Tells its caller what became of an operation, once its transaction was committed or not.
type Reply = Box<dyn FnOnce(Result<(), &rusqlite::Error>) + Send>;

/// One operation, given the open transaction or the reason why there is none.
type Job = Box<dyn FnOnce(Result<&Connection, &rusqlite::Error>) -> Reply + Send>;

pub(super) struct Writer {
    /// `None` once closed.
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread. It holds `lock` for as long as it may write.
    pub(super) fn start(connection: Connection, lock: File) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                write(connection, queue);
                drop(lock);
            })
            .map_err(|error| StoreError::Unavailable(format!("can't start a thread: {error}")))?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    /// See [`super::SqliteStore::write`].
    pub(super) async fn run<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |transaction| {
            let result = transaction.map_err(StoreError::from).and_then(|t| undoable(t, operation));
            Box::new(move |committed| {
                // Nobody listens when the caller was cancelled; the operation happened all the same.
                let _ = reply.send(committed.map_err(StoreError::from).and(result));
            })
        });
        jobs.ok_or_else(closed)?.send(job).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Writes what is queued, then ends the thread.
    pub(super) async fn close(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the writer of the store did not end in order");
            }
        }
    }
}

/// Without [`Writer::close`] as well, the directory is free when the store is gone.
impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

fn write(mut connection: Connection, mut queue: mpsc::Receiver<Job>) {
    let mut group = Vec::with_capacity(GROUP);
    while queue.blocking_recv_many(&mut group, GROUP) > 0 {
        commit(&mut connection, &mut group);
    }
    // Leaves one tidy file behind. What could not be moved into it stays in the log beside it.
    let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
}

fn commit(connection: &mut Connection, group: &mut Vec<Job>) {
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        Err(error) => {
            for job in group.drain(..) {
                job(Err(&error))(Err(&error));
            }
            return;
        }
    };
    let mut replies: Vec<Reply> = Vec::with_capacity(group.len());
    for job in group.drain(..) {
        // A full disk or a failed read undoes the whole transaction, not only the statement; what
        // follows must not be written outside of one.
        replies.push(if transaction.is_autocommit() {
            job(Err(&undone()))
        } else {
            job(Ok(&transaction))
        });
    }
    let committed = if transaction.is_autocommit() { Err(undone()) } else { transaction.commit() };
    for reply in replies {
        reply(committed.as_ref().copied());
    }
}

fn undone() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
    rusqlite::Error::SqliteFailure(code, Some("the transaction was undone".to_owned()))
}

/// Runs one operation of a transaction so that its failure leaves the others' writes alone.
fn undoable<T>(
    transaction: &Connection,
    operation: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    transaction.prepare_cached("SAVEPOINT operation")?.execute([])?;
    let result = operation(transaction);
    if result.is_err() && !transaction.is_autocommit() {
        transaction.prepare_cached("ROLLBACK TO operation")?.execute([])?;
    }
    if !transaction.is_autocommit() {
        transaction.prepare_cached("RELEASE operation")?.execute([])?;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> (tempfile::TempDir, Writer) {
        let dir = tempfile::tempdir().unwrap();
        let lock = File::create(dir.path().join("lock")).unwrap();
        let connection = Connection::open(dir.path().join("db")).unwrap();
        connection.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        (dir, Writer::start(connection, lock).unwrap())
    }

    fn insert(n: i64) -> impl FnOnce(&Connection) -> Result<(), StoreError> + Send {
        move |t| {
            t.execute("INSERT INTO t VALUES (?1)", [n])?;
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_failed_operation_undoes_its_own_writes_only() {
        let (_dir, writer) = writer();
        let failing = writer.run(|t| {
            insert(2)(t)?;
            Err::<(), _>(StoreError::NoSuchRoom)
        });
        let (first, second, third) =
            tokio::join!(writer.run(insert(1)), failing, writer.run(insert(3)));
        assert!(first.is_ok() && third.is_ok());
        assert!(matches!(second, Err(StoreError::NoSuchRoom)));
        let kept = writer
            .run(|t| {
                let mut statement = t.prepare("SELECT n FROM t")?;
                let rows = statement.query_map([], |row| row.get::<_, i64>(0))?;
                Ok(rows.collect::<Result<Vec<_>, _>>()?)
            })
            .await;
        assert_eq!(kept.unwrap(), [1, 3]);
    }

    #[tokio::test]
    async fn when_the_transaction_is_undone_everybody_in_it_is_told() {
        let (_dir, writer) = writer();
        let undoing = writer.run(|t| {
            t.execute_batch("ROLLBACK")?;
            Ok(())
        });
        // One thread polls all three before the writer can have finished the first with a sync.
        let outcomes = tokio::join!(writer.run(insert(1)), undoing, writer.run(insert(2)));
        assert!(matches!(outcomes.1, Err(StoreError::Unavailable(_))), "{outcomes:?}");
        let kept = writer
            .run(|t| Ok(t.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))?))
            .await
            .unwrap();
        let told = i64::from(outcomes.0.is_ok()) + i64::from(outcomes.2.is_ok());
        assert_eq!(kept, told);
    }

    #[tokio::test]
    async fn after_closing_nothing_is_taken() {
        let (_dir, writer) = writer();
        writer.close().await;
        assert!(matches!(writer.run(insert(1)).await, Err(StoreError::Unavailable(_))));
    }
}
