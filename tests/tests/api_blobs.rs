//! Blobs, as their clients see them: every status, header and body.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use bytes::Bytes;
use harness::client::{Answer, Client};
use harness::content::{digest, noise, push_blob, push_image};
use harness::emulator::emulator;
use harness::memory::registry;
use http::Method;
use shared::auth::GateSettings;
use shared::config::{Aws, Stores};
use shared::http::{Api, Profile, Settings};
use shared::oci::{Algorithm, Digest};
use shared::registry::{Registry, Terms};

const TEN: Bytes = Bytes::from_static(b"0123456789");
const FOREVER: &str = "private, max-age=31536000, immutable";
const OCTETS: &str = "application/octet-stream";

/// A registry with this blob, and the blob's path and digest.
async fn with(content: &Bytes) -> (Client, String, String) {
    let client = registry().await;
    let digest = push_blob(&client, "team/app", content).await;
    (client, format!("/v2/team/app/blobs/{digest}"), digest.to_string())
}

async fn get(client: &Client, blob: &str, headers: &[(&str, &str)]) -> Answer {
    let call = client.call(Method::GET, blob);
    headers.iter().fold(call, |call, (name, value)| call.header(name, *value)).send().await
}

/// The headers of an answer that brings the blob or speaks of it.
fn described<'a>(digest: &'a str, etag: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let always =
        [("accept-ranges", "bytes"), ("cache-control", FOREVER), ("docker-content-digest", digest), ("etag", etag)];
    [&always, more].concat()
}

#[tokio::test]
async fn a_get_brings_the_blob_and_a_head_tells_of_it() {
    let (client, blob, digest) = with(&TEN).await;
    let etag = format!("\"{digest}\"");
    let headers = described(&digest, &etag, &[("content-type", OCTETS), ("content-length", "10")]);
    let got = client.get(&blob).await;
    got.expect(200, &headers);
    assert_eq!(got.body, TEN);
    client.head(&blob).await.expect(200, &headers);
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let (client, blob, digest) = with(&Bytes::new()).await;
    let etag = format!("\"{digest}\"");
    let headers = described(&digest, &etag, &[("content-type", OCTETS), ("content-length", "0")]);
    client.get(&blob).await.expect(200, &headers);
    client.head(&blob).await.expect(200, &headers);
    get(&client, &blob, &[("range", "bytes=-1")]).await.expect(200, &headers);
    let none = [("content-range", "bytes */0")];
    for range in ["bytes=0-", "bytes=0-0"] {
        get(&client, &blob, &[("range", range)]).await.expect_error(416, "RANGE_INVALID", &none);
    }
}

#[tokio::test]
async fn a_blob_of_many_megabytes_arrives_as_it_was() {
    let content = noise(1, 9 * 1024 * 1024 + 1);
    let (client, blob, _) = with(&content).await;
    assert!(client.get(&blob).await.body == content);
    let part = get(&client, &blob, &[("range", "bytes=262143-5242880")]).await;
    assert!(part.body == content.slice(262_143..5_242_881));
}

#[tokio::test]
async fn a_blob_is_read_under_its_sha512_too() {
    let client = registry().await;
    let digest = Digest::of(Algorithm::Sha512, &TEN);
    let put = client.call(Method::POST, format!("/v2/a/blobs/uploads/?digest={digest}")).body(TEN).send().await;
    let blob = format!("/v2/a/blobs/{digest}");
    put.expect(201, &[("location", &blob), ("docker-content-digest", digest.as_str())]);
    let got = client.get(&blob).await;
    assert_eq!((got.status.as_u16(), got.header("docker-content-digest")), (200, digest.as_str()));
    assert_eq!(got.body, TEN);
}

#[tokio::test]
async fn a_range_brings_exactly_its_bytes() {
    let (client, blob, digest) = with(&TEN).await;
    let etag = format!("\"{digest}\"");
    let forms = [
        ("bytes=0-0", "bytes 0-0/10", "0"),
        ("bytes=2-5", "bytes 2-5/10", "2345"),
        ("bytes=0-9", "bytes 0-9/10", "0123456789"),
        ("bytes=3-", "bytes 3-9/10", "3456789"),
        ("bytes=-3", "bytes 7-9/10", "789"),
        ("bytes=-99", "bytes 0-9/10", "0123456789"),
        ("bytes=8-99", "bytes 8-9/10", "89"),
        ("bytes=9-99999999999999999999999", "bytes 9-9/10", "9"),
        ("Bytes=4-4", "bytes 4-4/10", "4"),
        ("bytes= 4-4 , ", "bytes 4-4/10", "4"),
    ];
    for (range, content_range, content) in forms {
        let length = content.len().to_string();
        let more = [("content-type", OCTETS), ("content-length", &*length), ("content-range", content_range)];
        let got = get(&client, &blob, &[("range", range)]).await;
        got.expect(206, &described(&digest, &etag, &more));
        assert_eq!(got.body, content, "{range}");
    }
}

