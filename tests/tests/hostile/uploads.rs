//! Uploads: what is wrong with how they begin, go on and end.

use crate::paths::{ABSENT, bad_digests};
use crate::row::{Row, row, rows, words};

/// Wrong ways to begin one.
pub(crate) fn beginnings() -> Vec<Row> {
    let mut digests = bad_digests();
    digests.extend(words("\"\" latest %00 sha256"));
    let begin = "POST /v2/hostile/blobs/uploads/";
    let mount = format!("{begin}?mount={ABSENT}&from={{}}");
    let froms = words("A .. ../good a//b %00 - a%0d%0ab %FF a%2520b good/");
    let algorithms = words("\"\" md5 SHA256 sha256%00 sha512,sha256 %FF");
    let wrong = format!("{begin}?digest={ABSENT}");
    let wrong_512 = format!("{begin}?digest=sha512:{}", "ab".repeat(64));
    [
        rows(&format!("{begin}?digest={{}}"), &digests, 400, "DIGEST_INVALID"),
        rows(&format!("{begin}?mount={{}}&from=good"), &digests, 400, "DIGEST_INVALID"),
        rows(&mount, &froms, 400, "NAME_INVALID"),
        rows(&format!("{begin}?digest-algorithm={{}}"), &algorithms, 400, "DIGEST_INVALID"),
        vec![
            row(&wrong, 400, "DIGEST_INVALID").body("not that"),
            row(&wrong, 400, "DIGEST_INVALID").chunked(b"not that"),
            row(&wrong, 400, "DIGEST_INVALID").body(""),
            row(&wrong, 400, "DIGEST_INVALID"),
            row(&wrong, 400, "DIGEST_INVALID").chunked(&vec![7; 5_000_000]),
            row(&wrong_512, 400, "DIGEST_INVALID").body("not that"),
            row(&wrong_512, 400, "DIGEST_INVALID").body(vec![7; 5_000_000]),
        ],
    ]
    .concat()
}

/// Wrong ways to go on with an upload that has `offset` bytes, or to end it: it stays as it is.
pub(crate) fn continuations(offset: usize) -> Vec<Row> {
    let (put, end) = (format!("PUT {{upload}}?digest={ABSENT}"), offset + 9);
    let mut all = vec![
        row("PUT {upload}", 400, "DIGEST_INVALID"),
        row("PUT {upload}", 400, "DIGEST_INVALID").body("rest"),
        row("PUT {upload}?Digest=x", 400, "DIGEST_INVALID"),
        row(&put, 400, "DIGEST_INVALID"),
        row(&put, 400, "DIGEST_INVALID").body("rest"),
        row(&put, 400, "DIGEST_INVALID").chunked(b"rest"),
        row(&put, 400, "DIGEST_INVALID").chunked(&vec![7; 5_000_000]),
    ];
    let digests = bad_digests();
    all.extend(rows("PUT {upload}?digest={}", &digests, 400, "DIGEST_INVALID"));
    for line in ["PATCH {upload}", &put] {
        all.extend(ranges(line));
        // Whoever is out of turn is told where the upload stands.
        let standing = format!("0-{}", offset - 1);
        for first in [0, offset - 1, offset + 1, 1 << 40, (1 << 62) - 9] {
            let ranged = row(line, 416, "RANGE_INVALID").header(format!("content-range: {first}-{}", first + 9));
            all.push(ranged.clone().body("0123456789").answered("range", &standing));
            all.push(ranged.chunked(b"0123456789").answered("range", &standing));
        }
        // The body is not as long as its range.
        let ranged = row(line, 400, "SIZE_INVALID").header(format!("content-range: {offset}-{end}"));
        for body in ["012345678", "0123456789x", ""] {
            all.push(ranged.clone().body(body));
            all.push(ranged.clone().chunked(body.as_bytes()));
        }
        let all_there_is = format!("content-range: {offset}-{}", i64::MAX);
        all.push(row(line, 400, "SIZE_INVALID").header(&all_there_is).body("x"));
        all.push(row(line, 400, "SIZE_INVALID").header(&all_there_is).chunked(b"x"));
        all.extend(broken(line));
    }
    all
}

/// What is no range.
fn ranges(line: &str) -> Vec<Row> {
    let values = [
        "",
        "-",
        "0",
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
        "0x0-0x9",
        "0-1e3",
        "1.0-2",
        "9-0",
        "0-9/9",
        "bytes 0-9/5",
        "0-9223372036854775808",
        "0-99999999999999999999999999",
        "18446744073709551616-18446744073709551617",
        "-1-9",
        "0-9,10-19",
        "0-9;x",
        "0-9 junk",
        "0\u{2013}9",
        "\u{663}-9",
    ];
    let ranged = |value: &&str| {
        let code = if value.is_ascii() { "RANGE_INVALID" } else { "UNSUPPORTED" };
        row(line, 400, code).header(format!("content-range: {value}")).body("0123456789")
    };
    let not_text = row(line, 400, "UNSUPPORTED").header(b"content-range: 0-9\xff").body("0123456789");
    values.iter().map(ranged).chain([not_text]).collect()
}

/// Chunked bodies that are none.
fn broken(line: &str) -> Vec<Row> {
    let bodies = [
        "zz\r\nabc\r\n0\r\n\r\n",
        "-1\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcdef\r\n0\r\n\r\n",
        "3 3\r\nabc\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3\rabc\r\n0\r\n\r\n",
        "\r\nabc\r\n0\r\n\r\n",
    ];
    let coded = row(line, 400, "BLOB_UPLOAD_INVALID").header("transfer-encoding: chunked");
    bodies.iter().map(|body| coded.clone().bare(*body)).collect()
}
