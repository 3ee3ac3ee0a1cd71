//! The functions' own binaries behind the runtime API, with the wire to AWS watched, and broken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use harness::content::{digest, noise};
use harness::emulator::emulator;
use harness::lambda::{Environment, Outcome};
use harness::server::built;
use harness::stack::Stack;
use harness::wire::{Fault, Sent, Wire};
use http::Method;
use serde_json::{Value, json};
use shared::config::Aws;
use shared::oci::Digest;
use shared::storage::ShardedDriver;

/// Three buckets, a table, and a wire to them that can be cut.
struct Watched {
    stack: Stack,
    wire: Wire,
}

impl Watched {
    async fn fresh() -> Option<Self> {
        let stack = Stack::fresh().await?;
        let wire = Wire::to(emulator()?.address());
        Some(Self { stack, wire })
    }

    /// The environment of its functions.
    fn variables(&self) -> Vec<(String, String)> {
        self.stack.variables(&self.wire.endpoint())
    }

    async fn start(&self, function: &str) -> Environment {
        Environment::start(&built(function), &self.variables()).await
    }

    /// The same, once it waits for its first event; what it has sent by then is forgotten.
    async fn started(&self, function: &str) -> Environment {
        let environment = self.start(function).await;
        environment.initialised().await;
        self.wire.take();
        environment
    }

    async fn storage(&self) -> Arc<ShardedDriver> {
        let aws = Aws { settings: Some(self.stack.emulator().sdk_config()), ..Aws::default() };
        self.stack.stores().open(&aws).await.expect("the stores can be opened").0
    }
}

/// A request as an HTTP API passes it on.
fn request(method: &Method, target: &str, body: &[u8]) -> Value {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    json!({
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": { "content-length": body.len().to_string() },
        "requestContext": { "requestId": "gateway-id", "stage": "$default", "http": { "method": method.as_str() } },
        "body": BASE64_STANDARD.encode(body),
        "isBase64Encoded": true,
    })
}

/// An answer's status, headers and body.
fn answer(outcome: Outcome) -> (u64, BTreeMap<String, String>, Vec<u8>) {
    let answer = outcome.unwrap_or_else(|error| panic!("the gateway would make a 502 of this: {error}"));
    let headers = serde_json::from_value(answer["headers"].clone()).expect("headers");
    let body = BASE64_STANDARD.decode(answer["body"].as_str().unwrap_or_default()).expect("base64");
    (answer["statusCode"].as_u64().expect("a status"), headers, body)
}

/// Panics unless this says that the registry cannot answer now, in the specification's words.
#[track_caller]
fn expect_unavailable(outcome: Outcome) {
    let (status, headers, body) = answer(outcome);
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!((status, &body["errors"][0]["code"]), (503, &json!("UNAVAILABLE")), "{body}");
    assert_eq!(headers["retry-after"], "2");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["x-request-id"], "gateway-id");
}

fn blob(digest: &Digest) -> String {
    format!("/v2/team/app/blobs/{digest}")
}

