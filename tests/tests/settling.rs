//! What a push leaves to be done is done behind it: a large layer comes home, what was staged goes, and whoever runs the
//! registry can see it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use harness::client::Client;
use harness::content::{digest, noise};
use harness::journeys::push_blob_in_chunks;
use harness::server::{ServeOptions, listed_work, program};
use harness::stack::Stack;
use http::Method;
use serde_json::Value;
use shared::auth::GateSettings;
use shared::config::Aws;
use shared::http::{Api, Profile, Settings};
use shared::registry::{Registry, Terms};
use tempfile::TempDir;

const MIB: usize = 1024 * 1024;

/// What `ringhold work list` shows.
fn listed(data: &Path) -> Vec<Value> {
    listed_work(&program(), data)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_layer_comes_home_behind_its_push_and_is_read_all_the_while() {
    let data = TempDir::new().expect("a directory can be made");
    let server = ServeOptions::embedded(data.path()).with(["--url-life", "1"]).start();
    let client = Client::new(server.address());
    let layer = noise(1, 30 * MIB);
    let digest = digest(&layer);
    let upload = client.post("/v2/team/app/blobs/uploads/").await;
    let target = format!("{}?digest={digest}", upload.header("location"));
    assert_eq!(client.call(Method::PUT, target).body(layer.clone()).send().await.status, 201);
    let hex = digest.hex().to_owned();
    let home = format!("docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]);
    let is_home = || (1..=3).any(|bucket| data.path().join(format!("bucket-{bucket}")).join(&home).is_file());
    let began = Instant::now();
    while !is_home() || listed(data.path()).iter().any(|work| work["task"] == "settle") {
        assert!(began.elapsed() < Duration::from_mins(1), "{:?}", listed(data.path()));
        let got = client.get(format!("/v2/team/app/blobs/{digest}")).await;
        assert!(got.status == 200 && got.body == layer);
    }
    // What was staged stays as long as somebody may be reading it.
    let left = listed(data.path());
    assert_eq!((left.len(), &left[0]["task"]), (1, &Value::from("discard")), "{left:?}");
    assert!(left[0]["due_in_seconds"].as_u64() > Some(3000), "{left:?}");
    let got = client.get(format!("/v2/team/app/blobs/{digest}")).await;
    assert!(got.status == 200 && got.body == layer);
}

#[tokio::test]
async fn bringing_a_layer_home_costs_one_copy() {
    let Some(stack) = Stack::fresh().await else { return };
    let aws = Aws { settings: Some(stack.emulator().sdk_config()), ..Aws::default() };
    let (storage, metadata) = stack.stores().open(&aws).await.expect("the stores can be opened");
    let terms = Terms { url_life: Duration::ZERO, claim: Duration::from_mins(10), ..Terms::default() };
    let registry = Registry::new(storage, metadata, terms);
    let settings = Settings { gate: GateSettings::open(), profile: Profile::Gateway, ..Settings::default() };
    let client = Client::of(Api::new(registry.clone(), settings));
    push_blob_in_chunks(&client, "team/app", &noise(2, 30_000_000)).await;
    registry.rest().await;
    drop((aws.traffic.storage.take(), aws.traffic.metadata.take()));
    let until = tokio::time::Instant::now() + Duration::from_mins(1);
    assert_eq!(registry.work(until).await.expect("work").done, 2);
    let counted = |counts: BTreeMap<String, u64>| -> Vec<String> {
        counts.into_iter().map(|(operation, count)| format!("{count} {operation}")).collect()
    };
    assert_eq!(counted(aws.traffic.storage.take()), ["1 CopyObject", "1 DeleteObject"]);
    // Four partitions are looked at until nothing is due; each of the two works is taken, done and recorded.
    let metadata = counted(aws.traffic.metadata.take());
    assert_eq!(metadata, ["1 DeleteItem", "2 GetItem", "2 PutItem", "12 Query", "1 TransactWriteItems"]);
}
