//! How far the newest topology is carried out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::metadata::{Pass, Sector, Tally, Task};
use crate::registry::{Registry, Result};
use crate::storage::Epoch;

/// The most work that is looked at.
const MOST: usize = 10_000;

/// All sectors, in percent of one.
const ALL: u32 = 100 * Sector::COUNT as u32;

/// How far the newest topology is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingStatus {
    /// The topology's number.
    pub epoch: Epoch,
    /// Each sixteenth of all blobs.
    pub sectors: Vec<SectorStatus>,
    /// What that came to so far.
    #[serde(flatten)]
    pub tally: Tally,
    /// How many blobs wait to be brought home: because they were handed to another bucket, or could not be moved.
    pub waiting: u64,
    /// Whether all blobs were looked at.
    pub is_carried_out: bool,
    /// Whether nothing is placed by an older topology any more.
    pub is_alone: bool,
    /// When that can be, at the earliest.
    pub alone_from: Timestamp,
    /// How much longer it will take to look at all blobs, by how long it took so far.
    pub remaining: Option<Duration>,
}

/// A sixteenth of all blobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectorStatus {
    /// Which.
    pub sector: String,
    /// What part of it was looked at, in percent.
    pub percent: u8,
}

impl RingStatus {
    /// What part of all blobs was looked at, in percent.
    #[must_use]
    pub fn percent(&self) -> u32 {
        self.sectors.iter().map(|sector| u32::from(sector.percent)).sum::<u32>() * 100 / ALL
    }
}

impl Registry {
    /// How far the newest topology is carried out.
    pub async fn ring_status(&self) -> Result<RingStatus> {
        self.catch_up().await?;
        let (storage, now) = (self.storage(), Timestamp::now());
        let topology = storage.topology();
        let passes = self.metadata.passes().await?;
        let current = || passes.iter().filter(|pass| pass.epoch == topology.epoch);
        let work = self.metadata.due_work(Timestamp::from_millis(u64::MAX), MOST).await?;
        let sectors: Vec<_> = Sector::all()
            .map(|sector| SectorStatus {
                sector: sector.to_string(),
                percent: current().find(|pass| pass.sector == sector).map_or(0, percent),
            })
            .collect();
        let is_first = topology.is_first();
        let is_complete = |is: &dyn Fn(&Pass) -> bool| {
            is_first || current().filter(|pass| is(pass)).count() == usize::from(Sector::COUNT)
        };
        let mut tally = Tally::default();
        current().for_each(|pass| tally += pass.tally);
        let done: u32 = sectors.iter().map(|sector| u32::from(sector.percent)).sum();
        let began = current().map(|pass| pass.started).min();
        let is_carried_out = is_complete(&|pass| pass.finished.is_some());
        let remaining = began
            .filter(|_| done > 0 && !is_carried_out)
            .map(|began| now.since(began).mul_f64(f64::from(ALL - done) / f64::from(done)));
        Ok(RingStatus {
            epoch: topology.epoch,
            tally,
            waiting: work.iter().filter(|work| matches!(work.task, Task::House { .. })).count() as u64,
            is_carried_out,
            is_alone: is_complete(&|pass| pass.is_last(topology)),
            alone_from: topology.binds_all(),
            remaining,
            sectors,
        })
    }
}

/// How much of its sector a pass has looked at: digests are evenly spread.
fn percent(pass: &Pass) -> u8 {
    match (&pass.finished, &pass.after) {
        (Some(_), _) => 100,
        (None, None) => 0,
        (None, Some(after)) => {
            let within = u64::from(after.point() << 4);
            u8::try_from((within * 100) >> u32::BITS).unwrap_or(100)
        }
    }
}
