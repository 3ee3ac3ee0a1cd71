//! Paths: names, digests, tags, upload ids, what lies nowhere, and methods that do not belong there.

use crate::row::{Row, row, rows, words};

/// Content that nobody has.
pub(crate) const ABSENT: &str = "sha256:abababababababababababababababababababababababababababababababab";

/// An upload that nobody began.
const NOBODY: &str = "0123456789abcdef0123456789abcdef";

/// What is no repository's name, as it stands in a path. None has a slash at an end: that is another path.
fn bad_names() -> Vec<String> {
    let mut names = words(
        "A Upper/case a/B -a a- _a a_ .a a. a..b a.-b a-.b a___b a._b a-_b a//b .. . a/.. ../a a/./b \
         ../../etc/passwd %2e%2e %2E%2E%2F%2E%2E%2Fetc a%2F..%2Fb a%2F%2Fb %2Fa a%2F a%00 a%00.git %00 a%0a \
         a%0d%0aSet-Cookie:%20x a%20b a%09 a%5Cb a\\b ..\\..\\windows a%252Fb a%252e%252e % a%2 a%zz a+b a:b \
         a@b a~b a*b a;b a,b a=b a'b (a) a%3Fb a%23b %C3%A4 %F0%9F%92%A9 %E2%80%AE a%7F %FF %C0%AE%C0%AE \
         %C0%AF %ED%A0%80 a%CC%81 %EF%BC%A1",
    );
    names.push("a".repeat(256));
    names.push("a/".repeat(127) + "aa");
    names.push("a".repeat(20_000));
    names
}

/// Bad names before everything that comes after a name.
pub(crate) fn names() -> Vec<Row> {
    let names = bad_names();
    let blob = format!("GET /v2/{{}}/blobs/{ABSENT}");
    [
        rows("GET /v2/{}/tags/list", &names, 400, "NAME_INVALID"),
        rows("POST /v2/{}/blobs/uploads/", &names, 400, "NAME_INVALID"),
        rows("PUT /v2/{}/manifests/latest", &names, 400, "NAME_INVALID"),
        rows(&blob, &names, 400, "NAME_INVALID"),
        rows("GET /v2/{}/referrers/latest", &names[..3], 400, "NAME_INVALID"),
        vec![
            row("GET /v2/tags/list", 400, "NAME_INVALID"),
            row("GET /v2//tags/list", 400, "NAME_INVALID"),
            row("GET /v2///tags/list", 400, "NAME_INVALID"),
            row("POST /v2/blobs/uploads/", 400, "NAME_INVALID"),
            row("GET /v2/manifests/latest", 400, "NAME_INVALID"),
            row("GET /v2/unknown/tags/list", 404, "NAME_UNKNOWN"),
        ],
    ]
    .concat()
}

/// What is no digest, with the colon that tells it from a tag.
pub(crate) fn bad_digests() -> Vec<String> {
    let hex = &ABSENT["sha256:".len()..];
    let mut digests = words(
        "sha256: : sha256:x sha256:baddigeststring sha256:.. sha256:: md5: \
         md5:d41d8cd98f00b204e9800998ecf8427e sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709 sha256%3A \
         sha256:%00",
    );
    digests.extend([
        format!("sha256:{}", &hex[1..]),
        format!("sha256:{hex}0"),
        format!("sha256:{}", hex.to_uppercase()),
        format!("SHA256:{hex}"),
        format!("sha256:{}g", &hex[1..]),
        format!("sha256:{}%00", &hex[1..]),
        format!("sha256:%20{}", &hex[1..]),
        format!("sha256::{hex}"),
        format!("sha512:{hex}"),
        format!("sha256:{hex}{hex}"),
        format!("sha3-256:{hex}"),
        format!("sha256+b64:{hex}"),
        format!(":{hex}"),
        format!("sha256:{hex}:{hex}"),
        format!("sha256:{}", "%D9%A3".repeat(32)),
        format!("sha256:{}", "a".repeat(20_000)),
    ]);
    digests
}

