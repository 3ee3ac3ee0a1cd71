//! A writer: parts on their way while the next one gathers, and a tail for what is too short to be one.

use async_trait::async_trait;
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::S3Driver;
use super::multipart::Multipart;
use super::plan::{LEAST_PART, MOST_PARTS, part_size};
use super::rope::Rope;
use super::version::version_id;
use crate::oci::UploadId;
use crate::storage::driver::{Checkpoint, Part, Progress, PutMode, Tail, Version, Writer};
use crate::storage::{Error, ObjectPath, Result};

/// How many bytes are on their way at once, unless a single part has more.
pub(super) const WINDOW: u64 = 32 * 1024 * 1024;
/// How many parts are on their way at once.
pub(super) const TOGETHER: usize = 8;

/// Bytes on their way to an object.
///
/// Nothing is begun before there is a whole part: a smaller object is put in one request. Memory holds the parts on their
/// way, at most [`WINDOW`] or one part, and the part that gathers.
///
/// A multipart upload that this writer began is its own until a checkpoint names it: a failure, or a drop, aborts it. One
/// that a checkpoint names stays, so that the checkpoint can be resumed. Likewise the tail: the one that the last checkpoint
/// names goes with commit or cancel, and those before it are left to whoever recorded a later one, or to the lifecycle.
pub(super) struct S3Writer {
    store: S3Driver,
    path: ObjectPath,
    size: u64,
    upload: Option<Multipart>,
    /// Whether no checkpoint names the upload.
    is_own: bool,
    /// Finished parts, perhaps without those of earlier writers; no checkpoint of this writer has those after `reported`.
    parts: Vec<Part>,
    reported: usize,
    sending: JoinSet<Result<Part>>,
    sending_bytes: u64,
    /// The number of the next part.
    next: u32,
    /// The object that the last checkpoint names.
    tail: Option<Tail>,
    /// What lies after the parts.
    rest: Rope,
    rest_is: Rest,
    has_failed: bool,
}

/// Where the bytes are that lie after the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// In the tail only.
    Unread,
    /// In memory, and in the tail when there are any.
    Saved,
    /// In memory; the tail has others, or fewer.
    Ahead,
}

/// Another call on a writer that failed.
#[derive(Debug, thiserror::Error)]
#[error("the writer failed before")]
struct FailedBefore;

/// A commit of a writer that was not given all parts of its checkpoint.
#[derive(Debug, thiserror::Error)]
#[error("an object is made of all its parts")]
struct PartsMissing;

impl S3Writer {
    pub(super) fn open(store: S3Driver, path: ObjectPath, progress: Option<Progress>) -> Result<Self> {
        let (checkpoint, parts) = match progress {
            Some(Progress { checkpoint, parts }) => (checkpoint, parts),
            None => (Checkpoint { offset: 0, parts: 0, upload: None, tail: None }, Vec::new()),
        };
        let upload = checkpoint.upload.map(|text| text.parse()).transpose();
        Ok(Self {
            upload: upload.map_err(|_| Error::CheckpointGone(path.clone()))?,
            store,
            path,
            size: checkpoint.offset,
            is_own: false,
            reported: parts.len(),
            next: checkpoint.parts.saturating_add(1),
            parts,
            sending: JoinSet::new(),
            sending_bytes: 0,
            rest: Rope::default(),
            rest_is: if checkpoint.tail.is_some() { Rest::Unread } else { Rest::Saved },
            tail: checkpoint.tail,
            has_failed: false,
        })
    }

    /// Runs a step. When it fails the writer is over, and what only it knew of is forgotten.
    async fn step<T>(&mut self, step: impl AsyncFnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.has_failed {
            return Err(Error::Failed(FailedBefore.into()));
        }
        // A step that is dropped half-way has failed too.
        self.has_failed = true;
        let outcome = step(self).await;
        match &outcome {
            Ok(_) => self.has_failed = false,
            Err(_) => self.give_up().await,
        }
        outcome
    }

    async fn give_up(&mut self) {
        self.sending.shutdown().await;
        if let Some(upload) = self.take_own() {
            self.store.abort_after_failure(&self.path, &upload).await;
        }
    }

    /// No other writer has the tail's path: where the store keeps no versions, whatever lies there goes.
    async fn remove(&self, tail: &Tail) -> Result<()> {
        self.store.remove(&tail.path, tail.version.as_ref().and_then(version_id)).await
    }

    fn take_own(&mut self) -> Option<Multipart> {
        if self.is_own { self.upload.take() } else { None }
    }

    async fn append(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.read_back().await?;
        self.rest_is = Rest::Ahead;
        self.size += bytes.len() as u64;
        self.rest.push(bytes);
        while self.rest.size() >= part_size(self.next) {
            self.send(part_size(self.next)).await?;
        }
        Ok(())
    }

    /// Brings the tail's bytes back to memory.
    async fn read_back(&mut self) -> Result<()> {
        if let Some(tail) = self.tail.as_ref().filter(|_| self.rest_is == Rest::Unread) {
            let content = self.store.get(&tail.path, tail.size).await.map_err(|error| self.without_tail(error))?;
            if content.len() as u64 != tail.size {
                return Err(Error::CheckpointGone(self.path.clone()));
            }
            self.rest = content.into();
            self.rest_is = Rest::Saved;
        }
        Ok(())
    }

