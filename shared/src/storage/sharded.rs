//! The ring as a driver over drivers: every path has one bucket, and the path alone says which.

#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::try_join_all;
use url::Url;

use super::direct::DirectUploads;
use super::driver::{
    Content, Copied, Entry, Progress, PutMode, Span, Stat, StorageDriver, Unfinished, UrlRequest, Version, Writer,
};
use super::error::{Error, Result};
use super::path::ObjectPath;
use super::ring::HashRing;
use super::topology::{BucketId, Topology, TopologyError};
use crate::clock::Timestamp;
use crate::oci::{Digest, UploadId};

/// A store spread over the buckets of a topology.
///
/// As a driver it keeps every clause that its parts keep. It finds objects where the ring puts them now: what lies
/// elsewhere, because the topology has changed since, is reached through [`bucket`](Self::bucket).
#[derive(Debug)]
pub struct ShardedDriver {
    topology: Topology,
    ring: HashRing,
    /// Those of the topology's buckets and no others.
    drivers: BTreeMap<BucketId, Arc<dyn StorageDriver>>,
}

/// Why drivers cannot be sharded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardedError {
    /// No ring can be made.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// A bucket of the topology has no driver.
    #[error("bucket {0} has no driver")]
    MissingDriver(BucketId),
}

/// A bucket that is not in the topology: the source of an [`Error::Failed`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bucket {0} is not in the topology")]
pub struct UnknownBucket(BucketId);

impl ShardedDriver {
    /// The drivers of a topology's buckets, whatever the buckets' states. Drivers of other buckets are dropped.
    pub fn new(
        topology: Topology,
        mut drivers: BTreeMap<BucketId, Arc<dyn StorageDriver>>,
    ) -> Result<Self, ShardedError> {
        let ring = HashRing::new(&topology)?;
        let ids = topology.buckets.iter().map(|bucket| &bucket.id);
        let drivers = ids
            .map(|id| drivers.remove_entry(id).ok_or_else(|| ShardedError::MissingDriver(id.clone())))
            .collect::<Result<_, _>>()?;
        Ok(Self { topology, ring, drivers })
    }

    /// The members.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The ring of the members.
    #[must_use]
    pub fn ring(&self) -> &HashRing {
        &self.ring
    }

    /// The driver of a bucket, whatever its state; none when the topology does not have it.
    #[must_use]
    pub fn bucket(&self, id: &BucketId) -> Option<&Arc<dyn StorageDriver>> {
        self.drivers.get(id)
    }

    /// Opens the connection to one bucket, which others of its store share, and asks for nothing. Whether that works is
    /// for the next request to find out.
    pub async fn warm_up(&self) {
        if let Some(driver) = self.drivers.values().next() {
            drop(driver.stat(&ObjectPath::nothing()).await);
        }
    }

    /// Where a blob shall lie.
    #[must_use]
    pub fn home(&self, digest: &Digest) -> &BucketId {
        self.ring.home(digest.point())
    }

    /// Where a new upload's bytes shall gather. The upload stays there, whatever becomes of the ring.
    #[must_use]
    pub fn staging(&self, upload: &UploadId) -> &BucketId {
        self.ring.home(upload.point())
    }

    /// Where an object shall lie: the home of its [point](ObjectPath::point). A blob's path agrees with
    /// [`home`](Self::home), an upload's paths with [`staging`](Self::staging), a tail with the path whose tail it is.
    #[must_use]
    pub fn route(&self, path: &ObjectPath) -> &BucketId {
        self.ring.home(path.point())
    }

    /// Moves an object over whatever lies at `to`. Within a bucket it is the driver's own move; between two it is a copy,
    /// then a delete of the version that was copied, so that whatever is written to `from` in the meantime stays; where the
    /// source keeps no versions it goes, as in the driver's own move. A move that fails on its way leaves the source, and can be repeated.
    pub async fn transfer(&self, from: (&BucketId, &ObjectPath), to: (&BucketId, &ObjectPath)) -> Result<Version> {
        let (source, target) = (self.known(from.0)?, self.known(to.0)?);
        if from.0 == to.0 {
            return target.move_content(from.1, to.1).await;
        }
        let copied = target.copy_from(&**source, from.1, to.1).await?;
        source.delete(from.1, copied.source.as_ref()).await?;
        Ok(copied.version)
    }

