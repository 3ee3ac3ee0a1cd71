//! Everything that a client can be told went wrong: one variant each.

use super::body::BodyError;
use crate::metadata;
use crate::oci::{Digest, ManifestError, ResumeDigestError, Tag, UploadId};
use crate::storage::{self, BucketId, ShardedError};

/// The outcome of a request.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The repository has no such blob.
    #[error("the repository has no such blob")]
    BlobUnknown,
    /// A manifest of the repository needs the blob.
    #[error("a manifest of the repository uses the blob: delete the manifest first")]
    BlobInUse,
    /// The repository has no such upload: it was completed, cancelled, expired or never begun.
    #[error("the repository has no such upload; begin a new one")]
    UploadUnknown,
    /// The upload's true offset is another, or another request is writing to it.
    #[error("the upload goes on at byte {offset}, or another request is writing to it")]
    OutOfTurn {
        /// The upload.
        id: UploadId,
        /// How many bytes it has.
        offset: u64,
    },
    /// The body has another length than its range says.
    #[error("the body has {actual} bytes, its range says {expected}")]
    WrongLength {
        /// What the range says.
        expected: u64,
        /// What arrived.
        actual: u64,
    },
    /// The blob's bucket has no URLs by which a client could put it there.
    #[error("this registry's buckets take no uploads from clients; use the usual upload")]
    DirectUnsupported,
    /// More bytes than an object can have.
    #[error("a blob has at most {limit} bytes")]
    TooLargeForObject {
        /// The most bytes.
        limit: u64,
    },
    /// The upload has no part of that number.
    #[error("the upload has no part {0}")]
    NoSuchPart(u32),
    /// What is said of a part cannot be.
    #[error("part {0} has no CRC-64/NVME in base64, or no tag that a bucket may have told")]
    PartMalformed(u32),
    /// What the upload should bring has not come, or not all of it.
    #[error("nothing was put by this upload's requests, or not all of it")]
    NothingPut,
    /// The content is not what its digest says.
    #[error("the content's digest is {actual}, not {expected}")]
    DigestMismatch {
        /// What the client said.
        expected: Digest,
        /// What the bytes say.
        actual: Digest,
    },
    /// The repository has no such manifest.
    #[error("the repository has no such manifest")]
    ManifestUnknown,
    /// The manifest is not one.
    #[error("{0}")]
    ManifestInvalid(#[from] ManifestError),
    /// A tag names another manifest, and the caller may not move it.
    #[error("the tag {0} names another manifest, and may not be moved")]
    TagTaken(Tag),
    /// What is shown of the manifest among its subject's referrers is too large to keep.
    #[error("a manifest with a subject may have annotations of {limit} bytes at most")]
    AnnotationsTooLarge {
        /// The most bytes.
        limit: usize,
    },
    /// More blobs than a manifest's row can name.
    #[error("a manifest may name {limit} blobs at most")]
    TooManyBlobs {
        /// The most blobs.
        limit: usize,
    },
    /// The manifest names what the repository does not have.
    #[error("the repository lacks what the manifest names; push it first")]
    ManifestBlobUnknown {
        /// Blobs and manifests, in the manifest's order.
        missing: Vec<Digest>,
    },
    /// More tags at once than one transaction moves.
    #[error("a manifest can be put under {limit} tags at once")]
    TooManyTags {
        /// The most tags.
        limit: usize,
    },
    /// There is no such repository.
    #[error("there is no such repository")]
    NameUnknown,
    /// The body did not arrive.
    #[error("{0}")]
    Body(#[from] BodyError),
    /// A bucket that holds the blob is not one of the ring's.
    #[error("the ring has no bucket {0}")]
    BucketUnknown(BucketId),
    /// The blob is durable, but not in as many buckets as it must be before that is said.
    #[error("the content is not in {quorum} buckets yet; try again")]
    TooFewCopies {
        /// How many it must be.
        quorum: usize,
    },
    /// The ring's buckets cannot be opened as its topology has them.
    #[error("the ring cannot be followed")]
    Ring(#[source] ShardedError),
    /// The recorded state of an upload's hash does not read.
    #[error("the recorded hash of the upload cannot be resumed")]
    Hash(#[from] ResumeDigestError),
    /// Bytes could not be stored or read.
    #[error("bytes could not be stored or read")]
    Storage(#[from] storage::Error),
    /// Facts could not be stored or read.
    #[error("facts could not be stored or read")]
    Metadata(#[from] metadata::Error),
}
