//! A store as distribution writes it.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::world::noise;
use crate::oci::{Algorithm, Digest};
use crate::registry::ImportSource;
use crate::storage::{BucketId, DistributionLayout, MemoryDriver, ObjectPath, PutMode, StorageDriver};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// The store, which is written below its layout's root.
pub(super) struct Store {
    driver: Arc<dyn StorageDriver>,
    layout: DistributionLayout,
}

impl Store {
    /// A new one, in memory.
    pub(super) fn new(root: Option<&str>) -> Self {
        Self::over(Arc::new(MemoryDriver::default()), root)
    }

    pub(super) fn over(driver: Arc<dyn StorageDriver>, root: Option<&str>) -> Self {
        Self { driver, layout: DistributionLayout::new(root.map(|root| root.parse().unwrap())) }
    }

    /// It as something to import from.
    pub(super) fn source(&self, member: Option<&str>) -> ImportSource {
        let member = member.map(|id| id.parse::<BucketId>().unwrap());
        ImportSource { driver: Arc::clone(&self.driver), layout: self.layout.clone(), member }
    }

    /// Writes an object, over what is there.
    pub(super) async fn put(&self, path: &ObjectPath, content: impl Into<Bytes>) {
        self.driver.put_content(path, content.into(), PutMode::Overwrite).await.unwrap();
    }

    pub(super) async fn remove_blob(&self, digest: &Digest) {
        self.driver.delete(&self.layout.blob(digest).unwrap(), None).await.unwrap();
    }

    /// Writes something else where a blob lies.
    pub(super) async fn spoil(&self, digest: &Digest, content: impl Into<Bytes>) {
        self.put(&self.layout.blob(digest).unwrap(), content).await;
    }

    /// A blob, which no repository links.
    pub(super) async fn blob(&self, content: &Bytes) -> Digest {
        let digest = Digest::of(Algorithm::Sha256, content);
        self.put(&self.layout.blob(&digest).unwrap(), content.clone()).await;
        digest
    }

    async fn link(&self, repository: &str, link: &str, digest: &Digest) {
        let path = format!("{}/{repository}/{link}", self.layout.repositories().unwrap());
        self.put(&path.parse().unwrap(), digest.to_string()).await;
    }

    /// A blob that the repository links.
    pub(super) async fn layer(&self, repository: &str, content: &Bytes) -> Digest {
        let digest = self.blob(content).await;
        self.link(repository, &format!("_layers/sha256/{}/link", digest.hex()), &digest).await;
        digest
    }

    pub(super) async fn manifest(&self, repository: &str, manifest: &Value) -> Digest {
        let digest = self.blob(&manifest.to_string().into()).await;
        self.link(repository, &format!("_manifests/revisions/sha256/{}/link", digest.hex()), &digest).await;
        digest
    }

    /// An image with layers of this noise.
    pub(super) async fn image(&self, repository: &str, seeds: &[u64]) -> Digest {
        let manifest = self.image_of(repository, seeds).await;
        self.manifest(repository, &manifest).await
    }

    /// An image's manifest, which is not put yet.
    pub(super) async fn image_of(&self, repository: &str, seeds: &[u64]) -> Value {
        let config = Bytes::from(json!({ "seeds": seeds }).to_string());
        let mut layers = Vec::new();
        for content in seeds.iter().map(|seed| layer(*seed)) {
            self.layer(repository, &content).await;
            layers.push(descriptor(LAYER, &content));
        }
        self.layer(repository, &config).await;
        let config = descriptor("application/vnd.oci.image.config.v1+json", &config);
        json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers })
    }

    /// An index of these.
    pub(super) async fn index(&self, repository: &str, media_type: &str, children: &[&Digest]) -> Digest {
        let mut manifests = Vec::new();
        for child in children {
            let path = self.layout.blob(child).unwrap();
            let size = self.driver.stat(&path).await.unwrap().size;
            manifests.push(json!({ "mediaType": media_type, "digest": child, "size": size }));
        }
        self.manifest(repository, &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests })).await
    }

    pub(super) async fn images_index(&self, repository: &str, children: &[&Digest]) -> Digest {
        self.index(repository, IMAGE, children).await
    }

    pub(super) async fn indexes_index(&self, repository: &str, children: &[&Digest]) -> Digest {
        self.index(repository, INDEX, children).await
    }

    pub(super) async fn tag(&self, repository: &str, tag: &str, digest: &Digest) {
        let index = format!("_manifests/tags/{tag}/index/sha256/{}/link", digest.hex());
        self.link(repository, &index, digest).await;
        self.link(repository, &format!("_manifests/tags/{tag}/current/link"), digest).await;
    }

    /// Where the blob lies here.
    pub(super) fn path(&self, digest: &Digest) -> ObjectPath {
        self.layout.blob(digest).unwrap()
    }
}

/// The layer of this seed.
pub(super) fn layer(seed: u64) -> Bytes {
    noise(seed, 1000 + usize::try_from(seed).unwrap())
}

pub(super) fn digest(seed: u64) -> Digest {
    Digest::of(Algorithm::Sha256, &layer(seed))
}

pub(super) fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(Algorithm::Sha256, content), "size": content.len() })
}

/// The layers and the configuration that a manifest names.
pub(super) fn named(manifest: &[u8]) -> Vec<Digest> {
    let manifest: Value = serde_json::from_slice(manifest).unwrap();
    let layers = manifest["layers"].as_array().into_iter().flatten();
    let named = layers.chain(Some(&manifest["config"]).filter(|config| config.is_object()));
    named.map(|named| named["digest"].as_str().unwrap().parse().unwrap()).collect()
}