/// Bad digests wherever a path has one.
pub(crate) fn digests() -> Vec<Row> {
    let with_colon = bad_digests();
    let mut without = with_colon.clone();
    without.extend(words("\"\" latest abababab %2e%2e sha256 sha256-abab %00"));
    let other = ["DELETE /v2/good/blobs/{}", "HEAD /v2/good/blobs/{}", "GET /v2/good/referrers/{}"];
    let others = other.iter().flat_map(|line| rows(line, &without, 400, "DIGEST_INVALID"));
    [
        rows("GET /v2/good/blobs/{}", &without, 400, "DIGEST_INVALID"),
        rows("GET /v2/good/manifests/{}", &with_colon, 400, "DIGEST_INVALID"),
        rows("PUT /v2/good/manifests/{}", &with_colon, 400, "DIGEST_INVALID"),
        rows("DELETE /v2/good/manifests/{}", &with_colon[..4], 400, "DIGEST_INVALID"),
        others.collect(),
        rows("GET /v2/good/blobs/{}", &words(ABSENT), 404, "BLOB_UNKNOWN"),
        rows("HEAD /v2/good/blobs/{}", &words(ABSENT), 404, "BLOB_UNKNOWN"),
        rows("DELETE /v2/good/blobs/{}", &words(ABSENT), 404, "BLOB_UNKNOWN"),
        rows("GET /v2/other/blobs/{}", &words(ABSENT), 404, "BLOB_UNKNOWN"),
        rows("GET /v2/good/manifests/{}", &words(ABSENT), 404, "MANIFEST_UNKNOWN"),
        rows("DELETE /v2/good/manifests/{}", &words(ABSENT), 404, "MANIFEST_UNKNOWN"),
    ]
    .concat()
}

/// Bad tags: a bad request to whoever wants to make one, and nothing to be found to anybody else.
pub(crate) fn tags() -> Vec<Row> {
    let mut tags = words(
        "\"\" .a -a . .. %2e%2e a%20b a%00 %00 a@b a* a\\b a%5Cb a%0d%0aX +a a+b %C3%A4 a%0a a~b %25 a%2 a;b \
         a,b a%3Fb %E2%80%AEa",
    );
    tags.push("t".repeat(129));
    tags.push("t".repeat(20_000));
    [
        rows("PUT /v2/good/manifests/{}", &tags, 400, "TAG_INVALID"),
        rows("GET /v2/good/manifests/{}", &tags, 404, "MANIFEST_UNKNOWN"),
        rows("HEAD /v2/good/manifests/{}", &tags, 404, "MANIFEST_UNKNOWN"),
        rows("DELETE /v2/good/manifests/{}", &tags, 404, "MANIFEST_UNKNOWN"),
        rows("GET /v2/{}/manifests/absent", &words("good unknown"), 404, "MANIFEST_UNKNOWN"),
        vec![row("GET /v2/good/manifests/%FF", 400, "NAME_INVALID")],
    ]
    .concat()
}

/// Uploads that nobody can have begun, or nobody did.
pub(crate) fn upload_ids() -> Vec<Row> {
    let ids = words(
        "x .. . %2e%2e %00 %20 a%5Cb a\\b 0 -1 %C3%A4 %0a 01234567-89ab-cdef-0123-456789abcdef \
         0123456789ABCDEF0123456789ABCDEF 0123456789abcdef0123456789abcde 0123456789abcdef0123456789abcdef0 \
         g123456789abcdef0123456789abcdef 0123456789abcdef0123456789abcde%00",
    );
    let put = format!("PUT /v2/good/blobs/uploads/{{}}?digest={ABSENT}");
    ["GET /v2/good/blobs/uploads/{}", "PATCH /v2/good/blobs/uploads/{}", "DELETE /v2/good/blobs/uploads/{}", &put]
        .iter()
        .flat_map(|line| rows(line, &ids, 404, "BLOB_UPLOAD_UNKNOWN"))
        .collect()
}

