//! What must hold of a topology before a ring is made of it.

use std::collections::BTreeMap;
use std::fmt;

use super::{BucketId, BucketState, Topology};

/// Everything that is wrong with a topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopologyError(Vec<TopologyProblem>);

impl TopologyError {
    /// The problems, at least one.
    #[must_use]
    pub fn problems(&self) -> &[TopologyProblem] {
        &self.0
    }
}

impl fmt::Display for TopologyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the topology is not valid")?;
        let separators = std::iter::once(": ").chain(std::iter::repeat("; "));
        separators.zip(&self.0).try_for_each(|(separator, problem)| write!(formatter, "{separator}{problem}"))
    }
}

impl std::error::Error for TopologyError {}

/// One thing that is wrong with a topology.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopologyProblem {
    /// Two buckets of one name.
    #[error("bucket {0} is there more than once")]
    SameId(BucketId),
    /// Two buckets in one place. The URL itself is not shown: it may carry a secret.
    #[error("buckets {first} and {second} have the same URL")]
    SameUrl {
        /// The one that comes first.
        first: BucketId,
        /// The other.
        second: BucketId,
    },
    /// A bucket without a share.
    #[error("bucket {0} has weight 0; a bucket leaves the ring by its state")]
    NoWeight(BucketId),
    /// A ring without points.
    #[error("there must be at least one point per unit of weight")]
    NoVnodes,
    /// A ring too large to be made at the start of a process.
    #[error("weights and vnodes ask for {0} points; a ring has at most {max}", max = Topology::MAX_POINTS)]
    TooManyPoints(u64),
    /// No replica, or more than there are buckets.
    #[error("{replicas} replicas cannot lie in {buckets} buckets")]
    Replicas {
        /// How many replicas are asked for.
        replicas: u8,
        /// How many buckets there are.
        buckets: usize,
    },
    /// Nowhere to put new bytes.
    #[error("no bucket is active")]
    NoneActive,
}

impl Topology {
    /// The most points that a ring has. A million take some megabytes and some tenths of a second to hash.
    pub const MAX_POINTS: u64 = 1 << 20;

    /// Checks that a ring can be made of this topology; the error has all the problems at once.
    ///
    /// There may be fewer active buckets than replicas, since a bucket that goes down must not make the topology invalid;
    /// blobs then have as many replicas as there are homes.
    pub fn validate(&self) -> Result<(), TopologyError> {
        let problems: Vec<_> = self.problems_of_buckets().into_iter().chain(self.problems_of_numbers()).collect();
        if problems.is_empty() { Ok(()) } else { Err(TopologyError(problems)) }
    }

    fn problems_of_buckets(&self) -> Vec<TopologyProblem> {
        let mut problems = Vec::new();
        let (mut ids, mut urls) = (BTreeMap::new(), BTreeMap::new());
        for bucket in &self.buckets {
            let times = ids.entry(&bucket.id).or_insert(0_u32);
            *times += 1;
            if *times == 2 {
                problems.push(TopologyProblem::SameId(bucket.id.clone()));
            }
            if let Some(first) = urls.insert(&bucket.url, &bucket.id) {
                let (first, second) = (first.clone(), bucket.id.clone());
                problems.push(TopologyProblem::SameUrl { first, second });
            }
            if bucket.weight == 0 {
                problems.push(TopologyProblem::NoWeight(bucket.id.clone()));
            }
        }
        problems
    }

    fn problems_of_numbers(&self) -> impl Iterator<Item = TopologyProblem> {
        let weights = self.buckets.iter().map(|bucket| u64::from(bucket.weight)).sum::<u64>();
        let points = weights.saturating_mul(u64::from(self.vnodes));
        let buckets = self.buckets.len();
        let replicas = 1 <= self.replicas && usize::from(self.replicas) <= buckets;
        let active = self.buckets.iter().any(|bucket| bucket.state == BucketState::Active);
        [
            (self.vnodes == 0).then_some(TopologyProblem::NoVnodes),
            (points > Self::MAX_POINTS).then_some(TopologyProblem::TooManyPoints(points)),
            (!replicas).then_some(TopologyProblem::Replicas { replicas: self.replicas, buckets }),
            (!active).then_some(TopologyProblem::NoneActive),
        ]
        .into_iter()
        .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bucket, Epoch};
    use super::*;
    use crate::clock::Timestamp;

