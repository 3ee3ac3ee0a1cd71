//! Buckets that keep versions: whatever has been written over is gone in the end, that it may never come back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use harness::content::noise;
use harness::emulator::{Emulator, emulator};
use shared::config::{Aws, Stores};
use shared::metadata::{BlobRecord, MetadataStore};
use shared::oci::{Algorithm, Digest};
use shared::registry::{Registry, Remedy, Scrub, Terms};
use shared::storage::{PutMode, ShardedDriver};
use tokio::time::Instant;

/// A registry over buckets of the emulator.
struct Scene {
    emulator: &'static Emulator,
    registry: Registry,
    storage: Arc<ShardedDriver>,
    metadata: Arc<dyn MetadataStore>,
    buckets: Vec<String>,
}

impl Scene {
    /// Each blob lies in every bucket.
    async fn over(emulator: &'static Emulator, buckets: Vec<String>) -> Self {
        let url = |bucket: &String| format!("s3://{bucket}?endpoint={}&region=us-east-1", emulator.endpoint());
        let urls: Vec<_> = buckets.iter().map(|bucket| url(bucket).parse().expect("a URL")).collect();
        let replicas = u8::try_from(buckets.len()).expect("few buckets");
        let stores = Stores { replicas: Some(replicas), ..Stores::new(urls, "memory:".parse().expect("a URL")) };
        let aws = Aws { settings: Some(emulator.sdk_config()), ..Aws::default() };
        let (storage, metadata) = stores.open(&aws).await.expect("the stores can be opened");
        let terms = Terms { url_life: Duration::ZERO, ..Terms::default() };
        let registry = Registry::new(Arc::clone(&storage), Arc::clone(&metadata), terms);
        Self { emulator, registry, storage, metadata, buckets }
    }

    async fn push(&self, repository: &str, content: &Bytes) -> BlobRecord {
        let digest = Digest::of(Algorithm::Sha256, content);
        let body = stream::iter([Ok(content.clone())]).boxed();
        self.registry.push_blob(&repository.parse().expect("a name"), &digest, body).await.expect("it is pushed");
        self.work().await;
        self.metadata.blob(&digest).await.expect("the metadata").expect("it is known")
    }

    async fn work(&self) {
        while self.registry.work(Instant::now() + Duration::from_mins(1)).await.expect("work").done > 0 {}
    }

    /// Damages the blob's copy in a bucket, and has it mended.
    async fn mend(&self, digest: &Digest, bucket: &str) {
        let blob = || async { self.metadata.blob(digest).await.expect("the metadata").expect("it is known") };
        let before = blob().await;
        let place = before.places().find(|place| place.bucket.as_str() == bucket).expect("it lies there");
        let driver = self.storage.bucket(&place.bucket).expect("a member");
        driver.put_content(&place.path, noise(2, 1000), PutMode::Overwrite).await.expect("it is damaged");
        let scrubbed = self.registry.scrub(&Scrub { repair: true, ..Scrub::default() }).await.expect("a scrub");
        assert_eq!(scrubbed.findings.iter().map(|finding| finding.remedy).collect::<Vec<_>>(), [Remedy::Repaired]);
        self.work().await;
        self.check(&blob().await).await;
    }

    /// What the homes hold, in sight or out of it.
    async fn versions(&self) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for bucket in &self.buckets {
            let versions = self.emulator.s3_client().list_object_versions().bucket(bucket).prefix("docker/").send();
            let versions = versions.await.expect("a listing");
            assert_eq!(versions.delete_markers(), [], "{bucket}");
            let ids = versions.versions().iter().filter_map(|version| version.version_id());
            found.extend(ids.map(|id| (bucket.clone(), format!("v:{id}"))));
        }
        found
    }

    /// They hold exactly what the blob is read from.
    async fn check(&self, blob: &BlobRecord) {
        let places = blob.places().map(|place| (place.bucket.to_string(), place.version.as_str().to_owned()));
        assert_eq!(self.versions().await, places.collect());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pushed_before_its_bucket_kept_versions_goes_as_well() {
    let Some(emulator) = emulator() else { return };
    let bucket = emulator.unversioned_bucket().await;
    let scene = Scene::over(emulator, vec![bucket.clone()]).await;
    let content = noise(1, 1000);
    scene.push("team/app", &content).await;
    emulator.keep_versions(&bucket).await;
    for repository in ["team/other", "team/third"] {
        let blob = scene.push(repository, &content).await;
        scene.check(&blob).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_was_written_over_since_goes_and_is_not_hidden() {
    let Some(emulator) = emulator() else { return };
    let bucket = emulator.unversioned_bucket().await;
    let scene = Scene::over(emulator, vec![bucket.clone()]).await;
    let blob = scene.push("team/app", &noise(1, 1000)).await;
    emulator.keep_versions(&bucket).await;
    let driver = scene.storage.bucket(&blob.place.bucket).expect("a member");
    driver.delete(&blob.place.path, Some(&blob.place.version)).await.expect("it is deleted");
    assert_eq!(scene.versions().await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_damaged_goes_once_it_is_mended() {
    let Some(emulator) = emulator() else { return };
    let buckets = [emulator.unversioned_bucket().await, emulator.bucket().await];
    let scene = Scene::over(emulator, buckets.to_vec()).await;
    let blob = scene.push("team/app", &noise(1, 1000)).await;
    emulator.keep_versions(&buckets[0]).await;
    for bucket in &buckets {
        scene.mend(&blob.digest, bucket).await;
    }
}
