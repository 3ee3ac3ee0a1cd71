//! What each operation costs: the requests that leave the process for S3 and for DynamoDB, counted at the clients. The
//! table in ARCHITECTURE.md is read here, and must say the same.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use harness::accounts::{PASSWORD, add_robot, add_user, basic, grant};
use harness::client::{Answer, Client};
use harness::content::{IMAGE, digest, image, noise, push_blob, push_image};
use harness::emulator::{Emulator, emulator};
use harness::journeys::push_blob_in_chunks;
use http::{Method, StatusCode};
use shared::auth::{Counted as Counting, GateSettings, Role};
use shared::config::{Aws, Stores, Traffic};
use shared::http::{Api, Profile, Settings};
use shared::metadata::{DynamoDbConfig, DynamoDbStore};
use shared::oci::{Algorithm, Digest, Digester};
use shared::registry::{Registry, Terms};
use tokio::sync::OnceCell;
use url::Url;

const MIB: usize = 1024 * 1024;

const ARCHITECTURE: &str = include_str!("../../ARCHITECTURE.md");

/// Every operation that is counted here, as the table names it.
const OPERATIONS: [&str; 22] = [
    "HEAD of a blob, redirected",
    "GET of a blob, redirected",
    "GET of a manifest by digest",
    "GET of a manifest by tag",
    "PUT of a manifest of 10 layers by tag",
    "docker's push of a layer of 1 MiB: HEAD, POST, PATCH, PUT, HEAD",
    "containerd's push of a layer of 1 MiB: HEAD, POST, PUT",
    "push of a layer of 1 MiB in one POST",
    "docker's push of a layer of 25 MiB",
    "docker's push of a layer of 100 MiB",
    "mount of a blob of another repository",
    "DELETE of a blob",
    "GET of a list of tags",
    "DELETE of a manifest with 60 tags",
    "HEAD of a blob that is not there",
    "GET of a small blob",
    "push of a small blob: HEAD, POST, PUT",
    "push of a layer of 30 MB in chunks of 4 MiB: HEAD, POST, 8 PATCH, PUT",
    "sign-in by a password: GET of /v2/, GET of /token",
    "sign-in by a robot's token: GET of /v2/, GET of /token",
    "GET of a manifest by digest, with the first access token of a process",
    "PUT of a manifest without layers, with an act in the audit",
];

/// Three buckets and a table, shared by these tests: what each pushes is its own.
async fn stores(emulator: &Emulator) -> &'static Stores {
    static STORES: OnceCell<Stores> = OnceCell::const_new();
    let open = async || {
        let table = DynamoDbConfig { table: "round-trips".to_owned(), endpoint: None, region: None };
        DynamoDbStore::connect(&table, &emulator.sdk_config(), None).create_table().await.unwrap();
        let mut storage = Vec::new();
        for _ in 0..3 {
            storage.push(url(&format!("s3://{}?endpoint={}", emulator.bucket().await, emulator.endpoint())));
        }
        let stores = Stores::new(storage, url("dynamodb://round-trips"));
        stores.open(&Aws { settings: Some(emulator.sdk_config()), ..Aws::default() }).await.unwrap();
        stores
    };
    STORES.get_or_init(open).await
}

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

/// A registry in this process, and the count of what it sends.
struct Counted {
    registry: Registry,
    api: Api,
    client: Client,
    traffic: Traffic,
}

impl Counted {
    /// A registry with clients of its own; none, said aloud, where there is no emulator and need not be.
    async fn open() -> Option<Self> {
        Self::behind(Profile::Direct).await
    }

    /// The same, behind a front of this kind.
    async fn behind(profile: Profile) -> Option<Self> {
        Self::with(profile, 0).await
    }

    /// The same, answering blobs of up to so many bytes itself.
    async fn with(profile: Profile, inline: u64) -> Option<Self> {
        let gate = GateSettings::open();
        Self::of(Settings { gate, profile, redirect_above: Some(inline), ..Settings::default() }).await
    }

    /// One that wants to know who asks.
    async fn closed() -> Option<Self> {
        let gate = GateSettings { counted: Counting::Together, ..GateSettings::default() };
        Self::of(Settings { gate, ..Settings::default() }).await
    }

    async fn of(settings: Settings) -> Option<Self> {
        let emulator = emulator()?;
        let traffic = Traffic::default();
        let aws = Aws { settings: Some(emulator.sdk_config()), traffic: traffic.clone() };
        let (storage, metadata) = stores(emulator).await.open(&aws).await.unwrap();
        // However long the emulator takes, nothing but the operation itself is counted.
        let terms = Terms { claim: Duration::from_mins(10), ..Terms::default() };
        let registry = Registry::new(storage, Arc::clone(&metadata), terms);
        let api = Api::new(registry.clone(), settings);
        let client = Client::of(api.clone());
        Some(Self { registry, api, client, traffic })
    }