fn push(content: &[u8]) -> Value {
    request(&Method::POST, &format!("/v2/team/app/blobs/uploads/?digest={}", digest(content)), content)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_start_reads_the_ring_and_opens_the_connections_that_pay() {
    let Some(watched) = Watched::fresh().await else { return };
    // The very first environment writes the ring; all others find it.
    drop(watched.started("fallback").await);
    for function in ["blobs", "manifests", "tags", "fallback", "uploads", "maintenance"] {
        let environment = watched.start(function).await;
        environment.initialised().await;
        let sent = watched.wire.take();
        let (to_table, to_buckets): (Vec<_>, Vec<_>) = sent.iter().partition(|sent| sent.to_table());
        let operations: Vec<_> = to_table.iter().filter_map(|sent| sent.operation.as_deref()).collect();
        let expected: &[&str] = if function == "maintenance" { &[] } else { &["Query"] };
        assert_eq!(operations, expected, "{function}");
        let methods: Vec<_> = to_buckets.iter().map(|sent| &*sent.method).collect();
        let expected: &[&str] = if function == "uploads" { &["HEAD"] } else { &[] };
        assert_eq!(methods, expected, "{function}: {to_buckets:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_one_line_of_log_and_metrics() {
    let Some(watched) = Watched::fresh().await else { return };
    drop(watched.started("fallback").await);
    let mut variables = watched.variables();
    variables.push(("RINGHOLD_LOG".to_owned(), "trace".to_owned()));
    let tags = Environment::start(&built("tags"), &variables).await;
    for _ in 0..2 {
        let mut event = request(&Method::GET, "/v2/a/tags/list?n=secret", b"secret");
        event["headers"]["authorization"] = json!("Bearer secret");
        let (status, ..) = answer(tags.invoke(event).await);
        assert_eq!(status, 400);
    }
    let (status, ..) = answer(tags.invoke(request(&Method::GET, "/v2/a/tags/list", b"")).await);
    assert_eq!(status, 404);
    let written = tags.stop();
    let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    let seen = |name: &str| answered.iter().map(|line| line[name].clone()).collect::<Vec<_>>();
    assert_eq!(seen("ColdStarts"), [1, 0, 0]);
    assert_eq!(seen("status"), [400, 400, 404]);
    assert_eq!(seen("gateway"), ["gateway-id"; 3]);
    assert_eq!(seen("Registry"), vec![watched.stack.table(); 3]);
    assert_eq!(seen("MetadataCalls"), [1, 0, 2], "the first counts the start as well");
    assert!(answered.iter().all(|line| line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Ringhold"));
    for secret in ["secret", &BASE64_STANDARD.encode("secret"), "Signature=", "Credential="] {
        assert!(!written.contains(secret), "{secret} in {written}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_and_all_buckets_share_the_connection_that_the_start_opened() {
    let Some(watched) = Watched::fresh().await else { return };
    drop(watched.started("fallback").await);
    let before = watched.wire.connections();
    let uploads = watched.started("uploads").await;
    for seed in 50..60 {
        assert_eq!(answer(uploads.invoke(push(&noise(seed, 500))).await).0, 201);
    }
    let buckets = watched.stack.buckets();
    let sent = watched.wire.take();
    assert!(buckets.iter().all(|bucket| sent.iter().any(|sent| sent.to_bucket(bucket))), "{sent:?}");
    push_in_parts(&uploads).await;
    let parts = watched.wire.take().iter().filter(|sent| sent.method == "POST" && !sent.to_table()).count();
    assert!(parts > 0, "no upload in parts was begun or ended");
    assert_eq!(watched.wire.connections() - before, 1);
}

/// Pushes a layer that is too large for one request.
async fn push_in_parts(uploads: &Environment) {
    let layer = noise(70, 9 << 20);
    let begin = request(&Method::POST, "/v2/team/app/blobs/uploads/", b"");
    let mut place = answer(uploads.invoke(begin).await).1.remove("location").expect("a location");
    let mut first = 0;
    for chunk in layer.chunks(4 << 20) {
        let mut patch = request(&Method::PATCH, &place, chunk);
        patch["headers"]["content-range"] = json!(format!("{first}-{}", first + chunk.len() - 1));
        first += chunk.len();
        let (status, mut headers, _) = answer(uploads.invoke(patch).await);
        assert_eq!(status, 202);
        place = headers.remove("location").expect("a location");
    }
    let end = format!("{place}{}digest={}", if place.contains('?') { '&' } else { '?' }, digest(&layer));
    assert_eq!(answer(uploads.invoke(request(&Method::PUT, &end, b"")).await).0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_bucket_delays_neither_a_start_nor_what_lies_elsewhere() {
    let Some(watched) = Watched::fresh().await else { return };
    drop(watched.started("fallback").await);
    watched.wire.fail(Fault::Silent, |sent| !sent.to_table());
    let uploads = watched.start("uploads").await;
    assert!(uploads.initialised().await < Duration::from_secs(9), "Lambda would begin the start anew");
    let begun = uploads.invoke(request(&Method::POST, "/v2/team/app/blobs/uploads/", b"")).await;
    assert_eq!(answer(begun).0, 202);
    expect_unavailable(uploads.invoke_within(push(b"content"), Duration::from_secs(4)).await);
}

/// What is given up is let go of at once, before the process stands still.
#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_was_given_up_can_be_sent_again_at_once() {
    let Some(watched) = Watched::fresh().await else { return };
    let uploads = watched.started("uploads").await;
    let (_, begun, _) = answer(uploads.invoke(request(&Method::POST, "/v2/team/app/blobs/uploads/", b"")).await);
    let patch = request(&Method::PATCH, &begun["location"], &noise(60, 1000));
    watched.wire.fail(Fault::Silent, |sent| !sent.to_table());
    expect_unavailable(uploads.invoke_within(patch.clone(), Duration::from_secs(4)).await);
    watched.wire.heal();
    assert_eq!(answer(uploads.invoke(patch).await).0, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_used_end_the_process_with_all_mistakes() {
    let variables = [("RINGHOLD_URL_LIFE", "soon"), ("RINGHOLD_REDIRECT_ABOVE", "5000000")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (well, written) = Environment::start(&built("blobs"), &variables).await.ended();
    assert!(!well);
    for name in ["RINGHOLD_STORAGE", "RINGHOLD_METADATA", "RINGHOLD_URL_LIFE", "RINGHOLD_REDIRECT_ABOVE"] {
        assert!(written.contains(name), "{name} in {written}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_was_not_opened_turns_everybody_away_and_says_the_challenge_twice() {
    let Some(watched) = Watched::fresh().await else { return };
    let mut variables = watched.variables();
    variables.retain(|(name, _)| name != "RINGHOLD_INSECURE_OPEN");
    let fallback = Environment::start(&built("fallback"), &variables).await;
    for (method, target) in
        [(Method::GET, "/v2/"), (Method::HEAD, "/v2/a/manifests/b"), (Method::POST, "/v2/a/blobs/uploads/")]
    {
        let (status, headers, body) = answer(fallback.invoke(request(&method, target, b"")).await);
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((status, &body["errors"][0]["code"]), (401, &json!("UNAUTHORIZED")), "{method} {target}");
        let challenge = headers["www-authenticate"].as_str();
        let realm = "Bearer realm=\"https://localhost/token\",service=\"ringhold\"";
        assert!(challenge.starts_with(realm), "{method} {target}: {challenge}");
        assert_eq!(headers["x-registry-challenge"], headers["www-authenticate"]);
    }
    assert_eq!(answer(fallback.invoke(request(&Method::GET, "/healthz", b"")).await).0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_answers_only_for_its_own_routes() {
    let Some(watched) = Watched::fresh().await else { return };
    let blobs = watched.started("blobs").await;
    assert_eq!(answer(blobs.invoke(request(&Method::GET, "/v2/a/tags/list", b"")).await).0, 421);
    assert_eq!(answer(blobs.invoke(request(&Method::GET, &blob(&digest(b"")), b"")).await).0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_above_four_mebibytes_is_told_the_ways_out() {
    let Some(watched) = Watched::fresh().await else { return };
    let uploads = watched.started("uploads").await;
    let most = noise(1, 4 * 1024 * 1024);
    assert_eq!(answer(uploads.invoke(push(&most)).await).0, 201);
    let more = noise(1, most.len() + 1);
    for target in [
        format!("/v2/team/app/blobs/uploads/?digest={}", digest(&more)),
        format!("/v2/team/app/blobs/uploads/{}", "0".repeat(32)),
    ] {
        let method = if target.contains('?') { Method::POST } else { Method::PATCH };
        let (status, _, body) = answer(uploads.invoke(request(&method, &target, &more)).await);
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        let error = &body["errors"][0];
        assert_eq!((status, &error["code"]), (413, &json!("UNSUPPORTED")), "{body}");
        let message = error["message"].as_str().expect("a sentence");
        for way in ["4194304", "chunks", "regctl", "ringhold serve"] {
            assert!(message.contains(way), "{message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_gone_is_a_503_whatever_is_asked() {
    let Some(watched) = Watched::fresh().await else { return };
    let fallback = watched.started("fallback").await;
    let content = noise(2, 1000);
    assert_eq!(answer(fallback.invoke(push(&content)).await).0, 201);
    let name = digest(&content);
    let requests = [
        request(&Method::GET, "/v2/team/app/tags/list", b""),
        request(&Method::HEAD, &blob(&name), b""),
        request(&Method::GET, "/v2/team/app/manifests/latest", b""),
        request(&Method::POST, "/v2/team/app/blobs/uploads/", b""),
        push(b"other"),
    ];
    watched.wire.fail(Fault::Refused, Sent::to_table);
    for request in &requests {
        expect_unavailable(fallback.invoke(request.clone()).await);
    }
    watched.wire.fail(Fault::Unavailable, Sent::to_table);
    expect_unavailable(fallback.invoke(requests[1].clone()).await);
    watched.wire.fail(Fault::Silent, Sent::to_table);
    expect_unavailable(fallback.invoke_within(requests[0].clone(), Duration::from_secs(3)).await);
    watched.wire.heal();
    assert_eq!(answer(fallback.invoke(request(&Method::GET, &blob(&name), b"")).await).2, content);
    let other = blob(&digest(b"other"));
    assert_eq!(answer(fallback.invoke(request(&Method::GET, &other, b"")).await).0, 404, "nothing of it is visible");
    assert_eq!(answer(fallback.invoke(push(b"other")).await).0, 201);
    assert_eq!(answer(fallback.invoke(request(&Method::GET, &other, b"")).await).2, b"other");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_gone_at_the_start_is_found_again() {
    let Some(watched) = Watched::fresh().await else { return };
    watched.wire.fail(Fault::Refused, Sent::to_table);
    let tags = watched.start("tags").await;
    expect_unavailable(tags.invoke(request(&Method::GET, "/v2/", b"")).await);
    watched.wire.heal();
    assert_eq!(answer(tags.invoke(request(&Method::GET, "/v2/", b"")).await).0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_gone_in_the_middle_costs_its_own_blobs_a_503_and_no_push() {
    let Some(watched) = Watched::fresh().await else { return };
    let (uploads, blobs) = (watched.started("uploads").await, watched.started("blobs").await);
    let storage = watched.storage().await;
    let gone = watched.stack.buckets()[0].clone();
    let contents: Vec<Bytes> = (100..130).map(|seed| noise(seed, 2000)).collect();
    let is_there = |content: &Bytes| storage.home(&digest(content)).as_str() == gone;
    let hit = contents.iter().find(|content| is_there(content)).expect("one of thirty");
    let spared = contents.iter().find(|content| !is_there(content)).expect("one of thirty");
    for fault in [Fault::Refused, Fault::Unavailable, Fault::AnswerLost] {
        let bucket = gone.clone();
        watched.wire.fail(fault, move |sent| sent.to_bucket(&bucket));
        for content in [hit, spared] {
            assert_eq!(answer(uploads.invoke(push(content)).await).0, 201, "the next bucket takes it");
            assert_eq!(answer(blobs.invoke(request(&Method::GET, &blob(&digest(content)), b"")).await).2, *content);
        }
    }
    watched.wire.heal();
    // A process that does not know that the bucket was gone.
    let uploads = watched.started("uploads").await;
    for content in &contents {
        assert_eq!(answer(uploads.invoke(push(content)).await).0, 201);
        assert_eq!(answer(blobs.invoke(request(&Method::GET, &blob(&digest(content)), b"")).await).2, *content);
    }
    // What is there, and cannot be read. The one that was handed to the next bucket lies there yet.
    let bucket = gone.clone();
    watched.wire.fail(Fault::Refused, move |sent| sent.to_bucket(&bucket));
    for content in &contents {
        let read = blobs.invoke(request(&Method::GET, &blob(&digest(content)), b"")).await;
        if is_there(content) && content != hit {
            expect_unavailable(read);
        } else {
            assert_eq!(answer(read).2, *content);
        }
    }
}

/// The commit reached the table, and its answer never came: the client is told to try again, and finds it done.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_can_be_repeated() {
    let Some(watched) = Watched::fresh().await else { return };
    let uploads = watched.started("uploads").await;
    let content = noise(3, 3000);
    let (_, begun, _) = answer(uploads.invoke(request(&Method::POST, "/v2/team/app/blobs/uploads/", b"")).await);
    let put = format!("{}?digest={}", begun["location"], digest(&content));
    watched.wire.fail(Fault::AnswerLost, |sent| sent.operation.as_deref() == Some("TransactWriteItems"));
    expect_unavailable(uploads.invoke_within(request(&Method::PUT, &put, &content), Duration::from_secs(5)).await);
    watched.wire.heal();
    let (status, headers, _) = answer(uploads.invoke(request(&Method::PUT, &put, &content)).await);
    assert_eq!((status, &*headers["docker-content-digest"]), (201, digest(&content).as_str()));
    let blobs = watched.started("blobs").await;
    assert_eq!(answer(blobs.invoke(request(&Method::GET, &blob(&digest(&content)), b"")).await).2, content);
}
