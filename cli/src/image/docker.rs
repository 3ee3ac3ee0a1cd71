//! What `docker save` writes: `manifest.json`, a configuration and layers, which are plain archives. Its manifest is made
//! here, the same for the same image.

use std::collections::BTreeSet;
use std::io::Read;

use serde::{Deserialize, Serialize};
use shared::oci::{Algorithm, Descriptor, Digest, Digester, MediaType};

use super::files::{Files, Region};
use super::{Choice, Image, ImageError, LocalBlob, LocalManifest, chosen};

/// The file that names the images.
pub(crate) const MANIFEST_FILE: &str = "manifest.json";

/// Bytes hashed at a time.
const PIECE: usize = 256 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

#[derive(Deserialize)]
struct Config {
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<Digest>,
}

/// An OCI manifest, in the order in which it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    schema_version: u64,
    media_type: MediaType,
    config: &'a Descriptor,
    layers: &'a [Descriptor],
}

impl Saved {
    fn names(&self) -> Vec<&str> {
        self.repo_tags.iter().flatten().map(String::as_str).collect()
    }
}

/// Finds an image among those saved.
pub(super) fn open(files: &Files, choice: Choice<'_>) -> Result<Image, ImageError> {
    let saved: Vec<Saved> = json(MANIFEST_FILE, &text(files, MANIFEST_FILE)?)?;
    let saved = chosen(&saved, Saved::names, choice.name)?;
    let config_text = text(files, &saved.config)?;
    let config: Config = json(&saved.config, &config_text)?;
    if config.rootfs.diff_ids.len() != saved.layers.len() {
        return Err(ImageError::Layers);
    }
    if let Some(platform) = choice.platform.filter(|platform| !platform.admits(&config_text)) {
        return Err(ImageError::NoSuchPlatform(platform.to_string()));
    }
    let digest = Digest::of(Algorithm::Sha256, &config_text);
    let mut found = Found { blobs: Vec::new(), seen: BTreeSet::new() };
    let config_file = find(files, &saved.config)?;
    let config_descriptor = found.add(MediaType::OCI_CONFIG, digest, config_file);
    let mut layers = Vec::new();
    for (layer, diff_id) in saved.layers.iter().zip(&config.rootfs.diff_ids) {
        let region = find(files, layer)?;
        let failed = |source| ImageError::Read { path: region.path.clone(), source };
        let (media_type, digest) = layer_of(&region, diff_id).map_err(failed)?;
        layers.push(found.add(media_type, digest, region));
    }
    let manifest =
        Written { schema_version: 2, media_type: MediaType::OCI_MANIFEST, config: &config_descriptor, layers: &layers };
    let bytes = serde_json::to_vec(&manifest);
    let bytes = bytes.map_err(|source| ImageError::Json { file: MANIFEST_FILE.to_owned(), source })?;
    let digest = Digest::of(Algorithm::Sha256, &bytes);
    let manifest = LocalManifest { digest, media_type: MediaType::OCI_MANIFEST, bytes };
    let name = saved.names().first().map(|name| (*name).to_owned());
    Ok(Image { name, blobs: found.blobs, manifests: vec![manifest] })
}

/// The blobs found so far, each once.
struct Found {
    blobs: Vec<LocalBlob>,
    seen: BTreeSet<Digest>,
}

impl Found {
    fn add(&mut self, media_type: MediaType, digest: Digest, Region { path, offset, size }: Region) -> Descriptor {
        if self.seen.insert(digest.clone()) {
            self.blobs.push(LocalBlob { digest: digest.clone(), size, path, offset });
        }
        Descriptor::new(media_type, digest, size)
    }
}

