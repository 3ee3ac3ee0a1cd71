//! Why a manifest is refused.

use std::fmt;

use crate::oci::{DescriptorError, Manifest, MediaType, ParseMediaTypeError};

/// What is wrong with a manifest. The details, down to the byte or the digit, are in `source`.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// More than [`Manifest::MAX_BYTES`].
    #[error("the manifest has {0} bytes; at most {max} are allowed", max = Manifest::MAX_BYTES)]
    TooLarge(usize),
    /// A byte order mark, which JSON does not have.
    #[error("the manifest begins with a byte order mark")]
    ByteOrderMark,
    /// Not UTF-8.
    #[error("the manifest is not UTF-8")]
    NotUtf8(#[source] std::str::Utf8Error),
    /// Not one JSON document, or a field of the wrong JSON type.
    #[error("the manifest is not the JSON that it should be")]
    Json(#[from] serde_json::Error),
    /// A key that comes twice in one object: readers differ in which one they take.
    #[error("the manifest has the key {0:?} twice in one object")]
    DuplicateKey(String),
    /// Objects and arrays more than [`Manifest::MAX_DEPTH`] deep.
    #[error("the manifest is nested more than {max} deep", max = Manifest::MAX_DEPTH)]
    TooDeep,
    /// An array of more than [`Manifest::MAX_DESCRIPTORS`] elements.
    #[error("the manifest has a list of more than {max} elements", max = Manifest::MAX_DESCRIPTORS)]
    TooManyDescriptors,
    /// Docker's schema 1, by media type or by version.
    #[error("Docker manifests of schema 1 are not supported; push with a current client, which writes schema 2 or OCI")]
    DockerSchema1,
    /// A `schemaVersion` other than 2, or none.
    #[error("the schemaVersion of a manifest is 2")]
    SchemaVersion,
    /// A `mediaType` or `artifactType` that is none.
    #[error("the manifest has a malformed {field}")]
    MediaType {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: ParseMediaTypeError,
    },
    /// `Content-Type` and `mediaType` differ.
    #[error("the manifest was sent as {declared} and says of itself that it is {body}")]
    MediaTypeMismatch {
        /// The request's `Content-Type`.
        declared: MediaType,
        /// The document's `mediaType`.
        body: MediaType,
    },
    /// A media type that is none of the four kinds.
    #[error("manifests of type {0} are not supported")]
    UnsupportedMediaType(MediaType),
    /// No media type from anywhere, and neither an image's fields nor an index's.
    #[error("the manifest has no mediaType and is neither an image nor an index")]
    UnknownShape,
    /// A field that its kind requires is absent or null.
    #[error("a manifest of type {media_type} needs {field:?}")]
    Missing {
        /// The kind's media type.
        media_type: MediaType,
        /// The field.
        field: &'static str,
    },
    /// A field of the other kind: one reader would see an image where another sees an index.
    #[error("a manifest of type {media_type} has no {field:?}")]
    Ambiguous {
        /// The kind's media type.
        media_type: MediaType,
        /// The field.
        field: &'static str,
    },
    /// A descriptor that is none.
    #[error("the descriptor at {position} is not valid")]
    Descriptor {
        /// Where it stands.
        position: Position,
        /// What is wrong with it.
        source: DescriptorError,
    },
}

/// Where in a manifest a descriptor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// `config`.
    Config,
    /// `layers`, from 0.
    Layer(usize),
    /// `manifests`, from 0.
    Manifest(usize),
    /// `subject`.
    Subject,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config => f.write_str("config"),
            Self::Layer(index) => write!(f, "layers[{index}]"),
            Self::Manifest(index) => write!(f, "manifests[{index}]"),
            Self::Subject => f.write_str("subject"),
        }
    }
}
