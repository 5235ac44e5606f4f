//! What the driver's errors mean for a caller.
//!
//! Of a server's error only the code and its name are repeated: its text may quote what was
//! written.

use mongodb::error::{Error, ErrorKind, WriteFailure};

use crate::StoreError;

/// A unique index refused it.
pub(super) const DUPLICATE_KEY: i32 = 11000;

/// Codes of a server that can't do it now and may be able to soon: no primary, stepping down,
/// shutting down, out of time, in conflict with another write, short of members.
const PASSING: &[i32] = &[
    6, 7, 24, 46, 50, 64, 75, 79, 84, 89, 91, 100, 112, 133, 134, 189, 202, 203, 246, 251, 262,
    317, 384, 461, 462, 9001, 10058, 10107, 11600, 11601, 11602, 13388, 13435, 13436, 50915,
];

/// Labels by which server and driver say that the same operation may succeed.
const PASSING_LABELS: &[&str] = &[
    "RetryableWriteError",
    "RetryableError",
    "TransientTransactionError",
    "NetworkError",
    "SystemOverloadedError",
];

/// Whether an error of this code may pass by itself.
pub(super) fn is_passing(code: i32) -> bool {
    PASSING.contains(&code)
}

/// Whether a write was refused by a unique index.
pub(super) fn is_duplicate(error: &Error) -> bool {
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(write)) => write.code == DUPLICATE_KEY,
        ErrorKind::Command(command) => command.code == DUPLICATE_KEY,
        _ => false,
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let labelled = PASSING_LABELS.iter().any(|label| error.contains_label(label));
        let (code, text) = match &*error.kind {
            ErrorKind::Command(e) => (Some(e.code), format!("{} ({})", e.code_name, e.code)),
            ErrorKind::Write(WriteFailure::WriteError(e)) => {
                let name = e.code_name.as_deref().unwrap_or("write error");
                (Some(e.code), format!("{name} ({})", e.code))
            }
            ErrorKind::Write(WriteFailure::WriteConcernError(e)) => {
                return Self::Unavailable(format!("no majority: {} ({})", e.code_name, e.code));
            }
            ErrorKind::InsertMany(_) | ErrorKind::BulkWrite(_) => (None, "write errors".to_owned()),
            // These are about the way there. They hold addresses and reasons.
            ErrorKind::Io(_)
            | ErrorKind::DnsResolve { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::Shutdown => return Self::Unavailable(error.kind.to_string()),
            ErrorKind::Authentication { .. } => (None, "MongoDB refused the login".to_owned()),
            ErrorKind::InvalidResponse { .. } => (None, "an unreadable answer".to_owned()),
            ErrorKind::Bson(_) => (None, "an unreadable document".to_owned()),
            ErrorKind::InvalidArgument { message, .. } => (None, message.clone()),
            _ => (None, "the driver failed".to_owned()),
        };
        if labelled || code.is_some_and(is_passing) {
            Self::Unavailable(text)
        } else {
            Self::Failed(text)
        }
    }
}
