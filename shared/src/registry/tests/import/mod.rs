//! Importing what distribution has written: where blobs come to lie, in which order, and what is left out.

mod broken;
mod kills;
mod places;
mod store;
mod tags;

use std::num::NonZeroU8;
use std::sync::{Arc, Mutex};

use self::store::named;
use crate::metadata::{MemoryStore, MetadataStore};
use crate::oci::{Digest, Reference};
use crate::registry::{
    BlobFate, ImportEvent, ImportOptions, ImportSource, ImportSums, ManifestFate, Registry, StoredManifest, TagFate,
    Terms,
};
use crate::storage::{BucketId, Entry, MemoryDriver, ObjectPath, ShardedDriver, StorageDriver, Topology};

const BUCKETS: [&str; 3] = ["one", "two", "three"];

/// A registry over three buckets in memory.
struct Target {
    buckets: Vec<Arc<MemoryDriver>>,
    facts: Arc<MemoryStore>,
    registry: Registry,
}

/// What an import came to, and what it told, in lines.
#[derive(Debug)]
struct Told {
    sums: ImportSums,
    lines: Vec<String>,
}

impl Target {
    fn new() -> Self {
        let members = BUCKETS.map(|id| (id.parse().unwrap(), format!("memory:{id}").parse().unwrap()));
        let buckets: Vec<Arc<MemoryDriver>> = BUCKETS.iter().map(|_| Arc::default()).collect();
        let drivers = BUCKETS.iter().zip(&buckets);
        let drivers = drivers.map(|(id, driver)| (id.parse().unwrap(), Arc::clone(driver) as Arc<dyn StorageDriver>));
        let storage = ShardedDriver::new(Topology::first(members).unwrap(), drivers.collect()).unwrap();
        let facts = Arc::new(MemoryStore::new());
        let registry = Registry::new(Arc::new(storage), facts.clone(), Terms::default());
        Self { buckets, facts, registry }
    }

    /// What lies in a bucket.
    async fn objects(&self, bucket: usize) -> Vec<Entry> {
        let mut objects = Vec::new();
        for directory in ["docker", "_ringhold"] {
            objects.extend(self.buckets[bucket].list(&directory.parse().unwrap(), None, 1000).await.unwrap());
        }
        objects
    }

    /// Imports what must be there.
    async fn import(&self, sources: &[ImportSource], options: &ImportOptions) -> Told {
        let lines = Mutex::new(Vec::new());
        let watcher = |event: &ImportEvent| lines.lock().unwrap().push(line(event));
        let sums = self.registry.import(sources, options, &watcher).await.unwrap();
        Told { sums, lines: lines.into_inner().unwrap() }
    }

    async fn manifest(&self, repository: &str, reference: &str) -> Option<StoredManifest> {
        let reference: Reference = reference.parse().unwrap();
        self.registry.manifest(&repository.parse().unwrap(), &reference).await.ok()
    }

    /// Whether the repository serves the manifest and every blob that it names, byte for byte.
    async fn has(&self, repository: &str, reference: &str) -> bool {
        let Some(manifest) = self.manifest(repository, reference).await else { return false };
        assert_eq!(Digest::of(manifest.digest.algorithm(), &manifest.bytes), manifest.digest);
        for blob in named(&manifest.bytes) {
            let blob = self.registry.blob(&repository.parse().unwrap(), &blob).await.unwrap();
            let bucket = BUCKETS.iter().position(|id| *id == blob.place.bucket.as_str()).unwrap();
            let stat = self.buckets[bucket].stat(&blob.place.path).await.unwrap();
            assert_eq!(stat.version, blob.place.version, "a delete of it would be aimed");
            let bytes = self.buckets[bucket].get_content(&blob.place.path, u64::MAX).await.unwrap();
            assert_eq!(Digest::of(blob.digest.algorithm(), &bytes), blob.digest);
        }
        true
    }

    /// Where the registry reads the blob.
    async fn place(&self, digest: &Digest) -> Option<(BucketId, ObjectPath)> {
        let blob = self.facts.blob(digest).await.unwrap()?;
        Some((blob.place.bucket, blob.place.path))
    }

    fn home(&self, digest: &Digest) -> BucketId {
        self.registry.storage().home(digest).clone()
    }
}

impl Told {
    fn problems(&self) -> Vec<&str> {
        let mut problems: Vec<_> = self.lines.iter().filter_map(|line| line.strip_prefix("problem ")).collect();
        problems.sort_unstable();
        problems
    }
}

fn usual() -> ImportOptions {
    ImportOptions {
        repositories: Vec::new(),
        verify: false,
        overwrite_tags: false,
        dry_run: false,
        blobs_into: None,
        jobs: NonZeroU8::new(3).unwrap(),
    }
}

fn line(event: &ImportEvent) -> String {
    match event {
        ImportEvent::Repository(name) => format!("repository {name}"),
        ImportEvent::Blob { repository, digest, fate } => {
            let fate = match fate {
                BlobFate::Present => "present",
                BlobFate::Linked => "linked",
                BlobFate::Adopted { .. } => "adopted",
                BlobFate::Copied { .. } => "copied",
            };
            format!("blob {repository} {digest} {fate}")
        }
        ImportEvent::Manifest { repository, digest, fate: ManifestFate::Present } => {
            format!("manifest {repository} {digest} present")
        }
        ImportEvent::Manifest { repository, digest, fate: ManifestFate::Published } => {
            format!("manifest {repository} {digest} published")
        }
        ImportEvent::Tag { repository, tag, fate, .. } => match fate {
            TagFate::Present => format!("tag {repository}:{tag} present"),
            TagFate::Set => format!("tag {repository}:{tag} set"),
            TagFate::Kept(_) => format!("tag {repository}:{tag} kept"),
        },
        ImportEvent::Skipped { repository, layers } => format!("skipped {repository} {layers}"),
        ImportEvent::Problem(problem) => {
            format!("problem {} {:?}: {}", problem.repository, problem.item, problem.fault)
        }
    }
}
