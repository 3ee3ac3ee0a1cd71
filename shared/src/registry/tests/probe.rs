//! What processes find out about the buckets, each by itself and together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use tokio::time::Instant;

use super::world::{body, noise, repository};
use crate::clock::Timestamp;
use crate::metadata::{BlobRecord, MemoryStore, MetadataStore, Place, Work};
use crate::oci::{Algorithm, Digest, UploadId};
use crate::registry::receive::Landed;
use crate::registry::ring::Safety;
use crate::registry::{Error, Registry, Terms};
use crate::storage::moody::{Mood, Moody};
use crate::storage::{
    BucketId, BucketState, Changes, Epoch, ObjectPath, PutMode, ShardedDriver, StorageDriver, Topology, Version,
};

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
    process_with(facts, Terms::default())
}

fn process_with(facts: &Arc<MemoryStore>, terms: Terms) -> Process {
    let members = BUCKETS.map(|id| (id.parse().unwrap(), format!("memory:{id}").parse().unwrap()));
    let topology = Topology { replicas: 2, ..Topology::first(members).unwrap() };
    let buckets: BTreeMap<BucketId, Arc<Moody>> =
        BUCKETS.iter().map(|id| (id.parse().unwrap(), Arc::default())).collect();
    let drivers = buckets.iter().map(|(id, driver)| (id.clone(), Arc::clone(driver) as Arc<dyn StorageDriver>));
    let storage = ShardedDriver::new(topology, drivers.collect()).unwrap();
    let facts = Arc::clone(facts) as Arc<dyn MetadataStore>;
    Process { registry: Registry::new(Arc::new(storage), facts, terms), buckets }
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

#[tokio::test]
async fn a_blob_whose_buckets_are_gone_is_read_from_where_it_is_pushed_again() {
    for held_whole in [1024, 1024 * 1024] {
        let facts: Arc<MemoryStore> = Arc::default();
        let process = process_with(&facts, Terms { held_whole, url_life: Duration::ZERO, ..Terms::default() });
        let (registry, content) = (&process.registry, noise(1, 3000));
        let digest = Digest::of(Algorithm::Sha256, &content);
        let push = async || registry.push_blob(&repository(), &digest, body(&content)).await.unwrap();
        let work = async || registry.work(Instant::now() + Duration::from_mins(1)).await.unwrap();
        push().await;
        work().await;
        let homes = registry.homes(&digest);
        let set_all = async |mood| {
            for home in &homes {
                process.buckets[home].set(mood);
            }
            registry.probe().await.unwrap();
        };
        set_all(Mood::Gone).await;
        let blob = push().await;
        assert_eq!(blob.places().count(), 3);
        let read = registry.read_blob(&blob, None).await.unwrap().stream;
        assert_eq!(read.try_collect::<Vec<Bytes>>().await.unwrap().concat(), content.to_vec());
        set_all(Mood::Well).await;
        // What could not be brought home in between is tried again before long.
        for work in registry.pending_work(10).await.unwrap() {
            facts.put_work(&work.at(Timestamp::now())).await.unwrap();
        }
        work().await;
        work().await;
        let places: Vec<_> = facts.blob(&digest).await.unwrap().unwrap().places().map(|of| of.bucket.clone()).collect();
        assert_eq!((places, registry.pending_work(10).await.unwrap()), (homes, vec![]));
    }
}

#[tokio::test]
async fn what_is_read_again_by_another_topology_or_being_deleted_is_not_discarded() {
    let facts: Arc<MemoryStore> = Arc::default();
    let process = process(&facts);
    let content = noise(1, 500);
    let digest = Digest::of(Algorithm::Sha256, &content);
    let blob = process.registry.push_blob(&repository(), &digest, body(&content)).await.unwrap();
    let discard = async || {
        let place = Place { epoch: Epoch(7), ..blob.place.clone() };
        let work = Work::discard(UploadId::random(), place, Timestamp::now());
        facts.put_work(&work).await.unwrap();
        process.registry.work(Instant::now() + Duration::from_mins(1)).await.unwrap();
        process.buckets[&blob.place.bucket].stat(&blob.place.path).await.is_ok()
    };
    assert!(discard().await);
    let condemned = facts.condemn_blob(&digest, Timestamp::from_millis(u64::MAX)).await.unwrap().unwrap();
    assert!(discard().await);
    assert!(facts.forget_blob(&condemned).await.unwrap());
    assert!(!discard().await);
}

#[tokio::test]
async fn where_the_version_that_a_blob_is_read_from_is_gone_nothing_is_discarded() {
    let facts: Arc<MemoryStore> = Arc::default();
    let process = process(&facts);
    let content = noise(1, 500);
    let digest = Digest::of(Algorithm::Sha256, &content);
    let blob = process.registry.push_blob(&repository(), &digest, body(&content)).await.unwrap();
    let (bucket, path) = (&process.buckets[&blob.place.bucket], &blob.place.path);
    let version = bucket.put_content(path, content.clone(), PutMode::Overwrite).await.unwrap();
    let newer = Place { version, ..blob.place.clone() };
    facts.put_work(&Work::discard(UploadId::random(), newer.clone(), Timestamp::now())).await.unwrap();
    process.registry.work(Instant::now() + Duration::from_mins(1)).await.unwrap();
    assert!(bucket.has(path, &newer.version).await.unwrap(), "it is all that is left");
    assert_eq!(process.registry.pending_work(10).await.unwrap(), []);
}

#[tokio::test]
async fn there_is_nothing_to_discard_in_a_bucket_that_is_down_or_has_left() {
    let facts: Arc<MemoryStore> = Arc::default();
    let process = process(&facts);
    assert!(facts.put_topology(process.registry.storage().topology()).await.unwrap());
    process.buckets[&one()].set(Mood::Gone);
    let state = Changes { state: vec![(one(), BucketState::Down)], ..Changes::default() };
    process.registry.apply(&state, Safety { max_move: 1.0, now: true }).await.unwrap();
    for bucket in ["one", "unknown"] {
        let path = ObjectPath::blob(&Digest::of(Algorithm::Sha256, b"x"));
        let place = Place { bucket: bucket.parse().unwrap(), path, version: Version::new("1"), epoch: Epoch(1) };
        facts.put_work(&Work::discard(UploadId::random(), place, Timestamp::now())).await.unwrap();
    }
    process.registry.work(Instant::now() + Duration::from_mins(1)).await.unwrap();
    assert_eq!(process.registry.pending_work(10).await.unwrap(), []);
}

#[tokio::test]
async fn nothing_is_published_in_a_bucket_that_has_left_the_ring() {
    let facts: Arc<MemoryStore> = Arc::default();
    let [process, other] = [(); 2].map(|()| process(&facts));
    assert!(facts.put_topology(other.registry.storage().topology()).await.unwrap());
    let digest = Digest::of(Algorithm::Sha256, b"x");
    let place = Place { bucket: one(), path: ObjectPath::blob(&digest), version: Version::new("1"), epoch: Epoch(1) };
    let commit = async || {
        let landed = Landed { place: place.clone(), size: 1 };
        process.registry.commit(&repository(), &digest, landed, None).await
    };
    let apply = async |changes| other.registry.apply(&changes, Safety { max_move: 1.0, now: true }).await.unwrap();
    apply(Changes { replicas: Some(1), drain: vec![one()], ..Changes::default() }).await;
    process.registry.catch_up().await.unwrap();
    apply(Changes { remove: vec![one()], ..Changes::default() }).await;
    assert!(matches!(commit().await, Err(Error::BucketUnknown(_))));
    assert_eq!(facts.blob(&digest).await.unwrap(), None);
}

#[tokio::test]
async fn a_ring_that_could_not_be_read_for_long_is_read_before_anything_is_published() {
    let facts: Arc<MemoryStore> = Arc::default();
    let [process, other] = [(); 2].map(|()| process(&facts));
    assert!(facts.put_topology(other.registry.storage().topology()).await.unwrap());
    for changes in [
        Changes { replicas: Some(1), drain: vec![one()], ..Changes::default() },
        Changes { remove: vec![one()], ..Changes::default() },
    ] {
        other.registry.apply(&changes, Safety { max_move: 1.0, now: true }).await.unwrap();
    }
    assert!(process.registry.check_member(&one()).await.is_ok(), "it cannot have left so soon");
    process.registry.members.grow_old(Duration::from_mins(17));
    assert!(matches!(process.registry.check_member(&one()).await, Err(Error::BucketUnknown(_))));
}

#[tokio::test]
async fn a_quorum_is_of_as_many_copies_as_there_shall_be_at_most() {
    let process = process_with(&Arc::default(), Terms { write_quorum: 3, ..Terms::default() });
    let content = noise(1, 500);
    let digest = Digest::of(Algorithm::Sha256, &content);
    let pushed = async { process.registry.push_blob(&repository(), &digest, body(&content)).await.unwrap() };
    let blob = tokio::time::timeout(Duration::from_secs(10), pushed).await.unwrap();
    assert_eq!(blob.places().count(), 2);
}

#[tokio::test]
async fn work_that_another_holds_is_not_done_now() {
    let facts: Arc<MemoryStore> = Arc::default();
    let process = process(&facts);
    let work = Work::house(&Digest::of(Algorithm::Sha256, b"x"), Timestamp::now());
    let held = work.taken(Timestamp::now().plus(Duration::from_mins(1)));
    facts.put_work(&held).await.unwrap();
    process.registry.do_now(&held).await.unwrap();
    assert_eq!(facts.work_of(&work.upload).await.unwrap(), Some(held));
    facts.put_work(&work).await.unwrap();
    process.registry.do_now(&work).await.unwrap();
    assert_eq!(facts.work_of(&work.upload).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_staged_of_a_lost_blob_is_discarded() {
    let facts: Arc<MemoryStore> = Arc::default();
    let process = process_with(&facts, Terms { held_whole: 1024, url_life: Duration::ZERO, ..Terms::default() });
    let content = noise(1, 3000);
    let digest = Digest::of(Algorithm::Sha256, &content);
    let blob = process.registry.push_blob(&repository(), &digest, body(&content)).await.unwrap();
    assert!(blob.place.path.digest().is_none());
    assert!(facts.lose_blob(&blob).await.unwrap());
    process.registry.work(Instant::now() + Duration::from_mins(1)).await.unwrap();
    assert_eq!(process.registry.pending_work(10).await.unwrap(), []);
    assert!(process.buckets[&blob.place.bucket].stat(&blob.place.path).await.is_err());
}
