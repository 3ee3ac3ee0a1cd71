//! Things to push: bytes that do not compress, and images made of them, for clients that want them pushed by hand.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::json;
use shared::oci::{Algorithm, Digest};

use crate::client::Client;

/// The media type of an OCI image.
pub const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

/// The media type of an OCI index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Numbers without a pattern, the same for the same seed.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// The next number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        (self.roll() >> 16) % bound
    }
}

/// So many bytes, the same for the same seed, that do not compress.
pub fn noise(seed: u64, length: usize) -> Bytes {
    let mut dice = Dice::new(seed);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&dice.roll().to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

/// The usual digest of these bytes.
pub fn digest(bytes: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, bytes)
}

/// An image manifest over a config and layers that are pushed already.
pub fn image(config: &[u8], layers: &[Bytes]) -> Bytes {
    let layers: Vec<_> = layers
        .iter()
        .map(|layer| json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest(layer), "size": layer.len() }))
        .collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(config), "size": config.len() },
        "layers": layers,
    });
    manifest.to_string().into()
}

/// Pushes a blob in one request.
pub async fn push_blob(client: &Client, repository: &str, bytes: &Bytes) -> Digest {
    let digest = digest(bytes);
    let target = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
    let answer = client.call(Method::POST, target).body(bytes.clone()).send().await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    digest
}

/// Pushes an image of these layers under a tag.
pub async fn push_image(client: &Client, repository: &str, tag: &str, layers: &[Bytes]) -> Digest {
    let config = Bytes::from_static(b"{}");
    for blob in layers.iter().chain([&config]) {
        push_blob(client, repository, blob).await;
    }
    let manifest = image(&config, layers);
    let target = format!("/v2/{repository}/manifests/{tag}");
    let put = client.call(Method::PUT, target).header("content-type", IMAGE).body(manifest.clone()).send().await;
    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
    digest(&manifest)
}

/// Reads a manifest and everything below it, compares each with its digest and its size, and returns its own digest and
/// itself.
pub async fn verify(client: &Client, repository: &str, reference: &str) -> (Digest, serde_json::Value) {
    let accepted = [IMAGE, INDEX, "application/vnd.docker.distribution.manifest.v2+json"].join(", ");
    let target = format!("/v2/{repository}/manifests/{reference}");
    let got = client.call(Method::GET, target).header("accept", accepted).send().await;
    assert_eq!(got.status, StatusCode::OK, "{reference} of {repository}");
    let itself = digest(&got.body);
    assert_eq!(got.header("docker-content-digest"), itself.as_str());
    let manifest = got.json();
    for child in manifest["manifests"].as_array().into_iter().flatten() {
        let child = child["digest"].as_str().expect("a digest");
        let (found, _) = Box::pin(verify(client, repository, child)).await;
        assert_eq!(found.as_str(), child);
    }
    let config = Some(&manifest["config"]).filter(|config| config.is_object());
    for blob in manifest["layers"].as_array().into_iter().flatten().chain(config) {
        let expected = blob["digest"].as_str().expect("a digest");
        let got = client.get(format!("/v2/{repository}/blobs/{expected}")).await;
        assert_eq!(got.status, StatusCode::OK, "{expected} of {repository}");
        assert_eq!((digest(&got.body).as_str(), Some(got.body.len() as u64)), (expected, blob["size"].as_u64()));
    }
    (itself, manifest)
}
