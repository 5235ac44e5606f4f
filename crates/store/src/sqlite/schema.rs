//! The file: its lock, its tables, its versions and its clean mark.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::StoreError;

/// The file whose lock says that a process has the directory open.
const LOCK: &str = "hubbub.lock";

/// How long SQLite waits for a lock: a reader may meet a checkpoint.
const BUSY: Duration = Duration::from_secs(5);

/// Every step from an empty file to the present schema. Only ever added to.
const MIGRATIONS: &[&[&str]] = &[
    &[include_str!("schema/base.sql")],
    &[
        include_str!("schema/messages.sql"),
        include_str!("schema/positions.sql"),
        include_str!("schema/people.sql"),
        include_str!("schema/rooms.sql"),
        include_str!("schema/attachments.sql"),
        include_str!("schema/search.sql"),
    ],
    &[include_str!("schema/coming.sql")],
];

/// Makes the directory if need be and takes it for this process, until the file is dropped.
pub(super) fn lock(dir: &Path) -> Result<File, StoreError> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        StoreError::Failed(format!("can't {what} {}: {error}", dir.display()))
    };
    std::fs::create_dir_all(dir).map_err(|error| failed("make", &error))?;
    let file = private(&dir.join(LOCK)).map_err(|error| failed("write to", &error))?;
    // The database would be made readable for everybody; what SQLite adds to it takes its mode.
    private(&dir.join(super::FILE)).map_err(|error| failed("write to", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(failed("use", &"another process has it open")),
        Err(TryLockError::Error(error)) => Err(failed("lock", &error)),
    }
}

/// Opens a file, made for this user only.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A connection that may write.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn connect_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Brings the file to the present schema.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(missing) = MIGRATIONS.get(version as usize..) else {
        return Err(StoreError::Failed(format!(
            "the database has schema version {version}, this program knows {} at the most: \
             it was written by a newer version of Hubbub",
            MIGRATIONS.len()
        )));
    };
    for (version, parts) in (version + 1..).zip(missing) {
        let transaction = connection.transaction()?;
        for sql in *parts {
            transaction.execute_batch(sql)?;
        }
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Removes the clean mark, durably, and tells whether it was there.
pub(super) fn take_clean_mark(connection: &Connection) -> Result<bool, StoreError> {
    let clean = connection.query_row("SELECT clean FROM process", [], |row| row.get(0))?;
    connection.execute("UPDATE process SET clean = 0", [])?;
    Ok(clean)
}

/// Sets the clean mark.
pub(super) fn leave_clean_mark(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("UPDATE process SET clean = 1", [])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_newer_version_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection.pragma_update(None, "user_version", 9_999).unwrap();
        let refused = migrate(&mut connection).unwrap_err();
        assert!(refused.to_string().contains("newer version"), "{refused}");
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        migrate(&mut connection).unwrap();
        assert!(take_clean_mark(&connection).unwrap());
        assert!(!take_clean_mark(&connection).unwrap());
    }
}
