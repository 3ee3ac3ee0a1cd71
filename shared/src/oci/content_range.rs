//! The `Content-Range` header of a chunk that is pushed.

use std::str::FromStr;

use super::ByteRange;

/// Which bytes of an upload a chunk holds: never empty, `first` not behind `last`, `last` within the total if one is named.
///
/// The specification writes `0-99`, RFC 9110 `bytes 0-99/200`; clients send these, `bytes 0-99/*` and `bytes=0-99`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentRange {
    range: ByteRange,
    total: Option<u64>,
}

#[expect(clippy::len_without_is_empty, reason = "a content range is never empty")]
impl ContentRange {
    /// The largest offset and total: what the size of a descriptor can be.
    pub const MAX: u64 = i64::MAX as u64;

    /// The offset of the first byte.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.range.first
    }

    /// The offset of the last byte.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.range.last
    }

    /// Both offsets.
    #[must_use]
    pub fn range(&self) -> ByteRange {
        self.range
    }

    /// The size of the whole, if the client named one.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// How many bytes the chunk has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.range.len()
    }
}

/// Why a text is not the content range of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseContentRangeError {
    /// Not `first-last`, whatever surrounds it.
    #[error("a content range has the form first-last, in bytes")]
    Malformed,
    /// A number beyond 2^63 - 1.
    #[error("a number in the content range is too large")]
    TooLarge,
    /// The first byte is behind the last.
    #[error("the content range runs backwards")]
    Backwards,
    /// The last byte is not within the total.
    #[error("the content range ends behind its own total")]
    BehindTotal,
}

impl FromStr for ContentRange {
    type Err = ParseContentRangeError;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        let value = value.trim_matches([' ', '\t']);
        let value = value.strip_prefix("bytes").map_or(Some(value), |rest| rest.strip_prefix([' ', '=']));
        let value = value.ok_or(ParseContentRangeError::Malformed)?;
        let (range, total) = match value.split_once('/') {
            None | Some((_, "*")) => (value.trim_end_matches("/*"), None),
            Some((range, total)) => (range, Some(number(total)?)),
        };
        let (first, last) = range.split_once('-').ok_or(ParseContentRangeError::Malformed)?;
        let range = ByteRange::new(number(first)?, number(last)?).ok_or(ParseContentRangeError::Backwards)?;
        if total.is_some_and(|total| range.last >= total) {
            return Err(ParseContentRangeError::BehindTotal);
        }
        Ok(Self { range, total })
    }
}

fn number(digits: &str) -> Result<u64, ParseContentRangeError> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseContentRangeError::Malformed);
    }
    let number = digits.parse().ok().filter(|&number| number <= ContentRange::MAX);
    number.ok_or(ParseContentRangeError::TooLarge)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(value: &str) -> Result<ContentRange, ParseContentRangeError> {
        value.parse()
    }

    #[test]
    fn every_form_that_clients_send_is_read() {
        let range = ByteRange { first: 0, last: 99 };
        for value in ["0-99", "bytes 0-99", "bytes=0-99", "bytes 0-99/*", "0-99/*"] {
            assert_eq!(parse(value), Ok(ContentRange { range, total: None }), "{value}");
        }
        assert_eq!(parse("bytes 0-99/200"), Ok(ContentRange { range, total: Some(200) }));
    }

    #[test]
    fn a_range_knows_its_parts() {
        let range = parse("bytes 5-9/10");
        assert_eq!(
            range.map(|range| (range.first(), range.last(), range.len(), range.total())),
            Ok((5, 9, 5, Some(10)))
        );
    }

    #[test]
    fn each_fault_has_its_own_error() {
        use ParseContentRangeError as E;
        for value in [
            "",
            "-",
            "0-",
            "-9",
            "a-b",
            "+0-9",
            "0-+9",
            "0--1",
            "0-9-9",
            "0 - 9",
            "bytes",
            "bytes0-9",
            "items 0-9",
            "bytes  0-9",
            "0-9/",
            "0-9/x",
            "0-9/-1",
            "0-9/*/*",
            "*/9",
            "bytes */9",
            "bytes==0-9",
            "0x0-9",
        ] {
            assert_eq!(parse(value), Err(E::Malformed), "{value}");
        }
        assert_eq!(parse("0-9223372036854775808"), Err(E::TooLarge));
        assert_eq!(parse("0-99999999999999999999999999"), Err(E::TooLarge));
        assert_eq!(parse("2-1"), Err(E::Backwards));
        assert_eq!(parse("bytes 0-9/9"), Err(E::BehindTotal));
        assert_eq!(parse("0-9223372036854775807").map(|range| range.len()), Ok(1 << 63));
    }

    proptest! {
        #[test]
        fn whatever_parses_is_in_order(value in "(bytes )?[0-9*/=-]{0,7}") {
            if let Ok(range) = parse(&value) {
                prop_assert!(range.first() <= range.last());
                prop_assert_eq!(range.len(), range.last() - range.first() + 1);
            }
        }
    }
}
