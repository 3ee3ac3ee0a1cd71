//! Everything that can be wrong with what is stored, found and mended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use tokio::time::Instant;

use super::world::{body, noise, repository};
use crate::metadata::{BlobRecord, MemoryStore, MetadataStore};
use crate::oci::{Algorithm, Digest};
use crate::registry::ring::Safety;
use crate::registry::{Damage, Error, Registry, Remedy, Scrub, Terms};
use crate::storage::moody::{Mood, Moody};
use crate::storage::{BucketId, BucketState, Changes, ObjectPath, PutMode, ShardedDriver, StorageDriver, Topology};

const BUCKETS: [&str; 4] = ["one", "two", "three", "four"];

/// A registry in memory, and its buckets.
struct Scene {
    registry: Registry,
    facts: Arc<MemoryStore>,
    buckets: BTreeMap<BucketId, Arc<Moody>>,
}

fn scrub(repair: bool) -> Scrub {
    Scrub { repair, orphans_after: Duration::ZERO, ..Scrub::default() }
}

impl Scene {
    async fn new(replicas: u8) -> Self {
        let members = BUCKETS.map(|id| (id.parse().unwrap(), format!("memory:{id}").parse().unwrap()));
        let topology = Topology { replicas, ..Topology::first(members).unwrap() };
        let buckets: BTreeMap<BucketId, Arc<Moody>> =
            BUCKETS.iter().map(|id| (id.parse().unwrap(), Arc::default())).collect();
        let drivers = buckets.iter().map(|(id, driver)| (id.clone(), Arc::clone(driver) as Arc<dyn StorageDriver>));
        let storage = ShardedDriver::new(topology.clone(), drivers.collect()).unwrap();
        let facts = Arc::<MemoryStore>::default();
        assert!(facts.put_topology(&topology).await.unwrap());
        let registry = Registry::new(Arc::new(storage), Arc::clone(&facts) as Arc<dyn MetadataStore>, Terms::default());
        registry.probe().await.unwrap();
        Self { registry, facts, buckets }
    }

    async fn push(&self, seed: u64) -> (Digest, Bytes) {
        let content = noise(seed, 3000);
        let digest = Digest::of(Algorithm::Sha256, &content);
        self.registry.push_blob(&repository(), &digest, body(&content)).await.unwrap();
        self.registry.work(Instant::now() + Duration::from_mins(1)).await.unwrap();
        (digest, content)
    }

    async fn record(&self, digest: &Digest) -> BlobRecord {
        self.facts.blob(digest).await.unwrap().unwrap()
    }

    /// Puts other bytes in the place of one of the blob's.
    async fn damage(&self, blob: &BlobRecord, place: usize, content: Bytes) {
        let place = blob.places().nth(place).unwrap();
        self.buckets[&place.bucket].put_content(&place.path, content, PutMode::Overwrite).await.unwrap();
    }

    async fn remove(&self, blob: &BlobRecord, place: usize) {
        let place = blob.places().nth(place).unwrap();
        self.buckets[&place.bucket].delete(&place.path, None).await.unwrap();
    }

    async fn found(&self, repair: bool) -> Vec<(Digest, Damage, Remedy)> {
        let findings = self.registry.scrub(&scrub(repair)).await.unwrap().findings;
        findings.into_iter().map(|finding| (finding.digest, finding.damage, finding.remedy)).collect()
    }

    async fn set_state(&self, bucket: &BucketId, state: BucketState) {
        let changes = Changes { state: vec![(bucket.clone(), state)], ..Changes::default() };
        self.registry.apply(&changes, Safety { max_move: 1.0, now: true }).await.unwrap();
    }

    /// Every copy of the blob is what it should be.
    async fn check(&self, digest: &Digest, content: &Bytes) {
        let blob = self.record(digest).await;
        for place in blob.places() {
            assert_eq!(self.buckets[&place.bucket].get_content(&place.path, u64::MAX).await.unwrap(), content);
            assert_eq!(self.buckets[&place.bucket].stat(&place.path).await.unwrap().version, place.version);
        }
        let read = self.registry.read_blob(&blob, None).await.unwrap().stream;
        assert_eq!(read.try_collect::<Vec<Bytes>>().await.unwrap().concat(), content.to_vec());
    }

