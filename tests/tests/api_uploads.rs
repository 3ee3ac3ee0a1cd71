//! Uploads, as their clients see them: every shape in which clients push.

use bytes::Bytes;
use harness::client::{Answer, Client};
use harness::content::{digest, noise, push_blob};
use harness::memory::registry;
use http::Method;
use serde_json::json;
use shared::oci::{Algorithm, Digest};

const TEN: Bytes = Bytes::from_static(b"0123456789");
const MIB: usize = 1024 * 1024;
const UPLOADS: &str = "/v2/team/app/blobs/uploads/";

/// A new upload's path.
async fn begin(client: &Client) -> String {
    began(&client.post(UPLOADS).await)
}

/// The path of the upload that this answer began, after a look at the whole of it.
#[track_caller]
fn began(answer: &Answer) -> String {
    stands(answer, 202, "0-0");
    answer.header("location").to_owned()
}

/// The answer says, in every way there is, where the upload goes on.
#[track_caller]
fn stands(answer: &Answer, status: u16, range: &str) {
    let location = answer.header("location").to_owned();
    let id = location.strip_prefix(UPLOADS).unwrap_or_else(|| panic!("{answer:?}"));
    answer.expect(status, &[("location", &location), ("docker-upload-uuid", id), ("range", range)]);
}

/// The answer refuses bytes that go elsewhere, and says where the upload goes on.
#[track_caller]
fn refused(answer: &Answer, upload: &str, range: &str) {
    let id = upload.rsplit('/').next().unwrap_or_default();
    let headers = [("location", upload), ("docker-upload-uuid", id), ("range", range)];
    answer.expect_error(416, "RANGE_INVALID", &headers);
}

/// The blob was taken in.
#[track_caller]
fn stored(answer: &Answer, digest: &Digest) {
    let blob = format!("/v2/team/app/blobs/{digest}");
    answer.expect(201, &[("location", &blob), ("docker-content-digest", digest.as_str())]);
}

async fn assert_there(client: &Client, digest: &Digest, content: &Bytes) {
    let got = client.get(format!("/v2/team/app/blobs/{digest}")).await;
    assert!(got.status == 200 && got.body == *content, "{} and {} bytes", got.status, got.body.len());
}

async fn assert_absent(client: &Client, digest: &Digest) {
    client.get(format!("/v2/team/app/blobs/{digest}")).await.expect_error(404, "BLOB_UNKNOWN", &[]);
}

async fn patch(client: &Client, upload: &str, body: impl Into<Bytes>) -> Answer {
    client.call(Method::PATCH, upload).body(body).send().await
}

async fn patch_range(client: &Client, upload: &str, range: &str, body: impl Into<Bytes>) -> Answer {
    client.call(Method::PATCH, upload).header("content-range", range).body(body).send().await
}

async fn put(client: &Client, upload: &str, digest: &Digest, body: impl Into<Bytes>) -> Answer {
    client.call(Method::PUT, format!("{upload}?digest={digest}")).body(body).send().await
}

fn sha512(content: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha512, content)
}

#[tokio::test]
async fn an_upload_begins_at_a_place_of_its_own() {
    let client = registry().await;
    let (one, other) = (begin(&client).await, begin(&client).await);
    assert_ne!(one, other);
    // Relative, and in characters that no client escapes.
    let id = one.strip_prefix(UPLOADS).unwrap_or_default();
    assert!(!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)), "{one}");
    assert_eq!(client.post("/v2/team/app/blobs/uploads").await.status, 202, "with or without a slash");
}

#[tokio::test]
async fn a_blob_comes_in_the_body_of_the_post() {
    let client = registry().await;
    for content in [Bytes::new(), TEN, noise(1, 4 * MIB), noise(2, 4 * MIB + 1), noise(3, 9 * MIB)] {
        for digest in [digest(&content), sha512(&content)] {
            let target = format!("{UPLOADS}?digest={digest}");
            stored(&client.call(Method::POST, target).body(content.clone()).send().await, &digest);
            assert_there(&client, &digest, &content).await;
        }
    }
}

