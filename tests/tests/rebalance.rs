//! A bucket joins a ring that holds many blobs: its share moves to it inside the store, everything can be read meanwhile, and
//! what has moved is gone from where it was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use harness::emulator::emulator;
use shared::config::{Aws, Stores, bucket_name};
use shared::metadata::MetadataStore;
use shared::oci::{Algorithm, Digest, RepositoryName};
use shared::registry::ring::Safety;
use shared::registry::{Registry, Terms};
use shared::storage::{BucketId, BucketState, Changes, Joining, ShardedDriver, Topology};
use tokio::time::Instant;
use url::Url;

/// How many blobs there are.
const BLOBS: u32 = 20_000;
/// How many are pushed or read at once.
const TOGETHER: usize = 16;
/// Every so many blobs, one was pushed twice: its bucket keeps what was written over.
const TWICE: u32 = 40;
/// Every so many blobs, one is read.
const SAMPLE: usize = 23;

fn content(number: u32) -> Bytes {
    format!("blob {number}").into_bytes().into()
}

fn repository() -> RepositoryName {
    "team/app".parse().expect("a name")
}

fn another() -> RepositoryName {
    "team/other".parse().expect("a name")
}

fn later() -> Instant {
    Instant::now() + Duration::from_mins(10)
}

fn registry(storage: Arc<ShardedDriver>, metadata: Arc<dyn MetadataStore>) -> Registry {
    Registry::new(storage, metadata, Terms { url_life: Duration::ZERO, ..Terms::default() })
}

async fn push_all(registry: &Registry) -> Vec<Digest> {
    let pushed = (0..BLOBS).map(|number| async move {
        let bytes = content(number);
        let digest = Digest::of(Algorithm::Sha256, &bytes);
        for name in [repository(), another()].iter().take(if number.is_multiple_of(TWICE) { 2 } else { 1 }) {
            let body = stream::iter([Ok(bytes.clone())]).boxed();
            registry.push_blob(name, &digest, body).await.expect("it is pushed");
        }
        digest
    });
    stream::iter(pushed).buffered(TOGETHER).collect().await
}

async fn read(registry: &Registry, number: usize, digest: &Digest) {
    let blob = registry.blob(&repository(), digest).await.expect("it is linked");
    let read = registry.read_blob(&blob, None).await.expect("it can be read").stream;
    let read: Vec<Bytes> = read.try_collect().await.expect("it can be read to its end");
    assert_eq!(read.concat(), content(u32::try_from(number).expect("a small number")));
}

async fn read_some(registry: &Registry, digests: &[Digest], from: usize) {
    for (number, digest) in digests.iter().enumerate().skip(from % SAMPLE).step_by(SAMPLE) {
        read(registry, number, digest).await;
    }
}