    async fn aside(&self) -> usize {
        let mut found = 0;
        for driver in self.buckets.values() {
            found += driver.list(&"_ringhold/aside".parse().unwrap(), None, 100).await.unwrap().len();
        }
        found
    }
}

fn with_a_flipped_bit(content: &Bytes) -> Bytes {
    let mut bytes = content.to_vec();
    bytes[1234] ^= 4;
    bytes.into()
}

#[tokio::test]
async fn what_is_whole_is_left_alone() {
    let scene = Scene::new(2).await;
    let (digest, content) = scene.push(1).await;
    let before = scene.record(&digest).await;
    let scrubbed = scene.registry.scrub(&scrub(true)).await.unwrap();
    assert_eq!((scrubbed.blobs, scrubbed.bytes, scrubbed.findings.len()), (1, 6000, 0));
    assert_eq!(scene.record(&digest).await, before);
    scene.check(&digest, &content).await;
}

#[tokio::test]
async fn a_flipped_bit_a_truncated_and_a_missing_object_are_repaired_from_another_copy() {
    let scene = Scene::new(2).await;
    for (seed, place) in [(1, 0), (2, 1)] {
        let (digest, content) = scene.push(seed).await;
        let blob = scene.record(&digest).await;
        for damage in [Damage::Corrupt, Damage::WrongSize, Damage::Missing] {
            match damage {
                Damage::Corrupt => scene.damage(&blob, place, with_a_flipped_bit(&content)).await,
                Damage::WrongSize => scene.damage(&blob, place, content.slice(..100)).await,
                _ => scene.remove(&blob, place).await,
            }
            assert_eq!(scene.found(false).await, [(digest.clone(), damage, Remedy::None)]);
            assert_eq!(scene.found(true).await, [(digest.clone(), damage, Remedy::Repaired)]);
            assert_eq!(scene.found(true).await, []);
            scene.check(&digest, &content).await;
            let buckets = async || scene.record(&digest).await.places().map(|of| of.bucket.clone()).collect::<Vec<_>>();
            assert_eq!(buckets().await, blob.places().map(|of| of.bucket.clone()).collect::<Vec<_>>());
        }
    }
    assert_eq!(scene.aside().await, 4, "what was damaged is kept");
}

#[tokio::test]
async fn a_row_without_an_object_is_lost_until_it_is_pushed_again() {
    let scene = Scene::new(1).await;
    let (digest, content) = scene.push(1).await;
    let blob = scene.record(&digest).await;
    scene.remove(&blob, 0).await;
    assert_eq!(scene.found(false).await, [(digest.clone(), Damage::Missing, Remedy::None)]);
    assert!(scene.registry.blob(&repository(), &digest).await.is_ok(), "nothing was asked for but to look");
    assert_eq!(scene.found(true).await, [(digest.clone(), Damage::Missing, Remedy::Lost)]);
    assert!(matches!(scene.registry.blob(&repository(), &digest).await, Err(Error::BlobUnknown)));
    scene.push(1).await;
    scene.check(&digest, &content).await;
}

#[tokio::test]
async fn a_blob_without_a_good_copy_is_never_served_again() {
    let scene = Scene::new(2).await;
    let (digest, content) = scene.push(1).await;
    let blob = scene.record(&digest).await;
    scene.damage(&blob, 0, with_a_flipped_bit(&content)).await;
    scene.damage(&blob, 1, Bytes::from_static(b"short")).await;
    let lost = |damage| (digest.clone(), damage, Remedy::Lost);
    assert_eq!(scene.found(true).await, [lost(Damage::Corrupt), lost(Damage::WrongSize)]);
    assert!(matches!(scene.registry.blob(&repository(), &digest).await, Err(Error::BlobUnknown)));
    assert_eq!(scene.aside().await, 2);
    scene.push(1).await;
    scene.check(&digest, &content).await;
}

