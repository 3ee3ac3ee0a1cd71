//! A store in this process's memory, for tests and for trying things out. Nothing survives the process.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use url::Url;

use super::direct::DirectUploads;
use super::driver::{
    Checkpoint, Content, Entry, Progress, PutMode, Span, Stat, StorageDriver, Unfinished, UrlRequest, Version, Writer,
};
use super::error::{Error, Result};
use super::path::ObjectPath;
use crate::clock::Timestamp;
use crate::oci::UploadId;

/// How much of an object a reader gives at once.
const CHUNK: usize = 256 * 1024;

/// Objects in memory. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryDriver {
    store: Arc<Mutex<Store>>,
}

#[derive(Default)]
struct Store {
    objects: BTreeMap<ObjectPath, Object>,
    /// The checkpointed bytes of writers, for whoever resumes them.
    unfinished: BTreeMap<String, Begun>,
    writes: u64,
}

#[derive(Clone)]
struct Object {
    content: Bytes,
    version: Version,
    modified: Timestamp,
}

/// Bytes that are no object yet.
struct Begun {
    path: ObjectPath,
    bytes: BytesMut,
    modified: Timestamp,
}

impl Store {
    fn put(&mut self, path: &ObjectPath, content: Bytes) -> Version {
        self.writes += 1;
        let version = Version::new(self.writes.to_string());
        self.objects.insert(path.clone(), Object { content, version: version.clone(), modified: Timestamp::now() });
        version
    }

    fn get(&self, path: &ObjectPath) -> Result<&Object> {
        self.objects.get(path).ok_or_else(|| Error::NotFound(path.clone()))
    }
}

impl MemoryDriver {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No call leaves the store half changed, so that a panic elsewhere is no reason to refuse it.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn content(&self, path: &ObjectPath) -> Result<Bytes> {
        Ok(self.store().get(path)?.content.clone())
    }
}

impl fmt::Debug for MemoryDriver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryDriver").finish_non_exhaustive()
    }
}

#[async_trait]
impl StorageDriver for MemoryDriver {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    async fn get_content(&self, path: &ObjectPath, limit: u64) -> Result<Bytes> {
        let content = self.content(path)?;
        if content.len() as u64 > limit {
            return Err(Error::TooLarge { path: path.clone(), limit });
        }
        Ok(content)
    }

    async fn put_content(&self, path: &ObjectPath, content: Bytes, mode: PutMode) -> Result<Version> {
        let mut store = self.store();
        match mode {
            PutMode::IfAbsent if store.objects.contains_key(path) => Err(Error::AlreadyExists(path.clone())),
            PutMode::IfAbsent | PutMode::Overwrite => Ok(store.put(path, content)),
        }
    }

    async fn reader(&self, path: &ObjectPath, span: Span) -> Result<Content> {
        let Object { content: mut rest, version, .. } = self.store().get(path)?.clone();
        let size = rest.len() as u64;
        if span.offset > size {
            return Err(Error::OutOfRange { path: path.clone(), size });
        }
        let end = span.length.map_or(size, |length| span.offset.saturating_add(length).min(size));
        rest = rest.slice(index(span.offset)..index(end));
        let chunks = std::iter::from_fn(move || {
            let length = rest.len().min(CHUNK);
            (length > 0).then(|| Ok(rest.split_to(length)))
        });
        Ok(Content { size, version: Some(version), stream: stream::iter(chunks).boxed() })
    }