#[tokio::test]
async fn a_post_whose_body_is_something_else_leaves_nothing() {
    let client = registry().await;
    for content in [TEN, noise(4, 5 * MIB)] {
        let (wrong, actual) = (digest(b"something else"), digest(&content));
        let post = client.call(Method::POST, format!("{UPLOADS}?digest={wrong}")).body(content).send().await;
        let detail = post.expect_error(400, "DIGEST_INVALID", &[]);
        assert_eq!(detail, json!({ "expected": wrong, "actual": actual }));
        assert_absent(&client, &wrong).await;
        assert_absent(&client, &actual).await;
    }
    client.post(format!("{UPLOADS}?digest=sha256:short")).await.expect_error(400, "DIGEST_INVALID", &[]);
}

#[tokio::test]
async fn a_blob_is_mounted_from_the_repository_that_has_it() {
    let client = registry().await;
    let digest = push_blob(&client, "team/base", &TEN).await;
    stored(&client.post(format!("{UPLOADS}?mount={digest}&from=team/base")).await, &digest);
    assert_there(&client, &digest, &TEN).await;
    stored(&client.post(format!("{UPLOADS}?from=team%2Fbase&mount={}", escaped(&digest))).await, &digest);
}

#[tokio::test]
async fn a_blob_is_mounted_from_anywhere_when_no_place_is_named() {
    let client = registry().await;
    let digest = push_blob(&client, "team/base", &TEN).await;
    stored(&client.post(format!("{UPLOADS}?mount={digest}")).await, &digest);
    assert_there(&client, &digest, &TEN).await;
}

#[tokio::test]
async fn a_mount_of_what_is_not_there_begins_an_upload() {
    let client = registry().await;
    let pushed = push_blob(&client, "team/base", &TEN).await;
    let other = digest(b"other");
    for query in [
        format!("mount={other}&from=team/base"),
        format!("mount={other}"),
        format!("mount={pushed}&from=team/elsewhere"),
    ] {
        let upload = began(&client.post(format!("{UPLOADS}?{query}")).await);
        assert_absent(&client, &pushed).await;
        stored(&put(&client, &upload, &other, "other").await, &other);
        client
            .delete(format!("/v2/team/app/blobs/{other}"))
            .await
            .expect(202, &[("docker-content-digest", other.as_str())]);
    }
}

#[tokio::test]
async fn a_mount_of_nonsense_is_a_bad_request() {
    let client = registry().await;
    client.post(format!("{UPLOADS}?mount=nonsense&from=a")).await.expect_error(400, "DIGEST_INVALID", &[]);
    let digest = digest(&TEN);
    client.post(format!("{UPLOADS}?mount={digest}&from=../a")).await.expect_error(400, "NAME_INVALID", &[]);
}

#[tokio::test]
async fn a_streamed_patch_says_exactly_what_it_took() {
    let client = registry().await;
    let upload = begin(&client).await;
    let pieces = [Bytes::from_static(b"01234"), Bytes::from_static(b"56789")];
    let patched = client.call(Method::PATCH, &upload).stream(pieces).send().await;
    stands(&patched, 202, "0-9");
    let patched = patch(&client, patched.header("location"), "abc").await;
    stands(&patched, 202, "0-12");
    stands(&client.get(&upload).await, 204, "0-12");
    let whole = Bytes::from_static(b"0123456789abc");
    stored(&put(&client, patched.header("location"), &digest(&whole), "").await, &digest(&whole));
    assert_there(&client, &digest(&whole), &whole).await;
}

#[tokio::test]
async fn chunks_are_taken_in_order() {
    let client = registry().await;
    let upload = begin(&client).await;
    stands(&patch_range(&client, &upload, "0-2", "012").await, 202, "0-2");
    stands(&patch_range(&client, &upload, "bytes 3-5", "345").await, 202, "0-5");
    stands(&patch_range(&client, &upload, "bytes 6-8/10", "678").await, 202, "0-8");
    let put = client.call(Method::PUT, format!("{upload}?digest={}", digest(&TEN)));
    stored(&put.header("content-range", "9-9").body("9").send().await, &digest(&TEN));
    assert_there(&client, &digest(&TEN), &TEN).await;
}

