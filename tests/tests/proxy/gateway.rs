//! In front of a gateway that takes 4 MiB in one request, and redirects reads to buckets.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use harness::client::Client;
use harness::content::{digest, noise, push_blob};
use harness::emulator::emulator;
use harness::front::{Front, Passed};
use harness::memory::behind_gateway;
use harness::proxy::ProxyOptions;
use harness::server::Server;
use http::Method;
use shared::auth::GateSettings;
use shared::config::{Aws, Stores};
use shared::http::{Api, Profile, Settings};
use shared::registry::{Registry, Terms};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::MIB;

fn settings() -> Settings {
    Settings { gate: GateSettings::open(), profile: Profile::Gateway, ..Settings::default() }
}

/// A front of a registry whose blobs are in a bucket that has URLs.
async fn redirecting() -> Option<Front> {
    let emulator = emulator()?;
    let bucket = format!("s3://{}?endpoint={}", emulator.bucket().await, emulator.endpoint());
    let stores = Stores::new([bucket.parse().unwrap()], "memory:".parse().unwrap());
    let aws = Aws { settings: Some(emulator.sdk_config()), ..Aws::default() };
    let (storage, metadata) = stores.open(&aws).await.unwrap();
    let settings = Settings { redirect_above: Some(4), ..settings() };
    Some(Front::of(Api::new(Registry::new(storage, Arc::clone(&metadata), Terms::default()), settings)).await)
}

