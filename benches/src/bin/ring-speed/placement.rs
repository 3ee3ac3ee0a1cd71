//! Ways to say which bucket is home to a point, so that all of them can be asked the same.

use std::collections::BTreeMap;

use shared::oci::{Algorithm, Digest};
use shared::storage::{Bucket, BucketId, HashRing, Topology};

/// A way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Our ring.
    Ours,
    /// Our ring, had no bucket chosen its salt.
    Unsalted,
    /// A ring on which a bucket stands at one point only.
    OnePoint,
    /// The remainder of the point, divided by the number of buckets.
    Modulo,
    /// Rendezvous hashing: the bucket that scores highest for the point.
    Rendezvous,
}

impl Way {
    pub(crate) const ALL: [Self; 5] = [Self::Ours, Self::Unsalted, Self::OnePoint, Self::Modulo, Self::Rendezvous];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "our ring",
            Self::Unsalted => "ring without salts",
            Self::OnePoint => "ring, one point each",
            Self::Modulo => "modulo",
            Self::Rendezvous => "rendezvous",
        }
    }
}

/// A way over certain buckets, each of which is called by its number.
pub(crate) enum Placement {
    Ring { ring: HashRing, numbers: BTreeMap<BucketId, usize> },
    Modulo(Vec<usize>),
    Rendezvous(Vec<(u64, usize)>),
}

impl Placement {
    /// The way over those of all buckets that have these numbers.
    pub(crate) fn of(way: Way, all: &Topology, members: &[usize]) -> Self {
        match way {
            Way::Ours => Self::ring(all, members, all.vnodes, |salt| salt),
            Way::Unsalted => Self::ring(all, members, all.vnodes, |_| 0),
            Way::OnePoint => Self::ring(all, members, 1, |_| 0),
            Way::Modulo => Self::Modulo(members.to_vec()),
            Way::Rendezvous => {
                let seed = |number: &usize| scrambled(u64::from(point_of(all.buckets[*number].id.as_str().as_bytes())));
                Self::Rendezvous(members.iter().map(|number| (seed(number), *number)).collect())
            }
        }
    }

    /// A ring of these buckets, with so many points and another salt each.
    pub(crate) fn ring(all: &Topology, members: &[usize], vnodes: u32, salted: impl Fn(u32) -> u32) -> Self {
        let bucket = |number: &usize| {
            let bucket = &all.buckets[*number];
            Bucket { salt: salted(bucket.salt), ..bucket.clone() }
        };
        let topology = Topology { vnodes, buckets: members.iter().map(bucket).collect(), ..all.clone() };
        let numbers = members.iter().map(|number| (all.buckets[*number].id.clone(), *number)).collect();
        Self::Ring { ring: HashRing::new(&topology).expect("a valid topology"), numbers }
    }

    /// The number of the bucket that is home to this point.
    pub(crate) fn home(&self, point: u32) -> usize {
        match self {
            Self::Ring { ring, numbers } => numbers[ring.home(point)],
            Self::Modulo(members) => members[point as usize % members.len()],
            Self::Rendezvous(members) => highest(members, point),
        }
    }

    /// The exact shares of the buckets of a ring; none for other ways.
    pub(crate) fn shares(&self) -> Option<Vec<f64>> {
        match self {
            Self::Ring { ring, .. } => Some(ring.shares().into_values().collect()),
            Self::Modulo(_) | Self::Rendezvous(_) => None,
        }
    }

    /// The numbers of the homes of all these points.
    pub(crate) fn homes(&self, points: &[u32]) -> Vec<usize> {
        points.iter().map(|point| self.home(*point)).collect()
    }
}

/// The bucket whose seed, scrambled with the point, comes out highest.
fn highest(members: &[(u64, usize)], point: u32) -> usize {
    let score = |(seed, _): &&(u64, usize)| scrambled(seed ^ u64::from(point));
    members.iter().max_by_key(score).map_or(0, |(_, number)| *number)
}

/// The finishing steps of the generator `SplitMix64`: each bit of the result hangs on every bit of the value.
fn scrambled(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// So many equal buckets, which have joined one after the other.
pub(crate) fn buckets(count: usize) -> Topology {
    let bucket = |number: usize| {
        let name = format!("bucket-{number}");
        (name.parse().expect("a name"), format!("memory:{name}").parse().expect("a URL"))
    };
    Topology::first((0..count).map(bucket)).expect("a valid topology")
}

/// The points of the digests of so many different blobs.
pub(crate) fn points(count: u64) -> Vec<u32> {
    (0..count).map(|number| point_of(&number.to_be_bytes())).collect()
}

fn point_of(bytes: &[u8]) -> u32 {
    Digest::of(Algorithm::Sha256, bytes).point()
}