/// How many objects lie at homes, in each bucket.
async fn objects(storage: &ShardedDriver, ids: &[&str]) -> Vec<usize> {
    let mut counts = Vec::new();
    for id in ids {
        let driver = storage.bucket(&id.parse().expect("an id")).expect("it is a member");
        let (mut count, mut after) = (0, None);
        loop {
            let page = driver.list(&"docker".parse().expect("a path"), after.as_ref(), 1000).await.expect("a list");
            count += page.len();
            match page.last() {
                Some(last) if page.len() == 1000 => after = Some(last.path.clone()),
                _ => break,
            }
        }
        counts.push(count);
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_joins_four_takes_its_share_by_copies_inside_the_store_alone() {
    let Some(emulator) = emulator() else { return };
    let mut urls = Vec::<Url>::new();
    for _ in 0..5 {
        let bucket = emulator.bucket().await;
        let url = format!("s3://{bucket}?endpoint={}&region=us-east-1", emulator.endpoint());
        urls.push(url.parse().expect("a URL"));
    }
    let joining = urls.pop().expect("five");
    let stores = Stores::new(urls, "memory:".parse().expect("a URL"));
    let aws = || Aws { settings: Some(emulator.sdk_config()), ..Aws::default() };
    let (counted, others) = (aws(), aws());
    let (storage, metadata) = stores.open(&counted).await.expect("the stores can be opened");
    let mover = registry(storage, Arc::clone(&metadata));
    let (storage, _) = stores.open(&others).await.expect("the stores can be opened");
    let reader = registry(storage, metadata);
    let digests = push_all(&mover).await;

    let id = bucket_name(&joining).expect("it has a name");
    let changes = Changes { add: vec![Joining { id: id.clone(), url: joining }], ..Changes::default() };
    let planned = mover.apply(&changes, Safety { max_move: 0.3, now: false }).await.expect("it joins");
    drop(counted.traffic.storage.take());
    let mut moving = mover.rebalance(later()).boxed();
    let mut round = 0;
    let rebalanced = loop {
        tokio::select! {
            rebalanced = &mut moving => break rebalanced.expect("it is carried out"),
            () = read_some(&reader, &digests, round) => round += 1,
        }
    };
    println!("{} of {BLOBS} blobs moved while {round} samples of them were read", rebalanced.moved);
    assert_eq!((rebalanced.seen, rebalanced.failed), (u64::from(BLOBS), 0));
    assert_eq!(rebalanced.moved, planned.objects, "what was planned has moved");
    let share = rebalanced.moved * 1000 / u64::from(BLOBS);
    assert!((170..=230).contains(&share), "{share} of 1000");
    let sent = counted.traffic.storage.take();
    assert_eq!(sent.into_iter().collect::<Vec<_>>(), [("CopyObject".to_owned(), rebalanced.moved)]);

    while mover.work(later()).await.expect("work").done > 0 {}
    reader.catch_up().await.expect("it hears of it");
    read_some(&reader, &digests, 0).await;
    let (storage, _) = stores.open(&others).await.expect("the stores can be opened");
    let old: Vec<_> = storage.topology().buckets.iter().map(|bucket| bucket.id.as_str()).collect();
    let left: usize = objects(&storage, &old).await.iter().sum();
    assert_eq!(left as u64, u64::from(BLOBS) - rebalanced.moved, "what has moved is gone from where it was");
}

/// What part of the circle each active bucket should have, by weight.
fn due(topology: &Topology) -> BTreeMap<&BucketId, f64> {
    let active = || topology.buckets.iter().filter(|bucket| bucket.state == BucketState::Active);
    let all: u32 = active().map(|bucket| bucket.weight).sum();
    active().map(|bucket| (&bucket.id, f64::from(bucket.weight) / f64::from(all))).collect()
}

/// What part of all blobs must move at least, were every bucket to have exactly its due.
fn must_move(before: &Topology, after: &Topology) -> f64 {
    let before = due(before);
    let gained = |(id, share): (&&BucketId, &f64)| (share - before.get(*id).copied().unwrap_or_default()).max(0.0);
    due(after).iter().map(gained).sum()
}

/// The `number`th of a sequence of changes that is always the same.
fn change(number: usize, topology: &Topology) -> Changes {
    let active: Vec<_> = topology.buckets.iter().filter(|bucket| bucket.state == BucketState::Active).collect();
    let some = active[number * 7 % active.len()].id.clone();
    match number % 3 {
        0 => {
            let (id, url) = (format!("m-{number}"), format!("memory:m-{number}"));
            let joining = Joining { id: id.parse().expect("an id"), url: url.parse().expect("a URL") };
            Changes { add: vec![joining], ..Changes::default() }
        }
        1 => Changes { weight: vec![(some, u32::try_from(2 + number % 2).expect("a weight"))], ..Changes::default() },
        _ => Changes { drain: vec![some], ..Changes::default() },
    }
}

#[tokio::test]
async fn a_change_moves_hardly_more_than_it_must() {
    let url = |text: &str| text.parse::<Url>().expect("a URL");
    let storage = ["memory:m-a", "memory:m-b", "memory:m-c", "memory:m-d"].map(url);
    let stores = Stores::new(storage, url("memory:"));
    let (storage, metadata) = stores.open(&Aws::default()).await.expect("memory can be opened");
    let registry = registry(storage, metadata);
    for number in 0..18 {
        let topology = registry.history(1).await.expect("a history").remove(0);
        let all = Safety { max_move: 1.0, now: true };
        let Ok(planned) = registry.apply(&change(number, &topology), all).await else { continue };
        let (moved, least) = (planned.share_moved, must_move(&planned.from, &planned.to));
        println!("change {number}: {moved:.4} of all blobs move, {least:.4} must");
        assert!(moved <= least + 0.02, "change {number}: {moved} instead of {least}");
    }
}
