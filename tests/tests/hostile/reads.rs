//! Queries and ranges of those who read.

use crate::paths::ABSENT;
use crate::row::{Row, row, rows, words};

/// Pages that are none.
pub(crate) fn pages() -> Vec<Row> {
    let numbers = words("-1 x 1.5 +3 %00 1e3 0x10 %20 1%2C2 %D9%A3 %FF ten --1 1%0A");
    let names = words("A .. %00 a//b %FF \"\" a%0d%0ab /");
    let tags = words("\"\" .a %00 a%2Fb %FF a%0d%0ab");
    let digests = words("\"\" x sha256: %00");
    let types = words("x a/b/c %00 a/b%0d%0aX:y %FF/x");
    let referrers = format!("GET /v2/good/referrers/{ABSENT}");
    [
        rows("GET /v2/_catalog?n={}", &numbers, 400, "PAGINATION_NUMBER_INVALID"),
        rows("GET /v2/good/tags/list?n={}", &numbers, 400, "PAGINATION_NUMBER_INVALID"),
        rows(&format!("{referrers}?n={{}}"), &numbers[..3], 400, "PAGINATION_NUMBER_INVALID"),
        rows("GET /v2/_catalog?last={}", &names, 400, "NAME_INVALID"),
        rows("GET /v2/good/tags/list?last={}", &tags, 400, "TAG_INVALID"),
        rows(&format!("{referrers}?last={{}}"), &digests, 400, "DIGEST_INVALID"),
        rows(&format!("{referrers}?artifactType={{}}"), &types, 400, "MANIFEST_INVALID"),
    ]
    .concat()
}

/// Queries that say nothing, which is no mistake.
pub(crate) fn harmless() -> Vec<Row> {
    let queries = words("? ?&&& ?= ?n ?n= ?%00=%00 ?n=99999999999999999999999999 ?x=y&n=1&n=x ?% ?;; ?a[]=b");
    rows("GET /v2/good/tags/list{}", &queries, 200, "")
}

/// Ranges of a blob of this many bytes: those that it does not have, and those that are none, which HTTP ignores.
pub(crate) fn ranges(blob: &str, size: usize) -> Vec<Row> {
    let line = format!("GET /v2/good/blobs/{blob}");
    let beyond = [
        format!("bytes={size}-"),
        format!("bytes={size}-{}", size + 9),
        "bytes=99999999999999999999999999-".to_owned(),
        "bytes=-0".to_owned(),
        "bytes=500-0".to_owned(),
        "bytes=18446744073709551615-".to_owned(),
        "bytes=9223372036854775807-9223372036854775808".to_owned(),
    ];
    let ignored = [
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
        "items=0-1",
        "0-1",
        "bytes=0-1,x",
        "bytes=0 -1",
        "bytes=0-0,1-1,2-2",
        "bytes=\u{663}-9",
    ];
    let refused = |range: &String| {
        let range = format!("range: {range}");
        let refused =
            row(&line, 416, "RANGE_INVALID").header(&range).answered("content-range", format!("bytes */{size}"));
        // A range is one of what GET sends.
        [
            refused,
            row(format!("HEAD /v2/good/blobs/{blob}"), 200, "")
                .header(&range)
                .answered("content-length", size.to_string()),
        ]
    };
    let whole = |range: &&str| row(&line, 200, "").header(format!("range: {range}"));
    let many = format!("range: bytes={}", vec!["0-0"; 4000].join(","));
    let mut all: Vec<_> = beyond.iter().flat_map(refused).chain(ignored.iter().map(whole)).collect();
    all.push(row(&line, 200, "").header(many).answered("content-length", size.to_string()));
    all
}
