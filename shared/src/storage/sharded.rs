//! The ring as a driver over drivers: every path has one bucket, and the path alone says which.

#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{join_all, try_join_all};
use tokio::time::Instant;
use url::Url;

use super::direct::DirectUploads;
use super::driver::{
    Content, Copied, Entry, Progress, PutMode, Span, Stat, StorageDriver, Unfinished, UrlRequest, Version, Writer,
};
use super::error::{Error, Result};
use super::factory::{Factory, FactoryError};
use super::guard::{Breaker, Call, Guarded};
use super::path::ObjectPath;
use super::probe;
use super::ring::HashRing;
use super::topology::{Bucket, BucketId, BucketState, Topology, TopologyError};
use crate::clock::Timestamp;
use crate::oci::{Digest, UploadId};

/// A store spread over the buckets of a topology.
///
/// As a driver it keeps every clause that its parts keep. It finds objects where the ring puts them now: what lies
/// elsewhere, because the topology has changed since, is reached through [`bucket`](Self::bucket).
#[derive(Debug)]
pub struct ShardedDriver {
    topology: Topology,
    /// Made when it is first asked for: not every process places anything.
    ring: OnceLock<HashRing>,
    /// Those of the topology's buckets and no others.
    members: BTreeMap<BucketId, Member>,
    /// Those that are known not to serve.
    ailing: BTreeSet<BucketId>,
    /// What opens the buckets of later topologies.
    factory: Arc<Factory>,
}

/// A bucket, and what calls to it came to.
#[derive(Debug, Clone)]
struct Member {
    url: Url,
    /// The bucket itself.
    inner: Arc<dyn StorageDriver>,
    /// The same behind its breaker.
    driver: Arc<dyn StorageDriver>,
    breaker: Arc<Breaker>,
}

impl Member {
    fn new(bucket: &Bucket, inner: Arc<dyn StorageDriver>) -> Self {
        let breaker = Arc::new(Breaker::new(bucket.id.clone()));
        let driver = Arc::new(Guarded::new(Arc::clone(&inner), Arc::clone(&breaker)));
        Self { url: bucket.url.clone(), inner, driver, breaker }
    }

    /// Asks the bucket itself, whatever calls to it came to lately, and takes note of its answer.
    async fn probe(&self) -> Result<()> {
        let read = probe::read(&*self.inner).await;
        self.breaker.hear(Call::Read, read.as_ref().err(), Instant::now());
        if read.is_ok() && self.breaker.doubts_writes() {
            let written = probe::write(&*self.inner).await;
            self.breaker.hear(Call::Write, written.as_ref().err(), Instant::now());
        }
        read
    }
}