#[tokio::test]
async fn a_head_is_of_the_whole_whatever_range_it_names() {
    let (client, blob, digest) = with(&TEN).await;
    let etag = format!("\"{digest}\"");
    let headers = described(&digest, &etag, &[("content-type", OCTETS), ("content-length", "10")]);
    for range in ["bytes=2-5", "bytes=10-"] {
        client.call(Method::HEAD, &blob).header("range", range).send().await.expect(200, &headers);
    }
}

#[tokio::test]
async fn a_range_of_nothing_is_416_with_the_true_size() {
    let (client, blob, _) = with(&TEN).await;
    for range in ["bytes=10-", "bytes=10-20", "bytes=99999999999999999999999-", "bytes=-0", "bytes=5-2"] {
        let headers = [("content-range", "bytes */10")];
        get(&client, &blob, &[("range", range)]).await.expect_error(416, "RANGE_INVALID", &headers);
    }
}

#[tokio::test]
async fn what_is_no_single_range_of_bytes_brings_the_whole() {
    let (client, blob, digest) = with(&TEN).await;
    let etag = format!("\"{digest}\"");
    let headers = described(&digest, &etag, &[("content-type", OCTETS)]);
    for range in ["bytes=0-1,3-4", "items=0-1", "bytes", "bytes=", "bytes=a-b", "bytes=+1-2", "0-1", "bytes=1"] {
        let got = get(&client, &blob, &[("range", range)]).await;
        got.expect(200, &headers);
        assert_eq!(got.body, TEN, "{range}");
    }
}

#[tokio::test]
async fn a_range_is_of_the_content_that_if_range_names() {
    let (client, blob, digest) = with(&TEN).await;
    let etag = format!("\"{digest}\"");
    let resumed = get(&client, &blob, &[("range", "bytes=4-"), ("if-range", &etag)]).await;
    assert_eq!((resumed.status.as_u16(), &*resumed.body), (206, &b"456789"[..]));
    for other in ["\"sha256:other\"", "Wed, 21 Oct 2026 07:28:00 GMT"] {
        let whole = get(&client, &blob, &[("range", "bytes=4-"), ("if-range", other)]).await;
        assert_eq!((whole.status.as_u16(), whole.body), (200, TEN), "{other}");
    }
}

#[tokio::test]
async fn content_that_the_client_has_is_not_sent_again() {
    let (client, blob, digest) = with(&TEN).await;
    let etag = format!("\"{digest}\"");
    let weak = format!("W/{etag}");
    let list = format!("\"other\", {etag}");
    for tag in [&etag, &weak, &list, "*"] {
        let answer = get(&client, &blob, &[("if-none-match", tag), ("range", "bytes=0-1")]).await;
        answer.expect(304, &described(&digest, &etag, &[]));
    }
    let two = [("if-none-match", "\"other\""), ("if-none-match", &*etag)];
    assert_eq!(get(&client, &blob, &two).await.status, 304);
    assert_eq!(get(&client, &blob, &[("if-none-match", "\"other\"")]).await.status, 200);
}

#[tokio::test]
async fn a_blob_is_never_encoded_for_the_way() {
    let (client, blob, digest) = with(&TEN).await;
    let etag = format!("\"{digest}\"");
    let encodings = ("accept-encoding", "zstd;q=1.0, gzip;q=0.8, deflate;q=0.5");
    let got = get(&client, &blob, &[encodings]).await;
    got.expect(200, &described(&digest, &etag, &[("content-type", OCTETS)]));
    assert_eq!(got.body, TEN);
}

#[tokio::test]
async fn a_blob_is_known_only_where_it_was_pushed() {
    let (client, _, digest) = with(&TEN).await;
    let elsewhere = format!("/v2/team/other/blobs/{digest}");
    client.get(&elsewhere).await.expect_error(404, "BLOB_UNKNOWN", &[]);
    assert_eq!(client.head(&elsewhere).await.status, 404);
    client.delete(&elsewhere).await.expect_error(404, "BLOB_UNKNOWN", &[]);
}

#[tokio::test]
async fn what_is_no_digest_is_a_bad_request() {
    let client = registry().await;
    for digest in ["sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", "latest", "sha256:", &"a".repeat(64)] {
        client.get(format!("/v2/a/blobs/{digest}")).await.expect_error(400, "DIGEST_INVALID", &[]);
    }
}

#[tokio::test]
async fn a_deleted_blob_is_gone() {
    let (client, blob, digest) = with(&TEN).await;
    client.delete(&blob).await.expect(202, &[("docker-content-digest", &digest)]);
    client.get(&blob).await.expect_error(404, "BLOB_UNKNOWN", &[]);
    client.delete(&blob).await.expect_error(404, "BLOB_UNKNOWN", &[]);
    push_blob(&client, "team/app", &TEN).await;
    assert_eq!(client.get(&blob).await.body, TEN);
}

