//! The facts themselves.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::oci::{Algorithm, Descriptor, Digest, DigestState, MediaType, RepositoryName, UploadId};
use crate::storage::{BucketId, Checkpoint, Epoch, ObjectPath, Version};

/// Tells one life of a row from the next: never the same twice for one digest. Milliseconds since the epoch, and 20 random
/// bits, so that two writers who do not know of each other do not choose the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl Generation {
    /// A generation after `previous`, and after all that were made in earlier milliseconds: so when there is no row, after
    /// any that a removed row can have had.
    #[must_use]
    pub fn next(previous: Option<Self>, now: Timestamp) -> Self {
        let random = u64::from(uuid::Uuid::new_v4().as_fields().0) & ((1 << 20) - 1);
        let by_clock = now.as_millis().saturating_mul(1 << 20) | random;
        Self(previous.map_or(by_clock, |Self(last)| by_clock.max(last.saturating_add(1 + random))))
    }
}

/// Where the bytes of a blob are now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The bucket.
    pub bucket: BucketId,
    /// The object in it.
    pub path: ObjectPath,
    /// The version that was verified: what a delete is aimed at.
    pub version: Version,
    /// The topology under which it was placed.
    pub epoch: Epoch,
}

impl Place {
    /// Whether it is of that object, in whatever version.
    #[must_use]
    pub fn lies_at(&self, bucket: &BucketId, path: &ObjectPath) -> bool {
        (&self.bucket, &self.path) == (bucket, path)
    }
}

/// A blob that is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRecord {
    /// Its content's digest.
    pub digest: Digest,
    /// How many bytes it has.
    pub size: u64,
    /// Where they are.
    pub place: Place,
    /// Where they are as well, in other buckets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<Place>,
    /// Which life of the row this is.
    pub generation: Generation,
}

impl BlobRecord {
    /// Everywhere that the bytes are, the first place first.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.place).chain(&self.copies)
    }

    /// The record when an object has been written over one of its own, and which version that was; none when `written`
    /// lies elsewhere.
    #[must_use]
    pub fn written_over(&self, written: &Place) -> Option<(Self, Place)> {
        let mut record = self.clone();
        let mut places = std::iter::once(&mut record.place).chain(&mut record.copies);
        let place = places.find(|place| place.lies_at(&written.bucket, &written.path))?;
        let before = std::mem::replace(place, written.clone());
        Some((record, before))
    }
}

/// A blob seen through a repository that may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedBlob {
    /// The blob.
    pub blob: BlobRecord,
    /// Until when the link alone keeps the blob, used or not.
    pub lease: Timestamp,
}

/// A manifest in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRecord {
    /// The digest of its bytes.
    pub digest: Digest,
    /// What it was put as.
    pub media_type: MediaType,
    /// How many bytes it has.
    pub size: u64,
    /// The received bytes; absent when they lie in the ring, as a blob that the manifest itself uses.
    #[serde(with = "inline_bytes", default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Vec<u8>>,
    /// What it refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// The blobs whose uses it holds.
    pub blobs: Vec<Digest>,
    /// Which put this is.
    pub generation: Generation,
    /// When it was put.
    pub pushed: Timestamp,
}

impl ManifestRecord {
    /// The most bytes that lie in the row itself.
    pub const MAX_INLINE: usize = 256 * 1024;

    /// The most blobs that a manifest may use, each of which the row names.
    pub const MAX_BLOBS: usize = 1000;
}

/// A tag in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRecord {
    /// The manifest that it names.
    pub digest: Digest,
    /// That manifest's media type.
    pub media_type: MediaType,
    /// That manifest's size.
    pub size: u64,
    /// When it was last moved.
    pub pushed: Timestamp,
}

/// A manifest that refers to a subject: what the referrers list shows of it.
pub type Referrer = Descriptor;

/// Names one request's hold on an upload session.
pub type Claim = UploadId;

/// An upload in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadSession {
    /// Its name.
    pub id: UploadId,
    /// The repository that it was begun in; no other sees it.
    pub repository: RepositoryName,
    /// The bucket where its bytes gather.
    pub bucket: BucketId,
    /// The hash that its client announced, or the usual one.
    pub algorithm: Algorithm,
    /// How many bytes are durable.
    pub offset: u64,
    /// The hash of those bytes so far; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<DigestState>,
    /// How the writer goes on; absent before the first bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// Parts recorded so far: zero means that no row of parts needs reading.
    #[serde(default)]
    pub parts: u32,
    /// What is known of it when its bytes go straight into their bucket; absent when they come by requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<Direct>,
    /// The digest that it was completed with: the session is over, and is kept to answer a repeated request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<Digest>,
    /// When it was begun.
    pub started: Timestamp,
    /// When it may be swept away.
    pub expires: Timestamp,
}

/// An upload whose bytes go straight into their bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Direct {
    /// What they shall be.
    pub digest: Digest,
    /// How many they shall be.
    pub size: u64,
    /// How many each part has, the last one perhaps fewer.
    pub part_size: u64,
    /// The store's name for the unfinished object; none for one that is put whole, under a mark that is here instead.
    pub upload: DirectUpload,
    /// How far it has come.
    pub state: DirectState,
}

/// How the bytes of a direct upload are put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectUpload {
    /// In one request, whose object can be told by this.
    Whole(String),
    /// In parts of what the store calls by this name.
    Parts(String),
}

/// How far a direct upload has come. Once its blob is published the session is completed, as any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectState {
    /// Bytes are awaited.
    Open,
    /// All bytes are there, and are being hashed.
    Verifying,
    /// They are not what the digest says.
    Refused,
}

mod inline_bytes {
    //! Bytes in a row's JSON, as base64.

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde's `with` calls")]
    pub(super) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| STANDARD.decode(text).map_err(serde::de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two puts of one manifest in one millisecond, over one that a faster clock made: if they chose the same, the one
    /// that is refused would take the other's uses away.
    #[test]
    fn writers_who_do_not_know_of_each_other_choose_different_generations() {
        let now = Timestamp::from_millis(4_102_444_800_000);
        let ahead = Generation::next(None, now.plus(std::time::Duration::from_hours(1)));
        for previous in [None, Some(ahead)] {
            let [one, two] = [(); 2].map(|()| Generation::next(previous, now));
            assert_ne!(one, two);
            assert!(Some(one) > previous && Some(two) > previous);
        }
    }

    #[test]
    fn after_the_last_generation_comes_the_last() {
        let last = Generation(u64::MAX);
        assert_eq!(Generation::next(Some(last), Timestamp::from_millis(0)), last);
        assert_eq!(Generation::next(None, Timestamp::from_millis(u64::MAX)), last);
    }
}
