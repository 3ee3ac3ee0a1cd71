//! Where a clause works: a directory of its own, whose every path is known and cleaned up.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::Subject;
use crate::oci::UploadId;
use crate::storage::driver::{Content, PutMode, Span, StorageDriver, Version};
use crate::storage::{Error, ObjectPath, Result};

/// The most that a clause reads at once.
const LIMIT: u64 = 64 * 1024 * 1024;
/// Calls under way at once while cleaning up.
const TOGETHER: usize = 32;

/// A store and a directory in it that nothing else uses.
#[derive(Debug)]
pub struct Bench {
    subject: Subject,
    directory: String,
    used: Mutex<Vec<ObjectPath>>,
    /// Directories of the store's own that must be empty in the end.
    own: Mutex<Vec<ObjectPath>>,
}

impl Bench {
    pub(super) fn new(subject: Subject) -> Self {
        let directory = format!("contract/{}", UploadId::random());
        let own = vec![directory.parse().unwrap()];
        Self { subject, directory, used: Mutex::default(), own: Mutex::new(own) }
    }

    pub(super) fn driver(&self) -> &Arc<dyn StorageDriver> {
        &self.subject.driver
    }

    pub(super) fn reopened(&self) -> &Arc<dyn StorageDriver> {
        &self.subject.reopened
    }

    pub(super) fn has_urls(&self) -> bool {
        self.subject.has_urls
    }

    /// A path in the clause's directory, removed when the clause ends.
    pub(super) fn path(&self, name: &str) -> ObjectPath {
        let path: ObjectPath = format!("{}/{name}", self.directory).parse().unwrap();
        self.used.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
        path
    }

    /// A path for the bytes of an upload, removed when the clause ends, when no tail may be left either.
    pub(super) fn staged(&self) -> ObjectPath {
        let path = ObjectPath::staged(&UploadId::random());
        self.watch_tails(&path);
        self.used.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
        path
    }

    /// Requires that no tail of a writer of this path is left when the clause ends.
    pub(super) fn watch_tails(&self, path: &ObjectPath) {
        let directories = [path.clone(), path.tail(&UploadId::random())].map(|path| parent(&path));
        self.own.lock().unwrap_or_else(PoisonError::into_inner).extend(directories);
    }

    pub(super) async fn put(&self, path: &ObjectPath, content: impl Into<Bytes>) -> Version {
        self.driver().put_content(path, content.into(), PutMode::Overwrite).await.unwrap()
    }

    /// What both instances find at the path.
    pub(super) async fn get(&self, path: &ObjectPath) -> Bytes {
        let content = self.driver().get_content(path, LIMIT).await.unwrap();
        assert_eq!(self.reopened().get_content(path, LIMIT).await.unwrap(), content, "the instances differ");
        content
    }

    /// Requires that every way to ask says that nothing lies at the path.
    pub(super) async fn assert_absent(&self, path: &ObjectPath) {
        for driver in [self.driver(), self.reopened()] {
            assert_not_found(path, driver.get_content(path, LIMIT).await);
            assert_not_found(path, driver.stat(path).await);
            assert_not_found(path, driver.reader(path, Span::ALL).await);
            assert_not_found(path, driver.reader(path, Span { offset: 1, length: Some(1) }).await);
        }
    }

    pub(super) async fn list_all(&self, directory: &ObjectPath) -> Vec<ObjectPath> {
        let entries = self.driver().list(directory, None, 10_000).await.unwrap();
        entries.into_iter().map(|entry| entry.path).collect()
    }

    /// Removes what the clause wrote and requires that nothing else is left.
    pub(super) async fn finish(self) {
        let used = self.used.into_inner().unwrap();
        stream::iter(used)
            .map(|path| {
                let driver = Arc::clone(&self.subject.driver);
                async move { driver.delete(&path, None).await }
            })
            .buffer_unordered(TOGETHER)
            .try_collect::<()>()
            .await
            .unwrap();
        for directory in self.own.into_inner().unwrap() {
            let left = self.subject.driver.list(&directory, None, 10).await.unwrap();
            assert_eq!(left, [], "left behind below {directory}");
        }
    }
}

/// The bytes of a reader's stream, which must come in chunks that are not empty.
pub(super) async fn read(content: Content) -> Result<Bytes> {
    let chunks: Vec<Bytes> = content.stream.try_collect().await?;
    assert!(chunks.iter().all(|chunk| !chunk.is_empty()), "an empty chunk");
    Ok(chunks.concat().into())
}

pub(super) fn assert_not_found<T: std::fmt::Debug>(path: &ObjectPath, outcome: Result<T>) {
    match outcome {
        Err(Error::NotFound(named)) => assert_eq!(named, *path),
        other => panic!("expected that nothing lies at {path}, got {other:?}"),
    }
}

fn parent(path: &ObjectPath) -> ObjectPath {
    path.as_str().rsplit_once('/').unwrap().0.parse().unwrap()
}
