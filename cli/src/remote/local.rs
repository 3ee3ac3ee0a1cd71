//! Blobs that lie in files, and how much of them is sent.

use std::fmt;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, Stream, TryStreamExt};
use shared::oci::Digest;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::RemoteError;

/// Bytes read at a time.
const PIECE: usize = 128 * 1024;

/// A blob that is some bytes of a file: all of it, or an entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalBlob {
    /// What its bytes are said to hash to; a registry refuses others.
    pub(crate) digest: Digest,
    /// How many bytes it has.
    pub(crate) size: u64,
    /// The file.
    pub(crate) path: PathBuf,
    /// Where in the file it begins.
    pub(crate) offset: u64,
}

impl LocalBlob {
    /// Fails when the file is not long enough to hold it.
    pub(super) async fn check(&self) -> Result<(), RemoteError> {
        let found = tokio::fs::metadata(&self.path).await;
        let length = found.map_err(|source| RemoteError::File { path: self.path.clone(), source })?.len();
        if length < self.offset.saturating_add(self.size) {
            let source = io::Error::from(io::ErrorKind::UnexpectedEof);
            return Err(RemoteError::File { path: self.path.clone(), source });
        }
        Ok(())
    }

    /// Some of its bytes, whose sending the meter counts.
    pub(super) fn region(&self, offset: u64, length: u64, meter: &Arc<Meter>) -> Region {
        Region { path: self.path.clone(), offset: self.offset + offset, length, meter: Arc::clone(meter) }
    }
}

/// Is told how many bytes of a blob are sent. It may fall: what was lost on the way is sent again.
#[derive(Clone)]
pub(crate) struct Progress(Arc<dyn Fn(u64) + Send + Sync>);

impl Progress {
    /// Calls this with the bytes sent so far.
    pub(crate) fn new(told: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Progress")
    }
}

/// Counts the bytes of one blob over all requests that carry some of it.
#[derive(Debug)]
pub(super) struct Meter {
    sent: Mutex<u64>,
    progress: Progress,
}

impl Meter {
    pub(super) fn new(progress: Progress) -> Arc<Self> {
        Arc::new(Self { sent: Mutex::new(0), progress })
    }

    /// So many bytes are where they belong, whatever was counted.
    pub(super) fn is_at(&self, offset: u64) {
        self.change(|_| offset);
    }

    fn change(&self, change: impl FnOnce(u64) -> u64) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        *sent = change(*sent);
        (self.progress.0)(*sent);
    }
}

/// Some bytes of a file, to be sent.
#[derive(Debug)]
pub(super) struct Region {
    path: PathBuf,
    offset: u64,
    pub(super) length: u64,
    meter: Arc<Meter>,
}

impl Region {
    /// Its bytes from the start, for one attempt at sending them.
    pub(super) fn open(&self) -> (Arc<Attempt>, impl Stream<Item = io::Result<Bytes>> + Send + use<>) {
        let attempt = Arc::new(Attempt::new(Arc::clone(&self.meter)));
        let counting = Arc::clone(&attempt);
        let (path, offset, length) = (self.path.clone(), self.offset, self.length);
        let opened = async move { open_at(&path, offset).await.map(|file| read_up_to(file, length)) };
        let bytes = stream::once(opened).try_flatten().inspect_ok(move |piece| counting.add(piece.len() as u64));
        (attempt, bytes)
    }
}

/// One attempt at sending a region.
#[derive(Debug)]
pub(super) struct Attempt {
    meter: Arc<Meter>,
    state: Mutex<AttemptState>,
}

#[derive(Debug)]
struct AttemptState {
    taken: u64,
    failed: bool,
    moved: Instant,
}

impl Attempt {
    fn new(meter: Arc<Meter>) -> Self {
        Self { meter, state: Mutex::new(AttemptState { taken: 0, failed: false, moved: Instant::now() }) }
    }

    fn add(&self, count: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.failed {
            state.taken += count;
            state.moved = Instant::now();
            self.meter.change(|sent| sent + count);
        }
    }

    /// Takes back what was counted: nobody has it.
    pub(super) fn failed(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut state.failed, true) {
            self.meter.change(|sent| sent.saturating_sub(state.taken));
        }
    }

    /// For how long no byte has been taken.
    pub(super) fn still(&self) -> Duration {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).moved.elapsed()
    }
}

/// The file, to be read from `offset`.
pub(super) async fn open_at(path: &Path, offset: u64) -> io::Result<File> {
    let mut file = File::open(path).await?;
    file.seek(SeekFrom::Start(offset)).await?;
    Ok(file)
}

/// The next `length` bytes of a file.
pub(super) fn read_up_to(file: File, length: u64) -> impl Stream<Item = io::Result<Bytes>> + Send {
    ReaderStream::with_capacity(file.take(length), PIECE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failed_attempt_counts_for_nothing() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        let meter = Meter::new(Progress::new(move |sent| telling.lock().unwrap().push(sent)));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"0123456789").unwrap();
        let blob = LocalBlob {
            digest: Digest::of(shared::oci::Algorithm::Sha256, b"2345"),
            size: 4,
            path: file.path().to_owned(),
            offset: 2,
        };
        let region = blob.region(0, 4, &meter);
        let (attempt, bytes) = region.open();
        let bytes: Vec<Bytes> = bytes.try_collect().await.unwrap();
        assert_eq!(bytes.concat(), b"2345");
        attempt.failed();
        attempt.failed();
        let (_again, bytes) = region.open();
        bytes.try_collect::<Vec<_>>().await.unwrap();
        assert_eq!(*told.lock().unwrap(), [4, 0, 4]);
    }

    #[tokio::test]
    async fn a_blob_beyond_the_end_of_its_file_is_told_before_anything_is_sent() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let digest = Digest::of(shared::oci::Algorithm::Sha256, b"");
        let blob = LocalBlob { digest, size: 1, path: file.path().to_owned(), offset: 0 };
        assert!(matches!(blob.check().await, Err(RemoteError::File { .. })));
    }
}
