//! A bucket's driver that gives up on a bucket which has failed several times in a row, and tries it again now and then:
//! whoever asks meanwhile is told at once, and nothing waits for a bucket that is gone.

mod breaker;

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

pub(super) use breaker::{Breaker, Call};

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

async fn guarded<T>(breaker: &Breaker, kind: Call, call: impl Future<Output = Result<T>>) -> Result<T> {
    breaker.admit(kind, Instant::now())?;
    let outcome = call.await;
    breaker.hear(kind, outcome.as_ref().err(), Instant::now());
    outcome
}

/// The same for a read, which nobody may wait for any longer when another bucket has its object too.
async fn guarded_read<T>(breaker: &Breaker, call: impl Future<Output = Result<T>>) -> Result<T> {
    let waiting = breaker.wait(Instant::now());
    let outcome = guarded(breaker, Call::Read, call).await;
    waiting.over();
    outcome
}

/// The same for a step of a writer that may ask the bucket for nothing: only its failure says something.
async fn guarded_step<T>(breaker: &Breaker, step: impl Future<Output = Result<T>>) -> Result<T> {
    breaker.check(Call::Write, Instant::now())?;
    let outcome = step.await;
    if let Err(error) = &outcome {
        breaker.hear(Call::Write, Some(error), Instant::now());
    }
    outcome
}

/// The same for a copy of what lies in another bucket: its failure may be the other's, which is told by nothing, so only
/// its success says something.
async fn guarded_copy<T>(breaker: &Breaker, copy: impl Future<Output = Result<T>>) -> Result<T> {
    breaker.check(Call::Write, Instant::now())?;
    let copied = copy.await?;
    breaker.hear(Call::Write, None, Instant::now());
    Ok(copied)
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
        guarded(&self.breaker, Call::Write, self.inner.put_content(path, content, mode)).await
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
        guarded(&self.breaker, Call::Read, self.inner.list(directory, after, limit)).await
    }

    async fn move_content(&self, from: &ObjectPath, to: &ObjectPath) -> Result<Version> {
        guarded(&self.breaker, Call::Move, self.inner.move_content(from, to)).await
    }

    async fn copy_from(&self, source: &dyn StorageDriver, from: &ObjectPath, to: &ObjectPath) -> Result<Copied> {
        guarded_copy(&self.breaker, self.inner.copy_from(source, from, to)).await
    }

    fn keeps_overwritten(&self, by: &Version) -> bool {
        self.inner.keeps_overwritten(by)
    }

    async fn has(&self, path: &ObjectPath, version: &Version) -> Result<bool> {
        guarded_read(&self.breaker, self.inner.has(path, version)).await
    }

    async fn delete(&self, path: &ObjectPath, version: Option<&Version>) -> Result<()> {
        guarded(&self.breaker, Call::Read, self.inner.delete(path, version)).await
    }

    async fn unfinished(&self, before: Timestamp, limit: usize) -> Result<Vec<Unfinished>> {
        guarded(&self.breaker, Call::Read, self.inner.unfinished(before, limit)).await
    }

    async fn forget(&self, unfinished: &Unfinished) -> Result<()> {
        guarded(&self.breaker, Call::Read, self.inner.forget(unfinished)).await
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
        guarded(&self.breaker, Call::Write, self.inner.checkpoint()).await
    }

    async fn commit(self: Box<Self>) -> Result<Version> {
        guarded(&self.breaker, Call::Write, self.inner.commit()).await
    }

    /// Whatever the bucket's state: what can be tidied up is.
    async fn cancel(self: Box<Self>) -> Result<()> {
        self.inner.cancel().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::moody::{Mood, Moody};
    use crate::storage::{Error, MemoryDriver};

    fn path() -> ObjectPath {
        "a/b".parse().unwrap()
    }

    fn guard(inner: Arc<dyn StorageDriver>) -> (Guarded, Arc<Breaker>) {
        let breaker = Arc::new(Breaker::new("one".parse().unwrap()));
        (Guarded::new(inner, Arc::clone(&breaker)), breaker)
    }

    #[tokio::test]
    async fn bytes_that_a_writer_only_gathers_say_nothing_of_the_bucket() {
        let (guarded, breaker) = guard(Arc::new(MemoryDriver::default()));
        let fail = || breaker.hear(Call::Read, Some(&Error::Unavailable("503".into())), Instant::now());
        fail();
        fail();
        let mut writer = guarded.writer(&path(), None).await.unwrap();
        writer.write(Bytes::from_static(b"few")).await.unwrap();
        fail();
        assert!(!breaker.serves(Instant::now()), "the third failure in a row");
        assert!(writer.write(Bytes::from_static(b"more")).await.is_err());
    }

    #[tokio::test]
    async fn a_copy_whose_source_fails_says_nothing_of_its_target() {
        let (target, breaker) = guard(Arc::new(MemoryDriver::default()));
        let source = Moody::default();
        source.inner.put_content(&path(), Bytes::from_static(b"x"), PutMode::Overwrite).await.unwrap();
        source.set(Mood::Gone);
        for _ in 0..5 {
            assert!(target.copy_from(&source, &path(), &path()).await.is_err());
        }
        assert!(breaker.takes(Instant::now()));
        source.set(Mood::Well);
        target.copy_from(&source, &path(), &path()).await.unwrap();
    }

    #[tokio::test]
    async fn a_bucket_that_refuses_writes_is_still_read() {
        let inner = Arc::new(Moody::default());
        let (guarded, breaker) = guard(Arc::clone(&inner) as Arc<dyn StorageDriver>);
        let put = async || guarded.put_content(&path(), Bytes::from_static(b"x"), PutMode::Overwrite).await;
        put().await.unwrap();
        inner.set(Mood::RefusingWrites);
        for _ in 0..3 {
            assert!(matches!(put().await, Err(Error::Denied(_))));
            guarded.get_content(&path(), 10).await.unwrap();
        }
        assert!(breaker.serves(Instant::now()) && !breaker.takes(Instant::now()));
        assert!(matches!(put().await, Err(Error::Unavailable(_))), "it is not asked");
        guarded.get_content(&path(), 10).await.unwrap();
    }
}