#[tokio::test]
async fn a_chunk_out_of_order_is_told_where_the_upload_goes_on() {
    let client = registry().await;
    let upload = begin(&client).await;
    refused(&patch_range(&client, &upload, "5-9", "56789").await, &upload, "0-0");
    stands(&patch_range(&client, &upload, "0-4", "01234").await, 202, "0-4");
    for range in ["0-4", "4-8", "6-10"] {
        refused(&patch_range(&client, &upload, range, "56789").await, &upload, "0-4");
    }
    let late = client.call(Method::PUT, format!("{upload}?digest={}", digest(&TEN)));
    refused(&late.header("content-range", "6-10").body("56789").send().await, &upload, "0-4");
    stands(&patch_range(&client, &upload, "5-9", "56789").await, 202, "0-9");
    stored(&put(&client, &upload, &digest(&TEN), "").await, &digest(&TEN));
}

#[tokio::test]
async fn a_chunk_of_another_length_than_it_says_is_not_taken() {
    let client = registry().await;
    let upload = begin(&client).await;
    for body in ["0123", "012345"] {
        patch_range(&client, &upload, "0-4", body).await.expect_error(400, "SIZE_INVALID", &[]);
        let streamed = client.call(Method::PATCH, &upload).header("content-range", "0-4").stream([body.into()]);
        streamed.send().await.expect_error(400, "SIZE_INVALID", &[]);
        let put = client.call(Method::PUT, format!("{upload}?digest={}", digest(body.as_bytes())));
        put.header("content-range", "0-4").stream([body.into()]).send().await.expect_error(400, "SIZE_INVALID", &[]);
    }
    stands(&client.get(&upload).await, 204, "0-0");
    stands(&patch_range(&client, &upload, "0-4", "01234").await, 202, "0-4");
    let put = client.call(Method::PUT, format!("{upload}?digest={}", digest(&TEN))).header("content-range", "5-9");
    put.stream(["5678".into()]).send().await.expect_error(400, "SIZE_INVALID", &[]);
    stands(&client.get(&upload).await, 204, "0-4");
}

#[tokio::test]
async fn a_content_range_that_is_none_is_a_bad_request() {
    let client = registry().await;
    let upload = begin(&client).await;
    for range in ["9-0", "a-b", "bytes */10", "0-", "-9", "0-9/5", "items 0-9"] {
        patch_range(&client, &upload, range, TEN).await.expect_error(400, "RANGE_INVALID", &[]);
    }
    stands(&client.get(&upload).await, 204, "0-0");
}

#[tokio::test]
async fn an_upload_is_completed_by_one_put() {
    let client = registry().await;
    for content in [Bytes::new(), TEN, noise(5, 5 * MIB)] {
        for digest in [digest(&content), sha512(&content)] {
            let upload = begin(&client).await;
            stored(&put(&client, &upload, &digest, content.clone()).await, &digest);
            assert_there(&client, &digest, &content).await;
        }
    }
}

#[tokio::test]
async fn an_upload_is_completed_by_a_put_with_the_last_bytes() {
    let client = registry().await;
    let content = noise(6, 11 * MIB);
    for cut in [1, MIB, 6 * MIB] {
        let upload = begin(&client).await;
        assert_eq!(patch(&client, &upload, content.slice(..cut)).await.status, 202);
        stored(&put(&client, &upload, &digest(&content), content.slice(cut..)).await, &digest(&content));
        assert_there(&client, &digest(&content), &content).await;
        assert_eq!(client.delete(format!("/v2/team/app/blobs/{}", digest(&content))).await.status, 202);
    }
}

#[tokio::test]
async fn a_large_patch_arrives_whole() {
    let client = registry().await;
    let pieces: Vec<_> = (0..33).map(|_| noise(7, MIB / 3)).collect();
    let content = Bytes::from(pieces.concat());
    let upload = begin(&client).await;
    let patched = client.call(Method::PATCH, &upload).stream(pieces).send().await;
    stands(&patched, 202, &format!("0-{}", content.len() - 1));
    stored(&put(&client, &upload, &digest(&content), "").await, &digest(&content));
    assert_there(&client, &digest(&content), &content).await;
}

