//! OCI image layouts: `oci-layout`, `index.json`, and `blobs/<algorithm>/<hex>`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use shared::oci::{Annotations, Descriptor, Digest, Manifest, MediaKind, MediaType};

use super::files::Files;
use super::{Choice, Image, ImageError, LocalManifest, Platform, chosen, local};

/// The file that says which layout it is.
pub(crate) const LAYOUT_FILE: &str = "oci-layout";
/// What it says.
pub(crate) const LAYOUT_VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
/// The file that names the images.
pub(crate) const INDEX_FILE: &str = "index.json";
/// The annotation that holds an image's tag.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The annotation that holds an image's whole name; docker and containerd go by it.
pub(crate) const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// How deep indexes may be nested.
const DEEPEST: usize = 4;

/// The images of a layout; other fields are kept as they are.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LayoutIndex {
    schema_version: u64,
    #[serde(default = "oci_index")]
    media_type: MediaType,
    /// Each image.
    pub(crate) manifests: Vec<NamedManifest>,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

/// An image of a layout: as a descriptor, whose other fields are kept as they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NamedManifest {
    /// What it is.
    pub(crate) media_type: MediaType,
    /// Its digest.
    pub(crate) digest: Digest,
    /// Its size.
    pub(crate) size: u64,
    /// Its names, among others.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub(crate) annotations: Annotations,
    /// The rest.
    #[serde(flatten)]
    pub(crate) rest: serde_json::Map<String, serde_json::Value>,
}

impl LayoutIndex {
    /// Of no images.
    pub(crate) fn empty() -> Self {
        Self {
            schema_version: 2,
            media_type: MediaType::OCI_INDEX,
            manifests: Vec::new(),
            rest: serde_json::Map::new(),
        }
    }
}

impl NamedManifest {
    /// Without a name.
    pub(crate) fn new(descriptor: &Descriptor) -> Self {
        Self {
            media_type: descriptor.media_type.clone(),
            digest: descriptor.digest.clone(),
            size: descriptor.size,
            annotations: Annotations::new(),
            rest: serde_json::Map::new(),
        }
    }

    /// Whether the other one is not to be kept beside this one: it has the same whole name, or none and the same digest.
    pub(crate) fn replaces(&self, other: &Self) -> bool {
        let name = self.annotations.get(CONTAINERD_NAME);
        name == other.annotations.get(CONTAINERD_NAME) && (name.is_some() || self.digest == other.digest)
    }

    fn names(&self) -> Vec<&str> {
        [CONTAINERD_NAME, REF_NAME]
            .into_iter()
            .filter_map(|key| self.annotations.get(key))
            .map(String::as_str)
            .collect()
    }
}

fn oci_index() -> MediaType {
    MediaType::OCI_INDEX
}

/// The name of a blob's file.
pub(crate) fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

/// Finds an image in a layout.
pub(super) fn open(files: &Files, choice: Choice<'_>) -> Result<Image, ImageError> {
    let text = files.text(INDEX_FILE)?.unwrap_or_default();
    let index: LayoutIndex =
        serde_json::from_slice(&text).map_err(|source| ImageError::Json { file: INDEX_FILE.to_owned(), source })?;
    let named = chosen(&index.manifests, NamedManifest::names, choice.name)?;
    let mut descriptor = Descriptor::new(named.media_type.clone(), named.digest.clone(), named.size);
    if let Some(platform) = choice.platform {
        descriptor = for_platform(files, descriptor, platform)?;
    }
    let mut walk = Walk { files, seen: BTreeSet::new(), blobs: Vec::new(), manifests: Vec::new() };
    walk.manifest(&descriptor, 0)?;
    let name = named.names().first().map(|name| (*name).to_owned());
    Ok(Image { name, blobs: walk.blobs, manifests: walk.manifests })
}

/// What an index has for a platform; an image that is none of an index is taken for what is wanted.
fn for_platform(files: &Files, root: Descriptor, platform: &Platform) -> Result<Descriptor, ImageError> {
    let manifest = manifest(files, &root)?;
    match manifest.kind() {
        MediaKind::OciIndex | MediaKind::DockerList => {
            let child = platform.child(manifest.bytes(), &manifest.manifests());
            child.ok_or_else(|| ImageError::NoSuchPlatform(platform.to_string()))
        }
        MediaKind::OciManifest | MediaKind::DockerManifest | MediaKind::Other => Ok(root),
    }
}

fn manifest(files: &Files, descriptor: &Descriptor) -> Result<Manifest, ImageError> {
    let digest = &descriptor.digest;
    let bytes = files.text(&blob_path(digest))?.ok_or_else(|| ImageError::Missing(digest.clone()))?;
    if Digest::of(digest.algorithm(), &bytes) != *digest {
        return Err(ImageError::Changed(digest.clone()));
    }
    let parsed = Manifest::parse(&bytes, Some(&descriptor.media_type));
    parsed.map_err(|source| ImageError::Manifest { digest: digest.clone(), source })
}

