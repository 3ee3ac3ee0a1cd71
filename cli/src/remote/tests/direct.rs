//! Uploads straight into a bucket, as docs/direct-upload.md says.

use serde_json::{Value, json};
use url::Url;

use super::fake::{Answer, Asked, Fake, answer};
use super::*;
use crate::remote::Uploaded;

const SESSION: &str = "/v2/team/app/_ringhold/uploads/direct/u";

fn json_answer(status: u16, headers: &[(&str, &str)], body: &Value) -> Answer {
    answer(status, headers, body.to_string())
}

/// A request of the bytes from one offset to another, signed as `signature`.
fn request(bucket: &Url, number: u32, from: usize, to: usize, signature: &str) -> Value {
    json!({
        "number": number, "offset": from, "length": to - from,
        "url": format!("{bucket}staged/{number}?X-Signature={signature}"),
        "headers": { "content-length": (to - from).to_string(), "x-amz-checksum-sha256": "sum" },
    })
}

fn offer(parts: u32, part_size: usize, requests: &[Value]) -> Value {
    json!({ "size": CONTENT.len(), "part_size": part_size, "parts": parts, "requests": requests, "expires_in": 1200 })
}

async fn upload(fake: &Fake) -> Uploaded {
    let directory = tempfile::tempdir().unwrap();
    remote(fake).upload(&name(), &blob(directory.path()), silent()).await.unwrap()
}

