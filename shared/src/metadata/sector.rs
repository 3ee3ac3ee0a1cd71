//! All blobs in sixteen parts, so that background work can go through them in pages, and several processes at once.

use std::fmt;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::oci::Digest;
use crate::storage::Epoch;

/// The blobs whose digests begin with the same hex digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sector(u8);

impl Sector {
    /// How many there are.
    pub const COUNT: u8 = 16;

    /// Each of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// The one that a blob is on.
    #[must_use]
    pub fn of(digest: &Digest) -> Self {
        Self(u8::try_from(digest.point() >> (u32::BITS - 4)).unwrap_or_default())
    }
}

impl fmt::Display for Sector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:x}", self.0)
    }
}

/// What looking at blobs came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// How many blobs were looked at.
    pub seen: u64,
    /// How many were moved or copied.
    pub moved: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many could not be, and are left to work of their own.
    pub failed: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.seen += other.seen;
        self.moved += other.moved;
        self.bytes += other.bytes;
        self.failed += other.failed;
    }
}

/// How far a sector's blobs have been brought to where a topology wants them. One process at a time is at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Which blobs.
    pub sector: Sector,
    /// Which topology.
    pub epoch: Epoch,
    /// When the pass began.
    pub started: Timestamp,
    /// The last blob that was looked at; none before the first.
    pub after: Option<Digest>,
    /// What it came to so far.
    #[serde(flatten)]
    pub tally: Tally,
    /// When all were looked at.
    pub finished: Option<Timestamp>,
    /// Until when a process is at it; it says so again and again.
    pub held: Timestamp,
    /// Differs after every change.
    pub version: u64,
}

impl Pass {
    /// A pass that begins now.
    #[must_use]
    pub fn begin(sector: Sector, epoch: Epoch, now: Timestamp, version: u64) -> Self {
        let (held, started) = (now, now);
        Self { sector, epoch, started, after: None, tally: Tally::default(), finished: None, held, version }
    }
}