#[tokio::test]
async fn a_blob_of_a_manifest_stays_as_long_as_the_manifest() {
    let client = registry().await;
    let manifest = push_image(&client, "team/app", "latest", &[TEN]).await;
    let blob = format!("/v2/team/app/blobs/{}", digest(&TEN));
    client.delete(&blob).await.expect_error(409, "DENIED", &[]);
    assert_eq!(client.get(&blob).await.body, TEN);
    assert_eq!(client.delete(format!("/v2/team/app/manifests/{manifest}")).await.status, 202);
    assert_eq!(client.delete(&blob).await.status, 202);
}

/// A registry over a bucket that has URLs, which redirects blobs of more than four bytes.
async fn redirecting(profile: Profile) -> Option<Client> {
    let emulator = emulator()?;
    let bucket = format!("s3://{}?endpoint={}", emulator.bucket().await, emulator.endpoint());
    let stores = Stores::new([bucket.parse().unwrap()], "memory:".parse().unwrap());
    let aws = Aws { settings: Some(emulator.sdk_config()), ..Aws::default() };
    let (storage, metadata) = stores.open(&aws).await.unwrap();
    let settings = Settings { gate: GateSettings::open(), profile, redirect_above: Some(4), ..Settings::default() };
    Some(Client::of(Api::new(Registry::new(storage, Arc::clone(&metadata), Terms::default()), settings)))
}

/// Follows a redirect as another client would: without what the first answer said.
async fn follow(method: Method, answer: &Answer, range: Option<&str>) -> Answer {
    let network = Client::new(([127, 0, 0, 1], 0).into());
    let call = network.call(method, answer.header("location"));
    let call = range.into_iter().fold(call, |call, range| call.header("range", range));
    call.send().await
}

#[tokio::test]
async fn a_large_blob_is_fetched_from_its_bucket() {
    let Some(client) = redirecting(Profile::Direct).await else { return };
    let digest = push_blob(&client, "a", &TEN).await.to_string();
    let blob = format!("/v2/a/blobs/{digest}");
    let redirect = client.get(&blob).await;
    let location = redirect.header("location").to_owned();
    let headers = [("cache-control", "no-store"), ("docker-content-digest", &*digest), ("location", &*location)];
    redirect.expect(307, &headers);
    let fetched = follow(Method::GET, &redirect, None).await;
    assert_eq!((fetched.status.as_u16(), fetched.header("content-type")), (200, OCTETS));
    assert_eq!(fetched.header("content-encoding"), "");
    assert_eq!(fetched.body, TEN);
    let resumed = get(&client, &blob, &[("range", "bytes=4-")]).await;
    let resumed = follow(Method::GET, &resumed, Some("bytes=4-")).await;
    assert_eq!((resumed.status.as_u16(), resumed.header("content-range")), (206, "bytes 4-9/10"));
    assert_eq!(resumed.body, "456789");
    let head = client.head(&blob).await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, "10"), "this front keeps a HEAD's length");
}

#[tokio::test]
async fn a_range_is_judged_before_any_redirect() {
    let Some(client) = redirecting(Profile::Gateway).await else { return };
    let digest = push_blob(&client, "a", &TEN).await.to_string();
    let (blob, etag) = (format!("/v2/a/blobs/{digest}"), format!("\"{digest}\""));
    let headers = [("content-range", "bytes */10")];
    get(&client, &blob, &[("range", "bytes=10-")]).await.expect_error(416, "RANGE_INVALID", &headers);
    get(&client, &blob, &[("if-none-match", &etag)]).await.expect(304, &described(&digest, &etag, &[]));
}

#[tokio::test]
async fn a_head_is_redirected_to_a_url_for_a_head() {
    let Some(client) = redirecting(Profile::Gateway).await else { return };
    let digest = push_blob(&client, "a", &TEN).await;
    let redirect = client.head(format!("/v2/a/blobs/{digest}")).await;
    assert_eq!(redirect.status, 307);
    let head = follow(Method::HEAD, &redirect, None).await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, "10"));
}

#[tokio::test]
async fn a_small_blob_is_not_worth_a_redirect() {
    let Some(client) = redirecting(Profile::Gateway).await else { return };
    let small = Bytes::from_static(b"four");
    let digest = push_blob(&client, "a", &small).await;
    assert_eq!(client.get(format!("/v2/a/blobs/{digest}")).await.body, small);
    let head = client.head(format!("/v2/a/blobs/{digest}")).await;
    assert_eq!(head.status, 307, "no other HEAD has a length behind a gateway");
}
