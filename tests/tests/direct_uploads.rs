//! Uploads whose bytes go straight into a bucket, as docs/direct-upload.md describes them, against buckets that check
//! signatures, lengths and checksums.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use harness::client::{Answer, Client};
use harness::content::{digest, noise, push_blob};
use harness::stack::Stack;
use http::Method;
use serde_json::{Value, json};
use shared::auth::GateSettings;
use shared::config::Aws;
use shared::http::{Api, Settings};
use shared::oci::{Algorithm, Digest};
use shared::registry::{Registry, Terms};
use shared::storage::ShardedDriver;
use tokio::time::Instant;

const DIRECT: &str = "/v2/team/app/_ringhold/uploads/direct";
const MIB: usize = 1024 * 1024;

/// A registry over buckets of its own, and the clients of both.
struct Bench {
    registry: Registry,
    storage: Arc<ShardedDriver>,
    client: Client,
    bucket: Client,
    stack: Stack,
}

impl Bench {
    /// A registry whose URLs can be used for so long.
    async fn with(url_life: Duration) -> Option<Self> {
        let stack = Stack::fresh().await?;
        let aws = Aws { settings: Some(stack.emulator().sdk_config()), ..Aws::default() };
        let (storage, metadata) = stack.stores().open(&aws).await.expect("the stores can be opened");
        let terms = Terms { url_life: Duration::ZERO, ..Terms::default() };
        let registry = Registry::new(Arc::clone(&storage), metadata, terms);
        let settings = Settings { gate: GateSettings::open(), redirect_above: None, url_life, ..Settings::default() };
        let client = Client::of(Api::new(registry.clone(), settings));
        Some(Self { registry, storage, client, bucket: Client::new(stack.emulator().address()), stack })
    }

    async fn fresh() -> Option<Self> {
        Self::with(Duration::from_mins(5)).await
    }

    /// Begins an upload: its path, and what the registry offers.
    async fn begin(&self, digest: &Digest, size: usize, more: &str) -> (String, Value) {
        let answer = self.client.post(format!("{DIRECT}?digest={digest}&size={size}{more}")).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        (answer.header("location").to_owned(), answer.json())
    }

    /// Sends a request to the bucket, as it was told.
    async fn put(&self, request: &Value, bytes: &Bytes) -> Answer {
        let mut call = self.bucket.call(Method::PUT, text(&request["url"])).body(bytes.clone());
        for (name, value) in request["headers"].as_object().expect("headers") {
            call = call.header(name, text(value));
        }
        call.send().await
    }

    async fn end(&self, upload: &str, parts: Value) -> Answer {
        self.client.call(Method::PUT, upload).body(json!({ "parts": parts }).to_string()).send().await
    }

    async fn state(&self, upload: &str) -> String {
        text(&self.client.get(upload).await.json()["state"]).to_owned()
    }

    /// Puts every part of the content; what the end must name.
    async fn put_parts(&self, upload: &str, offer: &Value, content: &Bytes) -> Value {
        let size = usize::try_from(offer["part_size"].as_u64().expect("a size")).expect("it fits");
        let parts: Vec<Bytes> = content.chunks(size).map(Bytes::copy_from_slice).collect();
        let wanted: Vec<_> =
            parts.iter().zip(1..).map(|(part, number)| json!({ "number": number, "checksum": crc(part) })).collect();
        let asked = self.client.call(Method::POST, upload).body(json!({ "parts": wanted }).to_string()).send().await;
        assert_eq!(asked.status, 200, "{asked:?}");
        let mut sent = Vec::new();
        for (part, request) in parts.iter().zip(asked.json()["requests"].as_array().expect("requests")) {
            let put = self.put(request, part).await;
            assert_eq!(put.status, 200, "{put:?}");
            sent.push(json!({ "number": request["number"], "checksum": crc(part), "etag": put.header("etag") }));
        }
        json!(sent)
    }

    async fn work(&self) {
        for _ in 0..3 {
            let worked = self.registry.work(Instant::now() + Duration::from_mins(1)).await.expect("work");
            assert_eq!(worked.failed, 0);
        }
    }

    async fn read(&self, digest: &Digest) -> Answer {
        self.client.get(format!("/v2/team/app/blobs/{digest}")).await
    }

    async fn assert_there(&self, digest: &Digest, content: &Bytes) {
        let got = self.read(digest).await;
        assert!(got.status == 200 && got.body == *content, "{} and {} bytes", got.status, got.body.len());
    }