/// A walk through manifests, children first.
struct Walk<'a> {
    files: &'a Files,
    seen: BTreeSet<Digest>,
    blobs: Vec<super::LocalBlob>,
    manifests: Vec<LocalManifest>,
}

impl Walk<'_> {
    fn manifest(&mut self, descriptor: &Descriptor, depth: usize) -> Result<(), ImageError> {
        if !self.seen.insert(descriptor.digest.clone()) {
            return Ok(());
        }
        if depth > DEEPEST {
            return Err(ImageError::TooDeep);
        }
        let manifest = manifest(self.files, descriptor)?;
        for child in manifest.manifests() {
            match child.media_type.kind() {
                MediaKind::Other => self.blob(child)?,
                MediaKind::OciManifest | MediaKind::DockerManifest | MediaKind::OciIndex | MediaKind::DockerList => {
                    self.manifest(child, depth + 1)?;
                }
            }
        }
        for blob in manifest.blobs() {
            self.blob(blob)?;
        }
        let (digest, media_type) = (descriptor.digest.clone(), manifest.media_type().clone());
        self.manifests.push(LocalManifest { digest, media_type, bytes: manifest.into_bytes() });
        Ok(())
    }

    fn blob(&mut self, descriptor: &Descriptor) -> Result<(), ImageError> {
        if self.seen.insert(descriptor.digest.clone()) {
            self.blobs.push(local(self.files, &blob_path(&descriptor.digest), descriptor)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;
    use shared::oci::Algorithm;

    use super::*;

    fn put(directory: &Path, media_type: &MediaType, bytes: &[u8]) -> Descriptor {
        let digest = Digest::of(Algorithm::Sha256, bytes);
        let path = directory.join(blob_path(&digest));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        Descriptor::new(media_type.clone(), digest, bytes.len() as u64)
    }

    fn image(directory: &Path, layer: &[u8]) -> Descriptor {
        let config = put(directory, &MediaType::OCI_CONFIG, b"{}");
        let layer = put(directory, &MediaType::OCI_LAYER, layer);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MediaType::OCI_MANIFEST, "config": config, "layers": [layer, layer],
        });
        put(directory, &MediaType::OCI_MANIFEST, manifest.to_string().as_bytes())
    }

    fn named(directory: &Path, images: &[(&str, &Descriptor)]) {
        let manifests: Vec<_> = images
            .iter()
            .map(|(name, image)| {
                let mut image = json!(image);
                image["annotations"] = json!({ REF_NAME: name });
                image
            })
            .collect();
        let index = json!({ "schemaVersion": 2, "manifests": manifests });
        std::fs::write(directory.join(INDEX_FILE), index.to_string()).unwrap();
    }

    #[test]
    fn an_index_comes_after_its_children_and_each_blob_once() {
        let directory = tempfile::tempdir().unwrap();
        let children = [image(directory.path(), b"one"), image(directory.path(), b"two")];
        let index = json!({ "schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": children });
        let index = put(directory.path(), &MediaType::OCI_INDEX, index.to_string().as_bytes());
        named(directory.path(), &[("1", &index)]);
        let found = Image::open(directory.path(), Choice::default()).unwrap();
        let order: Vec<_> = found.manifests.iter().map(|manifest| &manifest.digest).collect();
        assert_eq!(order, [&children[0].digest, &children[1].digest, &index.digest]);
        assert_eq!((found.blobs.len(), found.name.as_deref()), (3, Some("1")));
    }

    #[test]
    fn of_several_images_one_has_to_be_named() {
        let directory = tempfile::tempdir().unwrap();
        let images = [image(directory.path(), b"one"), image(directory.path(), b"two")];
        named(directory.path(), &[("a", &images[0]), ("b", &images[1])]);
        let open = |name| Image::open(directory.path(), Choice { name, platform: None });
        assert_eq!(
            open(None).unwrap_err().to_string(),
            "there is not one image here but these: a, b; --image NAME chooses one"
        );
        assert!(matches!(open(Some("c")), Err(ImageError::NoSuchImage { .. })));
        assert_eq!(open(Some("b")).unwrap().manifests[0].digest, images[1].digest);
    }

    #[test]
    fn what_is_missing_or_changed_is_named_before_anything_is_pushed() {
        let directory = tempfile::tempdir().unwrap();
        let image = image(directory.path(), b"layer");
        named(directory.path(), &[("1", &image)]);
        let open = || Image::open(directory.path(), Choice::default());
        let layer = directory.path().join(blob_path(&Digest::of(Algorithm::Sha256, b"layer")));
        std::fs::write(&layer, b"longer than it was").unwrap();
        assert!(matches!(open(), Err(ImageError::Changed(_))));
        std::fs::remove_file(&layer).unwrap();
        assert!(matches!(open(), Err(ImageError::Missing(_))));
        std::fs::write(directory.path().join(blob_path(&image.digest)), b"{}").unwrap();
        assert!(matches!(open(), Err(ImageError::Changed(digest)) if digest == image.digest));
    }
}
