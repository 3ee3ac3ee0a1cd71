//! A writer appends to a file of its own, which becomes the object by a rename.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::blocking::{blocking, sort};
use super::root::Root;
use super::unfinished::{Resumed, Unfinished};
use crate::oci::UploadId;
use crate::storage::{Checkpoint, Error, ObjectPath, Progress, PutMode, Result, Version, Writer};

/// How many bytes are gathered before they go to the file.
const GATHERED: usize = 1024 * 1024;
/// How long a writer that was dropped may take to finish its last call.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct FilesystemWriter {
    root: Arc<Root>,
    path: ObjectPath,
    /// Absent while a call has it, and for good when that call failed or was abandoned: what was written then is unknown.
    file: Option<Unfinished>,
    /// The file's name once it was checkpointed.
    upload: Option<UploadId>,
    /// Bytes of the object so far, gathered ones included.
    size: u64,
    gathered: Vec<Bytes>,
    gathered_size: usize,
}

impl FilesystemWriter {
    pub(super) async fn open(root: Arc<Root>, path: &ObjectPath, progress: Option<Progress>) -> Result<Self> {
        let checkpoint = progress.map(|progress| progress.checkpoint);
        let (file, upload, size) = if let Some(Checkpoint { offset: offset @ 1.., upload, .. }) = checkpoint {
            let gone = || Error::CheckpointGone(path.clone());
            let upload: UploadId = upload.and_then(|upload| upload.parse().ok()).ok_or_else(gone)?;
            (resume(&root, path, &upload, offset).await?, Some(upload), offset)
        } else {
            let root = Arc::clone(&root);
            (blocking(move || Unfinished::create(&root).map_err(sort)).await?, None, 0)
        };
        let path = path.clone();
        Ok(Self { root, path, file: Some(file), upload, size, gathered: Vec::new(), gathered_size: 0 })
    }

    fn take(&mut self) -> Result<Unfinished> {
        self.file.take().ok_or_else(|| Error::Failed("an earlier call of this writer did not finish".into()))
    }

    /// Writes what was gathered, then calls `then` with the file.
    async fn flush(&mut self, then: impl FnOnce(&mut Unfinished) -> io::Result<()> + Send + 'static) -> Result<()> {
        let mut file = self.take()?;
        let chunks = std::mem::take(&mut self.gathered);
        self.gathered_size = 0;
        let file = blocking(move || {
            file.write(&chunks).and_then(|()| then(&mut file)).map_err(sort)?;
            Ok(file)
        })
        .await?;
        self.file = Some(file);
        Ok(())
    }
}

/// Waits for the writer before to let go: a request that was abandoned may still be writing its last bytes, which must
/// not come after ours.
async fn resume(root: &Root, path: &ObjectPath, upload: &UploadId, offset: u64) -> Result<Unfinished> {
    let end = Instant::now() + PATIENCE;
    loop {
        let partial = root.partial(upload);
        match blocking(move || Unfinished::resume(partial, offset).map_err(sort)).await? {
            Resumed::Open(file) => return Ok(file),
            Resumed::Gone => return Err(Error::CheckpointGone(path.clone())),
            Resumed::Busy if Instant::now() > end => {
                return Err(Error::Unavailable("another writer holds the same checkpoint".into()));
            }
            Resumed::Busy => sleep(Duration::from_millis(20)).await,
        }
    }
}

#[async_trait]
impl Writer for FilesystemWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size += bytes.len() as u64;
        self.gathered_size += bytes.len();
        self.gathered.push(bytes);
        if self.gathered_size < GATHERED { Ok(()) } else { self.flush(|_| Ok(())).await }
    }

    fn size(&self) -> u64 {
        self.size
    }

    async fn checkpoint(&mut self) -> Result<Progress> {
        let named = self.upload.clone();
        let upload = named.clone().or_else(|| (self.size > 0).then(UploadId::random));
        let partial = upload.as_ref().filter(|_| named.is_none()).map(|upload| self.root.partial(upload));
        self.flush(move |file| {
            file.file.sync_data()?;
            partial.map_or(Ok(()), |partial| file.stay(partial))
        })
        .await?;
        self.upload = upload;
        let upload = self.upload.as_ref().map(ToString::to_string);
        Ok(Progress { checkpoint: Checkpoint { offset: self.size, parts: 0, upload, tail: None }, parts: Vec::new() })
    }

    async fn commit(mut self: Box<Self>) -> Result<Version> {
        self.flush(|_| Ok(())).await?;
        let (file, root, path) = (self.take()?, Arc::clone(&self.root), self.path.clone());
        blocking(move || root.publish(file, &path, PutMode::Overwrite)).await
    }

    async fn cancel(mut self: Box<Self>) -> Result<()> {
        let (file, root, upload) = (self.file.take(), Arc::clone(&self.root), self.upload.clone());
        blocking(move || {
            drop(file);
            upload.map_or(Ok(()), |upload| root.remove_partial(&upload)).map_err(sort)
        })
        .await
    }
}

impl Drop for FilesystemWriter {
    fn drop(&mut self) {
        let file = self.file.take().filter(Unfinished::is_temporary);
        // Removing a large file takes its time.
        if let (Some(file), Ok(runtime)) = (file, tokio::runtime::Handle::try_current()) {
            runtime.spawn_blocking(move || drop(file));
        }
    }
}
