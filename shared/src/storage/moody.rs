//! A store in memory that does what a test tells it, for tests of those who ask it.

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use super::direct::DirectUploads;
use super::driver::{
    Content, Entry, Progress, PutMode, Span, Stat, StorageDriver, Unfinished, UrlRequest, Version, Writer,
};
use super::error::{Error, Result};
use super::memory::MemoryDriver;
use super::path::ObjectPath;
use crate::clock::Timestamp;

/// What a store is told to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    /// To serve.
    #[default]
    Well,
    /// To be unavailable.
    Gone,
    /// To ask for fewer requests.
    Throttling,
    /// To refuse everything.
    Refusing,
    /// To refuse all writes.
    RefusingWrites,
}

/// The store.
#[derive(Debug, Default)]
pub(crate) struct Moody {
    pub(crate) inner: MemoryDriver,
    mood: Mutex<Mood>,
    once: Mutex<Option<Mood>>,
    calls: AtomicU64,
}

impl Moody {
    /// What it does from now on.
    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// What it does at its next call alone.
    pub(crate) fn set_once(&self, mood: Mood) {
        *self.once.lock().unwrap_or_else(PoisonError::into_inner) = Some(mood);
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    fn mood(&self) -> Mood {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(once) = self.once.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return once;
        }
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Result<&MemoryDriver> {
        self.when(self.mood())
    }

    fn write(&self) -> Result<&MemoryDriver> {
        match self.mood() {
            Mood::RefusingWrites => Err(Error::Denied("403".into())),
            mood => self.when(mood),
        }
    }

    fn when(&self, mood: Mood) -> Result<&MemoryDriver> {
        match mood {
            Mood::Well | Mood::RefusingWrites => Ok(&self.inner),
            Mood::Gone => Err(Error::Unavailable("503".into())),
            Mood::Throttling => Err(Error::Throttled("429".into())),
            Mood::Refusing => Err(Error::Denied("403".into())),
        }
    }
}

#[async_trait]
impl StorageDriver for Moody {
    fn name(&self) -> &'static str {
        "moody"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    async fn get_content(&self, path: &ObjectPath, limit: u64) -> Result<Bytes> {
        self.read()?.get_content(path, limit).await
    }

    async fn put_content(&self, path: &ObjectPath, content: Bytes, mode: PutMode) -> Result<Version> {
        self.write()?.put_content(path, content, mode).await
    }

    async fn reader(&self, path: &ObjectPath, span: Span) -> Result<Content> {
        self.read()?.reader(path, span).await
    }

    async fn writer(&self, path: &ObjectPath, progress: Option<Progress>) -> Result<Box<dyn Writer>> {
        self.write()?.writer(path, progress).await
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Stat> {
        self.read()?.stat(path).await
    }

    async fn list(&self, directory: &ObjectPath, after: Option<&ObjectPath>, limit: usize) -> Result<Vec<Entry>> {
        self.read()?.list(directory, after, limit).await
    }

    async fn move_content(&self, from: &ObjectPath, to: &ObjectPath) -> Result<Version> {
        self.write()?.move_content(from, to).await
    }

    fn keeps_overwritten(&self, by: &Version) -> bool {
        self.inner.keeps_overwritten(by)
    }

    async fn has(&self, path: &ObjectPath, version: &Version) -> Result<bool> {
        self.read()?.has(path, version).await
    }

    async fn delete(&self, path: &ObjectPath, version: Option<&Version>) -> Result<()> {
        self.write()?.delete(path, version).await
    }

    async fn unfinished(&self, before: Timestamp, limit: usize) -> Result<Vec<Unfinished>> {
        self.read()?.unfinished(before, limit).await
    }

    async fn forget(&self, unfinished: &Unfinished) -> Result<()> {
        self.write()?.forget(unfinished).await
    }

    fn direct(&self) -> Option<&dyn DirectUploads> {
        None
    }

    async fn url_for(&self, _: &ObjectPath, _: &UrlRequest) -> Result<Option<Url>> {
        Ok(None)
    }
}
