//! What is told of an import: what became of each thing, what is wrong, and what it all comes to.

use serde::Serialize;

use crate::metadata;
use crate::oci::{Digest, ParseDigestError, RepositoryName, Tag};
use crate::registry::Error;
use crate::storage::{self, ParsePathError};

/// Something that happened, or that would happen if it were not only looked.
#[derive(Debug)]
pub enum ImportEvent {
    /// A repository is begun.
    Repository(RepositoryName),
    /// A repository has a blob.
    Blob {
        /// The repository.
        repository: RepositoryName,
        /// The blob.
        digest: Digest,
        /// How it came to have it.
        fate: BlobFate,
    },
    /// A repository has a manifest.
    Manifest {
        /// The repository.
        repository: RepositoryName,
        /// The manifest.
        digest: Digest,
        /// How it came to have it.
        fate: ManifestFate,
    },
    /// A tag was looked at.
    Tag {
        /// The repository.
        repository: RepositoryName,
        /// The tag.
        tag: Tag,
        /// What the source has it name.
        digest: Digest,
        /// What became of it.
        fate: TagFate,
    },
    /// A repository's links to blobs that none of its manifests names were left out.
    Skipped {
        /// The repository.
        repository: RepositoryName,
        /// How many.
        layers: u64,
    },
    /// Something was left out because it is wrong.
    Problem(ImportProblem),
}

/// How a repository came to have a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobFate {
    /// It had it.
    Present,
    /// The registry had it: now the repository links it too.
    Linked,
    /// It is read from where it lies, in a bucket of the ring.
    Adopted {
        /// How many bytes it has.
        size: u64,
    },
    /// It was copied to its home.
    Copied {
        /// How many bytes it has.
        size: u64,
    },
}

/// How a repository came to have a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestFate {
    /// It had it.
    Present,
    /// It was published.
    Published,
}

/// What became of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagFate {
    /// It named that already.
    Present,
    /// It names it now.
    Set,
    /// It names something else, and goes on to.
    Kept(Digest),
}

/// Something that was left out.
#[derive(Debug)]
pub struct ImportProblem {
    /// Of which repository.
    pub repository: RepositoryName,
    /// What.
    pub item: ImportItem,
    /// Why.
    pub fault: ImportFault,
}

/// What a problem is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportItem {
    /// A blob.
    Blob(Digest),
    /// A manifest.
    Manifest(Digest),
    /// A tag.
    Tag(Tag),
}

/// What is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum ImportFault {
    /// It is in none of the sources.
    #[error("it is in none of the sources")]
    Missing,
    /// What it needs was left out, or was never there.
    #[error("what it names is not there: {}", listed(.0))]
    Incomplete(Vec<Digest>),
    /// The content of a tag's link is no digest.
    #[error("its link holds no digest")]
    Link(#[from] ParseDigestError),
    /// What the tag names is not imported.
    #[error("the manifest that it names is not there: {0}")]
    Dangling(Digest),
    /// The registry does not take it as it is.
    #[error(transparent)]
    Refused(Error),
}