#[tokio::test]
async fn the_digest_may_stand_anywhere_in_the_query_beside_what_means_nothing() {
    let client = registry().await;
    let digest = digest(&TEN);
    for query in [
        format!("digest={digest}&ns=docker.io"),
        format!("ns=registry.example%3A5000&account=someone&digest={digest}"),
        format!("from=NO..NAME&digest={}&_state=x", escaped(&digest)),
    ] {
        let upload = begin(&client).await;
        stored(&client.call(Method::PUT, format!("{upload}?{query}")).body(TEN).send().await, &digest);
    }
}

#[tokio::test]
async fn an_upload_without_a_digest_goes_on() {
    let client = registry().await;
    let upload = begin(&client).await;
    for target in [upload.clone(), format!("{upload}?digest="), format!("{upload}?digest=sha256:zz")] {
        let put = client.call(Method::PUT, target).body(TEN).send().await;
        put.expect_error(400, "DIGEST_INVALID", &[]);
    }
    stored(&put(&client, &upload, &digest(&TEN), TEN).await, &digest(&TEN));
}

#[tokio::test]
async fn a_wrong_digest_leaves_the_upload_as_it_was() {
    let client = registry().await;
    let wrong = digest(b"wrong");
    let upload = begin(&client).await;
    let detail = put(&client, &upload, &wrong, TEN).await.expect_error(400, "DIGEST_INVALID", &[]);
    assert_eq!(detail, json!({ "expected": wrong, "actual": digest(&TEN) }));
    stands(&client.get(&upload).await, 204, "0-0");
    stands(&patch(&client, &upload, "01234").await, 202, "0-4");
    put(&client, &upload, &wrong, "").await.expect_error(400, "DIGEST_INVALID", &[]);
    put(&client, &upload, &wrong, "56789").await.expect_error(400, "DIGEST_INVALID", &[]);
    put(&client, &upload, &digest(&TEN), "5678x").await.expect_error(400, "DIGEST_INVALID", &[]);
    stands(&client.get(&upload).await, 204, "0-4");
    assert_absent(&client, &wrong).await;
    stored(&put(&client, &upload, &digest(&TEN), "56789").await, &digest(&TEN));
    assert_there(&client, &digest(&TEN), &TEN).await;
}

#[tokio::test]
async fn a_put_that_is_repeated_after_it_succeeded_succeeds() {
    let client = registry().await;
    for content in [TEN, noise(8, 5 * MIB)] {
        let upload = begin(&client).await;
        for _ in 0..3 {
            stored(&put(&client, &upload, &digest(&content), content.clone()).await, &digest(&content));
        }
        put(&client, &upload, &digest(b"other"), "other").await.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
        patch(&client, &upload, "more").await.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
        client.get(&upload).await.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
        client.delete(&upload).await.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
        assert_there(&client, &digest(&content), &content).await;
    }
}

#[tokio::test]
async fn a_cancelled_upload_is_gone() {
    let client = registry().await;
    for begun in [Bytes::new(), TEN, noise(9, 9 * MIB)] {
        let upload = begin(&client).await;
        assert_eq!(patch(&client, &upload, begun.clone()).await.status, 202);
        client.delete(&upload).await.expect(204, &[]);
        let answers = [
            client.get(&upload).await,
            patch(&client, &upload, "more").await,
            put(&client, &upload, &digest(&begun), "").await,
            client.delete(&upload).await,
        ];
        for answer in answers {
            answer.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
        }
        assert_absent(&client, &digest(&begun)).await;
    }
}

#[tokio::test]
async fn an_upload_belongs_to_its_repository() {
    let client = registry().await;
    let upload = begin(&client).await;
    let stolen = upload.replace("team/app", "team/other");
    let answers = [
        client.get(&stolen).await,
        patch(&client, &stolen, TEN).await,
        put(&client, &stolen, &digest(&TEN), TEN).await,
        client.delete(&stolen).await,
        client.get(format!("{UPLOADS}{}", "0".repeat(32))).await,
        client.get(format!("{UPLOADS}no-such-upload")).await,
    ];
    for answer in answers {
        answer.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
    }
    stands(&client.get(&upload).await, 204, "0-0");
}

