//! Layers that come in chunks small enough for a gateway, however many: each chunk costs the same, and so does the end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use harness::client::Client;
use harness::content::noise;
use harness::s3_server::S3Server;
use harness::stack::Stack;
use http::Method;
use shared::auth::GateSettings;
use shared::config::{Aws, Traffic};
use shared::http::{Api, Profile, Settings};
use shared::oci::{Algorithm, Digest, Digester};
use shared::registry::{Registry, Terms};

const MIB: usize = 1024 * 1024;
/// What a gateway lets through in one request.
const CHUNK: usize = 4 * MIB;
/// How much more than an idle server one may hold while a layer passes.
const MOST_MEMORY: u64 = 40 * MIB as u64;
/// How many MiB the largest layer has, unless this says otherwise: 10240 makes it 10 GiB.
const LARGE: &str = "RINGHOLD_LARGE_MIB";

/// A layer in chunks, none like another; never held whole.
struct Layer {
    noise: Bytes,
    digester: Digester,
    sent: usize,
}

impl Layer {
    fn new() -> Self {
        Self { noise: noise(3, CHUNK), digester: Digester::new(Algorithm::Sha256), sent: 0 }
    }

    fn chunk(&mut self) -> (usize, Bytes) {
        let (start, mut chunk) = (self.sent, self.noise.to_vec());
        chunk[..8].copy_from_slice(&start.to_le_bytes());
        self.digester.update(&chunk);
        self.sent += CHUNK;
        (start, chunk.into())
    }

    fn digest(self) -> Digest {
        self.digester.finish()
    }
}

async fn begin(client: &Client) -> String {
    client.post("/v2/large/blobs/uploads/").await.header("location").to_owned()
}

async fn send(client: &Client, location: &str, layer: &mut Layer) {
    let (start, chunk) = layer.chunk();
    let range = format!("{start}-{}", start + CHUNK - 1);
    let patched = client.call(Method::PATCH, location).header("content-range", range).body(chunk).send().await;
    assert_eq!((patched.status.as_u16(), patched.header("range")), (202, &*format!("0-{}", start + CHUNK - 1)));
}

async fn end(client: &Client, location: &str, layer: Layer) -> Digest {
    let digest = layer.digest();
    let put = client.call(Method::PUT, format!("{location}?digest={digest}")).send().await;
    assert_eq!(put.status, 201, "{put:?}");
    digest
}

/// A registry as a gateway's functions have it, and the count of what it sends.
async fn counted() -> Option<(Client, Traffic, Stack)> {
    let stack = Stack::fresh().await?;
    let traffic = Traffic::default();
    let aws = Aws { settings: Some(stack.emulator().sdk_config()), traffic: traffic.clone() };
    let (storage, metadata) = stack.stores().open(&aws).await.expect("the stores can be opened");
    // However long the emulator takes, nothing but the operation itself is counted.
    let terms = Terms { claim: Duration::from_mins(10), ..Terms::default() };
    let settings = Settings { gate: GateSettings::open(), profile: Profile::Gateway, ..Settings::default() };
    Some((Client::of(Api::new(Registry::new(storage, metadata, terms), settings)), traffic, stack))
}

type Cost = (BTreeMap<String, u64>, BTreeMap<String, u64>);

fn cost(traffic: &Traffic) -> Cost {
    (traffic.storage.take(), traffic.metadata.take())
}

#[tokio::test]
async fn every_chunk_costs_the_same_from_the_first_pair_to_the_last() {
    let Some((client, traffic, _stack)) = counted().await else { return };
    let (location, mut layer, mut pairs) = (begin(&client).await, Layer::new(), Vec::new());
    drop(cost(&traffic));
    for _ in 0..40 {
        let mut pair = Vec::new();
        for _ in 0..2 {
            send(&client, &location, &mut layer).await;
            // What is removed after the answer is counted with the chunk.
            tokio::time::sleep(Duration::from_millis(30)).await;
            pair.push(cost(&traffic));
        }
        pairs.push(pair);
    }
    let mut first = pairs.remove(0);
    assert_eq!(first[1].0.remove("CreateMultipartUpload"), Some(1));
    for pair in &pairs {
        assert_eq!(*pair, first);
    }
    let requests = |cost: &Cost| cost.0.values().chain(cost.1.values()).sum::<u64>();
    assert_eq!(first.iter().map(requests).collect::<Vec<_>>(), [3, 5], "{first:?}");
}

#[tokio::test]
async fn the_end_costs_the_same_whatever_the_size_and_the_layer_is_there_at_once() {
    let Some((client, traffic, _stack)) = counted().await else { return };
    let mut costs = Vec::new();
    for chunks in [2, 80] {
        let (location, mut layer) = (begin(&client).await, Layer::new());
        for _ in 0..chunks {
            send(&client, &location, &mut layer).await;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        drop(cost(&traffic));
        let digest = end(&client, &location, layer).await;
        costs.push(cost(&traffic));
        assert_eq!(client.get(format!("/v2/large/blobs/{digest}")).await.status, 307);
    }
    assert_eq!(costs[0], costs[1]);
    assert_eq!(costs[0].0, BTreeMap::from([("CompleteMultipartUpload".to_owned(), 1)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_upload_in_small_chunks_passes_through_little_memory() {
    let size = std::env::var(LARGE).map_or(512, |text| text.parse::<usize>().expect("a number of MiB"));
    let server = S3Server::start().await;
    let registry = server.options().with(["--no-redirect"]).start();
    let (client, idle) = (Client::new(registry.address()), registry.peak_memory());
    let began = Instant::now();
    let (location, mut layer) = (begin(&client).await, Layer::new());
    for _ in 0..size * MIB / CHUNK {
        send(&client, &location, &mut layer).await;
    }
    let sent = began.elapsed();
    let digest = end(&client, &location, layer).await;
    println!("{size} MiB sent in {sent:?}, ended in {:?}", began.elapsed().saturating_sub(sent));
    let head = client.head(format!("/v2/large/blobs/{digest}")).await;
    assert_eq!(head.header("content-length"), (size * MIB).to_string());
    let used = registry.peak_memory() - idle;
    println!("{size} MiB passed through {} MiB", used / MIB as u64);
    assert!(used < MOST_MEMORY, "{} MiB", used / MIB as u64);
}
