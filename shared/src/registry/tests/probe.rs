//! What processes find out about the buckets, each by itself and together.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::world::{body, noise, repository};
use crate::metadata::{BlobRecord, MemoryStore, MetadataStore, Place};
use crate::oci::{Algorithm, Digest};
use crate::registry::{Registry, Terms};
use crate::storage::moody::{Mood, Moody};
use crate::storage::{BucketId, ObjectPath, PutMode, ShardedDriver, StorageDriver, Topology};

const BUCKETS: [&str; 3] = ["one", "two", "three"];

/// A process, and the buckets as it meets them.
struct Process {
    registry: Registry,
    buckets: BTreeMap<BucketId, Arc<Moody>>,
}

fn one() -> BucketId {
    BUCKETS[0].parse().unwrap()
}

fn process(facts: &Arc<MemoryStore>) -> Process {
    let members = BUCKETS.map(|id| (id.parse().unwrap(), format!("memory:{id}").parse().unwrap()));
    let topology = Topology { replicas: 2, ..Topology::first(members).unwrap() };
    let buckets: BTreeMap<BucketId, Arc<Moody>> =
        BUCKETS.iter().map(|id| (id.parse().unwrap(), Arc::default())).collect();
    let drivers = buckets.iter().map(|(id, driver)| (id.clone(), Arc::clone(driver) as Arc<dyn StorageDriver>));
    let storage = ShardedDriver::new(topology, drivers.collect()).unwrap();
    let facts = Arc::clone(facts) as Arc<dyn MetadataStore>;
    Process { registry: Registry::new(Arc::new(storage), facts, Terms::default()), buckets }
}

impl Process {
    /// Whether the bucket serves this process, and whether all may know that it ails.
    async fn probe(&self) -> (bool, bool) {
        let health = self.registry.probe().await.unwrap();
        (self.registry.storage().serves(&one()), health.ailing.contains_key(&one()))
    }
}

#[tokio::test]
async fn what_one_process_alone_does_not_reach_serves_the_others() {
    let facts = Arc::default();
    let [cut_off, other] = [(); 2].map(|()| process(&facts));
    cut_off.buckets[&one()].set(Mood::Gone);
    assert_eq!(cut_off.probe().await, (false, true), "nobody has reached it");
    assert_eq!(other.probe().await, (true, false));
    assert_eq!(cut_off.probe().await, (false, false));
    other.registry.catch_up().await.unwrap();
    assert!(other.registry.storage().serves(&one()));
}

#[tokio::test]
async fn a_bucket_that_fails_once_or_asks_for_fewer_requests_serves() {
    let facts = Arc::default();
    let process = process(&facts);
    process.probe().await;
    process.buckets[&one()].set_once(Mood::Gone);
    assert_eq!(process.probe().await, (true, false));
    process.buckets[&one()].set(Mood::Throttling);
    assert_eq!(process.probe().await, (true, false));
    process.buckets[&one()].set(Mood::Refusing);
    assert_eq!(process.probe().await, (false, true));
}

#[tokio::test]
async fn a_probe_asks_the_bucket_itself_and_lets_calls_through_again() {
    let facts = Arc::default();
    let process = process(&facts);
    let storage = process.registry.storage();
    let bucket = storage.bucket(&one()).unwrap();
    process.buckets[&one()].set(Mood::Gone);
    for _ in 0..9 {
        assert!(bucket.stat(&ObjectPath::probe()).await.is_err());
    }
    assert!(!storage.serves(&one()));
    process.buckets[&one()].set(Mood::Well);
    assert_eq!(process.probe().await, (true, false));
    assert!(bucket.stat(&ObjectPath::probe()).await.is_ok());
}

#[tokio::test]
async fn what_takes_no_writes_is_written_to_again_once_a_probe_could() {
    let facts = Arc::default();
    let process = process(&facts);
    process.probe().await;
    let state = || {
        let storage = process.registry.storage();
        (storage.serves(&one()), storage.takes(&one()))
    };
    let storage = process.registry.storage();
    let put = async || {
        let path = ObjectPath::blob(&Digest::of(Algorithm::Sha256, b"x"));
        storage.bucket(&one()).unwrap().put_content(&path, Bytes::from_static(b"x"), PutMode::Overwrite).await
    };
    process.buckets[&one()].set(Mood::RefusingWrites);
    for _ in 0..3 {
        assert!(put().await.is_err());
        process.probe().await;
    }
    assert_eq!(state(), (true, false));
    process.buckets[&one()].set(Mood::Well);
    process.probe().await;
    assert_eq!(state(), (true, true));
}

#[tokio::test]
async fn a_copy_is_not_made_of_a_bucket_that_does_not_serve() {
    let facts: Arc<MemoryStore> = Arc::default();
    let process = process(&facts);
    let content = noise(1, 500);
    let digest = Digest::of(Algorithm::Sha256, &content);
    let blob = process.registry.push_blob(&repository(), &digest, body(&content)).await.unwrap();
    let path = ObjectPath::blob(&digest);
    let [source, target] = [blob.place.bucket.clone(), process.registry.homes(&digest)[1].clone()];
    let gone: BucketId =
        BUCKETS.iter().map(|id| id.parse().unwrap()).find(|id| *id != source && *id != target).unwrap();
    let nowhere = Place { bucket: gone.clone(), ..blob.place.clone() };
    let found = BlobRecord { place: nowhere, copies: vec![blob.place.clone()], ..blob };
    process.buckets[&gone].set(Mood::Gone);
    process.registry.probe().await.unwrap();
    let before = process.buckets[&gone].calls();
    let housing = process.registry.house(&found, std::slice::from_ref(&target)).await.unwrap();
    assert_eq!(housing.made.len(), 1);
    assert_eq!(process.buckets[&gone].calls(), before);
    assert!(process.buckets[&target].inner.stat(&path).await.is_ok());
}