    fn bucket(id: &str, url: &str) -> Bucket {
        let (id, url) = (id.parse().unwrap(), url.parse().unwrap());
        Bucket { id, url, weight: 1, salt: 0, state: BucketState::Active }
    }

    fn topology(buckets: Vec<Bucket>) -> Topology {
        Topology { epoch: Epoch(1), since: Timestamp::default(), vnodes: 8, replicas: 1, buckets }
    }

    fn id(text: &str) -> BucketId {
        text.parse().unwrap()
    }

    fn problems(topology: &Topology) -> Vec<TopologyProblem> {
        topology.validate().err().map_or_else(Vec::new, |error| error.problems().to_vec())
    }

    #[test]
    fn a_sound_topology_is_valid() {
        assert_eq!(topology(vec![bucket("a", "memory:a"), bucket("b", "memory:b")]).validate(), Ok(()));
    }

    #[test]
    fn all_problems_are_reported_together() {
        let mut broken = topology(vec![bucket("a", "memory:x"), bucket("b", "memory:x"), bucket("a", "memory:z")]);
        broken.buckets[1].weight = 0;
        (broken.vnodes, broken.replicas) = (0, 4);
        broken.buckets.iter_mut().for_each(|bucket| bucket.state = BucketState::ReadOnly);
        let error = broken.validate().unwrap_err();
        assert_eq!(
            error.problems(),
            [
                TopologyProblem::SameUrl { first: id("a"), second: id("b") },
                TopologyProblem::NoWeight(id("b")),
                TopologyProblem::SameId(id("a")),
                TopologyProblem::NoVnodes,
                TopologyProblem::Replicas { replicas: 4, buckets: 3 },
                TopologyProblem::NoneActive,
            ]
        );
        assert_eq!(
            error.to_string(),
            "the topology is not valid: buckets a and b have the same URL; bucket b has weight 0; a bucket leaves the \
             ring by its state; bucket a is there more than once; there must be at least one point per unit of weight; \
             4 replicas cannot lie in 3 buckets; no bucket is active"
        );
    }

    #[test]
    fn a_name_is_reported_once_however_often_it_repeats() {
        let thrice = ["memory:1", "memory:2", "memory:3"].map(|url| bucket("a", url));
        assert_eq!(problems(&topology(thrice.to_vec())), [TopologyProblem::SameId(id("a"))]);
    }

    #[test]
    fn there_is_at_least_one_replica() {
        let mut none = topology(vec![bucket("a", "memory:a")]);
        none.replicas = 0;
        assert_eq!(problems(&none), [TopologyProblem::Replicas { replicas: 0, buckets: 1 }]);
    }

    #[test]
    fn a_topology_without_buckets_is_not_valid() {
        let none = TopologyProblem::Replicas { replicas: 1, buckets: 0 };
        assert_eq!(problems(&topology(Vec::new())), [none, TopologyProblem::NoneActive]);
    }

    #[test]
    fn fewer_homes_than_replicas_are_valid_while_a_bucket_is_down() {
        let mut degraded = topology(vec![bucket("a", "memory:a"), bucket("b", "memory:b")]);
        degraded.replicas = 2;
        degraded.buckets[0].state = BucketState::Down;
        assert_eq!(degraded.validate(), Ok(()));
    }

    #[test]
    fn a_ring_has_no_more_points_than_a_process_can_make() {
        let mut heavy = topology(vec![bucket("a", "memory:a")]);
        (heavy.vnodes, heavy.buckets[0].weight) = (1 << 10, 1 << 10);
        assert_eq!(heavy.validate(), Ok(()));
        (heavy.vnodes, heavy.buckets[0].weight) = (u32::MAX, u32::MAX);
        assert_eq!(problems(&heavy), [TopologyProblem::TooManyPoints(u64::from(u32::MAX) * u64::from(u32::MAX))]);
    }
}
