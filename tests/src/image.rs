//! Images that a client can load and unpack: each layer is an archive of one file that does not compress.

use std::path::Path;

use bytes::Bytes;
use serde_json::{Value, json};
use shared::oci::Digest;

use crate::content::{IMAGE, INDEX, digest, image, noise};

/// The size of a block of a tar archive.
const BLOCK: usize = 512;

/// An image.
#[derive(Debug, Clone)]
pub struct Image {
    architecture: &'static str,
    config: Bytes,
    layers: Vec<Bytes>,
    manifest: Bytes,
}

impl Image {
    /// An image with a layer for each of these sizes, the same for the same seed.
    pub fn of_noise(seed: u64, sizes: &[usize]) -> Self {
        Self::for_architecture("amd64", seed, sizes)
    }

    /// An image for another machine.
    pub fn for_architecture(architecture: &'static str, seed: u64, sizes: &[usize]) -> Self {
        let seeds = (seed * 100)..;
        let layers: Vec<Bytes> =
            seeds.zip(sizes).map(|(seed, size)| tar([(format!("file-{seed}"), noise(seed, *size))])).collect();
        let config = json!({
            "architecture": architecture,
            "os": "linux",
            "created": "2001-02-03T04:05:06Z",
            "config": { "Cmd": ["/file"] },
            "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|layer| digest(layer)).collect::<Vec<_>>() },
            "history": vec![json!({ "created": "2001-02-03T04:05:06Z", "created_by": "a test" }); layers.len()],
        });
        let config = Bytes::from(config.to_string());
        Self { architecture, manifest: image(&config, &layers), config, layers }
    }

    /// The digest of its config, which is what docker calls its id.
    pub fn id(&self) -> Digest {
        digest(&self.config)
    }

    /// The digest of its manifest.
    pub fn digest(&self) -> Digest {
        digest(&self.manifest)
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Bytes {
        &self.manifest
    }

    /// Its config, and its layers, the lowest first.
    pub fn blobs(&self) -> impl Iterator<Item = &Bytes> {
        [&self.config].into_iter().chain(&self.layers)
    }

    /// Its layers' digests, the lowest first.
    pub fn layers(&self) -> Vec<Digest> {
        self.layers.iter().map(|layer| digest(layer)).collect()
    }

    /// The file that `docker load` reads.
    pub fn docker_archive(&self, name: &str) -> Bytes {
        let config = format!("{}.json", self.id().hex());
        let layers: Vec<_> = self.layers.iter().map(|layer| (format!("{}.tar", digest(layer).hex()), layer)).collect();
        let names: Vec<_> = layers.iter().map(|(name, _)| name).collect();
        let manifest = json!([{ "Config": config, "RepoTags": [name], "Layers": names }]).to_string();
        let mut files = vec![(config, self.config.clone()), ("manifest.json".to_owned(), manifest.into())];
        files.extend(layers.iter().map(|(name, layer)| (name.clone(), Bytes::clone(layer))));
        tar(files)
    }
}

/// The files of an OCI image layout.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    blobs: Vec<Bytes>,
    names: Vec<Value>,
}

impl Layout {
    /// With an image of this name.
    pub fn image(mut self, name: &str, image: &Image) -> Self {
        self.add(image);
        self.name(name, IMAGE, &image.manifest)
    }

    /// With an index of images, of this name.
    pub fn index(mut self, name: &str, images: &[Image]) -> Self {
        let mut manifests = Vec::new();
        for image in images {
            self.add(image);
            let mut child = descriptor(IMAGE, &image.manifest);
            child["platform"] = json!({ "os": "linux", "architecture": image.architecture });
            manifests.push(child);
        }
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
        let index = Bytes::from(index.to_string());
        self.blobs.push(index.clone());
        self.name(name, INDEX, &index)
    }

    /// With any manifest, of this name, and the blobs it needs.
    pub fn manifest(mut self, name: &str, manifest: &Bytes, blobs: &[Bytes]) -> Self {
        self.blobs.extend(blobs.iter().chain([manifest]).cloned());
        self.name(name, IMAGE, manifest)
    }

    /// The digests of all blobs.
    pub fn digests(&self) -> std::collections::BTreeSet<String> {
        self.blobs.iter().map(|blob| digest(blob).to_string()).collect()
    }

    /// Writes it as a directory.
    pub fn write(&self, directory: &Path) {
        for (name, bytes) in self.files() {
            let path = directory.join(name);
            std::fs::create_dir_all(path.parent().expect("it is below the directory")).expect("it can be made");
            std::fs::write(path, bytes).expect("a file can be written");
        }
    }

    /// It as one file.
    pub fn archive(&self) -> Bytes {
        tar(self.files())
    }

    fn add(&mut self, image: &Image) {
        self.blobs.extend([&image.manifest, &image.config].into_iter().chain(&image.layers).cloned());
    }

    fn name(mut self, name: &str, media_type: &str, manifest: &Bytes) -> Self {
        let mut named = descriptor(media_type, manifest);
        // containerd goes by the first, the others by the second.
        named["annotations"] = json!({ "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name });
        self.names.push(named);
        self
    }

    fn files(&self) -> Vec<(String, Bytes)> {
        let index = json!({ "schemaVersion": 2, "manifests": self.names }).to_string();
        let layout = Bytes::from_static(br#"{"imageLayoutVersion":"1.0.0"}"#);
        let mut files = vec![("oci-layout".to_owned(), layout), ("index.json".to_owned(), index.into())];
        let blobs = self.blobs.iter().map(|blob| (format!("blobs/sha256/{}", digest(blob).hex()), blob.clone()));
        files.extend(blobs);
        files
    }
}

/// A descriptor of these bytes.
pub fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
}

/// The digests of the blobs of an OCI image layout in a directory, from their bytes.
pub fn digests_in(directory: &Path) -> std::collections::BTreeSet<String> {
    let blobs = std::fs::read_dir(directory.join("blobs/sha256")).expect("there are blobs");
    let bytes = blobs.map(|blob| std::fs::read(blob.expect("an entry").path()).expect("a blob can be read"));
    bytes.map(|bytes| digest(&bytes).to_string()).collect()
}

/// A tar archive of these files.
fn tar(files: impl IntoIterator<Item = (String, Bytes)>) -> Bytes {
    let mut archive = Vec::new();
    for (name, bytes) in files {
        archive.extend(header(&name, bytes.len()));
        archive.extend_from_slice(&bytes);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    archive.resize(archive.len() + 2 * BLOCK, 0);
    archive.into()
}

/// The header of a plain file in a POSIX archive.
fn header(name: &str, size: usize) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut field = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    field(0, name);
    field(100, "0000644\0");
    field(108, "0000000\0");
    field(116, "0000000\0");
    field(124, &format!("{size:011o}\0"));
    field(136, "07226270612\0");
    field(148, "        ");
    field(156, "0");
    field(257, "ustar\x0000");
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}
