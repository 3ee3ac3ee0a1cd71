//! Reading everything and comparing it with its digest: what is found damaged is repaired from another copy, and what cannot
//! be is taken out of sight, so that a push brings it back and nobody is served anything else. Nothing is removed: damaged
//! objects, and those that no row names, are moved aside.

mod aside;
mod copies;
mod orphans;

use std::num::NonZeroU64;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::pace::Pace;
use super::{Registry, Result};
use crate::oci::Digest;
use crate::storage::BucketId;

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
    /// The most blobs that may be lost: when it would be more, it is likelier that a bucket is not the one it should be.
    pub max_lost: u64,
}

impl Default for Scrub {
    fn default() -> Self {
        Self { repair: false, sample: 1.0, rate: None, orphans_after: Duration::from_hours(24), max_lost: 10 }
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
    /// How many blobs might be lost, where the scrub stopped because it would have been more.
    pub stopped_at: Option<u64>,
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
    /// It is not there, though its bucket is; or its bucket is down, and given up with all that it had.
    Missing,
    /// It cannot be read now: nobody knows whether it is there.
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

/// A scrub under way.
struct Scrubbing<'a> {
    registry: &'a Registry,
    wanted: &'a Scrub,
    pace: Pace,
    scrubbed: Scrubbed,
    /// How many blobs were lost.
    lost: u64,
}

impl Registry {
    /// Reads all blobs, or a sample of them, and looks for objects that no row names. What cannot be examined or mended is
    /// found, and left as it is; it stops before more blobs are lost than may be.
    pub async fn scrub(&self, wanted: &Scrub) -> Result<Scrubbed> {
        self.catch_up().await?;
        let (pace, scrubbed) = (Pace::of(wanted.rate), Scrubbed::default());
        let mut scrubbing = Scrubbing { registry: self, wanted, pace, scrubbed, lost: 0 };
        scrubbing.blobs().await?;
        if scrubbing.scrubbed.stopped_at.is_none() {
            scrubbing.orphans().await?;
        }
        Ok(scrubbing.scrubbed)
    }
}
