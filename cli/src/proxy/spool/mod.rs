//! The directory where uploads lie on their way.
//!
//! It belongs to one process, which holds a lock while it lives, and nobody else can look into it. What a process that
//! died left behind is removed when the next one starts: files of the spool's own names, and nothing else.

mod file;
mod quota;

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use shared::oci::{Algorithm, UploadId};

pub(super) use file::{SpoolFile, TakeError};
pub(super) use quota::Full;
use quota::Quota;

/// The file whose lock says whose the directory is.
const LOCK: &str = "ringhold-proxy.lock";

/// What surrounds an upload's id in its file's name.
const PREFIX: &str = "ringhold-upload-";
const SUFFIX: &str = ".part";

/// Only the owner may look into the directory, and into its files.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Why uploads cannot be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolError {
    /// The directory cannot be made or read.
    #[error("--spool: {path} cannot be used: {source}", path = path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others can look into it.
    #[error("--spool: others can look into {}: it should be its owner's alone (`chmod 700`)", .0.display())]
    NotPrivate(PathBuf),
    /// It is another process's.
    #[error("--spool: another proxy uses {}: each needs a directory of its own", .0.display())]
    Taken(PathBuf),
    /// A file cannot be made, written or read.
    #[error("an upload could not be stored")]
    File(#[source] io::Error),
}

/// A place for uploads.
#[derive(Debug)]
pub(super) struct Spool {
    directory: PathBuf,
    quota: Quota,
    /// Locked as long as it is open.
    _lock: File,
}

impl Spool {
    /// Makes the directory if it is not there, takes it, and removes what another process left behind.
    pub(super) fn open(directory: &Path, quota: u64) -> Result<Self, SpoolError> {
        let unusable = |source| SpoolError::Directory { path: directory.to_owned(), source };
        DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory).map_err(unusable)?;
        let mode = directory.metadata().map_err(unusable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(SpoolError::NotPrivate(directory.to_owned()));
        }
        let lock = OpenOptions::new().create(true).append(true).mode(FILE_MODE).open(directory.join(LOCK));
        let lock = lock.map_err(unusable)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => SpoolError::Taken(directory.to_owned()),
            TryLockError::Error(source) => unusable(source),
        })?;
        let removed = clean(directory).map_err(unusable)?;
        if removed > 0 {
            tracing::info!(removed, "removed uploads that another process had left behind");
        }
        Ok(Self { directory: directory.to_owned(), quota: Quota::new(quota), _lock: lock })
    }

    /// A new file for an upload whose content will be named by this hash.
    pub(super) async fn create(&self, algorithm: Algorithm) -> Result<SpoolFile, SpoolError> {
        let path = self.directory.join(format!("{PREFIX}{}{SUFFIX}", UploadId::random()));
        SpoolFile::create(path, algorithm, self.quota.reservation()).await.map_err(SpoolError::File)
    }
}

/// Removes every upload's file, and says how many there were.
fn clean(directory: &Path) -> io::Result<usize> {
    let mut removed = 0;
    for entry in directory.read_dir()? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_upload) && entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn is_upload(name: &str) -> bool {
    let id = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    id.is_some_and(|id| id.parse::<UploadId>().is_ok())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = directory.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = entries.filter(|name| name != LOCK).collect();
        names.sort();
        names
    }

    #[test]
    fn only_what_a_spool_made_is_cleaned_away() {
        let place = TempDir::new().unwrap();
        let directory = place.path().join("a/spool");
        drop(Spool::open(&directory, 1).unwrap());
        assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, DIRECTORY_MODE);
        let left = format!("{PREFIX}{}{SUFFIX}", UploadId::random());
        let others = ["notes.txt", "ringhold-upload-.part", "ringhold-upload-0123.part"];
        for name in others.iter().copied().chain([left.as_str()]) {
            std::fs::write(directory.join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink("notes.txt", directory.join(format!("{PREFIX}{}{SUFFIX}", "0".repeat(32)))).unwrap();
        let spool = Spool::open(&directory, 1).unwrap();
        assert_eq!(names(&directory).len(), 4, "{:?}", names(&directory));
        drop(spool);
    }

    #[test]
    fn a_spool_belongs_to_one_at_a_time() {
        let place = TempDir::new().unwrap();
        let directory = place.path().join("spool");
        let spool = Spool::open(&directory, 1).unwrap();
        assert!(matches!(Spool::open(&directory, 1), Err(SpoolError::Taken(_))));
        drop(spool);
        assert!(Spool::open(&directory, 1).is_ok());
    }

    #[test]
    fn a_directory_that_others_can_look_into_is_refused() {
        let place = TempDir::new().unwrap();
        std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
        assert!(matches!(Spool::open(place.path(), 1), Err(SpoolError::NotPrivate(_))));
    }
}
