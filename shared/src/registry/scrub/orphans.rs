//! Looking for objects at homes that no row names.

use std::collections::BTreeSet;

use super::{Damage, Finding, Remedy, Scrubbing};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::metadata::Task;
use crate::oci::Digest;
use crate::registry::{Registry, Result};
use crate::storage::{self, BucketId, ObjectPath, Objects};

/// The most pending work that is known: what is about to be removed is no orphan.
const MOST_WORK: usize = 100_000;
/// How many objects without a row are looked at together.
const TOGETHER: usize = 1000;

/// An object that no row named when it was looked at.
struct Unnamed {
    digest: Digest,
    path: ObjectPath,
}

impl Scrubbing<'_> {
    pub(super) async fn orphans(&mut self) -> Result<()> {
        let storage = self.registry.storage();
        for bucket in storage.topology().buckets.iter().filter(|bucket| !storage.is_down(&bucket.id)) {
            if let Err(error) = self.orphans_in(&bucket.id).await {
                tracing::warn!(bucket = %bucket.id, error = %Causes(&error), "a bucket could not be listed");
                self.scrubbed.unlisted += 1;
            }
        }
        Ok(())
    }

    async fn orphans_in(&mut self, bucket: &BucketId) -> Result<()> {
        let (driver, before) = (self.registry.bucket(bucket).await?, self.before());
        let (mut objects, mut unnamed) = (Objects::below(&*driver, ObjectPath::all_homes()), Vec::new());
        while let Some(entry) = objects.next().await? {
            let Some(digest) = entry.path.digest().filter(|_| entry.modified <= before) else { continue };
            if !self.registry.is_named(&digest, bucket, &entry.path).await? {
                unnamed.push(Unnamed { digest, path: entry.path });
            }
            if unnamed.len() == TOGETHER {
                self.judge_all(bucket, std::mem::take(&mut unnamed)).await?;
            }
        }
        self.judge_all(bucket, unnamed).await
    }

    /// When an object that no row names must have come there to be an orphan.
    fn before(&self) -> Timestamp {
        Timestamp::now().minus(self.wanted.orphans_after)
    }

    /// What a row has ceased to name has work of its own since the same moment, which is looked for only now.
    async fn judge_all(&mut self, bucket: &BucketId, unnamed: Vec<Unnamed>) -> Result<()> {
        if unnamed.is_empty() {
            return Ok(());
        }
        let going = self.registry.going().await?;
        for Unnamed { digest, path } in unnamed {
            if going.contains(&(bucket.clone(), path.clone())) {
                continue;
            }
            let remedy = match self.put_away(&digest, bucket, &path).await {
                Ok(Some(remedy)) => remedy,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(%bucket, %path, error = %Causes(&error), "an orphan was not moved aside");
                    Remedy::None
                }
            };
            self.scrubbed.findings.push(Finding { digest, bucket: bucket.clone(), damage: Damage::Orphan, remedy });
        }
        Ok(())
    }

    /// What is done about an orphan; none when it turns out not to be one: it has gone, or
    /// another object has come there since.
    async fn put_away(&self, digest: &Digest, bucket: &BucketId, path: &ObjectPath) -> Result<Option<Remedy>> {
        if !self.wanted.repair {
            return Ok(Some(Remedy::None));
        }
        let stat = match self.registry.bucket(bucket).await?.stat(path).await {
            Err(storage::Error::NotFound(_)) => return Ok(None),
            stat => stat?,
        };
        let is_old = stat.modified <= self.before();
        let is_moved = is_old && self.registry.move_aside(digest, (bucket, path), &stat.version).await?;
        Ok(is_moved.then_some(Remedy::MovedAside))
    }
}

impl Registry {
    /// What is about to be removed by work of its own.
    async fn going(&self) -> Result<BTreeSet<(BucketId, ObjectPath)>> {
        let pending = self.pending_work(MOST_WORK).await?;
        let places = pending.into_iter().filter_map(|work| match work.task {
            Task::Discard { place } => Some((place.bucket, place.path)),
            Task::Settle { .. } | Task::House { .. } | Task::Verify(_) => None,
        });
        Ok(places.collect())
    }
}
