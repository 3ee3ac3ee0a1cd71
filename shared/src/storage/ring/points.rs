//! Where buckets stand on the circle, and how much of it they cover.

use sha2::{Digest, Sha256};

use crate::storage::topology::Bucket;

/// One stand of a bucket. In order around the circle; those at one place in the order of their homes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    /// How far around the circle.
    pub(super) place: u32,
    /// Whose it is, as a number in the order of ids.
    pub(super) home: u32,
}

/// The `weight × vnodes` points of a bucket, in the order of their index.
///
/// A point is the first 32 bits, big-endian, of SHA-256 over the bytes
///
/// ```text
/// id (ASCII) ‖ 0x00 ‖ salt (4 bytes, big-endian) ‖ index (4 bytes, big-endian, from 0)
/// ```
///
/// An id has no zero byte, so no two triples have the same bytes. These bytes are pinned for ever: to change them is to
/// lose every blob that no row points to.
pub(super) fn points_of(bucket: &Bucket, salt: u32, vnodes: u32, home: u32) -> impl Iterator<Item = Point> + use<> {
    let prefix = Sha256::new().chain_update(bucket.id.as_str()).chain_update([0]).chain_update(salt.to_be_bytes());
    (0..bucket.weight.saturating_mul(vnodes)).map(move |index| {
        let hash = prefix.clone().chain_update(index.to_be_bytes()).finalize();
        Point { place: u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]), home }
    })
}

/// How many places of the circle belong to each of `homes` buckets, given all their points in order. A point covers the
/// places after the point before it, up to and with its own; of several at one place only the first covers any.
pub(super) fn arcs(points: &[Point], homes: usize) -> Vec<u64> {
    let mut arcs = vec![0; homes];
    // The first point also covers what lies past the last one, hence begins a whole turn before it.
    let mut before = points.last().map_or(0, |last| i64::from(last.place) - (1 << u32::BITS));
    for point in points {
        let place = i64::from(point.place);
        arcs[point.home as usize] += place.abs_diff(before);
        before = place;
    }
    arcs
}
