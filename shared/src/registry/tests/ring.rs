//! Random changes of the ring, pushes, deletes and crashes, compared after every step with the smallest thing that could be
//! right: a set of acknowledged contents, each of which must be readable at every moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use proptest::prelude::*;
use tokio::time::Instant;

use super::facts::MortalFacts;
use super::life::{Fate, Life, Moment};
use super::world::{body, noise, repository};
use crate::clock::Timestamp;
use crate::metadata::{BlobRecord, MemoryStore, MetadataStore};
use crate::oci::{Algorithm, Digest};
use crate::registry::ring::Safety;
use crate::registry::{Damage, Finding, Registry, Remedy, Scrub, Terms};
use crate::storage::{
    Bucket, BucketId, BucketState, Changes, Epoch, Factory, Joining, MemoryDriver, ShardedDriver, StorageDriver,
    Topology,
};

/// Few points, so that a ring is made quickly.
const VNODES: u32 = 16;
/// Buckets that may ever be.
const BUCKETS: usize = 6;

#[derive(Debug, Clone)]
enum Step {
    Push {
        content: u64,
    },
    Delete {
        content: u64,
    },
    Add {
        bucket: usize,
    },
    Drain {
        bucket: usize,
    },
    Remove {
        bucket: usize,
    },
    Weight {
        bucket: usize,
        weight: u32,
    },
    State {
        bucket: usize,
        state: BucketState,
    },
    Replicas {
        replicas: u8,
    },
    /// A process that carries the change out, or dies at one of its calls.
    Rebalance {
        dies_at: Option<usize>,
    },
    Work,
}

fn step() -> impl Strategy<Value = Step> {
    let (content, bucket) = (0..40_u64, 0..BUCKETS);
    let states = prop_oneof![Just(BucketState::Active), Just(BucketState::Draining), Just(BucketState::ReadOnly)];
    prop_oneof![
        6 => content.clone().prop_map(|content| Step::Push { content }),
        1 => content.prop_map(|content| Step::Delete { content }),
        3 => bucket.clone().prop_map(|bucket| Step::Add { bucket }),
        1 => bucket.clone().prop_map(|bucket| Step::Drain { bucket }),
        2 => bucket.clone().prop_map(|bucket| Step::Remove { bucket }),
        1 => (bucket.clone(), 1..4_u32).prop_map(|(bucket, weight)| Step::Weight { bucket, weight }),
        1 => (bucket, states).prop_map(|(bucket, state)| Step::State { bucket, state }),
        1 => (1..4_u8).prop_map(|replicas| Step::Replicas { replicas }),
        4 => prop::option::of(0..60_usize).prop_map(|dies_at| Step::Rebalance { dies_at }),
        2 => Just(Step::Work),
    ]
}

/// The buckets and the facts, which outlive the processes, and what was acknowledged.
struct Run {
    stores: Arc<Mutex<BTreeMap<String, Arc<MemoryDriver>>>>,
    facts: Arc<MemoryStore>,
    acknowledged: BTreeMap<u64, Digest>,
}

fn id(bucket: usize) -> BucketId {
    format!("bucket-{bucket}").parse().unwrap()
}

fn content(content: u64) -> Bytes {
    noise(content + 1, 200)
}

impl Run {
    async fn new() -> Self {
        let run = Self { stores: Arc::default(), facts: Arc::default(), acknowledged: BTreeMap::new() };
        let bucket = |salt: u32| Bucket {
            id: id(salt as usize),
            url: format!("memory:bucket-{salt}").parse().unwrap(),
            weight: 1,
            salt,
            state: BucketState::Active,
        };
        let buckets = (0..3).map(bucket).collect();
        let first = Topology { epoch: Epoch(1), since: Timestamp::now(), vnodes: VNODES, replicas: 1, buckets };
        assert!(run.facts.put_topology(&first).await.unwrap());
        run
    }

    /// A bucket's driver: the same one for all processes.
    fn driver(stores: &Mutex<BTreeMap<String, Arc<MemoryDriver>>>, name: &str) -> Arc<dyn StorageDriver> {
        Arc::clone(stores.lock().unwrap().entry(name.to_owned()).or_default()) as Arc<dyn StorageDriver>
    }

    async fn registry(&self, life: &Life) -> Registry {
        let topology = self.facts.topology().await.unwrap().unwrap();
        let name = |bucket: &Bucket| bucket.id.to_string();
        let drivers =
            topology.buckets.iter().map(|of| (of.id.clone(), Self::driver(&self.stores, &name(of)))).collect();
        let (mut factory, stores) = (Factory::default(), Arc::clone(&self.stores));
        factory.register("memory", move |url| std::future::ready(Ok(Self::driver(&stores, url.path()))));
        let storage = ShardedDriver::new(topology, drivers).unwrap().opening_by(factory);
        let facts = MortalFacts { inner: Arc::clone(&self.facts), life: life.clone(), refused: None };
        let terms = Terms { url_life: Duration::ZERO, work: Duration::ZERO, lease: Duration::ZERO, ..Terms::default() };
        Registry::new(Arc::new(storage), Arc::new(facts), terms)
    }

    async fn step(&mut self, step: &Step) {
        let registry = self.registry(&Life::long()).await;
        match *step {
            Step::Push { content: number } => {
                let bytes = content(number);
                let digest = Digest::of(Algorithm::Sha256, &bytes);
                registry.push_blob(&repository(), &digest, body(&bytes)).await.unwrap();
                self.acknowledged.insert(number, digest);
            }
            Step::Delete { content } => {
                if let Some(digest) = self.acknowledged.remove(&content) {
                    registry.delete_blob(&repository(), &digest).await.unwrap();
                }
            }
            Step::Rebalance { dies_at: None } => {
                let before = self.records().await;
                registry.rebalance(later()).await.unwrap();
                // What was pushed since the last pass went only to its first home.
                registry.work(later()).await.unwrap();
                self.check_homes(&registry, &before).await;
            }
            Step::Rebalance { dies_at: Some(call) } => {
                let life = Life::with(Moment::Before(call), Fate::End);
                let mortal = self.registry(&life).await;
                tokio::select! {
                    _ = mortal.rebalance(later()) => {}
                    () = life.reached() => {}
                }
            }
            Step::Work => drop(registry.work(later()).await.unwrap()),
            _ => self.change(&registry, step).await,
        }
    }

