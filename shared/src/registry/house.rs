//! Bringing a blob to the buckets where the ring wants it. It is read from where it lies until its copies are proven and its
//! row says so; what nobody is sent to any more goes when no URL of it is left.

use std::time::Duration;

use super::blobs::not_serving;
use super::prove::{Source, proven_copy};
use super::work::Next;
use super::{Registry, Result};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::metadata::{BlobRecord, Place, Rehousing, Work};
use crate::oci::{Digest, UploadId};
use crate::storage::{BucketId, ObjectPath, ShardedDriver};

/// How often it is looked whether a bucket still serves that takes its time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where a blob lies now, and what that leaves.
#[derive(Debug, Default)]
pub(super) struct Housing {
    /// All its places, the first to be read first.
    pub(super) places: Vec<Place>,
    /// Those of them that are new.
    pub(super) made: Vec<Place>,
    /// Those that it has no longer.
    pub(super) left: Vec<Place>,
    /// Whether these are the very homes that the ring wants.
    pub(super) is_complete: bool,
}

impl Registry {
    /// Copies the blob to whichever of the buckets lack it. Fails when none of them has it in the end; the row is not
    /// changed. As long as one of them lacks it, no copy at another bucket's home is given up; in a read-only bucket, never.
    pub(super) async fn house(&self, found: &BlobRecord, aims: &[BucketId]) -> Result<Housing> {
        let (path, mut housing) = (ObjectPath::blob(&found.digest), Housing::default());
        let mut failure = None;
        for bucket in aims {
            if let Some(present) = found.places().find(|place| place.bucket == *bucket && place.path == path) {
                housing.places.push(present.clone());
                continue;
            }
            match self.copy(found, bucket, &path).await {
                Ok(place) => {
                    housing.made.push(place.clone());
                    housing.places.push(place);
                }
                Err(error) => {
                    tracing::warn!(digest = %found.digest, %bucket, error = %Causes(&error), "a blob was not copied");
                    failure = Some(error);
                }
            }
        }
        if let (Some(error), true) = (failure, housing.places.is_empty()) {
            return Err(error);
        }
        let storage = self.storage();
        housing.is_complete = housing.places.iter().map(|place| &place.bucket).eq(wanted_homes(&storage, found));
        for place in found.places().filter(|place| !housing.places.contains(place)).cloned().collect::<Vec<_>>() {
            let is_kept = place.path == path && (!housing.is_complete || storage.keeps(&place.bucket));
            if is_kept { &mut housing.places } else { &mut housing.left }.push(place);
        }
        Ok(housing)
    }

    /// A proven copy of the blob, of any of its places. A bucket that is known not to serve is neither asked nor waited for.
    async fn copy(&self, found: &BlobRecord, bucket: &BucketId, path: &ObjectPath) -> Result<Place> {
        if !self.storage().takes(bucket) {
            return Err(not_serving(bucket));
        }
        let mut failure = not_serving(&found.place.bucket);
        for from in found.places() {
            if !self.storage().serves(&from.bucket) {
                continue;
            }
            let copied = tokio::select! {
                copied = self.copy_of(from, bucket, path, &found.digest) => copied,
                gone = self.stops_serving(&from.bucket, bucket) => Err(not_serving(gone)),
            };
            match copied {
                Ok(place) => return Ok(place),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// A proven copy of what lies at a place.
    pub(super) async fn copy_of(
        &self,
        from: &Place,
        bucket: &BucketId,
        path: &ObjectPath,
        digest: &Digest,
    ) -> Result<Place> {
        let (source, target) = (self.bucket(&from.bucket).await?, self.bucket(bucket).await?);
        let version = proven_copy(Source::of(&*source, from), &*target, path, digest).await?;
        Ok(self.place(bucket.clone(), path.clone(), version))
    }

    /// Waits until the source serves no more, or the target takes nothing any more. A copy of gigabytes takes minutes: only so
    /// it is known that it will not come.
    async fn stops_serving<'a>(&self, source: &'a BucketId, target: &'a BucketId) -> &'a BucketId {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let storage = self.storage();
            if !storage.serves(source) {
                return source;
            }
            if !storage.takes(target) {
                return target;
            }
        }
    }

    /// The blob's places, those in buckets that serve first.
    pub(super) fn by_service<'a>(&self, blob: &'a BlobRecord) -> Vec<&'a Place> {
        let storage = self.storage();
        let (mut serving, others): (Vec<_>, Vec<_>) = blob.places().partition(|place| storage.serves(&place.bucket));
        serving.extend(others);
        serving
    }

