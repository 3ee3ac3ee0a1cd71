//! Some bytes of a whole.

use std::fmt;

/// The bytes from `first` to `last`, both included: never empty. Displays as `first-last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ByteRange {
    /// The offset of the first byte.
    pub first: u64,
    /// The offset of the last byte, not less than `first`.
    pub last: u64,
}

#[expect(clippy::len_without_is_empty, reason = "a byte range is never empty")]
impl ByteRange {
    /// A range, if `first` is not behind `last`.
    #[must_use]
    pub fn new(first: u64, last: u64) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// How many bytes: at least one. The range of all 2^64 bytes counts one less.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    /// The value of `Content-Range` in a 206: `bytes first-last/total`.
    #[must_use]
    pub fn content_range(&self, total: u64) -> String {
        format!("bytes {self}/{total}")
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::ByteRange;

    #[test]
    fn both_ends_are_included() {
        let range = ByteRange { first: 0, last: 99 };
        assert_eq!(range.len(), 100);
        assert_eq!(range.to_string(), "0-99");
        assert_eq!(range.content_range(200), "bytes 0-99/200");
        assert_eq!(ByteRange { first: 7, last: 7 }.len(), 1);
        assert_eq!(ByteRange { first: 0, last: u64::MAX }.len(), u64::MAX);
    }

    #[test]
    fn a_range_does_not_run_backwards() {
        assert_eq!(ByteRange::new(2, 1), None);
        assert_eq!(ByteRange::new(1, 1), Some(ByteRange { first: 1, last: 1 }));
    }
}
