//! The directory of a store: where things lie in it, and how they change durably.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::blocking::{found, is_absent, sort};
use super::temporary::Temporary;
use super::unfinished::Unfinished;
use super::version::{moment, stamp, stat_of};
use crate::clock::Timestamp;
use crate::oci::{Algorithm, Digest, UploadId};
use crate::storage::driver::Unfinished as Left;
use crate::storage::{Error, ObjectPath, PutMode, Result, Stat, Version};

/// How often a directory is made anew when a delete nearby keeps removing it while it is still empty.
const ATTEMPTS: usize = 1000;

/// An open store.
#[derive(Debug)]
pub(super) struct Root {
    directory: PathBuf,
    own: PathBuf,
    /// None in a store that is only read.
    temporary: Option<Temporary>,
}

impl Root {
    /// Opens the store, making the directory when there is none.
    pub(super) fn open(directory: PathBuf) -> io::Result<Self> {
        let directory = if directory.is_absolute() { directory } else { std::path::absolute(directory)? };
        let own = directory.join(".ringhold");
        let missing: Vec<_> = own.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
        fs::create_dir_all(&directory)?;
        for name in [own.clone(), own.join("temporary"), own.join("partial"), own.join("locks")] {
            DirBuilder::new().recursive(true).mode(0o700).create(name)?;
        }
        for made in missing.iter().filter_map(|made| made.parent()).chain([&*own]) {
            File::open(made)?.sync_all()?;
        }
        let temporary = Some(Temporary::open(&own.join("temporary"))?);
        Ok(Self { directory, own, temporary })
    }

    /// Opens the store to be read: the directory has to be there, and nothing in it changes.
    pub(super) fn look_into(directory: PathBuf) -> io::Result<Self> {
        if !fs::metadata(&directory)?.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        Ok(Self { own: directory.join(".ringhold"), directory, temporary: None })
    }