    async fn writer(&self, path: &ObjectPath, progress: Option<Progress>) -> Result<Box<dyn Writer>> {
        let mut writer =
            MemoryWriter { driver: self.clone(), path: path.clone(), upload: None, durable: 0, fresh: BytesMut::new() };
        if let Some(Checkpoint { offset: offset @ 1.., upload, .. }) = progress.map(|progress| progress.checkpoint) {
            writer.upload = upload;
            writer.durable = index(offset);
            writer.with_durable(|_| ())?;
        }
        Ok(Box::new(writer))
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Stat> {
        let store = self.store();
        let Object { content, version, modified } = store.get(path)?;
        Ok(Stat { size: content.len() as u64, version: version.clone(), modified: *modified })
    }

    async fn list(&self, directory: &ObjectPath, after: Option<&ObjectPath>, limit: usize) -> Result<Vec<Entry>> {
        let start = after.map_or(directory, |after| after.max(directory));
        let store = self.store();
        // Objects beside the directory whose names begin alike lie between it and what is below it.
        let beside = format!("{directory}/");
        let below = store
            .objects
            .range((Bound::Excluded(start), Bound::Unbounded))
            .skip_while(|(path, _)| path.as_str() < beside.as_str())
            .take_while(|(path, _)| path.is_below(directory))
            .take(limit);
        Ok(below
            .map(|(path, object)| Entry {
                path: path.clone(),
                size: object.content.len() as u64,
                modified: object.modified,
            })
            .collect())
    }

    async fn move_content(&self, from: &ObjectPath, to: &ObjectPath) -> Result<Version> {
        let mut store = self.store();
        let Object { content, version, .. } = store.get(from)?.clone();
        if from == to {
            return Ok(version);
        }
        store.objects.remove(from);
        Ok(store.put(to, content))
    }

    fn keeps_overwritten(&self, _: &Version) -> bool {
        false
    }

    async fn delete(&self, path: &ObjectPath, version: Option<&Version>) -> Result<()> {
        let mut store = self.store();
        if version.is_none_or(|version| store.get(path).is_ok_and(|object| object.version == *version)) {
            store.objects.remove(path);
        }
        Ok(())
    }

    async fn unfinished(&self, before: Timestamp, limit: usize) -> Result<Vec<Unfinished>> {
        let store = self.store();
        let old = store.unfinished.iter().filter(|(_, begun)| begun.modified < before).take(limit);
        Ok(old.map(|(upload, begun)| Unfinished { path: Some(begun.path.clone()), upload: upload.clone() }).collect())
    }

    async fn forget(&self, unfinished: &Unfinished) -> Result<()> {
        self.store().unfinished.remove(&unfinished.upload);
        Ok(())
    }

    fn direct(&self) -> Option<&dyn DirectUploads> {
        None
    }

    async fn url_for(&self, _: &ObjectPath, _: &UrlRequest) -> Result<Option<Url>> {
        Ok(None)
    }
}

struct MemoryWriter {
    driver: MemoryDriver,
    path: ObjectPath,
    /// Its name among the unfinished, once it was checkpointed.
    upload: Option<String>,
    /// How many bytes lie there.
    durable: usize,
    /// What was written since.
    fresh: BytesMut,
}

impl MemoryWriter {
    /// Calls with the checkpointed bytes, without any that another writer put after them.
    fn with_durable<T>(&self, run: impl FnOnce(&mut BytesMut) -> T) -> Result<T> {
        let mut store = self.driver.store();
        let unfinished = self.upload.as_ref().and_then(|upload| store.unfinished.get_mut(upload));
        let Some(begun) = unfinished.filter(|begun| begun.bytes.len() >= self.durable) else {
            return Err(Error::CheckpointGone(self.path.clone()));
        };
        begun.bytes.truncate(self.durable);
        begun.modified = Timestamp::now();
        Ok(run(&mut begun.bytes))
    }

    fn forget(&self) {
        if let Some(upload) = &self.upload {
            self.driver.store().unfinished.remove(upload);
        }
    }
}

#[async_trait]
impl Writer for MemoryWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.fresh.extend_from_slice(&bytes);
        Ok(())
    }

    fn size(&self) -> u64 {
        (self.durable + self.fresh.len()) as u64
    }

    async fn checkpoint(&mut self) -> Result<Progress> {
        if self.upload.is_none() && !self.fresh.is_empty() {
            let upload = UploadId::random().to_string();
            let begun = Begun { path: self.path.clone(), bytes: BytesMut::new(), modified: Timestamp::now() };
            self.driver.store().unfinished.insert(upload.clone(), begun);
            self.upload = Some(upload);
        }
        if self.upload.is_some() {
            let size = self.with_durable(|bytes| {
                bytes.extend_from_slice(&self.fresh);
                bytes.len()
            })?;
            self.durable = size;
            self.fresh.clear();
        }
        let checkpoint = Checkpoint { offset: self.size(), parts: 0, upload: self.upload.clone(), tail: None };
        Ok(Progress { checkpoint, parts: Vec::new() })
    }

    async fn commit(self: Box<Self>) -> Result<Version> {
        let mut content = BytesMut::new();
        if self.upload.is_some() {
            content = self.with_durable(std::mem::take)?;
            self.forget();
        }
        content.extend_from_slice(&self.fresh);
        Ok(self.driver.store().put(&self.path, content.freeze()))
    }

    async fn cancel(self: Box<Self>) -> Result<()> {
        self.forget();
        Ok(())
    }
}

/// A size of something in memory: it fits.
fn index(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::contract::Subject;

    fn subject() -> Subject {
        let driver = MemoryDriver::new();
        Subject { reopened: Arc::new(driver.clone()), driver: Arc::new(driver), has_urls: false, keep: Box::new(()) }
    }

    crate::storage_contract!(std::future::ready(subject()));
}
