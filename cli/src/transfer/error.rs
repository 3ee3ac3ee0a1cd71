//! Why an image was not transferred.

use std::path::PathBuf;

use shared::oci::{Digest, ManifestError, ParseTagError};

use crate::image::{ImageError, ParseImageNameError};
use crate::remote::RemoteError;

/// Why an image was not transferred.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
    /// The source cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The registry did not do its part.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Nothing says where to push.
    #[error("the source does not say what its image is called: push it as HOST/REPOSITORY:TAG")]
    Nameless,
    /// What the source calls its image is no name that could be pushed to.
    #[error("the source calls its image {name:?}: push it as HOST/REPOSITORY:TAG")]
    Name {
        /// What it is called.
        name: String,
        /// Why that is no name.
        source: ParseImageNameError,
    },
    /// The name has a digest which the image does not have.
    #[error("the image's digest is {found}, not {wanted}")]
    OtherDigest {
        /// What was asked for.
        wanted: Digest,
        /// What the image has.
        found: Digest,
    },
    /// The tag that is meant is none.
    #[error(transparent)]
    Tag(#[from] ParseTagError),
    /// The host is none.
    #[error("the registry's host is none")]
    Registry(#[source] url::ParseError),
    /// The token cannot be sent.
    #[error("--token: a token is a word of visible characters")]
    Token,
    /// The log's filter is none.
    #[error("--log")]
    Log(#[source] tracing_subscriber::filter::ParseError),
    /// Interrupts cannot be received.
    #[error("interrupts cannot be received")]
    Signal(#[source] std::io::Error),
    /// The target says nothing of its format.
    #[error("{} ends neither with / nor with .tar: --format says what to write", .0.display())]
    Format(PathBuf),
    /// The directory has other things in it.
    #[error("{} has files in it, and is no OCI image layout", .0.display())]
    NoLayout(PathBuf),
    /// A file cannot be written.
    #[error("{} cannot be written", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The layout's index is not the JSON that it should be.
    #[error("{} is no index of an OCI image layout", .path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A manifest that came is none.
    #[error("the manifest {digest} cannot be used")]
    Manifest {
        /// Its digest.
        digest: Digest,
        /// What is wrong.
        source: ManifestError,
    },
    /// The index has nothing for the platform.
    #[error("the image is not there for {0}")]
    NoSuchPlatform(String),
    /// The format holds one platform only.
    #[error(
        "the image is for several platforms, of which a docker archive holds one: --platform OS/ARCHITECTURE chooses"
    )]
    SeveralPlatforms,
    /// Indexes in indexes in indexes, and so on.
    #[error("the image's indexes are nested too deep")]
    TooDeep,
    /// The bytes that came are not those that were asked for. They are thrown away.
    #[error("what came as {0} has another digest")]
    Corrupt(Digest),
}

impl TransferError {
    /// A file cannot be written, or read again.
    pub(super) fn write(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        |source| Self::Write { path: path.to_owned(), source }
    }
}
