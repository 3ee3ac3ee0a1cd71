//! How large the parts of an object of unknown size are.

const MIB: u64 = 1024 * 1024;

/// The least that a part other than the last may have.
pub(super) const LEAST_PART: u64 = 5 * MIB;
/// The most that a part may have, and that one copy may take.
pub(super) const LARGEST_PART: u64 = 5 * 1024 * MIB;
/// How many parts there may be.
pub(super) const MOST_PARTS: u32 = 10_000;

const FIRST: u64 = 8 * MIB;
/// After so many parts the next are twice as large.
const STEP: u32 = 80;

/// How large part `number` is, counted from 1: small while the object may still be small, and growing so that 10,000
/// parts hold the largest object there may be.
pub(super) fn part_size(number: u32) -> u64 {
    let doublings = number.saturating_sub(1) / STEP;
    FIRST.checked_shl(doublings).filter(|size| doublings < 32 && *size < LARGEST_PART).unwrap_or(LARGEST_PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_one_that_s3_takes() {
        for number in 1..=MOST_PARTS {
            assert!((LEAST_PART..=LARGEST_PART).contains(&part_size(number)), "part {number}");
        }
        assert_eq!(part_size(u32::MAX), LARGEST_PART);
    }

    #[test]
    fn parts_start_small_and_double() {
        let sizes = [1, 80, 81, 160, 161, 720, 721, 800, 801].map(|number| part_size(number) / MIB);
        assert_eq!(sizes, [8, 8, 16, 16, 32, 2048, 4096, 4096, 5120]);
    }

    #[test]
    fn the_parts_hold_fifty_terabytes() {
        let capacity: u64 = (1..=MOST_PARTS).map(part_size).sum();
        assert!(capacity >= 50_000_000_000_000, "{capacity}");
    }

    #[test]
    fn a_layer_of_four_gigabytes_is_held_in_parts_of_at_most_the_window() {
        let before: u64 = (1..=3 * STEP).map(part_size).sum();
        assert!(before > 4_000_000_000 && part_size(3 * STEP) == 32 * MIB, "{before}");
    }
}