/// As many digests as a line takes.
fn listed(digests: &[Digest]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<_> = digests.iter().take(SHOWN).map(Digest::as_str).collect();
    match digests.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

impl ImportFault {
    /// Whether it says nothing of the thing that was looked at, but that nothing can be done at present.
    pub(super) fn into_outage(self) -> Result<Error, Self> {
        match self {
            Self::Refused(
                error @ (Error::Metadata(_)
                | Error::BucketUnknown(_)
                | Error::Storage(storage::Error::Throttled(_) | storage::Error::Unavailable(_))),
            ) => Ok(error),
            fault => Err(fault),
        }
    }
}

impl From<Error> for ImportFault {
    fn from(error: Error) -> Self {
        match error {
            Error::Storage(storage::Error::NotFound(_)) => Self::Missing,
            Error::ManifestBlobUnknown { missing } => Self::Incomplete(missing),
            error => Self::Refused(error),
        }
    }
}

impl From<storage::Error> for ImportFault {
    fn from(error: storage::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<metadata::Error> for ImportFault {
    fn from(error: metadata::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<ParsePathError> for ImportFault {
    fn from(error: ParsePathError) -> Self {
        storage::Error::from(error).into()
    }
}

/// What an import came to. A blob counts once for each repository that has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportSums {
    /// Repositories looked into.
    pub repositories: u64,
    /// Manifests that were published.
    pub manifests_published: u64,
    /// Manifests that were there.
    pub manifests_present: u64,
    /// Tags that were set.
    pub tags_set: u64,
    /// Tags that named the same.
    pub tags_present: u64,
    /// Tags that name something else, and were left alone.
    pub tags_kept: u64,
    /// Blobs that are read from where they lie.
    pub blobs_adopted: u64,
    /// Blobs that were copied.
    pub blobs_copied: u64,
    /// Blobs that the registry had for another repository.
    pub blobs_linked: u64,
    /// Blobs that were there.
    pub blobs_present: u64,
    /// The sizes of those that are read from where they lie.
    pub bytes_adopted: u64,
    /// The sizes of those that were copied.
    pub bytes_copied: u64,
    /// Links to blobs that no manifest names, which were left out.
    pub layers_skipped: u64,
    /// Everything else that was left out.
    pub problems: u64,
}

impl ImportSums {
    /// Whether the sources had nothing at all.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn add(&mut self, event: &ImportEvent) {
        let (count, number) = match event {
            ImportEvent::Repository(_) => (&mut self.repositories, 1),
            ImportEvent::Blob { fate, .. } => {
                match fate {
                    BlobFate::Adopted { size } => self.bytes_adopted += size,
                    BlobFate::Copied { size } => self.bytes_copied += size,
                    BlobFate::Present | BlobFate::Linked => {}
                }
                (self.blobs(*fate), 1)
            }
            ImportEvent::Manifest { fate: ManifestFate::Present, .. } => (&mut self.manifests_present, 1),
            ImportEvent::Manifest { fate: ManifestFate::Published, .. } => (&mut self.manifests_published, 1),
            ImportEvent::Tag { fate: TagFate::Present, .. } => (&mut self.tags_present, 1),
            ImportEvent::Tag { fate: TagFate::Set, .. } => (&mut self.tags_set, 1),
            ImportEvent::Tag { fate: TagFate::Kept(_), .. } => (&mut self.tags_kept, 1),
            ImportEvent::Skipped { layers, .. } => (&mut self.layers_skipped, *layers),
            ImportEvent::Problem(_) => (&mut self.problems, 1),
        };
        *count += number;
    }

    fn blobs(&mut self, fate: BlobFate) -> &mut u64 {
        match fate {
            BlobFate::Present => &mut self.blobs_present,
            BlobFate::Linked => &mut self.blobs_linked,
            BlobFate::Adopted { .. } => &mut self.blobs_adopted,
            BlobFate::Copied { .. } => &mut self.blobs_copied,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_badly_is_told_apart_from_a_store_that_does_not_answer() {
        let down = || -> storage::Source { "down".into() };
        for outage in [storage::Error::Unavailable(down()), storage::Error::Throttled(down())] {
            assert!(ImportFault::from(outage).into_outage().is_ok());
        }
        assert!(ImportFault::from(metadata::Error::Contended).into_outage().is_ok());
        let path = "a".parse().unwrap();
        for fault in [storage::Error::Failed(down()), storage::Error::Denied(down()), storage::Error::NotFound(path)] {
            assert!(ImportFault::from(fault).into_outage().is_err());
        }
    }

    #[test]
    fn a_fault_names_a_few_of_what_is_missing() {
        let digests: Vec<_> = (0..5).map(|number: u8| Digest::of(crate::oci::Algorithm::Sha256, &[number])).collect();
        assert!(ImportFault::Incomplete(digests.clone()).to_string().ends_with(" and 2 more"));
        assert!(ImportFault::Incomplete(digests[..3].to_vec()).to_string().ends_with(digests[2].as_str()));
    }
}
