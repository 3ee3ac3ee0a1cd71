//! How far the newest topology is carried out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::metadata::{Pass, Sector, Task};
use crate::registry::{Registry, Result};
use crate::storage::Epoch;

/// The most work that is looked at.
const MOST: usize = 10_000;

/// How far the newest topology is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingStatus {
    /// The topology's number.
    pub epoch: Epoch,
    /// Each sixteenth of all blobs.
    pub sectors: Vec<SectorStatus>,
    /// How many blobs were looked at, moved, and could not be moved.
    pub seen: u64,
    /// How many were moved or copied.
    pub moved: u64,
    /// How many bytes they have.
    pub bytes: u64,
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
        let done: u32 = sectors.iter().map(|sector| u32::from(sector.percent)).sum();
        let began = current().map(|pass| pass.started).min();
        let is_carried_out = is_complete(&|pass| pass.finished.is_some());
        let remaining = began
            .filter(|_| done > 0 && !is_carried_out)
            .map(|began| now.since(began).mul_f64(f64::from(1600 - done) / f64::from(done)));
        Ok(RingStatus {
            epoch: topology.epoch,
            seen: current().map(|pass| pass.seen).sum(),
            moved: current().map(|pass| pass.moved).sum(),
            bytes: current().map(|pass| pass.bytes).sum(),
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
