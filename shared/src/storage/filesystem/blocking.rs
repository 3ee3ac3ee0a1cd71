//! File work, off the threads that serve requests; and what its errors mean.

use std::io::{self, ErrorKind};
use std::panic::resume_unwind;

use crate::storage::{Error, ObjectPath, Result};

/// Runs `work` on a thread that may block, and waits for it: a caller has one such work at a time. When the caller goes
/// away, the work still runs to its end.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(shut_down) => Err(Error::Unavailable(Box::new(shut_down))),
        },
    }
}

/// Whether the error says that nothing lies there. Nothing lies below a file either.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// The outcome that an error of the file system stands for.
pub(super) fn sort(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Error::Denied(Box::new(error)),
        _ => Error::Failed(Box::new(error)),
    }
}

/// The outcome of looking for the object at `path`.
pub(super) fn found<T>(path: &ObjectPath, outcome: io::Result<T>) -> Result<T> {
    outcome.map_err(|error| if is_absent(&error) { Error::NotFound(path.clone()) } else { sort(error) })
}