/// What a layer is, and its digest. That of a plain archive is its diff id; a registry refuses it if it is not.
fn layer_of(region: &Region, diff_id: &Digest) -> std::io::Result<(MediaType, Digest)> {
    let mut start = Vec::new();
    region.open()?.take(4).read_to_end(&mut start)?;
    match start.as_slice() {
        [0x1f, 0x8b, ..] => Ok((MediaType::OCI_LAYER_GZIP, hash(region)?)),
        [0x28, 0xb5, 0x2f, 0xfd] => Ok((MediaType::OCI_LAYER_ZSTD, hash(region)?)),
        _ => Ok((MediaType::OCI_LAYER, diff_id.clone())),
    }
}

fn hash(region: &Region) -> std::io::Result<Digest> {
    let (mut digester, mut bytes, mut piece) = (Digester::new(Algorithm::Sha256), region.open()?, vec![0; PIECE]);
    loop {
        match bytes.read(&mut piece)? {
            0 => return Ok(digester.finish()),
            count => digester.update(&piece[..count]),
        }
    }
}

fn find(files: &Files, name: &str) -> Result<Region, ImageError> {
    files.find(name).ok_or_else(|| ImageError::MissingFile(name.to_owned()))
}

fn text(files: &Files, name: &str) -> Result<Vec<u8>, ImageError> {
    files.text(name)?.ok_or_else(|| ImageError::MissingFile(name.to_owned()))
}

fn json<T: serde::de::DeserializeOwned>(name: &str, text: &[u8]) -> Result<T, ImageError> {
    serde_json::from_slice(text).map_err(|source| ImageError::Json { file: name.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::oci::Manifest;

    use super::*;

    fn save(directory: &std::path::Path, layers: &[&[u8]]) {
        let diff_ids: Vec<_> = layers.iter().map(|layer| Digest::of(Algorithm::Sha256, layer)).collect();
        let names: Vec<_> = (0..layers.len()).map(|number| format!("{number}/layer.tar")).collect();
        for (name, layer) in names.iter().zip(layers) {
            std::fs::create_dir_all(directory.join(name).parent().unwrap()).unwrap();
            std::fs::write(directory.join(name), layer).unwrap();
        }
        std::fs::write(directory.join("c.json"), json!({ "rootfs": { "diff_ids": diff_ids } }).to_string()).unwrap();
        let manifest = json!([{ "Config": "c.json", "RepoTags": ["team/app:1"], "Layers": names }]);
        std::fs::write(directory.join(MANIFEST_FILE), manifest.to_string()).unwrap();
    }

    #[test]
    fn a_saved_image_gets_a_manifest_that_a_registry_takes_the_same_each_time() {
        let directory = tempfile::tempdir().unwrap();
        save(directory.path(), &[b"plain", b"\x1f\x8bsqueezed", b"plain"]);
        let open = || Image::open(directory.path(), Choice::default()).unwrap();
        let image = open();
        let manifest = Manifest::parse(&image.manifests[0].bytes, None).unwrap();
        let types: Vec<_> = manifest.layers().iter().map(|layer| &layer.media_type).collect();
        assert_eq!(types, [&MediaType::OCI_LAYER, &MediaType::OCI_LAYER_GZIP, &MediaType::OCI_LAYER]);
        assert_eq!(manifest.layers()[1].digest, Digest::of(Algorithm::Sha256, b"\x1f\x8bsqueezed"));
        assert_eq!((image.blobs.len(), image.name.as_deref()), (3, Some("team/app:1")));
        assert_eq!(open().manifests, image.manifests);
    }

    #[test]
    fn a_configuration_must_go_with_its_layers() {
        let directory = tempfile::tempdir().unwrap();
        save(directory.path(), &[b"one"]);
        let manifest = r#"[{"Config":"c.json","RepoTags":null,"Layers":[]}]"#;
        std::fs::write(directory.path().join(MANIFEST_FILE), manifest).unwrap();
        assert!(matches!(Image::open(directory.path(), Choice::default()), Err(ImageError::Layers)));
        std::fs::remove_file(directory.path().join("c.json")).unwrap();
        assert!(matches!(Image::open(directory.path(), Choice::default()), Err(ImageError::MissingFile(_))));
    }
}
