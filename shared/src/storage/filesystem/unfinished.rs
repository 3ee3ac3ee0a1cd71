//! A file that is no object yet.

use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::root::{Root, open_regular};

/// A file open for writing, locked so that no two writers share it, and removed when it is dropped unless it is to stay.
#[derive(Debug)]
pub(super) struct Unfinished {
    pub(super) file: File,
    path: PathBuf,
    stays: bool,
}

/// What came of opening a checkpoint's file.
pub(super) enum Resumed {
    Open(Unfinished),
    /// Another writer has not let go of it yet.
    Busy,
    /// It is no more, or shorter than the checkpoint says.
    Gone,
}

impl Unfinished {
    /// A new temporary file.
    pub(super) fn create(root: &Root) -> io::Result<Self> {
        let path = root.temporary_path()?;
        let unfinished = Self { file: File::create_new(&path)?, path, stays: false };
        unfinished.file.lock()?;
        Ok(unfinished)
    }

    /// The file of a checkpoint, cut to its length.
    pub(super) fn resume(path: PathBuf, offset: u64) -> io::Result<Resumed> {
        let Some(file) = open_regular(&path, true)? else { return Ok(Resumed::Gone) };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Resumed::Busy),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever held the lock may have committed the file meanwhile: then it is an object, and not to be touched.
        let same =
            fs::symlink_metadata(&path).is_ok_and(|there| file.metadata().is_ok_and(|own| own.ino() == there.ino()));
        if !same || file.metadata()?.len() < offset {
            return Ok(Resumed::Gone);
        }
        let mut unfinished = Self { file, path, stays: true };
        unfinished.file.set_len(offset)?;
        unfinished.file.seek(SeekFrom::Start(offset))?;
        Ok(Resumed::Open(unfinished))
    }

    pub(super) fn write(&mut self, chunks: &[Bytes]) -> io::Result<()> {
        chunks.iter().try_for_each(|chunk| self.file.write_all(chunk))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Renames the file, durably, to where it stays for another process to find.
    pub(super) fn stay(&mut self, path: PathBuf) -> io::Result<()> {
        fs::rename(&self.path, &path)?;
        self.path = path;
        self.stays = true;
        self.path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    }

    /// Says that the file is an object now.
    pub(super) fn is_published(&mut self) {
        self.stays = true;
    }

    /// Whether dropping it means removing it.
    pub(super) fn is_temporary(&self) -> bool {
        !self.stays
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.stays
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "a temporary file stays until the next start");
        }
    }
}