    /// What an error about the tail means for the checkpoint that names it.
    fn without_tail(&self, error: Error) -> Error {
        match error {
            Error::TooLarge { .. } => Error::CheckpointGone(self.path.clone()),
            error if error.may_mean_absent() => Error::CheckpointGone(self.path.clone()),
            error => error,
        }
    }

    /// Sends the first `size` bytes on their way as a part, once there is room for it.
    async fn send(&mut self, size: u64) -> Result<()> {
        let number = self.next;
        if number > MOST_PARTS {
            return Err(Error::Failed("an object has at most 10,000 parts".into()));
        }
        while !self.sending.is_empty() && (self.sending.len() >= TOGETHER || self.sending_bytes + size > WINDOW) {
            self.arrive().await?;
        }
        if self.upload.is_none() {
            self.upload = Some(self.store.begin(&self.path).await?);
            self.is_own = true;
        }
        if let Some(upload) = self.upload.clone() {
            let (store, path, content) = (self.store.clone(), self.path.clone(), self.rest.take(size));
            self.sending.spawn(async move { store.upload(&path, &upload, number, content).await });
            self.sending_bytes += size;
            self.next += 1;
        }
        Ok(())
    }

    /// Waits for a part on its way.
    async fn arrive(&mut self) -> Result<()> {
        if let Some(arrived) = self.sending.join_next().await {
            let part = arrived.map_err(|error| Error::Failed(error.into()))??;
            self.sending_bytes -= part.size;
            self.parts.push(part);
        }
        Ok(())
    }

    async fn all_arrive(&mut self) -> Result<()> {
        while !self.sending.is_empty() {
            self.arrive().await?;
        }
        self.parts.sort_by_key(|part| part.number);
        Ok(())
    }

    async fn save(&mut self) -> Result<Progress> {
        if self.rest.size() >= LEAST_PART {
            self.send(self.rest.size()).await?;
        }
        let tail = if self.rest_is != Rest::Ahead {
            self.tail.clone()
        } else if self.rest.size() == 0 {
            None
        } else {
            let (path, size) = (self.path.tail(&UploadId::random()), self.rest.size());
            let version = self.store.put(&path, self.rest.clone(), PutMode::Overwrite).await?;
            Some(Tail { path, size, version: Some(version) })
        };
        self.all_arrive().await?;
        // From here on a checkpoint names the upload and the tail.
        self.is_own = false;
        self.rest_is = if self.rest_is == Rest::Ahead { Rest::Saved } else { self.rest_is };
        self.tail.clone_from(&tail);
        let parts = self.parts[self.reported..].to_vec();
        self.reported = self.parts.len();
        let upload = self.upload.as_ref().map(ToString::to_string);
        Ok(Progress { checkpoint: Checkpoint { offset: self.size, parts: self.next - 1, upload, tail }, parts })
    }

    async fn publish(&mut self) -> Result<Version> {
        let Some(upload) = self.upload.clone() else { return self.publish_small().await };
        self.read_back().await?;
        if self.rest.size() > 0 {
            self.send(self.rest.size()).await?;
        }
        self.all_arrive().await?;
        if self.parts.len() + 1 != self.next as usize {
            return Err(Error::Failed(PartsMissing.into()));
        }
        self.store.complete(&self.path, &upload, &self.parts).await
    }

    /// An object that was never worth a part: it is put, or it lies in the tail and is copied.
    async fn publish_small(&mut self) -> Result<Version> {
        if let Some(tail) = self.tail.as_ref().filter(|_| self.rest_is == Rest::Unread) {
            let copied = self.store.copy(&self.store, &tail.path, &self.path).await;
            return copied.map(|copied| copied.version).map_err(|error| self.without_tail(error));
        }
        self.store.put(&self.path, std::mem::take(&mut self.rest), PutMode::Overwrite).await
    }
}

#[async_trait]
impl Writer for S3Writer {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.step(async |writer| writer.append(bytes).await).await
    }

    fn size(&self) -> u64 {
        self.size
    }

    async fn checkpoint(&mut self) -> Result<Progress> {
        self.step(async |writer| writer.save().await).await
    }

    async fn commit(mut self: Box<Self>) -> Result<Version> {
        let version = self.step(async |writer| writer.publish().await).await?;
        self.is_own = false;
        if let Some(tail) = &self.tail {
            // The object is published: a tail that stays is only rubbish.
            if let Err(error) = self.remove(tail).await {
                tracing::warn!(tail = %tail.path, %error, "a tail is left to the bucket's lifecycle");
            }
        }
        Ok(version)
    }

    async fn cancel(mut self: Box<Self>) -> Result<()> {
        self.sending.shutdown().await;
        let aborted = match self.upload.take() {
            Some(upload) => self.store.abort(&self.path, &upload).await,
            None => Ok(()),
        };
        let removed = match &self.tail {
            Some(tail) => self.remove(tail).await,
            None => Ok(()),
        };
        aborted.and(removed)
    }
}

impl Drop for S3Writer {
    /// Aborts an upload that nobody else knows of, as far as the runtime still runs; else the lifecycle does.
    fn drop(&mut self) {
        let (Some(upload), Ok(runtime)) = (self.take_own(), Handle::try_current()) else { return };
        let (store, path, mut sending) = (self.store.clone(), self.path.clone(), std::mem::take(&mut self.sending));
        runtime.spawn(async move {
            sending.shutdown().await;
            store.abort_after_failure(&path, &upload).await;
        });
    }
}
