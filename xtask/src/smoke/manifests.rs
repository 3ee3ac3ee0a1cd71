//! Do manifests come back as they were put, and with true headers?

use super::Result;
use super::answer::Answer;
use super::curl::Request;
use super::finding::{Finding, Question};
use super::stack::{Stack, digest};

pub(super) const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";

const BYTES: Question = Question {
    asks: "Does a +json manifest with awkward bytes come back byte for byte?",
    relies: "the same bytes: the digest is of them",
};

const LENGTH: Question = Question {
    asks: "HEAD of a manifest: is Content-Length its size?",
    relies: "the size: docker fails without it, and containerd believes a 0",
};

const DIGEST: Question =
    Question { asks: "Is Docker-Content-Digest kept on PUT, HEAD and GET?", relies: "the digest, on each" };

const TYPE: Question =
    Question { asks: "Is Content-Type kept exactly?", relies: "the media type that was put, without a charset" };

const ENCODING: Question = Question {
    asks: "Is a manifest compressed for a client that would take it?",
    relies: "no Content-Encoding: nothing may change bytes on the way",
};

const RENAMED: Question = Question {
    asks: "Which headers does the front rename or add?",
    relies: "none of ETag, Location, Range, Link, Docker-* and OCI-* is renamed",
};

const TAGS: Question = Question {
    asks: "Do repeated query keys (tag=a&tag=b) all arrive?",
    relies: "both tags are made, and told in OCI-Tag",
};

const LINK: Question = Question { asks: "Is Link kept on a page of tags?", relies: "a Link to the next page" };

/// Puts two small manifests and reads them.
pub(super) fn ask(stack: &Stack) -> Result<Vec<Finding>> {
    let (config, layer) = (stack.noise(500), stack.noise(2000));
    for blob in [&config, &layer] {
        let (_, pushed) = stack.push(blob)?;
        if pushed.status != 201 {
            return Ok(without_blobs(&pushed));
        }
    }
    let manifest = awkward(&config, &layer);
    let put = stack.put_manifest("smoke", OCI, &manifest)?;
    if put.status != 201 {
        return Ok(vec![BYTES.judge(false, format!("it cannot be put: {}", put.tell()))]);
    }
    let (head, get) =
        (stack.ask("HEAD", &stack.path("manifests/smoke"))?, stack.ask("GET", &stack.path("manifests/smoke"))?);
    Ok(vec![
        bytes(&manifest, &get),
        length(&manifest, &head),
        digests(&manifest, [&put, &head, &get]),
        types(stack, &config, &layer, &get)?,
        encoding(stack)?,
        renamed(&get),
        tags(stack, &manifest)?,
        link(stack)?,
    ])
}

fn without_blobs(pushed: &Answer) -> Vec<Finding> {
    let why = format!("no small blob can be pushed: {}", pushed.tell());
    let all = [BYTES, LENGTH, DIGEST, TYPE, ENCODING, RENAMED, TAGS, LINK];
    all.into_iter().map(|question| question.judge(false, why.clone())).collect()
}

/// A manifest whose text a front that meddles would change: white space around it, other line ends, letters of two, three
/// and four bytes, a byte order mark, separators and controls within strings, escapes that could be written otherwise.
fn awkward(config: &[u8], layer: &[u8]) -> Vec<u8> {
    let text = "ü€漢😀\u{feff}\u{2028}\u{fffd}\u{7f}\\u0000\\u00fc\\ud83d\\ude00\\/";
    let plain = plain(OCI, config, layer);
    let end = plain.trim_end().strip_suffix('}').unwrap_or(&plain);
    format!("\r\n\t {end},\r\n  \"annotations\" : {{ \"awkward\": \"{text}\" }}\t}} \n\n").into_bytes()
}

/// A manifest of one layer.
pub(super) fn plain(media_type: &str, config: &[u8], layer: &[u8]) -> String {
    let kind = if media_type == DOCKER { "docker.container.image.v1" } else { "oci.image.config.v1" };
    let layer_type = match media_type {
        DOCKER => "application/vnd.docker.image.rootfs.diff.tar.gzip",
        _ => "application/vnd.oci.image.layer.v1.tar+gzip",
    };
    let entry = |media_type: &str, bytes: &[u8]| {
        format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{}}}"#, digest(bytes), bytes.len())
    };
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{},"layers":[{}]}}"#,
        entry(&format!("application/vnd.{kind}+json"), config),
        entry(layer_type, layer),
    )
}

fn bytes(manifest: &[u8], get: &Answer) -> Finding {
    let is_same = get.body == manifest;
    let other = || format!("{}, and {} bytes, not the {} that were put", get.tell(), get.body.len(), manifest.len());
    let seen = if is_same { "the same bytes".to_owned() } else { other() };
    BYTES.judge(get.status == 200 && is_same, seen)
}