    /// Forgets what was sent so far.
    fn start(&self) -> &Client {
        drop((self.traffic.storage.take(), self.traffic.metadata.take()));
        &self.client
    }

    /// What was sent since the start is exactly this much, and the table says so.
    #[track_caller]
    fn cost(&self, operation: &str, storage: u64, metadata: u64) {
        let (to_s3, to_dynamodb) = (self.traffic.storage.take(), self.traffic.metadata.take());
        let counted = (to_s3.values().sum::<u64>(), to_dynamodb.values().sum::<u64>());
        println!("{operation}: {} + {} {to_s3:?} {to_dynamodb:?}", counted.0, counted.1);
        assert_eq!(counted, (storage, metadata), "{operation} sent {to_s3:?} and {to_dynamodb:?}");
        assert_eq!(documented().get(operation), Some(&counted), "ARCHITECTURE.md on {operation}");
    }
}

/// The table of ARCHITECTURE.md: requests to storage and to metadata, by operation.
fn documented() -> BTreeMap<&'static str, (u64, u64)> {
    let (_, section) = ARCHITECTURE.split_once("\n## Round trips\n").expect("the section is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [operation, storage, metadata, _] = cells[..] else { panic!("a row has four cells: {row}") };
        (operation, (storage.parse().unwrap(), metadata.parse().unwrap()))
    })
    .collect()
}

#[track_caller]
fn expect(answer: &Answer, status: StatusCode) {
    assert_eq!(answer.status, status, "{answer:?}");
}

/// So many pieces of 1 MiB, and their digest.
fn layer(seed: u64, pieces: usize) -> (Vec<Bytes>, Digest) {
    let pieces = vec![noise(seed, MIB); pieces];
    let mut digester = Digester::new(Algorithm::Sha256);
    for piece in &pieces {
        digester.update(piece);
    }
    (pieces, digester.finish())
}

/// As docker pushes a layer that is not there.
async fn push_as_docker(client: &Client, repository: &str, pieces: &[Bytes], digest: &Digest) {
    let blob = format!("/v2/{repository}/blobs/{digest}");
    expect(&client.head(&blob).await, StatusCode::NOT_FOUND);
    let begun = client.post(format!("/v2/{repository}/blobs/uploads/")).await;
    expect(&begun, StatusCode::ACCEPTED);
    let patch = client.call(Method::PATCH, begun.header("location")).stream(pieces.to_vec());
    let patched = patch.send().await;
    expect(&patched, StatusCode::ACCEPTED);
    let put = client.call(Method::PUT, format!("{}?digest={digest}", patched.header("location"))).send().await;
    expect(&put, StatusCode::CREATED);
    expect(&client.head(&blob).await, StatusCode::OK);
}

#[test]
fn the_table_has_a_row_for_each_operation_that_is_counted() {
    assert_eq!(documented().into_keys().collect::<BTreeSet<_>>(), BTreeSet::from(OPERATIONS));
}

/// Budget: 0 + 1 each.
#[tokio::test]
async fn a_redirect_to_a_blob_costs_one_read() {
    let Some(counted) = Counted::behind(Profile::Gateway).await else { return };
    let digest = push_blob(&counted.client, "redirects", &noise(1, 1000)).await;
    let blob = format!("/v2/redirects/blobs/{digest}");
    expect(&counted.start().head(&blob).await, StatusCode::TEMPORARY_REDIRECT);
    counted.cost("HEAD of a blob, redirected", 0, 1);
    expect(&counted.start().get(&blob).await, StatusCode::TEMPORARY_REDIRECT);
    counted.cost("GET of a blob, redirected", 0, 1);
}

/// Budget: 0 + 1 by digest, 0 + 2 by tag.
#[tokio::test]
async fn a_manifest_costs_one_read_and_its_tag_another() {
    let Some(counted) = Counted::open().await else { return };
    let digest = push_image(&counted.client, "pulls", "latest", &[noise(2, 1000)]).await;
    expect(&counted.start().get(format!("/v2/pulls/manifests/{digest}")).await, StatusCode::OK);
    counted.cost("GET of a manifest by digest", 0, 1);
    expect(&counted.start().get("/v2/pulls/manifests/latest").await, StatusCode::OK);
    counted.cost("GET of a manifest by tag", 0, 2);
}