    /// A change of the ring, when it can be made now.
    async fn change(&self, registry: &Registry, step: &Step) {
        let mut changes = Changes::default();
        match *step {
            Step::Add { bucket } => {
                changes.add.push(Joining { id: id(bucket), url: format!("memory:bucket-{bucket}").parse().unwrap() });
            }
            Step::Drain { bucket } => changes.drain.push(id(bucket)),
            Step::Remove { bucket } => changes.remove.push(id(bucket)),
            Step::Weight { bucket, weight } => changes.weight.push((id(bucket), weight)),
            Step::State { bucket, state } => changes.state.push((id(bucket), state)),
            Step::Replicas { replicas } => changes.replicas = Some(replicas),
            Step::Push { .. } | Step::Delete { .. } | Step::Rebalance { .. } | Step::Work => {}
        }
        let before = registry.storage().topology().epoch;
        let applied = registry.apply(&changes, Safety { max_move: 1.0, now: true }).await;
        let after = self.facts.topology().await.unwrap().unwrap().epoch;
        assert_eq!(after.0, before.0 + u64::from(applied.is_ok()), "{step:?}: {applied:?}");
    }

    async fn records(&self) -> BTreeMap<Digest, BlobRecord> {
        let mut records = BTreeMap::new();
        for digest in self.acknowledged.values() {
            records.insert(digest.clone(), self.facts.blob(digest).await.unwrap().unwrap());
        }
        records
    }

    /// Every blob lies at exactly its homes, beside read-only buckets that had it, and none of it has moved that was there
    /// before.
    async fn check_homes(&self, registry: &Registry, before: &BTreeMap<Digest, BlobRecord>) {
        let storage = registry.storage();
        let buckets = storage.topology().buckets.iter();
        let read_only = buckets.filter(|bucket| bucket.state == BucketState::ReadOnly).map(|bucket| bucket.id.clone());
        let read_only: BTreeSet<BucketId> = read_only.collect();
        for (digest, record) in self.records().await {
            let places: Vec<_> = record.places().map(|place| place.bucket.clone()).collect();
            let (staying, moving): (Vec<_>, Vec<_>) = places.iter().partition(|id| read_only.contains(*id));
            let mut homes = registry.homes(&digest);
            homes.truncate(homes.len().saturating_sub(staying.len()));
            assert_eq!(moving, homes.iter().collect::<Vec<_>>(), "{digest}");
            let had = before[&digest].places().map(|place| &place.bucket).filter(|id| read_only.contains(*id));
            assert_eq!(staying.into_iter().collect::<BTreeSet<_>>(), had.collect(), "{digest}");
            for place in before[&digest].places().filter(|place| places.contains(&place.bucket)) {
                assert!(record.places().any(|now| now == place), "{digest} was at home in {} already", place.bucket);
            }
        }
    }

    /// Whatever was acknowledged can be read, by a process that has just begun.
    async fn check(&self) {
        let registry = self.registry(&Life::long()).await;
        for digest in self.acknowledged.values() {
            let blob = registry.blob(&repository(), digest).await.unwrap();
            let read: Vec<Bytes> = registry.read_blob(&blob, None).await.unwrap().stream.try_collect().await.unwrap();
            assert_eq!(Digest::of(Algorithm::Sha256, &read.concat()), *digest);
            assert!(blob.places().map(|place| &place.bucket).collect::<BTreeSet<_>>().len() == blob.places().count());
        }
    }

    /// In the end, when nobody dies any more, each bucket has what the rows say and nothing else.
    async fn check_end(&self) {
        let registry = self.registry(&Life::long()).await;
        registry.rebalance(later()).await.unwrap();
        for _ in 0..20 {
            registry.work(later()).await.unwrap();
        }
        assert_eq!(registry.pending_work(10).await.unwrap(), []);
        // A process that died between a copy and its row has left a copy that nobody knows.
        let scrubbed = registry.scrub(&Scrub { repair: true, orphans_after: Duration::ZERO, ..Scrub::default() }).await;
        let is_orphan = |finding: &Finding| (finding.damage, finding.remedy) == (Damage::Orphan, Remedy::MovedAside);
        assert!(scrubbed.unwrap().findings.iter().all(is_orphan));
        let mut known = BTreeSet::new();
        registry
            .for_each_blob(|blob| {
                known.extend(blob.places().map(|place| (place.bucket.to_string(), place.path.clone())));
            })
            .await
            .unwrap();
        let mut found = BTreeSet::new();
        let stores = self.stores.lock().unwrap().clone();
        for (name, driver) in stores {
            let entries = driver.list(&"docker".parse().unwrap(), None, 1000).await.unwrap();
            found.extend(entries.into_iter().map(|entry| (name.clone(), entry.path)));
        }
        assert_eq!(found, known);
    }
}

fn later() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

fn run(steps: &[Step]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut run = Run::new().await;
        for step in steps {
            run.step(step).await;
            run.check().await;
        }
        run.check_end().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(100) })]

    /// A hundred runs of a hundred steps.
    #[test]
    fn whatever_becomes_of_the_ring_every_blob_can_be_read(steps in prop::collection::vec(step(), 100)) {
        run(&steps);
    }
}