    /// Where this process writes; an error in a store that is only read.
    fn temporary(&self) -> io::Result<&Temporary> {
        self.temporary.as_ref().ok_or_else(|| ErrorKind::ReadOnlyFilesystem.into())
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn partial(&self, upload: &UploadId) -> PathBuf {
        self.own.join("partial").join(upload.as_str())
    }

    /// Up to `limit` partial files that nobody has written to since `before`.
    pub(super) fn partials(&self, before: Timestamp, limit: usize) -> io::Result<Vec<Left>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.own.join("partial"))? {
            let entry = entry?;
            let Ok(metadata) = entry.metadata() else { continue };
            if moment(&metadata) < before && found.len() < limit {
                found.extend(entry.file_name().into_string().ok().map(|upload| Left { path: None, upload }));
            }
        }
        Ok(found)
    }

    pub(super) fn temporary_path(&self) -> io::Result<PathBuf> {
        Ok(self.temporary()?.path())
    }

    fn place(&self, path: &ObjectPath) -> PathBuf {
        self.directory.join(path.as_str())
    }

    /// The object's file, open for reading.
    pub(super) fn file(&self, path: &ObjectPath) -> Result<File> {
        found(path, open_regular(&self.place(path), false))?.ok_or_else(|| Error::NotFound(path.clone()))
    }

    pub(super) fn stat(&self, path: &ObjectPath) -> Result<Stat> {
        let metadata = found(path, fs::symlink_metadata(self.place(path)))?;
        if !metadata.is_file() {
            return Err(Error::NotFound(path.clone()));
        }
        Ok(stat_of(&metadata))
    }

    /// Makes the file the object at `path`.
    pub(super) fn publish(&self, mut unfinished: Unfinished, path: &ObjectPath, mode: PutMode) -> Result<Version> {
        let version = stamp(&unfinished.file).map_err(sort)?;
        unfinished.file.sync_all().map_err(sort)?;
        let place = self.place(path);
        let lock = self.lock(&[path]).map_err(sort)?;
        match mode {
            PutMode::Overwrite => {
                with_parents(unfinished.path(), &place, |from, to| fs::rename(from, to)).map_err(sort)?;
                unfinished.is_published();
            }
            PutMode::IfAbsent => {
                with_parents(unfinished.path(), &place, |from, to| fs::hard_link(from, to)).map_err(|error| {
                    // Only an object is in the way of another; a directory there is an error.
                    if self.stat(path).is_ok() { Error::AlreadyExists(path.clone()) } else { sort(error) }
                })?;
            }
        }
        drop(lock);
        self.sync_above(&place).map_err(sort)?;
        Ok(version)
    }

    /// Moves the object; its file gets another version, since it may come back.
    pub(super) fn rename(&self, from: &ObjectPath, to: &ObjectPath) -> Result<Version> {
        if from == to {
            return Ok(self.stat(from)?.version);
        }
        let (source, target) = (self.place(from), self.place(to));
        let locks = self.lock(&[from, to]).map_err(sort)?;
        let file = self.file(from)?;
        with_parents(&source, &target, |from, to| fs::rename(from, to)).map_err(sort)?;
        // Not before: a crash in between must not leave the source with a version that nobody knows.
        let version = stamp(&file).map_err(sort)?;
        file.sync_all().map_err(sort)?;
        drop(locks);
        self.sync_above(&target).and_then(|()| self.prune_above(&source)).map_err(sort)?;
        Ok(version)
    }

    /// Removes the object if it is of that version.
    pub(super) fn remove(&self, path: &ObjectPath, version: Option<&Version>) -> Result<()> {
        let place = self.place(path);
        let lock = self.lock(&[path]).map_err(sort)?;
        match self.stat(path) {
            Ok(stat) if version.is_none_or(|version| *version == stat.version) => {}
            Ok(_) | Err(Error::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error),
        }
        fs::remove_file(&place).map_err(sort)?;
        drop(lock);
        self.prune_above(&place).map_err(sort)
    }

    /// Forgets a writer's file.
    pub(super) fn remove_partial(&self, upload: &UploadId) -> io::Result<()> {
        self.temporary()?;
        match fs::remove_file(self.partial(upload)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => File::open(self.own.join("partial"))?.sync_all(),
        }
    }

    /// Holds what changes at these paths, against this process and others, until the locks are dropped. Paths share the
    /// locks of 256 stripes, taken in order.
    fn lock(&self, paths: &[&ObjectPath]) -> io::Result<Vec<File>> {
        self.temporary()?;
        let stripe = |path: &&ObjectPath| Digest::of(Algorithm::Sha256, path.as_str().as_bytes()).point() >> 24;
        let mut stripes: Vec<u32> = paths.iter().map(stripe).collect();
        stripes.sort_unstable();
        stripes.dedup();
        let lock = |stripe| {
            let name = self.own.join("locks").join(format!("{stripe:02x}"));
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(name)?;
            file.lock()?;
            Ok(file)
        };
        stripes.into_iter().map(lock).collect()
    }

    /// Brings the entries of every directory above `place` to disk: any of them may be new, made by this call or by
    /// another that is not there yet. One without news costs next to nothing.
    fn sync_above(&self, place: &Path) -> io::Result<()> {
        for directory in place.ancestors().skip(1).take_while(|directory| directory.starts_with(&self.directory)) {
            match File::open(directory) {
                Ok(directory) => directory.sync_all()?,
                // What was there was deleted since, and its directory with it.
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Removes the directories above `place` that are empty now, and brings what is left to disk.
    fn prune_above(&self, place: &Path) -> io::Result<()> {
        for directory in place.ancestors().skip(1).take_while(|directory| *directory != self.directory) {
            if fs::remove_dir(directory).is_err() {
                break;
            }
        }
        self.sync_above(place)
    }
}

/// Opens a regular file; anything else, a symbolic link too, is nothing.
pub(super) fn open_regular(place: &Path, write: bool) -> io::Result<Option<File>> {
    // A pipe in its place would be waited for without NONBLOCK; a regular file knows no such mode.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = match OpenOptions::new().read(true).write(write).custom_flags(flags).open(place) {
        Err(error) if is_absent(&error) || is_other(place) => return Ok(None),
        opened => opened?,
    };
    Ok(file.metadata()?.is_file().then_some(file))
}

fn is_other(place: &Path) -> bool {
    fs::symlink_metadata(place).is_ok_and(|metadata| !metadata.is_file())
}

/// Brings a file to its place, making the directories above it, however often somebody removes them as empty.
fn with_parents(from: &Path, to: &Path, run: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    let mut outcome = run(from, to);
    for _ in 0..ATTEMPTS {
        match &outcome {
            Err(error) if error.kind() == ErrorKind::NotFound && from.try_exists()? => {}
            _ => break,
        }
        match to.parent().map_or(Ok(()), fs::create_dir_all) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => outcome = run(from, to),
        }
    }
    outcome
}
