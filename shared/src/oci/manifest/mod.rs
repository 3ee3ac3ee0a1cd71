//! Manifests: what is pushed by tag or digest, and names everything else.

mod body;
mod error;
mod strict;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::{Annotations, Descriptor, Digest, MediaKind, MediaType};

pub use error::{ManifestError, Position};

/// A manifest that was checked, with the bytes that were received: they, not a rendering of them, are what its digest names.
///
/// One of the four kinds; never [`MediaKind::Other`]. What it names is well-formed, and not yet known to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    bytes: Vec<u8>,
    media_type: MediaType,
    artifact_type: Option<MediaType>,
    subject: Option<Descriptor>,
    annotations: Annotations,
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Image { config: Box<Descriptor>, layers: Vec<Descriptor> },
    Index { manifests: Vec<Descriptor> },
}

impl Manifest {
    /// The largest manifest, in bytes: the least that the specification asks registries to accept.
    pub const MAX_BYTES: usize = 4 << 20;
    /// The deepest nesting of objects and arrays.
    pub const MAX_DEPTH: usize = 64;
    /// The longest list of layers or manifests.
    pub const MAX_DESCRIPTORS: usize = 10_000;

    /// Reads a manifest that came with the `Content-Type` `declared`, if any.
    ///
    /// The body's own `mediaType` decides what it is, and must be the declared one if both are there; with neither, the shape
    /// decides between an OCI image and an OCI index. What is ambiguous is refused: see [`ManifestError`]. Keys are compared
    /// exactly; Go's readers, which ignore case, may take `Layers` for `layers`. Of 4 MiB that are all annotations, reading
    /// takes about 60 MB.
    pub fn parse(bytes: &[u8], declared: Option<&MediaType>) -> Result<Self, ManifestError> {
        let text = strict::check(bytes)?;
        body::parse(text)?.into_manifest(bytes, declared)
    }

    /// The bytes as received.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes as received, kept.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What to serve it as.
    #[must_use]
    pub fn media_type(&self) -> &MediaType {
        &self.media_type
    }

    /// The kind of its media type, never [`MediaKind::Other`].
    #[must_use]
    pub fn kind(&self) -> MediaKind {
        self.media_type.kind()
    }

    /// What its referrers entry says: `artifactType`, for an image falling back to the media type of its configuration.
    #[must_use]
    pub fn artifact_type(&self) -> Option<&MediaType> {
        self.artifact_type.as_ref().or(self.config().map(|config| &config.media_type))
    }

    /// The manifest that this one is about. It need not exist.
    #[must_use]
    pub fn subject(&self) -> Option<&Descriptor> {
        self.subject.as_ref()
    }

    /// Its own annotations.
    #[must_use]
    pub fn annotations(&self) -> &Annotations {
        &self.annotations
    }

    /// The configuration of an image.
    #[must_use]
    pub fn config(&self) -> Option<&Descriptor> {
        match &self.content {
            Content::Image { config, .. } => Some(config),
            Content::Index { .. } => None,
        }
    }

    /// The layers of an image in their order, foreign and repeated ones included.
    #[must_use]
    pub fn layers(&self) -> &[Descriptor] {
        match &self.content {
            Content::Image { layers, .. } => layers,
            Content::Index { .. } => &[],
        }
    }

    /// The blobs that must exist: configuration and layers, less the foreign ones, each digest once.
    #[must_use]
    pub fn blobs(&self) -> Vec<&Descriptor> {
        let layers = self.layers().iter().filter(|layer| !layer.media_type.is_foreign_layer());
        once_each(self.config().into_iter().chain(layers))
    }

    /// The foreign layers, each digest once: they need not exist, yet a client may have pushed them all the same.
    #[must_use]
    pub fn foreign_layers(&self) -> Vec<&Descriptor> {
        once_each(self.layers().iter().filter(|layer| layer.media_type.is_foreign_layer()))
    }

    /// The children of an index, each digest once.
    ///
    /// A child's media type may be [`MediaKind::Other`]: `BuildKit` writes its cache as an index of blobs.
    #[must_use]
    pub fn manifests(&self) -> Vec<&Descriptor> {
        match &self.content {
            Content::Image { .. } => Vec::new(),
            Content::Index { manifests } => once_each(manifests),
        }
    }

    /// The descriptor of this manifest, under the `digest` of its bytes, as the referrers API lists it.
    #[must_use]
    pub fn descriptor(&self, digest: Digest) -> Descriptor {
        Descriptor {
            media_type: self.media_type.clone(),
            digest,
            size: self.bytes.len() as u64,
            artifact_type: self.artifact_type().cloned(),
            annotations: self.annotations.clone(),
        }
    }
}

/// The descriptors in their order, only the first of each digest.
fn once_each<'a>(descriptors: impl IntoIterator<Item = &'a Descriptor>) -> Vec<&'a Descriptor> {
    let mut seen = BTreeSet::new();
    descriptors.into_iter().filter(|descriptor| seen.insert(&descriptor.digest)).collect()
}