    async fn assert_absent(&self, digest: &Digest) {
        self.read(digest).await.expect_error(404, "BLOB_UNKNOWN", &[]);
    }

    /// How many objects lie where nothing should stay.
    async fn staged(&self) -> usize {
        use shared::storage::StorageDriver;
        self.storage.list(&"_ringhold".parse().expect("a path"), None, 100).await.expect("a list").len()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn crc(bytes: &Bytes) -> String {
    use base64::Engine;
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes);
    base64::prelude::BASE64_STANDARD.encode(sum.to_be_bytes())
}

#[tokio::test]
async fn a_blob_put_whole_is_there_at_once_and_comes_home() {
    let Some(bench) = Bench::fresh().await else { return };
    let content = noise(1, 50_000);
    let digest = digest(&content);
    let (upload, offer) = bench.begin(&digest, content.len(), "").await;
    assert_eq!((&offer["size"], &offer["parts"], &offer["part_size"]), (&json!(50_000), &json!(1), &json!(50_000)));
    assert_eq!(bench.state(&upload).await, "open");
    let put = bench.put(&offer["requests"][0], &content).await;
    assert_eq!(put.status, 200, "{put:?}");
    bench.assert_absent(&digest).await;
    let location = format!("/v2/team/app/blobs/{digest}");
    let stored = [("location", location.as_str()), ("docker-content-digest", digest.as_str())];
    for _ in 0..2 {
        bench.end(&upload, json!([])).await.expect(201, &stored);
        assert_eq!(bench.state(&upload).await, "stored");
    }
    bench.assert_there(&digest, &content).await;
    let again = bench.client.post(format!("{DIRECT}?digest={digest}&size=50000")).await;
    again.expect(201, &stored);
    bench.work().await;
    bench.assert_there(&digest, &content).await;
    assert_eq!(bench.staged().await, 0);
}

#[tokio::test]
async fn the_end_of_a_whole_upload_costs_one_look_at_the_bucket() {
    let Some(stack) = Stack::fresh().await else { return };
    let aws = Aws { settings: Some(stack.emulator().sdk_config()), ..Aws::default() };
    let (storage, metadata) = stack.stores().open(&aws).await.expect("the stores can be opened");
    let settings = Settings { gate: GateSettings::open(), ..Settings::default() };
    let client = Client::of(Api::new(Registry::new(storage, metadata, Terms::default()), settings));
    let content = noise(1, 50_000);
    let began = client.post(format!("{DIRECT}?digest={}&size=50000", digest(&content))).await;
    assert!(aws.traffic.storage.take().is_empty(), "to begin asks the bucket nothing");
    let request = &began.json()["requests"][0];
    let bucket = Client::new(stack.emulator().address());
    let mut put = bucket.call(Method::PUT, text(&request["url"])).body(content.clone());
    for (name, value) in request["headers"].as_object().expect("headers") {
        put = put.header(name, text(value));
    }
    assert_eq!(put.send().await.status, 200);
    drop(aws.traffic.metadata.take());
    assert_eq!(client.call(Method::PUT, began.header("location")).send().await.status, 201);
    let counted = |calls: &shared::calls::Calls| calls.take().into_iter().collect::<Vec<_>>();
    assert_eq!(counted(&aws.traffic.storage), [("HeadObject".to_owned(), 1)]);
    assert_eq!(counted(&aws.traffic.metadata), [("TransactWriteItems".to_owned(), 1), ("UpdateItem".to_owned(), 1)]);
}

#[tokio::test]
async fn a_wrong_body_is_refused_by_the_bucket_and_leaves_nothing_visible() {
    let Some(bench) = Bench::fresh().await else { return };
    let (content, other) = (noise(1, 50_000), noise(2, 50_000));
    let digest = digest(&content);
    let (upload, offer) = bench.begin(&digest, content.len(), "").await;
    let request = &offer["requests"][0];
    assert_eq!(bench.put(request, &other).await.status, 400, "other bytes");
    let mut longer = request.clone();
    longer["headers"]["content-length"] = json!("50001");
    assert_eq!(bench.put(&longer, &noise(1, 50_001)).await.status, 403, "another length than was signed");
    bench.end(&upload, json!([])).await.expect_error(400, "BLOB_UPLOAD_INVALID", &[]);
    bench.assert_absent(&digest).await;
    assert_eq!(bench.staged().await, 0);
    assert_eq!(bench.put(request, &content).await.status, 200, "the upload goes on");
    assert_eq!(bench.end(&upload, json!([])).await.status, 201);
}

#[tokio::test]
async fn an_altered_url_is_refused_by_the_bucket() {
    let Some(bench) = Bench::fresh().await else { return };
    let content = noise(1, 50_000);
    let digest = digest(&content);
    let (_, offer) = bench.begin(&digest, content.len(), "").await;
    let request = &offer["requests"][0];
    let url = text(&request["url"]);
    let hex = digest.hex();
    let home = format!("docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]);
    let staged = url.split("_ringhold").nth(1).and_then(|rest| rest.split('?').next()).expect("a staged path");
    for altered in
        [url.replace(&format!("_ringhold{staged}"), &home), url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000")]
    {
        assert_ne!(altered, url);
        let mut request = request.clone();
        request["url"] = json!(altered);
        assert_eq!(bench.put(&request, &content).await.status, 403);
    }
    let mut request = request.clone();
    request["headers"]["x-amz-checksum-sha256"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_eq!(bench.put(&request, &content).await.status, 403);
    bench.assert_absent(&digest).await;
}

#[tokio::test]
async fn an_expired_url_is_refused_and_can_be_renewed() {
    let Some(bench) = Bench::with(Duration::from_secs(1)).await else { return };
    let content = noise(1, 50_000);
    let digest = digest(&content);
    let (upload, offer) = bench.begin(&digest, content.len(), "").await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(bench.put(&offer["requests"][0], &content).await.status, 403);
    bench.end(&upload, json!([])).await.expect_error(400, "BLOB_UPLOAD_INVALID", &[]);
    let renewed = bench.client.post(upload.clone()).await;
    assert_eq!(renewed.status, 200, "{renewed:?}");
    assert_eq!(bench.put(&renewed.json()["requests"][0], &content).await.status, 200);
    assert_eq!(bench.end(&upload, json!([])).await.status, 201);
}

#[tokio::test]
async fn a_url_used_again_changes_nothing_that_is_read_and_is_swept() {
    let Some(bench) = Bench::fresh().await else { return };
    let content = noise(1, 50_000);
    let digest = digest(&content);
    let (upload, offer) = bench.begin(&digest, content.len(), "").await;
    assert_eq!(bench.put(&offer["requests"][0], &content).await.status, 200);
    assert_eq!(bench.end(&upload, json!([])).await.status, 201);
    bench.work().await;
    assert_eq!(bench.put(&offer["requests"][0], &content).await.status, 200);
    bench.assert_there(&digest, &content).await;
    assert_eq!(bench.staged().await, 1);
    let aws = Aws { settings: Some(bench.stack.emulator().sdk_config()), ..Aws::default() };
    let (storage, metadata) = bench.stack.stores().open(&aws).await.expect("the stores can be opened");
    let later = Registry::new(storage, metadata, Terms { session: Duration::ZERO, ..Terms::default() });
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(later.sweep().await.expect("a sweep").objects, 1);
    assert_eq!(bench.staged().await, 0);
    bench.assert_there(&digest, &content).await;
}

#[tokio::test]
async fn knowing_a_digest_is_not_having_its_bytes() {
    let Some(bench) = Bench::fresh().await else { return };
    let content = noise(1, 50_000);
    let digest = push_blob(&bench.client, "team/secret", &content).await;
    for more in ["", "&parts=true"] {
        let (upload, _) = bench.begin(&digest, content.len(), more).await;
        bench.end(&upload, json!([])).await.expect_error(400, "BLOB_UPLOAD_INVALID", &[]);
        let invented = json!([{ "number": 1, "checksum": crc(&content), "etag": "\"e\"" }]);
        assert_eq!(bench.end(&upload, invented).await.status, 400);
        bench.work().await;
        bench.assert_absent(&digest).await;
    }
}

#[tokio::test]
async fn parts_are_verified_before_anybody_can_read_them() {
    let Some(bench) = Bench::fresh().await else { return };
    let content = noise(1, 70 * MIB);
    for algorithm in Algorithm::ALL {
        let digest = Digest::of(algorithm, &content);
        let (upload, offer) = bench.begin(&digest, content.len(), "&parts=true").await;
        assert_eq!((&offer["parts"], &offer["requests"]), (&json!(3), &json!([])));
        let sent = bench.put_parts(&upload, &offer, &content).await;
        for _ in 0..2 {
            let ended = bench.end(&upload, sent.clone()).await;
            assert_eq!((ended.status.as_u16(), ended.header("location")), (202, upload.as_str()), "{ended:?}");
        }
        assert_eq!(bench.state(&upload).await, "verifying");
        bench.assert_absent(&digest).await;
        bench.work().await;
        assert_eq!(bench.state(&upload).await, "stored");
        assert_eq!(bench.end(&upload, sent).await.status, 201);
        bench.assert_there(&digest, &content).await;
        assert_eq!(bench.staged().await, 0);
    }
}

#[tokio::test]
async fn parts_that_are_not_what_the_digest_says_are_refused_and_removed() {
    let Some(bench) = Bench::fresh().await else { return };
    let (content, other) = (noise(1, 40 * MIB), noise(2, 40 * MIB));
    let digest = digest(&content);
    let (upload, offer) = bench.begin(&digest, content.len(), "&parts=true").await;
    let sent = bench.put_parts(&upload, &offer, &other).await;
    assert_eq!(bench.end(&upload, json!([sent[0]])).await.code(), "BLOB_UPLOAD_INVALID", "a part is missing");
    assert_eq!(bench.end(&upload, sent.clone()).await.status, 202);
    bench.work().await;
    assert_eq!(bench.state(&upload).await, "refused");
    bench.end(&upload, sent).await.expect_error(400, "DIGEST_INVALID", &[]);
    bench.assert_absent(&digest).await;
    assert_eq!(bench.staged().await, 0);
}

#[tokio::test]
async fn an_upload_that_was_given_up_is_unknown_and_leaves_nothing() {
    let Some(bench) = Bench::fresh().await else { return };
    let content = noise(1, 50_000);
    let (upload, offer) = bench.begin(&digest(&content), content.len(), "").await;
    assert_eq!(bench.put(&offer["requests"][0], &content).await.status, 200);
    bench.client.delete(upload.clone()).await.expect(204, &[]);
    assert_eq!(bench.staged().await, 0);
    for answer in [bench.client.get(upload.clone()).await, bench.end(&upload, json!([])).await] {
        answer.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
    }
}

#[tokio::test]
async fn the_two_kinds_of_upload_do_not_know_each_other() {
    let Some(bench) = Bench::fresh().await else { return };
    let (upload, _) = bench.begin(&digest(b"content"), 7, "").await;
    let id = upload.rsplit('/').next().expect("an id").to_owned();
    let plain = format!("/v2/team/app/blobs/uploads/{id}");
    bench.client.get(plain.clone()).await.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
    let patched = bench.client.call(Method::PATCH, plain.clone()).body("content").send().await;
    patched.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
    bench.client.delete(plain).await.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
    let other = upload.replace("team/app", "team/other");
    bench.end(&other, json!([])).await.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
    let began = bench.client.post("/v2/team/app/blobs/uploads/").await;
    let id = began.header("location").rsplit('/').next().expect("an id").to_owned();
    bench.end(&format!("{DIRECT}/{id}"), json!([])).await.expect_error(404, "BLOB_UPLOAD_UNKNOWN", &[]);
}

#[tokio::test]
async fn what_cannot_be_begun_is_said_so() {
    let Some(bench) = Bench::fresh().await else { return };
    let digest = digest(b"content");
    for (query, code) in [
        (String::new(), "DIGEST_INVALID"),
        ("?digest=sha256:no&size=7".to_owned(), "DIGEST_INVALID"),
        (format!("?digest={digest}"), "SIZE_INVALID"),
        (format!("?digest={digest}&size=-1"), "SIZE_INVALID"),
        (format!("?digest={digest}&size={}", u64::MAX), "SIZE_INVALID"),
    ] {
        bench.client.post(format!("{DIRECT}{query}")).await.expect_error(400, code, &[]);
    }
    let (upload, _) = bench.begin(&digest, 7, "&parts=true").await;
    for (body, status) in [("[", 400), (r#"{"parts":[{"number":2,"checksum":"AAAAAAAAAAA="}]}"#, 400)] {
        let answer = bench.client.call(Method::POST, upload.clone()).body(body).send().await;
        answer.expect_error(status, "BLOB_UPLOAD_INVALID", &[]);
    }
    let discovered = bench.client.get("/v2/_oci/ext/discover").await;
    assert_eq!(discovered.json()["extensions"][0]["endpoints"], json!(["_ringhold/uploads/direct"]));
}

#[tokio::test]
async fn a_registry_without_urls_has_no_direct_uploads() {
    let client = harness::memory::registry().await;
    let digest = digest(b"content");
    let answer = client.post(format!("{DIRECT}?digest={digest}&size=7")).await;
    answer.expect_error(405, "UNSUPPORTED", &[]);
    assert_eq!(client.get("/v2/team/app/_oci/ext/discover").await.json(), json!({ "extensions": [] }));
}
