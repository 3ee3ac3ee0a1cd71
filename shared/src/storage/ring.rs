//! The ring: which bucket is home to a point of a circle of 2^32. A blob's point is the first 32 bits of its digest.
//!
//! Placement is a promise about bytes that already lie somewhere: nothing here may change between releases in a way that
//! moves a point, and golden vectors see to that.

mod points;
mod salt;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use points::{Point, arcs, points_of};
pub(super) use salt::best_salt;

use super::topology::{BucketId, BucketState, Topology, TopologyError};

/// The circle of one topology, with the points of its active buckets.
///
/// It depends on the topology's members alone, never on their order. Two points that coincide are in the order of their
/// buckets' ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashRing {
    /// The homes, ascending.
    homes: Vec<BucketId>,
    /// Where they stand, ascending; never empty.
    points: Vec<Point>,
}

impl HashRing {
    /// The ring of a topology, which must be valid.
    pub fn new(topology: &Topology) -> Result<Self, TopologyError> {
        topology.validate()?;
        Ok(Self::of_valid(topology))
    }

    /// The ring of a topology that was found valid.
    pub(super) fn of_valid(topology: &Topology) -> Self {
        let mut active: Vec<_> = topology.buckets.iter().filter(|bucket| bucket.state == BucketState::Active).collect();
        active.sort_by_key(|bucket| &bucket.id);
        let points = active.iter().zip(0..);
        let mut points: Vec<_> =
            points.flat_map(|(bucket, home)| points_of(bucket, bucket.salt, topology.vnodes, home)).collect();
        points.sort_unstable();
        Self { homes: active.into_iter().map(|bucket| bucket.id.clone()).collect(), points }
    }

    /// The home of a point: the first active bucket at it or clockwise of it.
    #[must_use]
    pub fn home(&self, point: u32) -> &BucketId {
        self.owner(self.first_at(point))
    }

    /// Every active bucket once, in the order in which they come clockwise from the point, home first. The replicas of a
    /// blob are as many as the topology has `replicas`, from the front.
    pub fn walk(&self, point: u32) -> impl Iterator<Item = &BucketId> {
        let first = self.first_at(point);
        let mut seen = vec![false; self.homes.len()];
        (first..first + self.points.len())
            .map(|place| self.points[place % self.points.len()].home as usize)
            .filter(move |home| !std::mem::replace(&mut seen[*home], true))
            .map(|home| &self.homes[home])
            .take(self.homes.len())
    }

    /// What part of the circle each active bucket is home to, exactly. They add up to 1.
    #[must_use]
    pub fn shares(&self) -> BTreeMap<BucketId, f64> {
        let arcs = arcs(&self.points, self.homes.len());
        #[expect(clippy::cast_precision_loss, reason = "an arc is at most 2^32, which a double holds exactly")]
        let share = |arc: u64| arc as f64 / (1_u64 << u32::BITS) as f64;
        self.homes.iter().cloned().zip(arcs.into_iter().map(share)).collect()
    }

    /// Where its points stand, ascending.
    pub fn places(&self) -> impl Iterator<Item = u32> {
        self.points.iter().map(|point| point.place)
    }

    fn first_at(&self, point: u32) -> usize {
        self.points.partition_point(|stand| stand.place < point)
    }

    fn owner(&self, place: usize) -> &BucketId {
        &self.homes[self.points[place % self.points.len()].home as usize]
    }
}
