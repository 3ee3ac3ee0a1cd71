//! Versions of files: inode, time of last change, size.

use std::fs::{File, FileTimes, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::Timestamp;
use crate::storage::{Stat, Version};

/// The version of the object that this file is.
pub(super) fn version_of(metadata: &Metadata) -> Version {
    let (inode, size) = (metadata.ino(), metadata.size());
    let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
    Version::new(format!("{inode:x}-{seconds:x}.{nanoseconds:x}-{size:x}"))
}

/// When the file was last written to.
pub(super) fn moment(metadata: &Metadata) -> Timestamp {
    let since_epoch = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let millis = since_epoch.and_then(|since| u64::try_from(since.as_millis()).ok());
    Timestamp::from_millis(millis.unwrap_or(u64::MAX))
}

/// Gives the file a version that no file had before.
///
/// The kernel's own stamp is as coarse as its timer, and an inode freed by one write is at once used for the next: the two
/// files would be one version.
pub(super) fn stamp(file: &File) -> io::Result<Version> {
    file.set_times(FileTimes::new().set_modified(UNIX_EPOCH + Duration::from_nanos(next_nanosecond())))?;
    Ok(version_of(&file.metadata()?))
}

/// The present, later than at any call before.
fn next_nanosecond() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX);
    let before = LAST.fetch_max(now, Ordering::Relaxed);
    if before < now { now } else { LAST.fetch_add(1, Ordering::Relaxed) + 1 }
}

/// What the file's metadata tell of the object.
pub(super) fn stat_of(metadata: &Metadata) -> Stat {
    Stat { size: metadata.len(), version: version_of(metadata), modified: moment(metadata) }
}
