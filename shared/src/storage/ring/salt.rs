//! The choice of a joining bucket's salt.
//!
//! A bucket's points lie at random, so that some buckets get more of the circle than others: with 512 points each, the
//! fullest of 16 has 8 % more than its due. A few tries at the joining bucket's points, of which the best is kept in the
//! topology, bring that down to about 2 %, and the ring stays a plain ring: nothing but the joining bucket's points is new.

use super::points::{Point, arcs, points_of};
use crate::storage::topology::{Bucket, BucketState};

/// How many salts are tried, from 0.
const TRIES: u32 = 64;

/// The salt under which the fullest bucket, measured against its weight, is the least full, when `joining` joins those of
/// `members` that are active; of equally good ones the smallest. A member of the same name is left out of account.
pub(in crate::storage) fn best_salt(members: &[Bucket], joining: &Bucket, vnodes: u32) -> u32 {
    let others = members.iter().filter(|bucket| bucket.state == BucketState::Active && bucket.id != joining.id);
    let mut homes: Vec<_> = others.chain([joining]).collect();
    homes.sort_by_key(|bucket| &bucket.id);
    let mut standing = Vec::new();
    let mut joining_home = 0;
    for (bucket, home) in homes.iter().zip(0..) {
        if bucket.id == joining.id {
            joining_home = home;
        } else {
            standing.extend(points_of(bucket, bucket.salt, vnodes, home));
        }
    }
    standing.sort_unstable();
    let fullest = |salt: &u32| {
        let points = merged(&standing, points_of(joining, *salt, vnodes, joining_home));
        let loads = arcs(&points, homes.len()).into_iter().zip(&homes).map(|(arc, home)| load(arc, home.weight));
        loads.max()
    };
    (0..TRIES).min_by_key(fullest).unwrap_or_default()
}

/// An arc per unit of weight, in fixed point: an arc has at most 2^32 places, so 31 bits are left for the fraction.
fn load(arc: u64, weight: u32) -> u64 {
    (arc << 31) / u64::from(weight.max(1))
}

fn merged(standing: &[Point], joining: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut points: Vec<_> = joining.collect();
    points.sort_unstable();
    points.extend(standing);
    // The stable sort finds the two sorted runs and merges them in one pass.
    points.sort();
    points
}
