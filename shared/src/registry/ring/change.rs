//! Changing the ring.

use crate::clock::Timestamp;
use crate::metadata::{self, Sector, Work};
use crate::oci::Digest;
use crate::registry::house::is_home;
use crate::registry::{Error, Registry, Result};
use crate::storage::{self, BucketId, BucketState, ChangeError, Changes, ObjectPath, ShardedError, Topology};

use super::plan::Planned;

/// What keeps a change from being made by mistake.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Safety {
    /// The largest part of all copies that may be moved.
    pub max_move: f64,
    /// Whether a bucket may be removed though a process may still place blobs in it that has not read the ring since it was
    /// drained.
    pub now: bool,
}

/// Why the ring was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It cannot be changed so.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// More than was meant.
    #[error("{moved:.1} % of all copies would move, and at most {most:.1} % may: allow more with --max-move")]
    TooMuch {
        /// How much would move, in percent.
        moved: f64,
        /// How much may.
        most: f64,
    },
    /// A bucket that leaves still holds blobs.
    #[error("bucket {bucket} still holds {blobs} blobs")]
    Holds {
        /// The bucket.
        bucket: BucketId,
        /// How many.
        blobs: u64,
    },
    /// A bucket that leaves has objects that no blob's row names: uploads under way, perhaps.
    #[error("bucket {bucket} still has objects, {path} among them")]
    HasObjects {
        /// The bucket.
        bucket: BucketId,
        /// One of them.
        path: ObjectPath,
    },
    /// Somebody may still place blobs by the topology before.
    #[error(
        "a process may still put blobs into bucket {0}: wait until `ringhold ring status` says that nothing is left of the topology before, or use --now when no other process serves"
    )]
    TooEarly(BucketId),
    /// Somebody else has changed it first.
    #[error("the ring was changed by somebody else meanwhile; look at it again")]
    Outrun,
    /// It could not be done.
    #[error(transparent)]
    Registry(#[from] Error),
}

impl From<metadata::Error> for ApplyError {
    fn from(error: metadata::Error) -> Self {
        Self::Registry(error.into())
    }
}

impl From<storage::Error> for ApplyError {
    fn from(error: storage::Error) -> Self {
        Self::Registry(error.into())
    }
}

impl From<ShardedError> for ApplyError {
    fn from(error: ShardedError) -> Self {
        Self::Registry(error.into())
    }
}

impl Registry {
    /// Changes the ring, once it is safe. What then lies elsewhere than it should is moved in the background.
    pub async fn apply(&self, changes: &Changes, safety: Safety) -> Result<Planned, ApplyError> {
        let planned = self.plan(changes).await?;
        if planned.share_moved > safety.max_move {
            let (moved, most) = (planned.share_moved * 100.0, safety.max_move * 100.0);
            return Err(ApplyError::TooMuch { moved, most });
        }
        for id in &changes.remove {
            self.check_empty(id, &planned.from, safety).await?;
        }
        // Opened before anybody relies on them.
        let followed = self.storage().follow(planned.to.clone(), self.storage().ailing().clone()).await?;
        if !self.metadata.put_topology(&planned.to).await? {
            return Err(ApplyError::Outrun);
        }
        self.adopt(followed);
        self.ring_changed.notify_one();
        Ok(planned)
    }

    /// Fails while anything may be in the bucket that somebody needs.
    async fn check_empty(&self, id: &BucketId, topology: &Topology, safety: Safety) -> Result<(), ApplyError> {
        let bucket = || id.clone();
        let mut blobs = 0;
        self.for_each_blob(|blob| blobs += u64::from(blob.places().any(|place| place.bucket == *id))).await?;
        if blobs > 0 {
            return Err(ApplyError::Holds { bucket: bucket(), blobs });
        }
        let passes = self.metadata.passes().await?;
        let is_over = passes.len() == usize::from(Sector::COUNT) && passes.iter().all(|pass| pass.is_last(topology));
        if !is_over && !safety.now {
            return Err(ApplyError::TooEarly(bucket()));
        }
        let is_down = topology.buckets.iter().any(|bucket| bucket.id == *id && bucket.state == BucketState::Down);
        if is_down {
            return Ok(());
        }
        let driver = self.bucket(id).await?;
        for directory in [ObjectPath::all_homes(), ObjectPath::all_staged(), ObjectPath::all_tails()] {
            let found = driver.list(&directory, None, 2).await?;
            if let Some(found) = found.into_iter().find(|entry| entry.path != ObjectPath::probe()) {
                return Err(ApplyError::HasObjects { bucket: bucket(), path: found.path });
            }
        }
        match driver.unfinished(Timestamp::now(), 1).await?.into_iter().next() {
            Some(found) => Err(ApplyError::HasObjects {
                bucket: bucket(),
                path: found.path.unwrap_or_else(ObjectPath::all_staged),
            }),
            None => Ok(()),
        }
    }

    /// Sees to it that every blob that lies in fewer buckets than it should, or in others, is brought to its homes, whether a
    /// pass is due or not. Returns how many there are.
    pub async fn repair(&self) -> Result<u64> {
        self.catch_up().await?;
        let storage = self.storage();
        let mut misplaced = Vec::<Digest>::new();
        self.for_each_blob(|blob| {
            if !is_home(&storage, blob) {
                misplaced.push(blob.digest.clone());
            }
        })
        .await?;
        for digest in &misplaced {
            self.metadata.put_work(&Work::house(digest, Timestamp::now())).await?;
        }
        self.work_made.notify_one();
        Ok(misplaced.len() as u64)
    }
}