fn proxy(front: &Front, arguments: &[&str]) -> (Server, ProxyOptions, TempDir) {
    let directory = TempDir::new().unwrap();
    let options = ProxyOptions::before(front.address(), directory.path()).with(arguments.iter().copied());
    (options.start(), options, directory)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_body_is_larger_than_what_passes_the_gateway() {
    let front = behind_gateway().await;
    let (server, options, _directory) = proxy(&front, &[]);
    let client = Client::new(server.address());
    let layer = noise(1, 13 * MIB + 5);
    let begun = client.post("/v2/a/blobs/uploads/").await;
    let pieces = layer.chunks(3 * MIB).map(Bytes::copy_from_slice).collect::<Vec<_>>();
    let patched = client.call(Method::PATCH, begun.header("location")).stream(pieces).send().await;
    assert_eq!(patched.status, 202);
    let put = client.call(Method::PUT, format!("{}?digest={}", begun.header("location"), digest(&layer))).send().await;
    assert_eq!(put.status, 201, "{put:?}");

    let passed = front.take();
    let largest = passed.iter().map(|passed| passed.body).max();
    assert!(largest <= Some(Profile::GATEWAY_BODY), "{passed:?}");
    assert!(passed.iter().map(|passed| passed.body).sum::<u64>() >= layer.len() as u64, "{passed:?}");
    let got = Client::new(front.address()).get(format!("/v2/a/blobs/{}", digest(&layer))).await;
    assert!(got.status == 200 && got.body == layer);
    assert!(options.spooled().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_the_repository_has_already_is_not_sent_again() {
    let front = behind_gateway().await;
    let (server, _options, _directory) = proxy(&front, &[]);
    let client = Client::new(server.address());
    let layer = noise(2, MIB);
    push_blob(&client, "a", &layer).await;
    front.take();
    push_blob(&client, "a", &layer).await;
    let passed = front.take();
    assert!(passed.iter().all(|passed| passed.body == 0), "{passed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_of_a_blob_has_its_length_though_the_registry_points_to_a_bucket() {
    let Some(front) = redirecting().await else { return };
    let (server, options, _directory) = proxy(&front, &["--log", "trace"]);
    let (client, content) = (Client::new(server.address()), noise(3, 100_000));
    let digest = push_blob(&client, "a", &content).await;
    let blob = format!("/v2/a/blobs/{digest}");
    assert_eq!(Client::new(front.address()).head(&blob).await.status, 307);
    let etag = format!("\"{digest}\"");
    client.head(&blob).await.expect(
        200,
        &[
            ("accept-ranges", "bytes"),
            ("cache-control", "private, max-age=31536000, immutable"),
            ("content-length", "100000"),
            ("content-type", "application/octet-stream"),
            ("docker-content-digest", digest.as_str()),
            ("etag", &etag),
        ],
    );
    let redirect = client.get(&blob).await;
    assert_eq!((redirect.status.as_u16(), redirect.header("docker-content-digest")), (307, digest.as_str()));
    let location = redirect.header("location");
    assert_eq!(client.get(location).await.body, content, "the client fetches it from the bucket");
    assert!(!options.log().contains("X-Amz-"), "URLs of buckets are secrets: {}", options.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_goes_straight_into_its_bucket_where_the_registry_offers_that() {
    let Some(front) = redirecting().await else { return };
    let (server, options, _directory) = proxy(&front, &["--log", "trace"]);
    let (client, layer) = (Client::new(server.address()), noise(6, 13 * MIB + 5));
    let digest = push_blob(&client, "a", &layer).await;
    let passed = front.take();
    assert!(passed.iter().map(|passed| passed.body).sum::<u64>() < 1000, "no byte passes the gateway: {passed:?}");
    let head = client.head(format!("/v2/a/blobs/{digest}")).await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, &*layer.len().to_string()));
    let redirect = client.get(format!("/v2/a/blobs/{digest}")).await;
    assert!(client.get(redirect.header("location")).await.body == layer);
    assert!(options.spooled().is_empty());
    assert!(!options.log().contains("X-Amz-"), "URLs of buckets are secrets: {}", options.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_may_not_reach_buckets_gets_everything_from_the_proxy() {
    let Some(front) = redirecting().await else { return };
    let (server, _options, _directory) = proxy(&front, &["--no-redirect"]);
    let (client, content) = (Client::new(server.address()), noise(4, 100_000));
    let blob = format!("/v2/a/blobs/{}", push_blob(&client, "a", &content).await);
    let whole = client.get(&blob).await;
    assert!(whole.status == 200 && whole.body == content);
    let part = client.call(Method::GET, &blob).header("range", "bytes=10-19").send().await;
    assert_eq!((part.status.as_u16(), part.header("content-range")), (206, "bytes 10-19/100000"));
    assert_eq!(part.body, content.slice(10..20));
}

/// An engine that gives an answer half a minute after its last byte would never get one for a large layer: it asks again,
/// and finds the delivery under way.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_gives_up_waiting_finds_its_blob_delivered_when_it_asks_again() {
    let front = behind_gateway().await;
    let (server, options, _directory) = proxy(&front, &[]);
    let client = Client::new(server.address());
    let layer = noise(5, 9 * MIB);
    let begun = client.post("/v2/a/blobs/uploads/").await;
    let target = format!("{}?digest={}", begun.header("location"), digest(&layer));
    front.slow_down(Duration::from_millis(700));
    front.take();
    let mut impatient = TcpStream::connect(server.address()).await.unwrap();
    let head = format!("PUT {target} HTTP/1.1\r\nhost: registry\r\ncontent-length: {}\r\n\r\n", layer.len());
    impatient.write_all(head.as_bytes()).await.unwrap();
    impatient.write_all(&layer).await.unwrap();
    let mut passed = Vec::new();
    while passed.iter().all(|passed: &Passed| passed.body == 0) {
        let answer = tokio::time::timeout(Duration::from_millis(10), impatient.read_u8()).await;
        assert!(answer.is_err(), "the delivery takes longer than the client waits");
        passed.extend(front.take());
    }
    drop(impatient);

    let again = client.call(Method::PUT, &target).body(layer.clone()).send().await;
    assert_eq!(again.status, 201, "{again:?}");
    passed.extend(front.take());
    let sent = passed.iter().map(|passed| passed.body).sum::<u64>();
    assert_eq!(sent, layer.len() as u64, "its bytes are brought once");
    let got = Client::new(front.address()).get(format!("/v2/a/blobs/{}", digest(&layer))).await;
    assert_eq!(got.body, layer);
    assert!(options.spooled().is_empty());
}