fn length(manifest: &[u8], head: &Answer) -> Finding {
    let length = head.header("content-length");
    let seen = length.map_or("none".to_owned(), |length| format!("{length}, of {} bytes", manifest.len()));
    let holds = head.status == 200 && length.is_some_and(|length| length == manifest.len().to_string());
    LENGTH.judge(holds, format!("{}; Content-Length: {seen}", head.status))
}

fn digests(manifest: &[u8], answers: [&Answer; 3]) -> Finding {
    let digest = digest(manifest);
    let is_kept = |answer: &Answer| answer.header("docker-content-digest") == Some(digest.as_str());
    let kept = answers.map(is_kept);
    let tell = |kept| if kept { "kept" } else { "not kept" };
    let [put, head, get] = kept.map(tell);
    DIGEST.judge(kept == [true; 3], format!("PUT: {put}, HEAD: {head}, GET: {get}"))
}

fn types(stack: &Stack, config: &[u8], layer: &[u8], oci: &Answer) -> Result<Finding> {
    stack.put_manifest("docker", DOCKER, plain(DOCKER, config, layer).as_bytes())?;
    let docker = stack.ask("GET", &stack.path("manifests/docker"))?;
    let got = [oci, &docker].map(|answer| answer.header("content-type").unwrap_or("none"));
    Ok(TYPE.judge(got == [OCI, DOCKER], got.join(", ")))
}

fn encoding(stack: &Stack) -> Result<Finding> {
    let url = stack.url(&stack.path("manifests/smoke"));
    let answer = stack.send(&Request::new("GET", url).header("Accept-Encoding", "zstd, gzip, deflate"))?;
    let encoding = answer.header("content-encoding");
    let seen = encoding.map_or("no Content-Encoding".to_owned(), |encoding| format!("Content-Encoding: {encoding}"));
    Ok(ENCODING.judge(answer.status == 200 && encoding.is_none(), seen))
}

fn renamed(get: &Answer) -> Finding {
    let names = get.headers.iter().map(|(name, _)| name.as_str());
    let fronts: Vec<_> =
        names.filter(|name| ["x-amz", "apigw", "via", "x-cache"].iter().any(|of| name.starts_with(of))).collect();
    let relied = ["etag", "location", "range", "link", "docker-", "oci-"];
    let broken = fronts.iter().filter_map(|name| name.strip_prefix("x-amzn-remapped-"));
    let holds =
        !broken.into_iter().any(|name| relied.iter().any(|of| name.starts_with(of))) && get.header("etag").is_some();
    let seen = if fronts.is_empty() { "none of AWS's names".to_owned() } else { fronts.join(", ") };
    RENAMED.judge(holds, seen)
}

fn tags(stack: &Stack, manifest: &[u8]) -> Result<Finding> {
    let put = stack.put_manifest(&format!("{}?tag=first&tag=second", digest(manifest)), OCI, manifest)?;
    let list = stack.ask("GET", &stack.path("tags/list"))?;
    let listed = String::from_utf8_lossy(&list.body).into_owned();
    let made = ["first", "second"].map(|tag| listed.contains(&format!("\"{tag}\"")));
    let told = put.values("oci-tag");
    let holds = put.status == 201 && made == [true; 2] && ["first", "second"].iter().all(|tag| told.contains(tag));
    Ok(TAGS.judge(holds, format!("{}; made: {listed}; OCI-Tag: {}", put.tell(), told.join(", "))))
}

fn link(stack: &Stack) -> Result<Finding> {
    let page = stack.ask("GET", &stack.path("tags/list?n=1"))?;
    let link = page.header("link");
    let holds = link.is_some_and(|link| link.contains("n=1") && link.contains("rel=\"next\""));
    Ok(LINK.judge(holds, link.unwrap_or("none")))
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::answer;
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_head_needs_the_true_length() {
        let cases =
            [("content-length: 4", Verdict::Ok), ("content-length: 0", Verdict::Differs), ("", Verdict::Differs)];
        for (headers, verdict) in cases {
            assert_eq!(length(b"abcd", &answer(200, headers, "")).verdict, verdict, "{headers}");
        }
    }

    #[test]
    fn a_header_that_clients_need_must_not_be_renamed() {
        let kept = "etag: \"x\"\nx-amzn-remapped-content-length: 3\napigw-requestid: y";
        assert_eq!(renamed(&answer(200, kept, "")).verdict, Verdict::Ok);
        let lost = "etag: \"x\"\nx-amzn-remapped-docker-content-digest: y";
        assert_eq!(renamed(&answer(200, lost, "")).verdict, Verdict::Differs);
    }

    #[test]
    fn the_awkward_manifest_is_json() {
        let manifest = awkward(b"config", b"layer");
        let value: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        assert!(value["annotations"]["awkward"].as_str().unwrap().contains('\u{0}'));
        assert!(manifest.starts_with(b"\r\n") && manifest.ends_with(b"\n\n"));
    }
}
