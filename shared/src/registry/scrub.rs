//! Reading everything and comparing it with its digest: what is found damaged is repaired from another copy, and what cannot
//! be is taken out of sight, so that a push brings it back and nobody is served anything else. Nothing is removed: damaged
//! objects, and those that no row names, are moved aside.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::time::Duration;

use super::pace::Pace;
use super::prove::hash;
use super::{Error, Registry, Result};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::metadata::{BlobRecord, Place, Rehousing, Sector, Task};
use crate::oci::Digest;
use crate::storage::{BucketId, ObjectPath, Objects};
use serde::{Deserialize, Serialize};

/// The most pending work that is known: what is about to be removed is no orphan.
const MOST_WORK: usize = 100_000;

/// How to scrub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scrub {
    /// Whether what is found is repaired, too.
    pub repair: bool,
    /// What part of all blobs is read, from 0 to 1: those at the beginning of each sixteenth of the circle.
    pub sample: f64,
    /// How many bytes a second are read at most.
    pub rate: Option<NonZeroU64>,
    /// An object that no row names is an orphan when it is older than this: a younger one may be on its way.
    pub orphans_after: Duration,
}

impl Default for Scrub {
    fn default() -> Self {
        Self { repair: false, sample: 1.0, rate: None, orphans_after: Duration::from_hours(24) }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scrubbed {
    /// How many blobs were read, in all their places.
    pub blobs: u64,
    /// How many bytes they have, in all their places.
    pub bytes: u64,
    /// Everything that is not as it should be.
    pub findings: Vec<Finding>,
    /// How many buckets could not be listed.
    pub unlisted: u64,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which blob.
    pub digest: Digest,
    /// In which bucket.
    pub bucket: BucketId,
    /// What is wrong.
    pub damage: Damage,
    /// What was done about it.
    pub remedy: Remedy,
}

/// What can be wrong with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// Its bytes are others.
    Corrupt,
    /// It has more or fewer bytes.
    WrongSize,
    /// It is not there.
    Missing,
    /// It cannot be read now.
    Unreadable,
    /// No row names it.
    Orphan,
}

/// What was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Nothing.
    None,
    /// It was copied from another place.
    Repaired,
    /// It was moved aside: nothing needs it.
    MovedAside,
    /// The blob is lost, and is no longer there to be seen: pushing it again brings it back.
    Lost,
}

impl Registry {
    /// Reads all blobs, or a sample of them, and looks for objects that no row names.
    pub async fn scrub(&self, wanted: &Scrub) -> Result<Scrubbed> {
        self.catch_up().await?;
        let mut scrubbed = Scrubbed::default();
        let mut pace = Pace::of(wanted.rate);
        for sector in Sector::all() {
            self.scrub_sector(sector, wanted, &mut pace, &mut scrubbed).await?;
        }
        let going = self.going().await?;
        for bucket in self.storage().topology().buckets.clone() {
            if let Err(error) = self.scrub_bucket(&bucket.id, wanted, &going, &mut scrubbed).await {
                tracing::warn!(bucket = %bucket.id, error = %Causes(&error), "a bucket could not be listed");
                scrubbed.unlisted += 1;
            }
        }
        Ok(scrubbed)
    }

    async fn scrub_sector(
        &self,
        sector: Sector,
        wanted: &Scrub,
        pace: &mut Pace,
        scrubbed: &mut Scrubbed,
    ) -> Result<()> {
        let mut blobs = self.blobs_of(sector);
        while let Some(blob) = blobs.next().await? {
            if within_sector(&blob.digest) >= wanted.sample {
                break;
            }
            self.scrub_blob(&blob, wanted.repair, pace, scrubbed).await?;
        }
        Ok(())
    }

    async fn scrub_blob(
        &self,
        blob: &BlobRecord,
        repair: bool,
        pace: &mut Pace,
        scrubbed: &mut Scrubbed,
    ) -> Result<()> {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for place in blob.places() {
            match self.examine(blob, place).await {
                None => good.push(place.clone()),
                Some(damage) => bad.push((place.clone(), damage)),
            }
            scrubbed.bytes += blob.size;
            pace.keep(blob.size).await;
        }
        scrubbed.blobs += 1;
        // It may have been moved or deleted while it was read: then it will be read another time.
        if bad.is_empty() || self.metadata.blob(&blob.digest).await?.as_ref() != Some(blob) {
            return Ok(());
        }
        let is_known = bad.iter().all(|(_, damage)| *damage != Damage::Unreadable);
        let remedy = match (repair && is_known, good.is_empty()) {
            (false, _) => Remedy::None,
            (true, false) => self.mend(blob, &good, &bad).await?,
            (true, true) => self.lose(blob, &bad).await?,
        };
        let finding = |(place, damage): (Place, Damage)| {
            tracing::warn!(digest = %blob.digest, bucket = %place.bucket, ?damage, ?remedy, "a blob is damaged");
            Finding { digest: blob.digest.clone(), bucket: place.bucket, damage, remedy }
        };
        scrubbed.findings.extend(bad.into_iter().map(finding));
        Ok(())
    }