/// Budget: 0 + 5.
#[tokio::test]
async fn an_image_of_ten_layers_is_put_for_four() {
    let Some(counted) = Counted::open().await else { return };
    let layers: Vec<_> = (0..10).map(|seed| noise(100 + seed, 1000)).collect();
    let config = Bytes::from_static(b"{\"of\":\"ten layers\"}");
    for blob in layers.iter().chain([&config]) {
        push_blob(&counted.client, "puts", blob).await;
    }
    let put = counted.start().call(Method::PUT, "/v2/puts/manifests/latest").header("content-type", IMAGE);
    expect(&put.body(image(&config, &layers)).send().await, StatusCode::CREATED);
    counted.cost("PUT of a manifest of 10 layers by tag", 0, 4);
}

/// Budget: 3 + 8.
#[tokio::test]
async fn a_small_layer_that_docker_pushes_costs_three_and_seven() {
    let Some(counted) = Counted::open().await else { return };
    // Whether the upload's bucket is the layer's home is chance, and makes no difference.
    for seed in 200..204 {
        let (pieces, digest) = layer(seed, 1);
        push_as_docker(counted.start(), "small", &pieces, &digest).await;
        counted.cost("docker's push of a layer of 1 MiB: HEAD, POST, PATCH, PUT, HEAD", 3, 7);
    }
}

#[tokio::test]
async fn a_small_layer_that_containerd_pushes_costs_one_and_four() {
    let Some(counted) = Counted::open().await else { return };
    let layer = noise(300, MIB);
    let digest = digest(&layer);
    let client = counted.start();
    expect(&client.head(format!("/v2/whole/blobs/{digest}")).await, StatusCode::NOT_FOUND);
    let begun = client.post("/v2/whole/blobs/uploads/").await;
    let put = client.call(Method::PUT, format!("{}?digest={digest}", begun.header("location"))).body(layer);
    expect(&put.send().await, StatusCode::CREATED);
    counted.cost("containerd's push of a layer of 1 MiB: HEAD, POST, PUT", 1, 4);
    push_blob(counted.start(), "whole", &noise(301, MIB)).await;
    counted.cost("push of a layer of 1 MiB in one POST", 1, 1);
}

#[tokio::test]
async fn a_large_layer_costs_a_request_for_each_part() {
    let Some(counted) = Counted::open().await else { return };
    let (pieces, digest) = layer(400, 25);
    push_as_docker(counted.start(), "large", &pieces, &digest).await;
    counted.cost("docker's push of a layer of 25 MiB", 9, 8);
    let (pieces, digest) = layer(401, 100);
    push_as_docker(counted.start(), "large", &pieces, &digest).await;
    counted.cost("docker's push of a layer of 100 MiB", 18, 8);
}

#[tokio::test]
async fn a_layer_in_chunks_costs_a_part_for_each_pair() {
    let Some(counted) = Counted::behind(Profile::Gateway).await else { return };
    let layer = noise(450, 30_000_000);
    let digest = digest(&layer);
    let client = counted.start();
    expect(&client.head(format!("/v2/chunks/blobs/{digest}")).await, StatusCode::NOT_FOUND);
    counted.cost("HEAD of a blob that is not there", 0, 1);
    expect(&client.head(format!("/v2/chunks/blobs/{digest}")).await, StatusCode::NOT_FOUND);
    push_blob_in_chunks(client, "chunks", &layer).await;
    counted.registry.rest().await;
    counted.cost("push of a layer of 30 MB in chunks of 4 MiB: HEAD, POST, 8 PATCH, PUT", 21, 21);
}

#[tokio::test]
async fn a_small_blob_costs_one_call_to_its_bucket() {
    let Some(counted) = Counted::behind(Profile::Gateway).await else { return };
    let blob = noise(460, 3000);
    let digest = digest(&blob);
    let client = counted.start();
    expect(&client.head(format!("/v2/small/blobs/{digest}")).await, StatusCode::NOT_FOUND);
    let begun = client.post("/v2/small/blobs/uploads/").await;
    let put = client.call(Method::PUT, format!("{}?digest={digest}", begun.header("location"))).body(blob);
    expect(&put.send().await, StatusCode::CREATED);
    counted.cost("push of a small blob: HEAD, POST, PUT", 1, 4);
    let Some(inline) = Counted::with(Profile::Gateway, Settings::REDIRECT_ABOVE).await else { return };
    expect(&inline.start().get(format!("/v2/small/blobs/{digest}")).await, StatusCode::OK);
    inline.cost("GET of a small blob", 1, 1);
}