#[tokio::test]
async fn a_blob_goes_whole_into_its_bucket_again_when_its_url_has_expired() {
    let bucket = Fake::start(|asked: &Asked, _| {
        if asked.line.ends_with("new") {
            return answer(200, &[("etag", "\"e\"")], "");
        }
        answer(403, &[], "<Error><Code>AccessDenied</Code></Error>")
    });
    let bucket = bucket.await;
    let at = bucket.url();
    let registry = Fake::start(move |asked, before| {
        let whole = |signature| [request(&at, 1, 0, 36, signature)];
        match (asked.line.split(' ').next(), before) {
            (Some("POST"), 0) => json_answer(202, &[("location", SESSION)], &offer(1, 36, &whole("old"))),
            (Some("POST"), _) => json_answer(200, &[], &json!({ "requests": whole("new"), "expires_in": 9 })),
            (Some("PUT"), _) => answer(202, &[("location", SESSION), ("retry-after", "0")], ""),
            (_, 3) => json_answer(200, &[("retry-after", "0")], &json!({ "state": "verifying" })),
            _ => json_answer(200, &[], &json!({ "state": "stored" })),
        }
    });
    let registry = registry.await;
    assert_eq!(upload(&registry).await, Uploaded::Sent);
    let put = bucket.asked().pop().unwrap();
    assert_eq!((&put.body[..], put.header("content-length")), (CONTENT, "36"));
    assert_eq!(put.header("x-amz-checksum-sha256"), "sum");
    assert_eq!(put.header("authorization"), "");
    let begin = format!("POST /v2/team/app/_ringhold/uploads/direct?digest=sha256%3A{}&size=36", digest().hex());
    let lines = registry.lines();
    assert_eq!(lines[0], begin);
    assert_eq!(
        lines[1..],
        [format!("POST {SESSION}"), format!("PUT {SESSION}"), format!("GET {SESSION}"), format!("GET {SESSION}")]
    );
    assert_eq!(
        (&registry.asked()[1].body[..], &registry.asked()[2].body[..]),
        (&br#"{"parts":[]}"#[..], &br#"{"parts":[]}"#[..])
    );
}

#[tokio::test]
async fn parts_are_sent_each_by_itself_and_named_in_order_at_the_end() {
    let bucket = Fake::start(|asked: &Asked, before| match before {
        0 => answer(503, &[("retry-after", "0")], ""),
        _ => answer(200, &[("etag", &asked.line.replace(|c: char| !c.is_ascii_digit(), ""))], ""),
    });
    let bucket = bucket.await;
    let at = bucket.url();
    let registry = Fake::start(move |asked, before| match (asked.line.split(' ').next(), before) {
        (Some("POST"), 0) => json_answer(202, &[("location", SESSION)], &offer(3, 16, &[])),
        (Some("POST"), _) => {
            let wanted: Value = serde_json::from_slice(&asked.body).unwrap();
            let number = wanted["parts"][0]["number"].as_u64().unwrap();
            let from = usize::try_from(number - 1).unwrap() * 16;
            let requests = [request(&at, u32::try_from(number).unwrap(), from, (from + 16).min(36), "s")];
            json_answer(200, &[], &json!({ "requests": requests, "expires_in": 9 }))
        }
        _ => answer(201, &[], ""),
    });
    let registry = registry.await;
    assert_eq!(upload(&registry).await, Uploaded::Sent);
    let end: Value = serde_json::from_slice(&registry.asked().pop().unwrap().body).unwrap();
    let named: Vec<_> = end["parts"].as_array().unwrap().iter().map(|part| (&part["number"], &part["etag"])).collect();
    assert_eq!(json!(named), json!([[1, "1"], [2, "2"], [3, "3"]]));
    let mut bodies: Vec<_> = bucket.asked()[1..].iter().map(|asked| asked.body.clone()).collect();
    bodies.sort();
    assert_eq!(bodies, [part(0, 16), part(16, 32), part(32, 36)]);
}

#[tokio::test]
async fn what_the_repository_has_is_not_sent() {
    let registry = Fake::start(|_, _| answer(201, &[("location", "/v2/team/app/blobs/x")], "")).await;
    assert_eq!(upload(&registry).await, Uploaded::Present);
    assert_eq!(registry.asked().len(), 1);
}

#[tokio::test]
async fn bytes_that_are_refused_are_an_error_that_says_no_url() {
    let bucket = Fake::start(|_, _| answer(400, &[], "<Error><Code>BadDigest</Code></Error>")).await;
    let at = bucket.url();
    let registry = Fake::start(move |asked, _| match asked.line.split(' ').next() {
        Some("POST") => json_answer(202, &[("location", SESSION)], &offer(1, 36, &[request(&at, 1, 0, 36, "hush")])),
        _ => answer(204, &[], ""),
    });
    let registry = registry.await;
    let directory = tempfile::tempdir().unwrap();
    let error = remote(&registry).upload(&name(), &blob(directory.path()), silent()).await.unwrap_err();
    assert!(error.to_string().contains("BadDigest"), "{error}");
    assert!(!format!("{error:?} {error}").contains("hush"), "{error:?}");
    assert_eq!(registry.lines().pop().unwrap(), format!("DELETE {SESSION}"));
}

#[tokio::test]
async fn where_the_bucket_is_out_of_reach_the_bytes_go_through_the_registry() {
    // Nobody listens there.
    let at: Url = "http://127.0.0.1:1/".parse().unwrap();
    let registry = Fake::start(move |asked, _| match asked.line.split(' ').next() {
        Some("POST") if asked.line.contains("/_ringhold/") => {
            json_answer(202, &[("location", SESSION)], &offer(1, 36, &[request(&at, 1, 0, 36, "s")]))
        }
        Some("POST") => answer(202, &[("location", "/v2/team/app/blobs/uploads/u")], ""),
        Some("PUT") => answer(201, &[], ""),
        _ => answer(204, &[], ""),
    });
    let registry = registry.await;
    let directory = tempfile::tempdir().unwrap();
    let (remote, blob) = (remote(&registry), blob(directory.path()));
    for _ in 0..2 {
        assert_eq!(remote.upload(&name(), &blob, silent()).await.unwrap(), Uploaded::Sent);
    }
    let lines = registry.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("PUT /v2/team/app/blobs/uploads/u")).count(), 2);
    assert_eq!(lines.iter().filter(|line| line.contains("direct?digest")).count(), 1);
    assert!(lines.contains(&format!("DELETE {SESSION}")));
}