/// Why drivers cannot be sharded.
#[derive(Debug, thiserror::Error)]
pub enum ShardedError {
    /// No ring can be made.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// A bucket of the topology has no driver.
    #[error("bucket {0} has no driver")]
    MissingDriver(BucketId),
    /// A bucket that has joined cannot be opened.
    #[error("bucket {bucket} cannot be opened")]
    Open {
        /// Which.
        bucket: BucketId,
        /// Why.
        source: FactoryError,
    },
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
        topology.validate()?;
        let member = |bucket: &Bucket| {
            let (id, driver) =
                drivers.remove_entry(&bucket.id).ok_or_else(|| ShardedError::MissingDriver(bucket.id.clone()))?;
            Ok::<_, ShardedError>((id, Member::new(bucket, driver)))
        };
        let members = topology.buckets.iter().map(member).collect::<Result<_, _>>()?;
        Ok(Self { topology, ring: OnceLock::new(), members, ailing: BTreeSet::new(), factory: Arc::default() })
    }

    /// The same, opening the buckets of later topologies by this factory.
    #[must_use]
    pub fn opening_by(self, factory: Factory) -> Self {
        Self { factory: Arc::new(factory), ..self }
    }

    /// The store as a later topology has it, and with what is known of its buckets now. What is known of each by itself
    /// goes on; those that have joined are opened.
    pub async fn follow(&self, topology: Topology, ailing: BTreeSet<BucketId>) -> Result<Self, ShardedError> {
        topology.validate()?;
        let mut members = BTreeMap::new();
        for bucket in &topology.buckets {
            let member = match self.members.get(&bucket.id) {
                Some(member) if member.url == bucket.url || self.topology.epoch == topology.epoch => member.clone(),
                _ => Member::new(bucket, self.open(bucket).await?),
            };
            members.insert(bucket.id.clone(), member);
        }
        Ok(Self { topology, ring: OnceLock::new(), members, ailing, factory: Arc::clone(&self.factory) })
    }

    async fn open(&self, bucket: &Bucket) -> Result<Arc<dyn StorageDriver>, ShardedError> {
        let opened = self.factory.create(&bucket.url).await;
        opened.map_err(|source| ShardedError::Open { bucket: bucket.id.clone(), source })
    }

    /// The members.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The ring of the members.
    #[must_use]
    pub fn ring(&self) -> &HashRing {
        self.ring.get_or_init(|| HashRing::of_valid(&self.topology))
    }

    /// The driver of a bucket, whatever its state; none when the topology does not have it.
    #[must_use]
    pub fn bucket(&self, id: &BucketId) -> Option<&Arc<dyn StorageDriver>> {
        self.members.get(id).map(|member| &member.driver)
    }

    /// Opens the connection to one bucket, which others of its store share, and asks for nothing. Whether that works is
    /// for the next request to find out.
    pub async fn warm_up(&self) {
        if let Some(member) = self.members.values().next() {
            drop(member.driver.stat(&ObjectPath::nothing()).await);
        }
    }

    /// Those that are known not to serve.
    #[must_use]
    pub fn ailing(&self) -> &BTreeSet<BucketId> {
        &self.ailing
    }

    /// Whether the bucket serves, as far as is known: its state lets it, and neither this process nor another has found
    /// otherwise lately.
    #[must_use]
    pub fn serves(&self, id: &BucketId) -> bool {
        self.state(id).is_some_and(|state| state != BucketState::Down)
            && !self.ailing.contains(id)
            && self.members.get(id).is_some_and(|member| member.breaker.serves(Instant::now()))
    }

    /// Whether the bucket takes writes, as far as is known: it serves, and has not refused them lately.
    #[must_use]
    pub fn takes(&self, id: &BucketId) -> bool {
        self.serves(id) && self.members.get(id).is_some_and(|member| member.breaker.takes(Instant::now()))
    }

    /// Asks every bucket that was not given up whether it serves, whatever is known of it.
    pub async fn probe(&self) -> Vec<(BucketId, Result<()>)> {
        let asked = self.members.iter().filter(|(id, _)| !self.is_down(id));
        join_all(asked.map(async |(id, member)| (id.clone(), member.probe().await))).await
    }

    /// Whether the bucket was given up, with all that it had.
    #[must_use]
    pub fn is_down(&self, id: &BucketId) -> bool {
        self.state(id) == Some(BucketState::Down)
    }

    /// Whether the bucket is home to anything.
    #[must_use]
    pub fn is_active(&self, id: &BucketId) -> bool {
        self.state(id) == Some(BucketState::Active)
    }

    /// Whether what the bucket has stays there, though it is nobody's home.
    #[must_use]
    pub fn keeps(&self, id: &BucketId) -> bool {
        self.state(id) == Some(BucketState::ReadOnly)
    }

    /// What the bucket may be used for; none when the topology does not have it.
    fn state(&self, id: &BucketId) -> Option<BucketState> {
        self.topology.buckets.iter().find(|bucket| bucket.id == *id).map(|bucket| bucket.state)
    }

    /// The buckets that shall hold what lies at this point, the home first: as many as the topology has replicas, or all
    /// there are.
    #[must_use]
    pub fn homes(&self, point: u32) -> Vec<&BucketId> {
        self.ring().walk(point).take(self.topology.replicas.into()).collect()
    }

    /// Every bucket of the ring that takes writes, in the order in which they come clockwise from the point; all of them
    /// when none does. Never empty.
    #[must_use]
    pub fn taking(&self, point: u32) -> Vec<&BucketId> {
        match self.ring().walk(point).filter(|id| self.takes(id)).collect::<Vec<_>>() {
            none if none.is_empty() => self.ring().walk(point).collect(),
            taking => taking,
        }
    }

    /// The buckets that shall hold what lies at this point now: each home that takes no writes hands its part to the next
    /// clockwise.
    #[must_use]
    pub fn taking_homes(&self, point: u32) -> Vec<&BucketId> {
        self.taking(point).into_iter().take(self.topology.replicas.into()).collect()
    }

    /// Where a blob shall lie.
    #[must_use]
    pub fn home(&self, digest: &Digest) -> &BucketId {
        self.ring().home(digest.point())
    }

    /// Where a new upload's bytes shall gather: in the first bucket that takes them. The upload stays there, whatever becomes
    /// of the ring.
    #[must_use]
    pub fn staging(&self, upload: &UploadId) -> &BucketId {
        let point = upload.point();
        self.taking(point).first().copied().unwrap_or_else(|| self.ring().home(point))
    }

    /// Where an object shall lie: the home of its [point](ObjectPath::point). A blob's path agrees with
    /// [`home`](Self::home), an upload's paths with [`staging`](Self::staging), a tail with the path whose tail it is.
    #[must_use]
    pub fn route(&self, path: &ObjectPath) -> &BucketId {
        self.ring().home(path.point())
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
        &self.members[self.route(path)].driver
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
        let lists = self.members.iter().map(async |(id, member)| {
            let entries = member.driver.list(directory, after, limit).await?;
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

    fn keeps_overwritten(&self, by: &Version) -> bool {
        self.members.values().any(|member| member.driver.keeps_overwritten(by))
    }

    async fn has(&self, path: &ObjectPath, version: &Version) -> Result<bool> {
        self.driver(path).has(path, version).await
    }

    async fn delete(&self, path: &ObjectPath, version: Option<&Version>) -> Result<()> {
        self.driver(path).delete(path, version).await
    }

    async fn unfinished(&self, before: Timestamp, limit: usize) -> Result<Vec<Unfinished>> {
        let lists = try_join_all(self.members.values().map(|member| member.driver.unfinished(before, limit))).await?;
        Ok(lists.into_iter().flatten().take(limit).collect())
    }

    /// In every bucket: what it was to be does not say which.
    async fn forget(&self, unfinished: &Unfinished) -> Result<()> {
        try_join_all(self.members.values().map(|member| member.driver.forget(unfinished))).await.map(drop)
    }

    /// None of the whole: a client puts an object into one bucket.
    fn direct(&self) -> Option<&dyn DirectUploads> {
        None
    }

    async fn url_for(&self, path: &ObjectPath, request: &UrlRequest) -> Result<Option<Url>> {
        self.driver(path).url_for(path, request).await
    }
}
