//! What can go wrong with bytes, as outcomes a caller can act on. A driver sorts its store's errors into these once,
//! and keeps the store's own error as the source.

use super::path::{ObjectPath, ParsePathError};
use crate::causes::Causes;

/// The outcome of a storage call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A store's own error.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a storage call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing lies at the path.
    #[error("nothing lies at {0}")]
    NotFound(ObjectPath),
    /// Something lies at the path, and the call wanted to be the first.
    #[error("something lies at {0} already")]
    AlreadyExists(ObjectPath),
    /// The offset lies past the end of the object.
    #[error("the offset lies past the end of {path}, which has {size} bytes")]
    OutOfRange {
        /// The object.
        path: ObjectPath,
        /// How many bytes it has.
        size: u64,
    },
    /// The object is larger than the caller is ready to hold.
    #[error("{path} is larger than the {limit} bytes asked for")]
    TooLarge {
        /// The object.
        path: ObjectPath,
        /// The most that the caller would hold.
        limit: u64,
    },
    /// The checkpoint's writer was committed or cancelled, or its bytes are gone.
    #[error("the checkpoint of a writer for {0} can no longer be resumed")]
    CheckpointGone(ObjectPath),
    /// A text is no path.
    #[error(transparent)]
    InvalidPath(#[from] ParsePathError),
    /// The store asks for fewer requests.
    #[error("the store is throttling")]
    Throttled(#[source] Source),
    /// The store cannot be reached, or answers that it cannot serve now.
    #[error("the store is unavailable")]
    Unavailable(#[source] Source),
    /// The store refuses these credentials, or this operation to them.
    #[error("the store refuses access")]
    Denied(#[source] Source),
    /// The call failed in a way that trying again will not mend.
    #[error("the storage call failed")]
    Failed(#[source] Source),
}

impl Error {
    /// Whether another bucket might have taken what this one did not.
    #[must_use]
    pub fn is_of_the_bucket(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Throttled(_) | Self::Denied(_))
    }

    /// Whether nothing may lie where the call looked. S3 denies an absent object to a caller that may not list the bucket,
    /// as no function on AWS may.
    #[must_use]
    pub fn may_mean_absent(&self) -> bool {
        if let Self::Denied(_) = self {
            tracing::warn!(error = %Causes(self), "a refused object is taken for an absent one");
        }
        matches!(self, Self::NotFound(_) | Self::Denied(_))
    }
}