    fn known(&self, id: &BucketId) -> Result<&Arc<dyn StorageDriver>> {
        self.bucket(id).ok_or_else(|| Error::Failed(Box::new(UnknownBucket(id.clone()))))
    }

    fn driver(&self, path: &ObjectPath) -> &Arc<dyn StorageDriver> {
        &self.drivers[self.route(path)]
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl StorageDriver for ShardedDriver {
    fn name(&self) -> &'static str {
        "sharded"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    async fn get_content(&self, path: &ObjectPath, limit: u64) -> Result<Bytes> {
        self.driver(path).get_content(path, limit).await
    }

    async fn put_content(&self, path: &ObjectPath, content: Bytes, mode: PutMode) -> Result<Version> {
        self.driver(path).put_content(path, content, mode).await
    }

    async fn reader(&self, path: &ObjectPath, span: Span) -> Result<Content> {
        self.driver(path).reader(path, span).await
    }

    async fn writer(&self, path: &ObjectPath, progress: Option<Progress>) -> Result<Box<dyn Writer>> {
        self.driver(path).writer(path, progress).await
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Stat> {
        self.driver(path).stat(path).await
    }

    /// Asks every bucket at once, whatever its state, and fails if one fails: a list that lacks a bucket would pass for
    /// the whole. What lies in two buckets, on its way from one to the other, is listed once, as the ring's own has it.
    async fn list(&self, directory: &ObjectPath, after: Option<&ObjectPath>, limit: usize) -> Result<Vec<Entry>> {
        let lists = self.drivers.iter().map(async |(id, driver)| {
            let entries = driver.list(directory, after, limit).await?;
            Ok::<_, Error>(entries.into_iter().map(move |entry| (id, entry)))
        });
        let mut merged = BTreeMap::new();
        for (id, entry) in try_join_all(lists).await?.into_iter().flatten() {
            if self.route(&entry.path) == id || !merged.contains_key(&entry.path) {
                merged.insert(entry.path.clone(), entry);
            }
        }
        Ok(merged.into_iter().take(limit).map(|(_, entry)| entry).collect())
    }

    async fn move_content(&self, from: &ObjectPath, to: &ObjectPath) -> Result<Version> {
        self.transfer((self.route(from), from), (self.route(to), to)).await
    }

    async fn copy_from(&self, source: &dyn StorageDriver, from: &ObjectPath, to: &ObjectPath) -> Result<Copied> {
        let target = self.driver(to);
        // A part knows how to copy from its like, not from a whole.
        match source.as_any().downcast_ref::<Self>() {
            Some(source) => target.copy_from(&**source.driver(from), from, to).await,
            None => target.copy_from(source, from, to).await,
        }
    }

    async fn delete(&self, path: &ObjectPath, version: Option<&Version>) -> Result<()> {
        self.driver(path).delete(path, version).await
    }

    async fn unfinished(&self, before: Timestamp, limit: usize) -> Result<Vec<Unfinished>> {
        let lists = try_join_all(self.drivers.values().map(|driver| driver.unfinished(before, limit))).await?;
        Ok(lists.into_iter().flatten().take(limit).collect())
    }

    /// In every bucket: what it was to be does not say which.
    async fn forget(&self, unfinished: &Unfinished) -> Result<()> {
        try_join_all(self.drivers.values().map(|driver| driver.forget(unfinished))).await.map(drop)
    }

    /// None of the whole: a client puts an object into one bucket.
    fn direct(&self) -> Option<&dyn DirectUploads> {
        None
    }

    async fn url_for(&self, path: &ObjectPath, request: &UrlRequest) -> Result<Option<Url>> {
        self.driver(path).url_for(path, request).await
    }
}
