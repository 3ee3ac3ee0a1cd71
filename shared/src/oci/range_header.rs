//! The `Range` header of a download, RFC 9110, 14.

use super::ByteRange;

/// A well-formed `Range` in bytes, before the length of the content is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RangeHeader {
    /// `bytes=first-last`, with `first` not behind `last`.
    Bounded(ByteRange),
    /// `bytes=first-`.
    From(u64),
    /// `bytes=-length`.
    Suffix(u64),
    /// `bytes=first-last` with `first` behind `last`: no content has such bytes. RFC 9110 would ignore it; the
    /// specification's conformance suite wants it refused, and a client that asks for it is better told.
    Backwards,
    /// More than one range: answered with the whole, as RFC 9110, 14.2 allows.
    Several,
}

/// What a range comes to in content of a known length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resolved {
    /// 200 and everything.
    Whole,
    /// 206 and these bytes, all of which exist.
    Part(ByteRange),
    /// 416 and `Content-Range: bytes */total`.
    Unsatisfiable,
}

impl RangeHeader {
    /// Reads the header. `None` is what RFC 9110 ignores: another unit, or a malformed range.
    ///
    /// Numbers beyond 64 bits count as the largest one: behind the end of any content.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (unit, set) = value.split_once('=')?;
        if !unit.trim_start_matches([' ', '\t']).eq_ignore_ascii_case("bytes") {
            return None;
        }
        // RFC 9110, 5.6.1: a recipient accepts empty elements in a list.
        let mut specs =
            set.split(',').map(|spec| spec.trim_matches([' ', '\t'])).filter(|spec| !spec.is_empty()).map(parse_spec);
        let first = specs.next()??;
        let others = specs.try_fold(0_usize, |count, spec| spec.map(|_| count + 1))?;
        Some(if others == 0 { first } else { Self::Several })
    }

    /// What to serve of content that has `total` bytes.
    #[must_use]
    pub fn resolve(&self, total: u64) -> Resolved {
        let until_end = |first| match total.checked_sub(1).and_then(|last| ByteRange::new(first, last)) {
            Some(range) => Resolved::Part(range),
            None => Resolved::Unsatisfiable,
        };
        match *self {
            Self::Bounded(range) if range.last < total => Resolved::Part(range),
            Self::Bounded(ByteRange { first, .. }) | Self::From(first) => until_end(first),
            Self::Suffix(0) => Resolved::Unsatisfiable,
            // Satisfiable, but a 206 cannot say "no bytes of 0".
            Self::Suffix(_) if total == 0 => Resolved::Whole,
            Self::Suffix(length) => until_end(total.saturating_sub(length)),
            Self::Backwards => Resolved::Unsatisfiable,
            Self::Several => Resolved::Whole,
        }
    }
}

fn parse_spec(spec: &str) -> Option<RangeHeader> {
    match spec.split_once('-')? {
        ("", length) => number(length).map(RangeHeader::Suffix),
        (first, "") => number(first).map(RangeHeader::From),
        (first, last) => {
            let range = ByteRange::new(number(first)?, number(last)?);
            Some(range.map_or(RangeHeader::Backwards, RangeHeader::Bounded))
        }
    }
}

fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(first: u64, last: u64) -> Resolved {
        Resolved::Part(ByteRange { first, last })
    }

    fn resolve(value: &str, total: u64) -> Option<Resolved> {
        RangeHeader::parse(value).map(|range| range.resolve(total))
    }

    #[test]
    fn each_form_resolves() {
        assert_eq!(resolve("bytes=0-0", 10), Some(part(0, 0)));
        assert_eq!(resolve("bytes=2-5", 10), Some(part(2, 5)));
        assert_eq!(resolve("bytes=3-", 10), Some(part(3, 9)));
        assert_eq!(resolve("bytes=-3", 10), Some(part(7, 9)));
        assert_eq!(resolve("Bytes=0-", 10), Some(part(0, 9)));
    }

    #[test]
    fn an_end_behind_the_content_is_cut() {
        assert_eq!(resolve("bytes=5-10", 10), Some(part(5, 9)));
        assert_eq!(resolve("bytes=5-99999999999999999999999999", 10), Some(part(5, 9)));
        assert_eq!(resolve("bytes=-11", 10), Some(part(0, 9)));
        assert_eq!(resolve("bytes=-99999999999999999999999999", 10), Some(part(0, 9)));
    }

    #[test]
    fn a_start_behind_the_content_is_unsatisfiable() {
        for value in ["bytes=10-", "bytes=10-20", "bytes=99999999999999999999999999-", "bytes=-0"] {
            assert_eq!(resolve(value, 10), Some(Resolved::Unsatisfiable), "{value}");
        }
    }

    #[test]
    fn empty_content_has_no_part() {
        assert_eq!(resolve("bytes=0-", 0), Some(Resolved::Unsatisfiable));
        assert_eq!(resolve("bytes=0-0", 0), Some(Resolved::Unsatisfiable));
        assert_eq!(resolve("bytes=-1", 0), Some(Resolved::Whole));
    }

    #[test]
    fn several_ranges_get_the_whole() {
        assert_eq!(resolve("bytes=0-1,4-5", 10), Some(Resolved::Whole));
        assert_eq!(resolve("bytes=0-1 , -1,", 10), Some(Resolved::Whole));
        assert_eq!(resolve("bytes=,0-1,", 10), Some(part(0, 1)));
    }

    #[test]
    fn what_is_malformed_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=a-b",
            "bytes=1",
            "bytes=+1-2",
            "bytes=1--2",
            "bytes=1-2-3",
            "bytes=0x1-2",
            "bytes 0-1",
            "bytes =0-1",
            "items=0-1",
            "0-1",
            "bytes=0-1,x",
            "bytes=0 -1",
            "bytes=٣-٤",
        ] {
            assert_eq!(RangeHeader::parse(value), None, "{value}");
        }
    }

    #[test]
    fn a_range_that_ends_before_it_begins_cannot_be_served() {
        assert_eq!(resolve("bytes=2-1", 10), Some(Resolved::Unsatisfiable));
        assert_eq!(resolve("bytes=0-1,5-4", 10), Some(Resolved::Whole));
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_content(value in "bytes=[0-9,-]{0,5}", total in 0_u64..100) {
            if let Some(Resolved::Part(range)) = resolve(&value, total) {
                prop_assert!(range.first <= range.last && range.last < total);
            }
        }
    }
}
