//! Do blobs come back, from the registry and from their bucket?

use super::Result;
use super::answer::Answer;
use super::curl::Request;
use super::finding::{Finding, Question};
use super::stack::{Stack, digest};

/// Of more bytes than are answered by the registry itself, and of fewer than one chunk.
const LARGE: usize = 300_000;
const SMALL: usize = 3000;

const HEAD: Question = Question {
    asks: "HEAD of a blob: where does it lead, and is Content-Length true?",
    relies: "its size: docker writes it into the manifest, and a 0 too",
};

const INLINE: Question = Question {
    asks: "Does a small blob come back byte for byte, with its headers?",
    relies: "the same bytes, application/octet-stream, Docker-Content-Digest",
};

const REDIRECT: Question = Question {
    asks: "GET of a large blob: does the URL that it leads to work?",
    relies: "307 to a presigned URL, which needs no credentials and sends the bytes",
};

const RANGE: Question = Question {
    asks: "Does that URL send a range?",
    relies: "206, Content-Range and just these bytes: clients resume so",
};

/// Pushes two blobs and reads them.
pub(super) fn ask(stack: &Stack) -> Result<Vec<Finding>> {
    let (small, large) = (stack.noise(SMALL), stack.noise(LARGE));
    let mut paths = Vec::new();
    for bytes in [&small, &large] {
        let (digest, pushed) = stack.push(bytes)?;
        if pushed.status != 201 {
            let why = format!("a blob of {} bytes cannot be pushed: {}", bytes.len(), pushed.tell());
            let all = [HEAD, INLINE, REDIRECT, RANGE];
            return Ok(all.into_iter().map(|question| question.judge(false, why.clone())).collect());
        }
        paths.push(stack.path(&format!("blobs/{digest}")));
    }
    let [small_path, large_path] = [&paths[0], &paths[1]];
    Ok(vec![
        head(stack, [(small_path, &small), (large_path, &large)])?,
        inline(&stack.ask("GET", small_path)?, &small),
        redirect(stack, large_path, &large)?,
        range(stack, large_path, &large)?,
    ])
}

fn head(stack: &Stack, blobs: [(&String, &Vec<u8>); 2]) -> Result<Finding> {
    let (mut seen, mut holds) = (Vec::new(), true);
    for (path, bytes) in blobs {
        let first = stack.ask("HEAD", path)?;
        let last = match first.header("location") {
            Some(location) if first.status == 307 => stack.follow("HEAD", location)?,
            _ => first.clone(),
        };
        let length = last.number("content-length");
        holds &= last.status == 200 && length == Some(bytes.len() as u64);
        let way = if first.status == 307 { format!("307, then {}", last.status) } else { first.status.to_string() };
        let length = length.map_or("none".to_owned(), |length| length.to_string());
        seen.push(format!("{way}; Content-Length: {length}, of {}", bytes.len()));
    }
    Ok(HEAD.judge(holds, seen.join("; ")))
}

fn inline(answer: &Answer, bytes: &[u8]) -> Finding {
    if answer.status == 307 {
        return INLINE.unanswered("small blobs are redirected too");
    }
    let kept = answer.header("docker-content-digest") == Some(digest(bytes).as_str());
    let media_type = answer.header("content-type").unwrap_or("none");
    let same = if answer.body == bytes { "the same bytes" } else { "OTHER BYTES" };
    let holds = answer.status == 200 && answer.body == bytes && kept && media_type == "application/octet-stream";
    let kept = if kept { "kept" } else { "lost" };
    INLINE.judge(holds, format!("{}: {same}; {media_type}; digest {kept}", answer.status))
}

fn redirect(stack: &Stack, path: &str, bytes: &[u8]) -> Result<Finding> {
    let (answer, was_redirected) = stack.fetch(path)?;
    let same = if answer.body == bytes { "the same bytes" } else { "OTHER BYTES" };
    if !was_redirected {
        let holds = answer.status == 200 && answer.body == bytes;
        let seen = format!("not redirected: {}, {same}", answer.tell());
        return Ok(if holds { REDIRECT.unanswered(seen) } else { REDIRECT.judge(false, seen) });
    }
    let seen = format!("307, then {}: {same}", answer.tell());
    Ok(REDIRECT.judge(answer.status == 200 && answer.body == bytes, seen))
}

fn range(stack: &Stack, path: &str, bytes: &[u8]) -> Result<Finding> {
    let first = stack.ask("GET", path)?;
    let (request, whose) = match first.header("location") {
        Some(location) if first.status == 307 => (stack.request("GET", location), "the bucket"),
        _ => (Request::new("GET", stack.url(path)), "the registry itself"),
    };
    let answer = stack.send(&request.header("Range", "bytes=100000-100999"))?;
    let part = answer.header("content-range").unwrap_or("none");
    let holds = answer.status == 206
        && part == format!("bytes 100000-100999/{}", bytes.len())
        && answer.body == bytes[100_000..=100_999];
    Ok(RANGE.judge(holds, format!("{} from {whose}; Content-Range: {part}", answer.tell())))
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::answer;
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_small_blob_needs_its_bytes_type_and_digest() {
        let headers = |media_type| format!("content-type: {media_type}\ndocker-content-digest: {}", digest(b"abc"));
        let octets = headers("application/octet-stream");
        assert_eq!(inline(&answer(200, &octets, "abc"), b"abc").verdict, Verdict::Ok);
        assert_eq!(inline(&answer(200, &octets, "abd"), b"abc").verdict, Verdict::Differs);
        assert_eq!(inline(&answer(200, &headers("text/plain"), "abc"), b"abc").verdict, Verdict::Differs);
        assert_eq!(inline(&answer(307, "", ""), b"abc").verdict, Verdict::NotAnswered);
    }
}
