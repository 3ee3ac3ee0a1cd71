//! Why an image cannot be read.

use std::path::PathBuf;

use shared::oci::{Digest, ManifestError};

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageError {
    /// A file cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The archive is compressed: it can only be read from its start.
    #[error("{} is compressed; unpack it first, as with `gunzip`", .0.display())]
    Compressed(PathBuf),
    /// There is neither a layout nor what docker writes.
    #[error("{} is neither an OCI image layout nor what `docker save` writes", .0.display())]
    NoImage(PathBuf),
    /// A file that describes the image is too large.
    #[error("{0} is too large to describe an image")]
    TooLarge(String),
    /// A file that describes the image is not the JSON that it should be.
    #[error("{file} is not what it should be")]
    Json {
        /// Its name in the source.
        file: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// There are several images, and none was named.
    #[error("there is not one image here but these: {names}; --image NAME chooses one")]
    WhichImage {
        /// What they are called.
        names: String,
    },
    /// There is no image of this name.
    #[error("there is no image {wanted:?} here but these: {names}")]
    NoSuchImage {
        /// The name.
        wanted: String,
        /// The names that there are.
        names: String,
    },
    /// The image is for no platform, or not for this one.
    #[error("there is no image for {0} here")]
    NoSuchPlatform(String),
    /// A manifest is none.
    #[error("the manifest {digest} cannot be used")]
    Manifest {
        /// Its digest.
        digest: Digest,
        /// What is wrong.
        source: ManifestError,
    },
    /// Manifests that name manifests that name manifests, and so on.
    #[error("the image's indexes are nested too deep")]
    TooDeep,
    /// Something that the image needs is not there.
    #[error("{0} is missing; where only some platforms of an index were saved, --platform OS/ARCHITECTURE chooses one")]
    Missing(Digest),
    /// A file of `docker save` is not there.
    #[error("{0:?} is missing in the archive")]
    MissingFile(String),
    /// Content has another size or other bytes than its digest says.
    #[error("{0} has other bytes than its digest says")]
    Changed(Digest),
    /// The configuration lists more layers than there are, or fewer.
    #[error("the image's configuration does not go with its layers")]
    Layers,
}
