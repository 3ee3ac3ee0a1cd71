//! How an object too large for one copy is cut into ranges.

use super::plan::{LARGEST_PART, MOST_PARTS};

const MIB: u64 = 1024 * 1024;
const SMALLEST: u64 = 64 * MIB;
const USUAL: u64 = 128 * MIB;
/// Ranges are small as long as there are at most so many of them.
const FEW: u64 = 1000;

/// A range of the source, both ends included, and the part that it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CopyRange {
    pub(super) number: u32,
    pub(super) first: u64,
    pub(super) last: u64,
}

impl CopyRange {
    pub(super) fn size(self) -> u64 {
        self.last - self.first + 1
    }
}

/// The ranges that cover an object of `size` bytes: of 64 to 128 MiB, and larger only where there would be more than
/// 10,000 of them. None when the object is larger than S3's parts can be.
pub(super) fn copy_ranges(size: u64) -> Option<impl Iterator<Item = CopyRange>> {
    let least = size.div_ceil(u64::from(MOST_PARTS)).next_multiple_of(MIB).min(LARGEST_PART);
    let step = size.div_ceil(FEW).clamp(SMALLEST, USUAL).max(least);
    (size <= step * u64::from(MOST_PARTS)).then(|| {
        (1..=MOST_PARTS).zip(0..size.div_ceil(step)).map(move |(number, index)| {
            let first = index * step;
            CopyRange { number, first, last: (first + step).min(size) - 1 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::plan::LEAST_PART;
    use super::*;

    const GIB: u64 = 1024 * MIB;

    fn ranges(size: u64) -> Vec<CopyRange> {
        let ranges: Vec<_> = copy_ranges(size).unwrap().collect();
        let mut next = 0;
        for (range, number) in ranges.iter().zip(1..) {
            assert_eq!((range.number, range.first), (number, next), "{size}");
            assert!(range.size() <= LARGEST_PART, "{size}");
            next = range.last + 1;
        }
        assert_eq!(next, size, "the ranges cover the object exactly");
        assert!(ranges.len() <= MOST_PARTS as usize);
        let (_, before) = ranges.split_last().unwrap();
        assert!(before.iter().all(|range| range.size() >= LEAST_PART), "{size}");
        ranges
    }

    #[test]
    fn ranges_cover_objects_of_every_size_exactly() {
        for size in
            [1, SMALLEST - 1, SMALLEST, SMALLEST + 1, 5 * GIB - 1, 5 * GIB, 5 * GIB + 1, 700 * GIB, 10_000 * 128 * MIB]
        {
            ranges(size);
            ranges(size + 1);
        }
    }

    #[test]
    fn the_first_object_too_large_for_one_copy_is_cut_small() {
        let ranges = ranges(5 * GIB + 1);
        assert_eq!(ranges.len(), 81);
        assert_eq!(ranges[80], CopyRange { number: 81, first: 5 * GIB, last: 5 * GIB });
    }

    #[test]
    fn the_largest_object_takes_ranges_of_gigabytes() {
        let ranges = ranges(50_000_000_000_000);
        assert!(ranges.len() > 9_900 && ranges[0].size() < LARGEST_PART, "{}", ranges.len());
        let most = u64::from(MOST_PARTS) * LARGEST_PART;
        assert!(copy_ranges(most).is_some() && copy_ranges(most + 1).is_none());
    }
}
