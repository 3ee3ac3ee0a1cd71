//! Files that nothing names yet, in a directory of this process's own.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::oci::UploadId;

/// How a lock's file is called beside the directory that it guards.
const LOCK: &str = "lock";

/// A directory for temporary files that lives as long as this value; later than that, the next one opened sweeps it.
#[derive(Debug)]
pub(super) struct Temporary {
    directory: PathBuf,
    /// Locked: a process that is gone holds no lock, however it went.
    _lock: File,
}

impl Temporary {
    /// A new directory below `base`, after removing those whose processes are gone.
    pub(super) fn open(base: &Path) -> io::Result<Self> {
        sweep(base)?;
        loop {
            let directory = base.join(UploadId::random().as_str());
            let name = directory.with_extension(LOCK);
            let lock = File::create_new(&name)?;
            lock.lock()?;
            // Another process may have taken it for abandoned before it was locked.
            if name.try_exists()? {
                fs::create_dir(&directory)?;
                return Ok(Self { directory, _lock: lock });
            }
        }
    }

    /// A path for a new file.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.join(UploadId::random().as_str())
    }
}

fn sweep(base: &Path) -> io::Result<()> {
    for entry in fs::read_dir(base)? {
        let name = entry?.path();
        if name.extension().is_some_and(|extension| extension == LOCK) {
            match sweep_one(&name) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

fn sweep_one(name: &Path) -> io::Result<()> {
    let lock = File::open(name)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    match fs::remove_dir_all(name.with_extension("")) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => fs::remove_file(name),
    }
}