#[tokio::test]
async fn sha512_is_pushed_in_every_shape() {
    let client = registry().await;
    for content in [TEN, noise(10, 5 * MIB)] {
        let digest = sha512(&content);
        for query in ["?digest-algorithm=sha512", "", &format!("?mount={digest}&from=nowhere")] {
            let upload = began(&client.post(format!("{UPLOADS}{query}")).await);
            assert_eq!(patch(&client, &upload, content.slice(..4)).await.status, 202);
            assert_eq!(patch_range(&client, &upload, "4-5", content.slice(4..6)).await.status, 202);
            put(&client, &upload, &digest, "").await.expect_error(400, "DIGEST_INVALID", &[]);
            let upload = began(&client.post(format!("{UPLOADS}{query}")).await);
            assert_eq!(patch(&client, &upload, content.slice(..4)).await.status, 202);
            stored(&put(&client, &upload, &digest, content.slice(4..)).await, &digest);
            assert_there(&client, &digest, &content).await;
        }
    }
}

#[tokio::test]
async fn an_upload_that_announced_sha512_may_end_with_sha256() {
    let client = registry().await;
    let upload = began(&client.post(format!("{UPLOADS}?digest-algorithm=sha512")).await);
    assert_eq!(patch(&client, &upload, TEN).await.status, 202);
    stored(&put(&client, &upload, &digest(&TEN), "").await, &digest(&TEN));
    assert_there(&client, &digest(&TEN), &TEN).await;
}

#[tokio::test]
async fn a_wrong_digest_of_an_algorithm_that_nobody_announced_can_be_put_right() {
    let client = registry().await;
    for content in [TEN, noise(11, 5 * MIB)] {
        let upload = begin(&client).await;
        assert_eq!(patch(&client, &upload, content.clone()).await.status, 202);
        let (wrong, right) = (sha512(b"wrong"), sha512(&content));
        for _ in 0..2 {
            let detail = put(&client, &upload, &wrong, "").await.expect_error(400, "DIGEST_INVALID", &[]);
            assert_eq!(detail, json!({ "expected": wrong, "actual": right }));
            assert_absent(&client, &wrong).await;
            assert_absent(&client, &right).await;
        }
        stored(&put(&client, &upload, &right, "").await, &right);
        assert_there(&client, &right, &content).await;
    }
}

#[tokio::test]
async fn a_digest_alone_is_no_claim_to_a_blob_of_others() {
    let client = registry().await;
    let secret = push_blob(&client, "team/private", &Bytes::from_static(b"secret")).await;
    let upload = begin(&client).await;
    put(&client, &upload, &secret, "guess").await.expect_error(400, "DIGEST_INVALID", &[]);
    assert_eq!(patch(&client, &upload, "guess").await.status, 202);
    put(&client, &upload, &secret, "").await.expect_error(400, "DIGEST_INVALID", &[]);
    // Now its bytes are an object that no digest was right for.
    put(&client, &upload, &sha512(b"wrong"), "").await.expect_error(400, "DIGEST_INVALID", &[]);
    put(&client, &upload, &secret, "").await.expect_error(400, "DIGEST_INVALID", &[]);
    assert_absent(&client, &secret).await;
}

#[tokio::test]
async fn an_unknown_algorithm_is_a_bad_request() {
    let client = registry().await;
    for algorithm in ["md5", "SHA256", "sha1", ""] {
        let post = client.post(format!("{UPLOADS}?digest-algorithm={algorithm}")).await;
        post.expect_error(400, "DIGEST_INVALID", &[]);
    }
}

#[tokio::test]
async fn what_was_pushed_before_can_be_pushed_again() {
    let client = registry().await;
    for _ in 0..3 {
        let upload = begin(&client).await;
        assert_eq!(patch(&client, &upload, TEN).await.status, 202);
        stored(&put(&client, &upload, &digest(&TEN), "").await, &digest(&TEN));
        push_blob(&client, "team/other", &TEN).await;
    }
    assert_there(&client, &digest(&TEN), &TEN).await;
}

/// As a client writes it that escapes everything.
fn escaped(digest: &Digest) -> String {
    digest.as_str().replace(':', "%3A")
}