/// Paths at which there is nothing.
pub(crate) fn nowhere() -> Vec<Row> {
    let paths = words(
        "/ // //v2/ /v2// /v1/ /v3/ /V2/ /v2a /v2/a /v2/a/b/c /v2/good/tags /v2/good/tags/ \
         /v2/good/tags/list/ /v2/good/tags/lists /v2/good/manifests /v2/good/blobs /v2/good/manifests/a/b \
         /v2/good/manifests/a%2Fb /v2/good/manifests/1/ /v2/good/blobs/uploads/a/b \
         /v2/good/blobs/sha256:../../etc/passwd /v2/good/blobs/sha256:%2e%2e%2f%2e%2e%2fetc /v2/_catalog/ \
         /v2/_CATALOG /v2/_catalog/x /v2/../v2x /../../etc/passwd /v2/../../etc/passwd \
         /v2/%2e%2e/%2e%2e/etc/passwd /v2/..%2f..%2fetc%2fpasswd /..%5c..%5cwindows /v2\\good /.git/config \
         /favicon.ico /metrics /debug/pprof /healthz/ /readyz/x /HEALTHZ /v2/%00 /%00/v2/ /_ringhold/staged \
         /docker/registry/v2/blobs http://elsewhere/ http://elsewhere/v2/a \
         http://169.254.169.254/latest/meta-data * /v2/good/referrers /v2/good/blobs/uploads%2f%2f",
    );
    let methods = ["GET {}", "POST {}", "PUT {}"];
    let mut all: Vec<_> = methods.iter().flat_map(|line| rows(line, &paths, 404, "UNSUPPORTED")).collect();
    all.push(row("OPTIONS *", 404, "UNSUPPORTED"));
    all.push(row(format!("GET /{}", "a/".repeat(10_000)), 404, "UNSUPPORTED"));
    all.push(row(format!("GET /v2{}", "/".repeat(20_000)), 404, "UNSUPPORTED"));
    all
}

/// Methods that do not belong where they are used, and those that do.
pub(crate) fn methods() -> Vec<Row> {
    let blob = format!("/v2/good/blobs/{ABSENT}");
    let referrers = format!("/v2/good/referrers/{ABSENT}");
    let upload = format!("/v2/good/blobs/uploads/{NOBODY}");
    let read = "GET, HEAD";
    let places = [
        ("/v2/", read, "POST PUT PATCH DELETE OPTIONS TRACE"),
        ("/v2", read, "POST DELETE"),
        ("/healthz", read, "POST PUT"),
        ("/readyz", read, "DELETE"),
        ("/v2/_catalog", read, "POST PUT PATCH DELETE"),
        ("/v2/good/tags/list", read, "POST PUT PATCH DELETE"),
        (&*referrers, read, "POST PUT PATCH DELETE"),
        ("/v2/good/manifests/1", "GET, HEAD, PUT, DELETE", "POST PATCH OPTIONS get BREW PROPFIND"),
        (&*blob, "GET, HEAD, DELETE", "POST PUT PATCH OPTIONS Delete"),
        ("/v2/good/blobs/uploads/", "POST", "GET HEAD PUT PATCH DELETE OPTIONS"),
        ("/v2/good/blobs/uploads", "POST", "GET DELETE"),
        (&*upload, "GET, PATCH, PUT, DELETE", "POST HEAD OPTIONS patch"),
    ];
    let refused = |(path, allowed, methods): (&str, &'static str, &str)| -> Vec<Row> {
        let line = |method| format!("{method} {path}");
        methods.split(' ').map(|method| row(line(method), 405, "UNSUPPORTED").answered("allow", allowed)).collect()
    };
    places.into_iter().flat_map(refused).collect()
}