#[tokio::test]
async fn an_object_that_no_row_names_is_moved_aside_once_it_is_old() {
    let scene = Scene::new(1).await;
    let (digest, content) = scene.push(1).await;
    let blob = scene.record(&digest).await;
    let other = scene.buckets.keys().find(|id| **id != blob.place.bucket).unwrap();
    scene.buckets[other].put_content(&blob.place.path, content.clone(), PutMode::Overwrite).await.unwrap();
    let unknown = Digest::of(Algorithm::Sha256, b"nobody's");
    let path = ObjectPath::blob(&unknown);
    scene.buckets[other].put_content(&path, Bytes::from_static(b"nobody's"), PutMode::Overwrite).await.unwrap();
    let young = Scrub { repair: true, ..Scrub::default() };
    assert_eq!(scene.registry.scrub(&young).await.unwrap().findings, []);
    let mut found = scene.found(true).await;
    found.sort_by_key(|(digest, ..)| digest.clone());
    let mut wanted = [digest.clone(), unknown].map(|digest| (digest, Damage::Orphan, Remedy::MovedAside));
    wanted.sort_by_key(|(digest, ..)| digest.clone());
    assert_eq!(found, wanted);
    assert_eq!(scene.found(true).await, []);
    scene.check(&digest, &content).await;
}

#[tokio::test]
async fn a_sample_reads_only_a_part() {
    let scene = Scene::new(1).await;
    for seed in 0..64 {
        scene.push(seed).await;
    }
    let sample = Scrub { sample: 0.25, ..Scrub::default() };
    let read = scene.registry.scrub(&sample).await.unwrap().blobs;
    assert!((4..32).contains(&read), "{read} of 64");
}

#[tokio::test]
async fn what_a_bucket_refuses_is_not_lost() {
    let scene = Scene::new(1).await;
    let (digest, content) = scene.push(1).await;
    let bucket = &scene.buckets[&scene.record(&digest).await.place.bucket];
    for mood in [Mood::Refusing, Mood::Gone] {
        bucket.set(mood);
        assert_eq!(scene.found(true).await, [(digest.clone(), Damage::Unreadable, Remedy::None)]);
    }
    bucket.set(Mood::Well);
    scene.registry.probe().await.unwrap();
    assert_eq!(scene.found(true).await, []);
    scene.check(&digest, &content).await;
}

#[tokio::test]
async fn what_is_not_found_in_a_bucket_that_has_nothing_is_not_lost() {
    let scene = Scene::new(1).await;
    let (digest, _) = scene.push(1).await;
    let place = scene.record(&digest).await.place;
    let bucket = &scene.buckets[&place.bucket];
    bucket.inner.delete(&place.path, None).await.unwrap();
    bucket.inner.delete(&ObjectPath::probe(), None).await.unwrap();
    assert_eq!(scene.found(true).await, [(digest.clone(), Damage::Unreadable, Remedy::None)]);
    let other = ObjectPath::blob(&Digest::of(Algorithm::Sha256, b"another"));
    bucket.inner.put_content(&other, Bytes::from_static(b"another"), PutMode::Overwrite).await.unwrap();
    let young = Scrub { repair: true, ..Scrub::default() };
    let found = scene.registry.scrub(&young).await.unwrap().findings;
    assert_eq!((found[0].damage, found[0].remedy), (Damage::Missing, Remedy::Lost));
}

#[tokio::test]
async fn a_scrub_stops_before_it_loses_more_than_it_may() {
    let scene = Scene::new(1).await;
    for seed in 0..30 {
        let (digest, _) = scene.push(seed).await;
        let blob = scene.record(&digest).await;
        scene.remove(&blob, 0).await;
    }
    let wanted = Scrub { max_lost: 7, ..scrub(true) };
    let scrubbed = scene.registry.scrub(&wanted).await.unwrap();
    let count = |remedy| scrubbed.findings.iter().filter(|finding| finding.remedy == remedy).count();
    assert_eq!((count(Remedy::Lost), count(Remedy::None), scrubbed.stopped_at), (7, 1, Some(7)));
    let looked = scene.registry.scrub(&Scrub { repair: false, ..wanted }).await.unwrap();
    assert_eq!((looked.findings.len(), looked.stopped_at), (23, None), "nothing is lost by looking");
}

