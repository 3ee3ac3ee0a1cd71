//! The fields of all four kinds of manifest, and which of them each kind has.

use serde::Deserialize;

use super::{Content, Manifest, ManifestError, Position};
use crate::oci::descriptor::RawDescriptor;
use crate::oci::object::Object;
use crate::oci::{Annotations, Descriptor, MediaKind, MediaType};

/// A manifest as it came, before it is judged. Null is absent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body {
    schema_version: Option<serde_json::Number>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Object<RawDescriptor>>,
    layers: Option<Vec<Object<RawDescriptor>>>,
    manifests: Option<Vec<Object<RawDescriptor>>>,
    subject: Option<Object<RawDescriptor>>,
    annotations: Option<Annotations>,
}

/// Reads the fields that matter, of the right JSON types.
pub(super) fn parse(text: &str) -> Result<Body, ManifestError> {
    Ok(serde_json::from_str::<Object<Body>>(text)?.0)
}

impl Body {
    pub(super) fn into_manifest(self, bytes: &[u8], declared: Option<&MediaType>) -> Result<Manifest, ManifestError> {
        let own_type = media_type("mediaType", self.media_type.as_deref())?;
        let types = [own_type.as_ref(), declared];
        let version = self.schema_version.as_ref().and_then(serde_json::Number::as_u64);
        if version == Some(1) || types.into_iter().flatten().any(MediaType::is_docker_schema1) {
            return Err(ManifestError::DockerSchema1);
        }
        let decided = self.decide(own_type, declared)?;
        let artifact_type = media_type("artifactType", self.artifact_type.as_deref())?;
        let content = content(&decided, self.config, self.layers, self.manifests)?;
        if version != Some(2) {
            return Err(ManifestError::SchemaVersion);
        }
        Ok(Manifest {
            bytes: bytes.to_vec(),
            media_type: decided,
            artifact_type,
            subject: self.subject.map(|raw| descriptor(Position::Subject, raw)).transpose()?,
            annotations: self.annotations.unwrap_or_default(),
            content,
        })
    }

    /// The media type of the whole.
    fn decide(&self, body: Option<MediaType>, declared: Option<&MediaType>) -> Result<MediaType, ManifestError> {
        match (body, declared.cloned()) {
            (Some(body), Some(declared)) if body != declared => {
                Err(ManifestError::MediaTypeMismatch { declared, body })
            }
            (Some(media_type), _) | (None, Some(media_type)) => Ok(media_type),
            (None, None) if self.config.is_some() || self.layers.is_some() => Ok(MediaType::OCI_MANIFEST),
            (None, None) if self.manifests.is_some() => Ok(MediaType::OCI_INDEX),
            (None, None) => Err(ManifestError::UnknownShape),
        }
    }
}

/// What a manifest of this type is made of. A field of the other shape is refused, not ignored (CVE-2021-41190).
fn content(
    media_type: &MediaType,
    config: Option<Object<RawDescriptor>>,
    layers: Option<Vec<Object<RawDescriptor>>>,
    manifests: Option<Vec<Object<RawDescriptor>>>,
) -> Result<Content, ManifestError> {
    let missing = |field| ManifestError::Missing { media_type: media_type.clone(), field };
    let ambiguous = |field| Err(ManifestError::Ambiguous { media_type: media_type.clone(), field });
    match media_type.kind() {
        MediaKind::OciManifest | MediaKind::DockerManifest => {
            if manifests.is_some() {
                return ambiguous("manifests");
            }
            let config = descriptor(Position::Config, config.ok_or_else(|| missing("config"))?)?;
            let layers = descriptors(Position::Layer, layers.ok_or_else(|| missing("layers"))?)?;
            Ok(Content::Image { config: Box::new(config), layers })
        }
        MediaKind::OciIndex | MediaKind::DockerList => {
            if layers.is_some() {
                return ambiguous("layers");
            }
            if config.is_some() {
                return ambiguous("config");
            }
            let manifests = descriptors(Position::Manifest, manifests.ok_or_else(|| missing("manifests"))?)?;
            Ok(Content::Index { manifests })
        }
        MediaKind::Other => Err(ManifestError::UnsupportedMediaType(media_type.clone())),
    }
}

fn descriptors(
    position: fn(usize) -> Position,
    list: Vec<Object<RawDescriptor>>,
) -> Result<Vec<Descriptor>, ManifestError> {
    list.into_iter().enumerate().map(|(index, raw)| descriptor(position(index), raw)).collect()
}

fn descriptor(position: Position, raw: Object<RawDescriptor>) -> Result<Descriptor, ManifestError> {
    raw.try_into().map_err(|source| ManifestError::Descriptor { position, source })
}

/// An empty media type is an absent one: the specification says "empty or missing".
fn media_type(field: &'static str, text: Option<&str>) -> Result<Option<MediaType>, ManifestError> {
    let parsed = text.filter(|text| !text.is_empty()).map(str::parse).transpose();
    parsed.map_err(|source| ManifestError::MediaType { field, source })
}
