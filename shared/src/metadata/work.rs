//! Work that nobody waits for: a record for each staged object, from when it is published or must be verified until it is
//! gone.

use serde::{Deserialize, Serialize};

use super::records::Place;
use crate::clock::Timestamp;
use crate::oci::{Digest, DigestState, UploadId};

/// Something to be done about the object that an upload has staged, or about a blob. There is one work for each at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The upload, or what a work about a blob is called instead.
    pub upload: UploadId,
    /// What is to be done.
    pub task: Task,
    /// Not before this. Whoever takes the work puts this off, so that nobody else does it at the same time.
    pub due: Timestamp,
    /// How often it was taken.
    pub attempts: u32,
    /// Since when this is to be done, or since it last came further.
    pub since: Timestamp,
}

/// What is to be done. Each can be done twice, or be given up half-way, without harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Task {
    /// Bring a published blob home.
    Settle {
        /// The blob.
        digest: Digest,
        /// Where it lies.
        place: Place,
    },
    /// Bring a blob to every bucket where the ring wants it, and away from the others.
    House {
        /// The blob.
        digest: Digest,
    },
    /// Hash what came in parts, and publish it when it is what its digest says.
    Verify(Verification),
    /// Remove what nobody reads any more.
    Discard {
        /// Where it lies: that version, and nothing that may have come there since.
        place: Place,
    },
}

/// Bytes that are all there, and are being hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Where they lie.
    pub place: Place,
    /// How many bytes are hashed.
    pub offset: u64,
    /// Their hash; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<DigestState>,
}

impl Work {
    /// New work, due at once.
    #[must_use]
    pub fn new(upload: UploadId, task: Task, now: Timestamp) -> Self {
        Self { upload, task, due: now, attempts: 0, since: now }
    }

    /// The work of housing a blob, due at once.
    #[must_use]
    pub fn house(digest: &Digest, now: Timestamp) -> Self {
        Self::new(UploadId::leading(digest), Task::House { digest: digest.clone() }, now)
    }

    /// The work of removing what nobody reads any more, from then on.
    #[must_use]
    pub fn discard(work: UploadId, place: Place, due: Timestamp) -> Self {
        Self::new(work, Task::Discard { place }, due)
    }

    /// The work, due only then.
    #[must_use]
    pub fn at(self, due: Timestamp) -> Self {
        Self { due, ..self }
    }

    /// The work as whoever takes it until then holds it.
    #[must_use]
    pub fn taken(&self, until: Timestamp) -> Self {
        Self { due: until, attempts: self.attempts.saturating_add(1), ..self.clone() }
    }

    /// Whether this is the same state of the same work.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.upload == other.upload && self.due == other.due && self.attempts == other.attempts
    }
}

/// Up to `limit` works of all shards, one of each in turn: where one is full, the others' come all the same.
pub(super) fn in_turn(shards: Vec<Vec<Work>>, limit: usize) -> Vec<Work> {
    let mut shards: Vec<_> = shards.into_iter().map(Vec::into_iter).collect();
    let mut works = Vec::new();
    loop {
        let before = works.len();
        works.extend(shards.iter_mut().filter_map(Iterator::next).take(limit - before));
        if works.len() == before {
            return works;
        }
    }
}

impl Task {
    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Settle { .. } => "settle",
            Self::House { .. } => "house",
            Self::Verify(_) => "verify",
            Self::Discard { .. } => "discard",
        }
    }
}
