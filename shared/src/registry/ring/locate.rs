//! Where one blob belongs, and where it is.

use serde::{Deserialize, Serialize};

use crate::metadata::BlobRecord;
use crate::oci::Digest;
use crate::registry::{Registry, Result};
use crate::storage::{BucketId, Epoch};

/// A digest on the ring, and the blob of that digest, when there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// The digest.
    pub digest: Digest,
    /// Where it stands on the circle.
    pub point: u32,
    /// The topology's number.
    pub epoch: Epoch,
    /// The buckets that shall hold it, the home first.
    pub homes: Vec<BucketId>,
    /// How many bytes it has; none when there is no such blob.
    pub size: Option<u64>,
    /// Where its bytes are now.
    pub places: Vec<PlaceNow>,
}

/// Where bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceNow {
    /// The bucket.
    pub bucket: BucketId,
    /// The object.
    pub path: String,
    /// What the place is to the blob.
    pub kind: PlaceKind,
    /// The topology by which they were placed.
    pub epoch: Epoch,
    /// Whether the bucket serves.
    pub serves: bool,
}

/// What a place is to a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceKind {
    /// One of its homes.
    Home,
    /// Where its upload put it.
    Staged,
    /// A bucket that is not its home: no longer, or not yet.
    Elsewhere,
}

impl Registry {
    /// Where the digest belongs, and where its bytes are.
    pub async fn locate(&self, digest: &Digest) -> Result<Located> {
        self.catch_up().await?;
        let (storage, homes) = (self.storage(), self.homes(digest));
        let blob = self.metadata.blob(digest).await?;
        let places = blob.iter().flat_map(BlobRecord::places).map(|place| PlaceNow {
            bucket: place.bucket.clone(),
            path: place.path.to_string(),
            kind: match place.path.digest() {
                None => PlaceKind::Staged,
                Some(_) if homes.contains(&place.bucket) => PlaceKind::Home,
                Some(_) => PlaceKind::Elsewhere,
            },
            epoch: place.epoch,
            serves: storage.serves(&place.bucket),
        });
        Ok(Located {
            digest: digest.clone(),
            point: digest.point(),
            epoch: storage.topology().epoch,
            places: places.collect(),
            size: blob.as_ref().map(|blob| blob.size),
            homes,
        })
    }
}