#[tokio::test]
async fn what_a_bucket_had_that_is_down_is_made_again_elsewhere_or_lost() {
    for (replicas, remedy) in [(2, Remedy::Repaired), (1, Remedy::Lost)] {
        let scene = Scene::new(replicas).await;
        let (digest, content) = scene.push(1).await;
        let gone = scene.record(&digest).await.place.bucket;
        scene.buckets[&gone].set(Mood::Gone);
        scene.set_state(&gone, BucketState::Down).await;
        let scrubbed = scene.registry.scrub(&scrub(true)).await.unwrap();
        let found: Vec<_> = scrubbed.findings.iter().map(|finding| (finding.damage, finding.remedy)).collect();
        assert_eq!((found, scrubbed.unlisted), (vec![(Damage::Missing, remedy)], 0));
        if remedy == Remedy::Lost {
            assert!(matches!(scene.registry.blob(&repository(), &digest).await, Err(Error::BlobUnknown)));
            continue;
        }
        assert_eq!(scene.record(&digest).await.places().count(), 1);
        scene.registry.work(Instant::now() + Duration::from_mins(1)).await.unwrap();
        let places: Vec<_> = scene.record(&digest).await.places().map(|place| place.bucket.clone()).collect();
        assert_eq!(places, scene.registry.homes(&digest));
        assert!(!places.contains(&gone));
        scene.check(&digest, &content).await;
    }
}

#[tokio::test]
async fn what_cannot_be_mended_is_found_and_the_rest_is_mended() {
    let scene = Scene::new(2).await;
    let (mut stuck, mut mended) = (0, 0);
    for seed in 0..12 {
        let (digest, _) = scene.push(seed).await;
        let blob = scene.record(&digest).await;
        scene.damage(&blob, 0, Bytes::from_static(b"short")).await;
        *if blob.place.bucket.as_str() == "one" { &mut stuck } else { &mut mended } += 1;
    }
    scene.buckets[&"one".parse().unwrap()].set(Mood::RefusingWrites);
    let found = scene.found(true).await;
    let count = |wanted| found.iter().filter(|(.., remedy)| *remedy == wanted).count();
    assert!(stuck > 0 && mended > 0);
    assert_eq!((count(Remedy::None), count(Remedy::Repaired)), (stuck, mended));
}

#[tokio::test]
async fn only_the_object_that_was_judged_is_moved_aside() {
    let scene = Scene::new(1).await;
    let (digest, content) = scene.push(1).await;
    let place = scene.record(&digest).await.place;
    let aside = async |path: &ObjectPath, version| {
        let digest = path.digest().unwrap();
        scene.registry.move_aside(&digest, (&place.bucket, path), version).await.unwrap()
    };
    assert!(!aside(&place.path, &place.version).await, "a row names it");
    let orphan = ObjectPath::blob(&Digest::of(Algorithm::Sha256, b"nobody's"));
    let bucket = &scene.buckets[&place.bucket];
    let put = async || bucket.put_content(&orphan, Bytes::from_static(b"nobody's"), PutMode::Overwrite).await.unwrap();
    let (judged, present) = (put().await, put().await);
    assert!(!aside(&orphan, &judged).await, "another has come there since");
    assert_eq!((scene.aside().await, bucket.stat(&orphan).await.unwrap().version), (0, present.clone()));
    assert!(aside(&orphan, &present).await);
    assert!(bucket.stat(&orphan).await.is_err());
    assert_eq!(scene.aside().await, 1);
    scene.check(&digest, &content).await;
}

#[tokio::test]
async fn a_sample_has_blobs_of_every_algorithm() {
    let scene = Scene::new(1).await;
    for seed in 0..64 {
        let content = noise(seed, 10);
        let digest = Digest::of(Algorithm::Sha512, &content);
        scene.registry.push_blob(&repository(), &digest, body(&content)).await.unwrap();
        scene.push(seed).await;
    }
    let all = |sample| Scrub { sample, ..Scrub::default() };
    let (half, whole) =
        (scene.registry.scrub(&all(0.5)).await.unwrap(), scene.registry.scrub(&all(1.0)).await.unwrap());
    assert_eq!(whole.blobs, 128);
    // Those of SHA-256 have 3000 bytes, and those of SHA-512 ten.
    assert!(half.bytes % 3000 >= 100, "{half:?}");
}