    /// The row says what was housed; false, and what was copied is removed, when the blob is no longer as it was found: at once
    /// where nothing else counts on the place, else later, for whoever does may count on this very copy.
    pub(super) async fn record(
        &self,
        found: &BlobRecord,
        housing: &Housing,
        held: Option<(Work, Option<Work>)>,
        works: Vec<Work>,
    ) -> Result<bool> {
        for place in &housing.made {
            self.check_member(&place.bucket).await?;
        }
        let rehousing = Rehousing { found: found.clone(), places: housing.places.clone(), held, works };
        if self.metadata.rehouse_blob(&rehousing).await? {
            return Ok(true);
        }
        if let Some((_, next)) = rehousing.held.clone() {
            // Whoever took the work over may take as long again: what is proven counts, whoever holds the work.
            let works = rehousing.works.iter().cloned().chain(next).collect();
            if self.metadata.rehouse_blob(&Rehousing { held: None, works, ..rehousing }).await? {
                return Ok(true);
            }
        }
        let present = self.metadata.blob(&found.digest).await?;
        for place in &housing.made {
            let is_theirs = |blob: &BlobRecord| blob.places().any(|of| of.lies_at(&place.bucket, &place.path));
            let driver = self.bucket(&place.bucket).await?;
            if !present.as_ref().is_some_and(is_theirs) {
                driver.delete(&place.path, Some(&place.version)).await?;
            } else if driver.keeps_overwritten(&place.version) {
                self.metadata.put_work(&self.discard_later(UploadId::random(), place)).await?;
            }
        }
        Ok(false)
    }

    /// The work that is left when nobody is sent to an object any more: it goes when the last who was is done.
    pub(super) fn discard_later(&self, work: UploadId, place: &Place) -> Work {
        Work::discard(work, place.clone(), Timestamp::now().plus(self.terms.url_life))
    }

    /// The same for all that a blob has left.
    pub(super) fn discards<'a>(&self, left: impl Iterator<Item = &'a Place>) -> Vec<Work> {
        left.map(|place| self.discard_later(UploadId::random(), place)).collect()
    }

    /// Brings a blob from wherever it is to its homes. A home that does not serve is stood in for by the next bucket
    /// clockwise, so that there are as many copies as there should be, and work is left to bring it home later.
    pub(super) async fn house_blob(&self, held: &Work, digest: &Digest) -> Result<Next> {
        let Some(found) = self.metadata.blob(digest).await?.filter(|found| found.place.path.digest().is_some()) else {
            return Ok(Next::Over);
        };
        let housing = self.house(&found, &self.taking_homes(&found)).await?;
        let next = (!housing.is_complete).then(|| self.put_off(held));
        if housing.made.is_empty() && housing.left.is_empty() {
            return Ok(next.map_or(Next::Over, |next| Next::Work(Box::new(next))));
        }
        let works = self.discards(housing.left.iter());
        if self.record(&found, &housing, Some((held.clone(), next)), works).await? {
            return Ok(Next::Recorded);
        }
        Ok(Next::Work(Box::new(held.clone().at(Timestamp::now()))))
    }

    /// The buckets that shall hold the blob.
    pub(super) fn homes(&self, digest: &Digest) -> Vec<BucketId> {
        self.storage().homes(digest.point()).into_iter().cloned().collect()
    }

    /// The homes where the blob shall lie beside the buckets that keep what they have of it.
    pub(super) fn wanted_homes(&self, blob: &BlobRecord) -> Vec<BucketId> {
        wanted_homes(&self.storage(), blob).cloned().collect()
    }

    /// The same, of the buckets that take writes now.
    pub(super) fn taking_homes(&self, blob: &BlobRecord) -> Vec<BucketId> {
        let storage = self.storage();
        let homes = storage.taking_homes(blob.digest.point()).into_iter();
        homes.take(wanted_homes(&storage, blob).count()).cloned().collect()
    }
}

/// Whether the blob lies in exactly its homes, beside buckets that keep what they have, or will be brought there from where its
/// upload put it.
pub(super) fn is_home(storage: &ShardedDriver, blob: &BlobRecord) -> bool {
    let moving = blob.places().map(|place| &place.bucket).filter(|bucket| !storage.keeps(bucket));
    blob.place.path.digest().is_none() || moving.eq(wanted_homes(storage, blob))
}

/// As many homes of the blob as shall hold it beside the buckets that keep what they have of it.
fn wanted_homes<'a>(storage: &'a ShardedDriver, blob: &BlobRecord) -> impl Iterator<Item = &'a BucketId> + use<'a> {
    let stays = |place: &&Place| place.path.digest().is_some() && storage.keeps(&place.bucket);
    let staying = blob.places().filter(stays).count();
    let homes = storage.homes(blob.digest.point());
    let wanted = homes.len().saturating_sub(staying);
    homes.into_iter().take(wanted)
}