#[tokio::test]
async fn a_mount_moves_no_bytes() {
    let Some(counted) = Counted::open().await else { return };
    let digest = push_blob(&counted.client, "mount/from", &noise(500, 1000)).await;
    let target = format!("/v2/mount/to/blobs/uploads/?mount={digest}&from=mount/from");
    expect(&counted.start().post(target).await, StatusCode::CREATED);
    counted.cost("mount of a blob of another repository", 0, 2);
    expect(&counted.start().delete(format!("/v2/mount/to/blobs/{digest}")).await, StatusCode::ACCEPTED);
    counted.cost("DELETE of a blob", 0, 4);
}

/// Budget: 0 + 6.
#[tokio::test]
async fn a_manifest_goes_with_all_its_tags_for_four() {
    let Some(counted) = Counted::open().await else { return };
    let client = &counted.client;
    let layers: Vec<_> = (0..10).map(|seed| noise(600 + seed, 1000)).collect();
    let digest = push_image(client, "tagged", "latest", &layers).await;
    let manifest = client.get(format!("/v2/tagged/manifests/{digest}")).await.body;
    for first in [0, 20, 40] {
        // The first tag is the one that it has already.
        let tags: Vec<_> = (first.max(1)..first + 20).map(|number| format!("tag=t{number}")).collect();
        let put = client.call(Method::PUT, format!("/v2/tagged/manifests/{digest}?{}", tags.join("&")));
        expect(&put.header("content-type", IMAGE).body(manifest.clone()).send().await, StatusCode::CREATED);
    }
    let listed = counted.start().get("/v2/tagged/tags/list").await;
    counted.cost("GET of a list of tags", 0, 1);
    assert_eq!(listed.json()["tags"].as_array().map(Vec::len), Some(60));
    expect(&counted.start().delete(format!("/v2/tagged/manifests/{digest}")).await, StatusCode::ACCEPTED);
    counted.cost("DELETE of a manifest with 60 tags", 0, 4);
    assert_eq!(client.get("/v2/tagged/tags/list").await.json()["tags"].as_array().map(Vec::len), Some(0));
}

/// Each in a process that has not met the caller yet. Whoever has signed in is looked up nowhere.
#[tokio::test]
async fn who_asks_is_found_out_once() {
    let Some(counted) = Counted::closed().await else { return };
    let accounts = counted.api.gate().accounts();
    add_user(accounts, "alice", vec![grant("who/**", Role::Writer)]).await;
    let robot = add_robot(accounts, "ci", vec![grant("who/**", Role::Writer)], None).await;
    let (alice, ci) = (basic("alice", PASSWORD), basic("ci", robot.expose()));
    let get = async |client: &Client, target: &str, who: &str| {
        client.call(Method::GET, target).header("authorization", who).send().await
    };
    let sign_in = async |client: &Client, who: &str| {
        expect(&client.get("/v2/").await, StatusCode::UNAUTHORIZED);
        let token = get(client, "/token?service=ringhold&scope=repository:who/asks:pull,push", who).await;
        expect(&token, StatusCode::OK);
        format!("Bearer {}", token.json()["token"].as_str().expect("a token"))
    };
    // The key that tokens are signed with is made once for all.
    sign_in(&counted.client, &alice).await;
    for (who, operation, cost) in [
        (&alice, "sign-in by a password: GET of /v2/, GET of /token", 4),
        (&ci, "sign-in by a robot's token: GET of /v2/, GET of /token", 7),
    ] {
        let fresh = Counted::closed().await.expect("there was one a moment ago");
        sign_in(fresh.start(), who).await;
        fresh.cost(operation, 0, cost);
    }
    let fresh = Counted::closed().await.expect("there was one a moment ago");
    let bearer = sign_in(&counted.client, &alice).await;
    let put = fresh.client.call(Method::POST, format!("/v2/who/asks/blobs/uploads/?digest={}", digest(b"{}")));
    expect(&put.header("authorization", &bearer).body("{}").send().await, StatusCode::CREATED);
    let put = fresh.start().call(Method::PUT, "/v2/who/asks/manifests/1").header("content-type", IMAGE);
    let manifest = image(b"{}", &[]);
    let digest = digest(&manifest);
    expect(&put.header("authorization", &bearer).body(manifest).send().await, StatusCode::CREATED);
    fresh.registry.rest().await;
    fresh.cost("PUT of a manifest without layers, with an act in the audit", 0, 5);
    let fresh = Counted::closed().await.expect("there was one a moment ago");
    let manifest = format!("/v2/who/asks/manifests/{digest}");
    expect(&get(fresh.start(), &manifest, &bearer).await, StatusCode::OK);
    fresh.cost("GET of a manifest by digest, with the first access token of a process", 0, 2);
    expect(&get(fresh.start(), &manifest, &bearer).await, StatusCode::OK);
    fresh.cost("GET of a manifest by digest", 0, 1);
}
