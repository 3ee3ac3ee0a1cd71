//! Three buckets and the facts about them, which outlive the processes that work on them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::facts::MortalFacts;
use super::life::{Life, Mortal};
use crate::clock::Timestamp;
use crate::metadata::{MemoryStore, MetadataStore};
use crate::oci::{Algorithm, ContentRange, Digest, RepositoryName, UploadId};
use crate::registry::{Body, Registry, Terms};
use crate::storage::s3::tests::InProcess;
use crate::storage::{BucketId, ObjectPath, ShardedDriver, StorageDriver, Topology};

const BUCKETS: [&str; 3] = ["one", "two", "three"];

/// Long enough for a request on a busy machine, short enough to wait for after one that died.
const CLAIM: Duration = Duration::from_millis(600);

pub(super) struct World {
    server: InProcess,
    facts: Arc<MemoryStore>,
    topology: Topology,
}

impl World {
    /// A bucket of the same store that is none of the ring's.
    pub(super) const ELSEWHERE: &str = "elsewhere";

    pub(super) async fn new() -> Self {
        let server = InProcess::start().await;
        for bucket in BUCKETS.into_iter().chain([Self::ELSEWHERE]) {
            server.make(bucket).await;
        }
        let members = BUCKETS.map(|id| (id.parse().unwrap(), format!("s3://{id}").parse().unwrap()));
        Self { server, facts: Arc::default(), topology: Topology::first(members).unwrap() }
    }

    /// The registry as a process of that life has it.
    pub(super) fn registry(&self, life: &Life) -> Registry {
        self.with(
            life,
            Terms { claim: CLAIM, work: CLAIM, url_life: Duration::ZERO, held_whole: 1024, ..Terms::default() },
        )
    }

    fn with(&self, life: &Life, terms: Terms) -> Registry {
        let drivers: BTreeMap<BucketId, Arc<dyn StorageDriver>> =
            BUCKETS.iter().map(|id| (id.parse().unwrap(), self.bucket(life, id))).collect();
        let storage = Arc::new(ShardedDriver::new(self.topology.clone(), drivers).unwrap());
        let facts = Arc::new(MortalFacts { inner: Arc::clone(&self.facts), life: life.clone(), refused: None });
        Registry::new(storage, facts, terms)
    }

    /// A bucket as a process of that life has it.
    pub(super) fn bucket(&self, life: &Life, name: &str) -> Arc<dyn StorageDriver> {
        let client = Mortal { inner: self.server.gate().clone(), life: life.clone() };
        self.server.through(client, name)
    }

    /// Does all work, and sweeps as if everything there had been left long ago.
    pub(super) async fn settle_and_sweep(&self) {
        let registry = self.registry(&Life::long());
        for _ in 0..200 {
            registry.work(Instant::now() + Duration::from_mins(1)).await.unwrap();
            if registry.pending_work(100).await.unwrap().is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(registry.pending_work(100).await.unwrap(), [], "work is done in the end");
        // S3 tells time in seconds, rounded down: whatever is there is older than now.
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.with(&Life::long(), Terms { session: Duration::ZERO, ..Terms::default() }).sweep().await.unwrap();
    }

    /// Nothing is left but whole blobs at their homes, each read from there: what was acknowledged among them.
    pub(super) async fn check(&self, acknowledged: &[Digest]) {
        let registry = self.registry(&Life::long());
        let mut found = Vec::new();
        for id in BUCKETS {
            let driver = registry.bucket(&id.parse().unwrap()).await.unwrap();
            for entry in driver.list(&"docker".parse().unwrap(), None, 100).await.unwrap() {
                let digest = entry.path.digest().expect("a blob's home");
                let content = driver.get_content(&entry.path, u64::MAX).await.unwrap();
                assert_eq!(Digest::of(digest.algorithm(), &content), digest);
                assert_eq!(registry.storage().home(&digest).as_str(), id);
                found.push(digest);
            }
            assert_eq!(driver.list(&"_ringhold".parse().unwrap(), None, 100).await.unwrap(), [], "{id}");
            let later = Timestamp::now().plus(Duration::from_hours(1));
            assert_eq!(driver.unfinished(later, 100).await.unwrap(), [], "{id}");
        }
        for digest in acknowledged {
            let blob = registry.blob(&repository(), digest).await.expect("it was acknowledged");
            assert_eq!(blob.place.path, ObjectPath::blob(digest));
            assert!(found.contains(digest), "{digest} is at home");
            let read = registry.read_blob(&blob, None).await.unwrap().stream;
            let read: Vec<Bytes> = read.try_collect().await.unwrap();
            assert_eq!(Digest::of(Algorithm::Sha256, &read.concat()), *digest);
        }
    }

    /// Where the upload stands, as its row says.
    pub(super) async fn offset(&self, id: &UploadId) -> Option<u64> {
        let session = self.facts.session(&repository(), id).await.unwrap()?;
        session.completed.is_none().then_some(session.offset)
    }
}

pub(super) fn repository() -> RepositoryName {
    "team/app".parse().unwrap()
}

/// A body that comes in one piece.
pub(super) fn body(bytes: &Bytes) -> Body {
    stream::iter([Ok(bytes.clone())]).boxed()
}

pub(super) fn range(first: u64, bytes: &Bytes) -> ContentRange {
    format!("{first}-{}", first + bytes.len() as u64 - 1).parse().unwrap()
}

/// Bytes without a pattern.
pub(super) fn noise(seed: u64, size: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes.into()
}
