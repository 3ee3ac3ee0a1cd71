//! Reading every copy of every blob, and mending what can be.

use std::collections::BTreeSet;

use super::{Damage, Finding, Remedy, Scrubbing};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::metadata::{BlobRecord, Place, Rehousing, Sector, Work};
use crate::oci::Digest;
use crate::registry::prove::hash;
use crate::registry::{Error, Registry, Result};
use crate::storage::{self, BucketId, ObjectPath, Version};

/// A copy that is not what it should be.
struct Bad {
    place: Place,
    damage: Damage,
    /// The version that was looked at; none where nothing is.
    judged: Option<Version>,
}

impl Scrubbing<'_> {
    pub(super) async fn blobs(&mut self) -> Result<()> {
        for sector in Sector::all() {
            let mut blobs = self.registry.blobs_of(sector);
            while let Some(blob) = blobs.next().await? {
                if within_sector(&blob.digest) < self.wanted.sample {
                    // A scrub may take longer than a topology.
                    self.registry.keep_up().await;
                    self.blob(&blob).await;
                }
                if self.scrubbed.stopped_at.is_some() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn blob(&mut self, blob: &BlobRecord) {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for place in blob.places() {
            if self.registry.storage().is_down(&place.bucket) {
                bad.push(Bad { place: place.clone(), damage: Damage::Missing, judged: None });
                continue;
            }
            match self.registry.examine(blob, place).await {
                None => good.push(place.clone()),
                Some(found) => bad.push(found),
            }
            self.scrubbed.bytes += blob.size;
            self.pace.keep(blob.size).await;
        }
        self.scrubbed.blobs += 1;
        if bad.is_empty() {
            return;
        }
        let remedy = match self.remedy(blob, &good, &bad).await {
            Ok(Some(remedy)) => remedy,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(digest = %blob.digest, error = %Causes(&error), "a blob was not mended");
                Remedy::None
            }
        };
        let finding = |Bad { place, damage, .. }: Bad| {
            tracing::warn!(digest = %blob.digest, bucket = %place.bucket, ?damage, ?remedy, "a blob is damaged");
            Finding { digest: blob.digest.clone(), bucket: place.bucket, damage, remedy }
        };
        self.scrubbed.findings.extend(bad.into_iter().map(finding));
    }

    /// What is done about it; none when the blob was moved or deleted while it was read: then it will be read another time.
    async fn remedy(&mut self, blob: &BlobRecord, good: &[Place], bad: &[Bad]) -> Result<Option<Remedy>> {
        if self.registry.metadata.blob(&blob.digest).await?.as_ref() != Some(blob) {
            return Ok(None);
        }
        let is_known = bad.iter().all(|bad| bad.damage != Damage::Unreadable);
        let remedy = match (self.wanted.repair && is_known, good.first()) {
            (false, _) => Remedy::None,
            (true, Some(source)) => self.registry.mend(blob, source, good, bad).await?,
            (true, None) => self.lose(blob, bad).await?,
        };
        Ok(Some(remedy))
    }

    /// Takes a blob out of sight that nothing is left of.
    async fn lose(&mut self, blob: &BlobRecord, bad: &[Bad]) -> Result<Remedy> {
        if self.lost >= self.wanted.max_lost {
            self.scrubbed.stopped_at = Some(self.wanted.max_lost);
            return Ok(Remedy::None);
        }
        if !self.registry.metadata.lose_blob(blob).await? {
            return Ok(Remedy::None);
        }
        self.lost += 1;
        for Bad { place, judged, .. } in bad {
            let Some(judged) = judged else { continue };
            let moved = self.registry.move_aside(&blob.digest, (&place.bucket, &place.path), judged).await;
            if let Err(error) = moved {
                tracing::warn!(digest = %blob.digest, bucket = %place.bucket, error = %Causes(&error), "a lost blob's object stays");
            }
        }
        Ok(Remedy::Lost)
    }
}

impl Registry {
    /// What is wrong with the object at one of the blob's places.
    async fn examine(&self, blob: &BlobRecord, place: &Place) -> Option<Bad> {
        let bad = |damage, judged| Some(Bad { place: place.clone(), damage, judged });
        match self.judge(blob, place).await {
            Ok((None, _)) => None,
            Ok((Some(damage), judged)) => bad(damage, Some(judged)),
            Err(Error::Storage(storage::Error::NotFound(_))) if self.is_there(&place.bucket).await => {
                bad(Damage::Missing, None)
            }
            Err(error) => {
                tracing::warn!(digest = %blob.digest, bucket = %place.bucket, error = %Causes(&error), "a blob cannot be read");
                bad(Damage::Unreadable, None)
            }
        }
    }

    async fn judge(&self, blob: &BlobRecord, place: &Place) -> Result<(Option<Damage>, Version)> {
        let driver = self.bucket(&place.bucket).await?;
        let stat = driver.stat(&place.path).await?;
        let damage = if stat.size != blob.size {
            Some(Damage::WrongSize)
        } else if hash(&*driver, &place.path, &blob.digest).await? != blob.digest {
            Some(Damage::Corrupt)
        } else {
            None
        };
        Ok((damage, stat.version))
    }

    /// Whether the bucket is the one it should be, as far as can be seen: something of ours lies in it. What answers at a
    /// wrong address has none of the blobs, and says so of each.
    async fn is_there(&self, id: &BucketId) -> bool {
        let looked = async {
            let driver = self.bucket(id).await?;
            match driver.stat(&ObjectPath::probe()).await {
                Ok(_) => Ok(true),
                Err(storage::Error::NotFound(_)) => {
                    Ok(!driver.list(&ObjectPath::all_homes(), None, 1).await?.is_empty())
                }
                Err(error) => Err(Error::from(error)),
            }
        };
        looked.await.unwrap_or(false)
    }

    /// Copies what is good over what is not. A bucket that is down loses its place: what it had is brought to another.
    async fn mend(&self, blob: &BlobRecord, source: &Place, good: &[Place], bad: &[Bad]) -> Result<Remedy> {
        let (mut places, mut works) = (good.to_vec(), Vec::new());
        for Bad { place, judged, .. } in bad {
            if judged.is_some() {
                self.copy_aside(&place.bucket, &place.path).await?;
            }
            // A stage need not be mended.
            if place.path.digest().is_some() && !self.storage().is_down(&place.bucket) {
                let copy = self.copy_of(source, &place.bucket, &place.path, &blob.digest).await?;
                works.extend(self.overwritten(place, judged.as_ref(), &copy.version).await?);
                places.push(copy);
            }
        }
        // In the order that they had.
        let order = |place: &Place| blob.places().position(|old| old.lies_at(&place.bucket, &place.path));
        places.sort_by_key(order);
        let is_short = places.len() < blob.places().count();
        works.extend(is_short.then(|| Work::house(&blob.digest, Timestamp::now())));
        let rehousing = Rehousing { found: blob.clone(), places, held: None, works };
        let is_mended = self.metadata.rehouse_blob(&rehousing).await?;
        if is_mended && is_short {
            self.work_made.notify_one();
        }
        Ok(if is_mended { Remedy::Repaired } else { Remedy::None })
    }

    /// The work that is left of what a copy was written over, as it was looked at and as the row knew it, where it stays.
    async fn overwritten(&self, place: &Place, judged: Option<&Version>, by: &Version) -> Result<Vec<Work>> {
        if !self.bucket(&place.bucket).await?.keeps_overwritten(by) {
            return Ok(Vec::new());
        }
        let versions: BTreeSet<_> = judged.into_iter().chain([&place.version]).collect();
        let of = |version: &Version| Place { version: version.clone(), ..place.clone() };
        let places: Vec<_> = versions.into_iter().map(of).collect();
        Ok(self.discards(places.iter()))
    }
}

/// How far into its sector a blob lies, from 0 to 1.
fn within_sector(digest: &Digest) -> f64 {
    f64::from(digest.point() << 4) / f64::from(u32::MAX)
}
