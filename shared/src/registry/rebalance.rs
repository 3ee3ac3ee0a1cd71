//! Carrying out a topology: every blob is looked at, sector by sector, and brought to its homes. Any number of processes may be
//! at it; each may be killed at any moment, and whoever goes on does so from what was recorded last.
//!
//! A process may place blobs by an old topology as long as it has not read the new one, so a second pass is made when none can
//! any more: after it the old topology is history.

use futures::future::join_all;
use tokio::time::Instant;

use super::house::is_home;
use super::members::{HOLDS, LONGEST_REQUEST};
use super::pace::Pace;
use super::{Registry, Result};
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::metadata::{BlobRecord, Pass, Sector, Tally, Work};
use crate::oci::Digest;
use crate::storage::Topology;

/// How many blobs are looked at between two records of how far a pass has come.
const PAGE: usize = 200;
/// How many blobs are moved at once.
const TOGETHER: usize = 4;

/// What became of one blob.
enum Moved {
    /// It is where it should be, or on its way there already.
    Nothing,
    /// It was moved.
    Bytes(u64),
    /// Not all that should have been done could be.
    Failed,
}

impl Topology {
    /// When no process places blobs by an older topology any more.
    pub(super) fn binds_all(&self) -> Timestamp {
        self.since.plus(HOLDS + LONGEST_REQUEST)
    }
}

impl Pass {
    /// Whether the pass still has to be made, or made again.
    pub(super) fn is_due(&self, topology: &Topology, now: Timestamp) -> bool {
        let is_early = self.started < topology.binds_all() && now >= topology.binds_all();
        self.epoch != topology.epoch || self.finished.is_none() || is_early
    }

    /// Whether nothing is placed by an older topology any more.
    pub(super) fn is_last(&self, topology: &Topology) -> bool {
        self.epoch == topology.epoch && self.finished.is_some() && self.started >= topology.binds_all()
    }
}

impl Registry {
    /// Brings blobs to where the topology wants them until all are there, or until then.
    pub async fn rebalance(&self, until: Instant) -> Result<Tally> {
        let (mut rebalanced, mut pace) = (Tally::default(), Pace::of(self.terms.move_rate));
        self.keep_up().await;
        let topology = self.storage().topology().clone();
        if topology.is_first() {
            return Ok(rebalanced);
        }
        let passes = self.metadata.passes().await?;
        for sector in Sector::all() {
            let known = passes.iter().find(|pass| pass.sector == sector);
            let now = Timestamp::now();
            if known.is_some_and(|known| known.held > now || !known.is_due(&topology, now)) {
                continue;
            }
            if let Some(pass) = self.begin_pass(sector, known, &topology).await? {
                rebalanced += self.pass(pass, until, &mut pace).await?;
            }
            if Instant::now() >= until {
                break;
            }
        }
        Ok(rebalanced)
    }

    /// Waits until this process has changed the ring.
    pub async fn ring_was_changed(&self) {
        self.ring_changed.notified().await;
    }

    /// Takes a sector, to go on with its pass or to begin another; none when somebody else has it.
    async fn begin_pass(&self, sector: Sector, known: Option<&Pass>, topology: &Topology) -> Result<Option<Pass>> {
        let now = Timestamp::now();
        let version = known.map_or(0, |known| known.version) + 1;
        let pass = match known {
            Some(known) if known.epoch == topology.epoch && known.finished.is_none() => {
                Pass { version, ..known.clone() }
            }
            _ => Pass::begin(sector, topology.epoch, now, version),
        };
        let pass = Pass { held: now.plus(self.terms.work), ..pass };
        Ok(self.metadata.change_pass(known, &pass).await?.then_some(pass))
    }

    async fn pass(&self, mut pass: Pass, until: Instant, pace: &mut Pace) -> Result<Tally> {
        let mut all = Tally::default();
        loop {
            let blobs = self.metadata.blobs(pass.sector, pass.after.as_ref(), PAGE).await?;
            let before = pass.clone();
            let (tally, is_whole) = self.move_all(&blobs, until, &mut pass.after, pace).await;
            all += tally;
            pass.tally += tally;
            let is_over = is_whole && blobs.len() < PAGE;
            let now = Timestamp::now();
            pass.finished = is_over.then_some(now);
            pass.held = if is_over || !is_whole { now } else { now.plus(self.terms.work) };
            pass.version += 1;
            let is_ours = self.metadata.change_pass(Some(&before), &pass).await?;
            if is_over || !is_whole || !is_ours {
                return Ok(all);
            }
        }
    }

    /// What the blobs came to, and whether all were looked at; `after` is the last of the blobs that were.
    async fn move_all(
        &self,
        blobs: &[BlobRecord],
        until: Instant,
        after: &mut Option<Digest>,
        pace: &mut Pace,
    ) -> (Tally, bool) {
        let mut tally = Tally::default();
        for few in blobs.chunks(TOGETHER) {
            if Instant::now() >= until {
                return (tally, false);
            }
            let bytes = tally.bytes;
            for moved in join_all(few.iter().map(|blob| self.move_blob(blob))).await {
                tally.seen += 1;
                match moved {
                    Moved::Nothing => {}
                    Moved::Bytes(bytes) => (tally.moved, tally.bytes) = (tally.moved + 1, tally.bytes + bytes),
                    Moved::Failed => tally.failed += 1,
                }
            }
            *after = few.last().map(|blob| blob.digest.clone());
            pace.keep(tally.bytes - bytes).await;
        }
        (tally, true)
    }

    async fn move_blob(&self, found: &BlobRecord) -> Moved {
        match self.try_move(found).await {
            Ok(moved) => moved,
            Err(error) => {
                tracing::warn!(digest = %found.digest, error = %Causes(&error), "a blob was not moved");
                Moved::Failed
            }
        }
    }

    async fn try_move(&self, found: &BlobRecord) -> Result<Moved> {
        // What is staged is the settler's, who goes by the same ring.
        if is_home(&self.storage(), found) {
            return Ok(Moved::Nothing);
        }
        let housed = self.house(found, &self.wanted_homes(found)).await;
        let is_complete = housed.as_ref().is_ok_and(|housing| housing.is_complete);
        if !is_complete {
            // Tried again, and again, by itself: the pass goes on.
            self.metadata.put_work(&self.put_off(&Work::house(&found.digest, Timestamp::now()))).await?;
        }
        let housing = housed?;
        let works = self.discards(housing.left.iter());
        let is_changed = !found.places().eq(&housing.places);
        if is_changed && !self.record(found, &housing, None, works).await? {
            // Somebody else has changed it, by the ring as it is now or as it was: another look will tell.
            self.metadata.put_work(&Work::house(&found.digest, Timestamp::now())).await?;
            return Ok(Moved::Nothing);
        }
        Ok(if is_complete { Moved::Bytes(found.size * housing.made.len() as u64) } else { Moved::Failed })
    }
}
