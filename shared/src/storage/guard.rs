//! A bucket's driver that gives up on a bucket which has failed several times in a row, and tries it again now and then:
//! whoever asks meanwhile is told at once, and nothing waits for a bucket that is gone.

mod breaker;

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

pub(super) use breaker::Breaker;

use super::direct::DirectUploads;
use super::driver::{
    Content, Copied, Entry, Progress, PutMode, Span, Stat, StorageDriver, Unfinished, UrlRequest, Version, Writer,
};
use super::error::Result;
use super::path::ObjectPath;
use crate::clock::Timestamp;

/// A driver behind its breaker.
#[derive(Debug)]
pub(super) struct Guarded {
    inner: Arc<dyn StorageDriver>,
    breaker: Arc<Breaker>,
}

impl Guarded {
    pub(super) fn new(inner: Arc<dyn StorageDriver>, breaker: Arc<Breaker>) -> Self {
        Self { inner, breaker }
    }
}

/// What a refusal says of the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// Nothing: it may mean this object alone, even that it is not there.
    OfTheObject,
    /// Nobody may write here any more.
    OfTheBucket,
}

async fn guarded<T>(breaker: &Breaker, refusal: Refusal, call: impl Future<Output = Result<T>>) -> Result<T> {
    breaker.admit(Instant::now())?;
    let outcome = call.await;
    breaker.hear(outcome.as_ref().err(), refusal == Refusal::OfTheBucket, Instant::now());
    outcome
}

/// The same for a read, which nobody may wait for any longer when another bucket has its object too.
async fn guarded_read<T>(breaker: &Breaker, call: impl Future<Output = Result<T>>) -> Result<T> {
    let waiting = breaker.wait(Instant::now());
    let outcome = guarded(breaker, Refusal::OfTheObject, call).await;
    waiting.over();
    outcome
}

/// The same for a step of a writer that may ask the bucket for nothing: only its failure says something.
async fn guarded_step<T>(breaker: &Breaker, step: impl Future<Output = Result<T>>) -> Result<T> {
    breaker.check(Instant::now())?;
    let outcome = step.await;
    if let Err(error) = &outcome {
        breaker.hear(Some(error), true, Instant::now());
    }
    outcome
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl StorageDriver for Guarded {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    /// The driver within: it alone knows its like.
    fn as_any(&self) -> &dyn Any {
        self.inner.as_any()
    }

    async fn get_content(&self, path: &ObjectPath, limit: u64) -> Result<Bytes> {
        guarded_read(&self.breaker, self.inner.get_content(path, limit)).await
    }

    async fn put_content(&self, path: &ObjectPath, content: Bytes, mode: PutMode) -> Result<Version> {
        guarded(&self.breaker, Refusal::OfTheBucket, self.inner.put_content(path, content, mode)).await
    }

    async fn reader(&self, path: &ObjectPath, span: Span) -> Result<Content> {
        guarded_read(&self.breaker, self.inner.reader(path, span)).await
    }

    async fn writer(&self, path: &ObjectPath, progress: Option<Progress>) -> Result<Box<dyn Writer>> {
        let inner = guarded_step(&self.breaker, self.inner.writer(path, progress)).await?;
        Ok(Box::new(GuardedWriter { inner, breaker: Arc::clone(&self.breaker) }))
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Stat> {
        guarded_read(&self.breaker, self.inner.stat(path)).await
    }

    async fn list(&self, directory: &ObjectPath, after: Option<&ObjectPath>, limit: usize) -> Result<Vec<Entry>> {
        guarded(&self.breaker, Refusal::OfTheObject, self.inner.list(directory, after, limit)).await
    }

    async fn move_content(&self, from: &ObjectPath, to: &ObjectPath) -> Result<Version> {
        guarded(&self.breaker, Refusal::OfTheObject, self.inner.move_content(from, to)).await
    }

    /// A failure is taken for this bucket's, which writes: the other one is asked soon enough.
    async fn copy_from(&self, source: &dyn StorageDriver, from: &ObjectPath, to: &ObjectPath) -> Result<Copied> {
        guarded(&self.breaker, Refusal::OfTheObject, self.inner.copy_from(source, from, to)).await
    }

    async fn delete(&self, path: &ObjectPath, version: Option<&Version>) -> Result<()> {
        guarded(&self.breaker, Refusal::OfTheObject, self.inner.delete(path, version)).await
    }

    async fn unfinished(&self, before: Timestamp, limit: usize) -> Result<Vec<Unfinished>> {
        guarded(&self.breaker, Refusal::OfTheObject, self.inner.unfinished(before, limit)).await
    }

    async fn forget(&self, unfinished: &Unfinished) -> Result<()> {
        guarded(&self.breaker, Refusal::OfTheObject, self.inner.forget(unfinished)).await
    }

    fn direct(&self) -> Option<&dyn DirectUploads> {
        self.inner.direct()
    }

    async fn url_for(&self, path: &ObjectPath, request: &UrlRequest) -> Result<Option<Url>> {
        self.inner.url_for(path, request).await
    }
}

struct GuardedWriter {
    inner: Box<dyn Writer>,
    breaker: Arc<Breaker>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Writer for GuardedWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        guarded_step(&self.breaker, self.inner.write(bytes)).await
    }

    fn size(&self) -> u64 {
        self.inner.size()
    }

    async fn checkpoint(&mut self) -> Result<Progress> {
        guarded(&self.breaker, Refusal::OfTheBucket, self.inner.checkpoint()).await
    }

    async fn commit(self: Box<Self>) -> Result<Version> {
        guarded(&self.breaker, Refusal::OfTheBucket, self.inner.commit()).await
    }

    /// Whatever the bucket's state: what can be tidied up is.
    async fn cancel(self: Box<Self>) -> Result<()> {
        self.inner.cancel().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Error, MemoryDriver};

    #[tokio::test]
    async fn bytes_that_a_writer_only_gathers_say_nothing_of_the_bucket() {
        let breaker = Arc::new(Breaker::new("one".parse().unwrap()));
        let guarded = Guarded::new(Arc::new(MemoryDriver::default()), Arc::clone(&breaker));
        let fail = || breaker.hear(Some(&Error::Unavailable("503".into())), false, Instant::now());
        fail();
        fail();
        let mut writer = guarded.writer(&"a/b".parse().unwrap(), None).await.unwrap();
        writer.write(Bytes::from_static(b"few")).await.unwrap();
        fail();
        assert!(!breaker.is_closed(Instant::now()), "the third failure in a row");
        assert!(writer.write(Bytes::from_static(b"more")).await.is_err());
    }
}
