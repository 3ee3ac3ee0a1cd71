//! Uploads, as clients of the proxy see them.

use bytes::Bytes;
use harness::client::{Answer, Client};
use harness::content::{digest, noise, push_blob};
use http::Method;
use shared::oci::{Algorithm, Digest};

use crate::{MIB, Stage};

const TEN: Bytes = Bytes::from_static(b"0123456789");
const UPLOADS: &str = "/v2/team/app/blobs/uploads/";

async fn begin(client: &Client) -> String {
    let begun = client.post(UPLOADS).await;
    assert_eq!((begun.status.as_u16(), begun.header("range")), (202, "0-0"), "{begun:?}");
    begun.header("location").to_owned()
}

async fn patch(client: &Client, upload: &str, range: &str, body: impl Into<Bytes>) -> Answer {
    client.call(Method::PATCH, upload).header("content-range", range).body(body).send().await
}

async fn put(client: &Client, upload: &str, digest: &Digest, body: impl Into<Bytes>) -> Answer {
    client.call(Method::PUT, format!("{upload}?digest={digest}")).body(body).send().await
}

async fn assert_there(client: &Client, digest: &Digest, content: &Bytes) {
    let got = client.get(format!("/v2/team/app/blobs/{digest}")).await;
    assert!(got.status == 200 && got.body == *content, "{} and {} bytes", got.status, got.body.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_of_an_upload_arrives_and_leaves_nothing_behind() {
    let stage = Stage::new();
    let client = stage.client();
    let large = noise(1, 9 * MIB);

    let streamed = begin(&client).await;
    let pieces = [large.slice(..MIB), large.slice(MIB..)];
    let patched = client.call(Method::PATCH, &streamed).stream(pieces).send().await;
    assert_eq!((patched.status.as_u16(), patched.header("range")), (202, &*format!("0-{}", large.len() - 1)));
    let named = digest(&large);
    let blob = format!("/v2/team/app/blobs/{named}");
    let headers = [("location", &*blob), ("docker-content-digest", named.as_str())];
    let stored = put(&client, &streamed, &named, "").await;
    stored.expect(201, &headers);
    assert_there(&stage.upstream(), &named, &large).await;
    let head = client.head(&blob).await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, &*large.len().to_string()));

    let whole = noise(2, 5 * MIB);
    push_blob(&client, "team/app", &whole).await;
    assert_there(&stage.upstream(), &digest(&whole), &whole).await;

    let put_whole = noise(3, 5 * MIB);
    let upload = begin(&client).await;
    assert_eq!(put(&client, &upload, &digest(&put_whole), put_whole.clone()).await.status, 201);
    assert_there(&stage.upstream(), &digest(&put_whole), &put_whole).await;

    let sha512 = Digest::of(Algorithm::Sha512, &TEN);
    for announced in ["", "?digest-algorithm=sha512"] {
        let upload = client.post(format!("{UPLOADS}{announced}")).await.header("location").to_owned();
        assert_eq!(put(&client, &upload, &sha512, TEN).await.status, 201);
    }
    assert_there(&stage.upstream(), &sha512, &TEN).await;

    let nothing = Bytes::new();
    push_blob(&client, "team/app", &nothing).await;
    assert_there(&stage.upstream(), &digest(&nothing), &nothing).await;
    assert!(stage.options.spooled().is_empty(), "{:?}", stage.options.spooled());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_out_of_order_is_told_where_the_upload_goes_on() {
    let stage = Stage::new();
    let client = stage.client();
    let upload = begin(&client).await;
    assert_eq!(patch(&client, &upload, "0-3", TEN.slice(..4)).await.header("range"), "0-3");
    for range in ["5-9", "0-3", "3-8"] {
        let refused = patch(&client, &upload, range, noise(1, if range == "0-3" { 4 } else { 6 }.min(9))).await;
        assert!(matches!(refused.status.as_u16(), 400 | 416), "{refused:?}");
    }
    let id = upload.rsplit('/').next().unwrap();
    let headers = [("location", &*upload), ("docker-upload-uuid", id), ("range", "0-3")];
    patch(&client, &upload, "5-9", TEN.slice(5..)).await.expect_error(416, "RANGE_INVALID", &headers);
    client.get(&upload).await.expect(204, &headers);
    assert_eq!(patch(&client, &upload, "4-9", TEN.slice(4..)).await.header("range"), "0-9");
    assert_eq!(put(&client, &upload, &digest(&TEN), "").await.status, 201);
    assert_there(&stage.upstream(), &digest(&TEN), &TEN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_digest_is_refused_here_and_the_right_one_still_taken() {
    let stage = Stage::new();
    let client = stage.client();
    let upload = begin(&client).await;
    client.call(Method::PATCH, &upload).body(TEN.slice(..5)).send().await;
    for rest in [TEN.slice(5..), Bytes::new()] {
        let wrong = put(&client, &upload, &digest(b"something else"), rest).await;
        let detail = wrong.expect_error(400, "DIGEST_INVALID", &[]);
        assert_eq!(detail["expected"], digest(b"something else").as_str());
    }
    let whole = client.call(Method::POST, format!("{UPLOADS}?digest={}", digest(b"x"))).body(TEN).send().await;
    whole.expect_error(400, "DIGEST_INVALID", &[]);
    client.call(Method::PUT, &upload).send().await.expect_error(400, "DIGEST_INVALID", &[]);
    let absent = stage.upstream().get(format!("/v2/team/app/blobs/{}", digest(&TEN))).await;
    assert_eq!(absent.status, 404);
    assert_eq!(put(&client, &upload, &digest(&TEN), TEN.slice(5..)).await.status, 201);
    assert_there(&stage.upstream(), &digest(&TEN), &TEN).await;
    assert_eq!(put(&client, &upload, &digest(&TEN), "").await.status, 201, "a client that did not hear it asks again");
    assert_eq!(put(&client, &upload, &digest(b"x"), "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_upload_is_gone_with_its_bytes() {
    let stage = Stage::new();
    let client = stage.client();
    let upload = begin(&client).await;
    client.call(Method::PATCH, &upload).body(TEN).send().await;
    assert_eq!(stage.options.spooled().len(), 1);
    client.delete(&upload).await.expect(204, &[]);
    assert!(stage.options.spooled().is_empty());
    client.get(&upload).await.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
    client.delete(&upload).await.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
    client.get("/v2/team/app/blobs/uploads/none").await.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
    let other = upload.replace("team/app", "team/other");
    client.get(other).await.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_beyond_the_quota_is_refused_and_nothing_is_lost() {
    let stage = Stage::with(&["--spool-quota", "1000000"]);
    let client = stage.client();
    let content = noise(1, 1_000_000);
    let (upload, other) = (begin(&client).await, begin(&client).await);
    let half = patch(&client, &upload, "0-499999", content.slice(..500_000)).await;
    assert_eq!(half.status, 202);

    let too_much = noise(2, 600_000);
    let announced = client.call(Method::PATCH, &other).body(too_much.clone()).send().await;
    announced.expect_error(507, "UNAVAILABLE", &[]);
    assert!(String::from_utf8_lossy(&announced.body).contains("--spool-quota"), "{announced:?}");
    let pieces = too_much.chunks(50_000).map(Bytes::copy_from_slice);
    let streamed = client.call(Method::PATCH, &other).stream(pieces.collect::<Vec<_>>()).send().await;
    streamed.expect_error(507, "UNAVAILABLE", &[]);
    assert_eq!(client.get(&other).await.header("range"), "0-0");

    let rest = patch(&client, &upload, "500000-999999", content.slice(500_000..)).await;
    assert_eq!(rest.status, 202, "what was refused takes no room: {rest:?}");
    assert_eq!(put(&client, &upload, &digest(&content), "").await.status, 201);
    assert_there(&stage.upstream(), &digest(&content), &content).await;
    assert_eq!(client.call(Method::PATCH, &other).body(too_much).send().await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount_is_the_registrys_and_without_it_the_bytes_are_the_proxys() {
    let stage = Stage::new();
    let client = stage.client();
    let blob = push_blob(&client, "first", &TEN).await;
    let mounted = client.post(format!("{UPLOADS}?mount={blob}&from=first")).await;
    let location = format!("/v2/team/app/blobs/{blob}");
    assert_eq!((mounted.status.as_u16(), mounted.header("location")), (201, &*location));
    assert_there(&stage.upstream(), &blob, &TEN).await;

    let unknown = client.post(format!("{UPLOADS}?mount={}&from=first", digest(b"unknown"))).await;
    assert_eq!(unknown.status, 202);
    let patched = client.call(Method::PATCH, unknown.header("location")).body(noise(1, 5 * MIB)).send().await;
    assert_eq!(patched.status, 202);
    assert_eq!(stage.options.spooled().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_an_upload_does_not_know_is_refused() {
    let stage = Stage::new();
    let client = stage.client();
    let upload = begin(&client).await;
    client.post(&upload).await.expect_error(405, "UNSUPPORTED", &[("allow", "GET, PATCH, PUT, DELETE")]);
    client.get(UPLOADS).await.expect_error(405, "UNSUPPORTED", &[("allow", "POST")]);
}