    /// What is wrong with the object at one of the blob's places.
    async fn examine(&self, blob: &BlobRecord, place: &Place) -> Option<Damage> {
        let examined = async {
            let driver = self.bucket(&place.bucket).await?;
            let stat = driver.stat(&place.path).await?;
            if stat.size != blob.size {
                return Ok(Some(Damage::WrongSize));
            }
            let is_it = hash(&*driver, &place.path, &blob.digest).await? == blob.digest;
            Ok(if is_it { None } else { Some(Damage::Corrupt) })
        };
        match examined.await {
            Ok(damage) => damage,
            Err(Error::Storage(error)) if error.may_mean_absent() => Some(Damage::Missing),
            Err(error) => {
                tracing::warn!(digest = %blob.digest, bucket = %place.bucket, error = %Causes(&error), "a blob cannot be read");
                Some(Damage::Unreadable)
            }
        }
    }

    /// Copies what is good over what is not.
    async fn mend(&self, blob: &BlobRecord, good: &[Place], bad: &[(Place, Damage)]) -> Result<Remedy> {
        let mut places = good.to_vec();
        for (place, damage) in bad {
            self.move_aside(&place.bucket, &place.path, *damage).await?;
            // A stage need not be mended.
            if place.path.digest().is_some() {
                places.push(self.copy_of(&good[0], &place.bucket, &place.path, &blob.digest).await?);
            }
        }
        // In the order that they had.
        let order = |place: &Place| blob.places().position(|old| old.bucket == place.bucket && old.path == place.path);
        places.sort_by_key(order);
        let rehousing = Rehousing { found: blob.clone(), places, held: None, works: Vec::new() };
        Ok(if self.metadata.rehouse_blob(&rehousing).await? { Remedy::Repaired } else { Remedy::None })
    }

    /// Takes a blob out of sight that nothing is left of.
    async fn lose(&self, blob: &BlobRecord, bad: &[(Place, Damage)]) -> Result<Remedy> {
        if !self.metadata.lose_blob(blob).await? {
            return Ok(Remedy::None);
        }
        for (place, damage) in bad {
            self.move_aside(&place.bucket, &place.path, *damage).await?;
        }
        Ok(Remedy::Lost)
    }

    async fn move_aside(&self, bucket: &BucketId, path: &ObjectPath, damage: Damage) -> Result<()> {
        if damage == Damage::Missing {
            return Ok(());
        }
        let driver = self.bucket(bucket).await?;
        driver.move_content(path, &path.aside(Timestamp::now().as_millis())).await?;
        Ok(())
    }

    /// What is about to be removed by work of its own.
    async fn going(&self) -> Result<BTreeSet<(BucketId, ObjectPath)>> {
        let pending = self.metadata.due_work(Timestamp::from_millis(u64::MAX), MOST_WORK).await?;
        let places = pending.into_iter().filter_map(|work| match work.task {
            Task::Discard { place } => Some((place.bucket, place.path)),
            Task::Settle { .. } | Task::House { .. } | Task::Verify(_) => None,
        });
        Ok(places.collect())
    }

    /// Looks for objects at homes that no row names.
    async fn scrub_bucket(
        &self,
        id: &BucketId,
        wanted: &Scrub,
        going: &BTreeSet<(BucketId, ObjectPath)>,
        scrubbed: &mut Scrubbed,
    ) -> Result<()> {
        let (driver, before) = (self.bucket(id).await?, Timestamp::now().minus(wanted.orphans_after));
        let mut objects = Objects::below(&*driver, ObjectPath::all_homes());
        while let Some(entry) = objects.next().await? {
            let Some(digest) = entry.path.digest().filter(|_| entry.modified <= before) else { continue };
            if going.contains(&(id.clone(), entry.path.clone())) || self.is_named(&digest, id, &entry.path).await? {
                continue;
            }
            let (damage, mut remedy) = (Damage::Orphan, Remedy::None);
            if wanted.repair {
                self.move_aside(id, &entry.path, damage).await?;
                remedy = Remedy::MovedAside;
            }
            scrubbed.findings.push(Finding { digest, bucket: id.clone(), damage, remedy });
        }
        Ok(())
    }

    async fn is_named(&self, digest: &Digest, bucket: &BucketId, path: &ObjectPath) -> Result<bool> {
        let row = self.metadata.blob_in_any_state(digest).await?;
        Ok(row.is_some_and(|row| row.places().any(|place| place.bucket == *bucket && place.path == *path)))
    }
}

/// How far into its sector a blob lies, from 0 to 1.
fn within_sector(digest: &Digest) -> f64 {
    f64::from(digest.point() << 4) / f64::from(u32::MAX)
}
