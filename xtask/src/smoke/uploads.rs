//! Do uploads in chunks work, and do their headers arrive?

use std::collections::BTreeSet;

use super::Result;
use super::curl::Length;
use super::finding::{Finding, Question};
use super::stack::{Stack, digest};

const MIB: usize = 1024 * 1024;
/// A chunk that every gateway lets through.
pub(super) const CHUNK: usize = 4 * MIB;
/// How many small uploads there are: with three buckets, nearly surely one begins in another than its home.
const SMALL_UPLOADS: usize = 8;

const HEADERS: Question = Question {
    asks: "Are Location, Range and Docker-Upload-UUID kept on 202, 204 and 416?",
    relies: "all of them: the next request, and docker's size of the layer, come from them",
};

const CHUNKED: Question = Question {
    asks: "Does a PATCH without a length arrive, chunked, over HTTP/1.1?",
    relies: "202 with the true Range: docker streams so",
};

const HTTP2: Question =
    Question { asks: "Does one over HTTP/2?", relies: "202 with the true Range, for clients that speak it" };

const PARTS: Question = Question {
    asks: "Does a layer of four chunks become one object?",
    relies: "201, and the same bytes: S3 never sees a part that is too small (EntityTooSmall)",
};

const TAILS: Question = Question {
    asks: "Does S3 copy small uploads home, from bucket to bucket?",
    relies: "201, and the same bytes, of each",
};

const CANCEL: Question = Question { asks: "Can an upload be cancelled?", relies: "204, and 404 afterwards" };

/// Uploads a few layers.
pub(super) fn ask(stack: &Stack) -> Result<Vec<Finding>> {
    Ok(vec![
        headers(stack)?,
        streamed(stack, CHUNKED, false)?,
        streamed(stack, HTTP2, true)?,
        parts(stack)?,
        tails(stack)?,
        cancel(stack)?,
    ])
}

fn headers(stack: &Stack) -> Result<Finding> {
    let bytes = stack.noise(1000);
    let begun = stack.begin()?;
    let Some(location) = begun.header("location").map(ToOwned::to_owned) else {
        return Ok(HEADERS.judge(false, format!("no Location: {}", begun.tell())));
    };
    let patched = stack.append(&location, 0, &bytes)?;
    let location = patched.header("location").unwrap_or(&location).to_owned();
    let (standing, gap) = (stack.follow("GET", &location)?, stack.append(&location, 5000, &bytes)?);
    let mut wrong = Vec::new();
    for (answer, status) in [(&patched, 202), (&standing, 204), (&gap, 416)] {
        let is_whole = ["location", "docker-upload-uuid"].iter().all(|name| answer.header(name).is_some());
        if answer.status != status || answer.header("range") != Some("0-999") || !is_whole {
            let range = answer.header("range").unwrap_or("none");
            wrong.push(format!("{} in place of {status}, Range: {range}", answer.tell()));
        }
    }
    stack.follow("DELETE", &location)?;
    let announced = begun
        .header("oci-chunk-min-length")
        .map_or("no chunk size announced".to_owned(), |size| format!("chunks of {size} announced"));
    let seen = if wrong.is_empty() { format!("kept; {announced}") } else { wrong.join("; ") };
    Ok(HEADERS.judge(wrong.is_empty(), seen))
}

/// A PATCH that does not say how long it is.
fn streamed(stack: &Stack, question: Question, over_http2: bool) -> Result<Finding> {
    if over_http2 && !stack.speaks_http2() {
        return Ok(question.unanswered("this curl does not speak HTTP/2"));
    }
    let bytes = stack.noise(MIB);
    let begun = stack.begin()?;
    let Some(location) = begun.header("location") else {
        return Ok(question.judge(false, format!("no Location: {}", begun.tell())));
    };
    let request = stack.request("PATCH", location).body(&bytes, Length::Unknown);
    let patched = stack.send(&if over_http2 { request.over_http2() } else { request })?;
    if over_http2 && patched.version != "2" {
        stack.follow("DELETE", location)?;
        return Ok(question.unanswered(format!("the other side does not speak it: {}", patched.tell())));
    }
    let range = patched.header("range").unwrap_or("none").to_owned();
    let location = patched.header("location").unwrap_or(location);
    let put = stack.complete(location, &digest(&bytes))?;
    let seen = format!("PATCH: {}, Range: {range}; PUT: {}", patched.tell(), put.tell());
    let holds = patched.status == 202 && range == format!("0-{}", MIB - 1) && put.status == 201;
    Ok(question.judge(holds, seen))
}

fn parts(stack: &Stack) -> Result<Finding> {
    let bytes = stack.noise(3 * CHUNK + MIB);
    let chunks: Vec<_> = bytes.chunks(CHUNK).collect();
    let digest = digest(&bytes);
    let pushed = stack.push_chunks(&chunks, &digest)?;
    if pushed.status != 201 {
        return Ok(PARTS.judge(false, pushed.tell()));
    }
    let (read, _) = stack.fetch(&stack.path(&format!("blobs/{digest}")))?;
    let same = if read.body == bytes { "the same bytes" } else { "OTHER BYTES" };
    Ok(PARTS.judge(read.body == bytes, format!("201; read back: {}, {same}", read.tell())))
}

fn tails(stack: &Stack) -> Result<Finding> {
    let mut hosts = BTreeSet::new();
    for number in 1..=SMALL_UPLOADS {
        // More than is answered inline: a redirect tells the bucket.
        let bytes = stack.noise(100_000);
        let digest = digest(&bytes);
        let pushed = stack.push_chunks(&[&bytes], &digest)?;
        let path = stack.path(&format!("blobs/{digest}"));
        let first = stack.ask("GET", &path)?;
        let (read, _) = stack.fetch(&path)?;
        if pushed.status != 201 || read.body != bytes {
            let seen = format!("number {number}: {}; read back: {}", pushed.tell(), read.tell());
            return Ok(TAILS.judge(false, seen));
        }
        hosts.extend(first.header("location").map(bucket_of));
    }
    Ok(TAILS.judge(
        true,
        match hosts.len() {
            0 => format!("all {SMALL_UPLOADS}; the registry does not tell their buckets"),
            1 => format!("all {SMALL_UPLOADS}, in one bucket: no copy to another was seen"),
            buckets => format!("all {SMALL_UPLOADS}, in {buckets} buckets"),
        },
    ))
}

/// What tells one bucket's URLs from another's: the host, and the first part of the path, if that is not a key's.
fn bucket_of(url: &str) -> String {
    let mut parts = url.split('/').skip(2);
    let (host, first) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if matches!(first, "docker" | "_ringhold") { host.to_owned() } else { format!("{host}/{first}") }
}

fn cancel(stack: &Stack) -> Result<Finding> {
    let begun = stack.begin()?;
    let location = begun.header("location").unwrap_or_default();
    let (cancelled, gone) = (stack.follow("DELETE", location)?, stack.follow("GET", location)?);
    let holds = cancelled.status == 204 && gone.is(404, "BLOB_UPLOAD_UNKNOWN");
    Ok(CANCEL.judge(holds, format!("{}, then {}", cancelled.tell(), gone.tell())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_told_apart_by_host_or_by_path() {
        assert_eq!(bucket_of("https://b.s3.amazonaws.com/docker/registry/x?y"), "b.s3.amazonaws.com");
        assert_eq!(bucket_of("http://localhost:4566/b/docker/registry/x?y"), "localhost:4566/b");
    }
}
